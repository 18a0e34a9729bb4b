"""Why reads do not count: by record against pysam, as shares, and in the header."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.core.region import Region
from deepcohort.reads import scan
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.left_out_kernels import (
    COUNTS,
    DUPLICATE,
    KINDS,
    LOW_MAPQ,
    MAPQ_IS_ZERO,
    NO_BASES,
    OTHER_ALIGNMENT,
    QC_FAIL,
)
from deepcohort.reads.library import library_text
from deepcohort.reads.load import open_reads
from deepcohort.reads.profile import profiled
from deepcohort.reads.reasons import left_out_shares, left_out_text, left_out_told

BP = 50
# (flag, MAPQ, whether there are bases): why such a record does not count, None where it is none
KNOWN = {
    (0, 60, True): COUNTS,
    (0x10, 5, True): COUNTS,
    (0x100, 60, True): OTHER_ALIGNMENT,
    (0x100, 60, False): None,
    (0x800 | 0x400, 60, True): OTHER_ALIGNMENT,
    (0x200, 60, True): QC_FAIL,
    (0x200 | 0x400, 0, True): QC_FAIL,
    (0x400, 60, True): DUPLICATE,
    (0, 60, False): NO_BASES,
    (0, 0, True): MAPQ_IS_ZERO,
    (0, 4, True): LOW_MAPQ,
    (0x4, 0, True): None,
}


def line(name: str, pos: int, flag: int = 0, mapq: int = 60, bases: str = "", contig: str = "one", group="a"):
    """A read at the 1-based `pos`; without alignment where its flag says so."""
    cigar = "*" if flag & 4 else f"{BP}M"
    qual = "I" * len(bases) if bases else "*"
    fields = (name, flag, contig, pos, mapq, cigar, "*", 0, 0, bases or "*", qual, f"RG:Z:{group}")
    return "\t".join(map(str, fields))


def drawn(text: str, n: int = 400) -> list[str]:
    """Lines of random reads of all kinds on both contigs; a third of those of group b are of another sample."""
    rng = np.random.default_rng(3)
    kinds, lines = list(KNOWN), []
    for k in range(n):
        flag, mapq, has_bases = kinds[rng.integers(len(kinds))]
        at = int(rng.integers(0, 5_900))
        bases = text[at : at + BP] if has_bases else ""
        lines.append(line(f"r{k}", at + 1, flag, mapq, bases, "one" if k % 4 else "two", "ab"[k % 3 == 0]))
    return lines


def by_pysam(path: Path, reference: Path, region: Region, groups: str) -> list[int]:
    found: Counter[int] = Counter()
    with pysam.AlignmentFile(str(path), reference_filename=str(reference)) as file:
        for read in file.fetch(region.contig):
            if region.start <= read.reference_start < region.end and read.get_tag("RG") in groups:
                reason = KNOWN[read.flag, read.mapping_quality, read.query_length > 0]
                if reason is not None:
                    found[reason] += 1
    return [found[k] for k in range(KINDS)]


@pytest.mark.parametrize("name", ["reads.bam", "reads.cram"])
@pytest.mark.parametrize("sample", ["", "sample"])
def test_as_pysam_sees_them(
    name: str, sample: str, write_reads: Callable[..., Path], reference_path: Path, reference_text: str,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.setattr(scan, "_SMALL_BUFFER_BYTES", 1_000)  # records end beyond what is asked for
    other = "other" if sample else "sample"
    groups = ("@RG\tID:a\tSM:sample", f"@RG\tID:b\tSM:{other}")
    lines = drawn(reference_text)
    if name.endswith("cram"):  # which keeps no alignments without bases
        lines = [x for x in lines if x.split("\t")[9] != "*"]
    path = write_reads(lines, name, header=("@HD\tVN:1.6\tSO:coordinate", *groups))
    wanted = "a" if sample else "ab"
    with open_reads([path], reference_path, ReadsConfig(sample=sample)) as source:
        for region in (Region("one", 0, 6_000), Region("one", 2_000, 2_700), Region("two", 5_000, 6_000)):
            counts = source.reasons(region).tolist()
            assert counts == by_pysam(path, reference_path, region, wanted), region
            assert sum(counts)
        assert source.reasons(Region("two", 5_990, 6_000)).tolist() == [0] * KINDS


def counts(n: int, **others: int) -> np.ndarray:
    """Of a window: `n` that count, and others by reason."""
    numbers = {"duplicate": DUPLICATE, "mapq_0": MAPQ_IS_ZERO, "qc_fail": QC_FAIL}
    found = np.zeros(KINDS, np.int64)
    found[COUNTS] = n
    for name, k in others.items():
        found[numbers[name]] = k
    return found


def test_shares_of_windows():
    assert left_out_shares([]) == ()
    assert left_out_shares([counts(0), counts(7)]) == ()
    assert left_out_shares([counts(10, duplicate=30), counts(20, duplicate=20)]) == (("duplicate", 0.625),)
    # a stack in a satellite counts as the median does
    stack = [counts(100), counts(100), counts(0, mapq_0=100_000)]
    assert left_out_shares(stack) == (("mapq_0", pytest.approx(1 / 3)),)


def test_what_is_told():
    few = (("duplicate", 0.3), ("mapq_0", 0.199))
    assert left_out_text(few) == {}
    assert left_out_told(few, 30.0) == ""
    many = (("qc_fail", 0.2), ("duplicate", 0.55), ("low_mapq", 0.004))
    assert left_out_text(many) == {"LeftOut": "0.7540", "LeftOutBy": "qc_fail:0.2000|duplicate:0.5500"}
    told = left_out_told(many, 6.04)
    assert told.startswith("75% of the reads do not count: 20% fail the instrument's quality checks")
    assert "55% are marked as duplicates (flag 0x400); calls are of the 6.0x that are left; where" in told
    assert "MAPQ" not in told


@pytest.mark.parametrize(
    ("flag", "mapq", "key"),
    [(0x400, 60, "duplicate"), (0x200, 60, "qc_fail"), (0x100, 60, "other_alignment"), (0, 0, "mapq_0"),
     (0, 3, "low_mapq")],
)  # fmt: skip
def test_profile_tells_where_four_of_five_do_not_count(
    flag: int,
    mapq: int,
    key: str,
    write_reads: Callable[..., Path],
    reference_path: Path,
    reference_text: str,
):
    def reads(odd_flag: int, odd_mapq: int) -> list[str]:
        return [
            line(
                f"r{k}",
                1 + 10 * k,
                *((odd_flag, odd_mapq) if k % 5 else (0, 60)),
                reference_text[10 * k :][:BP],
            )
            for k in range(590)
        ]

    odd = write_reads(reads(flag, mapq), "odd.bam")
    library = profiled([odd], reference_path, ReadsConfig()).library
    assert library.left_out == ((key, pytest.approx(0.8)),)
    assert f";LeftOut=0.8000;LeftOutBy={key}:0.8000" in library_text(library)
    usual = profiled([write_reads(reads(0, 60), "usual.bam")], reference_path, ReadsConfig()).library
    assert usual.left_out == ()
    assert "LeftOut" not in library_text(replace(usual, left_out=(("duplicate", 0.43),)))
