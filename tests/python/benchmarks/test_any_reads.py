"""The benchmark of everything: its rows, its fragments and its changes to records, on tiny cases."""

import sys
from pathlib import Path

import numpy as np
import pysam
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import any_reads
import any_reads_fragments as fragments_of
import any_reads_sets as sets
from any_reads_rows import AFTER, ALIGNERS, QUALITIES, Library, Row, all_rows
from any_reads_worker import Worker

GENOME_BP = 20_000


@pytest.fixture(scope="module")
def genome():
    return np.random.default_rng(3).integers(0, 4, GENOME_BP, dtype=np.uint8)


def haplotype():
    ends = np.array([0, 10_000])
    return fragments_of.Haplotype(0, 10_000, ends, ends)


def reads_of(row, genome, quality=60):
    rng = np.random.default_rng(1)
    pool = tuple(np.full((5, row.length), quality, np.uint8) for _ in range(2))
    fragments = fragments_of.draw_fragments(row, [haplotype(), haplotype()], (11_000, 15_000), rng)
    return fragments, fragments_of.read_mates(row, genome, fragments, pool, (11_000, 15_000), rng)


def text(codes):
    return bytes(b"ACGTN"[c] for c in codes)


def reverse_complement(bases):
    return bases[::-1].translate(bytes.maketrans(b"ACGT", b"TGCA"))


def test_rows_vary_every_factor_once_around_the_base():
    rows = all_rows()
    assert {row.aligner for row in rows} - {""} == set(ALIGNERS)
    assert {row.quality for row in rows} == set(QUALITIES)
    assert {change for row in rows for change in row.after} == set(AFTER)
    assert {36, 300} <= {row.length for row in rows}
    assert {4, 500} <= {row.depth for row in rows}
    # seeds come from what rows say: 8 and 8.0 would be other reads than those of the row held against them
    assert all(isinstance(row.depth, float) for row in rows if row.kind != "long")
    crossed = {(row.aligner, row.library.insert_bp) for row in rows if row.kind == "planted"}
    assert {(a, i) for a in ALIGNERS if a != "hisat2-spliced" for i in (170, 400, 600, 1500)} <= crossed


def test_bases_that_rows_are_held_against_are_rows():
    names = {row.name for row in all_rows()}
    missing = {row.base for row in all_rows() if row.base} - names
    assert missing == set()


@pytest.mark.parametrize("layout", ["fr", "rf"])
def test_mates_read_the_ends_of_their_fragment(genome, layout):
    row = Row("", library=Library(insert_bp=500, layout=layout), length=50, depth=2.0, indel_errors=0.0)
    fragments, (first, second) = reads_of(row, genome)
    right = 0
    for start, size, one, two in zip(fragments.start, fragments.size, first.codes, second.codes, strict=True):
        whole = text(genome[start : start + size])
        ends = {whole[:50], reverse_complement(whole[-50:])}
        if layout == "rf":
            ends = {reverse_complement(whole[:50]), whole[-50:]}
        right += {text(one), text(two)} == ends
    assert right >= 0.98 * len(first.codes)  # Q60: a wrong base in a hundred pairs at most


def test_depth_counts_what_is_useful(genome):
    for library, share in (
        (Library(), 1.0),
        (Library(layout="single"), 1.0),
        (Library(mates="unmapped"), 2.0),
    ):
        _, mates = reads_of(Row("", library=library, length=100, depth=20.0), genome)
        assert sum(r.codes.size for r in mates) / 10_000 == pytest.approx(20.0 * share, rel=0.02)


def test_short_fragments_end_in_the_adapter(genome):
    row = Row("", library=Library(insert_bp=60, sd_bp=0), length=100, depth=5.0, indel_errors=0.0)
    _, (first, _) = reads_of(row, genome)
    assert np.mean([text(r[60:72]) == b"AGATCGGAAGAG" for r in first.codes]) > 0.9


def test_chimeras_join_two_places(genome):
    row = Row("", library=Library(chimeras=0.3), depth=60.0)
    fragments, _ = reads_of(row, genome)
    assert np.mean(fragments.junction < fragments.size) == pytest.approx(0.3, abs=0.05)
    assert fragments.other.min() >= 11_000


def test_copies_share_their_fragment_and_not_their_errors(genome):
    row = Row("", library=Library(copies=5), depth=20.0)
    fragments, (first, _) = reads_of(row, genome, quality=10)
    assert len(fragments.start) % 5 == 0
    assert (fragments.start.reshape(-1, 5) == fragments.start[::5, None]).all()
    assert (first.codes[0] != first.codes[1]).any()


def test_amplicons_start_at_few_places(genome):
    row = Row("", library=Library(amplicon_bp=280), depth=100.0)
    fragments, _ = reads_of(row, genome)
    assert len(set(fragments.start)) <= 10_000 // 240
    assert set(fragments.size) == {280}


def test_qualities_say_what_the_row_says():
    honest = np.array([[2, 14, 25, 36, 41]], np.uint8)
    rng = np.random.default_rng(1)
    said = {q: fragments_of.qualities_of(q, honest, rng) for q in QUALITIES}
    assert said["flat30"][1].tolist() == [[30] * 5]
    assert said["bins4"][1].tolist() == [[2, 12, 23, 37, 37]]
    assert said["bins8"][1].tolist() == [[2, 15, 27, 37, 40]]
    assert said["recal_up"][1].tolist() == [[10, 22, 33, 44, 49]]
    for name in set(QUALITIES) - {"q2tails"}:  # the label changes, the error does not
        np.testing.assert_allclose(said[name][0], 10 ** (-honest.astype(float) / 10))


def test_haplotype_maps_positions_past_indels():
    contig = np.zeros(200, np.uint8)
    variants = [(50, "A", ("A", "ACC")), (100, "AAAA", ("A", "AAAA"))]
    for copy, length in ((0, 197), (1, 202)):
        codes, made = sets.planted_haplotype(contig, (0, 200), variants, copy, 0)
        assert made.length == len(codes) == length
        assert made.at(np.array([20, 180])).tolist() == [20, 180 + length - 200]


def record(cigar, sequence, **tags):
    header = pysam.AlignmentHeader.from_dict({"SQ": [{"SN": "c", "LN": 1000}], "RG": [{"ID": "a"}]})
    fields = ["f1_0", "99", "c", "101", "60", cigar, "=", "301", "250", sequence, "I" * len(sequence)]
    return pysam.AlignedSegment.fromstring("\t".join(fields + [f"{k}:{v}" for k, v in tags.items()]), header)


def test_records_change_as_named():
    changed = {}
    for change in AFTER:
        changed[change] = record("2S6M", "TTACGTAC", MD="Z:2A3", RG="Z:a")
        sets.change_record(changed[change], change)
    assert not changed["no_proper"].is_proper_pair
    assert changed["unpaired"].flag == 0
    assert changed["unpaired"].next_reference_id == -1
    assert changed["mapq255"].mapping_quality == 255
    assert changed["mapq20"].mapping_quality == 20
    assert changed["eqx"].cigarstring == "2S2=1X3="
    assert [tag for tag, _ in changed["no_tags"].get_tags()] == ["RG"]
    assert changed["names"].query_name in ("*", None)
    assert changed["hardclip"].cigarstring == "2H6M"
    assert changed["hardclip"].query_sequence == "ACGTAC"


def test_eqx_keeps_insertions_and_deletions():
    assert record("3M1I2M2D2M", "ACGTACGT", MD="Z:5^AA2").cigarstring == "3M1I2M2D2M"
    made = record("3M1I2M2D2M", "ACGTACGT", MD="Z:5^AA2")
    sets.change_record(made, "eqx")
    assert made.cigarstring == "3=1I2=2D2="


def test_flags_name_cliffs_peers_and_the_base():
    row = Row("lib-x")
    ours = any_reads.Errors((100, 20), (30, 2), (1, 1))
    base = any_reads.Errors((100, 20), (2, 1), (1, 1))
    peer = any_reads.Errors((100, 20), (5, 3), (0, 0))
    found = {"lib-x": {"deepcohort": ours, "bcftools": peer}, row.base: {"deepcohort": base}}
    assert any_reads.flags(row, found) == ["CLIFF SNP", "SNP > 1.5 bwa"]
    found["lib-x"]["deepcohort"] = any_reads.Errors(failure="failed: x")
    assert any_reads.flags(row, found) == ["CLIFF no calls"]
    lines = any_reads.table([row], found)
    assert "no calls" in lines[2]


def test_worker_answers_command_after_command(tmp_path):
    package = Path(__file__).resolve().parents[3] / "pytools"
    worker = Worker(package)
    try:
        (tmp_path / "r.fa").write_text(">c\nACGTACGT\n")
        index = ["index", "--reference", str(tmp_path / "r.fa")]
        assert "does not exist" in worker.ask(["index", "--reference", str(tmp_path / "absent.fa")], 60)
        assert worker.ask(index, 60) == ""
        assert worker.ask(["evaluate"], 0.0).startswith("more than")
        assert worker.ask(index, 60) == ""  # a new process after one that was too slow
    finally:
        worker.stop()
