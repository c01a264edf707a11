"""Rows of one version, in an order of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import NotFound
from ._readable import Readable

if TYPE_CHECKING:
    from ._dataset import Dataset


class View(Readable):
    """Rows of one version, in an order of their own; made by `Dataset.rows`, kept by `Dataset.create_view`.

    It is read as a dataset is: `view[5]`, `view[:10]`, `view["image"]`, `take`, `scan`, `sql`. Rows are counted within it.

    >>> import tempfile, tenrow
    >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
    >>> view = ds.create_view("backwards", [2, 1, 0])
    >>> view["n"][:].tolist(), [batch["n"].tolist() for batch in view.scan(2)]
    ([3, 2, 1], [[3, 2], [1]])
    """

    _kind = "view"

    def __init__(self, dataset: Dataset, rows: Any, name: str | None = None) -> None:
        self.dataset, self.name = dataset, name
        self._opened_by = dataset._snapshot
        self._known = self._opened_by.rows_of(rows)
        self._columns: dict[str, Any] = {}

    @property
    def _view(self) -> Any:
        snapshot = self.dataset._snapshot
        # After a fork the dataset of a store is opened anew.
        if snapshot is not self._opened_by:
            self._opened_by, self._known, self._columns = snapshot, snapshot.rows_of(self._known), {}
        return self._known

    @property
    def _where(self) -> tuple[str, dict[str, str]]:
        return self.dataset._where

    def _places(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.flatnonzero(np.isin(self.row_numbers, rows))

    @property
    def row_numbers(self) -> np.ndarray[Any, Any]:
        """Its rows, as numbers in their version."""
        return self._view.rows()

    def rows(self, rows: Any) -> View:
        """The rows at these places of it, as a view that nothing keeps; given as to `Dataset.rows`."""
        return View(self.dataset, self._view.part(rows))

    def at(self, dataset: Dataset, *, skip_deleted: bool = False) -> View:
        """The same rows in another version, where there are columns that came later, or fewer rows.

        Rows are known by their ids, so it does not matter where they stand there. Raises `NotFound` if some of them were
        deleted, unless `skip_deleted` leaves them out.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> train = ds.create_view("train", [2, 0])
        >>> later = ds.delete([1]).add_column("double", [2, 6], type="i64")
        >>> train.at(later)["double"][:].tolist()
        [6, 2]
        """
        there = self._view.present_at(dataset._view)
        gone = len(self) - len(there)
        if gone and not skip_deleted:
            what = "the view" if self.name is None else f"the view {self.name!r}"
            raise NotFound(f"{gone} of {len(self)} rows of {what} are deleted in version {dataset.version}: skip_deleted=True leaves them out")
        return View(dataset, there, self.name)

    def __reduce__(self) -> Any:
        return _reopened, (self.dataset, self.row_numbers, self.name)

    def __repr__(self) -> str:
        name = "" if self.name is None else f"{self.name!r}, "
        return f"View({name}rows={len(self):,} of {self.dataset!r})"


def _reopened(dataset: Dataset, rows: np.ndarray[Any, Any], name: str | None) -> View:
    """The view that was pickled."""
    return View(dataset, dataset._view.part(rows), name)
