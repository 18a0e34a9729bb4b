"""What is fuzzed: for each kind of file, the command that reads it, on a spoilt copy.

A target takes (seed, base, folder): sound inputs lie in `base`, the case writes into `folder`.
"""

import contextlib
import gzip
import io
import json
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_mutate import (
    encoded,
    indexable,
    inflate,
    odd_sam,
    record_offsets,
    spoil_bam,
    spoil_bytes,
    spoil_store,
    spoil_table,
    stored_bgzf,
)
from fuzz_server import FAULTS, Fault, serve
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
        "evaluate": _table(base / "evaluation" / "extended.tsv"),
        "stats": _table(base / "stats" / "samples.tsv"),
        "examples": _examples_of(base / "examples"),
        "panel": records(gzip.decompress((base / "panel.g.vcf.gz").read_bytes())),
        "haplotag": _tags(base / "tagged.bam"),
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
    _haplotag(base / "1.vcf.gz", base, base / "tagged.bam", _command)
    _write_common_snps(base / "common.vcf.gz", reference)
    _fingerprint(base / "common.vcf.gz", base, base / "fingerprint.json")


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


def _table(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def _examples_of(folder: Path) -> list[bytes]:
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
    _must_parse(folder / "o.g.vcf.gz")


def _must_parse(vcf: Path) -> None:
    """A file that was written without complaint must be sound."""
    import pysam

    with pysam.VariantFile(str(vcf)) as file:
        last = (-1, -1)
        for record in file:
            here = (record.rid, record.pos)
            assert here >= last, f"{vcf}: records out of order at {record.chrom}:{record.pos}"
            last = here


def fuzz_bam_fields(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    sound = inflate((base / "stored.bam").read_bytes())
    bam = folder / "x.bam"
    bam.write_bytes(stored_bgzf(spoil_bam(rng, sound, record_offsets(sound))))
    shutil.copy(base / "stored.bam.bai", folder / "x.bam.bai")
    call_here(bam, base, folder)


def fuzz_bam_bytes(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    for suffix in ("", ".bai"):
        data = (base / "sim" / f"sample1.bam{suffix}").read_bytes()
        spoil = (suffix == ".bai") == (seed % 2 == 0)
        (folder / f"x.bam{suffix}").write_bytes(spoil_bytes(rng, data) if spoil else data)
    call_here(folder / "x.bam", base, folder)
    # whatever the damage: checksums tell of blocks, and the index must account for all
    judge("damaged bytes", called_records(folder), base, "call")


def called_records(folder: Path) -> list[bytes]:
    return records(gzip.decompress((folder / "o.g.vcf.gz").read_bytes()))


def fuzz_bam_odd(seed: int, base: Path, folder: Path) -> None:
    import pysam

    rng = random.Random(seed)
    with pysam.FastaFile(str(base / "sim" / "reference.fa")) as fasta:
        contigs = list(zip(fasta.references, fasta.lengths, strict=True))
    (folder / "x.sam").write_text(odd_sam(rng, contigs, "sample1"))
    try:
        pysam.view("-b", "-o", str(folder / "x.bam"), str(folder / "x.sam"), catch_stdout=False)
        pysam.index(str(folder / "x.bam"))
    except pysam.SamtoolsError:
        return  # htslib itself would not have it
    call_here(folder / "x.bam", base, folder, "--platform", rng.choice(("illumina", "illumina", "hifi", "ont")), "--model",
          "auto", "--max-depth", rng.choice((20, 10_000)))  # fmt: skip


def fuzz_cram(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    cram, index = ((base / f"1.cram{suffix}").read_bytes() for suffix in ("", ".crai"))
    if seed % 4:
        cram = spoil_bytes(rng, cram)
    elif seed % 8:
        index = spoil_bytes(rng, index)
    else:
        index = gzip.compress(encoded(rng, spoil_table(rng, gzip.decompress(index).decode(), "\t")))
    (folder / "x.cram").write_bytes(cram)
    (folder / "x.cram.crai").write_bytes(index)
    call_here(folder / "x.cram", base, folder)
    judge("damaged bytes", called_records(folder), base, "call")


def fuzz_url(seed: int, base: Path, folder: Path) -> None:
    """Reads at a URL: spoilt on the server, or by a server that cuts off, refuses or knows no byte ranges."""
    rng = random.Random(seed)
    name = rng.choice(("x.bam", "x.cram"))
    sources = {
        "x.bam": (base / "sim" / "sample1.bam", "x.bam.bai"),
        "x.cram": (base / "1.cram", "x.cram.crai"),
    }
    reads, index = sources[name]
    sound = {name: reads.read_bytes(), index: Path(f"{reads}{index[len(name) :]}").read_bytes()}
    served, fault = dict(sound), Fault("none", 0)
    if rng.random() < 0.4:
        victim = rng.choice(sorted(served))
        served[victim] = spoil_bytes(rng, served[victim])
    else:
        fault = Fault(rng.choice(FAULTS), rng.randrange(8))
    (folder / "served").mkdir()
    for file, data in served.items():
        (folder / "served" / file).write_bytes(data)
    with (
        serve(folder / "served", fault) as url,
        contextlib.chdir(folder),
    ):  # htslib keeps the index where it runs
        call_here(f"{url}/{name}", base, folder)
        if served == sound:
            call_here(reads, base, folder / "local")
            here, there = (
                gzip.decompress((at / "o.vcf.gz").read_bytes()) for at in (folder, folder / "local")
            )
            assert records(here) == records(there), f"{fault} changed the calls"


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


@cache
def _bases(fasta: Path) -> dict[str, str]:
    records = (record.split("\n", 1) for record in fasta.read_text().split(">")[1:])
    return {name.split()[0]: bases.replace("\n", "") for name, bases in records}


def fuzz_gvcf(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    reference = base / "sim" / "reference.fa"
    why = spoilt_vcf(rng, base / "1.g.vcf.gz", folder / "x.g.vcf.gz", reference)
    run_here(
        "genotype", "--gvcf", folder / "x.g.vcf.gz", "--gvcf", base / "2.g.vcf.gz", "--reference", reference,
        "--output", folder / "o.vcf.gz",
    )  # fmt: skip
    _must_parse(folder / "o.vcf.gz")
    judge(why, records(gzip.decompress((folder / "o.vcf.gz").read_bytes())), base, "genotype")


def fuzz_merge(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    name = rng.choice(("1.g.vcf.gz", "cohort.vcf.gz"))
    why = spoilt_vcf(rng, base / name, folder / "x.vcf.gz")
    run_here("merge", "--input", folder / "x.vcf.gz", "--output", folder / "o.vcf.gz")
    _must_parse(folder / "o.vcf.gz")
    # it passes records on: those of a damaged index, which it does not read, are the same
    judge(why, records(gzip.decompress((folder / "o.vcf.gz").read_bytes())), base, name)


def fuzz_stats(seed: int, base: Path, folder: Path) -> None:
    why = spoilt_vcf(random.Random(seed), base / "cohort.vcf.gz", folder / "x.vcf.gz")
    run_here("stats", "--vcf", folder / "x.vcf.gz", "--output", folder / "stats", "--quiet")
    judge(why, _table(folder / "stats" / "samples.tsv"), base, "stats")


def fuzz_examples(seed: int, base: Path, folder: Path) -> None:
    """A truth that is spoilt."""
    sim = base / "sim"
    why = spoilt_vcf(random.Random(seed), sim / "sample1.truth.vcf.gz", folder / "x.vcf.gz")
    run_here(
        "examples", "--reads", sim / "sample1.bam", "--reference", sim / "reference.fa", "--truth", folder / "x.vcf.gz",
        "--confident", sim / "sample1.confident.bed", "--output", folder / "examples", "--quiet",
    )  # fmt: skip
    judge(why, _examples_of(folder / "examples"), base, "examples")


def fuzz_examples_read(seed: int, base: Path, folder: Path) -> None:
    """A folder of examples, as training reads it: its manifest or one of its files spoilt."""
    from deepcohort.pileup.shards import open_examples

    rng = random.Random(seed)
    shutil.copytree(base / "examples", folder / "x")
    if rng.random() < 0.5:
        text = (folder / "x" / "examples.json").read_text()
        (folder / "x" / "examples.json").write_bytes(encoded(rng, spoil_table(rng, text, ',":[ ')))
    else:
        victim = rng.choice(sorted((folder / "x").glob("*.npz")))
        victim.write_bytes(_spoilt_zip(rng, victim.read_bytes()))
    found = open_examples([folder / "x"])
    for part in found.read_all():
        assert part.pixels.shape[1:] == found.config.shape
        assert not np.isnan(part.features).any()


def _spoilt_zip(rng: random.Random, data: bytes) -> bytes:
    """A zip whose bytes are spoilt, or whose members are, with every checksum right."""
    if rng.random() < 0.4:
        return spoil_bytes(rng, data)
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        names = source.namelist()
        spoilt = rng.choice(names)
        for name in names:
            member = source.read(name)
            target.writestr(name, spoil_bytes(rng, member) if name == spoilt else member)
    return out.getvalue()


def fuzz_profile(seed: int, base: Path, folder: Path) -> None:
    """A profile for simulated reads; one case in twelve simulates with what was accepted."""
    from deepcohort.simulate.profile import ASSETS, load_profile

    rng = random.Random(seed)
    source = rng.choice(sorted(ASSETS.glob("*.npz")))
    (folder / "x.npz").write_bytes(_spoilt_zip(rng, source.read_bytes()))
    load_profile(str(folder / "x.npz"))
    if source.stem.startswith("illumina") and seed % 12 == 0:
        run_here(
            "simulate", "--output", folder / "sim", "--genome-bp", 9000, "--contigs", 1, "--family", "none",
            "--unrelated", 1, "--coverage", 4, "--demography", "constant", "--profile", folder / "x.npz", "--quiet",
        )  # fmt: skip


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


def fuzz_store(seed: int, base: Path, folder: Path) -> None:
    """A stored cohort: damaged in its bytes, or written by a hand that knows the format and means harm."""
    rng = random.Random(seed)
    data = (base / "cohort.store").read_bytes()
    spoilt = spoil_bytes(rng, data) if rng.random() < 0.4 else spoil_store(rng, data)
    (folder / "x.store").write_bytes(spoilt)
    run_here(
        "genotype", "--cohort", folder / "x.store", "--reference", base / "sim" / "reference.fa",
        "--output", folder / "o.vcf.gz",
    )  # fmt: skip
    _must_parse(folder / "o.vcf.gz")


def fuzz_parts(seed: int, base: Path, folder: Path) -> None:
    """A stored cohort in parts whose table, or one of whose parts, is spoilt; then their table anew."""
    rng = random.Random(seed)
    parts = folder / "parts"
    shutil.copytree(base / "parts", parts)
    if rng.random() < 0.7:
        text = (parts / "cohort.json").read_text()
        spoilt = encoded(rng, spoil_table(rng, text, ',":[ '))
        (parts / "cohort.json").write_bytes(spoilt)
    else:
        victim = rng.choice(sorted(parts.glob("*.store")))
        victim.write_bytes(spoil_bytes(rng, victim.read_bytes()))
    words = ["--reference", base / "sim" / "reference.fa", "--output", folder / "o.vcf.gz"]
    if rng.random() < 0.7:
        run_here("genotype", "--cohort", parts, *words)
        _must_parse(folder / "o.vcf.gz")
    else:
        files = [parts / "cohort.json"] if rng.random() < 0.5 else sorted(parts.glob("*.store"))
        told = [word for file in files for word in ("--part", file)]
        run_here("store", *told, "--shards", base / "shards.bed", "--output", folder / "cohort.json")


def fuzz_paralogs(seed: int, base: Path, folder: Path) -> None:
    """A table of copies that names what is not there; some lines are made up, the genome has few copies."""
    rng = random.Random(seed)
    data = (base / "paralogs.tsv.gz").read_bytes()
    if seed % 4:
        made_up = "".join(
            f"{one}\t{start}\t{start + 2048}\t{two}\t{rng.choice('+-')}\t{rng.randrange(-12000, 12000)}\t100\n"
            for one, two in (("chr1", "chr2"), ("chr2", "chr1"))
            for start in range(0, CONTIGS_BP, 2048)
        )
        text = gzip.decompress(data).decode() + made_up
        data = gzip.compress(encoded(rng, spoil_table(rng, text, "\t")))
    else:
        data = spoil_bytes(rng, data)
    (folder / "x.tsv.gz").write_bytes(data)
    call_here(base / "sim" / "sample1.bam", base, folder, "--paralogs", folder / "x.tsv.gz")


def fuzz_evaluate(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    sound = {"calls": base / "1.vcf.gz", "truth": base / "sim" / "sample1.truth.vcf.gz"}
    spoilt = rng.choice(sorted(sound))
    why = spoilt_vcf(rng, sound[spoilt], folder / "x.vcf.gz")
    files = sound | {spoilt: folder / "x.vcf.gz"}
    run_here(
        "evaluate", "--vcf", files["calls"], "--truth", files["truth"], "--confident", base / "sim" / "sample1.confident.bed",
        "--reference", base / "sim" / "reference.fa", "--output", folder / "evaluation",
    )  # fmt: skip
    judge(why, _table(folder / "evaluation" / "extended.tsv"), base, "evaluate")


def fuzz_bed(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    text = (base / "sim" / "sample1.confident.bed").read_text() + "# remark\ntrack name=x\n"
    (folder / "x.bed").write_bytes(encoded(rng, spoil_table(rng, text, "\t -")))
    bam = base / "sim" / "sample1.bam"
    if rng.random() < 0.5:
        call_here(bam, base, folder, "--regions", folder / "x.bed")
    elif rng.random() < 0.5:
        text_or_gzip = (folder / "x.bed").read_bytes()
        if rng.random() < 0.3:
            text_or_gzip = spoil_bytes(rng, gzip.compress(text_or_gzip))
        (folder / "y.bed.gz").write_bytes(text_or_gzip)
        run_here(
            "evaluate", "--vcf", base / "1.vcf.gz", "--truth", base / "sim" / "sample1.truth.vcf.gz",
            "--confident", folder / "y.bed.gz", "--reference", base / "sim" / "reference.fa",
            "--output", folder / "evaluation",
        )  # fmt: skip
    else:
        call_here(bam, base, folder, "--ploidy-bed", folder / "x.bed")


def fuzz_fasta(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    for suffix in ("", ".fai"):
        data = (base / "sim" / f"reference.fa{suffix}").read_bytes()
        spoil = (suffix == ".fai") == (seed % 2 == 0)
        (folder / f"x.fa{suffix}").write_bytes(spoil_bytes(rng, data) if spoil else data)
    run_here(
        "call", "--reads", base / "sim" / "sample1.bam", "--reference", folder / "x.fa", "--quiet",
        "--gvcf", folder / "o.g.vcf.gz",
    )  # fmt: skip
    if seed % 2 == 0:  # letters of a FASTA may be any; those of its index may not
        judge("damaged .fai", called_records(folder), base, "call")


def fuzz_samplesheet(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    text = (base / "sim" / "samplesheet.csv").read_text()
    (folder / "x.csv").write_bytes(encoded(rng, spoil_table(rng, text, ",.\n/")))
    run_here(
        "check", "--samplesheet", folder / "x.csv", "--reference", base / "sim" / "reference.fa", "--base", base / "sim",
        "--output", folder / "samples.json", "--pedigree", folder / "cohort.ped",
    )  # fmt: skip
    for row in json.loads((folder / "samples.json").read_text()):
        assert not set(row["sample"]) & set(" \t\n\"'`$;&|<>()\\*?[]{}~!#/"), (
            f"unsafe sample name {row['sample']!r}"
        )


def fuzz_pedigree(seed: int, base: Path, folder: Path) -> None:
    rng = random.Random(seed)
    text = "fam1\tsample1\t0\t0\t1\t0\nfam1\tsample2\tsample1\t0\t2\t0\n"
    (folder / "x.ped").write_bytes(encoded(rng, spoil_table(rng, text, "\t")))
    gvcfs = [word for person in (1, 2) for word in ("--gvcf", base / f"{person}.g.vcf.gz")]
    run_here("genotype", *gvcfs, "--pedigree", folder / "x.ped", "--reference", base / "sim" / "reference.fa",
         "--output", folder / "o.vcf.gz")  # fmt: skip


def _spoilt_model(seed: int, folder: Path) -> Path:
    """The shipped model, its bytes spoilt or one of its members, with every checksum right."""
    rng = random.Random(seed)
    shipped = Path(__file__).resolve().parents[3] / "assets" / "models" / "illumina.dcmodel"
    target = folder / "x.dcmodel"
    if seed % 3 == 0:
        target.write_bytes(spoil_bytes(rng, shipped.read_bytes()))
        return target
    with zipfile.ZipFile(shipped) as source, zipfile.ZipFile(target, "w") as out:
        names = source.namelist()
        spoilt = rng.choice(names)
        for name in names:
            data = source.read(name)
            if name == spoilt and name.endswith(".json"):
                data = encoded(rng, spoil_table(rng, data.decode(), ',":[ '))
            elif name == spoilt:
                data = spoil_bytes(rng, data)
            out.writestr(name, data)
    return target


def fuzz_model(seed: int, base: Path, folder: Path) -> None:
    call_here(base / "sim" / "sample1.bam", base, folder, "--model", _spoilt_model(seed, folder))


def fuzz_model_read(seed: int, base: Path, folder: Path) -> None:
    """A model as every command loads it, without reads."""
    from deepcohort.model.load import load_predictor

    load_predictor(str(_spoilt_model(seed, folder)), device="cpu")


def fuzz_phase_evidence(seed: int, base: Path, folder: Path) -> None:
    """What a shard leaves for `merge` to phase by."""
    spoilt = _spoilt_zip(random.Random(seed), (base / "1.phase.npz").read_bytes())
    (folder / "x.phase.npz").write_bytes(spoilt)
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
    _haplotag(folder / "x.vcf.gz", base, folder / "o.bam", run_here)
    judge(why, _tags(folder / "o.bam"), base, "haplotag")


def list_sites(gvcf: Path, base: Path, output: Path, run: Callable[..., None]) -> None:
    """Alleles of a gVCF and of person 2's."""
    run(
        "sites", "--gvcf", gvcf, "--gvcf", base / "2.g.vcf.gz", "--reference", base / "sim" / "reference.fa",
        "--output", output,
    )  # fmt: skip


def _haplotag(vcf: Path, base: Path, output: Path, run: Callable[..., None]) -> None:
    run(
        "haplotag", "--vcf", vcf, "--reads", base / "sim" / "sample1.bam", "--reference",
        base / "sim" / "reference.fa", "--output", output,
    )  # fmt: skip


def _tags(bam: Path) -> list[bytes]:
    """Name, flag, haplotype and phase set of each read."""
    import pysam

    with pysam.AlignmentFile(str(bam)) as reads:
        return [
            f"{read.query_name} {read.flag} "
            f"{[read.get_tag(tag) if read.has_tag(tag) else None for tag in ('HP', 'PS')]}".encode()
            for read in reads
        ]


def fuzz_fingerprints(seed: int, base: Path, folder: Path) -> None:
    """Sites that are spoilt, or what was found at sound ones."""
    from deepcohort.fingerprints.files import read_fingerprint
    from deepcohort.fingerprints.judge import judge as judge_persons

    rng = random.Random(seed)
    if rng.random() < 0.5:
        spoilt_vcf(rng, base / "common.vcf.gz", folder / "x.vcf.gz")
        _fingerprint(folder / "x.vcf.gz", base, folder / "x.json")
    else:
        text = (base / "fingerprint.json").read_text()
        (folder / "x.json").write_bytes(encoded(rng, spoil_table(rng, text, ',":[ ')))
    sites = _few_sites(base / "common.vcf.gz", base)
    verdicts, _ = judge_persons([read_fingerprint(folder / "x.json", sites)], sites, {}, {})
    assert verdicts[0].warnings is not None


def _few_sites(path: Path, base: Path) -> Any:
    """Sites of a genome too small for as many as fingerprints need."""
    from deepcohort.fingerprints.config import FingerprintConfig
    from deepcohort.fingerprints.io_sites import read_sites

    return read_sites(path, base / "sim" / "reference.fa", None, FingerprintConfig(min_sites=10))


def _fingerprint(sites: Path, base: Path, output: Path) -> None:
    from deepcohort.fingerprints.files import write_fingerprint
    from deepcohort.fingerprints.sample import take_fingerprint

    bam = base / "sim" / "sample1.bam"
    chosen = _few_sites(sites, base)
    indexes = [Path(f"{bam}.bai")]
    found = take_fingerprint("sample1", [bam], indexes, base / "sim" / "reference.fa", chosen)
    write_fingerprint(found, output)


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


Target = Callable[[int, Path, Path], None]
TARGETS: dict[str, Target] = {
    name.removeprefix("fuzz_"): target for name, target in list(globals().items()) if name.startswith("fuzz_")
}
