"""Arrays that the kernels of this room take together."""

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.config import CallsConfig

_Columns = TypeVar("_Columns", bound=tuple[Any, ...])


def columns_of(kind: type[_Columns], table: Any) -> _Columns:
    """The attributes of `table` that have the names of the fields of the NamedTuple `kind`."""
    return kind(*(getattr(table, name) for name in kind._fields))  # type: ignore[attr-defined]


class PlacedReads(NamedTuple):
    """R reads, as in `ReadBatch`.

    pos, end: int64 (R,), 0-based half-open. mapq: uint8 (R,), phred. flag: uint16 (R,). name_hash: uint64
    (R,). insert_size: int32 (R,), TLEN in bp.
    """

    pos: NDArray[np.int64]
    end: NDArray[np.int64]
    mapq: NDArray[np.uint8]
    flag: NDArray[np.uint16]
    name_hash: NDArray[np.uint64]
    insert_size: NDArray[np.int32]


class PhasePairs(NamedTuple):
    """Candidates of one POS that may lie on one haplotype, P pairs.

    rows: int64 (P, 2), SNP and indel. reads: int64 (P, 2), fragments that show both (cis), or one (trans).
    """

    rows: NDArray[np.int64]
    reads: NDArray[np.int64]


class DraftSites(NamedTuple):
    """S sites with all their alleles; A, G: see `kernels_genotype`.

    n_alleles: int64 (S,). member: int64 (S, A, 2), rows. gl: float64 (S, G), log10. ploidy: int8 (S,).
    """

    n_alleles: NDArray[np.int64]
    member: NDArray[np.int64]
    gl: NDArray[np.float64]
    ploidy: NDArray[np.int8]


class DecidedSites(NamedTuple):
    """What `decide_sites` gives of S sites.

    status: int8 (S,), SITE_*. best: int64 (S,), genotype index over all alleles. gq, qual: float64 (S,),
    phred. keep: bool (S, A), alleles that stay.
    """

    status: NDArray[np.int8]
    best: NDArray[np.int64]
    gq: NDArray[np.float64]
    qual: NDArray[np.float64]
    keep: NDArray[np.bool_]


class KnownColumns(NamedTuple):
    """What is known beforehand of N candidates, as in `Known`.

    given: bool (N,). prior: float64 (N, 3), log10, what of the likelihoods is not said by reads. from_panel:
    it is that of a panel, so that GQ of 0/0 stands.
    """

    given: NDArray[np.bool_]
    prior: NDArray[np.float64]
    from_panel: bool


class SiteColumns(NamedTuple):
    """S genotyped sites: the fields of `SiteCalls`, without the contig: pos (S,), gt (S, 2), the rest
    flat.
    """

    pos: NDArray[np.int64]
    ref_len: NDArray[np.int32]
    n_alts: NDArray[np.int32]
    alt_seq: NDArray[np.uint8]
    alt_offset: NDArray[np.int64]
    site_offset: NDArray[np.int64]
    ploidy: NDArray[np.int8]
    gt: NDArray[np.int8]
    gl: NDArray[np.float64]
    gl_offset: NDArray[np.int64]
    gq: NDArray[np.int32]
    qual: NDArray[np.float64]
    dp: NDArray[np.int32]
    ad: NDArray[np.int32]
    ad_offset: NDArray[np.int64]
    given: NDArray[np.bool_]
    covers: NDArray[np.int32]
    id_text: NDArray[np.uint8]
    id_offset: NDArray[np.int64]


class SiteMarks(NamedTuple):
    """What records of S sites say beside the genotype.

    disputed: bool (S,), reads speak for an ALT and the networks against. strands, mapping, ranks: as in
    `SiteBias`, or of length 0 where nothing is known.
    """

    disputed: NDArray[np.bool_]
    strands: NDArray[np.int32]
    mapping: NDArray[np.int64]
    ranks: NDArray[np.float64]


class ReferenceConfidence(NamedTuple):
    """Of the L bases of a region, for reference blocks.

    classes: int16 (L,), bases of one class may share a block. n_total: int32 (L,), depth. pl_het, pl_hom_alt:
    int32 (L,), phred.
    """

    classes: NDArray[np.int16]
    n_total: NDArray[np.int32]
    pl_het: NDArray[np.int32]
    pl_hom_alt: NDArray[np.int32]


class Span(NamedTuple):
    """A region. contig: uint8 (n,), its name. start, end: 0-based half-open."""

    contig: NDArray[np.uint8]
    start: int
    end: int


class TextRules(NamedTuple):
    """low_qual, single_qual, single_indel_qual: QUAL that PASS takes, where one read shows the ALT of a SNP,
    and of an indel. given_only: sites with given alleles alone."""

    low_qual: float
    single_qual: float
    single_indel_qual: float
    given_only: bool


def text_rules(config: CallsConfig, given_only: bool) -> TextRules:
    """Rules of `config` as kernels take them."""
    return TextRules(config.low_qual, config.single_read_qual, config.single_read_indel_qual, given_only)


class Output(NamedTuple):
    """Text that a kernel fills.

    buffer: uint8 (B,), as long as `text_capacity` says. lines: int64 (n, 3): POS 0-based, end, first byte.
    """

    buffer: NDArray[np.uint8]
    lines: NDArray[np.int64]


class QualityCounts(NamedTuple):
    """Counts over the calls of one sample, added to.

    counts: int64 (N_COUNTS,), of PASS records with an ALT in GT; gq: int64 (MOST_GQ+1,), dp: int64
    (MOST_DEPTH+1,), qual: int64 (MOST_QUAL+1,), of these. vaf: int64 (VAF_BINS+1,), of heterozygotes
    REF/ALT. changes: int64 (4, 4), REF to ALT base. indels: int64 (2 MOST_INDEL_BP + 1,), by length. pure:
    float64 (N_PURE,).
    """

    counts: NDArray[np.int64]
    gq: NDArray[np.int64]
    dp: NDArray[np.int64]
    qual: NDArray[np.int64]
    vaf: NDArray[np.int64]
    changes: NDArray[np.int64]
    indels: NDArray[np.int64]
    pure: NDArray[np.float64]
