"""How far long work is: bars of `tqdm`, or whatever a function does that is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple


class Progress(NamedTuple):
    """How far an operation is: what is done, all there is if that is known, and the bytes that were read or written for it.

    What counts is said by each that takes a `progress`: rows, partitions or objects.
    """

    done: int
    total: int | None
    bytes: int


#: A bar of `tqdm`, or a function that is called from time to time; if it raises, the work stops with its exception.
Shown = bool | Callable[[Progress], Any]
#: What is called with `done`, `total` and `bytes`.
Report = Callable[[int, int | None, int], None]


@contextmanager
def reporting(progress: Shown, unit: str) -> Iterator[Report | None]:
    """What is to be called with how far the work is; `None` if nobody wants to know."""
    if callable(progress):
        told = progress
        yield lambda done, total, bytes: told(Progress(done, total, bytes))
        return
    if not progress:
        yield None
        return
    from tqdm.auto import tqdm

    with tqdm(unit=" " + unit) as bar:

        def report(done: int, total: int | None, bytes: int) -> None:  # noqa: A002
            bar.total = total
            bar.update(done - bar.n)

        yield report


def counted(
    pieces: Iterable[Any], size: Callable[[Any], int], progress: Shown, unit: str, total: int | None = None
) -> Iterator[Any]:
    """The pieces; whoever wants to know is told the sum of the sizes of those that were dealt with."""
    with reporting(progress, unit) as report:
        done = 0
        for piece in pieces:
            yield piece
            done += size(piece)
            if report is not None:
                report(done, total, 0)
