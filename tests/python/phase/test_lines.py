"""Phase written into VCF lines, and evidence in files."""

from pathlib import Path

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.formats.vcf_text import Segment
from deepcohort.phase.archive import open_evidence, write_evidence
from deepcohort.phase.phaser import EvidenceInMemory, Phaser, PhaseSource, joined_evidence
from deepcohort.phase.types import Evidence

START = "chr1\t{pos}\t.\tA\t{alt}\t9\tPASS\t.\tGT:GQ\t{gt}:9\n"


def segment_of(*records: tuple[int, str, str]) -> Segment:
    text, lines = b"", []
    for pos, alt, gt in records:
        lines.append((pos - 1, pos, len(text)))
        text += START.format(pos=pos, alt=alt, gt=gt).encode()
    return Segment("chr1", text, np.array(lines, np.int64))


def evidence(entries: list[tuple[int, int, int]], pos: list[int]) -> Evidence:
    columns = np.array(sorted(entries), np.int64).reshape(-1, 3)
    return Evidence(
        "chr1", np.array(pos, np.int64), columns[:, 0].astype(np.uint64), columns[:, 1].astype(np.int32),
        columns[:, 2].astype(np.int8),
    )  # fmt: skip


def phaser_of(found: Evidence) -> Phaser:
    return Phaser(PhaseSource([EvidenceInMemory([found])]))


TWO_LINKED = [(1, 0, 40), (1, 1, -40), (2, 0, -40), (2, 1, 40)]


def test_phase_is_written_and_other_lines_stay():
    phaser = phaser_of(evidence(TWO_LINKED, [99, 199]))
    got = phaser.apply(
        segment_of((50, "<NON_REF>", "0/0"), (100, "C", "0/1"), (150, "G", "0/1"), (200, "C,G", "1/12"))
    )
    phaser.finish()
    assert got.text.decode() == (
        START.format(pos=50, alt="<NON_REF>", gt="0/0")
        + "chr1\t100\t.\tA\tC\t9\tPASS\t.\tGT:GQ:PS:PQ\t0|1:9:100:33\n"
        + START.format(pos=150, alt="G", gt="0/1")
        + "chr1\t200\t.\tA\tC,G\t9\tPASS\t.\tGT:GQ:PS:PQ\t12|1:9:100:33\n"
    )
    for start, _, byte in got.lines.tolist():
        assert got.text[byte:].startswith(f"chr1\t{start + 1}\t".encode())


@pytest.mark.parametrize("gt", ["0|1", "1", "./.", "0/1/1"], ids=["phased", "haploid", "missing", "triploid"])
def test_evidence_of_other_records_is_refused(gt):
    phaser = phaser_of(evidence(TWO_LINKED, [99, 199]))
    with pytest.raises(DeepcohortError, match="not of these records"):
        phaser.apply(segment_of((100, "C", gt), (200, "C", "0/1")))


def test_sites_without_a_record_are_told():
    phaser = phaser_of(evidence(TWO_LINKED, [99, 199]))
    phaser.apply(segment_of((100, "C", "0/1"), (150, "C", "0/1")))
    with pytest.raises(DeepcohortError, match="1 of its sites have none"):
        phaser.finish()


def test_shards_join_to_the_evidence_of_one_run(tmp_path: Path):
    whole = evidence([*TWO_LINKED, (2, 2, 8)], [99, 199, 299])
    left = evidence([(1, 0, 40), (2, 0, -40)], [99])
    right = evidence([(1, 0, -40), (2, 0, 40), (2, 1, 8)], [199, 299])
    write_evidence(tmp_path / "a.npz", "s", [Region("chr1", 0, 150)], [left])
    write_evidence(tmp_path / "b.npz", "s", [Region("chr1", 150, 300)], [right])
    files = [open_evidence(tmp_path / name) for name in ("b.npz", "a.npz")]
    joined = joined_evidence([part for file in files if (part := file.evidence("chr1")) is not None])
    for name in ("pos", "fragment", "site", "odds"):
        assert (getattr(joined, name) == getattr(whole, name)).all()
    assert files[1].regions == (Region("chr1", 0, 150),)
    assert files[1].evidence("chr2") is None
    with pytest.raises(DeepcohortError, match="same sites"):
        joined_evidence([left, left])


def test_a_shard_may_lie_between_regions_of_another():
    whole = evidence([*TWO_LINKED, (2, 2, 8)], [99, 199, 299])
    outer = evidence([(1, 0, 40), (2, 0, -40), (2, 1, 8)], [99, 299])
    inner = evidence([(1, 0, -40), (2, 0, 40)], [199])
    joined = joined_evidence([inner, outer])
    for name in ("pos", "fragment", "site", "odds"):
        assert (getattr(joined, name) == getattr(whole, name)).all()


def test_evidence_has_the_same_bytes_each_time(tmp_path: Path):
    for name in ("a.npz", "b.npz"):
        write_evidence(tmp_path / name, "s", [Region("chr1", 0, 150)], [evidence(TWO_LINKED, [1, 2])])
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_damaged_evidence_is_one_line(tmp_path: Path):
    path = tmp_path / "a.npz"
    write_evidence(path, "s", [Region("chr1", 0, 150)], [evidence(TWO_LINKED, [1, 2])])
    data = path.read_bytes()
    for cut in (0, 10, len(data) // 2, len(data) - 5):
        path.write_bytes(data[:cut])
        with pytest.raises(DeepcohortError, match="no sound file"):
            open_evidence(path)
    with pytest.raises(DeepcohortError, match="does not exist"):
        open_evidence(tmp_path / "none.npz")
