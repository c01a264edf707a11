"""Datasets and their rows."""

from __future__ import annotations

import json
import operator
import os
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from . import _tenrow
from ._answer import Answer, parameters_of
from ._arrays import array_of
from ._column import Column
from ._errors import InvalidInput, NotFound, WrongType
from ._file import wrapped
from ._keys import is_row, names_of, shown
from ._progress import bar, counted, reporting
from ._schema import Attribute, TypeLike, _type_of, infer_column
from ._view import View
from ._writer import Writer, write_options

#: Datasets in stores that are asked over connections, which do not outlive a fork.
_REMOTE: weakref.WeakSet[Dataset] = weakref.WeakSet()


def _forget_connections() -> None:
    _tenrow.forked()
    for dataset in _REMOTE:
        dataset._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)


def open(  # noqa: A001
    uri: str | PathLike[str],
    version: int | str | None = None,
    tag: str | None = None,
    options: Mapping[str, str] | None = None,
) -> Dataset:
    """Opens a dataset: its newest version, an older one by number, or the one with a tag.

    A `version` that is a text is a tag or `latest`, as for the program: `tenrow.open(place, "best")`.
    `options` say how an object store is reached, such as `{"region": "eu-west-1"}`.

    Raises `NotADataset` if there is none, `NotFound` for a version or tag that is not there.

    >>> import tenrow
    >>> tenrow.open("/nothing/there")
    Traceback (most recent call last):
    tenrow.NotADataset: ...
    """
    if version is not None and tag is not None:
        raise InvalidInput(f"version={version} and tag={tag!r}: give one of them")
    is_text = isinstance(version, str)
    if isinstance(version, bool) or not (version is None or is_text or hasattr(version, "__index__")):
        raise WrongType(f"version={version!r}: a version is a whole number, or a tag as text")
    if version is not None and not is_text and operator.index(version) < 1:
        raise NotFound(f"no version {version}: they are numbered from 1")
    return Dataset(_State(os.fsdecode(uri), dict(options or {}), version, tag))


def _reopened(uri: str, version: int, options: dict[str, str]) -> Dataset:
    """The version that was pickled; `deepcopy` and other processes make it anew."""
    return open(uri, version, None, options)


def _column_of(uri: str, version: int, options: dict[str, str], name: str, row: None) -> Any:
    return _reopened(uri, version, options)[name]


def _handle_of(uri: str, version: int, options: dict[str, str], name: str, row: int) -> Any:
    return _reopened(uri, version, options)._snapshot.row(row, [name])[name]


class _State:
    """A version that is opened when it is needed, and again in another process."""

    def __init__(self, uri: str, options: dict[str, str], version: int | str | None, tag: str | None) -> None:
        self.place = _tenrow.Dataset(uri, options)
        # Absolute: the current folder may be another when it is opened again.
        self.uri, self.options = self.place.uri, options
        if tag is not None:
            self.snapshot = self.place.tagged(tag)
        elif isinstance(version, str):
            self.snapshot = self.place.named(version)
        elif version is not None:
            self.snapshot = self.place.at_version(version)
        else:
            self.snapshot = self.place.latest()
        # Wherever it is opened again, it is the same.
        self.version = self.snapshot.version


class Dataset:
    """One version of a dataset; made by `tenrow.open`.

    Rows are numbered from 0. `ds[5]` is one row, `ds[10:20]` and `ds[[5, 9, 5]]` are several, as dicts; `ds["image"]`
    is a column. Tensors of local datasets are read-only views of mapped files.

    >>> import numpy as np, tempfile, tenrow
    >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"x": np.arange(6.0).reshape(3, 2), "name": ["a", "b", "c"]})
    >>> ds[-1]
    {'x': array([4., 5.]), 'name': 'c'}
    >>> ds[1:]["name"], ds["x"][0].flags.writeable
    (['b', 'c'], False)
    >>> ds[ds["name"] == "c"]["x"].tolist()
    [[4.0, 5.0]]
    >>> ds[3]
    Traceback (most recent call last):
    tenrow.OutOfRange: row 3 is out of range: there are 3 rows
    """

    def __init__(self, state: _State) -> None:
        self._known: Any = state.place
        self._uri, self._options = state.uri, state.options
        self._opened: Any = state.snapshot
        self._version = state.version
        self._columns: dict[str, Any] = {}
        if not state.place.is_local:
            _REMOTE.add(self)

    # -- what it is

    @property
    def _place(self) -> Any:
        if self._known is None:
            self._known = _tenrow.Dataset(self._uri, self._options)
        return self._known

    @property
    def _snapshot(self) -> Any:
        if self._opened is None:
            self._opened = self._place.at_version(self._version)
        return self._opened

    def _forget(self) -> None:
        self._known = self._opened = None
        self._columns = {}

    @property
    def uri(self) -> str:
        """Where it is."""
        return self._place.uri

    @property
    def version(self) -> int:
        """The number of this version."""
        return self._version

    @property
    def schema(self) -> dict[str, Attribute]:
        """The attributes by their names, in order.

        >>> import numpy as np, tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"x": np.zeros((3, 2, 2), np.uint8)})
        >>> ds.schema["x"].dtype, ds.schema["x"].shape
        ('u8', (2, 2))
        """
        return {about["name"]: Attribute._of(about) for about in self._snapshot.schema()}

    @property
    def properties(self) -> dict[str, Any]:
        """What was noted with the dataset."""
        return json.loads(self._snapshot.properties)

    @property
    def size_bytes(self) -> int:
        """The bytes of its Parquet files."""
        return self._snapshot.size_bytes

    def __len__(self) -> int:
        return len(self._snapshot)

    def __repr__(self) -> str:
        names = ", ".join(f"{a.name}: {a.type}" for a in self.schema.values())
        return f"Dataset({self.uri!r}, version={self.version}, rows={len(self):,}, {{{names}}})"

    def __reduce__(self) -> Any:
        return _reopened, (self._uri, self._version, self._options)

    # -- rows

    def __getitem__(self, key: Any) -> Any:
        if type(key) is str:
            column = self._columns.get(key)
            if column is None:
                tensors = self._snapshot.tensors(key)
                column = self._columns[key] = Column(self, key) if tensors is None else tensors
            return column
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step == 1:
                return wrapped(self._snapshot.slice(start, max(start, stop)))
            return self.take(np.arange(start, stop, step))
        if is_row(key):
            return wrapped(self._snapshot.row(key.__index__()))
        if isinstance(key, tuple) or key is Ellipsis:
            raise WrongType(f"ds[{shown(key)}]: a dataset has rows and names, so give one of them, or a list of rows")
        return self.take(key)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self.schema

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
        return wrapped(self._snapshot.take(rows, names_of(attributes), given, verify))

    def scan(
        self,
        batch_size: int | None = None,
        attributes: Sequence[str] | str | None = None,
        *,
        filter: str | None = None,  # noqa: A002
        rows: slice | None = None,
        verify: str | None = None,
        progress: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """All rows in order, as dicts of columns of up to `batch_size` rows: fetched ahead, in bounded memory.

        `filter` is a condition of SQL, such as `"label = 3 AND score > 0.5"`. `progress` shows a bar of `tqdm`. Raises
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
        if filter is not None:
            found = self.rows_where(filter)
            found = found[(found >= start) & (found < stop)]
            self.take([], attributes, verify=verify)
            filtered = self._taken(found, batch_size or 1024, attributes, verify)
            return counted(filtered, _rows, "rows", len(found)) if progress else filtered
        batches = self._snapshot.scan(start, max(start, stop), batch_size, names_of(attributes), verify)
        if progress:
            batches = counted(batches, _rows, "rows", max(stop - start, 0))
        return map(wrapped, batches)

    def _taken(
        self, rows: Any, batch_size: int, attributes: Sequence[str] | str | None, verify: str | None
    ) -> Iterator[dict[str, Any]]:
        for start in range(0, len(rows), batch_size):
            yield self.take(rows[start : start + batch_size], attributes, verify=verify)

    def rows_where(self, condition: str) -> np.ndarray[Any, Any]:
        """The numbers of the rows for which a condition of SQL is true, ascending.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> ds.rows_where("n >= 2").tolist()
        [1, 2]
        """
        # On lines of its own a comment in it ends.
        answer = self.sql(f"SELECT _row FROM ds WHERE (\n{condition}\n) ORDER BY _row")
        return _tenrow.rows_of(answer._batches)

    # -- other libraries

    def sql(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Answer:
        """Answers one statement: a stream of rows, read once.

        `parameters` are values for `$1`, `$2` … in the statement, or by name for `$name`: no text of a user need be put into it.

        The dataset is called `ds` in it, in this version; those beside it have their names, in the versions that are the
        newest now. The answer gives its batches as dicts of columns, as `scan` does, and has `to_arrow`, `to_pandas` and
        `to_polars`; it is computed as it is read. `INSERT`, `UPDATE` and `DELETE` commit at once: this dataset stays the
        version that it is, and `ds.latest()` has the rows. Several statements, which `;` separates, run in order until one
        fails, and the answer is that of the last.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> answer = ds.sql("DELETE FROM x WHERE n >= $1", [2])
        >>> ds.latest()["n"][:].tolist()
        [1]
        """
        above = self.uri.rstrip("/").rpartition("/")[0]
        roots = [("data", above)] if above and not above.endswith(":/") else []
        values = parameters_of(parameters)
        return Answer(_tenrow.sql(statement, roots, self._options, None, [("ds", self._snapshot)], values))

    def __datafusion_table_provider__(self, session: Any) -> Any:
        """For `datafusion.SessionContext.register_table(name, ds)`: columns, conditions and limits are pushed down."""
        return _tenrow.datafusion_table(self._snapshot, session)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._snapshot.arrow(0, len(self), None, None).__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
        return self._snapshot.arrow(0, 0, None, None).__arrow_c_schema__()

    def to_arrow(self, attributes: Sequence[str] | str | None = None) -> Any:
        """All rows as a `pyarrow.Table`; tensors are `pyarrow`'s fixed-shape tensors."""
        import pyarrow

        return pyarrow.table(self._snapshot.arrow(0, len(self), None, names_of(attributes)).collected())

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

    # -- versions and views

    def versions(self) -> list[dict[str, Any]]:
        """The history, the newest first: version, created_ms, operation, rows, partitions, size_bytes.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> [(info["version"], info["rows"]) for info in ds.versions()]
        [(1, 3)]
        """
        return self._place.versions()

    def view(self, name: str) -> View:
        """The rows of a view, in its order, of the version that it is of."""
        version, rows = self._place.view_rows(self._place.latest(), name)
        return View(open(self._uri, version, None, self._options), rows, name)

    def create_view(self, name: str, rows: Any, *, replace: bool = False) -> View:
        """Keeps these rows of this version under a name; the version then never expires.

        Raises `FileExistsError` if there is a view of that name and `replace` is not given.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> train = ds.create_view("train", [2, 0])
        >>> len(train), int(train[0]["n"]), ds.view("train").take([0, 1])["n"].tolist()
        (2, 3, [3, 1])
        """
        self._place.create_view(self._snapshot, name, rows, replace)
        return self.view(name)

    def views(self) -> list[str]:
        """The names of the views that there are by now.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> view = ds.create_view("train", [2, 0])
        >>> ds.views(), ds.tag("best"), ds.tags()
        (['train'], None, {'best': 1})
        """
        return self._place.views()

    def tags(self) -> dict[str, int]:
        """The tags that there are by now, and the versions that they name."""
        return self._place.tags()

    def drop_view(self, name: str) -> None:
        """Forgets a view; its rows stay."""
        self._place.drop_view(name)

    # -- changes: each is one commit, and gives the new version

    def _at(self, snapshot: Any) -> Dataset:
        return open(self._uri, snapshot.version, None, self._options)

    def latest(self) -> Dataset:
        """The newest version."""
        return open(self._uri, None, None, self._options)

    def writer(self, **options: Any) -> Writer:
        """A writer that appends rows: a context manager that commits when it is left, and not after an exception.

        Options are `row_group_bytes`, `partition_bytes`, `partition_by`, `inline_file_bytes`.
        """
        writer = self._place.writer(write_options(options))
        return Writer(writer, lambda version: open(self._uri, version, None, self._options))

    def append(self, rows: Any, *, cast: str = "refuse", **options: Any) -> Dataset:
        """Appends rows in one commit: a dict of columns, or whatever speaks Arrow (pandas, polars, pyarrow).

        Nothing is cast unless `cast` says so: `"safe"` takes what the attributes hold exactly, `"round"` rounds floats
        as well, `"lossy"` gives the nearest. All rows are taken or none. Raises `TypeError` or `ValueError`, naming the attribute, what was found and what was
        expected.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> ds.append({"n": [4]})["n"][:].tolist(), len(ds)
        ([1, 2, 3, 4], 3)
        >>> ds.append({"n": ["four"]})
        Traceback (most recent call last):
        tenrow.WrongType: the rows given: attribute "n": found string, expected i64; ...
        """
        with self.writer(**options) as writer:
            writer.append(rows, cast=cast)
        return self.latest()

    def add_column(
        self,
        name: str,
        values: Any = None,
        *,
        type: TypeLike = None,  # noqa: A002
        inputs: Sequence[str] | None = None,
        default: Any = None,
        cast: str = "safe",
        progress: bool = False,
    ) -> Dataset:
        """Adds an attribute: of an array with a value for each row, or computed from other attributes.

        Who gives a `type` asks for values of it: those that it holds exactly become such. `cast` says what else does, as
        for `append`.

        `values` may be a function, which is given a dict of the columns `inputs` of consecutive rows, all attributes
        without `inputs`, and gives as many values: memory stays bounded. What it has computed is committed now and then,
        so that the same call goes on after an exception, Ctrl-C or a kill; where nothing was committed, the attribute is
        taken back. An attribute of this name and type of which rows have no values yet is filled. Without `values` rows have the `default`, or null. `progress` shows a bar of `tqdm`.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> ds = ds.add_column("square", lambda rows: rows["n"] ** 2, type="i64", inputs=["n"])
        >>> ds["square"][:].tolist(), ds.add_column("split", type=str, default="train")[2]["split"]
        ([1, 4, 9], 'train')
        """
        if type is None:
            if not hasattr(values, "dtype"):
                raise WrongType(f"attribute {name!r}: give its type")
            type = infer_column(name, values)  # noqa: A001
        given = _type_of(type)
        text = given.text
        added = None if default is None else json.dumps(default)
        if values is None:
            nullable = text if default is not None or text.endswith("?") else text + "?"
            return self._at(self._place.add_attribute(name, nullable, added, given.encoding))
        if not callable(values) and len(values) != len(self):
            raise InvalidInput(f"attribute {name!r}: {len(values)} values for {len(self)} rows")
        nullable = text if text.endswith("?") or added is not None else text + "?"
        is_new = not self._is_unfilled(name, text)
        if is_new:
            self._place.add_attribute(name, nullable, added, given.encoding)
        try:
            if callable(values):
                needed = names_of(inputs) or [other for other in self.schema if other != name]
                with bar(progress, "rows", len(self)) as report:
                    return self._at(self._place.fill(name, needed, reporting(values, report), cast))
            return self.update(np.arange(len(self)), {name: values}, cast=cast)
        except BaseException:
            if is_new and self._place.unfilled_rows(name) == len(self._place.latest()):
                self._place.drop_attribute(name)
            raise

    def _is_unfilled(self, name: str, text: str) -> bool:
        """Whether the newest version has the attribute, and not yet for all rows."""
        known = self.latest().schema.get(name)
        return known is not None and known.type.rstrip("?") == text.rstrip("?") and self._place.unfilled_rows(name) > 0

    def update(self, rows: Any, values: Mapping[str, Any], *, cast: str = "refuse") -> Dataset:
        """With other values for some attributes of these rows of this version; `values` is a dict of columns.

        `cast` is as for `append`.

        A `Conflict` if one of the values that are replaced was changed since: the new ones may have been computed from them.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> ds.update([0, -1], {"n": [7, 9]})["n"][:].tolist()
        [7, 2, 9]
        """
        given = {name: array_of(column) for name, column in values.items()}
        return self._at(self._place.update(self._snapshot, rows, given, cast))

    def drop_column(self, name: str) -> Dataset:
        """Without an attribute; older versions still have it."""
        return self._at(self._place.drop_attribute(name))

    def rename_column(self, old: str, new: str) -> Dataset:
        """With another name for an attribute."""
        return self._at(self._place.rename_attribute(old, new))

    def delete(self, rows: Any) -> Dataset:
        """Without these rows of this version; later ones move up. Older versions still have them.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> ds.delete([0])["n"][:].tolist()
        [2, 3]
        """
        return self._at(self._place.delete(self._snapshot, rows))

    def tag(self, name: str, version: int | None = None) -> None:
        """Calls a version by a name, this one unless another is given; it then never expires.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> ds.tag("best")
        >>> tenrow.open(ds.uri, tag="best").version == ds.version
        True
        """
        self._place.tag(name, self.version if version is None else version)

    def untag(self, name: str) -> None:
        """Takes a tag away."""
        self._place.untag(name)

    def restore(self, version: int) -> Dataset:
        """A new version that is what an older one was; nothing in between is lost.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> len(ds.delete([0, 1]).restore(ds.version))
        3
        """
        return self._at(self._place.restore(version))

    def set_properties(self, **properties: Any) -> Dataset:
        """Notes properties, any JSON; `None` takes one away.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> ds.set_properties(source="a camera").properties
        {'source': 'a camera'}
        """
        return self._at(self._place.set_properties(json.dumps(properties)))

    def compact(self, *, progress: bool = False) -> Dataset:
        """Makes large partitions of small ones, and drops deleted rows for good. `progress` shows a bar of `tqdm`."""
        with bar(progress, "partitions") as report:
            return self._at(self._place.compact(report))

    def expire(
        self, *, keep_last: int | None = None, older_than: float | None = None, dry_run: bool = False
    ) -> list[int]:
        """Ends old versions, `older_than` in seconds; gives their numbers. `vacuum` then frees their files.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> ds.append({"n": [4]}).expire(keep_last=1)
        [1]
        """
        return self._place.expire(keep_last, older_than, dry_run)

    def vacuum(self, *, older_than: float | None = None, dry_run: bool = False, progress: bool = False) -> list[str]:
        """Removes files that no version needs and that are older, by default 7 days; gives their paths.

        `older_than` is in seconds. `progress` shows a bar of `tqdm`.
        """
        with bar(progress, "objects") as report:
            return self._place.vacuum(older_than, dry_run, report)


def _rows(batch: Mapping[str, Any]) -> int:
    return len(next(iter(batch.values()), ()))
