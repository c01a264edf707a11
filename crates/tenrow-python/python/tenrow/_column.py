"""One attribute of the rows of a dataset or a view, where it is no tensor column of the native part."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import InvalidInput, WrongType
from ._file import wrapped

if TYPE_CHECKING:
    from ._readable import Readable
    from ._schema import Attribute


class Rows:
    """The rows of an attribute as a sequence, which is compared row by row; null is like nothing."""

    # No `collections.abc.Sequence`: polars takes that row by row, and what gives Arrow arrays whole.
    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, key: Any) -> Any:
        raise NotImplementedError

    def __reversed__(self) -> Iterator[Any]:
        return (self[row] for row in range(len(self) - 1, -1, -1))

    def _mask(self, other: Any, compare: Callable[[Any, Any], Any]) -> np.ndarray[Any, Any]:
        values = self[:]
        if isinstance(values, np.ndarray):
            if values.dtype.kind in "mM":
                other = _time(other, values.dtype, self._attribute)
            found = np.ma.filled(compare(values, other), False)
            return found & ~np.isnat(values) if values.dtype.kind in "mM" else found
        others = other if isinstance(other, (list, np.ndarray)) and len(other) == len(values) else [other] * len(values)
        found = (value is not None and bool(compare(value, wanted)) for value, wanted in zip(values, others, strict=True))
        return np.fromiter(found, bool, len(values))

    @property
    def _attribute(self) -> Attribute:
        raise NotImplementedError

    def _capsules(self, requested_schema: Any) -> Any:
        raise NotImplementedError

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
        return self._capsules(requested_schema)

    def __contains__(self, value: object) -> bool:
        return bool(np.any(self == value))

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


def _time(other: Any, dtype: Any, attribute: Attribute) -> Any:
    """What times are compared with, as numpy's: text is read as one, and what knows its zone is that moment in UTC."""
    import datetime

    if isinstance(other, (str, bytes)):
        text = other.decode() if isinstance(other, bytes) else other
        try:
            if dtype.kind == "m":
                raise ValueError("a span has no text: give a numpy.timedelta64 or datetime.timedelta")
            # To numpy "now" is a time, and "today"; and it would drop a zone.
            if not text.lstrip("-")[:1].isdigit():
                raise ValueError("write it as 2020-01-02 or 2020-01-02T03:04:05")
            if text.endswith("Z") or "+" in text:
                other = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
            else:
                return np.datetime64(text)
        except ValueError as error:
            raise InvalidInput(f'attribute "{attribute.name}": {text!r} is no value of {attribute.type}: {error}') from None
    if isinstance(other, datetime.datetime) and other.utcoffset() is not None:
        if "," not in attribute.type:
            raise WrongType(f'attribute "{attribute.name}": a time of a zone, where {attribute.type} has none')
        return np.datetime64(other.astimezone(datetime.timezone.utc).replace(tzinfo=None))
    if isinstance(other, datetime.date) and not hasattr(other, "to_datetime64"):
        return np.datetime64(other)
    if isinstance(other, (list, tuple)):
        return np.array([_time(item, dtype, attribute) for item in other], dtype)
    if isinstance(other, (int, float)) and not isinstance(other, (np.datetime64, np.timedelta64)):
        raise WrongType(f'attribute "{attribute.name}": {other!r} is no time: give a datetime, a numpy.datetime64 or text')
    return other


class Column(Rows):
    """An attribute that is no tensor of one shape: text, files, lists, tensors of varying shape.

    `column[5]` is a value, `column[2:7]` and `column[[5, 9]]` are lists; `column == value` is a mask of rows.

    >>> import tempfile, tenrow
    >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/x", {"name": ["Ada", "Alan", "Grace"]})
    >>> ds["name"][-1], ds["name"][:2], ds["name"][[2, 0]]
    ('Grace', ['Ada', 'Alan'], ['Grace', 'Ada'])
    """

    def __init__(self, source: Readable, name: str) -> None:
        self._source, self._name = source, name

    @property
    def _attribute(self) -> Attribute:
        return self._source.schema[self._name]

    def _capsules(self, requested_schema: Any) -> Any:
        return self._source._view.column_array(self._name, requested_schema)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        values = self[:]
        if not isinstance(values, np.ndarray):
            if copy is False:
                raise ValueError("a copy cannot be avoided: the rows are objects of Python")
            array = np.empty(len(values), object)
            array[:] = values
            values = array
        return np.asarray(values, dtype)

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            if len(key) == 1 or (len(key) == 2 and key[1] is Ellipsis):
                return self[key[0]]
            raise WrongType(f"{self!r}: its values are no arrays of one shape, so it has one index: a list for several rows")
        if key is Ellipsis:
            key = slice(None)
        return wrapped(self._source._view.get(key, [self._name]))[self._name]

    def __iter__(self) -> Iterator[Any]:
        for batch in self._source.scan(attributes=[self._name]):
            yield from batch[self._name]

    def __repr__(self) -> str:
        return f"Column({self._name!r}: {self._attribute.type}, rows={len(self):,})"
