"""How a command ends when it is told to: temporary files removed, exit code of the signal, no trace."""

import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_told: list[int] = []
_SECONDS_UNTIL_ASKED_AGAIN = 0.01


def listen() -> None:
    """From now on SIGTERM ends this process as Ctrl-C does: by an exception, so that it can tidy up.

    Called in the main thread, before anything is imported that takes time.
    """
    own = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != own:  # a child that was forked by a library
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if not _told and _is_deaf(frame):
            ask_again(number)
            return
        first = not _told
        _told.append(number)
        if first:  # tidying up is not interrupted
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    def ask_again(number: int) -> None:
        signal.signal(signal.SIGALRM, lambda _, later: stop(number, later))
        signal.setitimer(signal.ITIMER_REAL, _SECONDS_UNTIL_ASKED_AGAIN)

    def lost(what: "UnraisableHookArgs") -> None:
        """Python could not pass an exception on: C code that it came through has no way to.

        Of places where it would break off what must be finished, _is_deaf knows before.
        """
        if not _told or not issubclass(what.exc_type, KeyboardInterrupt | SystemExit):
            sys.__unraisablehook__(what)
            return
        number = _told[0]
        _told.clear()  # of those that came since too: one will do
        ask_again(number)

    sys.unraisablehook = lost
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) not in (signal.SIG_IGN, None):  # nohup, a shell's `command &`
            signal.signal(number, stop)


def stop_listening() -> None:
    """From now on a signal ends this process at once: nothing is left to tidy up, and Python is ending.

    One that was put off comes too late.
    """
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, signal.SIG_DFL)


def _is_deaf(frame: FrameType | None) -> bool:
    """Whether an exception raised in `frame` would be lost: C code that calls back cannot pass it on."""
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__del__" or "llvmlite" in code.co_filename:
            return True
        if code.co_name == "cb" and "importlib" in code.co_filename:  # a lock of imports is let go
            return True
        frame = frame.f_back
    return False


def told_to_stop() -> int | None:
    """Exit code of the signal that came, or None."""
    return 128 + _told[0] if _told else None


def exit_at_once(code: int) -> NoReturn:
    """End without running what libraries registered for the end: they may be half imported."""
    os._exit(code)
