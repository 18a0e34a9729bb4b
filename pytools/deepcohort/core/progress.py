"""Progress for people: a bar on a terminal, a line now and then in a log."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_LOG_EVERY_S = 20.0


def track(items: Iterable[T], total: int | None, label: str, quiet: bool = False) -> Iterator[T]:
    """Yield `items`, showing how many of `total` are done on stderr."""
    if quiet:
        yield from items
        return
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track as rich_track

        yield from rich_track(items, description=label, total=total, console=Console(stderr=True))
        return
    start = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last > _LOG_EVERY_S:
            last = now
            print(f"{label}: {done} of {total or '?'} after {now - start:.0f} s", file=sys.stderr, flush=True)
