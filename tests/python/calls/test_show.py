"""The picture of a site."""

import numpy as np
import pytest
from deepcohort.cli.io_warm import write_warm_inputs
from deepcohort.cli.show_drawing import read_image
from deepcohort.cli.show_run import GAP, OUTSIDE, gather, show_site
from deepcohort.core.errors import DeepcohortError


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    from deepcohort.model.archive import find_model

    try:
        find_model("auto", "illumina")
    except DeepcohortError:
        pytest.skip("no model is shipped")
    reference, bams, _ = write_warm_inputs(tmp_path_factory.mktemp("inputs"))
    return [bams[0]], reference


def test_evidence_of_a_deletion(inputs):
    picture = gather(*inputs, "warm:3001", "", "illumina", "auto", 100)
    assert picture.pos == 3_000
    assert "GGGT>G" in picture.title
    centre = picture.pos - picture.start
    deleted = [read for read in picture.reads if read.allele == 1]
    assert deleted
    shown = [read for read in deleted if read.codes[centre + 1] == GAP]
    assert all((read.codes[centre + 1 : centre + 4] == GAP).all() for read in shown)
    assert len(shown) > len(deleted) / 2
    for read in picture.reads:
        known = (read.codes != GAP) & (read.codes != OUTSIDE) & ~read.clipped
        assert (read.codes[known] == picture.reference[known]).mean() > 0.8
    assert picture.pixels.ndim == 3
    assert picture.probabilities.sum() == pytest.approx(1, abs=1e-3)


def test_picture_is_written(inputs, tmp_path):
    line = show_site(*inputs, "warm:4001", tmp_path / "x.png")
    assert line.startswith("warm:4001 C>CTTCAG")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    image = read_image(gather(*inputs, "warm:4001", "", "illumina", "auto", 5))
    assert image.shape[0] <= 6
    assert np.isfinite(image).all()


def test_where_there_is_nothing_to_show(inputs, tmp_path):
    with pytest.raises(DeepcohortError, match=r"warm:1500 is no candidate with ALT G; no candidate is near"):
        show_site(*inputs, "warm:1500", tmp_path / "x.png", alt="G")
    with pytest.raises(DeepcohortError, match="its alternates are"):
        show_site(*inputs, "warm:4001", tmp_path / "x.png", alt="G")
    with pytest.raises(DeepcohortError, match="must end in"):
        show_site(*inputs, "warm:4001", tmp_path / "x.txt")
    assert list(tmp_path.iterdir()) == []


def test_reads_alone_where_no_candidate_is(inputs, tmp_path):
    picture = gather(*inputs, "warm:1500", "", "illumina", "auto", 100)
    assert picture.pixels is None
    assert len(picture.reads) == picture.n_reads > 5
    assert all(read.codes[picture.pos - picture.start] != OUTSIDE for read in picture.reads)
    line = show_site(*inputs, "warm:1500", tmp_path / "x.png")
    assert line.startswith("warm:1500 is no candidate   reads ")
    assert (tmp_path / "x.png").stat().st_size > 5_000
