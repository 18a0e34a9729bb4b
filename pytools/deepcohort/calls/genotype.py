"""Genotypes of a sample from its candidates and the network's probabilities."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.columns import DecidedSites, DraftSites, KnownColumns, PhasePairs, columns_of
from deepcohort.calls.config import CallsConfig
from deepcohort.calls.kernels_genotype import build_sites, site_offsets, touched_intervals
from deepcohort.calls.kernels_overlap import allele_spans, components, resolve_overlaps
from deepcohort.calls.kernels_sites import HOMREF_IN_BLOCK, SITE_GIVEN, collect_sites, decide_sites
from deepcohort.calls.types import GenotypedSites, Known, ReferenceSites, SiteCalls
from deepcohort.candidates.columns import AlleleColumns, Window
from deepcohort.candidates.types import CandidateTable

_NO_PAIRS = np.empty((0, 2), dtype=np.int64)


def overlap_components(
    table: CandidateTable, reference: NDArray[np.uint8], reference_start: int
) -> NDArray[np.int64]:
    """Number of the group of each candidate, int64 (N,), ascending: groups share no base and no site.

    Args:
        table: candidates. reference: uint8 codes that hold every REF; reference_start: 0-based
            position of its first base.
    """
    label = np.empty(len(table), dtype=np.int64)
    if len(table) == 0:
        return label
    touched = touched_intervals(columns_of(AlleleColumns, table), Window(reference, reference_start))
    offsets = site_offsets(table.pos)
    low = np.minimum.reduceat(touched[:, 0], offsets[:-1])
    high = np.maximum.accumulate(np.maximum.reduceat(touched[:, 1], offsets[:-1]))
    # a site opens a group when it starts beyond all that came before
    opens = np.concatenate(([True], low[1:] > high[:-1]))
    label[:] = np.repeat(np.cumsum(opens) - 1, np.diff(offsets))
    return label


def genotype_sites(
    table: CandidateTable,
    probabilities: NDArray[np.floating],
    reference: NDArray[np.uint8],
    reference_start: int,
    ploidy: NDArray[np.int8] | int = 2,
    config: CallsConfig | None = None,
    phase: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    known: Known | None = None,
) -> GenotypedSites:
    """Candidates at one POS become one multi-allelic site; sites that overlap are resolved together.

    The likelihood of a genotype is the product, over the candidates of the site, of the probability
    of the number of copies that the genotype holds (DeepVariant's rule); where the site has several
    ALTs, reads that show REF weigh on the copies of REF likewise. A SNP and an indel on the
    same anchor base may lie on one haplotype: then a compound allele carries both. Over bases that
    several sites touch, the copies called never exceed the ploidy. In haploid stretches 0 and 2 copies
    mean absent and present.

    Args:
        table: N candidates.
        probabilities: (N, 3), calibrated P(0, 1, 2 copies of the ALT).
        reference: uint8 codes that hold every REF; reference_start: 0-based position of the first.
        ploidy: 1 or 2 for all, or int8 (N,) by candidate; candidates of ploidy 0 are dropped.
        config: thresholds.
        phase: (pairs int64 (P, 2) of rows (SNP, indel) at one POS, reads int64 (P, 2) that show both on
            one fragment, or just one of them).
        known: of the candidates; those given get a record whatever the probabilities, `./.` in ploidy 0.
    """
    config = config or CallsConfig()
    known = known or _nothing_known(len(table))
    copies = np.broadcast_to(np.asarray(ploidy, dtype=np.int8), (len(table),))
    if len(table) and copies.min() == 0:
        rows = np.flatnonzero((copies > 0) | known.given)
        phase = _phase_of(phase, rows, len(table))
        known = _known_of(known, rows)
        table, probabilities, copies = _silent(
            select_candidates(table, rows), probabilities[rows], copies[rows], known
        )
    moved = _without_shared_head(table, reference, reference_start)
    if moved is not None:
        table, order = moved
        probabilities, copies, known = probabilities[order], copies[order], _known_of(known, order)
        phase = None if phase is None else (np.argsort(order)[phase[0]], phase[1])
    offsets = site_offsets(table.pos)
    site_ploidy = np.ascontiguousarray(copies[offsets[:-1]])
    alleles, codes = columns_of(AlleleColumns, table), Window(reference, reference_start)
    touched = touched_intervals(alleles, codes)
    is_snp = (table.ref_len == 1) & (np.diff(table.alt_offset) == 1)
    pairs = PhasePairs(*phase) if phase is not None else PhasePairs(_NO_PAIRS, _NO_PAIRS)
    n_alleles, member, gl, homref_error = build_sites(
        offsets,
        np.ascontiguousarray(probabilities, dtype=np.float64),
        table.ad,
        site_ploidy,
        touched,
        is_snp,
        known.given,
        config.min_allele_probability,
        config.max_alts,
        pairs,
    )
    spans = allele_spans(n_alleles, member, touched)
    n_changed = resolve_overlaps(n_alleles, gl, site_ploidy, spans, components(n_alleles, spans))
    drafts = DraftSites(n_alleles, member, gl, site_ploidy)
    decided = decide_sites(
        drafts, homref_error, known.given, config.min_allele_probability, config.min_homref_gq
    )
    arrays = collect_sites(
        offsets, alleles, table.dp, table.ad, codes, drafts, decided, columns_of(KnownColumns, known)
    )
    site_fields = (table.contig, *arrays, *_id_column(arrays[0], table.pos, known.ids))
    return GenotypedSites(
        sites=SiteCalls(*site_fields),
        reference_sites=_reference_sites(table, offsets, n_alleles, decided, known),
        n_overlaps_resolved=int(n_changed),
    )


def _phase_of(
    phase: tuple[NDArray[np.int64], NDArray[np.int64]] | None, rows: NDArray[np.int64], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """`phase` of a table of `n` rows, for the `rows` that stay (int64, ascending) and pairs that do."""
    if phase is None:
        return None
    new = np.full(n, -1, np.int64)
    new[rows] = np.arange(len(rows))
    pairs = new[phase[0]]
    stay = (pairs >= 0).all(axis=1)
    return pairs[stay], phase[1][stay]


def _reference_sites(
    table: CandidateTable,
    offsets: NDArray[np.int64],
    n_alleles: NDArray[np.int64],
    decided: DecidedSites,
    known: Known,
) -> ReferenceSites:
    """Judged sites that get no record of their own; `offsets` int64 (S+1,), `n_alleles` (S,)."""
    judged = np.add.reduceat(known.judged, offsets[:-1]) > 0 if len(table) else known.judged
    status = decided.status
    rows = np.flatnonzero((status == HOMREF_IN_BLOCK) | (n_alleles == 1) | ((status == SITE_GIVEN) & judged))
    longest = np.maximum.reduceat(table.ref_len, offsets[:-1]) if len(table) else table.ref_len
    return ReferenceSites(
        pos=table.pos[offsets[:-1]][rows],
        ref_len=longest[rows].astype(np.int32),
        gq=np.minimum(np.floor(decided.gq[rows] + 0.5), 99).astype(np.int32),
    )


def _nothing_known(n: int) -> Known:
    return Known(np.zeros(n, np.bool_), ("",) * n, np.ones(n, np.bool_), np.zeros((n, 3)))


def _known_of(known: Known, rows: NDArray[np.int64]) -> Known:
    """Of some rows, in the order given."""
    ids = tuple(known.ids[row] for row in rows.tolist())
    return replace(
        known, given=known.given[rows], ids=ids, judged=known.judged[rows], prior=known.prior[rows]
    )


def _silent(
    table: CandidateTable, probabilities: NDArray[np.floating], copies: NDArray[np.int8], known: Known
) -> tuple[CandidateTable, NDArray[np.floating], NDArray[np.int8]]:
    """Given alleles where the sample has no copy: no read counts, and the prior alone speaks."""
    none = copies == 0
    probabilities, copies = probabilities.astype(np.float64), np.where(none, 2, copies).astype(np.int8)
    probabilities[none] = 10.0 ** known.prior[none]
    dp, ad = table.dp.copy(), table.ad.copy()
    dp[none], ad[none] = 0, 0
    return replace(table, dp=dp, ad=ad), probabilities, copies


def _id_column(
    site_pos: NDArray[np.int64], pos: NDArray[np.int64], ids: tuple[str, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Text and offsets of the IDs of each site; several stand with semicolons."""
    names: dict[int, list[str]] = {}
    for at, text in zip(pos.tolist(), ids, strict=True) if any(ids) else ():
        own = names.setdefault(at, [])
        own += [name for name in text.split(";") if name and name not in own]
    column = [";".join(names.get(at, ())).encode() for at in site_pos.tolist()] if names else []
    offset = np.zeros(len(site_pos) + 1, np.int64)
    if column:
        np.cumsum([len(text) for text in column], out=offset[1:])
    return np.frombuffer(b"".join(column), np.uint8).copy(), offset


def moved_positions(
    table: CandidateTable, reference: NDArray[np.uint8], reference_start: int
) -> NDArray[np.int64]:
    """Int64 (N,): POS of the site that each candidate becomes (see `_without_shared_head`)."""
    return np.asarray(table.pos + _shared_heads(table, reference, reference_start))


def _shared_heads(
    table: CandidateTable, reference: NDArray[np.uint8], reference_start: int
) -> NDArray[np.int64]:
    """Int64 (N,): bp that REF and ALT of a replacement of several bases share at its start."""
    lengths = np.diff(table.alt_offset)
    head = np.zeros(len(table), dtype=np.int64)
    for row in np.flatnonzero((table.ref_len > 1) & (lengths > 1)):
        at = int(table.pos[row]) - reference_start
        ref = reference[at : at + table.ref_len[row]]
        alt = table.alt_seq[table.alt_offset[row] : table.alt_offset[row + 1]]
        most = min(len(ref), len(alt)) - 1
        differs = ref[:most] != alt[:most]
        head[row] = int(np.argmax(differs)) if differs.any() else most
    return head


def _without_shared_head(
    table: CandidateTable, reference: NDArray[np.uint8], reference_start: int
) -> tuple[CandidateTable, NDArray[np.int64]] | None:
    """Table whose replacements of several bases begin where they differ, and the old row of each new one.

    An insertion and a deletion on one anchor make a replacement: as both alleles hold more than the
    anchor, VCF's parsimonious form leaves it out (and POS moves). None where nothing changes.
    """
    head = _shared_heads(table, reference, reference_start)
    if not head.any():
        return None
    pos, ref_len = table.pos + head, (table.ref_len - head).astype(np.int32)
    order = np.lexsort((np.arange(len(table)), ref_len, pos))
    parts = [table.alt_seq[table.alt_offset[r] + head[r] : table.alt_offset[r + 1]] for r in order]
    trimmed = CandidateTable(
        contig=table.contig,
        pos=pos[order],
        ref_len=ref_len[order],
        alt_seq=np.concatenate(parts),
        alt_offset=np.concatenate(([0], np.cumsum([len(part) for part in parts]))).astype(np.int64),
        dp=table.dp[order],
        ad=table.ad[order],
        realigned=table.realigned[order],
    )
    return trimmed, order


def select_candidates(table: CandidateTable, rows: NDArray[np.int64]) -> CandidateTable:
    """Rows of a table, in the order given (ascending keeps it a valid table)."""
    rows = np.asarray(rows, np.int64)
    lengths = np.diff(table.alt_offset)[rows]
    offset = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    bases = np.repeat(table.alt_offset[rows] - offset[:-1], lengths) + np.arange(int(offset[-1]))
    return CandidateTable(
        contig=table.contig,
        pos=table.pos[rows],
        ref_len=table.ref_len[rows],
        alt_seq=table.alt_seq[bases],
        alt_offset=offset,
        dp=table.dp[rows],
        ad=table.ad[rows],
        realigned=table.realigned[rows],
    )
