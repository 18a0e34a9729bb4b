"""Consequences by bcftools csq (Danecek & McCarthy 2017, Bioinformatics 33:2037), which comes with pysam."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pysam.version import __bcftools_version__

from deepcohort.core.errors import DeepcohortError

_PER_SITE = 250  # consequences that csq keeps of one site
_BITS = 30  # of each number of its bit mask
# a process of its own for every run: csq remembers the last position of the one before
_IN_A_PROCESS = """
import sys
import pysam, pysam.bcftools
try:
    pysam.bcftools.csq(*sys.argv[1:], catch_stdout=False)
except pysam.SamtoolsError as error:
    sys.exit(str(error))
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One consequence as csq writes it.

    Attributes:
        types: such as missense, or splice_region&synonymous. aa, dna: "" outside coding sequence.
    """

    types: str
    gene: str
    transcript: str
    biotype: str
    aa: str
    dna: str
    text: str

    @property
    def is_coding(self) -> bool:
        """Whether it is a change of (or within) coding sequence."""
        return self.aa != ""


def parse_entries(text: str) -> list[Entry]:
    """Entries of a BCSQ value; pointers to other sites are left out."""
    found = []
    for part in text.split(","):
        if part in ("", ".") or part.startswith("@"):
            continue
        fields = part.split("|") + [""] * 7
        found.append(Entry(fields[0], fields[1], fields[2], fields[3], fields[5], fields[6], part))
    return found


def run_csq(
    reference: Path, genes: Path, sites: Path, output: Path, is_local: bool, trim: int, code: int = 0
) -> None:
    """Run bcftools csq: each allele alone (`is_local`), or the phased haplotypes of `sites`.

    `code`: NCBI's number of the genetic code.

    Raises:
        DeepcohortError: it failed; its own last line is the reason.
    """
    command = ["-f", str(reference), "-g", str(genes), "-O", "v", "-o", str(output), "-B", str(trim)]
    command += ["-C", str(code)]
    command += ["-l"] if is_local else ["-p", "a", "-n", str(_PER_SITE)]
    done = subprocess.run(
        [sys.executable, "-c", _IN_A_PROCESS, *command, str(sites)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.replace("\\n", "\n").splitlines() if line.strip(" '")]
        told = [line for line in lines if line.startswith("Error")] or lines[-1:] or [str(done.returncode)]
        raise DeepcohortError(f"bcftools csq failed: {told[0][-300:]}")


def read_consequences(path: Path) -> Iterator[tuple[int, str]]:
    """Number (the ID) and BCSQ of every site of csq's output that has one, in order."""
    with open(path) as file:
        for line in file:
            if line.startswith("#"):
                continue
            fields = line.rstrip("\n").split("\t", 8)
            text = _bcsq(fields[7])
            if text:
                yield int(fields[2]), text


def _bcsq(info: str) -> str:
    for part in info.split(";"):
        if part.startswith("BCSQ="):
            return part[5:]
    return ""


def read_joint(path: Path) -> Iterator[tuple[str, Entry, list[int]]]:
    """Contig, change that more than one allele makes together, and the haplotypes (from 0) that have it."""
    with open(path) as file:
        for line in file:
            if line.startswith("#"):
                continue
            fields = line.rstrip("\n").split("\t")
            text = _bcsq(fields[7])
            if "+" not in text or "BCSQ" not in fields[8]:
                continue
            at = fields[8].split(":").index("BCSQ")
            masks = [[int(v) for v in sample.split(":")[at].split(",") if v != "."] for sample in fields[9:]]
            for i, part in enumerate(text.split(",")):
                entries = parse_entries(part)
                if entries and "+" in entries[0].dna:
                    yield fields[0], entries[0], _holders(masks, i)


def _holders(masks: Sequence[Sequence[int]], entry: int) -> list[int]:
    found = []
    for sample, mask in enumerate(masks):
        for haplotype in (0, 1):
            bit = 2 * entry + haplotype
            if bit // _BITS < len(mask) and mask[bit // _BITS] >> (bit % _BITS) & 1:
                found.append(2 * sample + haplotype)
    return found


def csq_version() -> str:
    """Version of the bcftools that pysam brings."""
    return __bcftools_version__
