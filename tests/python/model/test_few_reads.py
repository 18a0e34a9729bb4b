"""One copy or two by a few reads of ALT alone, in shallow samples."""

import numpy as np
import pytest
from deepcohort.model.few_reads import with_few_reads
from deepcohort.pileup.features import N_FEATURES, F
from deepcohort.reads.types import LibraryProfile

SHALLOW = LibraryProfile(n_reads=100, read_length_bp=150, depth=2.0)
BEFORE = np.array([[0.1, 0.6, 0.3]], np.float32)


def site(n_alt: int, n_ref: int = 0, reads_log10: float = 4.0) -> np.ndarray:
    """Features of a site whose reads of ALT are each 10^reads_log10 times likelier under 1/1 than under 0/0."""
    features = np.zeros((1, N_FEATURES), np.float32)
    hom = n_alt * reads_log10
    het = hom - n_alt * np.log10(2)
    features[0, F.n_alt_small] = n_alt / 10
    features[0, F.n_ref_log] = np.log1p(n_ref) / 4
    features[0, F.lod_het], features[0, F.lod_hom] = np.log1p(het), np.log1p(hom)
    return features


@pytest.mark.parametrize("n_alt", [1, 2, 3])
def test_share_of_homozygotes(n_alt: int):
    """Half of a heterozygote's reads show ALT; of 97 variants 39 are homozygous."""
    share = 0.39 / (0.39 + 0.58 * 0.5**n_alt)
    after = with_few_reads(site(n_alt), BEFORE, SHALLOW)
    assert after[0] == pytest.approx([0.1, 0.9 * (1 - share), 0.9 * share], abs=1e-4)
    assert BEFORE[0, 1] == np.float32(0.6)


@pytest.mark.parametrize(
    ("features", "library"),
    [
        (site(4), SHALLOW),
        (site(0), SHALLOW),
        (site(2, n_ref=1), SHALLOW),
        (site(2), LibraryProfile(n_reads=100, read_length_bp=150, depth=3.0)),
        (site(2), LibraryProfile()),  # nothing is known of the reads
        (site(2), LibraryProfile(n_reads=100, read_length_bp=9_000, depth=2.0)),
    ],
)
def test_others_stay(features: np.ndarray, library: LibraryProfile):
    assert with_few_reads(features, BEFORE, library) is BEFORE


def test_among_others():
    features = np.concatenate([site(2, n_ref=2), site(2), site(7)])
    before = np.tile(BEFORE, (3, 1))
    after = with_few_reads(features, before, SHALLOW)
    assert (after == before).all(axis=1).tolist() == [True, False, True]
    assert after.dtype == np.float32
    assert after.sum(axis=1) == pytest.approx([1, 1, 1])
