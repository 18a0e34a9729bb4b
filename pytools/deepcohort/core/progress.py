"""Progress for people: a bar on a terminal, a line now and then in a log."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_LOG_EVERY_S = 20.0


def track(items: Iterable[T], total: int | None, label: str, quiet: bool = False) -> Iterator[T]:
    """Yield `items`, showing how many of `total` are done on stderr."""
    return track_amount(items, total, label, lambda _: 1, lambda n: f"{n:,}", quiet)


def track_bp(
    items: Iterable[T], total_bp: int, label: str, bp_of: Callable[[T], int], quiet: bool = False
) -> Iterator[T]:
    """Yield `items`, showing how much of the genome is done, in Mb, on stderr."""
    return track_amount(items, total_bp, label, bp_of, lambda n: f"{n / 1e6:,.2f} Mb", quiet)


def track_amount(
    items: Iterable[T],
    total: int | None,
    label: str,
    amount_of: Callable[[T], int],
    show: Callable[[int], str],
    quiet: bool = False,
) -> Iterator[T]:
    """Yield `items`, each of which brings `amount_of` it nearer to `total`; `show` words amounts."""
    if quiet:
        yield from items
    elif sys.stderr.isatty():
        yield from _with_bar(items, total, label, amount_of)
    else:
        start = last = time.monotonic()
        done = 0
        for item in items:
            yield item
            done += amount_of(item)
            now = time.monotonic()
            if now - last > _LOG_EVERY_S:
                last = now
                whole = "" if total is None else f" of {show(total)}"
                print(f"{label}: {show(done)}{whole} after {now - start:.0f} s", file=sys.stderr, flush=True)


def _with_bar(
    items: Iterable[T], total: int | None, label: str, amount_of: Callable[[T], int]
) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(label, total=total)
        for item in items:
            yield item
            progress.advance(task, amount_of(item))
