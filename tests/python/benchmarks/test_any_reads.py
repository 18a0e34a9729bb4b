"""The benchmark of everything: its rows, its fragments and its changes to records, on tiny cases."""

import itertools
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysam
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import any_reads_fragments as fragments_of
import any_reads_genomes as genomes_of
import any_reads_long as long_of
import any_reads_sets as sets
import any_reads_table as table_of
from any_reads_flow import ERRORS, RIGHT, read_by_flows
from any_reads_rows import (
    AFTER,
    ALIGNERS,
    LONG_QUALITIES,
    MORE_AFTER,
    MORE_ALIGNERS,
    QUALITIES,
    Library,
    Row,
    all_rows,
)
from any_reads_strands import MISREADINGS, misread
from any_reads_table import Errors
from any_reads_worker import Worker

GENOME_BP = 20_000
BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "any_reads.py"


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
    assert {row.aligner for row in rows} - {""} == {*ALIGNERS, *MORE_ALIGNERS}
    assert {row.quality for row in rows if row.kind != "long"} == set(QUALITIES)
    assert {row.quality for row in rows if row.kind == "long"} == {"art", *LONG_QUALITIES}
    assert {change for row in rows for change in row.after} == {*AFTER, *MORE_AFTER}
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
    assert said["zeros"][1].tolist() == [[0] * 5]
    assert said["minus31"][1].tolist() == [[0, 0, 0, 5, 10]]
    for name in set(QUALITIES) - {"q2tails", "flow"}:  # the label changes, the error does not
        np.testing.assert_allclose(said[name][0], 10 ** (-honest.astype(float) / 10))


@pytest.mark.parametrize("size", [3, 6])
def test_flows_misread_runs_as_often_as_measured(size):
    rng = np.random.default_rng(size)
    flank = rng.integers(0, 2, (4000, 30), dtype=np.uint8)  # as many places as reads
    codes = np.concatenate((flank, np.full((4000, size), 3, np.uint8), flank[:, ::-1]), axis=1)
    bases, label, lengths = read_by_flows(codes, rng)
    assert 50 < lengths.min() <= lengths.max() <= codes.shape[1]
    found = [
        max((len(m[0]), -m.start()) for m in re.finditer("3+|$", "".join(map(str, read)))) for read in bases
    ]
    told = np.array([n for n, _ in found])
    assert np.mean(told == size + 1) == pytest.approx(ERRORS[size - 1].longer, abs=0.006)
    assert np.mean(told == size - 1) == pytest.approx(ERRORS[size - 1].shorter, abs=0.015)
    at = np.array([-start for _, start in found])[told == size]
    label = label[told == size]
    first, last = (label[np.arange(len(at)), at + k] for k in (0, size - 1))
    assert np.mean(first == last) > 0.99  # wrong bases hide ends
    assert np.mean(first == 35) == pytest.approx(RIGHT[size - 1][-1], abs=0.03)


def test_a_place_misreads_alike():
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(100):
        codes = np.tile(rng.integers(0, 4, 40, dtype=np.uint8), (40, 1))
        bases, _, _ = read_by_flows(codes, rng)
        shares.append(np.mean([(read != codes[0]).any() for read in bases]))
    assert max(shares) > 0.3
    assert np.median(shares) < 0.2


def test_runs_lose_and_gain_bases_and_quality_with_their_length():
    codes = np.tile(np.repeat([0, 1, 2, 3], [12, 1, 12, 5]).astype(np.uint8), (400, 1))
    bases, label, lengths = fragments_of.read_by_runs(codes, np.random.default_rng(1))
    assert label[0, 0] == 8
    first = np.argmax(
        bases == 1, axis=1
    )  # bp of the first run of twelve; 0 where the base behind it was lost
    first, label = first[first > 0], label[first > 0]
    assert len(first) > 395
    assert (label[np.arange(len(first)), first] == 27).all()
    assert set(first) == {11, 12, 13}
    assert 10 < (first == 11).sum() < 50
    assert (first == 13).sum() < (first == 11).sum()
    assert ((bases == 4) == (np.arange(30) >= lengths[:, None])).all()


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


def test_clips_and_gaps_are_made():
    bases = "ACGTACGTAC" * 10
    changed = {}
    for change, cigar in (("gaps", "100M"), ("primers_clipped", "100M"), ("overlaps_clipped", "100M")):
        changed[change] = record(cigar, bases, RG="Z:a")
        changed[change].template_length = 140  # of 200 bases read
        sets.change_record(changed[change], change)
    assert (changed["gaps"].cigarstring, changed["gaps"].query_length) == ("50M6N44M", 94)
    clipped = changed["primers_clipped"]
    assert (clipped.cigarstring, clipped.reference_start) == ("20S80M", 120)
    assert changed["overlaps_clipped"].cigarstring == "70M30S"
    beside_a_gap = record("3S17M2D4I76M", bases, RG="Z:a")
    sets.clip_softly(beside_a_gap, 20, at_right=False)
    assert (beside_a_gap.cigarstring, beside_a_gap.reference_start) == ("24S76M", 119)


def test_primers_are_the_references(genome):
    row = Row("", library=Library(amplicon_bp=280, primers_bp=20), depth=20.0, indel_errors=0.0)
    fragments, (first, second) = reads_of(row, genome)
    assert len(set(fragments.primer.tolist())) > 10
    for at in (0, 5, 9):
        p = fragments.primer[at]
        ends = (genome[p : p + 20], fragments_of.COMPLEMENT[genome[p + 260 : p + 280]][::-1])
        assert {text(first.codes[at][:20]), text(second.codes[at][:20])} == {text(x) for x in ends}


def test_eqx_keeps_insertions_and_deletions():
    assert record("3M1I2M2D2M", "ACGTACGT", MD="Z:5^AA2").cigarstring == "3M1I2M2D2M"
    made = record("3M1I2M2D2M", "ACGTACGT", MD="Z:5^AA2")
    sets.change_record(made, "eqx")
    assert made.cigarstring == "3=1I2=2D2="


def test_long_reads_say_other_qualities():
    said = {}
    for quality in LONG_QUALITIES:
        made = record("8M", "TTACGTAC")
        made.query_qualities = pysam.qualitystring_to_array(
            "".join(chr(33 + q) for q in (3, 9, 18, 24, 31, 39, 60, 93))
        )
        long_of.say(made, quality)
        said[quality] = None if made.query_qualities is None else list(made.query_qualities)
        assert made.query_sequence == "TTACGTAC"
    assert said == {
        "none": None,
        "zeros": [0] * 8,
        "flat5": [5] * 8,
        "flat20": [20] * 8,
        "half": [1, 4, 9, 12, 15, 19, 30, 46],
        "recal_down": [1, 1, 8, 14, 21, 29, 50, 83],
        "recal_up": [23, 29, 38, 44, 51, 59, 80, 93],
        "cap20": [3, 9, 18, 20, 20, 20, 20, 20],
        "bins7": [3, 10, 17, 22, 35, 40, 40, 40],
    }


def test_one_strand_misreads_some_cpgs():
    """One in ten by forward reads, three in ten by each strand; MD tells where the reference has them."""
    reference = "ACGTACGGT" * 400
    changed = {}
    for name, misreading in MISREADINGS.items():
        for flag in (0, 16):
            header = pysam.AlignmentHeader.from_text(f"@SQ\tSN:c\tLN:{len(reference)}\n")
            bases = "T" + reference[1:]
            made = pysam.AlignedSegment.fromstring(
                f"r\t{flag}\tc\t1\t60\t3600M\t*\t0\t0\t{bases}\t{'5' * 3600}\tMD:Z:0A3599\tRG:Z:1", header
            )
            misread(made, misreading)
            assert set(made.query_qualities) == {20}
            assert made.has_tag("MD") == (made.query_sequence == bases)
            pairs = [
                (p, a + b) for p, (a, b) in enumerate(zip(bases, made.query_sequence, strict=True)) if a != b
            ]
            assert {pair for _, pair in pairs} <= ({"GA"} if flag else {"CT"})
            assert all(reference[p - (flag > 0) :][:2] == "CG" for p, _ in pairs)
            changed[name, flag] = len(pairs)
    assert changed["cpg_forward", 16] == 0
    assert 10 < changed["cpg_forward", 0] < 40  # of 800: 24
    assert 60 < changed["cpg_own", 0] < 140  # 96
    assert 60 < changed["cpg_own", 16] < 140


def test_amplicons_of_a_long_read_begin_at_multiples_of_their_size():
    made = record("2S4M1I3M2D4M1S", "TTACGTCACGTTTAG"[:15])
    made.reference_start = 100
    part = long_of.cut(made, 102, 111)  # positions 100-113 but for 107 and 108
    assert (part.reference_start, part.cigarstring, part.query_sequence) == (102, "2M1I3M2D2M", "GTCACGTT")
    assert long_of.cut(made, 107, 109) is None
    long = record("3000M", "A" * 3_000)
    long.reference_start = 950
    found = long_of.amplicons(long, 500, 100_000)
    assert [(p.reference_start, p.cigarstring) for p in found] == [
        (n, "700M") for n in (1000, 1500, 2000, 2500, 3000)
    ]
    assert len({p.query_name for p in found}) == 5


def test_long_rows_share_the_reads_of_their_base():
    rows = {row.name: row for row in all_rows()}
    for name in ("ont-15x-qual-half", "ont-15x-rec-eqx", "ont-15x-lib-amplicons-2000"):
        assert long_of.plain(rows[name]) == rows["ont-15x"]
    assert long_of.plain(rows["ont-15x-errors-3"]) is rows["ont-15x-errors-3"]
    assert rows["hifi-20x-5kb"].base == ""


def test_flags_name_cliffs_peers_and_the_base():
    row = Row("lib-x")
    ours = Errors((100, 20), (30, 2), (1, 1))
    base = Errors((100, 20), (2, 1), (1, 1))
    peer = Errors((100, 20), (5, 3), (0, 0))
    found = {"lib-x": {"deepcohort": {1: ours}, "bcftools": {1: peer}}, row.base: {"deepcohort": {1: base}}}
    assert table_of.flags(row, found) == ["CLIFF SNP", "SNP > 1.5 bwa"]
    found["lib-x"]["deepcohort"] = {1: Errors(failure="failed: x")}
    assert table_of.flags(row, found) == ["CLIFF no calls"]
    lines = table_of.table([row], found)
    assert "no calls" in lines[2]


def test_flags_compare_the_seeds_that_both_have():
    row = Row("lib-x")
    ours = {1: Errors((10, 5), (1, 0), (0, 0)), 2: Errors((10, 5), (4, 0), (0, 0))}
    base = {1: Errors((10, 5), (2, 0), (0, 0)), 2: Errors((10, 5), (1, 0), (0, 0))}
    found = {"lib-x": {"deepcohort": ours}, row.base: {"deepcohort": base}}
    # 5 SNP errors in both draws are over 1.5 times 3
    assert table_of.flags(row, found) == ["SNP > 1.5 bwa"]
    found["lib-x"]["gatk"] = {1: Errors((10, 5), (1, 0), (0, 0))}  # 1 against ours of seed 1: 1
    found["lib-x"]["bcftools"] = {1: Errors((10, 5), (3, 0), (0, 0)), 2: Errors((10, 5), (3, 0), (0, 0))}
    assert table_of.flags(row, found) == ["SNP > 1.5 bwa"]
    found["lib-x"]["gatk"] = {2: Errors((10, 5), (3, 0), (0, 0))}  # 3 against ours of seed 2: 4
    assert table_of.flags(row, found) == ["SNP > peer", "SNP > 1.5 bwa"]


def test_a_row_of_the_table_sums_its_seeds():
    row = Row("lib-x")
    one, two = Errors((10, 5), (1, 2), (0, 1)), Errors((11, 5), (4, 0), (2, 1))
    here = {"deepcohort": {1: one, 2: two}, "bcftools": {1: two, 2: two}, "freebayes": {1: one, 2: one}}
    here["gatk"] = {1: one}
    lines = table_of.table([row], {"lib-x": here, row.base: {}})
    assert (
        lines[2]
        == "| lib-x | 2 | 21 / 10 | 7 / 4 | 12 / 2 | 2 / 6 | 1 / 3 (seed 1) | 5, 2 / 2, 2 | SNP > peer; indel > peer |"
    )
    assert "1 rows (2 with their seeds)" in lines[4]
    # of the row's peers with both seeds freebayes has the fewest SNP errors and bcftools the fewest indel errors
    assert "deepcohort 7 / 4, bcftools 12 / 2, freebayes 2 / 6, best peer of each row 2 / 2" in lines[4]


def test_errors_are_kept_by_seed(tmp_path):
    rows = [Row("lib-x"), Row("lib-x", seed=2)]
    for row, missed in zip(rows, (3, 4), strict=True):
        path = table_of.result_file(row, tmp_path, "deepcohort", ".a")
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(vars(Errors((9, 9), (missed, 0), (0, 0)))))
    found = table_of.kept_errors(rows, tmp_path, ".a")
    assert {seed: e.missed for seed, e in found["lib-x"]["deepcohort"].items()} == {1: (3, 0), 2: (4, 0)}
    assert table_of.kept_errors(rows, tmp_path, ".b") == {"lib-x": {}}
    table_of.write_tsv(tmp_path / "t.tsv", rows[:1], found)
    kept = [line.split("\t")[:7] for line in (tmp_path / "t.tsv").read_text().splitlines()]
    assert kept[1] == ["lib-x", "deepcohort", "1", "SNP", "9", "3", "0"]
    assert kept[3] == ["lib-x", "deepcohort", "2", "SNP", "9", "4", "0"]


def test_seed_1_is_what_it_was_and_others_draw_other_reads(genome):
    rows = {seed: {row.name: row for row in all_rows(seed)} for seed in (1, 2)}
    for name, row in rows[1].items():  # reads of seed 1 are kept by this text
        assert "seed" not in repr(row)
        assert row.folder == name
    assert rows[2]["bowtie2-8x"].folder == "bowtie2-8x.seed2"
    texts = [rows[seed][name].reads_text for seed in (1, 2) for name in ("bowtie2-8x", "base-150bp-8x")]
    assert texts[0] == texts[1] == repr(replace(rows[1]["bowtie2-8x"], name="", aligner=""))
    assert texts[2] == texts[3] == f"{texts[0]} seed 2"
    assert replace(rows[2]["rec-eqx"], name="base-150bp-30x", after=()).folder == "base-150bp-30x.seed2"


def test_real_reads_have_another_seed_only_where_they_are_thinned():
    absent = {row.name for row in all_rows()} - {row.name for row in all_rows(3)}
    assert {"na12878-35x", "na12878-35x-bowtie2", "hg002-30x", "hg002-30x-snap", "pairs-dups_x5"} <= absent
    assert not any(name.startswith(("base", "lib", "rec", "qual", "ont")) for name in absent)
    thinned = {row.name: row.thinning for row in all_rows(3) if row.thinning}
    assert thinned["na12878-s7.33"] == "9.33"
    assert thinned["hg002-10x-bowtie2"] == "44.333333"
    assert {row.thinning for row in all_rows() if row.name == "hg002-7x"} == {"42.25"}


def test_seeds_must_be_numbers(tmp_path):
    command = [sys.executable, str(BENCHMARK), "--work", str(tmp_path), "--callers", "", "--seeds", "1,x"]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode == 2
    assert "--seeds 1,x: not numbers above 0" in said.stderr


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


def test_other_genomes_are_planted():
    """Inbred: every ALT twice; F1: on one haplotype; wild ones far from the reference, lines as haplotypes."""
    records = [((100, "A", ("A", "G")), "-"), ((200, "CT", ("C", "CTT")), "-"), ((300, "G", ("T", "T")), "-")]
    codes = np.random.default_rng(4).integers(0, 4, 60_000, dtype=np.uint8)
    span = (2_000, 52_000)
    assert genomes_of.planted_genome("", codes, span, records) is records
    inbred = genomes_of.planted_genome("inbred", codes, span, records)
    assert [v[2] for v, _ in inbred] == [("G", "G"), ("C", "C"), ("T", "T")]
    assert inbred[1][1] == "chr20\t201\t.\tCT\tC\t50\tPASS\t.\tGT\t1|1\n"
    f1 = genomes_of.planted_genome("f1", codes, span, records)
    assert [v[2] for v, _ in f1] == [("A", "G"), ("CT", "C"), ("G", "T")]
    strain, wild = (genomes_of.planted_genome(kind, codes, span, records) for kind in ("strain", "wild"))
    assert len(strain) == pytest.approx(500, rel=0.1)
    assert all(a == b for (_, _, (a, b)), _ in strain)
    assert sum(a == b for (_, _, (a, b)), _ in wild) == pytest.approx(len(wild) / 3, rel=0.2)
    assert all(line.endswith(("0|1\n", "1|0\n", "1|1\n")) for _, line in wild)
    ends = [(pos, pos + len(ref)) for (pos, ref, _), _ in wild]
    assert all(before[1] < after[0] for before, after in itertools.pairwise(ends))
