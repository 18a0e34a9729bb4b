"""Signals that come where an exception would be lost."""

import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import os, signal, time, weakref
signal.signal(signal.SIGTERM, signal.SIG_DFL)
from deepcohort.core.stopping import listen
listen()
code = "def cb():\\n    os.kill(os.getpid(), signal.SIGTERM)\\n    time.sleep(0)\\n"
names = {"os": os, "signal": signal, "time": time}
exec(compile(code, "<frozen importlib._bootstrap>", "exec"), names)
class Lock: pass
lock = Lock()
watched = weakref.ref(lock, lambda _: names["cb"]())
del lock
time.sleep(5)
print("went on")
"""


def test_a_signal_while_an_import_lets_its_lock_go_is_not_lost() -> None:
    """Python drops what is raised in the callback of a weak reference, and goes on."""
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "")


_LATE = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_DFL)
from deepcohort.core.stopping import listen, stop_listening
listen()
class Deaf:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)
Deaf()
stop_listening()
time.sleep(0.1)
print("done")
"""


def test_a_signal_that_was_put_off_until_all_is_done_comes_too_late() -> None:
    done = subprocess.run([sys.executable, "-c", _LATE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


_STRUCK = """
import os, shutil, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_DFL)
from deepcohort.core import outputs, stopping
stopping.listen()
whole = shutil.rmtree
def struck(folder, **words):
    outputs.shutil.rmtree = whole
    os.kill(os.getpid(), signal.SIGTERM)
outputs.shutil.rmtree = struck
with outputs.scratch_folder("x-", sys.argv[1]) as folder:
    (folder / "file").write_text("text")
"""


def test_a_signal_while_a_folder_is_removed_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _STRUCK, tmp_path], capture_output=True, check=False)
    assert done.returncode == 143
    assert list(tmp_path.iterdir()) == []


_LOST = """
import ctypes, os, signal, sys, time
signal.signal(getattr(signal, sys.argv[1]), signal.default_int_handler)
from deepcohort.core.stopping import listen
listen()
def strike():
    os.kill(os.getpid(), getattr(signal, sys.argv[1]))
    time.sleep(0)
try:
    ctypes.CFUNCTYPE(None)(strike)()
    time.sleep(5)
    print("went on")
finally:
    print("tidied up")
"""


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", -2)])
def test_a_signal_that_c_code_drops_comes_again(name: str, code: int) -> None:
    """Cython's callbacks and those of ctypes tell of what is raised in them, and go on."""
    done = subprocess.run([sys.executable, "-c", _LOST, name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "tidied up\n")
    assert "ignored" not in done.stderr


def test_of_two_signals_that_come_there_one_is_raised_again() -> None:
    """The second comes while the first is on its way out, and is held back as tidying up would be."""
    strike = "os.kill(os.getpid(), getattr(signal, sys.argv[1]))"
    twice = f"try:\n        {strike}\n        time.sleep(1)\n    finally:\n        os.kill(os.getpid(), signal.SIGTERM)"
    script = _LOST.replace(strike, twice).replace(
        "listen()\ndef", "signal.signal(signal.SIGTERM, signal.SIG_DFL)\nlisten()\ndef"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "SIGINT"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (-2, "tidied up\n")


def test_other_exceptions_that_c_code_drops_are_told_as_usual() -> None:
    script = _LOST.replace(
        "os.kill(os.getpid(), getattr(signal, sys.argv[1]))", "raise ValueError('of its own')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script.replace("sleep(5)", "sleep(0)"), "SIGINT"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "went on\ntidied up\n")
    assert "ValueError: of its own" in done.stderr
