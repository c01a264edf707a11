"""Rows on their way into a dataset: nothing is visible before the commit, and after an exception nothing ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._arrays import array_of
from ._errors import WrongType
from ._frames import checked

if TYPE_CHECKING:
    from ._dataset import Dataset


class Writer:
    """Appends rows; made by `tenrow.create` and `Dataset.writer`.

    Left without an exception, the `with` block commits; with one, nothing of it is ever visible. A closed writer raises
    `RuntimeError`.
    """

    def __init__(self, writer: Any, reopened: Callable[[int], Dataset]) -> None:
        self._writer, self._reopened = writer, reopened
        self._committed: Dataset | None = None
        self._is_aborted = False

    def append(self, rows: Any, *, cast: str = "refuse") -> None:
        """Appends rows: a dict of columns, or whatever speaks Arrow (pandas, polars, pyarrow).

        `cast` says what values of other types become: nothing, or with `"safe"`, `"round"` or `"lossy"` what they may.
        Columns are numpy arrays, torch tensors, Arrow arrays, or lists. Of a dict all rows are taken or, with an error that
        names the attribute, none; Arrow's batches are taken one by one.
        """
        if isinstance(rows, Mapping):
            self._writer.append({name: array_of(values) for name, values in rows.items()}, cast)
        elif hasattr(rows, "__arrow_c_stream__") or hasattr(rows, "__arrow_c_array__"):
            self._writer.append_arrow(checked(rows), cast)
        else:
            raise WrongType(f"rows: a dict of columns, or an Arrow table, not {type(rows).__name__}")

    @property
    def row_count(self) -> int:
        """Rows appended so far."""
        return self._writer.row_count

    def commit(self) -> Dataset:
        """Makes the rows visible as one version, and gives it; the writer is closed then."""
        self._committed = self._reopened(self._writer.commit().version)
        return self._committed

    def abort(self) -> None:
        """Closes the writer without a commit."""
        self._is_aborted = True
        self._writer.abort()

    @property
    def dataset(self) -> Dataset:
        """The version that was committed."""
        if self._committed is None:
            raise RuntimeError("the writer has not committed")
        return self._committed

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abort()
        elif self._committed is None and not self._is_aborted:
            self.commit()


def write_options(given: dict[str, Any]) -> dict[str, Any]:
    """Options of a writer; a key alone is a list of one."""
    by = given.get("partition_by")
    return {**given, "partition_by": [by]} if isinstance(by, str) else given
