"""Rows of the benchmark of everything: what is varied around one base, and the crosses that matter."""

from dataclasses import dataclass, field, replace

from any_reads_genomes import GENOMES

ALIGNERS = ("bwa-mem", "bwa-aln", "bowtie2", "bowtie2-local", "minimap2", "hisat2", "hisat2-spliced", "snap")
MORE_ALIGNERS = ("bbmap", "gsnap", "segemehl", "smalt", "star", "subread")  # in fewer rows
QUALITIES = (
    "art",
    "flat30",
    "bins2",
    "bins4",
    "bins8",
    "recal_down",
    "recal_up",
    "q2tails",
    "ns",
    "none",
    "runs",
    "zeros",
    "minus31",
    "flow",
)
LAYOUTS = ("fr", "rf", "single")
MATES = ("paired", "unmapped", "elsewhere")
AFTER = ("no_proper", "half_proper", "unpaired", "mapq255", "mapq20", "eqx", "no_tags", "names", "hardclip")
MORE_AFTER = (
    "gaps",
    "primers_clipped",
    "overlaps_clipped",
    "twice",
    "cpg_forward",
    "cpg_own",
    "equal",
    "methylated",
    "bisulfite",
)  # of rows of their own
LONG_QUALITIES = ("none", "zeros", "flat5", "flat20", "half", "recal_down", "recal_up", "cap20", "bins7")
KINDS = ("planted", "art", "long", "na12878", "hg002", "pairs")
REGION_STARTS = (3_000_001, 6_000_001)  # chr20, 1-based: where variants are planted


@dataclass(frozen=True)
class Library:
    """How fragments come about.

    Attributes:
        insert_bp: mean fragment size; sd_bp: its spread (-1: a fifth of it).
        layout: fr (mates face in), rf (mates face out) or single.
        mates: paired, unmapped (the second read is noise) or elsewhere (it comes from the other contig).
        chimeras: share of fragments whose second part comes from another place.
        copies: how often each fragment is read, unmarked.
        amplicon_bp: size of amplicons that tile the region, all reads starting at their ends; 0: none.
        targets: coverage in peaks over targets of 170 bp, as of an exome.
        one_strand: share of reads (single end) from the forward strand.
        damage: share of C read as T at the first base of a fragment, halved every base (old DNA), and G as A at its end.
        second_insert_bp: half of the fragments are of this size, a library of its own; 0: none.
        primers_bp: so many bases at either end of an amplicon are the reference's, whatever the sample has. No
            part of the row's text, which the reads of other rows are drawn by.
        foreign: share of fragments that are another person's (any_reads_foreign.py). No part of the text either.
    """

    insert_bp: int = 400
    sd_bp: int = -1
    layout: str = "fr"
    mates: str = "paired"
    chimeras: float = 0.0
    copies: int = 1
    amplicon_bp: int = 0
    targets: bool = False
    one_strand: float = 0.5
    damage: float = 0.0
    second_insert_bp: int = 0
    primers_bp: int = field(default=0, repr=False)
    foreign: float = field(default=0.0, repr=False)

    def spread(self, mean: int) -> int:
        """Standard deviation of fragment sizes of this mean, bp."""
        return self.sd_bp if self.sd_bp >= 0 else mean // 5


@dataclass(frozen=True)
class Row:
    """One set of reads. `main` rows are called by GATK too.

    Attributes:
        trim: reads are cut to random lengths of 30 bp or more, as after quality trimming.
        indel_errors: factor on art_illumina's rates of insertions and deletions in reads; of long rows on all errors.
        after: what is done to the records after alignment.
        source: of real rows the subsampling (`samtools view -s`), of pairs rows the file, of long rows the platform.
        seed: 1 or more; another one draws other reads (`drawn` rows only). Not part of the row's text, which reads of
            seed 1 have been drawn by.
        genome: whose variants are planted, not HG002's (any_reads_genomes.py). No part of the text either.
    """

    name: str
    kind: str = "planted"
    library: Library = field(default_factory=Library)
    aligner: str = "bwa-mem"
    quality: str = "art"
    length: int = 150
    depth: float = 30.0
    trim: bool = False
    indel_errors: float = 1.0
    after: tuple[str, ...] = ()
    source: str = ""
    main: bool = False
    seed: int = field(default=1, repr=False)
    genome: str = field(default="", repr=False)

    @property
    def folder(self) -> str:
        """Name of the folder of the row's reads and calls: one for each seed."""
        return self.name if self.seed == 1 else f"{self.name}.seed{self.seed}"

    @property
    def reads_text(self) -> str:
        """What the row says of its reads and not of their records: all aligners get the same."""
        alone = repr(replace(self, name="", aligner="", after=(), main=False))
        return alone if self.seed == 1 else f"{alone} seed {self.seed}"

    @property
    def drawn(self) -> bool:
        """Whether another seed makes other reads: those of real rows are drawn only where they are thinned."""
        return self.kind in ("planted", "art", "long") or bool(self.thinning)

    @property
    def thinning(self) -> str:
        """Argument of `samtools view -s` of real rows, empty where they are whole; the seed is counted on from the row's."""
        if self.kind not in ("na12878", "hg002") or not self.source:
            return ""
        number, share = self.source.split(".")
        return f"{int(number) + self.seed - 1}.{share}"

    @property
    def platform(self) -> str:
        """What `deepcohort call --platform` is told."""
        return self.source if self.kind == "long" else "illumina"

    @property
    def span_bp(self) -> int:
        """Length of each of the two regions, so that a row costs seconds."""
        if self.kind == "long":
            return 150_000
        return int(min(150_000, max(20_000, 60_000 * 30 / self.depth)))

    @property
    def base(self) -> str:
        """Name of our own row that this one is held against: bwa mem at that depth and length."""
        if self.genome:  # so many variants are not to be held against HG002's
            return ""
        if self.quality == "flow":  # of one length, which no other row has
            return "base-300bp-30x" if self.depth == 30 else ""
        if self.kind in ("planted", "art"):
            return f"base-{self.length}bp-{self.depth:g}x"
        if self.kind == "hg002":
            return "hg002-" + self.name.split("-")[1]
        if self.kind == "na12878":
            return "na12878-" + self.name.split("-")[1]
        if self.kind == "long" and self.name.count("-") > 2:
            return f"{self.source}-{self.depth:g}x"
        return "pairs-as_aligned" if self.kind == "pairs" else ""


def base_rows() -> list[Row]:
    """bwa mem, fr, insert 400: lengths and depths alone."""
    rows = [
        # a float, as in the rows held against these: seeds come from what the row says
        Row(f"base-150bp-{depth}x", depth=float(depth), main=True)
        for depth in (1, 2, 4, 8, 15, 30, 60, 100, 200, 500)
    ]
    lengths = (36, 50, 75, 100, 250, 300)
    rows += [Row(f"base-{length}bp-30x", length=length, main=length == 100) for length in lengths]
    rows += [Row("base-100bp-8x", length=100, depth=8.0)]
    return rows


def library_rows() -> list[Row]:
    """One row for every kind of library, aligned by bwa mem."""
    kinds = {f"insert-{n}": Library(insert_bp=n) for n in (170, 250, 600, 1000, 1500, 3000)}
    kinds |= {
        "mates-out-3000": Library(insert_bp=3000, sd_bp=300, layout="rf"),
        "mates-out-1000": Library(insert_bp=1000, sd_bp=200, layout="rf"),
        "single-end": Library(layout="single"),
        "single-end-forward": Library(layout="single", one_strand=0.95),
        "mate-unmapped": Library(mates="unmapped"),
        "mate-elsewhere": Library(mates="elsewhere"),
        "chimeras-10": Library(chimeras=0.1),
        "chimeras-30": Library(chimeras=0.3),
        "long-insert-chimeras": Library(insert_bp=1500, sd_bp=500, chimeras=0.2),
        "one-length": Library(sd_bp=0),
        "mates-overlap-whole": Library(insert_bp=150, sd_bp=0),
        "adapters": Library(insert_bp=120, sd_bp=30),
        "duplicates-5": Library(copies=5),
        "duplicates-2": Library(copies=2),
        "amplicons": Library(amplicon_bp=280),
        "exome": Library(insert_bp=220, sd_bp=50, targets=True),
        "damage-20": Library(insert_bp=180, sd_bp=30, damage=0.2),
        "damage-duplicates-5": Library(insert_bp=180, sd_bp=30, damage=0.2, copies=5),
        "two-libraries": Library(second_insert_bp=3000),
    }
    main = {"insert-170", "insert-1500", "insert-3000", "mates-out-3000", "single-end", "mate-unmapped"}
    main |= {"mate-elsewhere", "chimeras-30", "mates-overlap-whole", "adapters", "duplicates-5"}
    main |= {"amplicons", "exome", "long-insert-chimeras", "damage-20"}
    rows = [Row(f"lib-{name}", library=library, main=name in main) for name, library in kinds.items()]
    rows.append(Row("lib-amplicons-200x", library=Library(amplicon_bp=280), depth=200.0))
    primers = Library(amplicon_bp=280, primers_bp=20)
    rows.append(Row("lib-primers-clipped", library=primers, depth=60.0, after=("primers_clipped",)))
    rows.append(Row("lib-duplicates-5-100x", library=Library(copies=5), depth=100.0))
    rows += [Row(f"lib-{name}", after=(name,)) for name in ("methylated", "bisulfite")]
    rows.append(Row("lib-methylated-8x", depth=8.0, after=("methylated",)))
    rows += [Row(f"lib-contaminated-{n}", library=Library(foreign=n / 100), main=n == 5) for n in (2, 5, 10)]
    return rows


def record_rows() -> list[Row]:
    """The base, its records changed after alignment."""
    rows = [Row(f"rec-{after}", after=(after,), main=after == "no_proper") for after in AFTER]
    rows.append(Row("rec-gaps", length=50, after=("gaps",)))
    rows.append(Row("rec-equal", after=("equal",)))
    short = Library(insert_bp=170)
    rows.append(Row("rec-overlaps-clipped", library=short, after=("overlaps_clipped",)))
    return [*rows, Row("rec-trimmed", trim=True), Row("rec-indel-errors-10", indel_errors=10.0)]


def genome_rows() -> list[Row]:
    """Samples whose variants are not like a person's: inbred ones, their children, wild ones."""
    return [
        Row(f"sample-{genome}-{depth}x", genome=genome, depth=float(depth))
        for genome in GENOMES
        if genome
        for depth in (30, 10)
    ]


def quality_rows() -> list[Row]:
    """Every alphabet and scale of qualities."""
    main = ("flat30", "bins4", "none", "runs")
    layout = {"runs": "single"}  # instruments that read a run of one base at once read one end
    rows = [
        Row(f"qual-{q}", quality=q, library=Library(layout=layout.get(q, "fr")), main=q in main)
        for q in QUALITIES
        if q not in ("art", "flow")
    ]
    flows = Library(layout="single")  # reads of one end, about as long as base-300bp-30x
    flow = Row("", quality="flow", library=flows, length=305, indel_errors=0.0, main=True)
    rows += [replace(flow, name=f"flow-{depth}x", depth=float(depth)) for depth in (10, 30)]
    shallow = ("flat30", "bins2", "recal_down", "recal_up")
    return rows + [Row(f"qual-{q}-8x", quality=q, depth=8.0, main=q == "flat30") for q in shallow]


def aligner_rows() -> list[Row]:
    """Aligner by insert, and every aligner at other depths and lengths."""
    rows = []
    for aligner in ALIGNERS:
        for insert in (170, 400, 600, 1500):
            if (aligner, insert) in (("bwa-mem", 400), ("bwa-mem", 170), ("bwa-mem", 600), ("bwa-mem", 1500)):
                continue
            if aligner == "hisat2-spliced" and insert != 400:
                continue
            library, main = Library(insert_bp=insert), insert == 400 or (aligner, insert) == ("bowtie2", 600)
            rows.append(Row(f"{aligner}-insert-{insert}", library=library, aligner=aligner, main=main))
        if aligner in ("bwa-mem", "hisat2-spliced"):
            continue
        rows.append(Row(f"{aligner}-8x", aligner=aligner, depth=8.0, main=aligner == "minimap2"))
        rows.append(Row(f"{aligner}-100bp", aligner=aligner, length=100))
        rows.append(Row(f"{aligner}-single", aligner=aligner, library=Library(layout="single")))
    for aligner in MORE_ALIGNERS:
        rows.append(Row(f"{aligner}-insert-400", aligner=aligner))
        rows.append(Row(f"{aligner}-8x", aligner=aligner, depth=8.0))
    rows.append(Row("bowtie2-mates-out", aligner="bowtie2", library=Library(3000, 300, "rf")))
    rows.append(Row("bowtie2-adapters", aligner="bowtie2", library=Library(120, 30)))
    rows.append(Row("bowtie2-bins4", aligner="bowtie2", quality="bins4"))
    rows.append(Row("bowtie2-250bp", aligner="bowtie2", length=250))
    rows.append(Row("minimap2-250bp", aligner="minimap2", length=250))
    rows.append(Row("minimap2-chimeras-30", aligner="minimap2", library=Library(chimeras=0.3)))
    rows.append(Row("bwa-mem-art", kind="art", main=True))
    return rows


def real_rows() -> list[Row]:
    """Real reads as they are, thinned and aligned anew, and the cases of pairs."""
    rows = []
    depths = {"35x": "", "s7.5": "7.5", "s7.33": "7.33", "s7.25": "7.25"}
    rows += [Row(f"na12878-{d}", "na12878", aligner="", source=s, main=True) for d, s in depths.items()]
    for aligner in ("bwa-mem", "bowtie2", "minimap2"):
        rows.append(Row(f"na12878-35x-{aligner}", "na12878", aligner=aligner))
    rows.append(Row("na12878-35x-unpaired", "na12878", aligner="", after=("unpaired",)))
    depths = {"30x": "", "15x": "42.5", "10x": "42.333333", "7x": "42.25"}
    rows += [Row(f"hg002-{d}", "hg002", aligner="", source=s, main=True) for d, s in depths.items()]
    for aligner in ALIGNERS:
        rows.append(Row(f"hg002-30x-{aligner}", "hg002", aligner=aligner, main=aligner == "bowtie2"))
        if aligner in ("bowtie2", "minimap2", "hisat2"):
            main = aligner == "bowtie2"
            rows.append(Row(f"hg002-10x-{aligner}", "hg002", aligner=aligner, source="42.333333", main=main))
    rows += [Row(f"hg002-30x-{aligner}", "hg002", aligner=aligner) for aligner in MORE_ALIGNERS]
    cases = ("as_aligned", "single_end", "no_proper_flag", "half_no_proper_flag", "mate_unmapped")
    cases += ("mate_other_contig", "mate_pairs_2kb", "dups_x5")
    return rows + [Row(f"pairs-{c}", "pairs", aligner="", source=c, main=c == "dups_x5") for c in cases]


def long_rows() -> list[Row]:
    """Long reads of deepcohort's own simulator; `length` is the median, 0 that of the profile."""
    rows = []
    for platform in ("hifi", "ont"):
        for depth in (8, 15, 30, 60):
            rows.append(
                Row(f"{platform}-{depth}x", "long", aligner="", length=0, depth=depth, source=platform)
            )
        for length in (5_000, 50_000, 100_000, 200_000):
            name = f"{platform}-20x-{length // 1000}kb"
            rows.append(Row(name, "long", aligner="", length=length, depth=20.0, source=platform))
    return rows


def long_record_rows() -> list[Row]:
    """Long reads of 15x, their records changed, or with more errors; `length` is that of the profile."""
    rows = []
    for platform in ("hifi", "ont"):
        base = Row("", "long", aligner="", length=0, depth=15, source=platform)
        # labels that HiFi does not mind are left out
        labels = LONG_QUALITIES if platform == "ont" else ("none", "zeros", "flat5", "flat20", "bins7")
        changes = {f"rec-{after}": replace(base, after=(after,)) for after in ("eqx", "mapq20")}
        changes |= {f"qual-{quality}": replace(base, quality=quality) for quality in labels}
        changes |= {
            f"lib-amplicons-{bp}": replace(base, library=Library(amplicon_bp=bp)) for bp in (2_000, 5_000)
        }
        changes |= {f"errors-{factor}": replace(base, indel_errors=float(factor)) for factor in (3, 6)}
        changes |= {
            f"rec-{after}": replace(base, after=(after,)) for after in ("twice", "cpg_forward", "cpg_own")
        }
        rows += [replace(row, name=f"{platform}-15x-{name}") for name, row in changes.items()]
        for copies in (2, 3):  # of reads of 30x: molecules are so many times fewer
            library = Library(copies=copies)
            rows.append(
                replace(base, name=f"{platform}-30x-lib-duplicates-{copies}", depth=30, library=library)
            )
    return rows


def all_rows(seed: int = 1) -> list[Row]:
    """Every row, in the order of the table; of seeds above 1 those whose reads are drawn.

    Raises:
        ValueError: if two rows share a name or a row says what nothing knows.
    """
    rows = [*base_rows(), *library_rows(), *record_rows(), *genome_rows(), *quality_rows(), *aligner_rows()]
    rows += [*real_rows(), *long_rows(), *long_record_rows()]
    names = [row.name for row in rows]
    if len(set(names)) != len(names):
        raise ValueError(f"rows named twice: {sorted({n for n in names if names.count(n) > 1})}")
    for row in rows:
        qualities = ("art", *LONG_QUALITIES) if row.kind == "long" else QUALITIES
        known = (
            row.kind in KINDS and row.quality in qualities and row.aligner in (*ALIGNERS, *MORE_ALIGNERS, "")
        )
        known &= (
            row.library.layout in LAYOUTS
            and row.library.mates in MATES
            and set(row.after) <= {*AFTER, *MORE_AFTER}
        )
        if not known:
            raise ValueError(f"row {row.name} says what nothing knows")
    return [replace(row, seed=seed) for row in rows if seed == 1 or row.drawn]
