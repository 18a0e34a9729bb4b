"""Signals that come where an exception would be lost."""

import subprocess
import sys

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
