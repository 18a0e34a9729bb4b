"""What the calls room hands on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SiteCalls:
    """Genotyped sites of one contig and one sample, S sites sorted by (pos, ref), struct of arrays.

    Attributes:
        contig: name.
        pos: int64 (S,), 0-based position of the first REF base.
        ref_len: int32 (S,), bp of REF.
        n_alts: int32 (S,), alternates of the site (without <NON_REF>).
        alt_seq: uint8 flat base codes; alt_offset: int64 (sum(n_alts)+1,); site_offset: int64 (S+1,)
            maps sites to alternates.
        ploidy: int8 (S,), 1 or 2.
        gt: int8 (S, 2), allele indices, unphased, ascending; -1 = missing; second is -2 if haploid.
        gl: float64 flat, log10 genotype likelihoods in VCF order over REF + alts; gl_offset: int64 (S+1,).
        gq: int32 (S,), phred.
        qual: float64 (S,), phred that the site is variant.
        dp: int32 (S,). ad: int32 flat over REF + alts; ad_offset: int64 (S+1,).
        given: bool (sum(n_alts),), alternates that the user gave.
        covers: int32 (S,), bp from `pos` on that the record answers for: REF, or 1 where it is surely 0/0.
        id_text: uint8 flat, ID column of each site; id_offset: int64 (S+1,). Empty: none.
    """

    contig: str
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

    def __len__(self) -> int:
        return len(self.pos)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beforehand of N candidates.

    Attributes:
        given: bool (N,), alleles that get a record whatever the reads show.
        ids: of each, for the ID column.
        judged: bool (N,), candidates of the reads, which the networks have judged.
        prior: float64 (N, 3), log10: what the probabilities hold of 0, 1 and 2 copies beside the reads;
            taken out of PL.
        from_panel: whether the probabilities hold frequencies of a panel.
    """

    given: NDArray[np.bool_]
    ids: tuple[str, ...]
    judged: NDArray[np.bool_]
    prior: NDArray[np.float64]
    from_panel: bool = False


@dataclass(frozen=True, slots=True)
class ReferenceSites:
    """Sites whose candidates were examined and found homozygous reference for sure, K sites by pos.

    They are no records: their confidence replaces that of the counts in the reference blocks.

    Attributes:
        pos: int64 (K,). ref_len: int32 (K,), bp of the longest REF. gq: int32 (K,), phred 0..99.
    """

    pos: NDArray[np.int64]
    ref_len: NDArray[np.int32]
    gq: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class GenotypedSites:
    """What genotyping gives: records to be (`sites`), sites without one (`reference_sites`), and a count.

    Attributes:
        n_overlaps_resolved: groups of overlapping sites whose independent genotypes did not fit.
    """

    sites: SiteCalls
    reference_sites: ReferenceSites
    n_overlaps_resolved: int
