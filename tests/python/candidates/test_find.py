"""Candidates and what reads say of them, worked by hand."""

from pathlib import Path

import numpy as np
import pytest
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.counts import count_window
from deepcohort.candidates.find import find_candidates
from deepcohort.candidates.types import CandidateEvidence
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.core.sequence import decode_bases, encode_bases
from deepcohort.reads.load import open_reads
from read_builders import cigars, make_batch, random_text

LEFT, RIGHT = random_text(21, 300), random_text(22, 300)
CONFIG = CandidatesConfig()


def find(genome: str, reads, config: CandidatesConfig = CONFIG, region: tuple[int, int] | None = None):
    first, last = region or (0, len(genome))
    window = Region("one", first, last).padded(config.pad_bp, len(genome))
    codes = encode_bases(genome)[window.start : window.end]
    return find_candidates(make_batch(reads), codes, window, Region("one", first, last), config)


def alleles(evidence: CandidateEvidence, genome: str) -> list[tuple[int, str, str]]:
    table = evidence.table
    return [
        (
            int(table.pos[i]),
            genome[table.pos[i] : table.pos[i] + table.ref_len[i]].upper(),
            decode_bases(table.alt_seq[table.alt_offset[i] : table.alt_offset[i + 1]]),
        )
        for i in range(len(table))
    ]


def tiled(haplotype: str, start: int, stop: int, every: int, length: int = 100):
    """(offset, sequence) of error-free reads of a haplotype."""
    return [(i, haplotype[i : i + length]) for i in range(start, stop, every)]


def flipped(base: str) -> str:
    return {"A": "C", "C": "A", "G": "T", "T": "G"}[base]


def test_snp_with_hand_worked_support():
    genome = LEFT + RIGHT
    site = 250
    alt = flipped(genome[site])
    other = next(b for b in "ACGT" if b not in (genome[site], alt))

    def read(base: str, qual: int, mapq: int = 60):
        seq = genome[200:site] + base + genome[site + 1 : 300]
        return (200, "100M", seq, [40] * 50 + [qual] + [40] * 49, mapq)

    reads = [
        read(alt, 40),
        read(alt, 30),
        read(alt, 40, 20),
        read(genome[site], 20),
        read(other, 40),
        read(alt, 5),
    ]
    evidence = find(genome, reads)
    assert alleles(evidence, genome) == [(site, genome[site], alt)]
    by_quality = dict(
        zip(
            [(int(evidence.reads.qual[evidence.reads.seq_offset[r] + 50]), int(evidence.reads.mapq[r]))
             for r in evidence.support.read],
            zip(evidence.support.allele.tolist(), evidence.support.log10_ratio.tolist(), strict=True),
            strict=True,
        )
    )  # fmt: skip
    # log10((1 - e) / (e / 3)); the MAPQ bounds it; low qualities weigh little and have no vote
    expected = {
        (30, 60): (1, 3.4767), (40, 20): (1, 2.0), (20, 60): (0, -2.4728), (5, 60): (-1, 0.8121),
    }  # fmt: skip
    for key, (allele, ratio) in expected.items():
        assert by_quality[key][0] == allele
        assert by_quality[key][1] == pytest.approx(ratio, abs=1e-3)
    assert sorted(evidence.support.allele.tolist()) == [-1, 0, 1, 1, 1, 2]
    assert evidence.table.dp.tolist() == [5]
    assert evidence.table.ad.tolist() == [[1, 3]]
    assert set(evidence.support.read_index.tolist()) == {50}
    assert evidence.counts.n_total[site] == 5
    assert evidence.counts.n_ref[site] == 1


@pytest.mark.parametrize(
    ("n_alt", "n_ref", "found"),
    [(1, 0, True), (1, 3, True), (1, 4, False), (2, 0, True), (2, 14, True), (2, 15, False)],
)
def test_thresholds(n_alt: int, n_ref: int, found: bool):
    genome = LEFT + RIGHT
    changed = genome[200:250] + flipped(genome[250]) + genome[251:300]
    reads = [(200, "100M", changed)] * n_alt + [(200, "100M", genome[200:300])] * n_ref
    assert (len(find(genome, reads).table) == 1) == found


def test_depth_one_and_nothing():
    genome = LEFT + RIGHT
    evidence = find(genome, [(200, "100M", genome[200:300])])
    assert len(evidence.table) == 0
    assert evidence.counts.n_ref.sum() == 100
    empty = find(genome, [])
    assert len(empty.table) == 0
    assert empty.counts.n_total.tolist() == [0] * 600
    assert empty.support.offset.tolist() == [0]


def test_mapq0_reads_are_counted_apart():
    genome = LEFT + RIGHT
    window = Region("one", 0, 600)
    evidence = find_candidates(
        make_batch([], [(90, 190), (150, 250)]), encode_bases(genome), window, Region("one", 100, 200), CONFIG
    )
    assert evidence.counts.mapq0.tolist() == [1] * 50 + [2] * 40 + [1] * 10
    assert evidence.counts.n_total.sum() == 0


def test_mnp_is_two_snps_and_soft_masked_reference_counts():
    genome = (LEFT + RIGHT).lower()
    upper = genome.upper()
    changed = upper[200:250] + flipped(upper[250]) + flipped(upper[251]) + upper[252:300]
    evidence = find(genome, [(200, "100M", changed)] * 4 + [(200, "100M", upper[200:300])] * 4)
    assert [a[0] for a in alleles(evidence, genome)] == [250, 251]
    assert evidence.table.ad.tolist() == [[4, 4], [4, 4]]


def test_n_in_the_reference_is_no_evidence():
    genome = LEFT[:250] + "NNNN" + LEFT[254:] + RIGHT
    evidence = find(genome, [(200, "100M", LEFT[200:300])] * 6)
    assert len(evidence.table) == 0
    assert evidence.counts.n_total[248:256].tolist() == [6, 6, 0, 0, 0, 0, 6, 6]
    assert evidence.counts.n_ref[248:256].tolist() == [6, 6, 0, 0, 0, 0, 6, 6]


def test_indels_are_left_aligned_and_reads_that_end_in_the_repeat_do_not_vote():
    genome = LEFT + "CAG" * 6 + RIGHT
    shorter = LEFT + "CAG" * 4 + RIGHT
    # the aligner put the gap at the right end of the repeat
    carriers = [(i, f"{312 - i}M6D{100 - (312 - i)}M", shorter[i : i + 100]) for i in range(230, 290, 6)]
    plain = [(i, "100M", genome[i : i + 100]) for i in range(230, 290, 6)]
    inside = [(210, "100M", genome[210:310])] * 2
    evidence = find(genome, carriers + plain + inside)
    assert alleles(evidence, genome) == [(299, genome[299] + "CAGCAG", genome[299])]
    assert evidence.table.ad.tolist() == [[10, 10]]
    assert evidence.table.dp.tolist() == [20]
    ratios = evidence.support.log10_ratio
    # bounded by how often sequencing slips by two units of six: 0.3 * 4 - 4.8 - 0.8
    assert ratios[evidence.support.allele == 1] == pytest.approx(4.4, abs=0.01)
    assert ratios[evidence.support.allele == 0] == pytest.approx(-4.4, abs=0.01)
    assert np.abs(ratios[evidence.support.allele == -1]).max() < 0.01


def test_long_homopolymer_weighs_less():
    def strength(bp: int) -> float:
        genome = LEFT + "A" * bp + RIGHT
        longer = LEFT + "A" * (bp + 1) + RIGHT
        carriers = [(i, f"{300 - i}M1I{99 - (300 - i)}M", longer[i : i + 100]) for i in range(232, 282, 6)]
        plain = [(i, "100M", genome[i : i + 100]) for i in range(232, 282, 6)]
        evidence = find(genome, carriers + plain)
        assert [a[0] for a in alleles(evidence, genome)] == [299]
        assert evidence.table.ad[0, 1] >= 8
        return float(evidence.support.log10_ratio.max())

    assert strength(4) > strength(8) > strength(14) > strength(24) > 0.5


def test_two_alternates_at_one_site():
    genome = LEFT + "A" * 8 + RIGHT
    reads = []
    for bp in (6, 10):
        haplotype = LEFT + "A" * bp + RIGHT
        gap = f"{8 - bp}D" if bp < 8 else f"{bp - 8}I"
        for i in range(220, 270, 5):
            rest = 100 - (300 - i) - max(0, bp - 8)
            reads.append((i, f"{300 - i}M{gap}{rest}M", haplotype[i : i + 100]))
    evidence = find(genome, reads)
    anchor = genome[299]
    assert alleles(evidence, genome) == [(299, anchor, anchor + "AA"), (299, anchor + "AA", anchor)]
    assert evidence.table.ad.tolist() == [[0, 10], [0, 10]]
    # each read speaks against the alternate that it does not carry
    for c in range(2):
        rows = slice(evidence.support.offset[c], evidence.support.offset[c + 1])
        assert sorted(evidence.support.allele[rows].tolist()) == [1] * 10 + [2] * 10


def test_adjacent_indels_and_overlap_of_mates():
    genome = LEFT + RIGHT
    haplotype = genome[:260] + "TTGCA" + genome[260:266] + genome[270:]
    reads = []
    for k in range(6):
        start = 200 + 3 * k
        cigar = f"{260 - start}M5I6M4D{100 - (260 - start) - 11}M"
        seq = haplotype[start : start + 100]
        reads += [(start, cigar, seq, 40, 60, f"p{k}", 99), (start, cigar, seq, 40, 60, f"p{k}", 147)]
    evidence = find(genome, reads)
    found = alleles(evidence, genome)
    assert len(found) == 2
    rebuilt = genome
    for pos, ref, alt in reversed(found):
        assert rebuilt[pos : pos + len(ref)] == ref
        rebuilt = rebuilt[:pos] + alt + rebuilt[pos + len(ref) :]
    assert rebuilt == haplotype
    # twelve reads, six fragments
    assert evidence.table.ad[:, 1].tolist() == [6, 6]


def test_deletion_longer_than_reads():
    genome = LEFT + random_text(30, 250) + RIGHT
    haplotype = LEFT + RIGHT
    reads = [(i, f"{300 - i}M250D{100 - (300 - i)}M", haplotype[i : i + 100]) for i in range(220, 280, 6)]
    evidence = find(genome, reads)
    found = alleles(evidence, genome)
    assert len(found) == 1
    pos, ref, alt = found[0]
    assert genome[:pos] + alt + genome[pos + len(ref) :] == haplotype
    assert evidence.counts.n_ref[310:540].tolist() == [0] * 230


def test_misaligned_read_ends_are_brought_in_line():
    """Reads that end soon after a deletion show mismatches or clips; they are evidence for it too."""
    genome, haplotype = LEFT + random_text(31, 12) + RIGHT, LEFT + RIGHT
    good = [(i, f"{300 - i}M12D{100 - (300 - i)}M", haplotype[i : i + 100]) for i in range(220, 280, 8)]
    clipped = [(208, "92M8S", haplotype[208:308]), (210, "90M10S", haplotype[210:310])]
    forced = [(205, "100M", haplotype[205:305]), (303 - 4 + 12, "100M", haplotype[299:399])]
    plain = [(i, "100M", genome[i : i + 100]) for i in range(215, 290, 5)]
    before = find(genome, good + clipped + forced + plain, CandidatesConfig(realign=False))
    after = find(genome, good + clipped + forced + plain)
    indels = [a for a in alleles(after, genome) if len(a[1]) != len(a[2])]
    assert len(indels) == 1
    assert len(alleles(after, genome)) == 1  # no mismatch is left to be called
    assert after.table.realigned.tolist() == [True]
    assert after.realigned.sum() >= 2
    assert after.table.ad[0, 1] > before.table.ad[0, 1] - 1
    for i, text in enumerate(cigars(after.reads)):
        if after.realigned[i]:
            assert "12D" in text


def test_long_insertion_that_reads_only_clip():
    genome = LEFT + RIGHT
    inserted = random_text(32, 60)
    haplotype = LEFT + inserted + RIGHT
    reads = [(i, "100M", genome[i : i + 100]) for i in range(180, 320, 6)]
    for i in range(215, 290, 6):
        left = 300 - i
        if left >= 50:
            reads.append((i, f"{left}M{100 - left}S", haplotype[i : i + 100]))
    for i in range(312, 360, 4):
        clip = 360 - i
        reads.append((300, f"{clip}S{100 - clip}M", haplotype[i : i + 100]))
    evidence = find(genome, reads)
    found = [a for a in alleles(evidence, genome) if len(a[2]) > 30]
    assert len(found) == 1
    pos, ref, alt = found[0]
    assert genome[:pos] + alt + genome[pos + len(ref) :] == haplotype
    row = alleles(evidence, genome).index(found[0])
    assert evidence.table.ad[row, 1] >= 15


@pytest.mark.parametrize("seed", range(3))
def test_long_insertions_of_one_length_are_in_order(seed: int):
    """Whatever else is assembled: their keys are hashes."""
    genome = LEFT + RIGHT
    inserted = [random_text(900 + 2 * seed + k, 40) for k in range(2)]
    reads = [
        (240 + i, f"{60 - i}M40I{60 + i}M", genome[240 + i : 300] + text + genome[300 : 360 + i])
        for text in inserted
        for i in range(6)
    ]
    found = alleles(find(genome, reads), genome)
    assert len(found) == 2
    assert found == sorted(found)


def test_counts_are_those_of_the_reads_as_realigned():
    """Of two mates over a deletion one counts, also where it comes to lie there by realignment."""
    genome = LEFT + RIGHT
    haplotype = genome[:300] + genome[312:]
    reads = []
    for k in range(8):
        first, second = 215 + 2 * k, 252 + 2 * k
        n = 310 - first  # the aligner laid the ten bases behind the deletion over it
        reads.append((first, f"{n}M", haplotype[first : first + n], None, None, f"pair{k}", 0x41))
        m = 300 - second
        reads.append(
            (second, f"{m}M12D{100 - m}M", haplotype[second : second + 100], None, None, f"pair{k}", 0x91)
        )
    evidence = find(genome, reads)
    assert evidence.realigned.sum() == 8
    again = count_window(evidence.reads, encode_bases(genome), Region("one", 0, 600), CONFIG)
    assert evidence.counts.n_total.tolist() == again.n_total.tolist()
    assert set(evidence.counts.n_total[300:312].tolist()) == {8}


def test_whether_a_long_read_moves_is_its_own_affair():
    """However many operations it got where another chunk looks."""
    genome = random_text(60, 6_000)
    haplotype = genome
    for at in (4_500, 1_000):  # a deletion and an insertion of 6 bp each, 30 bp apart
        haplotype = haplotype[:at] + haplotype[at + 6 : at + 36] + "ACGTTG" + haplotype[at + 36 :]
    short = [
        (at - 60 + k, f"{60 - k}M6D30M6I{20 + k}M", haplotype[at - 60 + k : at - 60 + k + 116])
        for at in (1_000, 4_500)
        for k in range(6)
    ]
    many = "".join("1=1M" for _ in range(255))  # 510 operations, where nothing is amiss
    long = (500, f"1500M{many}{3_490 - 510}M", haplotype[500:5_490])
    reads = [*short, long, (*long[:2], long[2])]
    looked = [find(genome, reads, region=region) for region in ((0, 6_000), (4_300, 4_700))]
    tails = [[c for c in cigars(e.reads) if "1=1M" in c] for e in looked]
    assert ["6I" in c.split("1=1M")[-1] for c in tails[0]] == [True, True]
    assert [c.split("1=1M")[-1] for c in tails[0]] == [c.split("1=1M")[-1] for c in tails[1]]


def test_chimeric_tails_stay_clipped():
    genome = LEFT + RIGHT
    rng = np.random.default_rng(5)
    tails = ["".join(rng.choice(list("ACGT"), 40)) for _ in range(6)]
    reads = [(i, "100M", genome[i : i + 100]) for i in range(180, 320, 6)]
    reads += [(230 + k, "60M40S", genome[230 + k : 290 + k] + tail) for k, tail in enumerate(tails)]
    evidence = find(genome, reads)
    assert len(evidence.table) == 0
    assert not evidence.realigned.any()


@pytest.mark.parametrize("seed", range(4))
def test_realigned_reads_stay_whole(seed: int):
    """Random variants, careless alignments: CIGARs still describe the reads, and candidates the truth."""
    rng = np.random.default_rng(100 + seed)
    genome = random_text(40 + seed, 900)
    haplotype, shift, truth = genome[:300], [], []
    at = 300
    for _ in range(3):
        step = int(rng.integers(20, 60))
        haplotype += genome[at : at + step]
        at += step
        size = int(rng.integers(1, 15))
        if rng.random() < 0.5:
            haplotype += random_text(int(rng.integers(1 << 30)), size)
            shift.append((at, size))
        else:
            at += size
            shift.append((at, -size))
        truth.append(at)
    haplotype += genome[at:]
    reads = []
    for i in range(150, 600, 4):
        seq = haplotype[i : i + 100]
        net = sum(size for where, size in shift if where <= i)
        first = i - net
        # as an aligner that never opens a gap: matches up to the first trouble, the rest clipped
        n = next((k for k in range(100) if genome[first + k : first + k + 1] != seq[k]), 100)
        if n >= 30:
            reads.append((first, f"{n}M{100 - n}S" if n < 100 else "100M", seq))
    reads += [(i, "100M", genome[i : i + 100]) for i in range(150, 700, 7)]
    evidence = find(genome, reads)
    batch = evidence.reads
    consumed = np.isin(batch.cigar_op, [0, 1, 4, 7, 8]) * batch.cigar_len
    taken = np.isin(batch.cigar_op, [0, 2, 3, 7, 8]) * batch.cigar_len
    for i in range(len(batch)):
        ops = slice(batch.cigar_offset[i], batch.cigar_offset[i + 1])
        assert consumed[ops].sum() == batch.seq_offset[i + 1] - batch.seq_offset[i]
        assert taken[ops].sum() == batch.end[i] - batch.pos[i]
        assert batch.cigar_len[ops].min() > 0
        assert batch.pos[i] >= 0
        first, last = batch.cigar_op[ops][0], batch.cigar_op[ops][-1]
        assert first in (0, 4)
        assert last in (0, 4)


def test_very_long_reads_and_deep_piles():
    genome = random_text(50, 100_000)
    alt = flipped(genome[50_000])
    changed = genome[:50_000] + alt + genome[50_001:]
    evidence = find(
        genome, [(0, "100000M", changed)] * 5 + [(0, "100000M", genome)] * 5, region=(49_000, 51_000)
    )
    assert alleles(evidence, genome) == [(50_000, genome[50_000], alt)]
    assert evidence.table.ad.tolist() == [[5, 5]]
    deep = [(49_950, "100M", changed[49_950:50_050])] * 2_500 + [
        (49_950, "100M", genome[49_950:50_050])
    ] * 2_500
    evidence = find(genome, deep, region=(49_000, 51_000))
    assert evidence.table.ad.tolist() == [[2_500, 2_500]]


def test_shards_do_not_show_on_real_reads(shared_data: Path):
    folder = shared_data / "na12878_illumina_52x"
    with (
        open_reads([folder / "NA12878.bam"], folder / "hg19.chr20.fa.gz") as source,
        ReferenceFasta(folder / "hg19.chr20.fa.gz") as reference,
    ):

        def collect(step: int):
            rows, counts = [], []
            for start in range(10_008_000, 10_014_000, step):
                region = Region("chr20", start, min(start + step, 10_014_000))
                window = region.padded(CONFIG.pad_bp, source.contig_lengths["chr20"])
                evidence = find_candidates(
                    source.fetch(window), reference.fetch_codes(window), window, region, CONFIG
                )
                counts.append(
                    np.stack([evidence.counts.n_ref, evidence.counts.n_total, evidence.counts.mapq0])
                )
                table, support = evidence.table, evidence.support
                for i in range(len(table)):
                    rows_i = slice(support.offset[i], support.offset[i + 1])
                    read = support.read[rows_i]
                    rows.append(
                        (
                            int(table.pos[i]), int(table.ref_len[i]), int(table.dp[i]), *table.ad[i].tolist(),
                            evidence.reads.name_hash[read].tolist(), support.allele[rows_i].tolist(),
                            support.log10_ratio[rows_i].tolist(), support.read_index[rows_i].tolist(),
                        )
                    )  # fmt: skip
            return rows, np.concatenate(counts, axis=1)

        whole_rows, whole_counts = collect(6_000)
        assert len(whole_rows) > 15
        for step in (2_999, 401):
            rows, counts = collect(step)
            assert rows == whole_rows
            np.testing.assert_array_equal(counts, whole_counts)
