"""Datasets and views as lazy frames of polars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.io.plugins import register_io_source

if TYPE_CHECKING:
    from ._readable import Readable


def lazy_frame(source: Readable) -> pl.LazyFrame:
    """All rows; columns, conditions and the number of rows are pushed down."""
    view = source._view
    rows = len(source)

    def batches(
        columns: list[str] | None, predicate: pl.Expr | None, row_limit: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        # Rows that a condition leaves out do not count: with one, all are read until there are enough.
        last = rows if predicate is not None or row_limit is None else min(rows, row_limit)
        left = row_limit
        step = max(batch_size or 1 << 16, 1)
        for start in range(0, last, step):
            stream = view.arrow(start, min(start + step, last), None, columns)
            frame: Any = pl.DataFrame(stream)
            if predicate is not None:
                frame = frame.filter(predicate)
            if left is not None:
                frame = frame.head(left)
                left -= frame.height
            yield frame
            if left == 0:
                return

    empty: Any = pl.DataFrame(view.arrow(0, 0, None, None))
    return register_io_source(batches, schema=empty.schema)
