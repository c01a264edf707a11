"""One attribute of all rows, of a dataset or a view, where it is no tensor column of the native part."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import WrongType
from ._file import wrapped
from ._keys import is_row

if TYPE_CHECKING:
    from ._dataset import Dataset
    from ._view import View


class Compared:
    """Values that are compared row by row; null is like nothing."""

    def _mask(self, other: Any, compare: Callable[[Any, Any], Any]) -> np.ndarray[Any, Any]:
        values = self[:]  # type: ignore[index]
        if isinstance(values, np.ndarray):
            found = np.ma.filled(compare(values, other), False)
            return found & ~np.isnat(values) if values.dtype.kind in "mM" else found
        others = other if isinstance(other, (list, np.ndarray)) and len(other) == len(values) else [other] * len(values)
        found = (value is not None and bool(compare(value, wanted)) for value, wanted in zip(values, others, strict=True))
        return np.fromiter(found, bool, len(values))

    def __eq__(self, other: object) -> Any:
        return self._mask(other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return self._mask(other, operator.ne)

    def __lt__(self, other: Any) -> Any:
        return self._mask(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._mask(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._mask(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._mask(other, operator.ge)

    __hash__ = object.__hash__


class Column(Compared):
    """An attribute that is no tensor of one shape: text, files, lists, tensors of varying shape.

    `column[5]` is a value, `column[2:7]` and `column[[5, 9]]` are lists; `column == value` is a mask of rows.

    >>> import tempfile, tenrow
    >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"name": ["Ada", "Alan", "Grace"]})
    >>> ds["name"][-1], ds["name"][:2], ds["name"][[2, 0]]
    ('Grace', ['Ada', 'Alan'], ['Grace', 'Ada'])
    """

    def __init__(self, dataset: Dataset, name: str) -> None:
        self._dataset, self._name = dataset, name

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, key: Any) -> Any:
        dataset, names = self._dataset, [self._name]
        if isinstance(key, slice):
            start, stop, step = key.indices(len(dataset))
            if step == 1:
                rows = dataset._snapshot.slice(start, max(start, stop), names)
                return wrapped(rows)[self._name]
            key = np.arange(start, stop, step)
        elif is_row(key):
            return wrapped(dataset._snapshot.row(key.__index__(), names))[self._name]
        elif isinstance(key, tuple):
            raise WrongType(f"{self!r}: its values are no arrays of one shape, so it has one index: a list for several rows")
        return dataset.take(key, names)[self._name]

    def __iter__(self) -> Iterator[Any]:
        for batch in self._dataset.scan(attributes=[self._name]):
            yield from batch[self._name]

    def __repr__(self) -> str:
        return f"Column({self._name!r}: {self._dataset.schema[self._name].type}, rows={len(self):,})"


class ViewColumn(Compared):
    """An attribute of the rows of a view, in its order; `view["image"]`."""

    def __init__(self, view: View, name: str) -> None:
        self._view, self._name = view, name
        view.dataset[name]

    @property
    def _column(self) -> Any:
        return self._view.dataset[self._name]

    def __len__(self) -> int:
        return len(self._view)

    def __getitem__(self, key: Any) -> Any:
        if is_row(key):
            return self._column[self._view._row(key.__index__())]
        return self._column[self._view._rows(key)]

    def numpy(self) -> np.ndarray[Any, Any]:
        """The tensors of all rows of the view in one array, in which null rows are masked."""
        return self[:]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if copy is False:
            raise ValueError("a copy cannot be avoided: a view has an order of its own")
        values = self[:]
        if isinstance(values, np.ma.MaskedArray):
            raise ValueError("null rows have no place in an array: take column[:], which masks them, and fill it")
        return np.asarray(values, dtype)

    def __iter__(self) -> Iterator[Any]:
        return (self[row] for row in range(len(self)))

    def __repr__(self) -> str:
        return f"ViewColumn({self._column!r}, rows={len(self):,} of view {self._view.name!r})"
