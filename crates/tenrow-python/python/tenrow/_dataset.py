"""Datasets and their rows."""

from __future__ import annotations

import datetime
import json
import operator
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from . import _tenrow
from ._arrays import array_of
from ._errors import InvalidInput, NotFound, WrongType
from ._keys import names_of
from ._progress import Shown, reporting
from ._readable import Readable
from ._schema import TypeLike, _type_of, infer_column
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


#: Which version is meant: its number; a tag, `latest`, or a date or time in UTC as text; or a time.
Which = int | str | datetime.date


def open(  # noqa: A001
    uri: str | PathLike[str],
    version: Which | None = None,
    tag: str | None = None,
    options: Mapping[str, str] | None = None,
) -> Dataset:
    """Opens a dataset: its newest version, an older one by number, the one with a tag, or the one that was the newest at a time.

    A `version` that is a text is a tag, `latest`, or a date or time in UTC, as for the program: `tenrow.open(place, "best")`,
    `tenrow.open(place, "2026-01-31T18:30")`. A `datetime` has a time zone; a `date` is its first moment in UTC.
    `options` say how an object store is reached, such as `{"region": "eu-west-1"}`.

    Raises `NotADataset` if there is none, `NotFound` for a version or tag that is not there, or a time before the first or of
    which the newest version may have expired.

    >>> import tenrow
    >>> tenrow.open("/nothing/there")
    Traceback (most recent call last):
    tenrow.NotADataset: ...
    """
    if version is not None and tag is not None:
        raise InvalidInput(f"version={version} and tag={tag!r}: give one of them")
    version = _text_of_time(version) if isinstance(version, datetime.date) else version
    is_text = isinstance(version, str)
    if isinstance(version, bool) or not (version is None or is_text or hasattr(version, "__index__")):
        raise WrongType(f"version={version!r}: a version is a whole number, a tag as text, or a time")
    if version is not None and not is_text and operator.index(version) < 1:
        raise NotFound(f"no version {version}: they are numbered from 1")
    return Dataset(_State(os.fsdecode(uri), dict(options or {}), version, tag))


def _text_of_time(time: datetime.date) -> str:
    if not isinstance(time, datetime.datetime):
        return time.isoformat()
    if time.tzinfo is None:
        raise InvalidInput(f"version={time!r}: a time without a time zone could mean several: give tzinfo=datetime.timezone.utc")
    return time.astimezone(datetime.timezone.utc).replace(tzinfo=None).isoformat() + "Z"


def _reopened(uri: str, version: int, options: dict[str, str]) -> Dataset:
    """The version that was pickled; `deepcopy` and other processes make it anew."""
    return open(uri, version, None, options)


def _column_of(uri: str, version: int, options: dict[str, str], name: str, rows: Any) -> Any:
    dataset = _reopened(uri, version, options)
    return dataset[name] if rows is None else dataset.rows(rows)[name]


def _handle_of(uri: str, version: int, options: dict[str, str], name: str, row: int) -> Any:
    return _reopened(uri, version, options)._view.get(row, [name])[name]


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


class Dataset(Readable):
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
        self._all: Any = None
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

    @property
    def _view(self) -> Any:
        if self._all is None:
            self._all = self._snapshot.all()
        return self._all

    def _forget(self) -> None:
        self._known = self._opened = self._all = None
        self._columns = {}

    @property
    def _where(self) -> tuple[str, dict[str, str]]:
        return self._uri, self._options

    def _places(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return rows

    @property
    def uri(self) -> str:
        """Where it is."""
        return self._place.uri

    @property
    def version(self) -> int:
        """The number of this version."""
        return self._version

    @property
    def properties(self) -> dict[str, Any]:
        """What was noted with the dataset."""
        return json.loads(self._snapshot.properties)

    @property
    def size_bytes(self) -> int:
        """The bytes of its Parquet files."""
        return self._snapshot.size_bytes

    def __repr__(self) -> str:
        names = ", ".join(f"{a.name}: {a.type}" for a in self.schema.values())
        return f"Dataset({self.uri!r}, version={self.version}, rows={len(self):,}, {{{names}}})"

    def __reduce__(self) -> Any:
        return _reopened, (self._uri, self._version, self._options)

    # -- rows, beside what every `Readable` has

    def rows(self, rows: Any) -> View:
        """These rows of this version, in this order and as often as they are given, as a view that nothing keeps.

        They are a list, a slice, an array of numbers or a mask of all rows; nothing of them is read yet.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> ds.rows([2, 0, 2])["n"][:].tolist(), ds.rows(ds["n"] > 1)["n"][:].tolist()
        ([3, 1, 3], [2, 3])
        """
        return View(self, self._view.part(rows))

    def __datafusion_table_provider__(self, session: Any) -> Any:
        """For `datafusion.SessionContext.register_table(name, ds)`: columns, conditions and limits are pushed down."""
        return _tenrow.datafusion_table(self._snapshot, session)

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
        version, rows = self._place.view(self._place.latest(), name)
        return View(open(self._uri, version, None, self._options), rows, name)

    def create_view(self, name: str, rows: Any, *, replace: bool = False) -> View:
        """Keeps these rows of this version, or those of a view of it, under a name; the version then never expires.

        Raises `FileExistsError` if there is a view of that name and `replace` is not given.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> train = ds.create_view("train", [2, 0])
        >>> len(train), int(train[0]["n"]), ds.view("train").take([0, 1])["n"].tolist()
        (2, 3, [3, 1])
        """
        chosen = rows if isinstance(rows, View) else self.rows(rows)
        if chosen.dataset.version != self.version:
            raise InvalidInput(f"a view of version {chosen.dataset.version} is kept by that version: view.dataset.create_view(…)")
        self._place.create_view(chosen._view, name, replace)
        return self.view(name)

    def split_views(
        self, parts: Mapping[str, float], *, seed: int = 0, replace: bool = False
    ) -> dict[str, View]:
        """Keeps the rows of this version in parts by chance, each a view: all of them in one commit, or none.

        `parts` are names, with fractions that add up to at most 1. Where a row falls depends on `seed` and the row alone, so that
        rows which are appended or deleted later move no other from one part to another.

        Raises `FileExistsError` if there is a view of one of the names and `replace` is not given.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": list(range(100))})
        >>> parts = ds.split_views({"train": 0.9, "test": 0.1}, seed=7)
        >>> len(parts["train"]) + len(parts["test"]), ds.views()
        (100, ['test', 'train'])
        """
        views = self._place.split_views(self._snapshot, list(parts.items()), seed, replace)
        return {name: View(self, view, name) for name, view in zip(parts, views, strict=True)}

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
        progress: Shown = False,
    ) -> Dataset:
        """Adds an attribute: of an array with a value for each row, or computed from other attributes.

        Who gives a `type` asks for values of it: those that it holds exactly become such. `cast` says what else does, as
        for `append`.

        `values` may be a function, which is given a dict of the columns `inputs` of consecutive rows, all attributes
        without `inputs`, and gives as many values: memory stays bounded. What it has computed is committed now and then,
        so that the same call goes on after an exception, Ctrl-C or a kill; where nothing was committed, the attribute is
        taken back. An attribute of this name and type of which rows have no values yet is filled. Without `values` rows have the `default`, or null.
        `progress` shows a bar of `tqdm` of the rows, or is called with a `Progress` of them; if it raises, that is as an exception of `values`.

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
            return self._at(self._place.add_attribute(name, text, added, given.encoding))
        if not callable(values):
            if len(values) != len(self):
                raise InvalidInput(f"attribute {name!r}: {len(values)} values for {len(self)} rows")
            array = array_of(values)
            column = self._place.add_column(name, text, added, given.encoding)
            return self._at(column.set(self._snapshot, array, cast))
        needed = names_of(inputs) or [other for other in self.schema if other != name]
        with reporting(progress, "rows") as report:
            column = self._place.add_column(name, text, added, given.encoding)
            return self._at(column.fill(needed, values, cast, report))

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

    def restore(self, version: Which) -> Dataset:
        """A new version that is what an older one was, which is named as for `tenrow.open`; nothing in between is lost.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> len(ds.delete([0, 1]).restore(ds.version))
        3
        """
        return self._at(self._place.restore(open(self._uri, version, None, self._options).version))

    def set_properties(self, **properties: Any) -> Dataset:
        """Notes properties, any JSON; `None` takes one away.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]})
        >>> ds.set_properties(source="a camera").properties
        {'source': 'a camera'}
        """
        return self._at(self._place.set_properties(json.dumps(properties)))

    def compact(self, *, progress: Shown = False) -> Dataset:
        """Makes large partitions of small ones, and drops deleted rows for good, in several commits.

        `progress` shows a bar of `tqdm` of the partitions, or is called with a `Progress` of them; if it raises, what was committed
        stays so.

        >>> import tempfile, tenrow
        >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"n": [1, 2, 3]}).append({"n": [4]})
        >>> told = []
        >>> ds.compact(progress=told.append)["n"][:].tolist(), told[-1].done, told[-1].total
        ([1, 2, 3, 4], 2, 2)
        """
        with reporting(progress, "partitions") as report:
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

    def vacuum(self, *, older_than: float | None = None, dry_run: bool = False, progress: Shown = False) -> list[str]:
        """Removes files that no version needs and that are older, by default 7 days; gives their paths.

        `older_than` is in seconds. `progress` shows a bar of `tqdm` of the objects, or is called with a `Progress` of those looked
        at and then those removed; if it raises, the others stay.
        """
        with reporting(progress, "objects") as report:
            return self._place.vacuum(older_than, dry_run, report)
