"""SAM text to indexed BAM or CRAM in tmp_path."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pysam
import pytest

REFERENCE_BP = 6_000


@pytest.fixture(scope="session")
def reference_text() -> str:
    return "".join(np.random.default_rng(7).choice(list("ACGT"), REFERENCE_BP))


@pytest.fixture(scope="session")
def reference_path(reference_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reference") / "ref.fa"
    path.write_text(f">one\n{reference_text}\n>two\n{reference_text[::-1]}\n")
    pysam.faidx(str(path))
    return path


@pytest.fixture
def write_reads(tmp_path: Path, reference_path: Path) -> Callable[..., Path]:
    def write(
        lines: Sequence[str],
        name: str = "reads.bam",
        contigs: Sequence[tuple[str, int]] = (("one", REFERENCE_BP), ("two", REFERENCE_BP)),
        header: Sequence[str] = ("@HD\tVN:1.6\tSO:coordinate", "@RG\tID:a\tSM:sample"),
        index: str | None = "bai",
        sort: bool = True,
    ) -> Path:
        sam = tmp_path / f"{name}.sam"
        squares = [f"@SQ\tSN:{contig}\tLN:{bp}" for contig, bp in contigs]
        order = [contig for contig, _ in contigs]
        if sort:
            lines = sorted(lines, key=lambda x: (order.index(x.split("\t")[2]), int(x.split("\t")[3])))
        sam.write_text("\n".join([header[0], *squares, *header[1:], *lines]) + "\n")
        path = tmp_path / name
        options = ["-C", "-T", str(reference_path)] if name.endswith("cram") else ["-b"]
        pysam.view(*options, "--no-PG", "-o", str(path), str(sam), catch_stdout=False)
        if index == "csi":
            pysam.index("-c", str(path))
        elif index:
            pysam.index(str(path))
        return path

    return write
