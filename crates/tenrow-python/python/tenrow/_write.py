"""New datasets."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

from . import _tenrow
from ._arrays import array_of
from ._dataset import Dataset, open
from ._errors import InvalidInput, WrongType
from ._progress import Shown, counted
from ._schema import TypeLike, _type_of, infer, infer_first, texts
from ._writer import Writer, write_options


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
    return Writer(writer, lambda version: open(place.uri, version, None, store))


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
    progress: Shown = False,
    **options: Any,
) -> Dataset:
    """A new dataset of the items of a torch `Dataset`, a Hugging Face `datasets.Dataset`, or anything that is iterated.

    Items are dicts, or tuples with `names`. Without a `schema` that of the first items is taken, in which lists are lists,
    whatever their lengths: arrays are tensors. Memory is that of `batch_size` items. `cast` is as for `Dataset.append`.
    `progress` shows a bar of `tqdm` of the items, or is called with a `Progress` of them; if it raises, there is no dataset.
    """
    labels = None if names is None else list(names)
    items = _items(rows)
    if progress:
        length = getattr(rows, "__len__", None)
        items = counted(items, lambda _: 1, progress, "rows", length() if length else None)
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
            values.append(array_of(item.get(name)))
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
