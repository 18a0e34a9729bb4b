"""Ends of reads that a tool clipped, told from those that did not fit."""

from dataclasses import replace

import numpy as np
import pytest
from deepcohort.core.region import Region
from deepcohort.core.sequence import decode_bases
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.library import library_text
from deepcohort.reads.load import open_reads
from deepcohort.reads.profile import profile_of
from deepcohort.reads.purpose import soft_clips, without_clips
from deepcohort.reads.types import LibraryProfile

BP, CLIP = 60, 12
OTHER = {"A": "C", "C": "G", "G": "T", "T": "A"}


def lines_of(text, end, fits, n=300, clipped=300, group="a"):
    """Single reads, the first `clipped` of them cut softly at an end (5 or 3), with bases that fit or not."""
    rng = np.random.default_rng(1)
    lines = []
    for k in range(n):
        pos, reverse = int(rng.integers(20, len(text) - BP - 20)), bool(k % 2)
        bases, cigar, start = text[pos : pos + BP], f"{BP}M", pos
        if k < clipped:
            left = (end == 5) != reverse
            cut = bases[:CLIP] if left else bases[-CLIP:]
            cut = cut if fits else "".join(OTHER[base] for base in cut)
            bases = cut + bases[CLIP:] if left else bases[:-CLIP] + cut
            cigar = f"{CLIP}S{BP - CLIP}M" if left else f"{BP - CLIP}M{CLIP}S"
            start = pos + CLIP * left
        fields = [f"{group}{k}", 16 * reverse, "one", start + 1, 60, cigar, "*", 0, 0, bases, "I" * BP]
        lines.append("\t".join(map(str, fields)) + f"\tRG:Z:{group}")
    return lines


@pytest.mark.parametrize(
    ("end", "fits", "clipped", "dropped"),
    [
        (5, True, 300, (True, False)),
        (3, True, 300, (False, True)),
        (3, True, 5, (False, False)),  # too few to tell
        (5, False, 300, (False, False)),
    ],
)
def test_ends_clipped_on_purpose(write_reads, reference_path, reference_text, end, fits, clipped, dropped):
    path = write_reads(lines_of(reference_text, end, fits, clipped=clipped))
    config = profile_of([path], reference_path, ReadsConfig())[0]
    assert config.library.drops_clips == dropped
    assert (config.library.clipped_share > 0) == (not any(dropped))
    assert ("ClipsDropped" in library_text(config.library)) == any(dropped)
    with open_reads([path], reference_path, config) as source:
        found = source.fetch(Region("one", 0, len(reference_text)))
    lengths = np.diff(found.seq_offset)
    assert set(lengths.tolist()) == ({BP - CLIP} if any(dropped) else {BP})
    assert (np.diff(found.cigar_offset) > 1).sum() == clipped
    assert (found.cigar_op == 5).sum() == (clipped if any(dropped) else 0)  # clipped hard


def test_variants_beside_primers_are_no_loose_ends(write_reads, reference_path, reference_text):
    """The aligner saw the primers: that the ends of the rest do not fit is the sample's doing."""
    lines = []
    for line in lines_of(reference_text, 5, True):
        fields = line.split("\t")
        near = (
            (CLIP, CLIP + 2) if fields[5][: len(f"{CLIP}S")] == f"{CLIP}S" else (BP - CLIP - 3, BP - CLIP - 1)
        )
        fields[9] = "".join(OTHER[b] if k in near else b for k, b in enumerate(fields[9]))
        lines.append("\t".join(fields))
    config = profile_of([write_reads(lines)], reference_path, ReadsConfig())[0]
    assert config.library.drops_clips == (True, False)
    assert not config.clips_ends


def test_each_library_has_its_own(write_reads, reference_path, reference_text):
    lines = lines_of(reference_text, 5, True, n=1_200, clipped=1_200, group="a")
    lines += lines_of(reference_text, 5, False, n=1_200, clipped=1_200, group="b")
    head = ("@HD\tVN:1.6\tSO:coordinate", "@RG\tID:a\tSM:s\tLB:a", "@RG\tID:b\tSM:s\tLB:b")
    path = write_reads(lines, header=head)
    config = profile_of([path], reference_path, ReadsConfig())[0]
    assert [one.profile.drops_clips for one in config.libraries] == [(True, False), (False, False)]
    with open_reads([path], reference_path, config) as source:
        found = source.fetch(Region("one", 0, len(reference_text)))
    lengths = np.diff(found.seq_offset)
    assert (lengths == BP - CLIP).sum() == (lengths == BP).sum() == 1_200


def test_without_clips_by_hand(write_reads, reference_path, reference_text):
    t = reference_text
    cigars = ["5S50M5S", "5H5S50M5S2H", "60M", "5S20M2I28M5S"]
    lines = [
        f"r{k}\t{16 * (k == 1)}\tone\t{100 + k}\t60\t{cigar}\t*\t0\t0\t{t[99 + k - 5 : 154 + k]}\t{chr(40 + k) * 60}\tRG:Z:a"
        if "S" in cigar
        else f"r{k}\t0\tone\t{100 + k}\t60\t{cigar}\t*\t0\t0\t{t[99 + k : 159 + k]}\t{chr(40 + k) * 60}\tRG:Z:a"
        for k, cigar in enumerate(cigars)
    ]
    with open_reads([write_reads(lines)], reference_path, ReadsConfig()) as source:
        columns = source.fetch_columns(Region("one", 0, 1_000))
    assert soft_clips(columns).tolist() == [[5, 5], [5, 5], [0, 0], [5, 5]]
    ends = np.tile((True, False), (4, 1))
    cut = without_clips(columns, ends)
    # a read of the other strand begins at its right
    assert cut.seq_length.tolist() == [55, 55, 60, 55]
    assert cut.n_ops.tolist() == columns.n_ops.tolist() == [3, 5, 1, 5]
    assert cut.cigar_op.tolist() == [5, 0, 4, 5, 4, 0, 5, 5, 0, 5, 0, 1, 0, 4]
    first = columns.seq[: columns.seq_length[0]]
    assert cut.seq[:55].tolist() == first[5:].tolist()
    assert cut.qual.tolist() == [7] * 55 + [8] * 55 + [9] * 60 + [10] * 55
    assert without_clips(columns, np.zeros((4, 2), np.bool_)) is columns


@pytest.mark.parametrize("cigar", ["50M5S7H", "7H5S50M", "5S50M7H", "7H50M5S"])
def test_clips_beside_hard_clips(write_reads, reference_path, reference_text, cigar):
    left = "5S50M" in cigar
    seq = reference_text[95 if left else 100 :][:55]
    line = f"r\t0\tone\t101\t60\t{cigar}\t*\t0\t0\t{seq}\t{'I' * 55}\tRG:Z:a"
    config = ReadsConfig(library=LibraryProfile(drops_clips=(True, True)))
    with open_reads([write_reads([line])], reference_path, config) as source:
        found = source.fetch(Region("one", 0, 1_000))
    assert (found.cigar_op == 4).sum() == 0
    assert found.cigar_len[found.cigar_op == 0].tolist() == np.diff(found.seq_offset).tolist() == [50]
    assert decode_bases(found.seq) == reference_text[100:150]


def test_text():
    profile = LibraryProfile(drops_clips=(True, True))
    assert library_text(profile).endswith(";ClipsDropped=both")
    assert library_text(replace(profile, drops_clips=(False, True))).endswith(";ClipsDropped=ends")
