"""Which share of a sample's reads does not count, and why: told where it is most of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.reads.left_out_kernels import (
    DUPLICATE,
    KINDS,
    LOW_MAPQ,
    MAPQ_IS_ZERO,
    NO_BASES,
    OTHER_ALIGNMENT,
    QC_FAIL,
)

MANY_LEFT_OUT = 0.5  # of the reads, worth a warning
_LEAST_TOLD = 0.01  # of the reads, for a reason to be named


class _Words(NamedTuple):
    """What is said of a reason, and what to do where it is the main one."""

    key: str
    told: str
    remedy: str


_WORDS = {
    OTHER_ALIGNMENT: _Words(
        "other_alignment",
        "are secondary or supplementary alignments (flags 0x100, 0x800)",
        "see that each read has a primary alignment in the file",
    ),
    QC_FAIL: _Words(
        "qc_fail",
        "fail the instrument's quality checks (flag 0x200)",
        "see why; clear the flag where it means something else",
    ),
    DUPLICATE: _Words(
        "duplicate",
        "are marked as duplicates (flag 0x400)",
        "where fragments begin at the same places by design (amplicons), do not mark them",
    ),
    NO_BASES: _Words("no_bases", "have no bases (SEQ *)", "align again and keep the sequences"),
    MAPQ_IS_ZERO: _Words(
        "mapq_0",
        "have MAPQ 0, as if they could belong elsewhere as well",
        "align to a reference without copies of these sequences, or by an aligner that reports MAPQ",
    ),
    LOW_MAPQ: _Words(
        "low_mapq",
        "have a MAPQ above 0 that is too low",
        "where the aligner's MAPQ means something else, set it anew",
    ),
}
Shares = tuple[tuple[str, float], ...]


def left_out_shares(windows: Sequence[NDArray[np.int64]]) -> Shares:
    """(key of a reason, share of the reads) of each reason that leaves reads out.

    `windows` are counts by reason, int64 (KINDS,) each. One that is deeper than half of them counts as the
    median does: stacks of reads in satellites of the genome have MAPQ 0, and may hold most of the reads.
    """
    counts = np.array(windows, np.float64).reshape(-1, KINDS)
    n_reads = counts.sum(axis=1)
    counts, n_reads = counts[n_reads > 0], n_reads[n_reads > 0]
    if not len(n_reads):
        return ()
    weight = np.minimum(n_reads, np.median(n_reads))
    shares = (weight / n_reads) @ counts / weight.sum()
    return tuple((words.key, float(shares[k])) for k, words in _WORDS.items() if shares[k] > 0)


def left_out_text(shares: Shares) -> dict[str, str]:
    """Values for the VCF header; none where most reads count."""
    total = sum(share for _, share in shares)
    if total < MANY_LEFT_OUT:
        return {}
    by = "|".join(f"{key}:{share:.4f}" for key, share in shares if share >= _LEAST_TOLD)
    return {"LeftOut": f"{total:.4f}", "LeftOutBy": by}


def left_out_told(shares: Shares, depth: float) -> str:
    """What is said to the user of `shares` and the depth (x) that is left; empty where most reads count."""
    total = sum(share for _, share in shares)
    if total < MANY_LEFT_OUT:
        return ""
    by_key = {words.key: words for words in _WORDS.values()}
    main = max(shares, key=lambda item: item[1])[0]
    why = ", ".join(f"{share:.0%} {by_key[key].told}" for key, share in shares if share >= _LEAST_TOLD)
    return (
        f"{total:.0%} of the reads do not count: {why}; calls are of the {depth:.1f}x that are left; "
        f"{by_key[main].remedy}"
    )
