"""--mode train for real: a tiny reference in, a model that calls can use out."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from deepcohort.model.archive import read_model
from deepcohort.simulate.config import GenomeConfig
from deepcohort.simulate.genome import make_genome
from deepcohort.simulate.io_outputs import write_fasta
from nextflow_runs import nextflow

pytestmark = [pytest.mark.pipeline, pytest.mark.nightly, pytest.mark.timeout(2400)]

SETTINGS = """
read_channels = [8, 8]
site_channels = [16]
small_units = [16]
epochs = 2
small_epochs = 3
threads = 1
device = "cpu"
"""


def test_a_reference_becomes_a_model(tmp_path: Path):
    write_fasta(tmp_path / "tiny.fa", make_genome(GenomeConfig(total_bp=60_000, n_contigs=2), 3))
    (tmp_path / "tiny.toml").write_text(SETTINGS)
    run = nextflow(
        tmp_path, "--mode", "train", "--reference", "tiny.fa", "--simulations", "2", "--simulate_args",
        "--samples 1 --coverage 20 --heterozygosity 0.004 --error-range 4 6", "--train_config", "tiny.toml", "--model_name", "tiny", "--outdir", "out",
        timeout=2200,
    )  # fmt: skip
    assert run.status == 0, run.text
    # simulation and examples are tasks of their own for every simulation; training is one
    names = [task["name"].split(":")[-1].split(" ")[0] for task in run.tasks()]
    assert {name: names.count(name) for name in ("SIMULATE_COHORT", "MAKE_EXAMPLES", "TRAIN_MODEL")} == {
        "SIMULATE_COHORT": 2,
        "MAKE_EXAMPLES": 2,
        "TRAIN_MODEL": 1,
    }
    folder = tmp_path / "out" / "models" / "tiny"
    model = read_model(folder / "tiny.dcmodel")
    assert model.about["name"] == "tiny"
    assert model.about["train"]["read_channels"] == [8, 8]
    sources = model.about["facts"]["examples"]
    assert (
        len({source["config"]["seed"] for source in sources}) == 2
    )  # each has depths and quality maps of its own
    assert min(model.about["facts"]["labels"]) > 50
    # two epochs on some hundred examples already tell most sites
    cascade = model.about["facts"]["metrics"]["cascade"]
    assert cascade["examples"] > 10
    assert cascade["pr_area"] > 0.8
    assert "Test set" in (folder / "tiny.md").read_text()
    assert "Training report: tiny" in (folder / "report.html").read_text()
    page = (tmp_path / "out" / "report" / "multiqc_report.html").read_text()
    for words in (
        "Held-out test set",
        "Precision and recall",
        "Calibration",
        "Confusion",
        "Errors by context",
    ):
        assert words in page
    account = json.loads((tmp_path / "out" / "pipeline_info" / "provenance.json").read_text())
    assert any("tiny.fa" in json.dumps(entry) for entry in account["inputs"])
    with open(tmp_path / "out" / "pipeline_info" / "costs.tsv") as file:
        assert any("TRAIN_MODEL" in json.dumps(row) for row in csv.DictReader(file, delimiter="\t"))
    losses = np.loadtxt(
        folder / "logs" / "small" / "attempt_00" / "metrics.csv", delimiter=",", skiprows=1, usecols=2,
        converters=lambda text: float(text or "nan"),
    )  # fmt: skip
    losses = losses[~np.isnan(losses)]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
