"""What is fuzzed: for each kind of file, the command that reads it, on a spoilt copy.

A target takes (seed, base, folder): sound inputs lie in `base`, the case writes into `folder`.
"""

import contextlib
import gzip
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import fuzz_variants
import numpy as np
from fuzz_base import (
    CONTIGS_BP,
    call_here,
    called_records,
    examples_of,
    judge,
    records,
    run_here,
    spoilt_vcf,
    spoilt_zip,
)
from fuzz_mutate import (
    encoded,
    inflate,
    odd_sam,
    record_offsets,
    spoil_bam,
    spoil_bytes,
    spoil_table,
    stored_bgzf,
)
from fuzz_server import FAULTS, Fault, serve


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


def fuzz_examples(seed: int, base: Path, folder: Path) -> None:
    """A truth that is spoilt."""
    sim = base / "sim"
    why = spoilt_vcf(random.Random(seed), sim / "sample1.truth.vcf.gz", folder / "x.vcf.gz")
    run_here(
        "examples", "--reads", sim / "sample1.bam", "--reference", sim / "reference.fa", "--truth", folder / "x.vcf.gz",
        "--confident", sim / "sample1.confident.bed", "--output", folder / "examples", "--quiet",
    )  # fmt: skip
    judge(why, examples_of(folder / "examples"), base, "examples")


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
        victim.write_bytes(spoilt_zip(rng, victim.read_bytes()))
    found = open_examples([folder / "x"])
    for part in found.read_all():
        assert part.pixels.shape[1:] == found.config.shape
        assert not np.isnan(part.features).any()


def fuzz_profile(seed: int, base: Path, folder: Path) -> None:
    """A profile for simulated reads; one case in twelve simulates with what was accepted."""
    from deepcohort.simulate.profile import ASSETS, load_profile

    rng = random.Random(seed)
    source = rng.choice(sorted(ASSETS.glob("*.npz")))
    (folder / "x.npz").write_bytes(spoilt_zip(rng, source.read_bytes()))
    load_profile(str(folder / "x.npz"))
    if source.stem.startswith("illumina") and seed % 12 == 0:
        run_here(
            "simulate", "--output", folder / "sim", "--genome-bp", 9000, "--contigs", 1, "--family", "none",
            "--unrelated", 1, "--coverage", 4, "--demography", "constant", "--profile", folder / "x.npz", "--quiet",
        )  # fmt: skip


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
        malformed = rng.choice(names)
        for name in names:
            data = source.read(name)
            if name == malformed and name.endswith(".json"):
                data = encoded(rng, spoil_table(rng, data.decode(), ',":[ '))
            elif name == malformed:
                data = spoil_bytes(rng, data)
            out.writestr(name, data)
    return target


def fuzz_model(seed: int, base: Path, folder: Path) -> None:
    call_here(base / "sim" / "sample1.bam", base, folder, "--model", _spoilt_model(seed, folder))


def fuzz_model_read(seed: int, base: Path, folder: Path) -> None:
    """A model as every command loads it, without reads."""
    from deepcohort.model.load import load_predictor

    load_predictor(str(_spoilt_model(seed, folder)), device="cpu")


Target = Callable[[int, Path, Path], None]
TARGETS: dict[str, Target] = {
    name.removeprefix("fuzz_"): target
    for name, target in [*globals().items(), *vars(fuzz_variants).items()]
    if name.startswith("fuzz_") and callable(target)
}
