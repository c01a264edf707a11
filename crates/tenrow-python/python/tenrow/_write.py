"""Writing: nothing is visible before the commit, and after an exception nothing ever."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from os import PathLike
from types import TracebackType
from typing import Any

from . import _tenrow
from ._column import Column, ViewColumn
from ._dataset import Dataset, open
from ._errors import InvalidInput, WrongType
from ._frames import checked
from ._progress import counted
from ._schema import TypeLike, _type_of, infer, infer_first, texts


class Writer:
    """Appends rows; made by `tenrow.create` and `Dataset.writer`.

    Left without an exception, the `with` block commits; with one, nothing of it is ever visible. A closed writer raises
    `RuntimeError`.
    """

    def __init__(self, writer: Any, uri: str, options: dict[str, str]) -> None:
        self._writer, self._uri, self._options = writer, uri, options
        self._committed: Dataset | None = None
        self._is_aborted = False

    def append(self, rows: Any, *, cast: str = "refuse") -> None:
        """Appends rows: a dict of columns, or whatever speaks Arrow (pandas, polars, pyarrow).

        `cast` says what values of other types become: nothing, or with `"safe"`, `"round"` or `"lossy"` what they may.
        Columns are numpy arrays, torch tensors, Arrow arrays, or lists. Of a dict all rows are taken or, with an error that
        names the attribute, none; Arrow's batches are taken one by one.
        """
        if isinstance(rows, Mapping):
            self._writer.append({name: _numpy(values) for name, values in rows.items()}, cast)
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
        snapshot = self._writer.commit()
        self._committed = open(self._uri, snapshot.version, None, self._options)
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


def _numpy(values: Any) -> Any:
    """Columns of datasets as their values, tensors of torch as arrays over the same memory; all else as it is."""
    if isinstance(values, (_tenrow.TensorColumn, Column, ViewColumn)):
        return values[:]
    if type(values).__module__.partition(".")[0] != "torch":
        return checked(values)
    from .torch import as_array

    return as_array(values)


def write_options(given: dict[str, Any]) -> dict[str, Any]:
    """Options of a writer; a key alone is a list of one."""
    by = given.get("partition_by")
    return {**given, "partition_by": [by]} if isinstance(by, str) else given


def create(
    uri: str | PathLike[str],
    schema: Mapping[str, TypeLike],
    *,
    properties: Mapping[str, Any] | None = None,
    options: Mapping[str, str] | None = None,
    single_writer: bool = False,
    **write: Any,
) -> Writer:
    """A writer whose commit creates a dataset; use it in a `with` block.

    Types are texts (`"u8[28,28]"`, `"string?"`), Python's (`str`, `bytes`, `int`, `float`, `bool`), numpy's, or
    `tenrow.tensor(…)` and `tenrow.file()`. Raises `AlreadyExists` if there is a dataset.

    >>> import tempfile, tenrow
    >>> with tenrow.create(tempfile.mkdtemp() + "/names", {"name": str, "age": "i32?"}) as w:
    ...     w.append({"name": ["Ada", "Alan"], "age": [36, None]})
    >>> w.dataset["name"][:]
    ['Ada', 'Alan']
    """
    attributes, encodings = texts(schema)
    write = write_options(write)
    store = dict(options or {})
    place = _tenrow.Dataset(os.fsdecode(uri), store)
    noted = json.dumps(dict(properties or {}))
    writer = place.writer_of_new(attributes, encodings, noted, write, single_writer)
    return Writer(writer, place.uri, store)


def from_numpy(
    uri: str | PathLike[str],
    columns: Mapping[str, Any],
    schema: Mapping[str, TypeLike] | None = None,
    *,
    cast: str = "refuse",
    **options: Any,
) -> Dataset:
    """A new dataset of a dict of arrays, in one commit; the schema is that of the arrays unless it is given.

    `cast` is as for `Dataset.append`.
    """
    if not isinstance(columns, Mapping):
        raise WrongType(f"columns: a dict from names to arrays, not {type(columns).__name__}")
    with create(uri, infer(columns) if schema is None else schema, **options) as writer:
        writer.append(columns, cast=cast)
    return writer.dataset


def from_arrow(
    uri: str | PathLike[str],
    table: Any,
    schema: Mapping[str, TypeLike] | None = None,
    *,
    cast: str = "refuse",
    **options: Any,
) -> Dataset:
    """A new dataset of a table, data frame or stream that speaks Arrow, in one commit; `cast` is as for `Dataset.append`."""
    with create(uri, infer(table) if schema is None else schema, **options) as writer:
        writer.append(table, cast=cast)
    return writer.dataset


def from_dataset(
    uri: str | PathLike[str],
    rows: Iterable[Any],
    schema: Mapping[str, TypeLike] | None = None,
    *,
    names: Iterable[str] | None = None,
    batch_size: int = 1024,
    cast: str = "refuse",
    progress: bool = False,
    **options: Any,
) -> Dataset:
    """A new dataset of the items of a torch `Dataset`, a Hugging Face `datasets.Dataset`, or anything that is iterated.

    Items are dicts, or tuples with `names`. Without a `schema` that of the first items is taken, in which lists are lists,
    whatever their lengths: arrays are tensors. Memory is that of `batch_size` items. `cast` is as for `Dataset.append`.
    `progress` shows a bar of `tqdm`.
    """
    labels = None if names is None else list(names)
    items = _items(rows)
    if progress:
        length = getattr(rows, "__len__", None)
        items = counted(items, lambda _: 1, "rows", length() if length else None)
    optional = None if schema is None else {name for name in schema if _type_of(schema[name]).text.endswith("?")}
    batches = _batches(items, labels, batch_size, optional)
    first = next(batches, None)
    if first is None and schema is None:
        raise WrongType("no rows to take a schema from: give one")
    with create(uri, infer_first(first or {}) if schema is None else schema, **options) as writer:
        if first is not None:
            writer.append(first, cast=cast)
        for batch in batches:
            writer.append(batch, cast=cast)
    return writer.dataset


def _items(rows: Any) -> Iterable[Any]:
    # Data sets of torch have a length and items, and need not end by themselves.
    if hasattr(rows, "__len__") and hasattr(rows, "__getitem__") and not isinstance(rows, (list, tuple)):
        return (rows[row] for row in range(len(rows)))
    return rows


def _batches(items: Iterable[Any], names: list[str] | None, batch_size: int, optional: set[str] | None) -> Any:
    """Items as dicts of columns; what is `optional` is null where an item lacks it."""
    import numpy

    batch: dict[str, list[Any]] = {}
    count = 0
    for number, item in enumerate(items):
        if not isinstance(item, Mapping):
            if names is None:
                raise WrongType(f"items are dicts, not {type(item).__name__}: give names for tuples")
            item = dict(zip(names, item, strict=True))
        if not batch:
            batch = {name: [] for name in {**item, **dict.fromkeys(sorted(optional or ()))}}
        for name in item:
            if name not in batch:
                raise InvalidInput(f"item {number} has {name!r}, which those before it have not")
        for name, values in batch.items():
            if name not in item and name not in (optional or ()):
                raise InvalidInput(f"item {number} lacks {name!r}; it has {', '.join(map(repr, item))}")
            values.append(_numpy(item.get(name)))
        count += 1
        if count == batch_size:
            yield {name: _stacked(values, numpy) for name, values in batch.items()}
            batch, count = {}, 0
    if count:
        yield {name: _stacked(values, numpy) for name, values in batch.items()}


def _stacked(values: list[Any], numpy: Any) -> Any:
    if not all(hasattr(value, "__array__") for value in values):
        return values
    arrays = [numpy.asarray(value) for value in values]
    return numpy.stack(arrays) if len({array.shape for array in arrays}) == 1 else arrays
