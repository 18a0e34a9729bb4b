"""An example seen from the other strand is the example of reversed and complemented reads."""

from dataclasses import replace

import numpy as np
import pytest
from deepcohort.model.data import ExampleData
from deepcohort.model.other_strand import flip_features, flip_pixels, seen_from_other_strand
from deepcohort.pileup.config import PileupConfig
from deepcohort.pileup.encode import encode_examples
from deepcohort.pileup.features import FEATURE_NAMES, F
from deepcohort.pileup.shards import open_examples
from model_builders import TINY, tiny_examples, write_tiny
from pileup_builders import evidence_of, reads_of

LENGTH, READ_BP = 400, 60
OF_THE_LEFT = ("repeat_unit", "repeat_length")  # of repeats on both sides of a SNP they tell the left one
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def reverse_complement(text):
    return text.translate(COMPLEMENT)[::-1]


def site_reads(seed, n=24):
    """A reference, reads of two strands with errors, and SNPs [(pos, alt)] that some of the reads show."""
    rng = np.random.default_rng(seed)
    reference = "".join(rng.choice(list("ACGT"), LENGTH))
    sites = [(p, "ACGT"[("ACGT".index(reference[p]) + 1) % 4]) for p in (190, 197, 210)]
    rows = []
    for _ in range(n):
        pos = int(rng.integers(150, 190))
        seq = list(reference[pos : pos + READ_BP])
        for p, alt in sites:
            if p < pos + READ_BP and rng.random() < 0.4:
                seq[p - pos] = alt
        for i in np.flatnonzero(rng.random(READ_BP) < 0.03):
            seq[i] = rng.choice(list("ACGTN"))
        rows.append(
            {
                "pos": pos,
                "cigar": f"{READ_BP}M",
                "seq": "".join(seq),
                "qual": rng.integers(2, 42, READ_BP),
                "mapq": int(rng.choice([10, 30, 60])),
                "flag": int(rng.choice([0, 16])),
                "name": int(rng.integers(1, 2**63)),
            }
        )
    return reference, rows, sites


def turned(reference, rows, sites):
    """The same from the other strand."""
    other = [
        row
        | {
            "pos": LENGTH - row["pos"] - READ_BP,
            "seq": reverse_complement(row["seq"]),
            "qual": row["qual"][::-1],
            "flag": row["flag"] ^ 16,
        }
        for row in rows
    ]
    places = [(LENGTH - 1 - p, reverse_complement(alt)) for p, alt in sites]
    return reverse_complement(reference), other, sorted(places)


def encoded(reference, rows, sites):
    """(pixels, features) of SNPs, support by the reads' bases."""
    reads = reads_of(rows)
    entries = []
    for p, alt in sites:
        group = []
        for r in np.flatnonzero((reads.pos <= p) & (reads.end > p)):
            at = int(p - reads.pos[r])
            base = "ACGTN"[min(int(reads.seq[reads.seq_offset[r] + at]), 4)]
            allele = 1 if base == alt else 0 if base == reference[p] else 2
            quality = float(reads.qual[reads.seq_offset[r] + at])
            group.append((int(r), allele, {1: 1, 0: -1}.get(allele, 0) * quality / 10, at))
        entries.append(group)
    evidence, codes, window = evidence_of(reference, reads, [(p, 1, a) for p, a in sites], entries)
    made = encode_examples(evidence, codes, window, PileupConfig(min_group_rows=4))
    return made.pixels.copy(), made.features.copy()


def sets_of_rows(pixels):
    """Rows of each picture in an order of their own: reads have none."""
    return [sorted(row.tobytes() for row in picture.transpose(1, 0, 2)) for picture in pixels]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_is_what_reversed_reads_give(seed):
    case = site_reads(seed)
    pixels, features = encoded(*case)
    other_pixels, other_features = (x[::-1] for x in encoded(*turned(*case)))  # sites from the other end
    flipped = flip_features(features)
    for k, name in enumerate(FEATURE_NAMES):
        if name in OF_THE_LEFT:
            continue
        # a cycle is counted from the read's first base: half a base more from one side than from the other
        off = 1 / READ_BP if name == "alt_cycle" else 1e-5
        assert flipped[:, k] == pytest.approx(other_features[:, k], abs=off), name
    assert sets_of_rows(flip_pixels(pixels)) == sets_of_rows(other_pixels)
    assert (features != other_features).any(axis=0)[[F.lod_forward, F.alt_forward, F.nearest_left]].all()


def test_twice_is_not_at_all_and_indels_stay():
    examples = tiny_examples(50)
    examples.features[:, F.is_snp] = np.arange(50) % 2
    once = seen_from_other_strand(examples, np.ones(50, bool))
    twice = seen_from_other_strand(once, np.ones(50, bool))
    assert np.array_equal(twice.pixels, examples.pixels)
    assert twice.features == pytest.approx(examples.features, abs=1e-6)
    moved = (once.pixels != examples.pixels).any(axis=(1, 2, 3))
    assert np.array_equal(moved, np.arange(50) % 2 == 1)
    assert once.label is examples.label


def test_training_flips_the_share_asked_for(tmp_path):
    opened = open_examples([write_tiny(tmp_path / "a", 600)])

    def batches(share):
        data = ExampleData(opened, replace(TINY, flip_share=share))
        for examples in data._cache.values():
            examples.features[:, F.is_snp] = 1
        return [features.numpy() for _, features, _ in data.train_dataloader()]

    plain, flipped = np.concatenate(batches(0.0)), np.concatenate(batches(0.5))
    known = {row.tobytes() for row in plain}
    same = np.mean([row.tobytes() in known for row in flipped])
    assert 0.4 < same < 0.6
