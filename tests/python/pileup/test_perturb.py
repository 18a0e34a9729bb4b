"""Evidence with other reads: what changes, and that nothing else does."""

import numpy as np
import pytest
from deepcohort.candidates.types import ALLELE_ALT, ALLELE_REF
from deepcohort.compose.call_shard import CallJob, ChunkPreparer
from deepcohort.compose.io_warm import CONTIG, write_warm_inputs
from deepcohort.core.region import Region
from deepcohort.core.stages import StageTimer
from deepcohort.pileup import perturb
from deepcohort.pileup.encode import encode_examples
from deepcohort.pileup.features import F


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A chunk with candidates, and the rows of a SNP and of an indel that have both alleles."""
    reference, bams, _ = write_warm_inputs(tmp_path_factory.mktemp("inputs"))
    region = Region(CONTIG, 0, 6_000)
    preparer = ChunkPreparer(CallJob([bams[0]], reference, [region], "", None), StageTimer())
    chunk = preparer.prepare(region)
    preparer.close()
    table = chunk.evidence.table
    snp = (table.ref_len == 1) & (np.diff(table.alt_offset) == 1)
    both = table.ad.min(axis=1) >= 4
    return chunk, int(np.flatnonzero(snp & both)[0]), int(np.flatnonzero(~snp & both)[0])


def features_for(chunk, evidence, row):
    batch = encode_examples(evidence, chunk.codes, chunk.window, select=np.array([row]))
    return batch.features[0].copy(), batch.pixels[0].copy()


@pytest.mark.parametrize("kind", ["snp", "indel"])
@pytest.mark.parametrize("allele", [ALLELE_ALT, ALLELE_REF])
@pytest.mark.parametrize("change", [-3, -1, 2, 40])
def test_more_and_fewer_reads(prepared, kind, allele, change):
    chunk, *rows = prepared
    row = rows[kind == "indel"]
    evidence = chunk.evidence
    changed = perturb.with_reads(evidence, row, allele, change)
    before = [len(perturb.entries_of(evidence, row, a)) for a in (ALLELE_REF, ALLELE_ALT)]
    wanted = before.copy()
    wanted[allele == ALLELE_ALT] += change
    assert [len(perturb.entries_of(changed, row, a)) for a in (ALLELE_REF, ALLELE_ALT)] == wanted
    assert changed.table.ad[row].tolist() == wanted
    assert changed.table.dp[row] == evidence.table.dp[row] + change
    # features see it
    features, _ = features_for(chunk, changed, row)
    assert features[F.n_alt_log] == pytest.approx(np.log1p(wanted[1]) / 4)
    assert features[F.n_ref_log] == pytest.approx(np.log1p(wanted[0]) / 4)
    # other candidates have what they had
    for other in set(range(len(evidence.table))) - {row}:
        old = slice(*evidence.support.offset[other : other + 2])
        new = slice(*changed.support.offset[other : other + 2])
        np.testing.assert_array_equal(evidence.support.read[old], changed.support.read[new])
        np.testing.assert_array_equal(evidence.support.log10_ratio[old], changed.support.log10_ratio[new])
    assert np.array_equal(evidence.table.ad[:row], changed.table.ad[:row])
    reads = changed.support.read[slice(*changed.support.offset[row : row + 2])]
    assert (np.diff(reads) >= 0).all()


def test_what_cannot_be_is_none(prepared):
    chunk, snp, indel = prepared
    evidence = chunk.evidence
    n = len(perturb.entries_of(evidence, snp, ALLELE_ALT))
    assert perturb.with_reads(evidence, snp, ALLELE_ALT, -n - 1) is None
    gone = perturb.with_reads(evidence, snp, ALLELE_ALT, -n)
    assert gone.table.ad[snp, 1] == 0
    assert perturb.with_reads(gone, snp, ALLELE_ALT, 1) is None
    assert perturb.with_quality(evidence, indel, 1) is None
    assert perturb.with_quality(evidence, snp, 93) is None
    assert perturb.with_strands(evidence, snp, n + 1) is None


def test_a_read_left_out(prepared):
    chunk, snp, _ = prepared
    entry = int(perturb.entries_of(chunk.evidence, snp, ALLELE_ALT)[1])
    left = perturb.without_read(chunk.evidence, snp, entry)
    assert left.table.ad[snp, 1] == chunk.evidence.table.ad[snp, 1] - 1
    assert (
        chunk.evidence.support.read[entry]
        not in left.support.read[slice(*left.support.offset[snp : snp + 2])]
    )


def test_lower_qualities(prepared):
    chunk, snp, _ = prepared
    before, _ = features_for(chunk, chunk.evidence, snp)
    after, _ = features_for(chunk, perturb.with_quality(chunk.evidence, snp, 10), snp)
    assert after[F.quality_alt_mean] == pytest.approx(before[F.quality_alt_mean] - 10 / 40)
    assert after[F.quality_ref_mean] == before[F.quality_ref_mean]
    # from phred 40 to 10: an ALT base is .9 / (.1 / 3) times likelier under ALT, which MAPQ 20 allows
    entries = perturb.entries_of(chunk.evidence, snp, ALLELE_ALT)
    lower = perturb.with_quality(chunk.evidence, snp, 30).support.log10_ratio
    assert chunk.evidence.support.log10_ratio[entries].min() >= 2
    assert lower[entries] == pytest.approx(np.log10(0.9 / (0.1 / 3)), abs=1e-3)


def test_lower_mapq(prepared):
    chunk, snp, _ = prepared
    low = perturb.with_mapq(chunk.evidence, snp, 7)
    after, _ = features_for(chunk, low, snp)
    assert after[F.mapq_alt_mean] == pytest.approx(7 / 60)
    entries = perturb.entries_of(low, snp, ALLELE_ALT)
    assert np.abs(low.support.log10_ratio[entries]).max() <= 0.7 + 1e-6
    assert (low.reads.mapq <= chunk.evidence.reads.mapq).all()


def test_strands(prepared):
    chunk, snp, _ = prepared
    forward, reverse = perturb.strands_of(chunk.evidence, snp)
    moved = perturb.with_strands(chunk.evidence, snp, 1)
    assert sorted(perturb.strands_of(moved, snp)) == [min(forward, reverse) - 1, max(forward, reverse) + 1]
    alone = perturb.with_strands(chunk.evidence, snp, min(forward, reverse))
    assert min(perturb.strands_of(alone, snp)) == 0
    back = perturb.with_strands(alone, snp, 2)
    assert min(perturb.strands_of(back, snp)) == 2


def test_nothing_is_changed_in_place(prepared):
    chunk, snp, _ = prepared
    evidence = chunk.evidence
    kept = [
        x.copy()
        for x in (
            evidence.reads.qual,
            evidence.reads.flag,
            evidence.reads.mapq,
            evidence.support.log10_ratio,
            evidence.table.ad,
        )
    ]
    perturb.with_reads(evidence, snp, ALLELE_ALT, -1)
    perturb.with_quality(evidence, snp, 5)
    perturb.with_mapq(evidence, snp, 1)
    perturb.with_strands(evidence, snp, 1)
    now = [
        evidence.reads.qual,
        evidence.reads.flag,
        evidence.reads.mapq,
        evidence.support.log10_ratio,
        evidence.table.ad,
    ]
    for a, b in zip(kept, now, strict=True):
        np.testing.assert_array_equal(a, b)
