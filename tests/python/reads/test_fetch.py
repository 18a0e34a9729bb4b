"""Reads of a region against pysam, a slow but trusted reader."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.core.region import Region
from deepcohort.reads.config import EXCLUDED_FLAGS, ReadsConfig
from deepcohort.reads.load import open_reads
from deepcohort.reads.profile import profiled
from deepcohort.reads.types import ReadBatch

NO_LIMIT = ReadsConfig(max_depth=10**9)


def random_reads(rng: np.random.Generator, n: int, reference_bp: int) -> list[str]:
    """SAM lines with every CIGAR operation, odd flags, absent SEQ and QUAL."""
    lines = []
    for i in range(n):
        ops: list[tuple[int, str]] = []
        if rng.random() < 0.1:
            ops.append((int(rng.integers(1, 5)), "H"))
        if rng.random() < 0.2:
            ops.append((int(rng.integers(1, 20)), "S"))
        for _ in range(int(rng.integers(1, 4))):
            ops.append((int(rng.integers(1, 60)), str(rng.choice(["M", "M", "=", "X"]))))
            if rng.random() < 0.5:
                ops.append((int(rng.integers(1, 9)), str(rng.choice(["I", "D", "N", "P"]))))
        ops.append((int(rng.integers(1, 50)), "M"))
        if rng.random() < 0.2:
            ops.append((int(rng.integers(1, 20)), "S"))
        n_bases = sum(length for length, op in ops if op in "MIS=X")
        seq = "".join(rng.choice(list("ACGTN"), n_bases, p=[0.24, 0.25, 0.25, 0.24, 0.02]))
        qual = "".join(chr(33 + q) for q in rng.integers(2, 42, n_bases))
        if rng.random() < 0.05:
            qual = "*"
        if rng.random() < 0.05:
            seq = qual = "*"
        flag = int(rng.choice([0, 16, 99, 147, 83, 163, 4 + 8, 256, 512, 1024, 2048, 1089]))
        contig = str(rng.choice(["one", "two"]))
        lines.append(
            "\t".join(
                [
                    f"read{i // 2}",
                    str(flag),
                    contig,
                    str(int(rng.integers(1, reference_bp))),
                    str(int(rng.choice([0, 3, 5, 20, 60]))),
                    "".join(f"{n}{op}" for n, op in ops),
                    "*",
                    "0",
                    str(int(rng.integers(-500, 500))),
                    seq,
                    qual,
                ]
            )
        )
    return lines


def rows_of(batch: ReadBatch) -> list[tuple]:
    """One tuple per read, without the zeroing of overlapped bases."""
    rows = []
    for i in range(len(batch)):
        bases = slice(batch.seq_offset[i], batch.seq_offset[i + 1])
        ops = slice(batch.cigar_offset[i], batch.cigar_offset[i + 1])
        rows.append(
            (
                int(batch.pos[i]),
                int(batch.end[i]),
                int(batch.flag[i]),
                int(batch.mapq[i]),
                int(batch.insert_size[i]),
                "".join("ACGTN"[c] for c in batch.seq[bases]),
                tuple(zip(batch.cigar_op[ops].tolist(), batch.cigar_len[ops].tolist(), strict=True)),
            )
        )
    return rows


def plain(cigar: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Operations with M for = and X, neighbours that are alike as one."""
    kinds = [(0 if op >= 7 else op, length) for op, length in cigar if length]
    grouped = [(op, [n for _, n in group]) for op, group in groupby(kinds, lambda pair: pair[0])]
    return tuple((op, sum(lengths)) for op, lengths in grouped)


def oracle(paths: Sequence[Path], region: Region, min_mapq: int = 5) -> tuple[list[tuple], list[tuple]]:
    """(usable rows, spans of reads of MAPQ 0) by pysam."""
    rows, mapq0 = [], []
    for path in paths:
        with pysam.AlignmentFile(str(path)) as file:
            for read in file.fetch(region.contig, region.start, region.end):
                if read.flag & EXCLUDED_FLAGS or read.query_sequence is None or not read.cigartuples:
                    continue
                if read.mapping_quality == 0:
                    mapq0.append((read.reference_start, read.reference_end))
                if read.mapping_quality < min_mapq:
                    continue
                rows.append(
                    (read.reference_start, read.reference_end, read.flag, read.mapping_quality,
                     read.template_length, read.query_sequence,
                     plain(read.cigartuples))
                )  # fmt: skip
    return rows, mapq0


def test_random_reads_as_pysam_sees_them(write_reads: Callable[..., Path], reference_path: Path):
    rng = np.random.default_rng(3)
    path = write_reads(random_reads(rng, 3_000, 5_700))
    with open_reads([path], reference_path, NO_LIMIT) as source:
        for _ in range(40):
            start = int(rng.integers(0, 5_900))
            region = Region(str(rng.choice(["one", "two"])), start, start + int(rng.integers(1, 700)))
            batch = source.fetch(region)
            rows, mapq0 = oracle([path], region)
            assert sorted(rows_of(batch)) == sorted(rows)
            spans = zip(batch.mapq0_pos.tolist(), batch.mapq0_end.tolist(), strict=True)
            assert sorted(spans) == sorted(mapq0)


def test_order_is_position_then_hash_then_flag(write_reads: Callable[..., Path], reference_path: Path):
    rng = np.random.default_rng(4)
    lines = random_reads(rng, 2_000, 50)  # hundreds of reads per position
    path = write_reads(lines)
    with open_reads([path], reference_path, NO_LIMIT) as source:
        batch = source.fetch(Region("one", 0, 6_000))
    keys = list(zip(batch.pos.tolist(), batch.name_hash.tolist(), batch.flag.tolist(), strict=True))
    assert len(keys) > 200
    assert keys == sorted(keys)


def test_qualities(write_reads: Callable[..., Path], reference_path: Path):
    path = write_reads(
        ["a\t0\tone\t11\t60\t4M\t*\t0\t0\tACNT\t!I5#", "b\t0\tone\t12\t60\t3M\t*\t0\t0\tANG\t*"]
    )
    with open_reads([path], reference_path, ReadsConfig(default_qual=27)) as source:
        batch = source.fetch(Region("one", 0, 100))
    # an N says nothing; an absent quality is the default
    assert batch.qual.tolist() == [0, 40, 0, 2, 27, 0, 27]


def test_forward_backward_and_chunked_calls_agree(write_reads: Callable[..., Path], reference_path: Path):
    rng = np.random.default_rng(5)
    path = write_reads(random_reads(rng, 3_000, 5_700))
    regions = [Region("one", start, start + 600) for start in range(0, 6_000, 250)]
    fresh = []
    for region in regions:
        with open_reads([path], reference_path, NO_LIMIT) as source:
            fresh.append(rows_of(source.fetch(region)))
    with open_reads([path], reference_path, NO_LIMIT) as source:
        assert [rows_of(source.fetch(r)) for r in regions] == fresh
        assert [rows_of(source.fetch(r)) for r in reversed(regions)] == fresh[::-1]
        jumbled = rng.permutation(len(regions))
        assert [rows_of(source.fetch(regions[i])) for i in jumbled] == [fresh[i] for i in jumbled]


@pytest.mark.parametrize("index", ["bai", "csi"])
def test_small_pieces_change_nothing(
    index: str, write_reads: Callable[..., Path], reference_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rng = np.random.default_rng(6)
    path = write_reads(random_reads(rng, 4_500, 5_700), index=index)
    region = Region("two", 1_000, 4_000)
    with open_reads([path], reference_path) as source:
        whole = rows_of(source.fetch(region))
    assert len(whole) > 300
    monkeypatch.setattr("deepcohort.reads.scan.BUFFER_BYTES", 3_000)
    with open_reads([path], reference_path) as source:
        assert rows_of(source.fetch(region)) == whole


def test_files_of_one_sample_merge(write_reads: Callable[..., Path], reference_path: Path):
    rng = np.random.default_rng(8)
    lines = random_reads(rng, 1_500, 5_700)
    together = write_reads(lines, "all.bam")
    parts = [write_reads(lines[k::3], f"part{k}.bam") for k in range(3)]
    region = Region("one", 500, 5_000)
    with open_reads([together], reference_path, NO_LIMIT) as source:
        whole = source.fetch(region)
    with open_reads(parts, reference_path, NO_LIMIT) as source:
        merged = source.fetch(region)
        assert source.sample_names == ("sample",)
    assert sorted(rows_of(merged)) == sorted(rows_of(whole))
    assert merged.name_hash.tolist() == whole.name_hash.tolist()
    assert merged.mapq0_pos.tolist() == whole.mapq0_pos.tolist()


def test_cram_gives_the_reads_of_bam(write_reads: Callable[..., Path], reference_path: Path):
    rng = np.random.default_rng(9)
    # CRAM has neither '=' nor 'X', and pairs zero-length padding differently
    lines = [line for line in random_reads(rng, 800, 5_500) if "P" not in line.split("\t")[5]]
    bam, cram = write_reads(lines), write_reads(lines, "reads.cram")
    for region in (Region("one", 0, 900), Region("one", 700, 2_000), Region("two", 3_000, 3_001)):
        with open_reads([bam], reference_path, NO_LIMIT) as source:
            expected = rows_of(source.fetch(region))
        with open_reads([cram], reference_path, NO_LIMIT) as source:
            got = rows_of(source.fetch(region))
        assert got == expected


def test_depth_cap_is_bounded_and_blind_to_shards(write_reads: Callable[..., Path], reference_path: Path):
    rng = np.random.default_rng(10)
    seq, qual = "A" * 100, "I" * 100
    lines = [
        f"r{i}\t0\tone\t{1_000 + int(rng.integers(0, 120))}\t60\t100M\t*\t0\t0\t{seq}\t{qual}"
        for i in range(5_000)
    ]
    lines += [f"q{i}\t0\tone\t{3_000 + 20 * i}\t60\t100M\t*\t0\t0\t{seq}\t{qual}" for i in range(50)]
    path = write_reads(lines)
    config = ReadsConfig(max_depth=250)
    with open_reads([path], reference_path, config) as source:
        whole = source.fetch(Region("one", 0, 6_000))
        deep = [row for row in rows_of(whole) if row[0] < 2_000]
        assert 250 < len(deep) < 700  # 250x of 100 bp reads that start within 120 bp
        assert len(rows_of(whole)) - len(deep) == 50  # thin places are left alone
        hashes = {(p, h) for p, h in zip(whole.pos.tolist(), whole.name_hash.tolist(), strict=True)}
        for start in range(900, 1_300, 37):
            part = source.fetch(Region("one", start, start + 37))
            assert {(p, h) for p, h in zip(part.pos.tolist(), part.name_hash.tolist(), strict=True)} == {
                (p, h) for p, h in hashes if p < start + 37 and p + 100 > start
            }


def test_depth_cap_of_several_files(write_reads: Callable[..., Path], reference_path: Path):
    """Which reads stay depends neither on the files that they lie in nor on the region."""
    rng = np.random.default_rng(12)
    lines = [
        f"r{i}\t0\tone\t{1_000 + int(rng.integers(0, 300))}\t60\t100M\t*\t0\t0\t{'A' * 100}\t{'I' * 100}"
        for i in range(1_200)
    ]
    lines += [f"z{i}\t0\tone\t{1_000 + i}\t0\t100M\t*\t0\t0\t{'A' * 100}\t{'I' * 100}" for i in range(200)]
    parts = [write_reads(lines[k::2], f"part{k}.bam") for k in range(2)]  # 200x each
    config = ReadsConfig(max_depth=250)
    with open_reads([write_reads(lines)], reference_path, config) as source:
        whole = source.fetch(Region("one", 0, 6_000))
    assert 500 < len(whole) < 900
    with open_reads(parts, reference_path, config) as source:
        assert rows_of(source.fetch(Region("one", 0, 6_000))) == rows_of(whole)
        for start in range(900, 1_500, 37):
            part = source.fetch(Region("one", start, start + 37))
            inside = (whole.pos < start + 37) & (whole.end > start)
            assert part.name_hash.tolist() == whole.name_hash[inside].tolist()
            below = (whole.mapq0_pos < start + 37) & (whole.mapq0_end > start)
            assert part.mapq0_pos.tolist() == whole.mapq0_pos[below].tolist()


def test_depth_cap_of_reads_without_names(write_reads: Callable[..., Path], reference_path: Path):
    """Reads named `*` are thinned one by one, equal ones too, and to the same reads whatever the region."""
    rng = np.random.default_rng(11)
    seqs = ["".join(rng.choice(list("ACGT"), 100)) for _ in range(40)]
    equal = [f"*\t0\tone\t1100\t60\t100M\t*\t0\t0\t{seqs[0]}\t{'I' * 100}"] * 2_000
    others = [
        f"*\t{16 * (i % 2)}\tone\t{1_100 + i % 7}\t60\t100M\t*\t0\t0\t{seqs[i % 40]}\t{'I' * 100}"
        for i in range(2_000)
    ]
    path = write_reads(equal + others)
    config = ReadsConfig(max_depth=500)
    with open_reads([path], reference_path, config) as source:
        whole = source.fetch(Region("one", 0, 6_000))
        # 640 reads are 500x of the 128 bp that they start in; both kinds are among them
        assert 540 < len(whole) < 740
        plain = (whole.flag == 0) & (whole.pos == 1_099)
        assert 200 < plain.sum() < 500
        for start in (1_000, 1_150, 1_198):
            part = source.fetch(Region("one", start, start + 7))
            inside = (whole.pos < start + 7) & (whole.end > start)
            assert part.name_hash.tolist() == whole.name_hash[inside].tolist()
    reverse = write_reads([*others[::-1], *equal], "reverse.bam")
    with open_reads([reverse], reference_path, config) as source:
        assert rows_of(source.fetch(Region("one", 0, 6_000))) == rows_of(whole)


def test_matches_are_one_operation_however_written(write_reads: Callable[..., Path], reference_path: Path):
    seq, qual = "ACGTACGTAC", "I" * 10
    cigars = {
        "4M0I6M": "10M",
        "4M0D0I6M": "10M",
        "0S4M2I0D4M0M": "4M2I4M",
        "2S8M": "2S8M",
        "3M3M4M": "10M",
        "4=1X3=2M": "10M",
        "2=1I1I3X3=": "2M2I6M",
    }
    path = write_reads(
        [f"{i}\t0\tone\t{11 + i}\t60\t{cigar}\t*\t0\t0\t{seq}\t{qual}" for i, cigar in enumerate(cigars)]
    )
    with open_reads([path], reference_path) as source:
        batch = source.fetch(Region("one", 0, 100))
    told = [
        "".join(
            f"{batch.cigar_len[k]}{'MIDNSHP=X'[batch.cigar_op[k]]}"
            for k in range(batch.cigar_offset[i], batch.cigar_offset[i + 1])
        )
        for i in range(len(batch))
    ]
    assert told == list(cigars.values())


def test_more_than_65535_operations(write_reads: Callable[..., Path], reference_path: Path):
    cigar = "1M1I" * 2_000 + "5M"
    seq = "AC" * 2_000 + "ACGTA"
    real = [(0, 1), (1, 1)] * 2_000 + [(0, 5)]
    # as a writer must put it when a CIGAR does not fit: the real one in CG
    values = ",".join(str(length << 4 | op) for op, length in real)
    line = f"r\t0\tone\t100\t60\t{len(seq)}S{2_005}N\t*\t0\t0\t{seq}\t*\tXA:Z:t\tXB:B:s,1,2\tCG:B:I,{values}"
    plain = f"p\t0\tone\t100\t60\t{cigar}\t*\t0\t0\t{seq}\t*"
    rows = []
    for name, read in (("long.bam", line), ("plain.bam", plain)):
        with open_reads([write_reads([read], name)], reference_path) as source:
            rows += rows_of(source.fetch(Region("one", 0, 6_000)))
    assert rows[0][:2] == (99, 2_104)
    assert rows[0] == rows[1]
    twice = write_reads([line, plain], "twice.bam")
    with open_reads([twice], reference_path) as source:  # one read, twice in the file
        assert rows_of(source.fetch(Region("one", 0, 6_000))) == rows[:1]


def test_very_long_reads(write_reads: Callable[..., Path], reference_path: Path, reference_text: str):
    """A read that spans all, many blocks before the region; and one that hangs over the contig's end."""
    long_seq = reference_text[:5_900]
    lines = [f"long\t0\tone\t1\t60\t5900M\t*\t0\t0\t{long_seq}\t*"]
    lines += [
        f"s{i}\t0\tone\t{i + 1}\t60\t100M\t*\t0\t0\t{reference_text[i : i + 100]}\t*"
        for i in range(0, 5_800, 4)
    ]
    lines.append(f"over\t0\tone\t5990\t60\t50M\t*\t0\t0\t{'A' * 50}\t*")
    path = write_reads(lines)
    with open_reads([path], reference_path) as source:
        batch = source.fetch(Region("one", 5_850, 5_851))
        assert rows_of(batch)[0][:2] == (0, 5_900)
        assert source.fetch(Region("one", 5_995, 6_000)).end.tolist() == [6_039]


def test_no_reads(write_reads: Callable[..., Path], reference_path: Path):
    path = write_reads(["a\t0\tone\t11\t60\t4M\t*\t0\t0\tACGT\t*"])
    with open_reads([path], reference_path) as source:
        for region in (Region("one", 100, 200), Region("two", 0, 6_000), Region("one", 12, 12)):
            batch = source.fetch(region)
            assert len(batch) == 0
            assert batch.seq_offset.tolist() == [0]


def test_short_reads_merged_twice_count_once(
    write_reads: Callable[..., Path], reference_path: Path, reference_text: str
):
    """Under other names too; the same profile, but for the share that stood there twice."""
    rng = np.random.default_rng(3)
    lines = []
    for k in range(300):
        at = 15 * k
        qualities = "".join(chr(33 + q) for q in rng.choice([12, 23, 37], 100))
        lines.append(f"0\tone\t{at + 1}\t60\t100M\t*\t0\t0\t{reference_text[at : at + 100]}\t{qualities}")
    once = write_reads([f"a{k}\t{line}" for k, line in enumerate(lines)], "once.bam")
    twice = write_reads([f"{c}{k}\t{line}" for k, line in enumerate(lines) for c in "ab"], "twice.bam")
    libraries, found = [], []
    for path in (once, twice):
        config = profiled([path], reference_path, ReadsConfig())
        libraries.append(config.library)
        with open_reads([path], reference_path, config) as source:
            found.append([row[:2] for row in rows_of(source.fetch(Region("one", 0, 6_000)))])
    assert found[0] == found[1]
    assert libraries[1].repeated_share == 0.5
    assert libraries[0] == replace(libraries[1], repeated_share=0.0)
