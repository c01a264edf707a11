"""Answers of SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import _tenrow
from ._schema import infer_column


def parameters_of(given: Sequence[Any] | Mapping[str, Any]) -> list[tuple[str, str, list[Any]]]:
    """Values for the parameters of a statement: each by its name, with its type, in a list of one; no type is null's."""
    named = given.items() if isinstance(given, Mapping) else ((str(place), value) for place, value in enumerate(given, 1))
    return [(name, "" if value is None else _type_of("$" + name, value), [value]) for name, value in named]


def _type_of(name: str, value: Any) -> str:
    # Lists of lists are lists whatever their lengths: to SQL the rows of a tensor are flat.
    is_nested = isinstance(value, (list, tuple)) and any(isinstance(item, (list, tuple)) for item in value)
    return infer_column(name, [value], are_all=not is_nested)


class Answer:
    """The rows that a statement gives, read once: dicts of columns, batch by batch, or a stream for whoever speaks Arrow.

    Rows are computed as they are asked for, so an answer may be larger than memory; forgetting it ends the work. What is
    wrong with a row is found when its batch is read, and an answer that has failed or was interrupted ends there.

    >>> import tempfile, tenrow
    >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
    >>> [batch["double"].tolist() for batch in ds.sql("SELECT n * 2 AS double FROM ds WHERE n > 1")]
    [[4, 6]]
    """

    # In Python, for what is called here may take long, and a thread that the end of the process finds in Python beneath
    # native code takes the process down with it.

    def __init__(self, batches: Any) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self._batches.check_unread()
        return self

    def __next__(self) -> dict[str, Any]:
        columns = _tenrow.next_columns(self._batches)
        if columns is None:
            raise StopIteration
        return columns

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._batches.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
        return self._batches.__arrow_c_schema__()

    def to_arrow(self) -> Any:
        """All rows as a `pyarrow.Table`."""
        import pyarrow

        return pyarrow.table(self._batches.collected())

    def to_pandas(self) -> Any:
        """All rows as a `pandas.DataFrame`; needs pyarrow as well."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> Any:
        """All rows as a `polars.DataFrame`."""
        import polars

        return polars.DataFrame(self._batches.collected())

    def __repr__(self) -> str:
        return repr(self._batches)
