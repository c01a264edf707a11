"""Bars of `tqdm`, for who asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def bar(shown: bool, unit: str, total: int | None = None) -> Iterator[Callable[..., None] | None]:
    """What is to be called with how much is done, and of how much; `None` if nothing is shown."""
    if not shown:
        yield None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, unit=" " + unit) as shown_bar:

        def report(done: int, total: int | None = None) -> None:
            if total is not None:
                shown_bar.total = total
            shown_bar.update(done - shown_bar.n)

        yield report


def counted(pieces: Iterable[Any], size: Callable[[Any], int], unit: str, total: int | None = None) -> Iterator[Any]:
    """The pieces, with a bar of the sum of their sizes."""
    with bar(True, unit, total) as report:
        assert report is not None
        done = 0
        for piece in pieces:
            yield piece
            done += size(piece)
            report(done)


def reporting(compute: Callable[[dict[str, Any]], Any], report: Callable[..., None] | None) -> Callable[[dict[str, Any]], Any]:
    """A function that says how many rows it has computed."""
    if report is None:
        return compute
    done = 0

    def computed(rows: dict[str, Any]) -> Any:
        nonlocal done
        values = compute(rows)
        done += len(values)
        report(done)
        return values

    return computed
