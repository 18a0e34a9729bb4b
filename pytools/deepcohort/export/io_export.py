"""Cohort VCF to VCF Zarr (bio2zarr) and to plink2's pgen (plink2): the tools are run, not imitated."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pysam

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.genome import pseudo_autosomal, sex_chromosome
from deepcohort.core.names import blank_problem
from deepcohort.core.outputs import FULL, atomic_outputs, scratch_folder
from deepcohort.formats.bgzf import check_bgzf_vcf, is_bcf
from deepcohort.formats.ped import read_ped
from deepcohort.formats.vcf_check import check_vcf
from deepcohort.formats.vcf_index import open_vcf_index

FORMATS = ("zarr", "plink2")
# suffixes of what each format leaves
OUTPUTS = {"zarr": (".vcz.zip",), "plink2": (".pgen", ".pvar.zst", ".psam")}
_SEX_CODES = {"XY": "1", "XX": "2"}
# in memory: samples x records of a chunk, of all columns; GQ, DP, AD, PL of 10 alleles are some 300 bytes
_CELLS_PER_CHUNK = 1_000_000
_RECORDS_PER_CHUNK = 10_000


def missing_tools(formats: list[str]) -> list[str]:
    """What keeps `formats` from being written, one line each: unknown words, tools that are not there."""
    problems = []
    for name in formats:
        if name not in FORMATS:
            problems.append(f"format '{name}' is unknown; use {' or '.join(FORMATS)}")
        elif name == "zarr" and importlib.util.find_spec("bio2zarr") is None:
            problems.append("bio2zarr is not installed, which writes VCF Zarr; run: make setup")
        elif name == "plink2" and shutil.which("plink2") is None:
            problems.append("plink2 is not on PATH; install it (Debian: apt install plink2; conda: bioconda)")
    return problems


def export_cohort(vcf: Path, format_: str, output: Path, pedigree: Path | None = None) -> list[Path]:
    """Write `vcf` as `output` + the format's suffixes; returns these files.

    Args:
        vcf: bgzip cohort VCF with its index.
        format_: one of FORMATS.
        output: prefix of the files.
        pedigree: PLINK .ped; families, parents and sexes of the .psam.

    Raises:
        DeepcohortError: the tool is absent or fails, or the VCF has no record.
    """
    problems = missing_tools([format_])
    if not vcf.exists():
        problems.append(f"cohort VCF {vcf} does not exist; check --vcf")
    if pedigree is not None and (not pedigree.exists() or pedigree.is_dir()):
        told = "is a folder" if pedigree.is_dir() else "does not exist"
        problems.append(f"pedigree {pedigree} {told}; check --pedigree")
    if problems:
        raise InputProblems(problems)
    if not is_bcf(vcf):
        check_bgzf_vcf(vcf)
        open_vcf_index(vcf)
        check_vcf(vcf, max_ploidy=2)
    samples = _samples(vcf)
    finals = [Path(f"{output}{suffix}") for suffix in OUTPUTS[format_]]
    with atomic_outputs(*finals) as temporaries, _scratch(output) as folder:
        if format_ == "zarr":
            _write_zarr(vcf, len(samples), folder)
        else:
            _write_pgen(vcf, samples, pedigree, folder)
        for suffix, temporary in zip(OUTPUTS[format_], temporaries, strict=True):
            os.replace(folder / f"cohort{suffix}", temporary)
    return finals


@contextmanager
def _scratch(output: Path) -> Iterator[Path]:
    """A folder beside the output, so that nothing is moved between disks; removed at the end."""
    with scratch_folder(".tmp-export-", output.parent) as folder:
        yield folder


def _samples(vcf: Path) -> list[str]:
    """Names of the samples.

    Raises:
        DeepcohortError: no VCF, no sample, or no record.
    """
    try:
        with pysam.VariantFile(str(vcf)) as file:
            samples = list(file.header.samples)
            empty = next(iter(file), None) is None
    except (OSError, ValueError) as error:
        raise DeepcohortError(f"{vcf} is not a readable VCF ({error})") from error
    if not samples or empty:
        raise DeepcohortError(
            f"{vcf} holds no {'record' if samples else 'sample'}: there is nothing to export"
        )
    return samples


def _write_zarr(vcf: Path, n_samples: int, folder: Path) -> None:
    from bio2zarr import vcf as converter

    rows = max(1, min(_RECORDS_PER_CHUNK, _CELLS_PER_CHUNK // n_samples))
    try:
        converter.convert(
            [vcf],
            folder / "cohort.vcz.zip",
            variants_chunk_size=rows,
            samples_chunk_size=n_samples if n_samples <= _RECORDS_PER_CHUNK else _RECORDS_PER_CHUNK,
            icf_path=folder / "icf",
        )
    except Exception as error:  # whatever zarr, cyvcf2 and numpy raise on what they did not expect
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise DeepcohortError(
            f"bio2zarr could not convert {vcf} ({reason}); is it a whole and valid VCF with its index?"
        ) from error


def _write_pgen(vcf: Path, samples: list[str], pedigree: Path | None, folder: Path) -> None:
    persons = folder / "known.psam"
    persons.write_text("\n".join(_psam_lines(samples, pedigree)) + "\n")
    command = [
        "plink2", "--vcf", vcf, "--psam", persons, "--vcf-half-call", "missing", "--allow-extra-chr",
        "--make-pgen", "vzs", "--threads", "1", "--out", folder / "cohort", *_split_par(vcf),
    ]  # fmt: skip
    result = subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        lines = [line for line in (result.stderr or result.stdout).splitlines() if line.strip()]
        raise DeepcohortError(f"plink2 could not convert {vcf}: {' '.join(lines)[:300]}")


def _split_par(vcf: Path) -> list[str]:
    """plink2's option that sets the pseudo-autosomal regions of X apart, where the header tells the assembly.

    Left on X, men count for one copy there, and those who are heterozygous as missing.
    """
    with pysam.VariantFile(str(vcf)) as file:
        contigs = [(contig.name, contig.length or 0) for contig in file.header.contigs.values()]
    for name, length in contigs:
        regions = pseudo_autosomal(name, length)
        if regions and sex_chromosome(name) == "X":
            (_, head), (tail, _) = regions
            return ["--split-par", str(head), str(tail + 1)]
    return []


def _psam_lines(samples: list[str], pedigree: Path | None) -> list[str]:
    """A .psam of the samples, in the order of the VCF: family, parents and sex as far as they are known."""
    rows = read_ped(pedigree) if pedigree is not None else []
    known = {
        row.sample: (row.family, row.father or "0", row.mother or "0", _SEX_CODES.get(row.sex, "NA"))
        for row in rows
    }
    lines = ["#FID\tIID\tPAT\tMAT\tSEX"]
    problems = []
    for name in samples:
        family, father, mother, sex = known.get(name, (name, "0", "0", "NA"))
        row = (family, name, father, mother)
        problems += [f"plink2: the name {word[:40]!r} {why}" for word in row if (why := blank_problem(word))]
        lines.append("\t".join((*row, sex)))
    if problems:
        raise InputProblems(list(dict.fromkeys(problems)))
    return lines
