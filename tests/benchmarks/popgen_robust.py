"""False positives and power where the loci are not like those trained on, by three ways to set the threshold."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from deepcohort.popgen.archive import Judge, PopModel
from deepcohort.popgen.compare import area_under_curve
from deepcohort.popgen.config import Encoding, Observation
from deepcohort.popgen.encode import encode_loci
from deepcohort.popgen.null import log_odds, rank_p
from deepcohort.popgen.shards import Simulations
from deepcohort.popgen.tasks import Task, built_in
from deepcohort.popgen.types import Encoded

LEVEL = 0.01
SELECTED_SHARE = 0.02  # of the windows of a cohort that a null is learnt from
HISTORIES = {
    "Gutenkunst 2009": ("CEU", "stdpopsim.OutOfAfrica_3G09.yaml"),
    "Tennessen 2012": ("EUR", "stdpopsim.OutOfAfrica_2T12.yaml"),
}
Simulate = Callable[[Task, int, int], Simulations]


@dataclass(frozen=True)
class Loci:
    """Encoded loci of one kind, unlike or like those trained on."""

    name: str
    examples: Encoded


def test_sets(make: Simulate, data: Path, n: int, encoding: Encoding, plain: Observation) -> Iterator[Loci]:
    """The right history, two others, another recombination map, another error model, histories at random."""
    task = built_in()["balancing"]
    right = make(task, n, 2).read()
    yield Loci("as trained, one history", encode_loci(right, encoding, plain))
    for name, (focal, file) in HISTORIES.items():
        path = data / "popgen" / "demes" / file
        if not path.exists():
            print(f"wrong_history\t{name}\tskipped: {path} is absent")
            continue
        other = make(replace(task, name=f"other_{focal}", history=str(path), focal=focal), n, 3)
        yield Loci(name, encode_loci(other.read(), encoding, plain))
    maps = replace(task, name="other_map", hotspot_share=(0.5, 0.8), recombination=(0.5e-8, 2e-8))
    yield Loci("hotspots, .5 to 2 cM/Mb", encode_loci(make(maps, n, 3).read(), encoding, plain))
    errors = replace(plain, error=(0.003, 0.01), missing=(0.02, 0.1))
    yield Loci("errors .3 to 1 %, missing 2 to 10 %", encode_loci(right, encoding, errors))
    yield Loci(
        "histories at random", encode_loci(make(built_in()["balancing_any"], n, 2).read(), encoding, plain)
    )


def interval(hits: np.ndarray) -> str:
    """Share in % with its 95 % bootstrap interval."""
    draws = np.random.default_rng(1).choice(hits.astype(float), (1_000, len(hits))).mean(axis=1)
    low, high = 100 * np.quantile(draws, [0.025, 0.975])
    return f"{100 * hits.mean():.1f} ({low:.1f} to {high:.1f})"


@dataclass(frozen=True)
class Judged:
    """Scores of a set's loci, with the background unknown and as the cohort tells it."""

    name: str
    label: np.ndarray
    unknown: np.ndarray
    score: np.ndarray
    p: np.ndarray
    strange: float


def judged(model: PopModel, judge: Judge, loci: Loci) -> Judged:
    """Judge a set as `popgen scan` does a cohort of its neutral loci and 2 % selected ones."""
    x = loci.examples
    plain = judge(x.pixels, x.features)
    cohort, _ = cohort_rows(x.label)
    context = None if model.background is None else model.background.context(x.features[cohort])
    out = judge(x.pixels, x.features, context)
    phased = x.features[:, [model.about["statistics"].index("phased")]]
    known = phased if context is None else np.column_stack([phased, np.tile(context, (len(phased), 1))])
    null = model.null(context is not None)
    assert null is not None
    score = log_odds(out.p)
    strange = float((plain.misfit[x.label == 0] < 0.01).mean())
    return Judged(loci.name, x.label, log_odds(plain.p), score, null.p(score, known), strange)


def cohort_rows(label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a cohort (all neutral loci, a few selected) and the selected loci that are not in it."""
    neutral, selected = np.flatnonzero(label == 0), np.flatnonzero(label == 1)
    few = max(1, round(SELECTED_SHARE * len(neutral) / (1 - SELECTED_SHARE)))
    return np.concatenate([neutral, selected[:few]]), selected[few:]


def line_of(model_name: str, found: Judged, cut: float) -> str:
    """Accuracy, AUC, and false positives and power by training threshold, null and rank."""
    cohort, others = cohort_rows(found.label)
    neutral = found.label == 0
    ways = {
        "training threshold": found.unknown > cut,
        "null_p < .01": found.p < LEVEL,
        "rank_p < .01": rank_p(found.score, found.score[cohort]) < LEVEL,
    }
    cells = [
        f"{way}: FP {interval(called[neutral])} %, power {interval(called[others])} %"
        for way, called in ways.items()
    ]
    accuracy = ((found.unknown > 0) == (found.label == 1)).mean()
    areas = [area_under_curve(s, found.label == 1) for s in (found.unknown, found.score)]
    return "\t".join(
        [
            "wrong_history", model_name, found.name, f"accuracy {accuracy:.3f}",
            f"AUC {areas[0]:.4f}, background known {areas[1]:.4f}", *cells, f"misfit p < .01: {found.strange:.3f}",
        ]
    )  # fmt: skip


def report(models: dict[str, tuple[PopModel, str]], sets: Callable[[Encoding], Iterator[Loci]]) -> None:
    """Print a line for each model and set; a model's own set (its name beside it) gives the 1 % threshold."""
    for model_name, (model, own) in models.items():
        judge = Judge(model)
        found = [judged(model, judge, loci) for loci in sets(model.encoding)]
        cut = next(float(np.quantile(f.unknown[f.label == 0], 1 - LEVEL)) for f in found if f.name == own)
        for one in found:
            print(line_of(model_name, one, cut), flush=True)
