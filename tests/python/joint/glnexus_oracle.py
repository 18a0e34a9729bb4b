"""Runs a case of the GLnexus oracle (YAML: gVCF bodies, expected VCF) through `genotype_cohort`."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pysam
import yaml
from deepcohort.joint.config import JointConfig
from deepcohort.joint.genotype import genotype_cohort

# GLnexus's cases run without its genotype revision and regardless of FILTER
ORACLE_CONFIG = JointConfig(population_prior=False, respect_filter=False, min_gq=0, keep_uncarried=True)


@dataclass
class Record:
    contig: str
    pos: int
    ref: str
    alts: list[str]
    gts: dict[str, str]
    cells: dict[str, dict[str, str]]


def read_vcf_text(text: str) -> list[Record]:
    """Records of VCF text (tabs)."""
    samples: list[str] = []
    records = []
    for line in text.splitlines():
        fields = line.rstrip("\t").split("\t")
        if line.startswith("#CHROM"):
            samples = fields[9:]
        elif line and not line.startswith("#"):
            keys = fields[8].split(":")
            cells = {
                s: dict(zip(keys, v.split(":"), strict=False))
                for s, v in zip(samples, fields[9:], strict=False)
            }
            records.append(
                Record(
                    fields[0],
                    int(fields[1]),
                    fields[3],
                    fields[4].split(","),
                    {s: cell["GT"] for s, cell in cells.items()},
                    cells,
                )
            )
    return records


def case_gvcfs(case: dict) -> dict[str, str]:
    """Sample -> VCF text; files of several samples are divided."""
    header = case["input"]["header"].rstrip("\n").split("\n")
    header = [line.strip() for line in header]
    found = {}
    for entry in case["input"]["body"]:
        for body in entry.values():
            lines = [line.rstrip() for line in body.split("\n") if line.strip()]
            names = lines[0].split("\t")
            for i, name in enumerate(names):
                rows = []
                for line in lines[1:]:
                    fields = re.split(r"\t+", line.strip())
                    rows.append("\t".join([*fields[:9], fields[9 + i]]))
                head = [line for line in header if not line.startswith("#CHROM")]
                if not any("##FORMAT=<ID=PL," in line for line in head):
                    head.append('##FORMAT=<ID=PL,Number=G,Type=Integer,Description="added by the harness">')
                columns = "\t".join(
                    ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", name]
                )
                found[name] = "\n".join([*head, columns, *rows]) + "\n"
    return found


def shorten_contigs(gvcfs: dict[str, str]) -> dict[str, str]:
    """The same with every contig ending soon after the last record on it of any sample: whole chromosomes take minutes."""
    ends: dict[str, int] = {}
    for text in gvcfs.values():
        for line in text.splitlines():
            if not line.startswith("#"):
                contig, pos, _, ref, *_, info = line.split("\t")[:8]
                end = re.search(r"(?:^|;)END=(\d+)", info)
                last = max(int(pos) + len(ref), int(end[1]) if end else 0)
                ends[contig] = max(ends.get(contig, 0), last)

    def shorter(found: re.Match[str]) -> str:
        return f"{found[1]}{min(int(found[3]), ends.get(found[2], 0) + 1000)}"

    return {
        name: re.sub(r"(##contig=<ID=([^,>]+),length=)(\d+)", shorter, text) for name, text in gvcfs.items()
    }


def write_reference(gvcfs: dict[str, str], folder: Path) -> Path:
    """FASTA that agrees with every REF; N elsewhere."""
    lengths = {}
    for text in gvcfs.values():
        for name, length in re.findall(r"##contig=<ID=([^,>]+),length=(\d+)", text):
            lengths[name] = int(length)
    used: dict[str, dict[int, set[tuple[int, str]]]] = {name: {} for name in lengths}
    blocks: dict[str, dict[int, str]] = {name: {} for name in lengths}
    for text in gvcfs.values():
        for line in text.splitlines():
            if line and not line.startswith("#"):
                contig, pos, _, ref, alt = line.split("\t")[:5]
                if alt in ("<NON_REF>", "<*>", "."):  # the made-up cases are careless about these
                    blocks[contig][int(pos) - 1] = ref[0].upper()
                    continue
                rank = 0 if re.match(r"(0[/|]0|\.[/|]\.)", line.split("\t")[9]) else 1
                for i, base in enumerate(ref.upper()):
                    used[contig].setdefault(int(pos) - 1 + i, set()).add((rank, base))
    path = folder / "ref.fa"
    with path.open("w") as out:
        for name, length in lengths.items():
            sequence = bytearray(b"N" * length)
            for at, base in blocks[name].items():
                sequence[at : at + 1] = base.encode()
            for at, ranked in used[name].items():
                # some cases contradict themselves: called variants are right, among them N goes with all
                bases = {base for rank, base in ranked if rank == max(ranked)[0]}
                sequence[at : at + 1] = (bases.pop() if len(bases) == 1 else "N").encode()
            out.write(f">{name}\n{sequence.decode()}\n")
    pysam.faidx(str(path))
    return path


def mend_ref(text: str, reference: Path) -> str:
    """Uncalled single-base records whose REF contradicts the other samples' get the right one."""
    lines = []
    with pysam.FastaFile(str(reference)) as fasta:
        for line in text.splitlines():
            fields = line.split("\t")
            if not line.startswith("#") and len(fields[3]) == 1 and re.match(r"0[/|]0|\.[/|]\.", fields[9]):
                base = fasta.fetch(fields[0], int(fields[1]) - 1, int(fields[1]))
                fields[3] = fields[3] if base == "N" else base
            lines.append("\t".join(fields))
    return "\n".join(lines) + "\n"


def write_gvcf(text: str, path: Path) -> Path:
    """Sorted, bgzipped, indexed gVCF."""
    lines = text.splitlines()
    head = [line for line in lines if line.startswith("#")]
    body = [line for line in lines if not line.startswith("#")]
    body.sort(key=lambda line: (line.split("\t")[0], int(line.split("\t")[1])))
    plain = path.with_suffix("")
    plain.write_text("\n".join([*head, *body]) + "\n")
    pysam.tabix_compress(str(plain), str(path), force=True)
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return path


def run_case(
    yaml_path: Path, folder: Path, config: JointConfig
) -> tuple[list[Record], list[Record], dict[str, str]]:
    """(ours, expected, input gVCFs) of one case."""
    case = yaml.safe_load(yaml_path.read_text().replace("\t\n", "\n"))
    gvcfs = shorten_contigs(case_gvcfs(case))
    reference = write_reference(gvcfs, folder)
    gvcfs = {name: mend_ref(text, reference) for name, text in gvcfs.items()}
    paths = [write_gvcf(text, folder / f"{name}.g.vcf.gz") for name, text in gvcfs.items()]
    out = folder / "cohort.vcf.gz"
    depth = (case.get("genotyper_config") or {}).get("required_dp", 1)
    genotype_cohort(paths, reference, out, config=replace(config, min_dp=depth), quiet=True)
    with pysam.BGZFile(str(out)) as file:
        ours = read_vcf_text(file.read().decode())
    expected = []
    for entry in case["truth_output_vcf"]:
        for text in entry.values():
            expected += read_vcf_text(re.sub(r"(?m)^ +", "", text))
    return ours, expected, gvcfs


def primitives(pos: int, ref: str, alt: str, base_at) -> list[tuple[int, str, str]]:
    """Slow normalisation: trimmed, left-aligned, MNPs divided. `base_at(pos)` gives the reference."""
    changed = True
    while changed:
        changed = False
        if ref and alt and ref[-1] == alt[-1] and not (len(ref) == len(alt) == 1):
            ref, alt = ref[:-1], alt[:-1]
            changed = True
        if not ref or not alt:
            pos -= 1
            ref, alt = base_at(pos) + ref, base_at(pos) + alt
            changed = True
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        pos, ref, alt = pos + 1, ref[1:], alt[1:]
    if len(ref) == len(alt):
        return [(pos + i, a, b) for i, (a, b) in enumerate(zip(ref, alt, strict=True)) if a != b]
    return [(pos, ref, alt)]


def differences(ours: list[Record], expected: list[Record], base_at) -> list[tuple[str, str, str, str]]:
    """Cells where the two answers differ: (CHROM:POS, sample, expected, ours), as copies of each ALT.

    Expected alleles are looked up among ours by their primitives, wherever our sites put them; `?` is
    a missing genotype, `-` an allele that no site of ours carries.
    """
    where: dict[tuple[str, int, str, str], tuple[Record, int]] = {}
    for record in ours:
        for i, alt in enumerate(record.alts, start=1):
            if alt != "*":
                for found in primitives(
                    record.pos, record.ref, alt, lambda p, c=record.contig: base_at(c, p)
                ):
                    where[(record.contig, *found)] = (record, i)
    rows = []
    for record in expected:
        parts = [
            primitives(record.pos, record.ref, alt, lambda p, c=record.contig: base_at(c, p))
            for alt in record.alts
        ]
        for sample, gt in sorted(record.gts.items()):
            theirs, mine = [], []
            for i, found in enumerate(parts, start=1):
                theirs.append(_copies(gt, i))
                answers = {
                    _copies(where[(record.contig, *f)][0].gts[sample], where[(record.contig, *f)][1])
                    if (record.contig, *f) in where
                    else "-"
                    for f in found
                }
                mine.append("/".join(sorted(answers)))
            if theirs != mine:
                rows.append((f"{record.contig}:{record.pos}", sample, ",".join(theirs), ",".join(mine)))
    return rows


def _copies(gt: str, allele: int) -> str:
    alleles = re.split(r"[/|]", gt)
    known = sum(a == str(allele) for a in alleles)
    return f"{known}" if "." not in alleles else (f"{known}+?" if known else "?")
