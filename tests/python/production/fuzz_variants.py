"""What is fuzzed, of files with variants: see `fuzz_targets`."""

import gzip
import os
import random
import shutil
import sys
from pathlib import Path

from fuzz_base import (
    Accepted,
    call_here,
    called_records,
    few_sites,
    fingerprint,
    haplotag,
    judge,
    list_sites,
    must_parse,
    records,
    run_here,
    spoilt_vcf,
    spoilt_zip,
    table_lines,
    tags_of,
)
from fuzz_mutate import (
    encoded,
    spoil_bytes,
    spoil_store,
    spoil_table,
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


def fuzz_gvcf(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    reference = base / "sim" / "reference.fa"
    why = spoilt_vcf(rng, base / "1.g.vcf.gz", folder / "x.g.vcf.gz", reference)
    run_here(
        "genotype", "--gvcf", folder / "x.g.vcf.gz", "--gvcf", base / "2.g.vcf.gz", "--reference", reference,
        "--output", folder / "o.vcf.gz",
    )  # fmt: skip
    must_parse(folder / "o.vcf.gz")
    judge(why, records(gzip.decompress((folder / "o.vcf.gz").read_bytes())), base, "genotype")


def fuzz_merge(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    name = rng.choice(("1.g.vcf.gz", "cohort.vcf.gz"))
    why = spoilt_vcf(rng, base / name, folder / "x.vcf.gz")
    run_here("merge", "--input", folder / "x.vcf.gz", "--output", folder / "o.vcf.gz")
    must_parse(folder / "o.vcf.gz")
    # it passes records on: those of a damaged index, which it does not read, are the same
    judge(why, records(gzip.decompress((folder / "o.vcf.gz").read_bytes())), base, name)


def fuzz_stats(seed: int, base: Path, folder: Path) -> None:
    why = spoilt_vcf(random.Random(seed), base / "cohort.vcf.gz", folder / "x.vcf.gz")
    run_here("stats", "--vcf", folder / "x.vcf.gz", "--output", folder / "stats", "--quiet")
    judge(why, table_lines(folder / "stats" / "samples.tsv"), base, "stats")


def fuzz_export(seed: int, base: Path, folder: Path) -> None:
    spoilt_vcf(random.Random(seed), base / "cohort.vcf.gz", folder / "x.vcf.gz")
    run_here("export", "--vcf", folder / "x.vcf.gz", "--format", "zarr", "--output", folder / "o")


def fuzz_filter(seed: int, base: Path, folder: Path) -> None:
    """Another caller's VCF; what comes out keeps to the specification where the input did."""
    why = spoilt_vcf(random.Random(seed), base / "1.vcf.gz", folder / "x.vcf.gz")
    run_here(
        "filter", "--vcf", folder / "x.vcf.gz", "--reads", base / "sim" / "sample1.bam", "--reference",
        base / "sim" / "reference.fa", "--output", folder / "o.vcf.gz",
    )  # fmt: skip
    found = faults(gzip.decompress((folder / "o.vcf.gz").read_bytes()).decode())
    if found:
        raise Accepted(f"input {why}, output {found[0]}")


def fuzz_filter_cohort(seed: int, base: Path, folder: Path) -> None:
    """A cohort's VCF; what comes out keeps to the specification where the input did."""
    why = spoilt_vcf(random.Random(seed), base / "cohort.vcf.gz", folder / "x.vcf.gz")
    reads = [word for k in (1, 2) for word in ("--reads", f"sample{k}={base / 'sim' / f'sample{k}.bam'}")]
    run_here(
        "filter", "--vcf", folder / "x.vcf.gz", *reads, "--reference", base / "sim" / "reference.fa",
        "--output", folder / "o.vcf.gz",
    )  # fmt: skip
    found = faults(gzip.decompress((folder / "o.vcf.gz").read_bytes()).decode())
    if found:
        raise Accepted(f"input {why}, output {found[0]}")


def fuzz_store(seed: int, base: Path, folder: Path) -> None:
    """A stored cohort: damaged in its bytes, or written by a hand that knows the format and means harm."""
    rng = random.Random(seed)
    data = (base / "cohort.store").read_bytes()
    malformed = spoil_bytes(rng, data) if rng.random() < 0.4 else spoil_store(rng, data)
    (folder / "x.store").write_bytes(malformed)
    run_here(
        "genotype", "--cohort", folder / "x.store", "--reference", base / "sim" / "reference.fa",
        "--output", folder / "o.vcf.gz",
    )  # fmt: skip
    must_parse(folder / "o.vcf.gz")


def fuzz_parts(seed: int, base: Path, folder: Path) -> None:
    """A stored cohort in parts whose table, or one of whose parts, is spoilt; then their table anew."""
    rng = random.Random(seed)
    parts = folder / "parts"
    shutil.copytree(base / "parts", parts)
    if rng.random() < 0.7:
        text = (parts / "cohort.json").read_text()
        malformed = encoded(rng, spoil_table(rng, text, ',":[ '))
        (parts / "cohort.json").write_bytes(malformed)
    else:
        victim = rng.choice(sorted(parts.glob("*.store")))
        victim.write_bytes(spoil_bytes(rng, victim.read_bytes()))
    words = ["--reference", base / "sim" / "reference.fa", "--output", folder / "o.vcf.gz"]
    if rng.random() < 0.7:
        run_here("genotype", "--cohort", parts, *words)
        must_parse(folder / "o.vcf.gz")
    else:
        files = [parts / "cohort.json"] if rng.random() < 0.5 else sorted(parts.glob("*.store"))
        told = [word for file in files for word in ("--part", file)]
        run_here("store", *told, "--shards", base / "shards.bed", "--output", folder / "cohort.json")


def fuzz_evaluate(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    sound = {"calls": base / "1.vcf.gz", "truth": base / "sim" / "sample1.truth.vcf.gz"}
    malformed = rng.choice(sorted(sound))
    why = spoilt_vcf(rng, sound[malformed], folder / "x.vcf.gz")
    files = sound | {malformed: folder / "x.vcf.gz"}
    run_here(
        "evaluate", "--vcf", files["calls"], "--truth", files["truth"], "--confident", base / "sim" / "sample1.confident.bed",
        "--reference", base / "sim" / "reference.fa", "--output", folder / "evaluation",
    )  # fmt: skip
    judge(why, table_lines(folder / "evaluation" / "extended.tsv"), base, "evaluate")


def fuzz_pedigree(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    text = "fam1\tsample1\t0\t0\t1\t0\nfam1\tsample2\tsample1\t0\t2\t0\n"
    (folder / "x.ped").write_bytes(encoded(rng, spoil_table(rng, text, "\t")))
    gvcfs = [word for person in (1, 2) for word in ("--gvcf", base / f"{person}.g.vcf.gz")]
    run_here("genotype", *gvcfs, "--pedigree", folder / "x.ped", "--reference", base / "sim" / "reference.fa",
         "--output", folder / "o.vcf.gz")  # fmt: skip


def fuzz_phase_evidence(seed: int, base: Path, folder: Path) -> None:
    """What a shard leaves for `merge` to phase by."""
    malformed = spoilt_zip(random.Random(seed), (base / "1.phase.npz").read_bytes())
    (folder / "x.phase.npz").write_bytes(malformed)
    run_here(
        "merge", "--input", base / "unphased.g.vcf.gz", "--phase-evidence", folder / "x.phase.npz",
        "--output", folder / "o.g.vcf.gz",
    )  # fmt: skip
    found = faults(gzip.decompress((folder / "o.g.vcf.gz").read_bytes()).decode())
    if found:
        raise Accepted(f"phase evidence is spoilt, output {found[0]}")


def fuzz_panel(seed: int, base: Path, folder: Path) -> None:
    """Frequencies of a panel; its index may be damaged too."""
    why = spoilt_vcf(random.Random(seed), base / "cohort.vcf.gz", folder / "x.vcf.gz")
    call_here(base / "sim" / "sample1.bam", base, folder, "--panel", folder / "x.vcf.gz")
    judge(why, called_records(folder), base, "panel")


def fuzz_haplotag(seed: int, base: Path, folder: Path) -> None:
    """Reads tagged by a VCF that is spoilt."""
    why = spoilt_vcf(random.Random(seed), base / "1.vcf.gz", folder / "x.vcf.gz")
    haplotag(folder / "x.vcf.gz", base, folder / "o.bam", run_here)
    judge(why, tags_of(folder / "o.bam"), base, "haplotag")


def fuzz_fingerprints(seed: int, base: Path, folder: Path) -> None:
    """Sites that are spoilt, or what was found at sound ones."""
    from deepcohort.fingerprints.files import read_fingerprint
    from deepcohort.fingerprints.judge import judge as judge_persons

    rng = random.Random(seed)
    if rng.random() < 0.5:
        spoilt_vcf(rng, base / "common.vcf.gz", folder / "x.vcf.gz")
        fingerprint(folder / "x.vcf.gz", base, folder / "x.json")
    else:
        text = (base / "fingerprint.json").read_text()
        (folder / "x.json").write_bytes(encoded(rng, spoil_table(rng, text, ',":[ ')))
    sites = few_sites(base / "common.vcf.gz", base)
    verdicts, _ = judge_persons([read_fingerprint(folder / "x.json", sites)], sites, {}, {})
    assert verdicts[0].warnings is not None


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
    malformed = rng.choice(("vcf", "genes", "scores"))
    reference = base / "sim" / "reference.fa"
    contig = Path(f"{reference}.fai").read_text().split("\t")[0]
    rows = "".join(
        f"{contig}\t{pos}\t{ref}\t{alt}\t0.5\n" for pos, ref, alt in _alleles(base / "cohort.vcf.gz")
    )
    texts = {"genes": _GENES.format(contig), "scores": f"chrom\tpos\tref\talt\tAF\n{rows}"}
    for name, text in texts.items():
        data = encoded(rng, spoil_table(rng, text)) if malformed == name else text.encode()
        (folder / f"x.{name}").write_bytes(data)
    (folder / "x.genes").rename(folder / "x.gff3")
    (folder / "x.scores").rename(folder / "x.tsv")
    vcf, why = base / "cohort.vcf.gz", None
    if malformed == "vcf":
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
    malformed = rng.choice(sorted(texts))
    for name, text in texts.items():
        data = encoded(rng, spoil_table(rng, text, '=[",: ')) if name == malformed else text.encode()
        (folder / name).write_bytes(data)
    find_task(folder / "task.toml")
