"""Sound inputs of the fuzzer, ways to spoil them, and how results are judged."""

import contextlib
import gzip
import io
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuzz_mutate import (
    encoded,
    indexable,
    inflate,
    spoil_bytes,
    spoil_table,
    stored_bgzf,
)
from strict_vcf import faults

CONTIGS_BP = 12_000


class Accepted(AssertionError):
    """Input that is malformed was taken, and the results are not those of the sound input."""


def _sound_results(base: Path, name: str) -> list[bytes]:
    return (base / "results" / name).read_bytes().splitlines()


def judge(why: str | None, results: list[bytes], base: Path, name: str) -> None:
    """Raises `Accepted` when the input was malformed (`why`) and `results` are not the sound input's."""
    if why and results != _sound_results(base, name):
        raise Accepted(f"malformed ({why}), yet accepted with other results than the sound input's")


def make_base(base: Path) -> None:
    """Sound inputs, once: two people's reads, calls and a cohort VCF (a few seconds)."""
    if (base / "done").exists():
        return
    base.mkdir(parents=True, exist_ok=True)
    sim = base / "sim"
    shutil.rmtree(sim, ignore_errors=True)
    _command(
        "simulate", "--output", sim, "--genome-bp", CONTIGS_BP, "--contigs", 2, "--family", "none",
        "--unrelated", 2, "--coverage", 12, "--quiet",
    )  # fmt: skip
    reference = sim / "reference.fa"
    for person in (1, 2):
        bam = sim / f"sample{person}.bam"
        _command(
            "call", "--reads", bam, "--reference", reference, "--quiet",
            "--gvcf", base / f"{person}.g.vcf.gz", "--vcf", base / f"{person}.vcf.gz",
        )  # fmt: skip
    import pysam

    gvcfs = [word for person in (1, 2) for word in ("--gvcf", base / f"{person}.g.vcf.gz")]
    _command(
        "genotype", *gvcfs, "--reference", reference, "--output", base / "cohort.vcf.gz",
        "--save-cohort", base / "cohort.store",
    )  # fmt: skip
    lengths = [line.split("\t")[:2] for line in Path(f"{reference}.fai").read_text().splitlines()]
    (base / "shards.bed").write_text("".join(f"{name}\t0\t{bp}\ts{name}\n" for name, bp in lengths))
    _command(
        "genotype", *gvcfs, "--reference", reference, "--save-cohort", base / "parts",
        "--shards", base / "shards.bed",
    )  # fmt: skip
    _command("paralogs", "--reference", reference, "--output", base / "paralogs.tsv.gz")
    pysam.view(
        "-C", "-T", str(reference), "-o", str(base / "1.cram"), str(sim / "sample1.bam"), catch_stdout=False
    )
    pysam.index(str(base / "1.cram"))
    stored = base / "stored.bam"
    stored.write_bytes(stored_bgzf(inflate((sim / "sample1.bam").read_bytes())))
    pysam.index(str(stored))
    _command(
        "evaluate", "--vcf", base / "1.vcf.gz", "--truth", sim / "sample1.truth.vcf.gz", "--confident",
        sim / "sample1.confident.bed", "--reference", reference, "--output", base / "evaluation", "--quiet",
    )  # fmt: skip
    _command("stats", "--vcf", base / "cohort.vcf.gz", "--output", base / "stats", "--quiet")
    _command(
        "examples", "--reads", sim / "sample1.bam", "--reference", reference, "--truth", sim / "sample1.truth.vcf.gz",
        "--confident", sim / "sample1.confident.bed", "--output", base / "examples", "--quiet",
    )  # fmt: skip
    _make_more(base, sim, reference)
    (base / "results").mkdir(exist_ok=True)
    for name, lines in {
        "call": records(gzip.decompress((base / "1.g.vcf.gz").read_bytes())),
        "genotype": records(gzip.decompress((base / "cohort.vcf.gz").read_bytes())),
        "1.g.vcf.gz": records(gzip.decompress((base / "1.g.vcf.gz").read_bytes())),
        "cohort.vcf.gz": records(gzip.decompress((base / "cohort.vcf.gz").read_bytes())),
        "evaluate": table_lines(base / "evaluation" / "extended.tsv"),
        "stats": table_lines(base / "stats" / "samples.tsv"),
        "examples": examples_of(base / "examples"),
        "panel": records(gzip.decompress((base / "panel.g.vcf.gz").read_bytes())),
        "haplotag": tags_of(base / "tagged.bam"),
        "sites": records(gzip.decompress((base / "sites.vcf.gz").read_bytes())),
        "alleles": records(gzip.decompress((base / "alleles.g.vcf.gz").read_bytes())),
    }.items():
        (base / "results" / name).write_bytes(b"\n".join(lines) + b"\n")
    (base / "done").touch()


def _make_more(base: Path, sim: Path, reference: Path) -> None:
    """Inputs and results of what works on calls: phase, a panel, tags, fingerprints."""
    call = ("call", "--reads", sim / "sample1.bam", "--reference", reference, "--quiet")
    _command(*call, "--gvcf", base / "unphased.g.vcf.gz", "--phase-evidence", base / "1.phase.npz")
    _command(*call, "--gvcf", base / "panel.g.vcf.gz", "--panel", base / "cohort.vcf.gz")
    _command(*call, "--gvcf", base / "alleles.g.vcf.gz", "--alleles", base / "2.vcf.gz")
    list_sites(base / "1.g.vcf.gz", base, base / "sites.vcf.gz", _command)
    haplotag(base / "1.vcf.gz", base, base / "tagged.bam", _command)
    _write_common_snps(base / "common.vcf.gz", reference)
    fingerprint(base / "common.vcf.gz", base, base / "fingerprint.json")


def _write_common_snps(path: Path, reference: Path) -> None:
    """Made-up SNPs, one in 301 bp, with frequencies."""
    import pysam

    lines = ["##fileformat=VCFv4.2", '##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency">']
    bases = _bases(reference)
    lines += [f"##contig=<ID={name},length={len(sequence)}>" for name, sequence in bases.items()]
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO")
    for name, sequence in bases.items():
        for at in range(150, len(sequence), 301):
            alt = "ACGT"["ACGT".find(sequence[at].upper()) - 1]
            lines.append(f"{name}\t{at + 1}\t.\t{sequence[at]}\t{alt}\t.\t.\tAF=0.{1 + at % 4}")
    path.write_bytes(stored_bgzf(("\n".join(lines) + "\n").encode()))
    pysam.tabix_index(str(path), preset="vcf", force=True)


def table_lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def examples_of(folder: Path) -> list[bytes]:
    """Labels and counts of a folder of examples."""
    from deepcohort.pileup.shards import open_examples

    found = open_examples([folder])
    rows = [
        (int(p), int(y))
        for part in found.read_all(with_pixels=False)
        for p, y in zip(part.pos, part.label, strict=True)
    ]
    return [f"{pos} {label}".encode() for pos, label in sorted(rows)]


def _command(*words: object) -> None:
    subprocess.run(
        [sys.executable, "-m", "deepcohort.cli", *map(str, words)], check=True, capture_output=True
    )


def run_here(*words: object) -> None:
    """The command in this process: typer's own complaints count as refusals."""
    from deepcohort.cli import app
    from deepcohort.core.errors import DeepcohortError

    try:
        app([str(word) for word in words], standalone_mode=False)
    except Exception as error:
        if "click" not in type(error).__module__:
            raise
        if isinstance(getattr(error, "exit_code", None), int) and not hasattr(error, "format_message"):
            raise SystemExit(error.exit_code) from error  # typer.Exit
        raise DeepcohortError(str(error) or type(error).__name__) from error


def call_here(bam: Path | str, base: Path, folder: Path, *more: object) -> None:
    folder.mkdir(exist_ok=True)
    run_here(
        "call", "--reads", bam, "--reference", base / "sim" / "reference.fa", "--quiet",
        "--gvcf", folder / "o.g.vcf.gz", "--vcf", folder / "o.vcf.gz", *more,
    )  # fmt: skip
    must_parse(folder / "o.g.vcf.gz")


def must_parse(vcf: Path) -> None:
    """A file that was written without complaint must be sound."""
    import pysam

    with pysam.VariantFile(str(vcf)) as file:
        last = (-1, -1)
        for record in file:
            here = (record.rid, record.pos)
            assert here >= last, f"{vcf}: records out of order at {record.chrom}:{record.pos}"
            last = here


def called_records(folder: Path) -> list[bytes]:
    return records(gzip.decompress((folder / "o.g.vcf.gz").read_bytes()))


def records(vcf: bytes) -> list[bytes]:
    return [line for line in vcf.splitlines() if not line.startswith(b"#")]


def spoilt_vcf(rng: random.Random, source: Path, target: Path, reference: Path | None = None) -> str | None:
    """Spoilt in text (then compressed and, where that goes, indexed), in bytes, or in its index; why it is malformed.

    None: the text keeps to the specification, and may well mean something else. `reference`: FASTA, for gVCFs.
    """
    import pysam

    kind = rng.randrange(10)
    data, index = source.read_bytes(), Path(f"{source}.tbi").read_bytes()
    if kind < 8:
        text = encoded(rng, spoil_table(rng, inflate(data).decode()))
        why = _why_malformed(text, reference)
        target.write_bytes(stored_bgzf(indexable(text)))  # an index that fits, whatever the text
        with contextlib.suppress(Exception):
            pysam.tabix_index(str(target), preset="vcf", force=True)
            target.write_bytes(stored_bgzf(text))
            return why
        target.write_bytes(stored_bgzf(text))
        Path(f"{target}.tbi").write_bytes(index)
        return why or "its index is another file's"
    if kind == 8:
        target.write_bytes(spoil_bytes(rng, data))
    else:
        target.write_bytes(data)
        index = (
            spoil_bytes(rng, index) if rng.random() < 0.3 else stored_bgzf(spoil_bytes(rng, inflate(index)))
        )
    Path(f"{target}.tbi").write_bytes(index)
    return "damaged bytes"


def _why_malformed(text: bytes, reference: Path | None) -> str | None:
    try:
        found = faults(text.decode(), _bases(reference) if reference else None, is_gvcf=reference is not None)
    except UnicodeDecodeError:
        return "no UTF-8"
    return "; ".join(found) or None


def _bases(fasta: Path) -> dict[str, str]:
    records = (record.split("\n", 1) for record in fasta.read_text().split(">")[1:])
    return {name.split()[0]: bases.replace("\n", "") for name, bases in records}


def spoilt_zip(rng: random.Random, data: bytes) -> bytes:
    """A zip whose bytes are spoilt, or whose members are, with every checksum right."""
    if rng.random() < 0.4:
        return spoil_bytes(rng, data)
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        names = source.namelist()
        malformed = rng.choice(names)
        for name in names:
            member = source.read(name)
            target.writestr(name, spoil_bytes(rng, member) if name == malformed else member)
    return out.getvalue()


def list_sites(gvcf: Path, base: Path, output: Path, run: Callable[..., None]) -> None:
    """Alleles of a gVCF and of person 2's."""
    run(
        "sites", "--gvcf", gvcf, "--gvcf", base / "2.g.vcf.gz", "--reference", base / "sim" / "reference.fa",
        "--output", output,
    )  # fmt: skip


def haplotag(vcf: Path, base: Path, output: Path, run: Callable[..., None]) -> None:
    run(
        "haplotag", "--vcf", vcf, "--reads", base / "sim" / "sample1.bam", "--reference",
        base / "sim" / "reference.fa", "--output", output,
    )  # fmt: skip


def tags_of(bam: Path) -> list[bytes]:
    """Name, flag, haplotype and phase set of each read."""
    import pysam

    with pysam.AlignmentFile(str(bam)) as reads:
        return [
            f"{read.query_name} {read.flag} "
            f"{[read.get_tag(tag) if read.has_tag(tag) else None for tag in ('HP', 'PS')]}".encode()
            for read in reads
        ]


def few_sites(path: Path, base: Path) -> Any:
    """Sites of a genome too small for as many as fingerprints need."""
    from deepcohort.fingerprints.config import FingerprintConfig
    from deepcohort.fingerprints.io_sites import read_sites

    return read_sites(path, base / "sim" / "reference.fa", None, FingerprintConfig(min_sites=10))


def fingerprint(sites: Path, base: Path, output: Path) -> None:
    from deepcohort.fingerprints.files import write_fingerprint
    from deepcohort.fingerprints.sample import take_fingerprint

    bam = base / "sim" / "sample1.bam"
    chosen = few_sites(sites, base)
    indexes = [Path(f"{bam}.bai")]
    found = take_fingerprint("sample1", [bam], indexes, base / "sim" / "reference.fa", chosen)
    write_fingerprint(found, output)
