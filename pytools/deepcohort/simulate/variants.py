"""Variation of a population: msprime genealogies, human-like mutation kinds, families."""

from dataclasses import dataclass

import msprime
import numpy as np
from numpy.typing import NDArray

from deepcohort.simulate import spectra
from deepcohort.simulate.alleles import left_align
from deepcohort.simulate.config import VariantConfig
from deepcohort.simulate.demography import named_demography
from deepcohort.simulate.kernels import MAX_COPIES, find_tracts
from deepcohort.simulate.pedigree import inherit
from deepcohort.simulate.sexes import SexContig, mark_absent, presence
from deepcohort.simulate.substitutions import SubstitutionPlaces
from deepcohort.simulate.types import Person, SiteTable

_FREE_LENGTHS = spectra.free_indel_lengths()
_CLONE_BP = 120_000  # size of the pieces that the reference genome is a mosaic of
_LONGEST_UNIFORM_BP = 20
_NEAR_BP = 20_000  # a tract mutation is moved to a tract within this distance


@dataclass(slots=True)
class Record:
    """A site in the making: alleles as base codes, gt int8 (H,)."""

    pos: int
    ref_len: int
    alts: list[NDArray[np.uint8]]
    gt: NDArray[np.int8]
    de_novo: int = -1


class _Tracts:
    """Repeat tracts of a contig with cumulative indel mutability."""

    def __init__(self, reference: NDArray[np.uint8]) -> None:
        left, _ = find_tracts(reference)
        weight = spectra.tract_mutability()[left]
        self.start = np.flatnonzero(weight > 0)
        self.index = left[self.start].astype(np.int64)
        self.cumulative = np.concatenate([[0.0], np.cumsum(weight[self.start])])

    def near(self, pos: int, rng: np.random.Generator) -> tuple[int, int] | None:
        """(start, slippage index) of a tract near `pos`, by mutability; None if there is none."""
        a, b = np.searchsorted(self.start, [pos - _NEAR_BP, pos + _NEAR_BP])
        low, high = self.cumulative[a], self.cumulative[b]
        if high <= low:
            return None
        k = int(np.searchsorted(self.cumulative, rng.uniform(low, high), side="right")) - 1
        return int(self.start[k]), int(self.index[k])


def simulate_sites(
    contig: str,
    reference: NDArray[np.uint8],
    people: list[Person],
    role: SexContig,
    config: VariantConfig,
    rng: np.random.Generator,
) -> SiteTable:
    """Variant sites of `contig` with phased genotypes of all `people`."""
    length = len(reference)
    founders = [i for i, p in enumerate(people) if not p.father]
    carried, positions = _genealogy(length, 2 * len(founders), config, rng)
    places = SubstitutionPlaces(reference, config.ti_tv)
    records = disjoint(_mutate(reference, places, carried, positions, config, rng), length)
    pos = np.array([r.pos for r in records], np.int64)
    gt = np.zeros((len(records), 2 * len(people)), np.int8)
    for k, i in enumerate(founders):
        for s, record in enumerate(records):
            gt[s, 2 * i : 2 * i + 2] = record.gt[2 * k : 2 * k + 2]
    inherit(gt, pos, people, role, length, config.recombination_rate, rng)
    for record, row in zip(records, gt, strict=True):
        record.gt = row
    records = disjoint(records + _de_novo(reference, places, people, config, rng), length)
    table = make_table(contig, records, 2 * len(people))
    end = table.pos + table.ref_len
    for i, person in enumerate(people):
        mark_absent(table.gt[:, 2 * i : 2 * i + 2], presence(person, role, length, table.pos, end))
    return table


def make_table(contig: str, records: list[Record], n_haplotypes: int) -> SiteTable:
    """SiteTable of sorted, disjoint `records`."""
    n_alts = [len(r.alts) for r in records]
    alts = [alt for r in records for alt in r.alts]
    return SiteTable(
        contig,
        np.array([r.pos for r in records], np.int64),
        np.array([r.ref_len for r in records], np.int32),
        np.concatenate([[0], np.cumsum(n_alts)]).astype(np.int64),
        np.concatenate([[0], np.cumsum([len(a) for a in alts])]).astype(np.int64),
        np.concatenate([np.empty(0, np.uint8), *alts]).astype(np.uint8),
        np.array([r.gt for r in records], np.int8).reshape(len(records), n_haplotypes),
        np.array([r.de_novo for r in records], np.int16),
    )


def _genealogy(
    length: int, n_haplotypes: int, config: VariantConfig, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Mutation events: who carries them, bool (M, 1 + H), and where, int64 (M,).

    Column 0 is the reference: a mosaic of a few haplotypes, as assemblies made of clones are. The
    mutation rate is set from the genealogy's branch diversity, so that the expected difference of
    two sampled haplotypes is `config.heterozygosity` whatever the demography.
    """
    demography, population, sources = named_demography(config.demography)
    samples = [msprime.SampleSet(1, population=source, ploidy=1) for source in sources]
    samples.append(msprime.SampleSet(n_haplotypes, population=population, ploidy=1))
    trees = msprime.sim_ancestry(
        samples=samples,
        demography=demography,
        recombination_rate=config.recombination_rate,
        sequence_length=length,
        random_seed=int(rng.integers(1, 2**31 - 1)),
    )
    kinds = 1 + config.indel_ratio + config.mnp_ratio
    sampled = trees.samples()[len(sources) :]
    rate = config.heterozygosity * kinds / trees.diversity(sampled, mode="branch")
    mutated = msprime.sim_mutations(
        trees, rate=rate, model=msprime.BinaryMutationModel(), random_seed=int(rng.integers(1, 2**31 - 1))
    )
    carried = mutated.genotype_matrix() > 0
    positions = mutated.tables.sites.position.astype(np.int64)
    clone = rng.integers(0, len(sources), length // _CLONE_BP + 1)[positions // _CLONE_BP]
    reference = carried[np.arange(len(positions)), clone]
    return np.column_stack([reference, carried[:, len(sources) :]]), positions


def _mutate(
    reference: NDArray[np.uint8],
    places: SubstitutionPlaces,
    carried: NDArray[np.bool_],
    positions: NDArray[np.int64],
    config: VariantConfig,
    rng: np.random.Generator,
) -> list[Record]:
    """Records of founders. Haplotype 0 is the reference: alleles are told relative to it."""
    tracts = _Tracts(reference)
    kinds = 1 + config.indel_ratio + config.mnp_ratio
    kind = rng.random(len(positions)) * kinds
    records: list[Record] = []
    changes: dict[tuple[int, int], NDArray[np.int64]] = {}  # tract -> units gained by each haplotype
    for i, pos in enumerate(positions):
        hit = carried[i]
        gt = (hit[1:] != hit[0]).astype(np.int8)
        if kind[i] < 1:
            if gt.any():
                records += _snps(len(reference), places, int(pos), gt, config, rng)
        elif kind[i] < 1 + config.indel_ratio:
            learned = config.indel_spectrum == "learned"
            on_tract = learned and rng.random() > spectra.FREE_INDEL_SHARE
            tract = tracts.near(int(pos), rng) if on_tract else None
            if tract:
                gained = hit * _unit_change(tract[1], rng)
                if rng.random() < config.multiallelic_ratio and i:
                    gained = gained + carried[i - 1] * _unit_change(tract[1], rng)
                changes[tract] = changes.get(tract, 0) + gained
            elif gt.any():
                records += (_free_indel if learned else _uniform_indel)(reference, int(pos), gt, rng)
        elif gt.any():
            records += _mnp(reference, int(pos), gt, rng)
    for (start, index), gained in changes.items():
        records += _tract_record(reference, start, index, gained[1:] - gained[0])
    return records


def _snps(
    length: int,
    places: SubstitutionPlaces,
    pos: int,
    gt: NDArray[np.int8],
    config: VariantConfig,
    rng: np.random.Generator,
) -> list[Record]:
    """A SNP, now and then with a neighbour on the same branch."""
    drawn = places.draw(pos, rng)
    if drawn is None:
        return []
    found = [drawn]
    if rng.random() < config.cluster_ratio:
        gap = int(rng.choice(spectra.CLUSTER_GAPS, p=spectra.CLUSTER_GAP_WEIGHTS))
        beside = places.draw_at(drawn[0] + gap * (1 if rng.random() < 0.5 else -1), rng)
        found += [beside] if beside else []
    return [Record(at, 1, [np.array([base], np.uint8)], gt) for at, base in found if 0 < at < length]


def _mnp(
    reference: NDArray[np.uint8], pos: int, gt: NDArray[np.int8], rng: np.random.Generator
) -> list[Record]:
    """Two or three neighbouring bases that change together, each a record as in GIAB's benchmarks."""
    size = 2 if rng.random() < 0.9 else 3
    ref = reference[pos : pos + size]
    if pos < 1 or len(ref) < size or (ref > 3).any():
        return []
    alts = ((ref + rng.integers(1, 4, size)) % 4).astype(np.uint8)
    return [Record(pos + k, 1, [alts[k : k + 1]], gt) for k in range(size)]


def _free_indel(
    reference: NDArray[np.uint8], pos: int, gt: NDArray[np.int8], rng: np.random.Generator
) -> list[Record]:
    """An insertion or deletion that is not a repeat length change."""
    size = 1 + int(rng.choice(spectra.MAX_INDEL_BP, p=_FREE_LENGTHS))
    if pos < size + 2 or pos + size + 2 > len(reference):
        return []
    ref, alt = reference[pos : pos + 1], reference[pos : pos + 1]
    if rng.random() < spectra.FREE_DELETION_SHARE:
        ref = reference[pos : pos + size + 1]
    elif rng.random() < spectra.FREE_DUPLICATION_SHARE:
        alt = np.concatenate([alt, reference[pos + 1 : pos + 1 + size]])
    else:
        alt = np.concatenate([alt, rng.integers(0, 4, size).astype(np.uint8)])
    if (reference[pos - size : pos + size + 2] > 3).any():
        return []
    pos, ref, alt = left_align(reference, pos, ref, alt)
    return [Record(pos, len(ref), [alt], gt)]


def _uniform_indel(
    reference: NDArray[np.uint8], pos: int, gt: NDArray[np.int8], rng: np.random.Generator
) -> list[Record]:
    """An insertion of random bases or a deletion, 1-20 bp with equal chances: no realism intended."""
    size = int(rng.integers(1, _LONGEST_UNIFORM_BP + 1))
    if (
        pos < size + 2
        or pos + size + 2 > len(reference)
        or (reference[pos - size : pos + size + 2] > 3).any()
    ):
        return []
    ref = alt = reference[pos : pos + 1]
    if rng.random() < 0.5:
        ref = reference[pos : pos + size + 1]
    else:
        alt = np.concatenate([alt, rng.integers(0, 4, size).astype(np.uint8)])
    pos, ref, alt = left_align(reference, pos, ref, alt)
    return [Record(pos, len(ref), [alt], gt)]


def _unit_change(index: int, rng: np.random.Generator) -> int:
    """Repeat units gained (negative: lost) by one mutation of a tract."""
    unit = index // MAX_COPIES
    units = min(int(rng.geometric(1 - spectra.FURTHER_UNITS[unit])), spectra.MAX_INDEL_BP // (unit + 1))
    return -units if rng.random() < spectra.TRACT_DELETION_SHARE else units


def _tract_record(
    reference: NDArray[np.uint8], start: int, index: int, gained: NDArray[np.int64]
) -> list[Record]:
    """One site for all lengths of a tract that occur; `gained` units relative to the reference."""
    unit, copies = index // MAX_COPIES + 1, index % MAX_COPIES
    gained = np.maximum(gained, 1 - copies)
    lost = max(0, -int(gained.min()))
    if start < 1 or not gained.any() or reference[start - 1] > 3:
        return []
    anchor, motif = reference[start - 1 : start], reference[start : start + unit]
    lengths = sorted(set(gained.tolist()) - {0})
    alts = [np.concatenate([anchor, np.tile(motif, lost + change)]) for change in lengths]
    gt = np.array([0 if g == 0 else 1 + lengths.index(g) for g in gained.tolist()], np.int8)
    return [Record(start - 1, 1 + lost * unit, alts, gt)]


def _de_novo(
    reference: NDArray[np.uint8],
    places: SubstitutionPlaces,
    people: list[Person],
    config: VariantConfig,
    rng: np.random.Generator,
) -> list[Record]:
    """New mutations of children, each on one copy."""
    records = []
    for i, person in enumerate(people):
        if not person.father and not person.mother:
            continue
        for pos in rng.integers(1, len(reference), rng.poisson(config.de_novo_rate * len(reference))):
            gt = np.zeros(2 * len(people), np.int8)
            gt[2 * i + rng.integers(0, 2)] = 1
            is_indel = rng.random() < config.indel_ratio
            new = _free_indel(reference, int(pos), gt, rng) if is_indel else []
            for record in new or _snps(len(reference), places, int(pos), gt, config, rng)[:1]:
                record.de_novo = i
                records.append(record)
    return records


def disjoint(records: list[Record], length: int) -> list[Record]:
    """Sorted records that neither overlap nor touch the contig's ends; inherited ones win."""
    kept: list[Record] = []
    for record in sorted(records, key=lambda r: (r.pos, r.de_novo, r.ref_len)):
        if record.pos < 1 or record.pos + record.ref_len >= length:
            continue
        if kept and record.pos < kept[-1].pos + kept[-1].ref_len:
            if not record.de_novo < 0 <= kept[-1].de_novo:
                continue
            kept.pop()
        kept.append(record)
    return kept
