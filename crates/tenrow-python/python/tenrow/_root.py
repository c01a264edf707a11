"""Many datasets below one root."""

from __future__ import annotations

import builtins
import os
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any

from . import _tenrow
from ._answer import Answer, parameters_of
from ._errors import NotADataset


def list(root: str | PathLike[str], *, options: Mapping[str, str] | None = None) -> "builtins.list[dict[str, Any]]":
    """The datasets below `root`: a dict of name, version, rows, size_bytes, attributes, created_ms for each.

    One that cannot be read has its `error` instead. Raises `FileNotFoundError` if there is no such folder.

    >>> import tenrow, tempfile
    >>> root = tempfile.mkdtemp()
    >>> tenrow.create(root + "/a/b", {"x": "i64"}).commit()
    Dataset(...)
    >>> [(entry["name"], entry["rows"]) for entry in tenrow.list(root)]
    [('a/b', 0)]
    """
    place = fspath(root)
    if "://" not in place and not os.path.isdir(os.path.expanduser(place)):
        raise NotADataset(f"{place}: there is no such folder")
    return _tenrow.list_datasets(place, dict(options or {}))


def sql(
    statement: str,
    root: str | PathLike[str] | Mapping[str, str] = ".",
    *,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
    options: Mapping[str, str] | None = None,
    memory_limit_bytes: int | None = None,
) -> Answer:
    """Answers one statement over the datasets below `root`: a stream of rows, read once.

    Its batches are dicts of columns, as those of `Dataset.scan`; give it to `pyarrow.table`, `polars.DataFrame` or DuckDB, which
    speak Arrow. `root` may be a dict of roots by their names. `parameters` are values for `$1`, `$2` … in the statement, or
    by name for `$name`. Several statements, which `;` separates, run in order until one fails; the last one answers.
    """
    roots = dict(root) if isinstance(root, Mapping) else {"data": fspath(root)}
    pairs = [(name, fspath(location)) for name, location in roots.items()]
    values = parameters_of(parameters)
    return Answer(_tenrow.sql(statement, pairs, dict(options or {}), memory_limit_bytes, [], values))
