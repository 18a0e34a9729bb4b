"""Small inputs for tests of the calls room."""

from collections import Counter

import numpy as np
from deepcohort.calls.types import SiteCalls
from deepcohort.candidates.types import AlleleCounts, CandidateTable
from deepcohort.core.region import Region
from deepcohort.core.sequence import decode_bases, encode_bases


def make_table(rows, contig="c", ad=(15, 15), dp=30):
    """CandidateTable of (pos, ref, alt[, ad]) rows, sorted as the contract says.

    No read shows REF at a site of several alternates, unless its rows say so.
    """
    rows = sorted(rows, key=lambda row: row[:3])
    alts = [encode_bases(row[2]) for row in rows]
    n_at = Counter(row[0] for row in rows)
    depths = [row[3] if len(row) > 3 else (ad[0] if n_at[row[0]] == 1 else 0, ad[1]) for row in rows]
    return CandidateTable(
        contig=contig,
        pos=np.array([row[0] for row in rows], dtype=np.int64),
        ref_len=np.array([len(row[1]) for row in rows], dtype=np.int32),
        alt_seq=np.concatenate(alts) if alts else np.empty(0, np.uint8),
        alt_offset=np.concatenate(([0], np.cumsum([len(a) for a in alts]))).astype(np.int64),
        dp=np.full(len(rows), dp, dtype=np.int32),
        ad=np.array(depths, dtype=np.int32).reshape(len(rows), 2),
        realigned=np.zeros(len(rows), dtype=bool),
    )


def make_counts(contig, start, n_ref, n_total, reference):
    """AlleleCounts of lists."""
    return AlleleCounts(
        region=Region(contig, start, start + len(n_ref)),
        n_ref=np.array(n_ref, dtype=np.int32),
        n_total=np.array(n_total, dtype=np.int32),
        mapq0=np.zeros(len(n_ref), dtype=np.int32),
        reference=encode_bases(reference),
    )


def describe(sites: SiteCalls, reference: str):
    """[(pos, REF, [ALT], GT)] of SiteCalls, `reference` from position 0."""
    found = []
    for i in range(len(sites)):
        first, last = sites.site_offset[i], sites.site_offset[i + 1]
        alts = [
            decode_bases(sites.alt_seq[sites.alt_offset[k] : sites.alt_offset[k + 1]])
            for k in range(first, last)
        ]
        pos, n = int(sites.pos[i]), int(sites.ref_len[i])
        found.append((pos, reference[pos : pos + n], alts, tuple(int(a) for a in sites.gt[i])))
    return found


def site_gl(sites: SiteCalls, i: int):
    """log10 likelihoods of site i."""
    return sites.gl[sites.gl_offset[i] : sites.gl_offset[i + 1]]


def site_ad(sites: SiteCalls, i: int):
    """AD of site i, as a list."""
    return sites.ad[sites.ad_offset[i] : sites.ad_offset[i + 1]].tolist()
