"""The training report: every figure and table is there, labelled, and says what the predictions say."""

import base64
import json
import re
from html import unescape

import numpy as np
import pytest
from deepcohort.model.predictions import (
    Predictions,
    naive_probabilities,
    natural_figures,
    precision_recall,
    recall_at_precision,
)
from deepcohort.model.report import loss_curve, training_report
from deepcohort.model.train import with_naive
from deepcohort.pileup.features import N_FEATURES, F

ABOUT = {
    "version": "1-abc",
    "platform": "illumina",
    "facts": {"labels": (30, 40, 20), "training_examples": 70},
}


def predictions_of(n=400, seed=1, sure=3.0):
    """A predictor that is mostly right."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, n).astype(np.int8)
    logits = rng.normal(size=(n, 3)) + sure * np.eye(3)[label]
    p = np.exp(logits)
    features = np.zeros((n, N_FEATURES), np.float32)
    features[:, F.is_snp] = np.arange(n) % 4 != 0
    features[:, F.is_deletion] = np.arange(n) % 4 == 0
    features[:, F.depth_log] = np.log1p(np.where(np.arange(n) % 2, 5, 30)) / 4
    return Predictions(p / p.sum(axis=1, keepdims=True), label, features)


def made(folder, parts, epochs=3):
    """The page's text, the text inside each of its figures, and the folder."""
    for label in ("small", "cnn"):
        log = folder / "logs" / label / "attempt_00"
        log.mkdir(parents=True)
        rows = [f"{e},{e},,{2.0**-e}\n{e},{e},{0.9 * 2.0**-e}," for e in range(epochs)]
        (log / "metrics.csv").write_text("epoch,step,val_loss,train_loss\n" + "\n".join(rows) + "\n")
    training_report(folder, "mine", parts, ABOUT)
    page = (folder / "report.html").read_text()
    images = [base64.b64decode(data).decode() for data in re.findall(r"base64,([^\"]+)\"", page)]
    drawn = [unescape(" ".join(re.findall(r">([^<>]+)</text>", image))) for image in images]
    return page, drawn


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    parts = {name: predictions_of(seed=i) for i, name in enumerate(("small", "cnn", "both", "cascade"))}
    page, drawn = made(folder, parts)
    return folder, parts, page, drawn


def test_every_figure_is_labelled(report):
    _, parts, page, drawn = report
    assert len(drawn) == 5
    for losses in drawn[:2]:
        for words in ("epoch", "mean loss", "training", "validation"):
            assert words in losses
    for curves in drawn[2:4]:
        assert "recall" in curves
        assert "precision" in curves
    for name, words in (("small", "feature model"), ("cnn", "CNN"), ("both", "both"), ("cascade", "cascade")):
        *_, area = precision_recall(1 - parts[name].p[:, 0], parts[name].label > 0)
        assert re.search(rf"{words}[^0-9]*, area {area:.4f}", drawn[2]), name
    assert "SNPs, area" in drawn[3]
    assert "indels, area" in drawn[3]
    for words in ("claimed error, phred", "observed error, phred", "perfect", "cascade"):
        assert words in drawn[4]
    assert page.count('alt="') == 5
    assert 'alt=""' not in page


def test_tables_say_what_the_predictions_say(report):
    _, parts, page, _ = report
    best = parts["cascade"]
    rows = {
        unescape(cells[0]): cells[1:]
        for cells in (re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page))
        if cells
    }
    precision, recall, area = precision_recall(1 - best.p[:, 0], best.label > 0)
    for wanted in (0.7, 0.8, 0.9, 0.99):
        shown = rows[f"recall at precision {round(100 * wanted)} %"][-1]
        assert float(shown) == pytest.approx(recall_at_precision(precision, recall, wanted), abs=1e-4)
    assert float(rows["area under precision and recall"][-1]) == pytest.approx(area, abs=1e-5)
    wrong = best.p.argmax(axis=1) != best.label
    assert int(rows["wrong number of copies"][-1]) == wrong.sum()
    counts = [[int(cell) for cell in rows[f"{truth} true"][:3]] for truth in range(3)]
    assert np.sum(counts) == 400
    assert np.trace(counts) == 400 - wrong.sum()
    assert rows["SNP"][:2] == ["300", str(wrong[best.features[:, F.is_snp] > 0].sum())]
    assert rows["depth below 8"][0] == rows["depth above 20"][0] == "200"
    assert rows["several alternates"] == ["0", "0", "-"]


def test_multiqc_gets_the_same_sections(report):
    folder, parts, _, _ = report
    content = {p.name[9:-9]: json.loads(p.read_text()) for p in folder.glob("training_*_mqc.json")}
    assert set(content) == {"loss", "test", "precision_recall", "calibration", "confusion", "contexts"}
    assert {c["parent_id"] for c in content.values()} == {"deepcohort_training"}
    assert len({c["id"] for c in content.values()}) == 6
    assert content["confusion"]["data"] == parts["cascade"].confusion().tolist()
    assert len(content["precision_recall"]["data"]) == 4
    assert content["loss"]["data"]["mine CNN: training (the loss that is minimised)"] == {
        "1": 1.0,
        "2": 0.5,
        "3": 0.25,
    }
    assert content["test"]["data"]["mine cascade, as in calling"]["recall_at_70"] > 0.9


def test_nature_has_few_absent_candidates():
    """By hand: ten examples, half of them absent, of which one looks likelier than two of the present."""
    label = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2, 2], np.int8)
    there = np.array([0.1, 0.1, 0.1, 0.1, 0.7, 0.9, 0.9, 0.6, 0.9, 0.6])
    p = np.stack([1 - there, there / 2, there / 2], axis=1)
    p[label == 1] = np.stack([1 - there, there, 0 * there], axis=1)[label == 1]
    p[label == 2] = np.stack([1 - there, 0 * there, there], axis=1)[label == 2]
    told = Predictions(p, label, np.zeros((10, N_FEATURES), np.float32))
    weight = told.natural_weight()
    assert [weight[label == k].sum() / 10 for k in range(3)] == pytest.approx([0.03, 0.58, 0.39])
    plain, natural = told.natural_metrics(False), told.natural_metrics(True)
    # unweighed, all that are there come with one of five absent: 5 of 6
    assert plain["recall_at_80"] == 1.0
    assert plain["recall_at_90"] == 0.6
    # in nature that one stands for .006 among .97
    assert natural["recall_at_99"] == 1.0
    assert natural["recall_at_99.9"] == pytest.approx((2 * 0.58 / 3 + 0.39 / 2) / 0.97)
    assert plain["error_rate"] == pytest.approx(0.1)
    assert natural["error_rate"] == pytest.approx(0.006)


def test_the_naive_likelihood_is_a_row(tmp_path):
    parts = {name: predictions_of(seed=i) for i, name in enumerate(("small", "cnn", "both", "cascade"))}
    features = parts["small"].features
    label = parts["small"].label
    features[:, F.lod_het] = np.where(label == 1, np.log1p(12), -np.log1p(5))
    features[:, F.lod_hom] = np.where(label == 2, np.log1p(15), -np.log1p(30))
    deep = features[:2].copy()  # many reads: 10**60 against absence for either, 10**10 for the second
    deep[:, F.lod_het], deep[:, F.lod_hom] = np.log1p(60), np.log1p(70)
    assert naive_probabilities(deep).argmax(axis=1).tolist() == [2, 2]
    naive = naive_probabilities(features)
    assert (naive.argmax(axis=1) == label).all()
    assert naive[label == 1][0] == pytest.approx([1 / (1 + 1e9 + 10**-33.3), 1e9 / (1 + 1e9), 0], abs=1e-8)
    figures = natural_figures(with_naive(parts), None)
    assert "reweighed" in figures.source
    assert set(figures.by_type) == {"SNP", "indel"}
    assert list(figures.by_type["SNP"]) == ["naive", "small", "cnn", "both", "cascade"]
    assert natural_figures(with_naive(parts), with_naive(parts)).source.startswith("Natural examples")
    (tmp_path / "logs").mkdir()
    training_report(tmp_path, "mine", parts, ABOUT, figures)
    page = (tmp_path / "report.html").read_text()
    for words in (
        "At nature&#x27;s frequencies",
        "naive likelihood, no network",
        "recall at precision 99.9 %",
    ):
        assert words in page or unescape(words) in page
    table = json.loads((tmp_path / "training_natural_mqc.json").read_text())
    assert table["data"]["mine naive likelihood, no network, SNPs"]["recall_at_90"] == 1.0


def test_the_same_run_writes_the_same_bytes(report, tmp_path):
    folder, parts, page, _ = report
    assert made(tmp_path, parts)[0] == page
    assert (tmp_path / "training_loss_mqc.json").read_text() == (
        folder / "training_loss_mqc.json"
    ).read_text()


@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_test_set_of_next_to_nothing(tmp_path, n):
    parts = {name: predictions_of(n) for name in ("small", "cnn", "both", "cascade")}
    page, drawn = made(tmp_path, parts, epochs=1)
    assert "recall at precision 99 %" in page
    assert len(drawn) == 5


def test_a_poor_model_stays_in_the_picture(tmp_path):
    """The curves' corner widens until the curves are in it."""
    parts = dict.fromkeys(("small", "cnn", "both", "cascade"), predictions_of(sure=0.5))
    _, drawn = made(tmp_path, parts)
    ticks = [float(t) for t in re.findall(r"\b[01]\.\d+\b", drawn[2].replace("area", ""))]
    assert min(ticks) <= 0.8


def test_later_attempts_win(tmp_path):
    for attempt, loss in (("attempt_00", 1.0), ("attempt_01", 0.5)):
        (tmp_path / attempt).mkdir()
        (tmp_path / attempt / "metrics.csv").write_text(f"epoch,train_loss\n3,{loss}\n")
    assert loss_curve(tmp_path)["train_loss"] == [(3, 0.5)]
