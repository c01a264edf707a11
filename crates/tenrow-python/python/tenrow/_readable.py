"""Rows that are read: all of a version, or those of a view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from . import _tenrow
from ._answer import Answer, parameters_of
from ._column import Column
from ._errors import InvalidInput, WrongType
from ._file import wrapped
from ._keys import names_of, shown
from ._progress import Shown, counted
from ._schema import Attribute


class Readable:
    """What `Dataset` and `View` have in common: every way to read rows, which are counted from 0."""

    #: What it is called in errors.
    _kind = "dataset"
    #: Columns that were asked for.
    _columns: dict[str, Any]

    # -- what is read

    @property
    def _view(self) -> Any:
        """The rows, of the native part."""
        raise NotImplementedError

    @property
    def _where(self) -> tuple[str, dict[str, str]]:
        """Where the dataset is, and how its store is reached."""
        raise NotImplementedError

    @property
    def schema(self) -> dict[str, Attribute]:
        """The attributes by their names, in order.

        >>> import numpy as np, tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"x": np.zeros((3, 2, 2), np.uint8)})
        >>> ds.schema["x"].dtype, ds.schema["x"].shape
        ('u8', (2, 2))
        """
        return {about["name"]: Attribute._of(about) for about in self._view.schema()}

    def __len__(self) -> int:
        return len(self._view)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self.schema

    # -- rows

    def __getitem__(self, key: Any) -> Any:
        view = self._view
        if type(key) is str:
            column = self._columns.get(key)
            if column is None:
                tensors = view.tensors(key)
                column = self._columns[key] = Column(self, key) if tensors is None else tensors
            return column
        if isinstance(key, tuple) or key is Ellipsis:
            raise WrongType(f"[{shown(key)}]: a {self._kind} has rows and names, so give one of them, or a list of rows")
        return wrapped(view.get(key))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[row] for row in range(len(self)))

    def take(
        self,
        rows: Any,
        attributes: Sequence[str] | str | None = None,
        out: Mapping[str, Any] | None = None,
        *,
        verify: str | None = None,
    ) -> dict[str, Any]:
        """These rows in this order, as a dict of columns; a mask of all rows serves as well.

        Tensors are one array each, rows first; `out` maps names to arrays that are filled instead. `verify` is
        `"always"`, `"fetched"` or `"never"`. Raises `IndexError` for a row that there is not, `KeyError` for an
        attribute.

        >>> import numpy as np, tempfile, tenrow
        >>> place = tempfile.mkdtemp() + "/x"
        >>> ds = tenrow.from_numpy(place, {"x": np.arange(12.0).reshape(4, 3)})
        >>> ds.take([-1, 0])["x"]
        array([[ 9., 10., 11.],
               [ 0.,  1.,  2.]])
        """
        if out is not None and not isinstance(out, Mapping):
            raise WrongType(f"out: expected a dict from names to arrays, found {type(out).__name__}")
        given = None if out is None else dict(out)
        return wrapped(self._view.take(rows, names_of(attributes), given, verify))

    def scan(
        self,
        batch_size: int | None = None,
        attributes: Sequence[str] | str | None = None,
        *,
        filter: str | None = None,  # noqa: A002
        rows: slice | None = None,
        verify: str | None = None,
        progress: Shown = False,
    ) -> Iterator[dict[str, Any]]:
        """All rows in order, as dicts of columns of up to `batch_size` rows: fetched ahead, in bounded memory.

        `filter` is a condition of SQL, such as `"label = 3 AND score > 0.5"`. `progress` shows a bar of `tqdm` of the
        rows, or is called with a `Progress` of them. Raises
        `KeyError` for an attribute that there is not, `ValueError` for a condition that is none.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> [batch["n"].tolist() for batch in ds.scan(batch_size=2)]
        [[1, 2], [3]]
        >>> [batch["n"].tolist() for batch in ds.scan(filter="n <> 2")]
        [[1, 3]]
        """
        if batch_size is not None and batch_size < 1:
            raise InvalidInput(f"batch_size={batch_size}: a batch has a row at least")
        start, stop, step = (rows or slice(None)).indices(len(self))
        if step != 1:
            raise InvalidInput(f"rows: a step of {step}, and a scan has none")
        view, stop = self._view, max(start, stop)
        if filter is not None:
            found = self.rows_where(filter)
            view = view.part(found[(found >= start) & (found < stop)])
            start, stop = 0, len(view)
        batches = view.scan(start, stop, batch_size, names_of(attributes), verify)
        if progress:
            batches = counted(batches, _row_count, progress, "rows", stop - start)
        return map(wrapped, batches)

    def rows_where(self, condition: str) -> np.ndarray[Any, Any]:
        """The numbers of the rows for which a condition of SQL is true, ascending; of a view, places in it.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> ds.rows_where("n >= 2").tolist()
        [1, 2]
        """
        # On lines of its own a comment in it ends.
        answer = self.sql(f"SELECT _row FROM ds WHERE (\n{condition}\n) ORDER BY _row")
        return self._places(_tenrow.rows_of(answer._batches))

    def _places(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Where rows of the version are."""
        raise NotImplementedError

    # -- other libraries

    def sql(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Answer:
        """Answers one statement: a stream of rows, read once.

        `parameters` are values for `$1`, `$2` … in the statement, or by name for `$name`: no text of a user need be put into it.

        These rows are called `ds` in it; the datasets beside this one have their names, in the versions that are the newest
        now. The answer gives its batches as dicts of columns, as `scan` does, and has `to_arrow`, `to_pandas` and
        `to_polars`; it is computed as it is read. `INSERT`, `UPDATE` and `DELETE` commit at once: this version stays what
        it is, and `ds.latest()` has the rows. Several statements, which `;` separates, run in order until one
        fails, and the answer is that of the last.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> answer = ds.sql("DELETE FROM x WHERE n >= $1", [2])
        >>> ds.latest()["n"][:].tolist()
        [1]
        """
        uri, options = self._where
        above = uri.rstrip("/").rpartition("/")[0]
        roots = [("data", above)] if above and not above.endswith(":/") else []
        values = parameters_of(parameters)
        return Answer(_tenrow.sql(statement, roots, options, None, [("ds", self._view)], values))

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._arrow().__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
        return self._view.arrow(0, 0, None, None).__arrow_c_schema__()

    def _arrow(self, attributes: Sequence[str] | str | None = None) -> Any:
        return self._view.arrow(0, len(self), None, names_of(attributes))

    def to_arrow(self, attributes: Sequence[str] | str | None = None) -> Any:
        """All rows as a `pyarrow.Table`; tensors are `pyarrow`'s fixed-shape tensors."""
        import pyarrow

        return pyarrow.table(self._arrow(attributes).collected())

    def to_pandas(self, attributes: Sequence[str] | str | None = None) -> Any:
        """All rows as a `pandas.DataFrame`; needs pyarrow as well."""
        chosen = [self.schema[name] for name in names_of(attributes) or self.schema]
        for attribute in chosen:
            if attribute.dtype == "bf16":
                raise InvalidInput(f'attribute "{attribute.name}": pandas has no bf16: leave it out, by giving the others')
        return self.to_arrow(attributes).to_pandas()

    def to_polars(self) -> Any:
        """All rows as a `polars.LazyFrame`: only what a query needs is read.

        Columns and the number of rows are pushed down, and so are conditions, which polars applies to each batch.
        """
        from ._polars import lazy_frame

        return lazy_frame(self)


def _row_count(batch: Mapping[str, Any]) -> int:
    return len(next(iter(batch.values()), ()))
