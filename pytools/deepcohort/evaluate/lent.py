"""What threads open for themselves, once each: to open it reads an index, and contigs may be many."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar


class _Closable(Protocol):
    def close(self) -> None:
        """Close the file."""
        ...


T = TypeVar("T", bound=_Closable)


class Lent(Generic[T]):
    """Lends an open file to whoever asks, and opens another where all are lent."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._idle: SimpleQueue[T] = SimpleQueue()

    @contextmanager
    def one(self) -> Iterator[T]:
        """One that nobody else has."""
        try:
            found = self._idle.get_nowait()
        except Empty:
            found = self._make()
        try:
            yield found
        finally:
            self._idle.put(found)

    def close(self) -> None:
        """Close all of them."""
        while not self._idle.empty():
            self._idle.get_nowait().close()
