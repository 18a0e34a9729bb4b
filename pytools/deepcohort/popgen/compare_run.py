"""`deepcohort popgen compare`: a trained model and the classical ways on simulations that none has seen."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.popgen.archive import Judge, PopModel
from deepcohort.popgen.compare import Sample, Score, abc_posteriors, baselines, score
from deepcohort.popgen.compare_tables import bayes_rows, cross_validation_rows, text_of_rows
from deepcohort.popgen.encode import encode_loci
from deepcohort.popgen.shards import Simulations, rows_of
from deepcohort.popgen.train import first_loci
from deepcohort.popgen.types import Encoded, Loci

NETWORK = "network"


def compare(
    model: PopModel,
    training: Simulations,
    test: Simulations,
    output: str | Path,
    limit: int = 0,
    seed: int = 1,
    classical: bool = True,
) -> dict[str, Score]:
    """Scores by method, written to comparison.tsv, comparison.json, probabilities.npz and MultiQC content.

    Beside them bayes_factors.tsv (posteriors and Bayes factors by true class) and, with the classical ways,
    cross_validation.tsv (training loci judged by ABC from all others).

    The classical ways learn from all loci that the network's training, validation and test parts hold.

    Raises:
        DeepcohortError: simulations of other classes or samples than the model's.
    """
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    for simulations in (training, test):
        if simulations.task.labels != model.labels:
            raise DeepcohortError(
                f"{simulations.folder} has classes {', '.join(simulations.task.labels)}, model {model.path} "
                f"{', '.join(model.labels)}; give a model of the same task"
            )
        _check_samples(model, simulations)
    looks = model.observation.looks
    learnt = _encoded(model, training, limit, looks)
    judged = _encoded(model, test, 0, 1)  # looks at one locus are not independent of each other
    judge = Judge(model)
    found: dict[str, NDArray[np.floating]] = {NETWORK: judge(judged.pixels, judged.features).p}
    k = len(model.labels)
    validation: list[list[str]] = []
    if classical:
        first = Sample(learnt.features[::looks], learnt.label[::looks])
        validation = cross_validation_rows(first, model.labels, seed)
        names = tuple(model.about["statistics"])
        found.update(baselines(Sample(learnt.features, learnt.label), judged.features, names, k, seed))
        outputs = np.log(judge(learnt.pixels, learnt.features).p + 1e-9)
        found["ABC on the network"] = abc_posteriors(
            Sample(outputs, learnt.label), np.log(found[NETWORK] + 1e-9), k, adjust=False
        )
    scores = {
        name: score(p, judged.label, None if name == NETWORK else found[NETWORK], seed)
        for name, p in found.items()
    }
    _write(output, scores, found, judged.label, model)
    with atomic_outputs(output / "bayes_factors.tsv") as [table]:
        table.write_text(text_of_rows(bayes_rows(found, judged.label, model.labels)))
    if validation:
        with atomic_outputs(output / "cross_validation.tsv") as [table]:
            table.write_text(text_of_rows(validation))
    return scores


def _check_samples(model: PopModel, simulations: Simulations) -> None:
    task, encoding = simulations.task, model.encoding
    own, taught = rows_of(task).facts(), model.about["rows"]
    differs = [key for key in ("ages_years", "rows", "copies") if own[key] != taught[key]]
    if differs or (task.locus_bp, task.unlinked_snps > 0) != (encoding.locus_bp, encoding.unlinked):
        raise DeepcohortError(
            f"{simulations.folder} holds other samples or loci of another length than model {model.path} was "
            "trained on; give simulations of its task"
        )


def _encoded(model: PopModel, simulations: Simulations, limit: int, looks: int) -> Encoded:
    loci: Loci = simulations.read()
    if limit and limit < len(loci):
        loci = first_loci(loci, limit)
    return encode_loci(loci, model.encoding, replace(model.observation, looks=looks))


def _write(
    output: Path,
    scores: dict[str, Score],
    found: dict[str, NDArray[np.floating]],
    label: NDArray[np.integer],
    model: PopModel,
) -> None:
    header = "method\taccuracy\tlow\thigh\tauc\tauc_low\tauc_high\tnll\tnetwork_ahead\tahead_low\tahead_high"
    lines = [header]
    for name, s in scores.items():
        behind = s.behind or (float("nan"),) * 3
        values = [*s.accuracy, *s.auc, s.nll, *behind]
        lines.append(name + "\t" + "\t".join(f"{v:.4f}" for v in values))
    content = {
        "id": "popgen_comparison",
        "section_name": "Population genetics: network and classical ways",
        "description": f"Model {model.about['name']} on {len(label):,} unseen loci.",
        "plot_type": "table",
        "pconfig": {"id": "popgen_comparison_table", "title": "deepcohort: network and classical ways"},
        "data": {
            name: {"accuracy": s.accuracy[0], "AUC": s.auc[0], "mean -ln p": s.nll}
            for name, s in scores.items()
        },
    }
    finals = [
        output / n
        for n in ("comparison.tsv", "comparison.json", "probabilities.npz", "popgen_comparison_mqc.json")
    ]
    with atomic_outputs(*finals) as [table, plain, arrays, multiqc]:
        table.write_text("\n".join(lines) + "\n")
        plain.write_text(json.dumps({name: asdict(s) for name, s in scores.items()}, indent=1) + "\n")
        multiqc.write_text(json.dumps(content, indent=1) + "\n")
        with open(arrays, "wb") as file:
            np.savez_compressed(file, label=label, **{n.replace(" ", "_"): p for n, p in found.items()})  # type: ignore[arg-type]
