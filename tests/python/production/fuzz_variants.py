"""More of what is fuzzed: alleles given, lists of sites, annotation, the statistical phaser, tasks of popgen."""

import gzip
import os
import random
import sys
from pathlib import Path

from fuzz_mutate import encoded, spoil_table
from fuzz_targets import TARGETS as ALONE
from fuzz_targets import (
    Accepted,
    Target,
    call_here,
    called_records,
    judge,
    list_sites,
    records,
    run_here,
    spoilt_vcf,
)
from strict_vcf import faults

# in place of Beagle, which takes seconds to start: every genotype phased as it is written
_STAND_IN = f"""#!{sys.executable}
import re, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from fuzz_mutate import inflate, stored_bgzf
words = dict(word.split("=", 1) for word in sys.argv[1:])
text = inflate(open(words["gt"], "rb").read())
phased = re.sub(rb"(?m)(?<=[0-9.])/(?=[0-9.])", b"|", text)
open(words["out"] + ".vcf.gz", "wb").write(stored_bgzf(phased))
"""
_TASK = """base = "balancing"
history = "history.yaml"
focal = "A"
recombination = [5e-9, 2e-8]

[[groups]]
name = "present"
haplotypes = 12

[[scenarios]]
label = "neutral"
onset_years = [100, 100]

[[scenarios]]
label = "overdominance"
mode = "overdominance"
s = [0.02]
dominance = 20.0
onset_years = [100, 100]
frequency = [0.2, 1.0]
"""
_HISTORY = """time_units: generations
demes:
  - {name: A, epochs: [{start_size: 1000}]}
"""
_GENES = (
    "##gff-version 3\n"
    "{0}\tt\tgene\t1001\t1900\t.\t+\t.\tID=gene:G1;Name=ONE;biotype=protein_coding\n"
    "{0}\tt\tmRNA\t1001\t1900\t.\t+\t.\tID=transcript:T1;Parent=gene:G1;biotype=protein_coding\n"
    "{0}\tt\texon\t1001\t1900\t.\t+\t.\tParent=transcript:T1\n"
    "{0}\tt\tCDS\t1101\t1700\t.\t+\t0\tID=CDS:P1;Parent=transcript:T1\n"
)


def _must_keep_to_the_specification(vcf: Path, why: str | None) -> None:
    found = faults(gzip.decompress(vcf.read_bytes()).decode())
    if found:
        raise Accepted(f"input: {why}; output: {found[0]}")


def fuzz_alleles(seed: int, base: Path, folder: Path) -> None:
    """Alleles given to `call`; its gVCF must hold what a sound list gives, or nothing comes."""
    why = spoilt_vcf(random.Random(seed), base / "2.vcf.gz", folder / "x.vcf.gz")
    call_here(base / "sim" / "sample1.bam", base, folder, "--alleles", folder / "x.vcf.gz")
    judge(why, called_records(folder), base, "alleles")


def fuzz_sites(seed: int, base: Path, folder: Path) -> None:
    """A gVCF whose alleles are listed for the second look."""
    reference = base / "sim" / "reference.fa"
    why = spoilt_vcf(random.Random(seed), base / "1.g.vcf.gz", folder / "x.g.vcf.gz", reference)
    list_sites(folder / "x.g.vcf.gz", base, folder / "o.vcf.gz", run_here)
    judge(why, records(gzip.decompress((folder / "o.vcf.gz").read_bytes())), base, "sites")


def fuzz_annotate(seed: int, base: Path, folder: Path) -> None:
    """A cohort's VCF, gene models or a table of scores, one of them spoilt."""
    rng = random.Random(seed)
    spoilt = rng.choice(("vcf", "genes", "scores"))
    reference = base / "sim" / "reference.fa"
    contig = Path(f"{reference}.fai").read_text().split("\t")[0]
    rows = "".join(
        f"{contig}\t{pos}\t{ref}\t{alt}\t0.5\n" for pos, ref, alt in _alleles(base / "cohort.vcf.gz")
    )
    texts = {"genes": _GENES.format(contig), "scores": f"chrom\tpos\tref\talt\tAF\n{rows}"}
    for name, text in texts.items():
        data = encoded(rng, spoil_table(rng, text)) if spoilt == name else text.encode()
        (folder / f"x.{name}").write_bytes(data)
    (folder / "x.genes").rename(folder / "x.gff3")
    (folder / "x.scores").rename(folder / "x.tsv")
    vcf, why = base / "cohort.vcf.gz", None
    if spoilt == "vcf":
        vcf = folder / "x.vcf.gz"
        why = spoilt_vcf(rng, base / "cohort.vcf.gz", vcf)
    run_here(
        "annotate", "--vcf", vcf, "--reference", reference, "--genes", folder / "x.gff3", "--scores",
        f"made={folder / 'x.tsv'}:AF", "--output", folder / "o.vcf.gz", "--quiet",
    )  # fmt: skip
    if not (why and "twice" in why):  # is annotated as it stands, twice
        _must_keep_to_the_specification(folder / "o.vcf.gz", why)


def _alleles(vcf: Path) -> list[tuple[str, str, str]]:
    """POS, REF and first ALT of the first contig's records."""
    rows = [
        line.split("\t") for line in gzip.decompress(vcf.read_bytes()).decode().splitlines() if line[0] != "#"
    ]
    return [(row[1], row[3], row[4].split(",")[0]) for row in rows if row[0] == rows[0][0]]


def fuzz_phase(seed: int, base: Path, folder: Path) -> None:
    """A cohort's VCF on its way to the statistical phaser and back."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "beagle").write_text(_STAND_IN)
    (tools / "beagle").chmod(0o755)
    why = spoilt_vcf(random.Random(seed), base / "cohort.vcf.gz", folder / "x.vcf.gz")
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{tools}:{before}"
    try:
        run_here("phase", "--vcf", folder / "x.vcf.gz", "--output", folder / "o.vcf.gz")
    finally:
        os.environ["PATH"] = before
    _must_keep_to_the_specification(folder / "o.vcf.gz", why)


def fuzz_task(seed: int, base: Path, folder: Path) -> None:
    """A task of popgen and its history: read, or refused in one line; no locus is simulated."""
    from deepcohort.popgen.tasks import find_task

    rng = random.Random(seed)
    texts = {"task.toml": _TASK, "history.yaml": _HISTORY}
    spoilt = rng.choice(sorted(texts))
    for name, text in texts.items():
        data = encoded(rng, spoil_table(rng, text, '=[",: ')) if name == spoilt else text.encode()
        (folder / name).write_bytes(data)
    find_task(folder / "task.toml")


TARGETS: dict[str, Target] = ALONE | {
    name.removeprefix("fuzz_"): target for name, target in list(globals().items()) if name.startswith("fuzz_")
}
