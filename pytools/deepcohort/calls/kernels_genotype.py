"""Kernels: candidates of one VCF site become one site with genotype likelihoods over all its alleles.

Layout of the work arrays, S sites (distinct POS), A = MAX_ALLELES, G = MAX_GENOTYPES:
    n_alleles int64 (S,), REF included;
    member int64 (S, A, 2): candidate rows that an allele carries, -1 = none. REF carries none, an
        ordinary ALT one, a compound ALT two (a SNP and an indel anchored on the same base, on one
        haplotype).
    gl float64 (S, G): log10 likelihoods in VCF genotype order.
Where alleles are given, A and G grow by the most that one site is given.
"""

import numpy as np
from numpy.typing import NDArray

from deepcohort.calls.columns import PhasePairs
from deepcohort.candidates.columns import AlleleColumns, Window
from deepcohort.core.numba_options import kernel

MAX_ALTS = 6
MAX_COMPOUNDS = 2
MAX_ALLELES = 1 + MAX_ALTS + MAX_COMPOUNDS
MAX_GENOTYPES = MAX_ALLELES * (MAX_ALLELES + 1) // 2
_MIN_PROBABILITY = 1e-30
_COMPOUND_PROBABILITY = 0.3  # both parts must be at least this probable
_CIS_PRIOR = -1.0  # log10; without reads that tell, two changes lie on two haplotypes
_PHASE_PER_READ = 1.0  # log10 per read that shows the other phase
_PHASE_MAX = 6.0
_REF_READ_ERROR = 0.03  # a read of a site with several ALTs that shows REF, or fails to, by mistake


@kernel
def site_offsets(pos: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of each distinct position: int64 (S+1,) from ascending `pos` (N,)."""
    offsets = np.empty(len(pos) + 1, np.int64)
    n = 0
    for i in range(len(pos)):
        if i == 0 or pos[i] != pos[i - 1]:
            offsets[n] = i
            n += 1
    offsets[n] = len(pos)
    return offsets[: n + 1].copy()


@kernel
def touched_intervals(alleles: AlleleColumns, window: Window) -> NDArray[np.int64]:
    """What each allele changes, int64 (N, 2) inclusive, in half bases: base b is 2b, the gap after it 2b+1.

    Shared bases at both ends are taken off first. An insertion touches the gap alone.
    """
    pos, ref_len, codes = alleles.pos, alleles.ref_len, window.reference
    alt_seq, alt_offset = alleles.alt_seq, alleles.alt_offset
    touched = np.empty((len(pos), 2), np.int64)
    for i in range(len(pos)):
        n_ref, at = ref_len[i], pos[i] - window.start
        a0, n_alt = alt_offset[i], alt_offset[i + 1] - alt_offset[i]
        shortest = min(n_ref, n_alt)
        head = 0
        while head < shortest and codes[at + head] == alt_seq[a0 + head]:
            head += 1
        tail = 0
        while tail < shortest - head and codes[at + n_ref - 1 - tail] == alt_seq[a0 + n_alt - 1 - tail]:
            tail += 1
        if head + tail >= n_ref:
            touched[i, 0] = touched[i, 1] = 2 * (pos[i] + head) - 1
        else:
            touched[i, 0] = 2 * (pos[i] + head)
            touched[i, 1] = 2 * (pos[i] + n_ref - tail - 1)
    return touched


@kernel
def _choose_alleles(
    lo: int,
    hi: int,
    weight: NDArray[np.float64],
    given: NDArray[np.bool_],
    min_weight: float,
    max_alts: int,
    touched: NDArray[np.int64],
    is_snp: NDArray[np.bool_],
    n_alleles: NDArray[np.int64],
    member: NDArray[np.int64],
) -> None:
    """Fill `n_alleles[0]` and `member` (A, 2) of the site that owns rows lo:hi; given rows are all taken."""
    member[:] = -1
    n = 1
    chosen = given[lo:hi].copy()
    for _ in range(max_alts):
        best = -1
        for r in range(lo, hi):
            if chosen[r - lo] or weight[r] < min_weight:
                continue
            if best < 0 or weight[r] > weight[best]:
                best = r
        if best < 0:
            break
        chosen[best - lo] = True
    for r in range(lo, hi):
        if chosen[r - lo]:
            member[n, 0] = r
            n += 1
    n_single, compounds = n, 0
    for i in range(1, n_single):
        for j in range(1, n_single):
            a, b = member[i, 0], member[j, 0]
            if not is_snp[a] or is_snp[b] or touched[b, 0] <= touched[a, 1] or compounds == MAX_COMPOUNDS:
                continue
            if weight[a] >= _COMPOUND_PROBABILITY and weight[b] >= _COMPOUND_PROBABILITY:
                member[n, 0], member[n, 1] = a, b
                n += 1
                compounds += 1
    n_alleles[0] = n


@kernel
def _pair_phase(a: int, b: int, pairs: PhasePairs) -> tuple[int, int]:
    """(cis, trans) read counts of rows a and b, from the list of pairs (P,); zeros where not listed."""
    for k in range(len(pairs.rows)):
        if pairs.rows[k, 0] == a and pairs.rows[k, 1] == b:
            return pairs.reads[k, 0], pairs.reads[k, 1]
    return 0, 0


@kernel
def _phase_penalty(member: NDArray[np.int64], n: int, x: int, y: int, pairs: PhasePairs) -> float:
    """log10 penalty of genotype x/y, of alleles `member` (A, 2), for the phase it claims between the two
    parts of a compound."""
    penalty = 0.0
    for c in range(n):
        if member[c, 1] < 0:
            continue
        a, b = member[c, 0], member[c, 1]
        cis_reads, trans_reads = _pair_phase(a, b, pairs)
        together = (x == c and y == 0) or (y == c and x == 0)
        apart = (member[x, 1] < 0 and member[y, 1] < 0) and (
            (member[x, 0] == a and member[y, 0] == b) or (member[x, 0] == b and member[y, 0] == a)
        )
        if together:
            if cis_reads + trans_reads == 0:
                penalty += _CIS_PRIOR
            penalty -= min(_PHASE_MAX, _PHASE_PER_READ * trans_reads)
        elif apart:
            penalty -= min(_PHASE_MAX, _PHASE_PER_READ * cis_reads)
    return penalty


@kernel
def _ref_copies_log10(
    lo: int, hi: int, n: int, member: NDArray[np.int64], ad: NDArray[np.int32], log_ref: NDArray[np.float64]
) -> None:
    """Fill `log_ref` (3,): how much less likely no copy, or one copy, of REF is than the better of the two.

    The network judges each ALT against "everything else", so at a site of several ALTs nothing in the
    product tells REF/ALT from ALT/ALT; the reads that show REF do. Whether the site varies at all
    (two copies of REF) is left to the network.
    """
    n_ref, n_alt = ad[lo, 0], 0
    for r in range(lo, hi):
        n_ref = min(n_ref, ad[r, 0])
    for i in range(1, n):
        if member[i, 1] < 0:
            n_alt += ad[member[i, 0], 1]
    for copies in range(2):
        share = max(copies / 2.0, _REF_READ_ERROR)
        log_ref[copies] = n_ref * np.log10(share) + n_alt * np.log10(1.0 - share)
    top = max(log_ref[0], log_ref[1])
    log_ref[0] -= top
    log_ref[1] -= top
    log_ref[2] = 0.0


@kernel
def _fill_gl(
    n: int,
    member: NDArray[np.int64],
    ploidy: int,
    log_p: NDArray[np.float64],
    log_ref: NDArray[np.float64],
    pairs: PhasePairs,
    gl: NDArray[np.float64],
) -> None:
    """Likelihoods of one site, `gl` (G,): product over its alleles of P(copies that the genotype holds).

    `member` (A, 2), `log_p` (N, 3). REF counts as an allele of its own where the site has several ALTs
    (`log_ref` (3,), zeros elsewhere).
    """
    for y in range(n):
        for x in range(y + 1):
            if ploidy == 1 and x > 0:
                break
            index = y if ploidy == 1 else y * (y + 1) // 2 + x
            score = 0.0
            for i in range(1, n):
                if member[i, 1] >= 0:
                    continue
                r = member[i, 0]
                copies = 0
                if member[y, 0] == r or member[y, 1] == r:
                    copies += 2 if ploidy == 1 else 1
                if ploidy == 2 and (member[x, 0] == r or member[x, 1] == r):
                    copies += 1
                score += log_p[r, copies]
            if ploidy == 2:
                score += log_ref[(x == 0) + (y == 0)]
                score += _phase_penalty(member, n, x, y, pairs)
            gl[index] = score


@kernel
def most_alleles(offsets: NDArray[np.int64], given: NDArray[np.bool_]) -> int:
    """Alleles at most of a site of `offsets` (S+1,), REF included: room for given rows (N,) beside the usual
    number."""
    most = 0
    for s in range(len(offsets) - 1):
        most = max(most, given[offsets[s] : offsets[s + 1]].sum())
    return MAX_ALLELES + most


@kernel
def build_sites(
    offsets: NDArray[np.int64],
    prob: NDArray[np.float64],
    ad: NDArray[np.int32],
    ploidy: NDArray[np.int8],
    touched: NDArray[np.int64],
    is_snp: NDArray[np.bool_],
    given: NDArray[np.bool_],
    min_weight: float,
    max_alts: int,
    pairs: PhasePairs,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Alleles and likelihoods of every site.

    Args:
        offsets: int64 (S+1,), rows of each site. prob: float64 (N, 3). ad: int32 (N, 2), REF and ALT
            reads. ploidy: int8 (S,).
        touched: int64 (N, 2). is_snp, given: bool (N,). pairs: same-site pairs (SNP row, indel row).

    Returns:
        n_alleles (S,), member (S, A, 2), gl (S, G), homref_error float64 (S,) = P(any candidate is
        there), from all rows.
    """
    n_sites = len(offsets) - 1
    n_alleles = np.ones(n_sites, np.int64)
    room = most_alleles(offsets, given)
    member = np.full((n_sites, room, 2), -1, np.int64)
    gl = np.zeros((n_sites, room * (room + 1) // 2))
    homref_error = np.zeros(n_sites)
    log_p = np.empty((len(prob), 3))
    weight = np.empty(len(prob))
    log_ref = np.zeros(3)
    for s in range(n_sites):
        log_hom = 0.0
        for r in range(offsets[s], offsets[s + 1]):
            total = prob[r, 0] + prob[r, 1] + prob[r, 2]
            if ploidy[s] == 1:
                total = max(prob[r, 0] + prob[r, 2], _MIN_PROBABILITY)
            for c in range(3):
                log_p[r, c] = np.log10(max(prob[r, c] / total, _MIN_PROBABILITY))
            there = prob[r, 2] if ploidy[s] == 1 else prob[r, 1] + prob[r, 2]
            weight[r] = there / total
            log_hom += np.log1p(-min(weight[r], 1.0 - 1e-15))
        homref_error[s] = -np.expm1(log_hom)
        _choose_alleles(
            offsets[s],
            offsets[s + 1],
            weight,
            given,
            min_weight,
            max_alts,
            touched,
            is_snp,
            n_alleles[s : s + 1],
            member[s],
        )
        log_ref[:] = 0.0
        compound = False
        for i in range(1, n_alleles[s]):
            compound |= member[s, i, 1] >= 0
        if ploidy[s] == 2 and n_alleles[s] > 2 and not compound:
            _ref_copies_log10(offsets[s], offsets[s + 1], n_alleles[s], member[s], ad, log_ref)
        _fill_gl(n_alleles[s], member[s], ploidy[s], log_p, log_ref, pairs, gl[s])
    return n_alleles, member, gl, homref_error


@kernel
def genotype_alleles(index: int, ploidy: int) -> tuple[int, int]:
    """Alleles (x, y) of genotype `index` in VCF order, x <= y; haploid: (allele, -2)."""
    if ploidy == 1:
        return index, -2
    y = 0
    while (y + 1) * (y + 2) // 2 <= index:
        y += 1
    return index - y * (y + 1) // 2, y


@kernel
def genotype_count(n_alleles: int, ploidy: int) -> int:
    """Number of genotypes of `n_alleles` alleles."""
    return n_alleles if ploidy == 1 else n_alleles * (n_alleles + 1) // 2
