"""A lane of FASTQ files -> a sorted BAM; the lanes of a sample -> one BAM or CRAM, duplicates marked."""

import hashlib
import itertools
import re
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO

import pysam
from pysam.version import __samtools_version__

from deepcohort import __version__
from deepcohort.align.config import AlignConfig
from deepcohort.align.fastq_count import count_reads
from deepcohort.align.pipes import Step, run_pipe, samtools
from deepcohort.align.tools import Aligner, find_aligner, index_prefix, preset_of
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.names import name_problem
from deepcohort.core.outputs import atomic_outputs, scratch_folder
from deepcohort.core.region import Region
from deepcohort.core.text import text_of

_CHUNK_BP = 8_000_000
_SCRATCH = ".tmp-align-"
_PROGRAM = re.compile(r"[\w.+-]+ [\w.+~-]+", re.ASCII)
_MOST_BAI_BP = 1 << 29
_EOF_BYTES = 38  # of the container that ends a CRAM 3.0
PLATFORM_WORDS = {"illumina": "ILLUMINA", "hifi": "PACBIO", "ont": "ONT"}


def read_group(sample: str, lane: str, platform: str) -> dict[str, str]:
    """The @RG of a lane; all lanes of a sample are taken for one library.

    Raises:
        InputProblems: a name that no header can hold.
    """
    problems = []
    for option, name in (("--sample", sample), ("--lane", lane)):
        # bwa takes backslashes away, twice
        why = name_problem(name) or ("holds a backslash" if "\\" in name else "")
        if why:
            problems.append(f"{option} {name[:40]!r} {why}; choose another")
    if problems:
        raise InputProblems(problems)
    return {
        "ID": f"{sample}.{lane}",
        "SM": sample,
        "LB": sample,
        "PU": lane,
        "PL": PLATFORM_WORDS[platform],
    }


def align_lane(
    files: Sequence[Path],
    reference: Path,
    index: Path,
    output: Path,
    group: dict[str, str],
    platform: str = "illumina",
    aligner: str = "auto",
    threads: int = 1,
    config: AlignConfig | None = None,
) -> Aligner:
    """Align one file of reads, or two of mates, and write a BAM sorted by coordinate; returns the aligner.

    Args:
        files: FASTQ. reference: indexed FASTA. index: folder of the aligner's index (`make_index`).
        output: BAM to write. group: its only read group. threads: of the aligner, and of sorting.

    Raises:
        DeepcohortError: no aligner or index, or a program failed.
    """
    config = config or AlignConfig()
    for path in files:
        if not path.is_file():
            raise DeepcohortError(f"{path} does not exist")
    found = find_aligner(platform, aligner, index)
    count_reads(files)
    prefix = index_prefix(found.name, index)
    assert prefix is not None  # find_aligner looked
    with atomic_outputs(output) as (temporary,), scratch_folder(_SCRATCH, output.parent) as scratch:
        steps, feed = _aligning(found, prefix, files, reference, group, platform, threads, config)
        if platform == "illumina":
            steps += [samtools("fixmate", "--no-PG", "-u", "-m", "-", "-")]
        words = ["-l", str(config.level), "-@", str(threads - 1), "-m", f"{config.sort_memory_mb}M"]
        words += ["-T", f"{scratch}/part", "-O", "bam", "-o", str(temporary), "-"]
        run_pipe([*steps, samtools("sort", "--no-PG", *words)], feed)
    return found


def _aligning(
    aligner: Aligner,
    prefix: Path,
    files: Sequence[Path],
    reference: Path,
    group: dict[str, str],
    platform: str,
    threads: int,
    config: AlignConfig,
) -> tuple[list[Step], Callable[[IO[bytes]], None] | None]:
    """The steps that make alignments, and what feeds the first of them where Python does it."""
    names = [str(path) for path in files]
    line = "@RG\\t" + "\\t".join(f"{key}:{value}" for key, value in group.items())
    if aligner.name in ("bwa", "bwa-mem2"):
        words = [
            "mem",
            "-t",
            str(threads),
            "-K",
            str(config.chunk_bases),
            "-Y",
            "-R",
            line,
            str(prefix),
            *names,
        ]
        return [Step((aligner.command, *words), f"{aligner.name} mem")], None
    if aligner.name == "minimap2":
        preset = preset_of(platform, aligner)
        words = ["-a", "-x", preset, "-t", str(threads), "-Y", "--MD", "-R", line, str(prefix), *names]
        return [Step((aligner.command, *words), "minimap2")], None
    from deepcohort.align.io_python import pairs_by_pybwa, reads_by_mappy

    header = {"HD": {"VN": "1.6", "SO": "unsorted"}, "SQ": _contigs(reference), "RG": [group]}
    if aligner.name == "pybwa":
        return [], partial(
            pairs_by_pybwa,
            prefix=prefix,
            files=list(files),
            header=header,
            group=group["ID"],
            threads=threads,
        )
    return [], partial(
        reads_by_mappy, index=prefix, platform=platform, files=list(files), header=header, group=group["ID"]
    )


def _contigs(reference: Path) -> list[dict[str, object]]:
    with ReferenceFasta(reference) as fasta:
        return [{"SN": name, "LN": length} for name, length in fasta.contig_lengths.items()]


def finish_sample(
    lanes: Sequence[Path],
    reference: Path,
    output: Path,
    mark: bool = True,
    program: tuple[str, str] = ("", ""),
    threads: int = 1,
    config: AlignConfig | None = None,
) -> None:
    """Merge sorted `lanes` of one sample, mark duplicates across them, write BAM or CRAM with its index.

    The header names programs and versions, no commands: those hold thread counts and paths, and the same
    reads shall give the same bytes everywhere.

    Args:
        lanes: BAMs of `align_lane`. reference: indexed FASTA. output: .bam or .cram.
        mark: whether to mark duplicates (not of long reads, which have no PCR pairs to compare).
        program: name and version of the aligner, for the header. threads: of merging and writing.

    Raises:
        DeepcohortError: `output` is neither .bam nor .cram, lanes are not of one sample and reference, or a
            program failed.
    """
    config = config or AlignConfig()
    headers = [_lane_header(lane) for lane in lanes]
    _check_lanes(lanes, headers, reference)
    is_cram = output.suffix == ".cram"
    if not is_cram and output.suffix != ".bam":
        raise DeepcohortError(f"output {output} is neither .bam nor .cram")
    more = ["-@", str(threads - 1)]
    form = ["-O", f"bam,level={config.final_level}"]
    if is_cram:
        form = ["-O", "cram,version=3.0", "--reference", str(reference)]
    with (
        atomic_outputs(output, partners=(".bai", ".csi", ".crai")) as (temporary,),
        scratch_folder(_SCRATCH, output.parent) as scratch,
    ):
        header, body = Path(scratch, "header.sam"), Path(scratch, f"body{output.suffix}")
        header.write_text(_header(headers, program, mark, _checksums(reference) if is_cram else {}))
        merge = ["merge", "--no-PG", "-c", "-p", *more]
        names = [str(lane) for lane in lanes]
        if mark:
            marking = ["markdup", "--no-PG", "-S", "-T", f"{scratch}/mark", *more, *form, "-", str(body)]
            run_pipe([samtools(*merge, "-u", "-o", "-", *names), samtools(*marking)])
        else:
            run_pipe([samtools(*merge, *form, "-o", str(body), *names)])
        _replace_header(header, body, temporary)
        is_long = any(n > _MOST_BAI_BP for _, n in _contigs_of(headers[0]))
        suffix = ".crai" if is_cram else ".csi" if is_long else ".bai"
        words = ["-c"] if is_long and not is_cram else []
        run_pipe([samtools("index", *more, *words, str(temporary), f"{temporary}{suffix}")])


def read_program(files: Sequence[Path]) -> tuple[str, str]:
    """Name and version of the aligner of all lanes, by what `align reads --version-file` wrote of each.

    Raises:
        DeepcohortError: a file holds something else, or they differ.
    """
    programs = set()
    for path in files:
        text = text_of(path).strip()
        if not _PROGRAM.fullmatch(text):
            raise DeepcohortError(f"{path} is no file of `align reads --version-file`")
        programs.add(text)
    if len(programs) > 1:
        raise DeepcohortError(
            f"lanes were aligned by {' and '.join(sorted(programs))}; align them by one aligner"
        )
    name, _, version = next(iter(programs), " ").partition(" ")
    return name, version


def _replace_header(header: Path, body: Path, output: Path) -> None:
    """Write `body` with `header`; compressed blocks are copied as they are."""
    if output.suffix != ".cram":
        # in process: pysam's samtools writes no BAM to a stdout that is the caller's
        pysam.reheader("--no-PG", str(header), str(body), save_stdout=str(output))  # type: ignore[attr-defined]
        return
    step = samtools("reheader", "--no-PG", str(header), str(body))
    with open(output, "wb") as file:
        done = subprocess.run(
            step.words, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE, check=False
        )
    if done.returncode:
        raise DeepcohortError(f"{step.name} failed: {done.stderr.decode(errors='replace').strip()}")
    _end_once(output)


def _end_once(cram: Path) -> None:
    """Take off the container that samtools adds to the one that ends a CRAM already."""
    with open(cram, "r+b") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 2 * _EOF_BYTES))
        ending = file.read()
        if ending[:_EOF_BYTES] == ending[_EOF_BYTES:]:
            file.truncate(size - _EOF_BYTES)


def _checksums(reference: Path) -> dict[str, str]:
    """M5 of each contig (SAM specification, 1.3.2): CRAM is read against what has it."""
    with ReferenceFasta(reference) as fasta:
        sums = {}
        for name, length in fasta.contig_lengths.items():
            digest = hashlib.md5(usedforsecurity=False)
            for start in range(0, length, _CHUNK_BP):
                piece = Region(name, start, min(length, start + _CHUNK_BP))
                digest.update(fasta.fetch_text(piece).upper().encode("ascii"))
            sums[name] = digest.hexdigest()
    return sums


def _lane_header(lane: Path) -> dict[str, list[dict]]:
    """Header of a lane's BAM.

    Raises:
        DeepcohortError: there is none, or no contig in it.
    """
    if not lane.is_file():
        raise DeepcohortError(f"lane {lane} does not exist; check --lane")
    try:
        with pysam.AlignmentFile(str(lane), check_sq=False) as file:
            is_lane = bool((file.is_bam or file.is_cram) and file.nreferences)
            header: dict[str, list[dict]] = file.header.to_dict()
    except (OSError, ValueError) as error:
        raise DeepcohortError(f"lane {lane} cannot be read as BAM ({error}); align it again") from error
    if not is_lane:
        raise DeepcohortError(f"lane {lane} is no BAM of aligned reads; give what `align reads` wrote")
    return header


def _check_lanes(lanes: Sequence[Path], headers: Sequence[dict[str, list[dict]]], reference: Path) -> None:
    """See that all lanes are of one sample, and aligned to one reference, this one.

    Raises:
        InputProblems: those that are not.
    """
    with ReferenceFasta(reference) as fasta:
        lengths = fasta.contig_lengths
    problems = []
    first, samples = _contigs_of(headers[0]), dict[str, Path]()
    for lane, header in zip(lanes, headers, strict=True):
        for group in header.get("RG", []):
            samples.setdefault(str(group.get("SM", "")), lane)
        own = _contigs_of(header)
        other = next((name for name, n in own if lengths.get(name, n) != n), "")
        if other:
            problems.append(
                f"lane {lane} was aligned to another reference: its {other} is not as long as that"
            )
        elif own != first:
            problems.append(f"lanes {lanes[0]} and {lane} were aligned to references of other contigs")
    if len(samples) > 1:
        named = ", ".join(f"{path} {name}" for name, path in list(samples.items())[:5])
        problems.append(f"lanes are of several samples ({named}); join those of one")
    if problems:
        raise InputProblems(problems)


def _contigs_of(header: dict[str, list[dict]]) -> list[tuple[str, int]]:
    return [(str(row["SN"]), int(row["LN"])) for row in header["SQ"]]


def _header(
    headers: Sequence[dict[str, list[dict]]], program: tuple[str, str], mark: bool, sums: dict[str, str]
) -> str:
    groups: dict[str, dict] = {}
    contigs = headers[0]["SQ"]
    for own in headers:
        groups |= {str(group["ID"]): group for group in own.get("RG", [])}
    for contig in contigs:
        contig |= {"M5": sums[contig["SN"]]} if contig["SN"] in sums else {}
    programs = [{"ID": program[0], "PN": program[0], "VN": program[1]}] if program[0] else []
    if mark:
        programs.append({"ID": "samtools", "PN": "samtools", "VN": __samtools_version__, "DS": "markdup"})
    programs.append({"ID": "deepcohort", "PN": "deepcohort", "VN": __version__, "DS": "align"})
    for earlier, later in itertools.pairwise(programs):
        later["PP"] = earlier["ID"]
    whole = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": contigs,
        "RG": [groups[k] for k in sorted(groups)],
    }
    return str(pysam.AlignmentHeader.from_dict(whole | {"PG": programs}))
