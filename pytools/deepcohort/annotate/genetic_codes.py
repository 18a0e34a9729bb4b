"""bcftools csq, which knows one genetic code at a time, on contigs of several."""

import heapq
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from deepcohort.annotate.io_csq import run_csq

STANDARD = 0


def run_by_code(
    reference: Path,
    genes: Path,
    sites: Path,
    output: Path,
    is_local: bool,
    trim: int,
    codes: Mapping[str, int],
) -> None:
    """`run_csq`, contigs of each genetic code apart; records come in the order of their numbers (ID).

    Args:
        codes: contig -> genetic code (NCBI's number), of those that have sites and another than the standard.

    Raises:
        DeepcohortError: csq failed.
    """
    if not codes:
        run_csq(reference, genes, sites, output, is_local, trim)
        return
    outputs = []
    for code, part in _parts(sites, codes).items():
        outputs.append(part.with_suffix(".csq.vcf"))
        run_csq(reference, genes, part, outputs[-1], is_local, trim, code)
    with ExitStack() as stack:
        files = [stack.enter_context(open(path)) for path in outputs]
        with open(output, "w") as out:
            out.writelines(heapq.merge(*map(_records, files), key=lambda line: int(line.split("\t", 3)[2])))


def _records(lines: Iterable[str]) -> Iterable[str]:
    return (line for line in lines if not line.startswith("#"))


def _parts(sites: Path, codes: Mapping[str, int]) -> dict[int, Path]:
    """Files with the sites of each code that has any, header included; they lie beside `sites`."""
    paths: dict[int, Path] = {}
    files: dict[int, TextIO] = {}
    header: list[str] = []
    with ExitStack() as stack, open(sites) as lines:
        for line in lines:
            if line.startswith("#"):
                header.append(line)
                continue
            code = codes.get(line[: line.index("\t")], STANDARD)
            if code not in files:
                paths[code] = sites.with_suffix(f".code{code}.vcf")
                files[code] = stack.enter_context(open(paths[code], "w"))
                files[code].writelines(header)
            files[code].write(line)
    return paths
