"""`deepcohort why`: the reasons of a genotype, and what would change it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from deepcohort.cli.why import app
from deepcohort.compose.io_warm import write_warm_inputs
from deepcohort.compose.show_run import choose_row, prepare_site
from deepcohort.compose.why_run import explain_site, told
from deepcohort.core.errors import DeepcohortError
from deepcohort.model.load import load_predictor
from deepcohort.pileup import perturb
from deepcohort.pileup.encode import encode_examples
from typer.testing import CliRunner

SITE = "warm:3001"  # a heterozygous deletion


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    from deepcohort.model.archive import find_model

    try:
        find_model("auto", "illumina")
    except DeepcohortError:
        pytest.skip("no model is shipped")
    reference, bams, _ = write_warm_inputs(tmp_path_factory.mktemp("inputs"))
    return [bams[0]], reference


@pytest.fixture(scope="module")
def explanation(inputs):
    return explain_site(*inputs, SITE, "", "illumina", "auto")


def test_the_answer_is_that_of_calling(inputs, explanation):
    chunk, pos, predictor = prepare_site(*inputs, SITE, "illumina", "auto")
    row = choose_row(chunk, pos, "")
    batch = encode_examples(
        chunk.evidence, chunk.codes, chunk.window, predictor.config, select=np.array([row])
    )
    p = predictor.predict(batch)[0]
    assert explanation.probabilities == pytest.approx(p.tolist(), abs=1e-6)
    assert explanation.copies == 1
    assert explanation.settled == (max(explanation.small_probabilities) >= explanation.settle_confidence)


def test_the_smallest_change_is_the_smallest(inputs, explanation):
    """Fewer ALT reads: one step less leaves the genotype, the step told gives another."""
    chunk, pos, _ = prepare_site(*inputs, SITE, "illumina", "auto")
    row = choose_row(chunk, pos, "")
    flip = next(f for f in explanation.flips if f.kind == "fewer ALT reads")
    steps = int(flip.change.split()[0])
    predictor = load_predictor("auto", "illumina", "cpu")

    def copies(fewer):
        changed = perturb.with_reads(chunk.evidence, row, 1, -fewer)
        batch = encode_examples(changed, chunk.codes, chunk.window, predictor.config, select=np.array([row]))
        return int(predictor.predict(batch)[0].argmax())

    assert [copies(k) for k in range(1, steps)] == [1] * (steps - 1)
    assert copies(steps) == flip.copies == 0
    towards_two = [f for f in explanation.flips if f.kind in ("fewer REF reads", "more ALT reads")]
    assert any(f.copies == 2 for f in towards_two)


def test_text_and_json_say_the_same(inputs, explanation, tmp_path):
    words = [
        "--reads",
        inputs[0][0],
        "--reference",
        inputs[1],
        "--site",
        SITE,
        "--output",
        tmp_path / "x.json",
    ]
    done = CliRunner().invoke(app, [str(w) for w in [*words, "--top", 3]])
    assert done.exit_code == 0, done.output
    assert done.output == told(explanation, 3) + "\n"
    assert done.output.startswith("warm:3001 GGGT>G")
    for part in (
        "so 1 copy of ALT (0/1",
        "What speaks for 1 copy",
        "Reads without which",
        "fewer ALT reads: ",
    ):
        assert part in done.output
    written = json.loads((tmp_path / "x.json").read_text())
    assert written["copies"] == 1
    assert [f["name"] for f in written["features"][:3]] == [f.name for f in explanation.features[:3]]
    assert len(written["reads"]) >= 20
    assert len(written["flips"]) == 7


def test_both_deciders_are_told(explanation):
    assert "Decided by the site features alone" in told(replace(explanation, settled=True), 2)
    doubtful = replace(explanation, settled=False, cnn_share=0.75)
    assert "the mean with the CNN decided, whose share is 0.75" in told(doubtful, 2)


def test_no_candidate_is_one_line(inputs):
    with pytest.raises(
        DeepcohortError, match=r"warm:1500 is no candidate: too few reads .*; no candidate is near"
    ):
        explain_site(*inputs, "warm:1500", "", "illumina", "auto")


def test_the_picture_shows_what_the_network_saw(inputs, tmp_path):
    from deepcohort.compose.show_drawing import draw
    from deepcohort.compose.show_run import gather

    picture = gather(*inputs, SITE, "", "illumina", "auto", 100)
    assert picture.seen.cells.shape == picture.pixels.shape[1:]
    there = picture.pixels.any(axis=0)
    assert (picture.seen.cells[~there] == 0).all()
    assert np.abs(picture.seen.cells[there]).max() > 0
    assert np.abs(picture.seen.reads).max() > 0
    assert np.abs(picture.seen.channels).max() > 0
    draw([picture], tmp_path / "with.svg")
    text = (tmp_path / "with.svg").read_bytes()
    draw([replace(picture, seen=None)], tmp_path / "without.svg")
    assert text != (tmp_path / "without.svg").read_bytes()
