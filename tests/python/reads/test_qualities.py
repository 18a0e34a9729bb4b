"""Base qualities beside what reads keep of them: counts by hand and by plain Python, and who is lowered."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.sample import settings_for
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.groups import LibraryKey
from deepcohort.reads.libraries import library_line
from deepcohort.reads.library import library_text, measure_library
from deepcohort.reads.load import open_reads
from deepcohort.reads.merge import in_terms_of
from deepcohort.reads.profile import profile_of
from deepcohort.reads.qualities import changed_text, least_quality, lowered_qualities, quality_table
from deepcohort.reads.quality_kernels import PlacedReads, tally_qualities
from deepcohort.reads.types import LibraryProfile, OwnLibrary
from hypothesis import given, settings
from hypothesis import strategies as st

BP = 60
HEAD = "@HD\tVN:1.6\tSO:coordinate"


def slow_tally(reads, codes, start, expected):
    """`tally_qualities` base by base; `reads` are (pos, first, stop, bases, quals)."""
    columns: dict[int, list[tuple[int, int]]] = {}
    for pos, first, stop, bases, quals in reads:
        for p in range(first, stop):
            base, q = bases[p - pos], quals[p - pos]
            if start <= p < start + len(codes) and base < 4 and q and codes[p - start] < 4:
                columns.setdefault(p, []).append((base != codes[p - start], q))
    counts = np.zeros((3, 256))
    for seen in columns.values():
        by_variants = expected[len(seen)] if len(seen) < len(expected) else 0.0
        if sum(wrong for wrong, _ in seen) > max(1, len(seen) // 10) or np.isnan(by_variants):
            continue
        for wrong, q in seen:
            counts[:, q] += (1, wrong, by_variants)
    return counts


placed = st.tuples(
    st.integers(0, 12),
    st.integers(0, 3),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=3, max_size=9),
)


@settings(deadline=None)  # the first compiles
@given(st.lists(placed, max_size=24), st.lists(st.integers(0, 4), min_size=1, max_size=14))
def test_counts_are_those_of_plain_python(drawn, codes):
    reads = [
        (pos, pos + skip, pos + len(cells), [b for b, _ in cells], [q for _, q in cells])
        for pos, skip, cells in drawn
    ]
    sizes = [len(bases) for _, _, _, bases, _ in reads]
    flat = [np.array([x for row in reads for x in row[k]], np.uint8) for k in (3, 4)]
    spans = [np.array([row[k] for row in reads], np.int64) for k in range(3)]
    offsets = np.concatenate([[0], np.cumsum(sizes)])[:-1].astype(np.int64)
    expected = np.array([np.nan, np.nan, 0.25, 0.5])
    found = tally_qualities(PlacedReads(*spans, *flat, offsets), np.array(codes, np.uint8), 4, expected)
    assert np.allclose(found, slow_tally(reads, codes, 4, expected))


def counts_of(rates, n=40_000, windows=12):
    """Counts of `windows` alike: `rates` are mismatches per base by quality."""
    counts = np.zeros((windows, 3, 256))
    for q, rate in rates.items():
        counts[:, 0, q], counts[:, 1, q] = n, np.rint(n * rate)
    return counts


@pytest.mark.parametrize(
    ("rates", "lowered"),
    [
        ({30: 0.001}, ()),
        ({30: 0.0013}, ()),  # 1.1 phred: not worth a word
        ({30: 0.002}, ((30, 27),)),
        ({30: 0.0001}, ()),  # better than promised: qualities are never raised
        ({20: 0.01, 30: 0.002, 40: 0.00012}, ((30, 27),)),
        ({20: 0.01, 30: 0.002, 50: 0.00001}, ((30, 27), (50, 47))),  # too few to judge: as the one before
        ({20: 0.1, 38: 0.001}, ((20, 10), (38, 30))),
        ({9: 0.6, 12: 0.4}, ((12, 10),)),  # no farther than what still counts
        ({}, ()),
    ],
)
def test_what_is_lowered(rates, lowered):
    assert lowered_qualities(counts_of(rates)) == lowered


def test_rare_mismatches_are_judged_together():
    # 10 x 12 in each of two values; one alone has 2 in a window where .4 are promised
    rates = {q: 0.00005 for q in (50, 51)}
    assert lowered_qualities(counts_of(rates)) == ((50, 43), (51, 44))
    assert lowered_qualities(counts_of(rates, windows=1)) == ()  # 4 mismatches say nothing


def test_a_window_of_strays_lowers_nothing():
    counts = counts_of({40: 0.0001})
    counts[3, 1, 40] = 400
    assert lowered_qualities(counts) == ()


def test_heterozygotes_are_no_errors():
    counts = counts_of({40: 0.0002}, n=200_000)
    assert lowered_qualities(counts) == ((40, 37),)
    counts[:, 2, 40] = 200_000 * 0.0001
    assert lowered_qualities(counts) == ()


@pytest.mark.parametrize(
    ("rates", "least"),
    [
        ({8: 0.003, 30: 0.001}, 5),  # of bases that promise .158: the length of their run is in doubt
        ({8: 0.02}, 10),
        ({5: 0.31, 9: 0.12, 30: 0.001}, 10),
        ({2: 0.0, 30: 0.001}, 10),  # says nothing
        ({10: 0.001}, 10),
        ({}, 10),
    ],
)
def test_poor_bases_count_where_they_are_far_better_than_they_say(rates, least):
    assert least_quality(counts_of(rates)) == least


def test_few_poor_bases_tell_nothing():
    assert least_quality(counts_of({8: 0.0}, n=80)) == 10
    assert least_quality(counts_of({8: 0.0}, n=90)) == 5


def test_variants_at_poor_bases_are_no_errors():
    counts = counts_of({8: 0.02})
    counts[:, 2, 8] = 40_000 * 0.01
    assert least_quality(counts) == 5


def test_text_of_the_least_quality():
    profile = LibraryProfile(least_quality=5, vote_errors=1.2e-5)
    assert library_text(profile) == f"{library_text(LibraryProfile())};LeastQuality=5;VoteErrors=1.2e-05"


def test_text_of_what_is_lowered():
    lowered = ((30, 27), (31, 26), (40, 35))
    assert changed_text(lowered) == "30:-3|31-40:-5"
    profile = LibraryProfile(lowered=lowered)
    assert library_text(profile) == f"{library_text(LibraryProfile())};QualitiesLowered=30:-3|31-40:-5"
    assert library_text(LibraryProfile()).endswith("Qualities=0")
    assert changed_text(((0, 27), (3, 31))) == "0:+27|3:+28"
    assert library_text(LibraryProfile(raised=((0, 27),))).endswith(";QualitiesRaised=0:+27")
    line = library_line(OwnLibrary(LibraryKey("L", "", "s"), "L", profile), 1, {})
    assert ",QualitiesLowered=30:-3|31-40:-5," in line


def test_table():
    table = quality_table(LibraryProfile(lowered=((30, 27), (40, 35))))
    assert table.dtype == np.uint8
    assert (table[30], table[40]) == (27, 35)
    assert np.flatnonzero(table != np.arange(256)).tolist() == [30, 40]


# files


def noisy_lines(text, group="a", n=1_500, error=0.01, quality=30, seed=1):
    """Pairs whose bases are wrong at a rate, all of one quality."""
    rng = np.random.default_rng(seed)
    lines = []
    for k in range(n):
        contig, size = str(rng.choice(["one", "two"])), int(rng.integers(90, 300))
        pos = int(rng.integers(0, len(text) - size))
        for flag, at, tlen in ((99, pos, size), (147, pos + size - BP, -size)):
            bases = list((text if contig == "one" else text[::-1])[at : at + BP])
            for i in np.flatnonzero(rng.random(BP) < error):
                bases[i] = "ACGT"[("ACGT".index(bases[i]) + int(rng.integers(1, 4))) % 4]
            fields = [f"{group}{k}", flag, contig, at + 1, 60, f"{BP}M", "=", 1, tlen, "".join(bases)]
            lines.append("\t".join(map(str, fields)) + f"\t{chr(33 + quality) * BP}\tRG:Z:{group}")
    return lines


def test_honest_files_have_nothing_lowered(write_reads, reference_path, reference_text):
    path = write_reads(noisy_lines(reference_text, error=0.001))
    assert profile_of([path], reference_path, ReadsConfig())[0].library.lowered == ()


def test_lowered_alike_whatever_files_and_regions(write_reads, reference_path, reference_text):
    lines = noisy_lines(reference_text)
    odd = [line for line in lines if int(line.split("\t")[0][1:]) % 2]
    even = [line for line in lines if line not in set(odd)]
    files = {
        "bam": [write_reads(lines)],
        "cram": [write_reads(lines, "reads.cram")],
        "two": [write_reads(odd, "odd.bam"), write_reads(even, "even.bam")],
    }
    configs = {name: profile_of(paths, reference_path, ReadsConfig())[0] for name, paths in files.items()}
    config = configs["bam"]
    assert all(other == config for other in configs.values())
    assert config.library.lowered in (((30, 20),), ((30, 21),))  # positions with two errors do not count
    used = config.library.lowered[0][1]
    rows = {}
    for name, paths in files.items():
        with open_reads(paths, reference_path, config) as source:
            cuts = [0, 6_000] if name == "bam" else [0, 1_003, 1_004, 2_950, 6_000]
            batches = [source.fetch(Region("one", a, b)) for a, b in pairwise(cuts)]
        assert all(set(batch.own_qual.tolist()) == {used} for batch in batches)
        rows[name] = {
            (name_hash, pos, flag)
            for b in batches
            for name_hash, pos, flag in zip(*(getattr(b, c).tolist() for c in ("name_hash", "pos", "flag")), strict=True)
        }  # fmt: skip
    assert all(found == rows["bam"] for found in rows.values())


def test_reads_with_indels_clips_and_doubtful_mapq_tell_nothing(write_reads, reference_path, reference_text):
    for change in (
        lambda f: [*f[:5], f"5S{BP - 5}M", *f[6:]],
        lambda f: [*f[:5], "30M1I29M", *f[6:]],
        lambda f: [*f[:4], 7, *f[5:]],
    ):
        sure = noisy_lines(reference_text, error=0.001)
        other = [line.split("\t") for line in noisy_lines(reference_text, "b", n=300, error=0.02, seed=2)]
        lines = sure + ["\t".join(map(str, change(fields))).replace("RG:Z:b", "RG:Z:a") for fields in other]
        assert profile_of([write_reads(lines)], reference_path, ReadsConfig())[0].library.lowered == ()


def test_profiles_of_long_reads_only_count(write_reads, reference_path, reference_text, monkeypatch):
    path = write_reads(noisy_lines(reference_text))
    with open_reads([path], reference_path, ReadsConfig()) as source, ReferenceFasta(reference_path) as fasta:
        columns = source.fetch_columns(Region("one", 0, 6_000))
        stretch = (0, fasta.fetch_codes(Region("one", 0, 6_000)))
    library = measure_library([columns], [stretch])
    assert set(in_terms_of(library, columns).qual.tolist()) == {library.lowered[0][1]}
    assert set(columns.qual.tolist()) == {30}  # left as they are
    monkeypatch.setattr("deepcohort.reads.types.LONG_READS_BP", BP - 1)
    long = measure_library([columns], [stretch])  # the platform decides what they are worth
    assert long.lowered == ()
    ((phred, bases, mismatches, _),) = long.seen
    assert phred == 30
    assert 0.006 < mismatches / bases < 0.011
    assert library.seen == library.least == ()


def runs_lines(text, n=1_500, seed=1):
    """Single reads whose every tenth base has phred 7 and is right; the others have 30."""
    rng = np.random.default_rng(seed)
    lines = []
    for k in range(n):
        pos = int(rng.integers(0, len(text) - BP))
        quals = "".join(chr(33 + (7 if (pos + i) % 10 == 0 else 30)) for i in range(BP))
        fields = [f"r{k}", 0, "one", pos + 1, 60, f"{BP}M", "*", 0, 0, text[pos : pos + BP], quals]
        lines.append("\t".join(map(str, fields)) + "\tRG:Z:a")
    return lines


def test_candidates_take_bases_that_the_library_vouches_for(write_reads, reference_path, reference_text):
    path = write_reads(runs_lines(reference_text))
    settings = settings_for([path], reference_path, "illumina")
    assert settings.reads.library.least_quality == settings.candidates.min_base_qual == 5
    usual = write_reads(noisy_lines(reference_text, error=0.001), "usual.bam")
    assert settings_for([usual], reference_path, "illumina").candidates == CandidatesConfig(
        slips=settings_for([usual], reference_path, "illumina").candidates.slips
    )


def test_each_library_has_its_own(write_reads, reference_path, reference_text):
    groups = [f"@RG\tID:{name}\tSM:sample\tLB:{name}" for name in "gb"]
    lines = noisy_lines(reference_text, "g", error=0.001) + noisy_lines(reference_text, "b", seed=2)
    path = write_reads(lines, header=(HEAD, *groups))
    config = profile_of([path], reference_path, ReadsConfig())[0]
    bad, good = (one.profile.lowered for one in config.libraries)
    assert good == ()
    assert bad in (((30, 20),), ((30, 21),))
    assert [one.is_apart for one in config.libraries] == [True, True]
    with open_reads([path], reference_path, config) as source:
        batch = source.fetch(Region("one", 0, 6_000))
    of_base = np.repeat(batch.library, np.diff(batch.seq_offset))
    quals = [set(batch.own_qual[of_base == number].tolist()) for number in (1, 2)]
    assert quals == [{bad[0][1]}, {30}]
    pooled = replace(config, libraries=())
    assert pooled.library.lowered[0][1] > bad[0][1]


def test_ends_that_an_aligner_left_are_no_errors(write_reads, reference_path, reference_text):
    """Twelve foreign bases at the end of some reads, aligned as if they were the genome's."""
    rng = np.random.default_rng(5)
    lines = []
    for line in noisy_lines(reference_text, error=0.001):
        fields = line.split("\t")
        if fields[1] == "99" and rng.random() < 0.1:
            fields[9] = fields[9][:-12] + "".join(rng.choice(list("ACGT"), 12))
        lines.append("\t".join(fields))
    config = profile_of([write_reads(lines)], reference_path, ReadsConfig())[0]
    assert config.clips_ends
    assert config.library.lowered == ()


def test_libraries_a_phred_apart_are_one(write_reads, reference_path, reference_text):
    groups = [f"@RG\tID:{name}\tSM:sample\tLB:{name}" for name in "ab"]
    lines = noisy_lines(reference_text) + noisy_lines(reference_text, "b", error=0.008, seed=2)
    config = profile_of([write_reads(lines, header=(HEAD, *groups))], reference_path, ReadsConfig())[0]
    assert len({one.profile.lowered for one in config.libraries}) == 2
    assert not config.apart


# qualities that are too poor to count


@pytest.mark.parametrize("quality", [0, 2, 9])
def test_labels_too_poor_to_count_are_measured(write_reads, reference_path, reference_text, quality):
    path = write_reads(noisy_lines(reference_text, quality=quality, error=0.004))
    config = profile_of([path], reference_path, ReadsConfig())[0]
    ((reported, kept),) = config.library.raised
    assert reported == quality
    assert 23 <= kept <= 25  # one in 250
    assert config.library.lowered == ()
    with open_reads([path], reference_path, config) as source:
        batch = source.fetch(Region("one", 0, 6_000))
    assert set(batch.own_qual.tolist()) == {kept}


def test_an_n_stays_without_quality(write_reads, reference_path, reference_text):
    lines = [line.split("\t") for line in noisy_lines(reference_text, quality=0, error=0.004)]
    lines = ["\t".join([*f[:9], "N" + f[9][1:], *f[10:]]) for f in lines]
    path = write_reads(lines)
    config = profile_of([path], reference_path, ReadsConfig())[0]
    with open_reads([path], reference_path, config) as source:
        batch = source.fetch(Region("one", 0, 6_000))
    assert set(batch.own_qual[batch.seq > 3].tolist()) == {0}
    assert batch.own_qual[batch.seq < 4].min() > 20


def test_poor_reads_stay_poor(write_reads, reference_path, reference_text):
    path = write_reads(noisy_lines(reference_text, quality=8, error=0.16))
    assert profile_of([path], reference_path, ReadsConfig())[0].library.raised == ()


def test_few_bases_are_taken_for_usual_ones(write_reads, reference_path, reference_text):
    path = write_reads(noisy_lines(reference_text, n=20, quality=1, error=0))
    assert profile_of([path], reference_path, ReadsConfig())[0].library.raised == ((1, 30),)
