"""Rows of one version, in an order of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._batches import batches
from ._column import ViewColumn
from ._errors import NotFound, WrongType
from ._keys import is_row, names_of, out_of_range, places_of, shown
from ._schema import Attribute

if TYPE_CHECKING:
    from ._dataset import Dataset


class View:
    """Rows of one version, in an order of their own; made by `Dataset.view`.

    It is read as a dataset is: `view[5]`, `view[:10]`, `view["image"]`, `take`, `scan`.

    >>> import tempfile, tenrow
    >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
    >>> view = ds.create_view("backwards", [2, 1, 0])
    >>> view["n"][:].tolist(), [batch["n"].tolist() for batch in view.scan(2)]
    ([3, 2, 1], [[3, 2], [1]])
    """

    def __init__(self, dataset: Dataset, rows: np.ndarray[Any, Any], name: str | None = None) -> None:
        self.dataset, self.rows, self.name = dataset, rows, name

    @property
    def schema(self) -> dict[str, Attribute]:
        """The attributes by their names, in order."""
        return self.dataset.schema

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, name: object) -> bool:
        return name in self.dataset

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return ViewColumn(self, key)
        if is_row(key):
            return self.dataset[self._row(key.__index__())]
        return self.dataset.take(self._rows(key))

    def _rows(self, key: Any) -> np.ndarray[Any, Any]:
        """Rows of the dataset, of a slice, a list or a mask of the view."""
        if isinstance(key, slice):
            return self.rows[key]
        if isinstance(key, tuple) or key is Ellipsis:
            raise WrongType(f"[{shown(key)}]: a view has rows and names, so give one of them, or a list of rows")
        return self.rows[places_of(key, len(self))]

    def _row(self, place: int) -> int:
        if not -len(self) <= place < len(self):
            raise out_of_range(place, len(self))
        return int(self.rows[place])

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
        rows = dataset._snapshot.rows_of(self.dataset._snapshot, self.rows)
        if not skip_deleted and (rows < 0).any():
            gone = int((rows < 0).sum())
            raise NotFound(f"{gone} of {len(rows)} rows of the view {self.name!r} are deleted in version {dataset.version}: skip_deleted=True leaves them out")
        return View(dataset, rows[rows >= 0], self.name)

    def take(
        self, rows: Any, attributes: Sequence[str] | str | None = None, out: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """As `Dataset.take`, with rows counted within the view."""
        return self.dataset.take(self._rows(rows), attributes, out)

    def scan(
        self, batch_size: int | None = None, attributes: Sequence[str] | str | None = None
    ) -> Iterator[dict[str, Any]]:
        """All rows of the view in its order, as dicts of columns of up to `batch_size` rows, by default 1024."""
        return batches(self, 1024 if batch_size is None else batch_size, attributes, None, False)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.dataset._snapshot.arrow_rows(self.rows, None).__arrow_c_stream__(requested_schema)

    def to_arrow(self, attributes: Sequence[str] | str | None = None) -> Any:
        """All rows of the view as a `pyarrow.Table`."""
        import pyarrow

        return pyarrow.table(self.dataset._snapshot.arrow_rows(self.rows, names_of(attributes)))

    def to_pandas(self, attributes: Sequence[str] | str | None = None) -> Any:
        """All rows of the view as a `pandas.DataFrame`; needs pyarrow as well."""
        return self.to_arrow(attributes).to_pandas()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[row] for row in range(len(self)))

    def __repr__(self) -> str:
        return f"View({self.name!r}, rows={len(self):,} of {self.dataset!r})"
