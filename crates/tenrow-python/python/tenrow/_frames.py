"""Frames and columns of other libraries, before Arrow hides what they hold."""

from __future__ import annotations

from typing import Any

from ._errors import WrongType


def checked(values: Any) -> Any:
    """The same, without what nobody named; refuses frames of polars that hold objects of Python, which Arrow gives as addresses."""
    library = type(values).__module__.partition(".")[0]
    if library == "pandas":
        # Of a frame that was filtered: numbers of rows that are no data, which Arrow makes a column of.
        names = getattr(getattr(values, "index", None), "names", ["a series"])
        is_frame = hasattr(values, "columns")
        return values.reset_index(drop=True) if is_frame and all(name is None for name in names) else values
    if library != "polars":
        return values
    schema = getattr(values, "schema", None) or {getattr(values, "name", ""): getattr(values, "dtype", None)}
    for name, dtype in schema.items():
        if _has_objects(dtype):
            raise WrongType(f'attribute "{name}": objects of Python are no data: make values of them, as with map_elements')
    return values


def _has_objects(dtype: Any) -> bool:
    inner = [getattr(dtype, "inner", None), *(getattr(field, "dtype", None) for field in getattr(dtype, "fields", None) or ())]
    return str(dtype) == "Object" or any(_has_objects(part) for part in inner if part is not None)
