import sys

import pytest
from deepcohort import cli
from deepcohort.core.extras import remedy_for


@pytest.mark.parametrize(
    ("module", "remedy"),
    [
        ("torch.nn", "run: make setup TRAIN=1, or: pip install 'deepcohort[train]'"),
        ("pytorch_lightning", "run: make setup TRAIN=1, or: pip install 'deepcohort[train]'"),
        ("msprime", "run: make setup, or: pip install 'deepcohort[simulate]'"),
        ("multiqc", "run: make setup, or: pip install 'deepcohort[report]'"),
        ("pysam", "run: make setup"),
    ],
)
def test_the_extra_that_brings_a_module(module, remedy):
    assert remedy_for(module) == remedy


def test_training_without_torch_is_one_line(monkeypatch, capsys, tmp_path):
    for name in ("torch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in [m for m in sys.modules if m.startswith("deepcohort.model.") or m == "deepcohort.cli.train"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "examples").mkdir()
    words = ["deepcohort", "train", "--examples", str(tmp_path / "examples"), "--output", str(tmp_path / "o")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert (
        "which is not installed here; run: make setup TRAIN=1, or: pip install 'deepcohort[train]'" in said[0]
    )
