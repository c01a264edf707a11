"""Batches of rows for frameworks that want arrays of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from . import _tenrow
from ._errors import InvalidInput


def batches(
    source: Any, batch_size: int, attributes: Sequence[str] | str | None, rows: Any, drop_remainder: bool
) -> Iterator[dict[str, Any]]:
    """The rows of a dataset or view, in this order or their own, as dicts of arrays that may be written."""
    if batch_size < 1:
        raise InvalidInput(f"batch_size={batch_size}: a batch has a row at least")
    order = np.arange(len(source)) if rows is None else _tenrow.places_of(rows, len(source))
    for start in range(0, len(order), batch_size):
        some = order[start : start + batch_size]
        if len(some) < batch_size and drop_remainder:
            return
        yield source.take(some, attributes)
