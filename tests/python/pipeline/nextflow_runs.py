"""Real Nextflow runs of this checkout."""

import csv
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
NEXTFLOW = REPOSITORY / ".venv" / "bin" / "nextflow"


@dataclass(frozen=True)
class Run:
    """A finished run: exit status, everything it printed, and the folder it ran in."""

    status: int
    text: str
    folder: Path

    def tasks(self, outdir: str = "out") -> list[dict[str, str]]:
        """Rows of the trace."""
        with open(self.folder / outdir / "pipeline_info" / "trace.tsv") as file:
            return list(csv.DictReader(file, delimiter="\t"))

    def errors(self) -> list[str]:
        """The distinct `deepcohort: error:` lines, in order."""
        lines = (line.strip() for line in self.text.splitlines())
        return list(dict.fromkeys(line for line in lines if line.startswith("deepcohort: error:")))


def nextflow(
    folder: Path,
    *arguments: str,
    timeout: int = 1500,
    pipeline: Path = REPOSITORY,
    path: Path | None = None,
) -> Run:
    """Run the pipeline in `folder`, results in `out`; programs in `path` come before others."""
    if not NEXTFLOW.exists():
        pytest.fail(f"{NEXTFLOW} is missing; run: make setup")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NXF_")}
    environment |= {"NXF_ANSI_LOG": "false", "NXF_HOME": str(folder / ".nxf")}
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    result = subprocess.run(
        [str(NEXTFLOW), "run", str(pipeline), *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Run(result.returncode, result.stdout, folder)
