"""Strata: named subsets of the counted records."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from deepcohort.evaluate import context_kernels as ck
from deepcohort.evaluate import counted_records
from deepcohort.evaluate.counted_records import CountedRecords

KIND_NAMES = ("snp", "mnp", "insertion", "deletion", "complex")
ZYGOSITY_NAMES = ("het", "hom_alt", "multi_allelic", "haploid")
_LENGTHS_BP = ((1, 5), (6, 15), (16, 50), (51, 1 << 30))
_RUNS_BP = ((0, 3), (4, 6), (7, 11), (12, 255))
_REPEATS_BP = ((8, 14), (15, 29), (30, 255))
_GC_PERCENT = ((0, 24), (25, 29), (30, 54), (55, 64), (65, 100))
_DEPTHS = ((0, 9), (10, 19), (20, 29), (30, 49), (50, 1 << 30))
_MAPQS = ((0, 19.999), (20, 39.999), (40, 54.999), (55, 255))
_REGION_NAMES = {
    counted_records.AUTOSOME: "autosomes",
    counted_records.CHR_X: "chrX_non_par",
    counted_records.PAR: "par",
    counted_records.CHR_Y: "chrY",
}


def _span(low: float, high: float) -> str:
    return f">={round(low)}" if high >= 255 else f"{round(low)}-{round(high)}"


def _between(values: NDArray, low: float, high: float) -> NDArray[np.bool_]:
    return (values >= low) & (values <= high)


def strata(side: CountedRecords, bed_names: list[str]) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """(group, name, bool (N,) of members) of every stratum of one side, in a fixed order."""
    yield "all", "all", np.ones(len(side), dtype=bool)
    for code, name in enumerate(KIND_NAMES):
        yield "kind", name, side.kind == code
    size = np.abs(side.length)
    for code, name in ((ck.INSERTION, "insertion"), (ck.DELETION, "deletion")):
        for low, high in _LENGTHS_BP:
            yield "length_bp", f"{name}_{_span(low, high)}", (side.kind == code) & _between(size, low, high)
    for code, name in enumerate(ZYGOSITY_NAMES):
        yield "zygosity", name, side.zygosity == code
    for low, high in _RUNS_BP:
        yield "homopolymer_bp", _span(low, high), _between(side.homopolymer, low, high)
    yield "tandem_repeat_bp", "none", side.tandem == 0
    for low, high in _REPEATS_BP:
        yield "tandem_repeat_bp", _span(low, high), _between(side.tandem, low, high)
    for low, high in _GC_PERCENT:
        yield "gc_percent", f"{low}-{high}", _between(side.gc, low, high)
    for low, high in _DEPTHS:
        yield "depth", _span(low, high), _between(side.depth, low, high)
    for least, most in _MAPQS:
        with np.errstate(invalid="ignore"):
            yield "mapq", _span(least, most), _between(side.mapq, least, most)
    for code, name in _REGION_NAMES.items():
        yield "sex_chromosome", name, side.ploidy_region == code
    bits = np.unpackbits(side.beds, axis=1, count=len(bed_names)) if bed_names else None
    for k, name in enumerate(bed_names):
        assert bits is not None
        yield "bed", name, bits[:, k] == 1
