"""Genotype posteriors of pedigrees: messages between persons and their nuclear families.

The posterior of a pedigree without loops is exact (Elston and Stewart 1971, as sum-product messages):
what is known of a person reaches everybody who is related. With loops (cousins' children) the messages
are repeated until they rest, which is an approximation.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.numba_options import kernel
from deepcohort.joint.prior_kernels import tempered_prior
from deepcohort.joint.states import OK

MAX_FAMILY_ALLELES = 6  # of one pedigree at one site; with more, the population's prior decides alone
_MAX_SWEEPS = 30
_TOLERANCE = 1e-6


class Kinship(NamedTuple):
    """Pedigrees of a cohort: V persons in K pedigrees of F nuclear families, all flat.

    Attributes:
        person_sample: int32 (V,), index of the sample, -1 where the person is not in the cohort.
        is_founder: bool (V,), no parents are known.
        person_offsets, family_offsets: int64 (K+1,), persons and families of each pedigree.
        members: int32, persons of each family: father, mother, children. member_offsets: int64 (F+1,).
        slots: int32, where each person stands in `members`. slot_offsets: int64 (V+1,).
    """

    person_sample: NDArray[np.int32]
    is_founder: NDArray[np.bool_]
    person_offsets: NDArray[np.int64]
    family_offsets: NDArray[np.int64]
    members: NDArray[np.int32]
    member_offsets: NDArray[np.int64]
    slots: NDArray[np.int32]
    slot_offsets: NDArray[np.int64]


@kernel
def _gamete(parent: int, ploidy: int, allele: int, alleles: NDArray[np.int32]) -> float:
    """P(parent of genotype `parent` hands on `allele`), without mutation. `alleles` (G, 2)."""
    if ploidy == 1:
        return 1.0 if parent == allele else 0.0
    return 0.5 * (alleles[parent, 0] == allele) + 0.5 * (alleles[parent, 1] == allele)


@kernel
def transmission(
    father: int,
    mother: int,
    child: int,
    father_ploidy: int,
    mother_ploidy: int,
    child_ploidy: int,
    haploid_from_mother: bool,
    n_alleles: int,
    rate: float,
    alleles: NDArray[np.int32],
) -> tuple[float, float]:
    """P(child's genotype | parents'), and the part of it that needs no de novo variant.

    Args:
        father, mother, child: genotype indices (allele indices if haploid).
        rate: probability that a transmitted allele mutates, spread over the other alleles.
        alleles: int32 (G, 2), alleles of each diploid genotype.
    """
    other = rate / max(1, n_alleles - 1)
    if child_ploidy == 1:
        parent, ploidy = (mother, mother_ploidy) if haploid_from_mother else (father, father_ploidy)
        clean = _gamete(parent, ploidy, child, alleles)
        return clean * (1.0 - rate) + (1.0 - clean) * other, clean * (1.0 - rate)
    x, y = alleles[child, 0], alleles[child, 1]
    fx, fy = _gamete(father, father_ploidy, x, alleles), _gamete(father, father_ploidy, y, alleles)
    mx, my = _gamete(mother, mother_ploidy, x, alleles), _gamete(mother, mother_ploidy, y, alleles)
    clean = fx * my + (fy * mx if x != y else 0.0)
    keep = 1.0 - rate
    fx, fy = fx * keep + (1.0 - fx) * other, fy * keep + (1.0 - fy) * other
    mx, my = mx * keep + (1.0 - mx) * other, my * keep + (1.0 - my) * other
    return fx * my + (fy * mx if x != y else 0.0), clean * keep * keep


@kernel
def _best(row: NDArray[np.float64], size: int) -> int:
    """Index of the largest of row[:size] of `row` (G,), the first of equals."""
    best = 0
    for g in range(1, size):
        if row[g] > row[best]:
            best = g
    return best


@kernel
def _pedigree_alleles(
    samples: NDArray[np.int32],
    likelihood: NDArray[np.float64],
    state: NDArray[np.int8],
    ploidy: NDArray[np.int8],
    n_alleles: int,
    alleles: NDArray[np.int32],
    kept: NDArray[np.int32],
) -> int:
    """Alleles of the members' likeliest genotypes, reference first; how many (1: all reference).

    `samples` (V,), `likelihood` (N, G), `state`, `ploidy` (N,), `alleles` (G, 2), `kept`
    (MAX_FAMILY_ALLELES + 1,).
    """
    kept[0] = 0
    n = 1
    for m in samples:
        if m < 0 or state[m] != OK:
            continue
        best = _best(likelihood[m], n_alleles if ploidy[m] == 1 else n_alleles * (n_alleles + 1) // 2)
        for side in range(2):
            a = best if ploidy[m] == 1 else alleles[best, side]
            known = False
            for i in range(n):
                known = known or kept[i] == a
            if not known:
                if n == MAX_FAMILY_ALLELES:
                    return MAX_FAMILY_ALLELES + 1
                kept[n] = a
                n += 1
    return n


@kernel
def _pack(
    row: NDArray[np.float64],
    known: bool,
    ploidy: int,
    kept: NDArray[np.int32],
    n: int,
    out: NDArray[np.float64],
) -> None:
    """Write values of `row` for the genotypes of the n kept alleles to `out`; 1 where nothing is known.

    `row` (G,), `kept` (n,), `out` (n (n + 1) / 2,).
    """
    g = 0
    for b in range(n):
        if ploidy == 1:
            out[b] = row[kept[b]] if known else 1.0
            continue
        for a in range(b + 1):
            j, k = min(kept[a], kept[b]), max(kept[a], kept[b])
            out[g] = row[k * (k + 1) // 2 + j] if known else 1.0
            g += 1


@kernel
def _unpack(
    packed: NDArray[np.float64],
    ploidy: int,
    kept: NDArray[np.int32],
    n: int,
    n_alleles: int,
    row: NDArray[np.float64],
) -> None:
    """Write the normalised `packed` back; genotypes of other alleles get 0.

    `packed` (n (n + 1) / 2,), `kept` (n,), `row` (G,).
    """
    size = n if ploidy == 1 else n * (n + 1) // 2
    total = 0.0
    for g in range(size):
        total += packed[g]
    for g in range(n_alleles if ploidy == 1 else n_alleles * (n_alleles + 1) // 2):
        row[g] = 0.0
    g = 0
    for b in range(n):
        if ploidy == 1:
            row[kept[b]] = packed[b] / total
            continue
        for a in range(b + 1):
            j, k = min(kept[a], kept[b]), max(kept[a], kept[b])
            row[k * (k + 1) // 2 + j] = packed[g] / total
            g += 1


@kernel
def _incoming(
    kin: Kinship,
    slot: int,
    first_person: int,
    first_slot: int,
    own: NDArray[np.float64],
    messages: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """What the person at `slot` tells that family: own evidence, times what other families say.

    `own` (V, g), `messages` (M, g), `out` (g,).
    """
    person = kin.members[slot]
    out[:] = own[person - first_person]
    for k in range(kin.slot_offsets[person], kin.slot_offsets[person + 1]):
        if kin.slots[k] != slot:
            out *= messages[kin.slots[k] - first_slot]
    top = out.max()
    if top > 0.0:
        out /= top


@kernel
def _family_messages(
    incoming: NDArray[np.float64],
    sizes: NDArray[np.int64],
    transmitted: NDArray[np.float64],
    unmutated: NDArray[np.float64],
    outgoing: NDArray[np.float64],
    fresh: NDArray[np.float64],
) -> None:
    """What a nuclear family tells each member, normalised to its largest value.

    Args:
        incoming, outgoing: float64 (M, G): father, mother, children.
        transmitted, unmutated: float64 (C, G, G, G), child x father x mother x child's genotype.
        fresh: float64 (C,), filled: P(an allele of the child is new | all that is known).
    """
    n_children = len(incoming) - 2
    outgoing[:] = 0.0
    fresh[:] = 0.0
    shares = np.empty(n_children)
    old = np.empty(n_children)
    total = 0.0
    for f in range(sizes[0]):
        for m in range(sizes[1]):
            both = incoming[0, f] * incoming[1, m]
            product = 1.0
            for child in range(n_children):
                share = unchanged = 0.0
                for g in range(sizes[2 + child]):
                    share += transmitted[child, f, m, g] * incoming[2 + child, g]
                    unchanged += unmutated[child, f, m, g] * incoming[2 + child, g]
                shares[child], old[child] = share, unchanged
                product *= share
            outgoing[0, f] += incoming[1, m] * product
            outgoing[1, m] += incoming[0, f] * product
            total += both * product
            for child in range(n_children):
                others = both
                for k in range(n_children):
                    if k != child:
                        others *= shares[k]
                fresh[child] += others * (shares[child] - old[child])
                for g in range(sizes[2 + child]):
                    outgoing[2 + child, g] += others * transmitted[child, f, m, g]
    for i in range(len(incoming)):
        top = outgoing[i].max()
        if top > 0.0:
            outgoing[i] /= top
    if total > 0.0:
        fresh /= total


@kernel
def _all_ploidies(
    kin: Kinship, pedigree: int, ploidy: NDArray[np.int8], person_ploidy: NDArray[np.int64]
) -> None:
    """Ploidy of each person here; a father who is not in the cohort is as his sons are.

    `ploidy` (N,) of samples, `person_ploidy` (V,), filled.
    """
    first = kin.person_offsets[pedigree]
    for i in range(len(person_ploidy)):
        sample = kin.person_sample[first + i]
        person_ploidy[i] = ploidy[sample] if sample >= 0 else 2
    for family in range(kin.family_offsets[pedigree], kin.family_offsets[pedigree + 1]):
        low, high = kin.member_offsets[family], kin.member_offsets[family + 1]
        father = kin.members[low]
        if kin.person_sample[father] < 0:
            for slot in range(low + 2, high):
                if person_ploidy[kin.members[slot] - first] == 1:
                    person_ploidy[father - first] = 1


class Samples(NamedTuple):
    """What is known of N samples at one site: likelihood: float64 (N, G). state, ploidy: int8 (N,)."""

    likelihood: NDArray[np.float64]
    state: NDArray[np.int8]
    ploidy: NDArray[np.int8]


class Population(NamedTuple):
    """The prior of founders. frequency: float64 (A,). inbreeding: Wright's F. weight: 0..1, of the prior."""

    frequency: NDArray[np.float64]
    inbreeding: float
    weight: float


class Inheritance(NamedTuple):
    """rate: probability that a transmitted allele mutates. haploid_from_mother: as the X of sons is."""

    rate: float
    haploid_from_mother: bool


class _PedigreeRoom(NamedTuple):
    """State of one pedigree of V persons and M slots, whose first ones have the numbers `first_person` and
    `first_slot` in the cohort.

    own: float64 (V, G), evidence of each. messages: float64 (M, G). fresh: float64 (M,). ploidy: int64 (V,).
    """

    first_person: int
    first_slot: int
    own: NDArray[np.float64]
    messages: NDArray[np.float64]
    fresh: NDArray[np.float64]
    ploidy: NDArray[np.int64]


@kernel
def _tell(
    kin: Kinship,
    family: int,
    room: _PedigreeRoom,
    n: int,
    inheritance: Inheritance,
    alleles: NDArray[np.int32],
) -> float:
    """Renew the messages of one family and its children's `fresh`; the largest change.

    `n`: alleles that are told apart. `alleles`: int32 (G, 2), of each diploid genotype.
    """
    first_person, first_slot, own, messages = room.first_person, room.first_slot, room.own, room.messages
    low, high = kin.member_offsets[family], kin.member_offsets[family + 1]
    size = own.shape[1]
    incoming = np.zeros((high - low, size))
    outgoing = np.zeros((high - low, size))
    ploidies = np.empty(high - low, dtype=np.int64)
    sizes = np.empty(high - low, dtype=np.int64)
    for i in range(high - low):
        _incoming(kin, low + i, first_person, first_slot, own, messages, incoming[i])
        ploidies[i] = room.ploidy[kin.members[low + i] - first_person]
        sizes[i] = n if ploidies[i] == 1 else size
    transmitted = np.zeros((high - low - 2, size, size, size))
    unmutated = np.zeros((high - low - 2, size, size, size))
    for child in range(high - low - 2):
        for f in range(sizes[0]):
            for m in range(sizes[1]):
                for g in range(sizes[2 + child]):
                    transmitted[child, f, m, g], unmutated[child, f, m, g] = transmission(
                        f, m, g, ploidies[0], ploidies[1], ploidies[2 + child],
                        inheritance.haploid_from_mother, n, inheritance.rate, alleles,
                    )  # fmt: skip
    mine = messages[low - first_slot : high - first_slot]
    fresh = room.fresh[low - first_slot + 2 : high - first_slot]
    _family_messages(incoming, sizes, transmitted, unmutated, outgoing, fresh)
    change = np.abs(outgoing - mine).max()
    mine[:] = outgoing
    return change


@kernel
def pedigree_posteriors(
    kin: Kinship,
    pedigree: int,
    known: Samples,
    n_alleles: int,
    population: Population,
    inheritance: Inheritance,
    posterior: NDArray[np.float64],
    de_novo: NDArray[np.float64],
) -> None:
    """Posteriors of all members of a pedigree, given the evidence of all of them.

    Args:
        posterior: float64 (N, G), rows of the members replaced.
        de_novo: float64 (N,), children's probability that an allele is new.
    """
    likelihood, state = known.likelihood, known.state
    alleles = np.empty((n_alleles * (n_alleles + 1) // 2, 2), dtype=np.int32)
    g = 0
    for b in range(n_alleles):
        for a in range(b + 1):
            alleles[g, 0], alleles[g, 1] = a, b
            g += 1
    first_person, stop_person = kin.person_offsets[pedigree], kin.person_offsets[pedigree + 1]
    first_family, stop_family = kin.family_offsets[pedigree], kin.family_offsets[pedigree + 1]
    first_slot = kin.member_offsets[first_family]
    samples = kin.person_sample[first_person:stop_person]
    kept = np.zeros(MAX_FAMILY_ALLELES + 1, dtype=np.int32)
    n = _pedigree_alleles(samples, likelihood, state, known.ploidy, n_alleles, alleles, kept)
    if n == 1 or n > MAX_FAMILY_ALLELES:
        return
    size = n * (n + 1) // 2
    person_ploidy = np.empty(len(samples), dtype=np.int64)
    _all_ploidies(kin, pedigree, known.ploidy, person_ploidy)
    own = np.zeros((len(samples), size))
    prior = np.ones(n_alleles * (n_alleles + 1) // 2)
    packed = np.zeros(size)
    for i in range(len(samples)):
        is_known = samples[i] >= 0 and state[samples[i]] == OK
        _pack(likelihood[max(samples[i], 0)], is_known, person_ploidy[i], kept, n, own[i])
        if kin.is_founder[first_person + i]:
            tempered_prior(
                population.frequency, n_alleles, population.inbreeding, person_ploidy[i], population.weight,
                prior,
            )  # fmt: skip
            packed[:] = 0.0
            _pack(prior, True, person_ploidy[i], kept, n, packed)
            own[i] *= packed
    n_slots = kin.member_offsets[stop_family] - first_slot
    messages = np.ones((n_slots, size))
    fresh = np.zeros(n_slots)
    room = _PedigreeRoom(first_person, first_slot, own, messages, fresh, person_ploidy)
    n_families = stop_family - first_family
    for sweep in range(_MAX_SWEEPS if n_families > 1 else 1):
        change = 0.0
        for k in range(n_families):
            # down the generations, then up
            family = first_family + (k if sweep % 2 == 0 else n_families - 1 - k)
            change = max(change, _tell(kin, family, room, n, inheritance, alleles))
        if change < _TOLERANCE:
            break
    for i in range(len(samples)):
        if samples[i] < 0 or state[samples[i]] != OK:
            continue
        packed[:] = own[i]
        for k in range(kin.slot_offsets[first_person + i], kin.slot_offsets[first_person + i + 1]):
            packed *= messages[kin.slots[k] - first_slot]
        if packed.sum() > 0.0:
            _unpack(packed, person_ploidy[i], kept, n, n_alleles, posterior[samples[i]])
    for family in range(first_family, stop_family):
        for slot in range(kin.member_offsets[family] + 2, kin.member_offsets[family + 1]):
            sample = kin.person_sample[kin.members[slot]]
            if sample >= 0 and state[sample] == OK:
                de_novo[sample] = fresh[slot - first_slot]
