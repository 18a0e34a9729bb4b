"""Small references, indexed in tmp_path."""

from collections.abc import Callable
from pathlib import Path

import pysam
import pytest


@pytest.fixture
def write_reference(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Function that writes an indexed FASTA."""

    def write(contigs: dict[str, str]) -> Path:
        path = tmp_path / "ref.fa"
        path.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in contigs.items()))
        pysam.faidx(str(path))
        return path

    return write
