"""The comparison of training examples: a worse arm is seen to be worse, and what is trained is kept."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from deepcohort.model.config import write_config
from deepcohort.pileup.shards import ExampleWriter

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "tests" / "benchmarks"), str(ROOT / "tests" / "python" / "model")]

import training_arms as arms  # noqa: E402
from model_builders import PILEUP, TINY, tiny_examples, write_tiny  # noqa: E402


@pytest.fixture
def words(tmp_path):
    """Options for two arms: true labels, and a third of them wrong."""
    write_tiny(tmp_path / "good", seed=1)
    wrong = tiny_examples(seed=2)
    wrong.label[::3] = (wrong.label[::3] + 1) % 3
    with ExampleWriter(tmp_path / "bad", PILEUP, "illumina", 2, n_buckets=2) as writer:
        writer.add(wrong)
    write_tiny(tmp_path / "natural", n=1_600, seed=3)
    write_tiny(tmp_path / "judged", seed=4)
    write_config(tmp_path / "train.toml", replace(TINY, small_epochs=4))
    return [
        *("--work", f"{tmp_path}/work", "--config", f"{tmp_path}/train.toml", "--seeds", "2"),
        *("--natural", f"{tmp_path}/natural", "--set", f"reads={tmp_path}/judged"),
        *("--arm", f"good={tmp_path}/good", "--arm", f"bad={tmp_path}/bad"),
    ]


def test_arms_are_held_against_the_first(words, monkeypatch):
    lines = arms.compare(arms.parser().parse_args(words))
    rows = {(arm, name, kind): rest for arm, name, kind, *rest in (line.split("\t") for line in lines[1:])}
    assert {arm for arm, _, _ in rows} == {"good", "mean", "bad"}
    assert rows["good", "reads", "indel"][3:5] == ["+0.0", "0.0"]
    candidates, errors, nll, worse, se, better = rows["bad", "reads", "indel"]
    assert int(candidates) + int(rows["bad", "reads", "SNP"][0]) == 600
    assert float(worse) > 2 * float(se) > 0
    assert better == "0/2"
    assert float(nll) == pytest.approx(float(rows["good", "reads", "indel"][2]) + float(worse), abs=0.2)
    assert float(errors) >= float(rows["good", "reads", "indel"][1])
    assert 50 < int(rows["good", "natural, held out", "indel"][0]) < 400

    monkeypatch.setattr(arms, "fit", None)  # what is kept is not trained again
    assert arms.compare(arms.parser().parse_args(words)) == lines


def test_too_few_natural_examples_are_told(words, tmp_path):
    write_tiny(tmp_path / "few", n=300, seed=5)
    few = [word.replace(f"{tmp_path}/natural", f"{tmp_path}/few") for word in words]
    with pytest.raises(SystemExit, match="500 SNPs"):
        arms.compare(arms.parser().parse_args([*few, "--seeds", "1"]))


def test_errors_of_sums_come_from_blocks():
    difference = np.array([1.0, 1.0, -1.0, 2.0])
    assert arms.block_error(difference, np.array([7, 7, 9, 4], np.uint32)) == pytest.approx(3.0)


def test_an_arm_without_folders_is_refused(words, capsys):
    with pytest.raises(SystemExit):
        arms.parser().parse_args([*words, "--arm", "none"])
    assert "none is not NAME=FOLDER,FOLDER" in capsys.readouterr().err
