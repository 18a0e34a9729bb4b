"""PLs of records re-projected on the alleles of a site.

A record's allele becomes an allele of the site, its reference (0), `*`, or X: any allele the record
has not seen (<NON_REF>, <*>). The PL of a genotype of the site is the least PL of the record's
genotypes that become it. Where several records of one sample overlap at a site each haplotype takes
its allele from one of them and is reference in the others; the PLs add.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import borrowing_kernel, kernel
from deepcohort.joint import columns as c
from deepcohort.joint.states import CONFLICT, FILTERED, LOW_GQ, NO_COVERAGE, OK

_POS, _END, _KIND, _FILTERED, _N_ALT, _GT0, _GT1 = c.POS, c.END, c.KIND, c.FILTERED, c.N_ALT, c.GT0, c.GT1
_GQ, _DP, _PL, _PL_N, _AD, _AD_N, _X = c.GQ, c.DP, c.PL, c.PL_N, c.AD, c.AD_N, c.X
_VARIANT = c.VARIANT
_P_ALT, _P_POS, _P_REF_LEN, _P_SEQ_LEN, _P_ALLELE = (
    c.P_ALT, c.P_POS, c.P_REF_LEN, c.P_SEQ_LEN, c.P_ALLELE,
)  # fmt: skip

UNSEEN = 1_000_000  # larger than any PL
_HALF_PHRED = 3.0103  # a read shows either allele of a heterozygote
DEFAULT_GQ = 20  # of a genotype that comes with neither PL nor GQ


@kernel
def genotype_index(a: int, b: int) -> int:
    """Index of a/b in VCF order."""
    return b * (b + 1) // 2 + a if a <= b else a * (a + 1) // 2 + b


@kernel
def map_alleles(
    row: NDArray[np.int32],
    table: NDArray[np.int32],
    first: int,
    stop: int,
    pos: int,
    n_alleles: int,
    star: int,
    to_site: NDArray[np.int32],
) -> None:
    """Set to_site[a] for each allele a of a record: allele of the site, n_alleles for X, -1 for none.

    `star` is the site's `*` allele, or -1.

    `row` (N_COLUMNS,), `table` (P, N_PRIMITIVE_COLUMNS), `to_site` (1024,).
    """
    to_site[0] = 0
    for a in range(1, row[_N_ALT] + 1):
        to_site[a] = n_alleles if a == row[_X] else -1
    for i in range(first, stop):
        a = table[i, _P_ALT]
        if to_site[a] < 0:
            to_site[a] = 0
    for i in range(first, stop):
        atomic = table[i]
        a = atomic[_P_ALT]
        at = atomic[_P_POS]
        if atomic[_P_SEQ_LEN] < 0:
            to_site[a] = star
        elif at == pos:
            to_site[a] = atomic[_P_ALLELE] if atomic[_P_ALLELE] > 0 else -1
        elif at < pos and pos < at + atomic[_P_REF_LEN]:
            to_site[a] = star


@kernel
def _put(extended: NDArray[np.int32], a: int, b: int, value: int) -> None:
    """Lower the PL of genotype a/b in `extended` (E,) to `value`, where both alleles are of the site."""
    if a >= 0 and b >= 0:
        g = genotype_index(a, b)
        if value < extended[g]:
            extended[g] = value


@kernel
def extended_pl(
    row: NDArray[np.int32],
    numbers: NDArray[np.int32],
    to_site: NDArray[np.int32],
    n_alleles: int,
    extended: NDArray[np.int32],
    present: NDArray[np.bool_],
) -> tuple[bool, bool]:
    """PLs of a record over the site's alleles and X (index n_alleles), in VCF order of n_alleles + 1.

    Returns:
        Whether the record says anything, and whether it is haploid (then only i/i are set).

    `row` (N_COLUMNS,), `numbers` flat (n,), `to_site` (1024,), `extended` (E,), `present` (A + 1,),
    filled.
    """
    n_record = row[_N_ALT] + 1
    for g in range((n_alleles + 1) * (n_alleles + 2) // 2):
        extended[g] = UNSEEN
    for i in range(n_alleles + 1):
        present[i] = False
    for a in range(n_record):
        if to_site[a] >= 0:
            present[to_site[a]] = True
    first, n_pl = row[_PL], row[_PL_N]
    solid = n_record - 1 if row[_X] == n_record - 1 and n_record > 1 else n_record
    n_known = -1
    if n_pl == n_record * (n_record + 1) // 2:
        n_known = n_record
    elif n_pl == solid * (solid + 1) // 2 and row[_KIND] == _VARIANT:
        n_known = solid
        present[n_alleles] = False
    haploid = row[_GT1] == -2
    if n_known > 0 and not (haploid and n_pl == n_record):
        g = 0
        for b in range(n_known):
            for a in range(b + 1):
                _put(extended, to_site[a], to_site[b], numbers[first + g])
                g += 1
        return True, False
    if n_pl == n_record and n_record > 1:
        for a in range(n_record):
            _put(extended, to_site[a], to_site[a], numbers[first + a])
        return True, True
    if row[_KIND] != _VARIANT and n_pl == 3:
        # a block whose ALT is "." but that lists three PLs: the others are X
        present[n_alleles] = True
        _put(extended, 0, 0, numbers[first])
        _put(extended, 0, n_alleles, numbers[first + 1])
        _put(extended, n_alleles, n_alleles, numbers[first + 2])
        return True, False
    return _pl_from_genotype(row, to_site, n_record, n_alleles, extended, present), haploid


@kernel
def _pl_from_genotype(
    row: NDArray[np.int32],
    to_site: NDArray[np.int32],
    n_record: int,
    n_alleles: int,
    extended: NDArray[np.int32],
    present: NDArray[np.bool_],
) -> bool:
    """Stand-in PLs of a record that has a genotype but no PL: 0 for it, GQ for what differs by one allele.

    Arrays as in `extended_pl`: `extended` (E,), `present` (A + 1,).
    """
    gt0, gt1 = row[_GT0], row[_GT1]
    if gt0 < 0 and gt1 < 0:
        return False
    quality = row[_GQ] if row[_GQ] >= 0 else DEFAULT_GQ
    present[n_alleles] = True
    for b in range(n_record + 1):
        for a in range(b + 1):
            misses = 0
            if gt1 == -2:
                if a != b:
                    continue
                misses = 0 if a == gt0 else 1
            else:
                if gt0 >= 0 and gt1 >= 0:
                    straight = (a != gt0) + (b != gt1)
                    crossed = (a != gt1) + (b != gt0)
                    misses = min(straight, crossed)
                else:
                    known = max(gt0, gt1)
                    misses = 0 if (a == known or b == known) else 1
            site_a = to_site[a] if a < n_record else n_alleles
            site_b = to_site[b] if b < n_record else n_alleles
            value = 0 if misses == 0 else (quality if misses == 1 else quality * 10)
            _put(extended, site_a, site_b, value)
    return True


@kernel
def _largest(extended: NDArray[np.int32], size: int) -> int:
    """The largest PL that is known of extended[:size] of `extended` (E,)."""
    top = 0
    for g in range(size):
        if extended[g] < UNSEEN and extended[g] > top:
            top = extended[g]
    return top


@kernel
def _lookup(extended: NDArray[np.int32], a: int, b: int, top: int) -> int:
    """PL of genotype a/b in `extended` (E,); `top` where it is not known."""
    value = extended[genotype_index(a, b)]
    return value if value < UNSEEN else top


@kernel
def project_one(
    extended: NDArray[np.int32],
    present: NDArray[np.bool_],
    haploid_record: bool,
    n_alleles: int,
    ploidy: int,
    pl: NDArray[np.int32],
) -> None:
    """PLs of the site from one record: pl[:n_genotypes], not normalised.

    `extended` (E,), `present` (A + 1,), `pl` (G,).
    """
    x = n_alleles
    top = _largest(extended, (n_alleles + 1) * (n_alleles + 2) // 2)
    g = 0
    for b in range(n_alleles):
        use_b = b if present[b] else x
        if ploidy == 1:
            pl[b] = _lookup(extended, use_b, use_b, top)
            continue
        for a in range(b + 1):
            use_a = a if present[a] else x
            if haploid_record:
                value = max(_lookup(extended, use_a, use_a, top), _lookup(extended, use_b, use_b, top))
                pl[g] = value + DEFAULT_GQ if a != b else value
            else:
                pl[g] = _lookup(extended, use_a, use_b, top)
            g += 1


@kernel
def _state(allele: int, owner: int, record: int, present: NDArray[np.bool_], n_records: int, x: int) -> int:
    """What a haplotype that carries `allele`, taken from record `owner` (-1: from all), is in `record`.

    Returns an allele of the extended table.

    `present` (K, A + 1).
    """
    if allele == 0:
        return 0
    if owner in (record, -1) and present[record, allele]:
        return allele
    somewhere = False
    for k in range(n_records):
        somewhere = somewhere or present[k, allele]
    return 0 if somewhere else x


@kernel
def project_many(
    extended: NDArray[np.int32],
    present: NDArray[np.bool_],
    n_records: int,
    n_alleles: int,
    star: int,
    ploidy: int,
    pl: NDArray[np.int32],
) -> int:
    """PLs of the site from 2 or 3 overlapping records: extended (K, G'), present (K, A+1).

    Returns:
        The least sum: how much the records contradict each other, phred.
    """
    x = n_alleles
    size = (n_alleles + 1) * (n_alleles + 2) // 2
    tops = np.zeros(3, dtype=np.int64)
    for k in range(n_records):
        tops[k] = _largest(extended[k], size)
    least = np.int64(UNSEEN)
    g = 0
    for b in range(n_alleles):
        for a in range(b + 1):
            if ploidy == 1 and a != b:
                continue
            best = np.int64(UNSEEN)
            for owner_a in range(-1, n_records):
                if owner_a >= 0 and (a == 0 or not present[owner_a, a]):
                    continue
                for owner_b in range(-1, n_records):
                    if owner_b >= 0 and (b == 0 or not present[owner_b, b]):
                        continue
                    if ploidy == 1 and owner_a != owner_b:
                        continue
                    total = np.int64(0)
                    for k in range(n_records):
                        state_a = _state(a, owner_a, k, present, n_records, x)
                        state_b = _state(b, owner_b, k, present, n_records, x)
                        value = _lookup(extended[k], state_a, state_b, tops[k])
                        # a deleted haplotype shows no base: the other one may look homozygous
                        if a == star and state_a == 0 and ploidy == 2:
                            value = min(value, _lookup(extended[k], state_b, state_b, tops[k]))
                        if b == star and state_b == 0 and ploidy == 2:
                            value = min(value, _lookup(extended[k], state_a, state_a, tops[k]))
                        total += value
                    best = min(best, total)
            pl[g] = best
            g += 1
            least = min(least, best)
    return int(least)


@kernel
def site_depths(
    row: NDArray[np.int32],
    numbers: NDArray[np.int32],
    to_site: NDArray[np.int32],
    n_alleles: int,
    ad: NDArray[np.int32],
) -> None:
    """Read counts per allele of the site from a record's AD; ad[0] = -1 where it has none.

    `row` (N_COLUMNS,), `numbers` flat (n,), `to_site` (1024,), `ad` (A,).
    """
    for i in range(n_alleles):
        ad[i] = 0
    if row[_AD_N] < 1:
        ad[0] = -1
        return
    for a in range(min(row[_AD_N], row[_N_ALT] + 1)):
        target = to_site[a]
        if target >= 0 and target < n_alleles:
            ad[target] += max(0, numbers[row[_AD] + a])


@kernel
def uncut_block(
    row: NDArray[np.int32], numbers: NDArray[np.int32], x: int, read_phred: float, extended: NDArray[np.int32]
) -> bool:
    """Take the PLs of a block of one base that was cut at 0/0 (PL 0,0,n) back to what its depth implies.

    A block says 0/0 even where some reads differ; its PLs are then cut at 0, and what these reads say is
    lost for a cohort that knows the allele. By the binomial model of reference blocks (each read changes
    PL(1/1) by `read_phred`) the last PL and the depth tell how many reads differ.

    Returns:
        Whether the block was cut.
    """
    if row[_END] != row[_POS] + 1 or row[_PL_N] != 3 or row[_DP] < 1 or row[_GT0] != 0 or row[_GT1] != 0:
        return False
    first = row[_PL]
    # 0,0,0 is no evidence, whoever wrote it
    if numbers[first] != 0 or numbers[first + 1] != 0 or numbers[first + 2] <= 0:
        return False
    depth = row[_DP]
    other = min(depth, max(1, int(0.5 * (depth - numbers[first + 2] / read_phred) + 0.5)))
    extended[0] = int(other * read_phred + 0.5)
    extended[genotype_index(0, x)] = int(depth * _HALF_PHRED + 0.5)
    extended[genotype_index(x, x)] = int((depth - other) * read_phred + 0.5)
    return True


class SiteRecords(NamedTuple):
    """Records that speak of one site, of N samples; the first four as in `Evidence`.

    variant_of: int32 (N, 3), block_of: int32 (N,), record rows from the sweep. expected_ploidy: int8 (N,), 1
    or 2, 0 where the records decide; -1: the sample lacks the contig.
    """

    records: NDArray[np.int32]
    numbers: NDArray[np.int32]
    table: NDArray[np.int32]
    offsets: NDArray[np.int64]
    variant_of: NDArray[np.int32]
    block_of: NDArray[np.int32]
    expected_ploidy: NDArray[np.int8]


class SiteShape(NamedTuple):
    """pos: 0-based. star: index of `*`, or -1. is_snp: all alleles are single bases: then reads that differ
    in a block speak for them."""

    pos: int
    n_alleles: int
    star: int
    is_snp: bool


class ProjectRules(NamedTuple):
    """read_phred: what one read of a block weighs. min_dp: shallower samples are `./.`. conflict_phred: how
    much overlapping records may contradict each other."""

    read_phred: float
    min_dp: int
    conflict_phred: int


class SampleEvidence(NamedTuple):
    """Evidence of N samples at one site of A alleles and G genotypes.

    pl: int32 (N, G), normalised to 0. ad: int32 (N, A), dp: int32 (N,); ad[:, 0] and dp = -1: unknown.
    ploidy:
    int8 (N,). state: int8 (N,), OK or the reason for `./.`. was_cut: bool (N,), whether PL comes from a
    block that `uncut_block` changed.
    """

    pl: NDArray[np.int32]
    ad: NDArray[np.int32]
    dp: NDArray[np.int32]
    ploidy: NDArray[np.int8]
    state: NDArray[np.int8]
    was_cut: NDArray[np.bool_]


@borrowing_kernel
def _choose_records(
    evidence: SiteRecords, s: int, min_dp: int, rows: NDArray[np.int64], out: SampleEvidence
) -> int:
    """Fill `rows` (3,) with the records that sample `s` (of N) is genotyped from; how many.

    Where there are none `out.state` says why.
    """
    records, expected = evidence.records, evidence.expected_ploidy[s]
    out.ad[s, 0], out.dp[s], out.state[s], out.was_cut[s] = -1, -1, NO_COVERAGE, False
    out.ploidy[s] = max(np.int8(1), expected) if expected != 0 else np.int8(2)
    if expected < 0:
        return 0
    if evidence.variant_of[s, 0] == -2:
        out.state[s] = CONFLICT
        return 0
    k = 0
    filtered = False
    for i in range(3):
        r = evidence.variant_of[s, i]
        if r >= 0:
            if records[r, _FILTERED]:
                filtered = True
                out.dp[s] = records[r, _DP]
            else:
                rows[k] = r
                k += 1
    if k > 0:
        return k
    if filtered:
        out.state[s] = FILTERED
        return 0
    r = evidence.block_of[s]
    if r < 0:
        return 0
    rows[0] = r
    out.dp[s] = records[r, _DP]
    if records[r, _FILTERED]:
        out.state[s] = FILTERED
        return 0
    if records[r, _KIND] != _VARIANT and records[r, _GT0] < 0 and records[r, _GT1] < 0:
        out.state[s] = NO_COVERAGE if records[r, _DP] < max(1, min_dp) else LOW_GQ
        return 0
    return 1


@borrowing_kernel
def _normalise(pl: NDArray[np.int32], n_genotypes: int) -> bool:
    """Take the least of pl[:n_genotypes] of `pl` (G,) off all; whether they are equal."""
    low = high = pl[0]
    for g in range(1, n_genotypes):
        low = min(low, pl[g])
        high = max(high, pl[g])
    for g in range(n_genotypes):
        pl[g] -= low
    return high == low


@kernel
def project_site(evidence: SiteRecords, site: SiteShape, rules: ProjectRules, out: SampleEvidence) -> None:
    """Fill `out`, evidence of all N samples at one site: arrays (N, ...)."""
    records, numbers, table, offsets = evidence.records, evidence.numbers, evidence.table, evidence.offsets
    pl, ad, dp, ploidy, state = out.pl, out.ad, out.dp, out.ploidy, out.state
    n_alleles, star = site.n_alleles, site.star
    size = (n_alleles + 1) * (n_alleles + 2) // 2
    extended = np.empty((3, size), dtype=np.int32)
    present = np.zeros((3, n_alleles + 1), dtype=np.bool_)
    to_site = np.empty((3, 1024), dtype=np.int32)
    rows = np.empty(3, dtype=np.int64)
    for s in range(len(state)):
        k = _choose_records(evidence, s, rules.min_dp, rows, out)
        if k == 0:
            continue
        haploid = True
        any_evidence = True
        for i in range(k):
            r = rows[i]
            row = records[r]
            map_alleles(row, table, offsets[r], offsets[r + 1], site.pos, n_alleles, star, to_site[i])
            said, haploid_record = extended_pl(row, numbers, to_site[i], n_alleles, extended[i], present[i])
            if site.is_snp and row[_KIND] != _VARIANT and present[i, n_alleles]:
                out.was_cut[s] = uncut_block(row, numbers, n_alleles, rules.read_phred, extended[i])
            any_evidence = any_evidence and said
            haploid = haploid and haploid_record
            if row[_DP] > dp[s]:
                dp[s] = row[_DP]
        if evidence.expected_ploidy[s] == 0 and haploid:
            ploidy[s] = 1
        if evidence.variant_of[s, 0] >= 0:
            site_depths(records[rows[0]], numbers, to_site[0], n_alleles, ad[s])
            if ad[s, 0] >= 0 and dp[s] < 0:
                total = 0
                for i in range(n_alleles):
                    total += ad[s, i]
                dp[s] = total
        if not any_evidence or (dp[s] >= 0 and dp[s] < rules.min_dp):
            state[s] = NO_COVERAGE if dp[s] < max(1, rules.min_dp) else LOW_GQ
            continue
        least = 0
        if k == 1:
            project_one(extended[0], present[0], haploid, n_alleles, ploidy[s], pl[s])
        else:
            least = project_many(extended, present, k, n_alleles, star, ploidy[s], pl[s])
            if ad[s, 0] >= 0:
                _add_depths(records, numbers, rows, k, to_site, n_alleles, ad[s])
        is_flat = _normalise(pl[s], n_alleles if ploidy[s] == 1 else n_alleles * (n_alleles + 1) // 2)
        state[s] = OK
        if least > rules.conflict_phred:
            state[s] = CONFLICT
        elif is_flat:
            state[s] = NO_COVERAGE if dp[s] == 0 else LOW_GQ


@kernel
def _add_depths(
    records: NDArray[np.int32],
    numbers: NDArray[np.int32],
    rows: NDArray[np.int64],
    n_rows: int,
    to_site: NDArray[np.int32],
    n_alleles: int,
    ad: NDArray[np.int32],
) -> None:
    """Merge AD of overlapping records: the least reference count, each ALT's largest count.

    `records` (R, N_COLUMNS), `rows` (3,), `to_site` (3, 1024), `ad` (A,).
    """
    other = np.zeros(n_alleles, dtype=np.int32)
    for i in range(1, n_rows):
        site_depths(records[rows[i]], numbers, to_site[i], n_alleles, other)
        if other[0] < 0:
            continue
        ad[0] = min(ad[0], other[0])
        for a in range(1, n_alleles):
            ad[a] = max(ad[a], other[a])
