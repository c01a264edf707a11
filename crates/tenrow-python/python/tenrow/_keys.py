"""Rows and names as people give them; what stands in brackets is told by the native part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import _tenrow
from ._errors import WrongType


def row_of(key: Any) -> int:
    """A row that is one number."""
    try:
        if _tenrow.is_row(key):
            return key.__index__()
    except TypeError:
        pass
    else:
        raise WrongType(f"{key!r} is no row: rows are whole numbers")
    raise WrongType(f"{key!r} is no row: rows are whole numbers, and a mask is made some by numpy.flatnonzero")


def names_of(attributes: Sequence[str] | str | None) -> list[str] | None:
    """Attributes as a list; a name alone is one of them."""
    if attributes is None:
        return None
    return [attributes] if isinstance(attributes, str) else list(attributes)


def shown(key: Any) -> str:
    """Keys as they were written."""
    return ", ".join(map(repr, key)) if isinstance(key, tuple) else "..."


def listed(names: Any) -> str:
    """Names as an error lists them: of many only the first, and how many more there are."""
    return _tenrow.names_listed(list(names))
