"""Which aligner a machine has, and which index each wants."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from deepcohort.core.errors import DeepcohortError

SHORT, LONG = ("bwa-mem2", "bwa", "pybwa"), ("minimap2", "mappy")
# files beside (or named as) the reference that make an index; pybwa reads bwa's
INDEX_SUFFIXES = {
    "bwa-mem2": (".0123", ".amb", ".ann", ".bwt.2bit.64", ".pac"),
    "bwa": (".amb", ".ann", ".bwt", ".pac", ".sa"),
    "pybwa": (".amb", ".ann", ".bwt", ".pac", ".sa"),
    "minimap2": (".mmi",),
    "mappy": (".mmi",),
}
_REMEDY = {
    SHORT: "install bwa (Debian: apt install bwa), bwa-mem2 (conda: bioconda's) or pybwa (make setup)",
    LONG: "install minimap2 (Debian: apt install minimap2; conda: bioconda's minimap2)",
}
_LR_HQ_SINCE = (2, 27)


@dataclass(frozen=True, slots=True)
class Aligner:
    """An aligner that is there. `command` is its program; empty where it is a Python package."""

    name: str
    command: str
    version: str

    @property
    def program(self) -> str:
        """Name for the @PG line: of the algorithm, not of its wrapper."""
        return {"pybwa": "bwa", "mappy": "minimap2"}.get(self.name, self.name)


def candidates(platform: str) -> tuple[str, ...]:
    """Names of aligners for reads of `platform`, the best first."""
    return SHORT if platform == "illumina" else LONG


def find_aligner(platform: str, wanted: str = "auto", index: Path | None = None) -> Aligner:
    """The best aligner here for `platform`; with `index`, the best that can read what lies there.

    Raises:
        DeepcohortError: there is none, or not the one wanted.
    """
    names = candidates(platform)
    if wanted != "auto" and wanted not in names:
        raise DeepcohortError(f"--aligner {wanted} does not align {platform} reads; use {' or '.join(names)}")
    fitting = [name for name in names if index is None or index_prefix(name, index)]
    if not fitting:
        raise DeepcohortError(f"{index} holds no index of {' or '.join(names)}; run: deepcohort align index")
    for name in fitting if wanted == "auto" else [wanted]:
        found = _look_for(name)
        if found:
            if name not in fitting:
                raise DeepcohortError(f"{index} holds no index of {name}; run: deepcohort align index")
            return found
    lacking = wanted if wanted != "auto" else " or ".join(fitting)
    raise DeepcohortError(f"{lacking} is not here, and {platform} reads need it; {_REMEDY[names]}")


def missing_aligners(platforms: Iterable[str]) -> list[str]:
    """A line for each of `platforms` whose reads nothing here can align."""
    problems = []
    for platform in sorted(platforms):
        try:
            find_aligner(platform)
        except DeepcohortError as error:
            problems.append(str(error))
    return problems


def index_prefix(aligner: str, folder: Path) -> Path | None:
    """What to hand the aligner as its index: the prefix of the files in `folder`; None where it has none."""
    suffixes = INDEX_SUFFIXES[aligner]
    for path in sorted(folder.glob(f"*{suffixes[-1]}")):
        prefix = str(path)[: -len(suffixes[-1])]
        if all(Path(prefix + suffix).exists() for suffix in suffixes):
            return path if aligner in LONG else Path(prefix)
    return None


def preset_of(platform: str, aligner: Aligner) -> str:
    """minimap2's -x for long reads; lr:hq, for Nanopore reads of Q20, where the version has it."""
    if platform == "hifi":
        return "map-hifi"
    numbers = tuple(int(n) for n in re.findall(r"\d+", aligner.version)[:2])
    return "lr:hq" if numbers >= _LR_HQ_SINCE else "map-ont"


def _look_for(name: str) -> Aligner | None:
    if name in ("pybwa", "mappy"):
        if find_spec(name) is None:
            return None
        from importlib.metadata import version

        return Aligner(name, "", version(name))
    command = shutil.which(name)
    return Aligner(name, command, _version(name, command)) if command else None


def _version(name: str, command: str) -> str:
    """What the program says of itself; "unknown" where it says nothing that can be read."""
    words = {"minimap2": ["--version"], "bwa-mem2": ["version"]}.get(name, [])
    try:
        done = subprocess.run(
            [command, *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    match = re.search(r"(?:Version: *)?(\d+\.\d+\S*)", done.stdout + done.stderr)
    return match[1] if match else "unknown"
