"""Call sets of rows: planted haplotypes, reads aligned by any aligner, real reads thinned or aligned anew."""

import functools
import gzip
import random
import shutil
import textwrap
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pysam
from accuracy import DATA, CallSet, quoted, run
from any_reads_align import align, locked
from any_reads_foreign import Variant, foreign_variants
from any_reads_fragments import CODE, Haplotype, Reads, draw_fragments, read_mates, stretched
from any_reads_genomes import planted_genome
from any_reads_long import change_reads, plain, simulated_set
from any_reads_records import convert, eqx, harden, spell_equal
from any_reads_rows import REGION_STARTS, Library, Row
from any_reads_strands import MISREADINGS, misread
from numpy.typing import NDArray

PAD_BP = 5_000  # sequence that fragments may come from on either side of a region
SEQUENCERS = (
    (50, "GA2"),
    (75, "NS50"),
    (100, "HS20"),
    (150, "HS25"),
    (250, "MSv1"),
)  # longest read, art's name
CASES = DATA.parent / "cases" / "pairs"


@dataclass(frozen=True)
class Planted:
    """Genome array (all haplotypes, the other places, another person's haplotypes), haplotypes and the truth of
    spans of one length."""

    genome: NDArray[np.uint8]
    haplotypes: list[Haplotype]
    foreign: list[Haplotype]
    elsewhere: tuple[int, int]
    regions: str
    truth: Path
    confident: Path


def make_set(row: Row, work: Path) -> CallSet:
    """What callers of this row read; everything made is kept in `work`, which several processes may share."""
    folder = work / "rows" / row.folder
    makers = {"long": long_set, "na12878": na12878_set, "hg002": hg002_set, "pairs": pairs_set}
    with locked(folder.with_name(f".{row.folder}.lock")):
        key, said = folder / "row.txt", f"{replace(row, main=False)} {row.span_bp}"
        if key.exists() and key.read_text() != said:
            shutil.rmtree(folder)
        folder.mkdir(exist_ok=True)
        made = makers.get(row.kind, planted_set)(row, work, folder)
        key.write_text(said)
    return made


def genome_reference(work: Path) -> Path:
    """GRCh38 chr20 and chr21, the first 10 Mb of each, as plain FASTA."""
    return unpacked(DATA / "grch38_chr20_chr21" / "GRCh38.chr20_chr21.10M.fa.gz", work / "ref" / "ref.fa")


def unpacked(source: Path, target: Path) -> Path:
    """Indexed plain copy of a bgzipped FASTA (freebayes and hisat2 read no other)."""
    with locked(target.with_name(f".{target.name}.lock")):
        if not target.with_name(target.name + ".fai").exists():
            run(f"bgzip -dc {quoted(source)} > {quoted(target)}; samtools faidx {quoted(target)}")
    return target


# planted reads


@functools.cache
def planted(work: Path, span_bp: int, genome: str = "") -> Planted:
    """HG002's variants, or those of another genome, in both regions at this span; overlapping records are not planted."""
    folder = work / "planted" / f"{genome}{span_bp}"
    folder.mkdir(parents=True, exist_ok=True)
    with pysam.FastaFile(str(genome_reference(work))) as fasta:
        chr20, chr21 = (CODE[np.frombuffer(fasta.fetch(c).encode(), np.uint8)] for c in ("chr20", "chr21"))
    lines, own, others = [], [], []
    for first in REGION_STARTS:
        span = (first - 1 - PAD_BP, first - 1 + span_bp + PAD_BP)
        variants, said = zip(*planted_genome(genome, chr20, span, planted_records(*span)), strict=True)
        lines += said
        own += [(span, list(variants), copy) for copy in (0, 1)]
        others += [(span, foreign_variants(chr20, span, list(variants)), copy) for copy in (0, 1)]
    parts, haplotypes, at = laid_out(chr20, own, 0)
    regions = ",".join(f"chr20:{first}-{first + span_bp - 1}" for first in REGION_STARTS)
    truth, confident = write_truth(folder, sorted(lines, key=lambda r: int(r.split("\t")[1])), span_bp)
    other = np.concatenate([chr20, chr21[np.flatnonzero(chr21 < 4)[0] :]])
    more, foreign, _ = laid_out(chr20, others, at + len(other))
    elsewhere = (at, at + len(other) - 20_000)
    return Planted(
        np.concatenate([*parts, other, *more]), haplotypes, foreign, elsewhere, regions, truth, confident
    )


def laid_out(
    contig: NDArray[np.uint8], wanted: list[tuple[tuple[int, int], list[Variant], int]], at: int
) -> tuple[list[NDArray[np.uint8]], list[Haplotype], int]:
    """Codes and places of haplotypes (span, variants, copy), one after the other from `at` on, and where they end."""
    parts, haplotypes = [], []
    for span, variants, copy in wanted:
        codes, haplotype = planted_haplotype(contig, span, variants, copy, at)
        parts.append(codes)
        haplotypes.append(haplotype)
        at += len(codes)
    return parts, haplotypes, at


def planted_records(start: int, end: int) -> list[tuple[Variant, str]]:
    """((0-based POS, REF, alleles of both haplotypes), VCF line) of HG002's records in chr20:start-end."""
    rng, found, reached = random.Random(start), [], 0
    with pysam.VariantFile(str(DATA / "grch38_chr20_chr21" / "HG002.v4.2.1.chr20_1_8M.vcf.gz")) as records:
        for record in records.fetch("chr20", start + 500, end - 500):
            if record.start < start + 500 or record.start <= reached:
                continue
            reached = record.stop
            gt = list(record.samples[0]["GT"])
            rng.shuffle(gt)
            line = f"chr20\t{record.pos}\t.\t{record.ref}\t{','.join(record.alts)}\t50\tPASS\t.\tGT\t{gt[0]}|{gt[1]}\n"
            found.append(((record.start, record.ref, tuple(record.alleles[i] for i in gt)), line))
    return found


def planted_haplotype(
    contig: NDArray[np.uint8],
    span: tuple[int, int],
    variants: list[Variant],
    copy: int,
    at: int,
) -> tuple[NDArray[np.uint8], Haplotype]:
    """Codes of one haplotype of `span` (0-based half-open) and its place `at` in the genome array."""
    parts, here, own = [], span[0], 0
    reference_pos, own_pos = [span[0]], [0]
    for pos, ref, alleles in variants:
        parts += [contig[here:pos], CODE[np.frombuffer(alleles[copy].encode(), np.uint8)]]
        own += pos - here
        if len(ref) != len(alleles[copy]) and pos > reference_pos[-1]:
            reference_pos.append(pos)
            own_pos.append(own)
        own += len(alleles[copy])
        here = pos + len(ref)
        if len(ref) != len(alleles[copy]):
            reference_pos.append(here)
            own_pos.append(own)
    parts.append(contig[here : span[1]])
    own += span[1] - here
    codes = np.concatenate(parts)
    return codes, Haplotype(at, own, np.array([*reference_pos, span[1]]), np.array([*own_pos, own]))


def write_truth(folder: Path, lines: list[str], span_bp: int) -> tuple[Path, Path]:
    """VCF of the planted records and BED of the regions."""
    plain, confident = folder / "truth.vcf", folder / "confident.bed"
    if not Path(f"{plain}.gz.tbi").exists():
        head = "##fileformat=VCFv4.2\n##contig=<ID=chr20,length=10000000>\n"
        head += '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        names = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tHG002\n"
        plain.write_text(head + names + "".join(lines))
        run(f"bgzip -kf {quoted(plain)}; tabix -f {quoted(plain)}.gz")
        spans = [f"chr20\t{f - 1}\t{f - 1 + span_bp}\n" for f in sorted(REGION_STARTS)]
        confident.write_text("".join(spans))
    return Path(f"{plain}.gz"), confident


def planted_set(row: Row, work: Path, folder: Path) -> CallSet:
    """Simulated reads of the planted haplotypes, which are those of every seed."""
    with locked(work / "planted" / f".{row.genome}{row.span_bp}.lock"):
        truth = planted(work, row.span_bp, row.genome)
    confident = truth.confident
    if row.library.targets:
        confident = target_bed(truth.confident, folder / "confident.bed")
    bam = folder / "reads.bam"
    if not Path(f"{bam}.bai").exists():
        planted_bam(row, truth, bam, work)
    return CallSet(row.name, bam, genome_reference(work), truth.regions, truth.truth, confident, "HG002")


def planted_bam(row: Row, truth: Planted, bam: Path, work: Path) -> None:
    """Simulate and align; rows that differ from their base in records alone take its alignment."""
    if row.after and row.library == Library():
        shutil.copy(make_set(replace(row, name=row.base, after=()), work).bam, bam)
        change_records(bam, row.after)
        return
    folder = bam.parent
    make = art_reads if row.kind == "art" else simulated_reads
    reads = make(truth, row, work, folder)
    align(row.aligner, genome_reference(work), reads, bam, folder)
    for path in reads:
        path.unlink()
    change_records(bam, row.after)


def target_bed(regions: Path, target: Path) -> Path:
    """Targets of an exome-like library with 50 bp on either side."""
    from any_reads_fragments import target_centres

    rows = []
    for line in regions.read_text().splitlines():
        contig, start, end = line.split("\t")
        for middle in target_centres(int(start) - PAD_BP, int(end) + PAD_BP):
            if int(start) + 200 < middle < int(end) - 200:
                rows.append(f"{contig}\t{middle - 135}\t{middle + 135}\n")
    target.write_text("".join(rows))
    return target


def simulated_reads(truth: Planted, row: Row, work: Path, folder: Path) -> list[Path]:
    """FASTQ (FASTA without qualities) of the row's library; the seed is of the row's reads, not of its aligner."""
    rng = np.random.default_rng(zlib.crc32(row.reads_text.encode()))
    fragments = draw_fragments(row, truth.haplotypes, truth.elsewhere, rng, truth.foreign)
    with locked(work / "pool" / ".lock"):
        pool = quality_pool(work, row.length)
    mates = read_mates(row, truth.genome, fragments, pool, truth.elsewhere, rng)
    order = rng.permutation(len(fragments.start))
    paths = [folder / f"r{mate + 1}.fq" for mate in range(len(mates))]
    for path, reads in zip(paths, mates, strict=True):
        write_reads(path, reads, order, row.library.copies, row.quality != "none")
    return paths


def write_reads(
    path: Path, reads: Reads, order: NDArray[np.int64], copies: int, with_qualities: bool
) -> None:
    """Reads in this order, named by fragment and copy."""
    text = np.frombuffer(b"ACGTN", np.uint8)[reads.codes]
    qualities = (reads.qualities + 33).astype(np.uint8)
    with open(path, "wb") as out:
        for i in order:
            name, n = f"f{i // copies}_{i % copies}".encode(), reads.lengths[i]
            bases = text[i, :n].tobytes()
            if with_qualities:
                out.write(b"@" + name + b"\n" + bases + b"\n+\n" + qualities[i, :n].tobytes() + b"\n")
            else:
                out.write(b">" + name + b"\n" + bases + b"\n")


def quality_pool(work: Path, length: int) -> tuple[NDArray[np.uint8], ...]:
    """Qualities of 20,000 pairs of art_illumina, (20000, length) for each mate."""
    made = min(length, SEQUENCERS[-1][0])
    name = next(system for longest, system in SEQUENCERS if made <= longest)
    folder = work / "pool"
    kept = folder / f"{made}.npz"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        source, prefix = folder / f"{made}.fa", folder / f"{made}."
        run(f"samtools faidx {quoted(genome_reference(work))} chr20:5000001-5200000 > {quoted(source)}")
        run(
            f"art_illumina -q -ss {name} -i {quoted(source)} -p -l {made} -c 20000 -m {2 * made + 100} -s 20 -rs 1 -na"
            f" -o {quoted(prefix)}"
        )
        mates = [fastq_qualities(Path(f"{prefix}{mate}.fq"), made) for mate in (1, 2)]
        n = min(map(len, mates))
        np.savez(kept, first=mates[0][:n], second=mates[1][:n])
        for path in (source, *(Path(f"{prefix}{mate}.fq") for mate in (1, 2))):
            path.unlink()
    with np.load(kept) as pool:
        return tuple(stretched(pool[mate], length) for mate in ("first", "second"))


def fastq_qualities(path: Path, length: int) -> NDArray[np.uint8]:
    """Phred qualities (n, length) of a FASTQ of reads of one length."""
    with open(path, "rb") as lines:
        rows = [line.rstrip(b"\n") for number, line in enumerate(lines) if number % 4 == 3]
    kept = b"".join(row for row in rows if len(row) == length)
    return np.frombuffer(kept, np.uint8).reshape(-1, length) - 33


def art_reads(truth: Planted, row: Row, work: Path, folder: Path) -> list[Path]:
    """Reads that art_illumina itself makes of the same haplotypes: a check of our fragments."""
    library, paths = row.library, [folder / "r1.fq", folder / "r2.fq"]
    for path in paths:
        path.write_bytes(b"")
    for number, haplotype in enumerate(truth.haplotypes):
        bases = np.frombuffer(b"ACGTN", np.uint8)[
            truth.genome[haplotype.start : haplotype.start + haplotype.length]
        ]
        source, prefix = folder / "hap.fa", folder / "art"
        source.write_bytes(b">h\n" + bases.tobytes() + b"\n")
        run(
            f"art_illumina -q -ss HS25 -i {quoted(source)} -p -l {row.length} -f {row.depth / 2} -m {library.insert_bp}"
            f" -s {library.spread(library.insert_bp)} -rs {number + 1 + 10 * (row.seed - 1)} -na -d h{number}_ -o {quoted(prefix)}"
        )
        for mate, path in enumerate(paths, 1):
            run(f"cat {quoted(prefix)}{mate}.fq >> {quoted(path)}; rm {quoted(prefix)}{mate}.fq")
    return paths


# records


def change_records(bam: Path, after: tuple[str, ...]) -> None:
    """Rewrite the BAM with these changes to its records."""
    if not after:
        return
    old = bam.with_name("before.bam")
    bam.rename(old)
    with pysam.AlignmentFile(str(old)) as source, pysam.AlignmentFile(str(bam), "wb", template=source) as out:
        for record in source:
            for change in after:
                change_record(record, change)
            out.write(record)
            if "twice" in after:
                record.query_name += "/2"
                out.write(record)
    if set(after) & {"primers_clipped", "overlaps_clipped"}:  # starts of reads moved
        bam.rename(old)
        run(f"samtools sort -o {quoted(bam)} {quoted(old)}")
    run(f"samtools index {quoted(bam)}")
    old.unlink()


def change_record(record: pysam.AlignedSegment, change: str) -> None:
    """Apply one of any_reads_rows.AFTER to a record."""
    if change == "no_proper" or (change == "half_proper" and zlib.crc32(record.query_name.encode()) % 2):
        record.is_proper_pair = False
    elif change == "unpaired":
        record.flag &= ~(0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80)
        record.next_reference_id, record.next_reference_start, record.template_length = -1, -1, 0
    elif change == "mapq255" and not record.is_unmapped:
        record.mapping_quality = 255 if record.mapping_quality >= 30 else record.mapping_quality
    elif change == "mapq20" and not record.is_unmapped:
        record.mapping_quality = min(record.mapping_quality, 20)
    elif change == "no_tags":
        record.set_tags([("RG", record.get_tag("RG"))] if record.has_tag("RG") else [])
    elif change == "names":
        record.query_name = "*"
    elif change == "eqx" and record.cigartuples:
        record.cigartuples = eqx(record)
    elif change in MISREADINGS:
        misread(record, MISREADINGS[change])
    elif change == "hardclip" and record.cigartuples:
        harden(record)
    elif change == "equal" and record.cigartuples:
        spell_equal(record)
    elif change in ("methylated", "bisulfite") and record.cigartuples:
        convert(record, change == "methylated")
    elif change == "gaps" and record.cigartuples == [(0, record.query_length)]:
        leave_gap(record, 6)
    elif change == "primers_clipped" and record.cigartuples:
        clip_softly(record, 20, record.is_reverse)
    elif change == "overlaps_clipped" and record.is_proper_pair and record.cigartuples:
        both = 2 * record.query_length - abs(record.template_length)
        clip_softly(record, min(max(both, 0) // 2, record.query_length - 50), not record.is_reverse)


def leave_gap(record: pysam.AlignedSegment, bp: int) -> None:
    """Leave out bases in the middle, as a skip (N)."""
    bases, qualities, middle = record.query_sequence, record.query_qualities, record.query_length // 2
    record.query_sequence = bases[:middle] + bases[middle + bp :]
    record.query_qualities = qualities[:middle] + qualities[middle + bp :]
    record.cigartuples = [(0, middle), (3, bp), (0, len(bases) - middle - bp)]


def clip_softly(record: pysam.AlignedSegment, bp: int, at_right: bool) -> None:
    """Clip that many bases at one end, and gaps that would then stand there, as tools that cut primers do."""
    left = record.cigartuples[::-1] if at_right else record.cigartuples
    clipped, moved, rest = 0, 0, list(left)
    while rest and (clipped < bp or rest[0][0] in (1, 2)):
        op, length = rest.pop(0)
        if op in (0, 7, 8) and clipped + length > bp:
            rest.insert(0, (op, length - (bp - clipped)))
            length = bp - clipped
        clipped += length if op in (0, 1, 4, 7, 8) else 0
        moved += length if op in (0, 2, 3, 7, 8) else 0
    if clipped == 0 or not any(op in (0, 7, 8) for op, _ in rest):
        return
    made = [(4, clipped), *rest]
    if not at_right:
        record.reference_start += moved
    record.cigartuples = made[::-1] if at_right else made


# real reads, cases, long reads


def na12878_set(row: Row, work: Path, folder: Path) -> CallSet:
    """Three slices of HiSeq reads of a long-insert library."""
    source = DATA / "na12878_hiseq_35x"
    reference = unpacked(source / "hg19.chr3.fa.gz", work / "ref" / "hg19.chr3.fa")
    bed = [line.split() for line in (source / "slices.bed").read_text().splitlines()]
    regions = [f"{c}:{int(s) + 1}-{e}" for c, s, e, *_ in bed]
    whole = CallSet(
        "",
        folder / "all.bam",
        reference,
        ",".join(regions),
        source / "truth.vcf.gz",
        source / "confident.bed",
        "NA12878",
    )
    if not whole.bam.exists():
        slices = " ".join(quoted(source / f"NA12878.chr3.slice{i}.bam") for i in range(3))
        run(f"samtools merge -f {quoted(whole.bam)} {slices}; samtools index {quoted(whole.bam)}")
    return real_set(row, whole, work / "ref" / "hg19.chr3.slices", folder)


def hg002_set(row: Row, work: Path, folder: Path) -> CallSet:
    """NovaSeq reads of 100 kb."""
    source = DATA / "hg002_illumina_30x"
    reference = unpacked(source / "b37.20.fa.gz", work / "ref" / "b37.20.fa")
    whole = CallSet(
        "", source / "HG002.bam", reference, "20:10000001-10100000", source / "HG002.truth.vcf.gz",
        source / "HG002.confident.bed", "HG002",
    )  # fmt: skip
    return real_set(row, whole, work / "ref" / "b37.20.slices", folder)


def real_set(row: Row, whole: CallSet, cut_prefix: Path, folder: Path) -> CallSet:
    """`whole` thinned, aligned anew to its slices and with changed records, as the row says."""
    made = replace(whole, name=row.name)
    bam = folder / "reads.bam"
    ready = Path(f"{bam}.bai").exists()
    if row.source or row.after:
        made = replace(made, bam=bam)
        if not ready:
            thin = f"-s {row.thinning}" if row.thinning else ""
            run(f"samtools view -b {thin} -o {quoted(bam)} {quoted(whole.bam)}; samtools index {quoted(bam)}")
    if row.aligner:
        if not ready:
            reads = [folder / "r1.fq", folder / "r2.fq"]
            run(
                f"samtools view -u -F 0x900 {quoted(made.bam)} | samtools collate -Ou - {quoted(folder / 'collate')} |"
                f" samtools fastq -n -1 {quoted(reads[0])} -2 {quoted(reads[1])} -0 /dev/null -s /dev/null -"
            )
        with locked(cut_prefix.with_name(f".{cut_prefix.name}.lock")):
            made = cut_set(made, cut_prefix)
        made = replace(made, bam=bam, sample="HG002")
        if not ready:
            align(row.aligner, made.reference, reads, bam, folder)
            for path in reads:
                path.unlink()
    if not ready:
        change_records(bam, row.after)
    return made


def cut_set(item: CallSet, prefix: Path) -> CallSet:
    """The set in coordinates of its regions alone, each a contig s0, s1, ...; reads are those of `item` still."""
    reference, truth, confident = (Path(f"{prefix}.{end}") for end in ("fa", "vcf", "bed"))
    spans = []
    for name in item.region.split(","):
        contig, _, span = name.rpartition(":")
        first, last = map(int, span.split("-"))
        spans.append((contig, first - 1, last))
    if not Path(f"{truth}.gz.tbi").exists():
        with pysam.FastaFile(str(item.reference)) as fasta:
            bases = [fasta.fetch(*span) for span in spans]
        # subread takes no line of more than 1,000 bytes
        reference.write_text("".join(f">s{i}\n{textwrap.fill(b, 100)}\n" for i, b in enumerate(bases)))
        truth.write_text(cut_truth(item.truth, spans))
        confident.write_text("".join(cut_bed(item.confident, spans)))
        run(f"samtools faidx {quoted(reference)}; bgzip -kf {quoted(truth)}; tabix -f {quoted(truth)}.gz")
    regions = ",".join(f"s{i}:1-{end - start}" for i, (_, start, end) in enumerate(spans))
    return replace(item, reference=reference, region=regions, truth=Path(f"{truth}.gz"), confident=confident)


def cut_truth(truth: Path, spans: list[tuple[str, int, int]]) -> str:
    """VCF text of the records inside the spans, on contigs s0, s1, ..."""
    lines = ["##fileformat=VCFv4.2\n", '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n']
    lines += [f"##contig=<ID=s{i},length={end - start}>\n" for i, (_, start, end) in enumerate(spans)]
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tHG002\n")
    with gzip.open(truth, "rt") as text:
        records = [line.rstrip("\n").split("\t") for line in text if not line.startswith("#")]
    for i, (contig, start, end) in enumerate(spans):
        for field in records:
            pos = int(field[1])
            if field[0] == contig and start < pos and pos + len(field[3]) <= end:
                gt = field[9].split(":")[0]
                lines.append(
                    "\t".join([f"s{i}", str(pos - start), ".", *field[3:5], ".", "PASS", ".", "GT", gt])
                    + "\n"
                )
    return "".join(lines)


def cut_bed(confident: Path, spans: list[tuple[str, int, int]]) -> list[str]:
    """BED lines inside the spans, on contigs s0, s1, ..."""
    rows = [line.split() for line in confident.read_text().splitlines() if line.strip()]
    return [
        f"s{i}\t{max(int(a), start) - start}\t{min(int(b), end) - start}\n"
        for i, (contig, start, end) in enumerate(spans)
        for c, a, b, *_ in rows
        if c == contig and int(a) < end and int(b) > start
    ]


def pairs_set(row: Row, work: Path, folder: Path) -> CallSet:
    """One file of the cases of pairs; the reference is cut to the contigs that the file names."""
    bam = CASES / f"{row.source}.bam"
    with pysam.AlignmentFile(str(bam)) as reads:
        contigs = list(reads.references)
    reference = work / "ref" / f"pairs.{len(contigs)}.fa"
    with locked(reference.with_name(f".{reference.name}.lock")):
        if not Path(f"{reference}.fai").exists():
            chosen = f"{quoted(CASES / 'ref.fa')} {' '.join(contigs)}"
            run(f"samtools faidx {chosen} > {quoted(reference)}; samtools faidx {quoted(reference)}")
    with pysam.FastaFile(str(reference)) as fasta:
        length = fasta.get_reference_length("ctg")
    confident = folder / "confident.bed"
    confident.write_text(f"ctg\t0\t{length}\n")
    with pysam.AlignmentFile(str(bam)) as reads:
        sample = reads.header.to_dict()["RG"][0]["SM"]
    return CallSet(row.name, bam, reference, f"ctg:1-{length}", CASES / "truth.vcf.gz", confident, sample)


def long_set(row: Row, work: Path, folder: Path) -> CallSet:
    """HG002's variants read by deepcohort's own simulator of long reads, records changed as the row says."""
    source = plain(row)
    if source is row:
        truth = DATA / "grch38_chr20_chr21" / "HG002.v4.2.1.chr20_1_8M.vcf.gz"
        return simulated_set(row, truth, genome_reference(work), folder)
    made = make_set(source, work)
    bam = folder / "reads.bam"
    if not Path(f"{bam}.bai").exists():
        change_reads(row, made.bam, bam)
        change_records(bam, row.after)
    return replace(made, name=row.name, bam=bam)
