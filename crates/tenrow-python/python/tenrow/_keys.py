"""What stands in brackets: rows as people count them, and names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _tenrow
from ._errors import InvalidInput, OutOfRange, WrongType


def is_row(key: Any) -> bool:
    """Whether it is a number, of one row."""
    if isinstance(key, (bool, np.bool_)):
        raise WrongType(f"{key} is no row: a mask is an array with a bool for each")
    if getattr(key, "ndim", None) == 0 and str(getattr(key, "dtype", "")) in ("bool", "torch.bool"):
        raise WrongType(f"{bool(key)} is no row: a mask is an array with a bool for each")
    # Tensors of torch have a length, and even those that are one number.
    return hasattr(key, "__index__") and (not hasattr(key, "__len__") or getattr(key, "ndim", None) == 0)


def row_of(key: Any) -> int:
    """A row that is one number."""
    try:
        if is_row(key):
            return key.__index__()
    except TypeError:
        pass
    else:
        raise WrongType(f"{key!r} is no row: rows are whole numbers")
    raise WrongType(f"{key!r} is no row: rows are whole numbers, and a mask is made some by numpy.flatnonzero")


def places_of(rows: Any, count: int) -> np.ndarray[Any, Any]:
    """Numbers of some of `count` rows, or a mask of all of them in which null is false, as numbers."""
    is_masked = isinstance(rows, np.ma.MaskedArray)
    if is_masked and rows.dtype != bool and np.ma.getmaskarray(rows).any():
        raise InvalidInput("rows: some of them are null")
    places = np.ma.filled(rows, False) if is_masked else np.asarray(rows)
    if places.dtype == bool:
        if places.shape != (count,):
            raise InvalidInput(f"a mask of shape {places.shape}, where there are {count} rows")
        return np.flatnonzero(places)
    if places.dtype.kind not in "iu" and places.size:
        raise WrongType(f"rows are whole numbers, not {places.dtype}")
    missing = places[(places >= count) | (places < -count)] if places.size else places
    if missing.size:
        raise out_of_range(missing[0], count)
    return places.astype(np.int64)


def names_of(attributes: Sequence[str] | str | None) -> list[str] | None:
    """Attributes as a list; a name alone is one of them."""
    if attributes is None:
        return None
    return [attributes] if isinstance(attributes, str) else list(attributes)


def out_of_range(row: int, rows: int) -> OutOfRange:
    """The error of a row that there is not."""
    return OutOfRange(f"row {row} is out of range: there are {rows} rows")


def shown(key: Any) -> str:
    """Keys as they were written."""
    return ", ".join(map(repr, key)) if isinstance(key, tuple) else "..."


def listed(names: Any) -> str:
    """Names as an error lists them: of many only the first, and how many more there are."""
    return _tenrow.names_listed(list(names))
