"""Beagle on a cohort VCF, contig by contig: the tool is run, its phase taken, its genotypes left."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.outputs import atomic_outputs, scratch_folder
from deepcohort.formats.bgzf import BgzfWriter, check_bgzf_vcf, inflate_blocks
from deepcohort.formats.vcf_check import check_vcf
from deepcohort.formats.vcf_declarations import check_declarations
from deepcohort.formats.vcf_header import REGION_KEY
from deepcohort.formats.vcf_index import open_vcf_index
from deepcohort.formats.vcf_text import read_header_lines
from deepcohort.joint.header import PHASE_FORMAT
from deepcohort.joint.io_gvcf import index_vcf
from deepcohort.joint.pedigree import EMPTY_PEDIGREE, Pedigree, lineage_of
from deepcohort.joint.statistical import (
    BlockVotes,
    Chunk,
    PhaserLines,
    phased_lines,
    phaser_input,
    read_chunk,
)

PHASERS = ("beagle",)
FEW_SAMPLES = 50  # haplotypes of fewer, without a panel, tell little of each other
_CHUNK_BYTES = 8 << 20
_SEED = 1
_MOST_NAMED = 3
_LEAST_SITES = 2  # Beagle stops at a contig of one


@dataclass(frozen=True, slots=True)
class PhaseOptions:
    """How Beagle is run.

    Attributes:
        panel: phased reference VCF or bref3; {contig} stands for the contig's name. genetic_map: PLINK map
            with cM, likewise. threads, memory_mb: its own.
    """

    panel: Path | None = None
    genetic_map: Path | None = None
    threads: int = 1
    memory_mb: int = 4_000

    def files_of(self, contig: str) -> tuple[Path | None, Path | None]:
        """Panel and map of a contig."""
        panel, genetic_map = (
            None if path is None else Path(str(path).replace("{contig}", contig))
            for path in (self.panel, self.genetic_map)
        )
        return panel, genetic_map


@dataclass(frozen=True, slots=True)
class PhaseSummary:
    """What was done: samples and sites that Beagle phased, genotypes where reads overruled it, warnings."""

    n_samples: int
    n_sites: int
    n_overruled: int
    warnings: tuple[str, ...]


def missing_phaser(name: str) -> str:
    """What keeps phaser `name` from being run; nothing if it can be."""
    if name not in PHASERS:
        return f"phaser '{name}' is unknown; use {' or '.join(PHASERS)}"
    if shutil.which(name) is None:
        return "beagle is not on PATH; install it (Debian: apt install beagle) or leave out --phase_cohort"
    return ""


def phase_cohort(
    vcf: Path,
    output: Path,
    contigs: Sequence[str] = (),
    pedigree: Pedigree = EMPTY_PEDIGREE,
    options: PhaseOptions | None = None,
) -> PhaseSummary:
    """Write `vcf` (of `contigs` alone, if any are named) with the statistical phase of unrelated samples.

    Samples with a relative in the cohort stay as they are; founders among them lend their haplotypes.

    Raises:
        DeepcohortError: the tool is absent or fails, or the input cannot be used; nothing is written then.
    """
    options = options or PhaseOptions()
    lines, samples, lengths = _checked(vcf, contigs, options)
    lineage = lineage_of(pedigree, samples)
    children = set(lineage.trios[:, 0].tolist())
    donors = np.array([i for i in range(len(samples)) if i not in children], dtype=np.int64)
    open_ = np.array([i for i in donors if not lineage.related[i]], dtype=np.int64)
    names = [name for name in lengths if name in contigs or not contigs]
    warnings = []
    if options.panel is None and len(donors) < FEW_SAMPLES:
        warnings.append(
            f"{len(donors)} unrelated samples and no panel: so few say little of each other's haplotypes; "
            "give a panel"
        )
    n_sites = n_overruled = 0
    with atomic_outputs(output, partners=(".tbi", ".csi")) as (temporary,):
        with BgzfWriter(temporary) as writer:
            writer.write(_header(lines, contigs, options).encode())
            for contig in names:
                with scratch_folder(".tmp-beagle-", output.parent) as folder:
                    cohort = _Contig(vcf, contig, samples, lines)
                    phaser, n = _run(cohort, donors, folder, options) if len(open_) else (None, 0)
                    n_overruled += _rewrite(cohort, phaser, donors, open_, writer)
                    n_sites += n
        index_vcf(temporary, max(lengths.values(), default=1))
    return PhaseSummary(len(open_), n_sites, n_overruled, tuple(warnings))


def _checked(
    vcf: Path, contigs: Sequence[str], options: PhaseOptions
) -> tuple[list[str], list[str], dict[str, int]]:
    """Header lines, samples and contigs of the input.

    Raises:
        InputProblems: everything that is missing, together.
    """
    problems = [why for why in [missing_phaser("beagle")] if why]
    if not vcf.exists():
        problems.append(f"cohort VCF {vcf} does not exist; check --vcf")
    if problems:
        raise InputProblems(problems)
    check_bgzf_vcf(vcf)
    open_vcf_index(vcf)
    check_vcf(vcf, max_ploidy=2)
    lines = [line.rstrip("\r\n") for line in read_header_lines(vcf)]
    check_declarations(lines, vcf, whole=True)
    lengths = {}
    for line in lines:
        found = re.match(r"##contig=<(?:.*,)?ID=([^,>]+)(?:.*length=(\d+))?", line)
        if found:
            lengths[found[1]] = int(found[2] or 1)
    absent = [name for name in contigs if name not in lengths]
    if absent:
        raise DeepcohortError(f"{vcf} has no contig {absent[0]}; check --contig")
    for name in contigs or lengths:
        for path, what in zip(options.files_of(name), ("panel", "map"), strict=True):
            if path is not None and not path.is_file():
                problems.append(
                    f"{what} {path} does not exist; check --{what}, and name contigs with --contig"
                )
    if problems:
        raise InputProblems(problems[:_MOST_NAMED])
    samples = next((line.split("\t")[9:] for line in lines if line.startswith("#CHROM")), [])
    if not samples:
        raise DeepcohortError(f"{vcf} has no samples; give a cohort VCF")
    return lines, samples, lengths


def _header(lines: Sequence[str], contigs: Sequence[str], options: PhaseOptions) -> str:
    """The header with what phase needs; of regions those of `contigs` alone."""
    out = []
    known = {key for key in PHASE_FORMAT if any(line.startswith(f"##FORMAT=<ID={key},") for line in lines)}
    for line in lines:
        region = line.partition(f"##{REGION_KEY}=")[2]
        if region and contigs and region.rpartition(":")[0] not in contigs and region not in contigs:
            continue
        if line.startswith("#CHROM"):
            out += [
                f'##FORMAT=<ID={key},Number={number},Type={kind},Description="{text}">'
                for key, (number, kind, text) in PHASE_FORMAT.items()
                if key not in known and key != "DNO"
            ]
            panel = f" panel={options.panel.name}" if options.panel else ""
            out.append(f"##deepcohort_phase=beagle seed={_SEED}{panel}")
        out.append(line)
    return "\n".join(out) + "\n"


class _Contig:
    """Lines of one contig of the cohort VCF, read as often as asked."""

    def __init__(self, vcf: Path, name: str, samples: Sequence[str], header: Sequence[str]) -> None:
        self.name, self.samples, self.header = name, samples, header
        self._vcf = vcf

    def chunks(self) -> Iterator[Chunk]:
        """All lines, a few MB at a time."""
        with pysam.TabixFile(str(self._vcf)) as file:
            if self.name not in file.contigs:
                return
            yield from _chunked(file.fetch(self.name), len(self.samples))


def _chunked(lines: Iterator[str], n_samples: int) -> Iterator[Chunk]:
    held: list[str] = []
    size = first = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size > _CHUNK_BYTES:
            yield read_chunk(("\n".join(held) + "\n").encode(), n_samples, first)
            first, held, size = first + len(held), [], 0
    if held:
        yield read_chunk(("\n".join(held) + "\n").encode(), n_samples, first)


def _run(
    cohort: _Contig, donors: NDArray[np.int64], folder: Path, options: PhaseOptions
) -> tuple[Path | None, int]:
    """Beagle's VCF of a contig and its number of sites; None where there are too few."""
    source = folder / "input.vcf.gz"
    n_sites = 0
    with BgzfWriter(source) as writer:
        head = ["##fileformat=VCFv4.3", '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
        names = [cohort.samples[i] for i in donors]
        head.append(
            "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names])
        )
        writer.write(("\n".join(head) + "\n").encode())
        for chunk in cohort.chunks():
            text, n = phaser_input(chunk, donors)
            writer.write(text)
            n_sites += n
    if n_sites < _LEAST_SITES:
        return None, 0
    words = [
        f"gt={source}",
        f"out={folder / 'phased'}",
        f"nthreads={options.threads}",
        f"seed={_SEED}",
        "impute=false",
    ]
    panel, genetic_map = options.files_of(cohort.name)
    words += [f"ref={panel}", f"chrom={cohort.name}"] if panel else []
    words += [f"map={genetic_map}"] if genetic_map else []
    environment = {**os.environ, "JAVA_TOOL_OPTIONS": f"-Xmx{options.memory_mb}m"}
    result = subprocess.run(
        ["beagle", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    found = folder / "phased.vcf.gz"
    if result.returncode or not found.exists():
        said = [
            line for line in (result.stdout + result.stderr).splitlines() if re.search("rror|xception", line)
        ]
        why = said[0].strip() if said else f"exit code {result.returncode}"
        raise DeepcohortError(f"beagle failed on {cohort.name}: {why[:300]}")
    return found, n_sites


def _phaser_chunks(path: Path, n_samples: int) -> Iterator[Chunk]:
    """Lines of Beagle's VCF, which has no index."""
    rest = b""
    for text, _ in inflate_blocks(path, 0):
        rest += text
        if len(rest) > _CHUNK_BYTES:
            cut = rest.rfind(b"\n") + 1
            yield _without_header(rest[:cut], n_samples)
            rest = rest[cut:]
    if rest:
        yield _without_header(rest, n_samples)


def _without_header(text: bytes, n_samples: int) -> Chunk:
    while text.startswith(b"#"):
        text = text[text.index(b"\n") + 1 :]
    return read_chunk(text, n_samples, 0)


def _rewrite(
    cohort: _Contig,
    phaser: Path | None,
    donors: NDArray[np.int64],
    open_: NDArray[np.int64],
    writer: BgzfWriter,
) -> int:
    """Write the contig with its phase; in how many genotypes read blocks overruled the phaser."""
    votes = BlockVotes()

    def lines() -> PhaserLines:
        return PhaserLines(_phaser_chunks(phaser, len(donors)) if phaser is not None else iter(()))

    if phaser is not None:
        found = lines()
        for chunk in cohort.chunks():
            votes.add(chunk, found.orders(chunk, donors))
    votes.settle()
    found = lines()
    for chunk in cohort.chunks():
        order = votes.final(chunk, found.orders(chunk, donors), open_)
        writer.write(phased_lines(chunk, order))
    return votes.overruled
