"""A shallow sample's own reads count where other samples show that the allele exists, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest
from deepcohort.joint.config import JointConfig
from deepcohort.joint.pool_kernels import PoolRules, pool_reads, read_likelihoods
from deepcohort.joint.project_kernels import SampleEvidence
from joint_helpers import block, genotype, het, write_gvcf, write_reference


def test_reads_of_each_genotype():
    error = 0.01
    out = np.zeros(6)
    read_likelihoods(np.array([3, 2, 1], dtype=np.int32), 3, 2, error, out)
    right, wrong = np.log10(1 - error), np.log10(error)
    half = np.log10(0.5)
    expected = [
        3 * right + 3 * wrong, 5 * half + wrong, 2 * right + 4 * wrong,
        4 * half + 2 * wrong, 3 * half + 3 * wrong, right + 5 * wrong,
    ]  # fmt: skip
    np.testing.assert_allclose(out, expected)
    read_likelihoods(np.array([3, 2, 1], dtype=np.int32), 3, 1, error, out)
    np.testing.assert_allclose(out[:3], [3 * right + 3 * wrong, 2 * right + 4 * wrong, right + 5 * wrong])


def pooled(likelihood, ad, dp, known=10.0, cut=None, no_error=False):
    n = len(dp)
    likelihood = np.array(likelihood)
    samples = SampleEvidence(
        np.zeros((n, 3), np.int32), np.array(ad, dtype=np.int32), np.array(dp, dtype=np.int32),
        np.full(n, 2, dtype=np.int8), np.zeros(n, dtype=np.int8), np.array(cut or [False] * n),
    )  # fmt: skip
    rules = PoolRules(0.0, known, no_error, 0.5, 0.003, 15)
    changed = pool_reads(samples, np.array([0.7, 0.3]), 2, rules, likelihood)
    return changed, likelihood


def test_only_the_shallow_with_reads_and_support():
    sure = [1e-30, 1.0, 1e-30]
    doubtful = [1.0, 0.8, 1e-6]
    changed, after = pooled(
        [sure, doubtful, doubtful, doubtful], [[15, 15], [3, 1], [3, 1], [-1, 0]], [30, 4, 16, 4]
    )
    assert changed
    np.testing.assert_array_equal(after[0], sure)  # nobody else supports it that much, and it is deep
    np.testing.assert_array_equal(after[2], doubtful)  # deep
    np.testing.assert_array_equal(after[3], doubtful)  # a block: its reads are not known
    reads = np.zeros(3)
    read_likelihoods(np.array([3, 1], dtype=np.int32), 2, 2, 0.003, reads)
    mean = np.sqrt(np.array(doubtful) * 10**reads)
    np.testing.assert_allclose(after[1], mean / mean.max())
    assert after[1].argmax() == 1
    # two who doubt do not make each other sure
    changed, after = pooled([doubtful, doubtful], [[3, 1], [3, 1]], [4, 4])
    assert not changed
    np.testing.assert_array_equal(after, [doubtful, doubtful])


def test_blocks_stay_reference_where_nobody_else_carries_the_allele():
    differing = [1e-3, 1.0, 1e-6]
    changed, after = pooled([differing, differing], [[-1, 0], [-1, 0]], [6, 6], known=80.0, cut=[True, False])
    assert changed
    np.testing.assert_array_equal(after, [[1e-3, 1e-3, 1e-6], differing])
    sure = [1e-30, 1.0, 1e-30]
    changed, after = pooled([differing, sure], [[-1, 0], [15, 15]], [6, 30], cut=[True, False])
    assert not changed
    np.testing.assert_array_equal(after, [differing, sure])


def test_a_lone_carrier_counts_where_errors_do_not_recur():
    doubtful, reference = [1.0, 0.8, 1e-6], [1.0, 1e-3, 1e-6]
    samples = [doubtful, reference], [[1, 3], [-1, 0]], [4, 4]
    assert not pooled(*samples)[0]
    changed, after = pooled(*samples, no_error=True)
    assert changed
    assert after[0].argmax() == 1
    assert after[0][0] < 1e-3
    np.testing.assert_array_equal(after[1], reference)
    # not from the reads of a block alone
    changed, after = pooled([[1e-3, 1.0, 1e-6], reference], *samples[1:], cut=[True, False], no_error=True)
    np.testing.assert_array_equal(after[0], [1e-3, 1e-3, 1e-6])


ONE_READ = "13 G A,<NON_REF> . GT:GQ:DP:AD:PL 0/0:1:4:3,1,0:0,1,70,20,80,90"


@pytest.mark.parametrize(
    ("carriers", "config", "expected"),
    [
        (6, JointConfig(), "0/1"),
        (0, JointConfig(), None),  # nobody calls it: no site
        (6, replace(JointConfig(), read_max_dp=3), "0/0"),
        (6, replace(JointConfig(), population_prior=False), "0/0"),
    ],
)
def test_one_read_of_four(tmp_path, carriers, config, expected):
    write_reference(tmp_path)
    shallow = write_gvcf(tmp_path, "one", [block(1, 12), ONE_READ, block(14, 300)])
    paths = [
        write_gvcf(tmp_path, f"S{i}", [block(1, 12), het(13, "G", "A"), block(14, 300)])
        for i in range(carriers)
    ]
    paths += [write_gvcf(tmp_path, f"R{i}", [block(1, 300)]) for i in range(8)]
    rows = genotype(tmp_path, [shallow, *paths], config)
    if expected is None:
        assert rows == {}
        return
    cell = rows["13 G A"]["one"]
    assert cell["GT"] == expected
    assert cell["PL"] == "0,1,70"  # as the gVCF has it, whatever was made of it


LONE = "13 G A,<NON_REF> . GT:GQ:DP:AD:PL 0/1:19:7:{},0:19,0,39,68,51,119"


@pytest.mark.parametrize(
    ("reads", "others", "config", "expected"),
    [
        ("3,4", None, JointConfig(), "0/1"),
        ("3,4", None, replace(JointConfig(), lone_phred=1e9), None),
        ("6,1", None, JointConfig(), None),  # one read may be an error that does not recur
        ("3,4", "3,1", JointConfig(), None),  # it does
    ],
)
def test_reads_of_a_lone_carrier(tmp_path, reads, others, config, expected):
    """By PL and frequency alone the only carrier of 60 would need more than 19 phred, whatever its reads say."""
    write_reference(tmp_path)
    one = write_gvcf(tmp_path, "one", [block(1, 12), LONE.format(reads), block(14, 300)])
    paths = []
    for i in range(60):
        line = block(13, 13, dp=4)
        if others and i % 2:
            line = f"13 G A,<NON_REF> . GT:GQ:DP:AD:PL 0/0:30:4:{others},0:0,30,70,40,80,90"
        paths.append(write_gvcf(tmp_path, f"R{i}", [block(1, 12, dp=4), line, block(14, 300, dp=4)]))
    rows = genotype(tmp_path, [one, *paths], config)
    if expected is None:
        assert "13 G A" not in rows
        return
    assert rows["13 G A"]["one"]["GT"] == expected
