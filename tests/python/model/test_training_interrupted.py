"""Training that is struck: a full disk, a kill. One line, the last checkpoint kept, the same model in the end."""

import contextlib
import errno
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import disk_full_as_error
from deepcohort.model.config import write_config
from deepcohort.model.lit import GenotypeModule
from deepcohort.model.net import PileupNet
from deepcohort.model.train import train
from model_builders import TINY, write_tiny

SHORT = replace(TINY, epochs=3, small_epochs=3)
STRUCK_EPOCH = 2
# fills the disk for real when the CNN begins its third epoch, in a process of its own
FILLING_COMMAND = """
import sys
from deepcohort.cli import main
from test_training_interrupted import fill_while_training
fill_while_training(sys.argv.pop(1), "cnn", setattr)
main()
"""


def fill_disk(ballast):
    """Leave not a byte on the disk of the file `ballast`."""
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4_096))


def fill_while_training(ballast, network, patch):
    """Let the third epoch of `network` (cnn or small) begin with a full disk."""
    step = GenotypeModule.training_step

    def fills(self, batch, index):
        if self.current_epoch == STRUCK_EPOCH and isinstance(self.network, PileupNet) == (network == "cnn"):
            fill_disk(ballast)
        return step(self, batch, index)

    patch(GenotypeModule, "training_step", fills)


@pytest.fixture
def small_disk(mounted):
    return mounted("disk", "size=3m")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Examples, settings, and the model of a run that nothing struck."""
    root = tmp_path_factory.mktemp("whole")
    examples = write_tiny(root / "examples", 300)
    write_config(root / "c.toml", SHORT)
    result = train([examples], root / "run", SHORT, quiet=True)
    return SimpleNamespace(examples=examples, settings=root / "c.toml", model=result.model)


def command(whole, output):
    words = ["train", "--examples", whole.examples, "--output", output, "--config", whole.settings]
    return list(map(str, words))


def assert_same_model(one, other):
    """Every member alike; the card tells the CPU seconds, which may differ."""
    with zipfile.ZipFile(one) as a, zipfile.ZipFile(other) as b:
        assert a.namelist() == b.namelist()
        for name in a.namelist():
            first, second = (re.sub(rb"\d+ CPU seconds", b"", z.read(name)) for z in (a, b))
            assert first == second, name


def epoch_of(output, network):
    """Epochs that the last checkpoint has behind it; fails where it is not whole."""
    saved = torch.load(output / "checkpoints" / network / "last.ckpt", weights_only=True)
    return saved["epoch"] + 1


def leftovers(folder):
    return [p.name for p in folder.rglob(".tmp-*")]


@pytest.mark.nightly
def test_disk_full_while_the_cnn_learns(whole, small_disk):
    run = small_disk / "run"
    done = subprocess.run(
        [sys.executable, "-c", FILLING_COMMAND, small_disk / "ballast", *command(whole, run), "--quiet"],
        cwd=Path(__file__).parent, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"deepcohort: error: disk full while writing {run}")
    assert "free space and run again" in line
    assert epoch_of(run, "cnn") == STRUCK_EPOCH
    assert not leftovers(small_disk)
    (small_disk / "ballast").unlink()
    assert_same_model(train([whole.examples], run, SHORT, quiet=True).model, whole.model)


def test_disk_full_while_the_feature_model_learns(whole, small_disk, monkeypatch):
    run = small_disk / "run"
    fill_while_training(small_disk / "ballast", "small", monkeypatch.setattr)
    with pytest.raises(DeepcohortError, match="disk full while writing"):
        train([whole.examples], run, SHORT, quiet=True)
    monkeypatch.undo()
    assert epoch_of(run, "small") == STRUCK_EPOCH
    assert not leftovers(small_disk)
    (small_disk / "ballast").unlink()
    assert_same_model(train([whole.examples], run, SHORT, quiet=True).model, whole.model)


def test_disk_full_at_the_very_end(whole, small_disk, monkeypatch):
    """Both networks are trained, but neither model nor card nor report finds room."""
    import deepcohort.model.train as library

    finish, run = library._finish, small_disk / "run"

    def fills(*args):
        fill_disk(small_disk / "ballast")
        return finish(*args)

    monkeypatch.setattr(library, "_finish", fills)
    with pytest.raises(DeepcohortError, match=r"disk full while writing .*illumina\.dcmodel"):
        train([whole.examples], run, SHORT, quiet=True)
    monkeypatch.undo()
    assert not {p.name for p in run.iterdir()} & {"illumina.dcmodel", "illumina.md", "report.html"}
    assert not leftovers(small_disk)
    (small_disk / "ballast").unlink()
    trained = []
    monkeypatch.setattr(GenotypeModule, "training_step", lambda *args: trained.append(args))
    assert_same_model(train([whole.examples], run, SHORT, quiet=True).model, whole.model)
    assert not trained  # nothing was learned again


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("writer", ["checkpoint", "log"])
def test_any_writer_that_finds_no_room_is_one_line(whole, tmp_path, monkeypatch, number, writer):
    """The same without a disk to fill: whoever writes, the error is told and the checkpoint before it stays."""
    import pytorch_lightning as pl
    from pytorch_lightning.loggers import CSVLogger

    owner, name = (pl.Trainer, "save_checkpoint") if writer == "checkpoint" else (CSVLogger, "save")
    write, calls = getattr(owner, name), []

    def fails(*args, **kwargs):
        calls.append(args)
        if len(calls) > 1 and (
            writer == "checkpoint" or (tmp_path / "run/checkpoints/small/last.ckpt").exists()
        ):
            raise OSError(number, os.strerror(number))
        return write(*args, **kwargs)

    monkeypatch.setattr(owner, name, fails)
    with pytest.raises(
        DeepcohortError, match=r"disk (full|quota used up) while writing .*run.*free space and run again"
    ) as caught:
        train([whole.examples], tmp_path / "run", SHORT, quiet=True)
    assert "\n" not in str(caught.value)
    assert epoch_of(tmp_path / "run", "small") >= 1
    assert not leftovers(tmp_path)


def test_other_faults_keep_their_traceback():
    with pytest.raises(OSError, match="Input/output") as caught, disk_full_as_error("x"):
        raise OSError(errno.EIO, "Input/output error")
    assert not isinstance(caught.value, DeepcohortError)


@pytest.mark.nightly
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_stopped_and_repeated_gives_the_same_model(whole, tmp_path, sign):
    """The process is killed, or told to stop, and the same command given again."""
    words = [Path(sys.executable).with_name("deepcohort"), *command(whole, tmp_path / "run")]
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    deadline = time.monotonic() + 400
    while "cnn: epoch 1 of" not in (tmp_path / "log").read_text():
        assert process.poll() is None, (tmp_path / "log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(sign)
    # schedulers take 128 + 15 for what it is: stopped from outside, worth another try
    assert process.wait() in (-sign, 128 + sign)
    assert not (tmp_path / "run" / "illumina.dcmodel").exists()
    assert_same_model(train([whole.examples], tmp_path / "run", SHORT, quiet=True).model, whole.model)
    assert (
        tmp_path / "run" / "logs" / "cnn" / "attempt_01"
    ).exists()  # the CNN went on; it did not start anew


def test_a_run_told_to_stop_does_not_look_finished(whole, tmp_path, monkeypatch):
    """Lightning would leave with status 0."""
    step = GenotypeModule.training_step

    def told(self, batch, index):
        if self.current_epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, batch, index)

    monkeypatch.setattr(GenotypeModule, "training_step", told)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught:
        train([whole.examples], tmp_path / "run", SHORT, quiet=True)
    assert caught.value.code == 128 + signal.SIGTERM
    assert epoch_of(tmp_path / "run", "small") >= 1
    assert signal.getsignal(signal.SIGTERM) == before
