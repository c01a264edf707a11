"""Schemas as people write them: names, and types as texts or Python's own."""

from __future__ import annotations

import datetime
import decimal
import json
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union

from . import _tenrow
from ._arrays import array_of
from ._errors import WrongType
from ._frames import checked

#: What a type may be: `"u8[28,28]"`, `str`, `numpy.float32`, `tenrow.tensor(…)`.
TypeLike = Union[str, type, "AttributeType", Any]

_NUMPY = {
    "bool": "bool",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "u8",
    "uint16": "u16",
    "uint32": "u32",
    "uint64": "u64",
    "float16": "f16",
    "bfloat16": "bf16",
    "float32": "f32",
    "float64": "f64",
}
_PYTHON = {str: "string", bytes: "binary", int: "i64", float: "f64", bool: "bool"}


@dataclass(frozen=True)
class AttributeType:
    """A type, whether rows may be null, and how values are stored."""

    text: str
    encoding: str | None = None

    def nullable(self) -> AttributeType:
        """The same, of which rows may be null.

        >>> import tenrow
        >>> tenrow.tensor("f32", (3,)).nullable().text
        'f32[3]?'
        """
        return self if self.text.endswith("?") else AttributeType(self.text + "?", self.encoding)


@dataclass(frozen=True)
class Attribute:
    """One attribute of a dataset.

    `type` is its text, with a `?` if rows may be null; an attribute serves as a type, so `tenrow.create(place, ds.schema)`
    makes a dataset of the same schema. `shape` is that of one row, `()` of a number, with `None` where it varies; `dtype` is tenrow's name of the element
    type. Both are `None` for what is no tensor.
    """

    name: str
    type: str
    kind: str
    nullable: bool
    encoding: str
    dtype: str | None
    shape: tuple[int | None, ...] | None

    @classmethod
    def _of(cls, about: dict[str, Any]) -> Attribute:
        shape = about["shape"]
        return cls(**{**about, "shape": None if shape is None else tuple(shape)})


def dtype_name(dtype: Any) -> str:
    """tenrow's name of an element type: `f32` of `numpy.float32`, `"float32"`, `torch.float32` or `"f32"`."""
    if isinstance(dtype, str) and dtype in _NUMPY.values():
        return dtype
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    name = name.removeprefix("torch.")
    if name in _NUMPY:
        return _NUMPY[name]
    if dtype in _PYTHON and _PYTHON[dtype] in _NUMPY.values():
        return _PYTHON[dtype]
    try:
        import numpy

        return _NUMPY[numpy.dtype(dtype).name]
    except (TypeError, KeyError):
        known = ", ".join(_NUMPY.values())
        raise WrongType(f"dtype {dtype!r}: there are {known}") from None


def tensor(dtype: Any, shape: int | tuple[int | None, ...] = (), *, encoding: str | None = None) -> AttributeType:
    """A tensor attribute: `None` in `shape` is a dimension that varies from row to row; without a shape it is a number.

    `encoding` is `raw`, `zstd:LEVEL`, `bss+zstd:LEVEL` or `auto`; raw rows are views of the file.

    >>> import tenrow
    >>> tenrow.tensor("u8", (28, 28)).text
    'u8[28,28]'
    >>> tenrow.tensor("f32", (None, 5)).text
    'f32[?,5]'
    """
    dims = (shape,) if isinstance(shape, int) else tuple(shape)
    try:
        texts = ["?" if dim is None else str(operator.index(dim)) for dim in dims]
    except TypeError:
        raise WrongType(f"shape {shape!r}: its dimensions are whole numbers, or None") from None
    return AttributeType(f"{dtype_name(dtype)}[{','.join(texts)}]" if texts else dtype_name(dtype), encoding)


def file() -> AttributeType:
    """A file attribute: bytes with a name and a media type; small ones lie in their row, large ones beside it.

    Rows are `bytes`, a `pathlib.Path`, which is copied and stays, something to `read`, such as a file of another dataset, or
    a dict of `bytes` or `path` with `name` and `media_type`.

    >>> import tenrow
    >>> tenrow.file().text
    'file'
    """
    return AttributeType("file")


def _type_of(value: TypeLike) -> AttributeType:
    if isinstance(value, AttributeType):
        return value
    if isinstance(value, Attribute):
        return AttributeType(value.type, value.encoding)
    if value is None:
        raise WrongType("a type is a text such as 'u8[28,28]', str, a dtype or tenrow.tensor(…), not None")
    if isinstance(value, str):
        return AttributeType(value)
    if isinstance(value, type) and value in _PYTHON:
        return AttributeType(_PYTHON[value])
    return AttributeType(dtype_name(value))


def texts(schema: Mapping[str, TypeLike]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The names and types of attributes, and the encodings that are given."""
    if not isinstance(schema, Mapping):
        raise WrongType(f"schema: expected a dict from names to types, found {type(schema).__name__}")
    types = {name: _type_of(value) for name, value in schema.items()}
    attributes = [(name, value.text) for name, value in types.items()]
    encodings = [(name, value.encoding) for name, value in types.items() if value.encoding is not None]
    return attributes, encodings


def infer(rows: Any) -> dict[str, str]:
    """The schema that rows have: of a dict of columns, or of whatever speaks Arrow.

    Numbers and tensors get the dtype of their arrays, text is `string`, dicts are structs; lists of equal lengths are
    tensors, of others `list<…>`.

    >>> import numpy, tenrow
    >>> tenrow.infer_schema({"x": numpy.zeros((2, 3), "f4"), "name": ["a", "b"]})
    {'x': 'f32[3]', 'name': 'string'}
    """
    if not isinstance(rows, Mapping):
        return dict(_tenrow.infer_attributes(checked(rows)))
    return {name: infer_column(name, values) for name, values in rows.items()}


def infer_first(rows: Mapping[str, Any]) -> dict[str, str]:
    """The schema of the first rows of many: lists of equal lengths stay lists, for later ones may be of others."""
    return {name: infer_column(name, values, are_all=False) for name, values in rows.items()}


def infer_column(name: str, values: Any, *, are_all: bool = True) -> str:
    """The type of a column; `are_all` says whether there are no more rows of it."""
    import numpy

    if isinstance(values, (list, tuple)):
        known = [value for value in values if not _is_nothing(value)]
        null = "?" if len(known) < len(values) else ""
        if not known:
            raise WrongType(f"attribute {name!r}: there is no value to take a type from: give it")
        if all(isinstance(value, str) for value in known):
            return "string" + null
        if all(isinstance(value, (bytes, bytearray)) for value in known):
            return "binary" + null
        if any(_is_file(value) for value in known):
            return "file" + null
        if all(isinstance(value, Mapping) for value in known):
            return _infer_struct(name, known) + null
        times = _infer_times(name, known)
        if times is not None:
            return times + null
        if all(isinstance(value, decimal.Decimal) for value in known):
            return _infer_decimals(name, known) + null
        if all(isinstance(value, (list, tuple)) for value in known):
            return _infer_lists(name, known, are_all) + null
        try:
            array = numpy.asarray(known)
        except ValueError:
            raise WrongType(f"attribute {name!r}: rows of several shapes: give its type, as \"f32[?]\"") from None
        return _infer_array(name, _exact(name, array, known)).removesuffix("?") + null
    array = array_of(values)
    if isinstance(array, list):
        return infer_column(name, array, are_all=are_all)
    if hasattr(array, "__arrow_c_stream__") or hasattr(array, "__arrow_c_array__"):
        raise WrongType(f"attribute {name!r}: give its type, or the whole table, to infer that of Arrow arrays")
    if isinstance(array, numpy.ma.MaskedArray):
        null = "?" if numpy.ma.getmaskarray(array).any() else ""
        return _infer_array(name, array.data).removesuffix("?") + null
    array = numpy.asarray(array)
    return infer_column(name, array.tolist()) if array.dtype.kind in "OUS" and array.ndim == 1 else _infer_array(name, array)


def _is_nothing(value: Any) -> bool:
    """Whether it stands where there is no value: `None`, and what numpy and pandas have in its place."""
    import numpy

    if isinstance(value, (numpy.datetime64, numpy.timedelta64)):
        return bool(numpy.isnat(value))
    return value is None or type(value).__qualname__ in ("NAType", "NaTType", "MaskedConstant")


def _infer_lists(name: str, rows: list[Any], are_all: bool) -> str:
    """Lists of numbers: a tensor if all are of one shape, and there are no others."""
    import numpy

    try:
        array = numpy.asarray(rows) if are_all else None
    except ValueError:
        # Lists of several lengths.
        array = None
    if array is not None and array.size and array.dtype.kind in "biuf":
        return _infer_array(name, _exact(name, array, rows))
    if array is not None and array.size and all(type(number) is int for number in array.ravel().tolist()):
        return _infer_array(name, _exact(name, array, rows))
    return f"list<{infer_column(name, [item for row in rows for item in row], are_all=False)}>"


def _infer_times(name: str, rows: list[Any]) -> str | None:
    """The type of times, in the finest unit that one of them has; `None` if they are no times."""
    import numpy

    if all(isinstance(value, datetime.datetime) for value in rows):
        zone = _zone(name, rows)
        # Those of pandas have nanoseconds.
        return f"timestamp({'ns' if any(getattr(value, 'nanosecond', 0) for value in rows) else 'us'}{zone})"
    if all(isinstance(value, datetime.date) and not isinstance(value, datetime.datetime) for value in rows):
        return "date32"
    if all(isinstance(value, datetime.time) for value in rows):
        return "time64(us)"
    if all(isinstance(value, (datetime.timedelta, numpy.timedelta64)) for value in rows):
        return f"duration({_finest(rows)})"
    if all(isinstance(value, numpy.datetime64) for value in rows):
        return "date32" if all(_unit(value) == "D" for value in rows) else f"timestamp({_stored(_finest(rows))})"
    return None


def _finest(rows: list[Any]) -> str:
    return max((_unit(value) for value in rows), key=["D", "s", "ms", "us", "ns"].index)


def _stored(unit: str) -> str:
    """The unit of times that other readers know: Parquet has none of seconds."""
    return "ms" if unit in ("D", "s") else unit


def _unit(value: Any) -> str:
    """The unit that a time has, or the next finer one that a type has."""
    import numpy

    if not hasattr(value, "dtype"):
        return "ns" if getattr(value, "nanoseconds", 0) else "us"
    unit = numpy.datetime_data(value.dtype)[0]
    if value.dtype.kind == "M" and unit in ("Y", "M", "W", "D"):
        return "D"
    return unit if unit in ("ms", "us", "ns") else "ns" if unit in ("ps", "fs", "as") else "s"


def _infer_decimals(name: str, rows: list[decimal.Decimal]) -> str:
    """Decimals of as many digits as the longest has before and after the point."""
    if not all(value.is_finite() for value in rows):
        raise WrongType(f"attribute {name!r}: a decimal that is no number: give its type")
    parts = [value.as_tuple() for value in rows]
    scale = max(max(-int(part.exponent), 0) for part in parts)
    whole = max(max(len(part.digits) + int(part.exponent), 1) for part in parts)
    for bits, digits in ((128, 38), (256, 76)):
        if whole + scale <= digits:
            return f"decimal{bits}({whole + scale},{scale})"
    raise WrongType(f"attribute {name!r}: decimals of {whole + scale} digits, where 76 are the most")


_FILE_KEYS = {"bytes", "path", "name", "media_type"}


def _is_file(value: Any) -> bool:
    if isinstance(value, Mapping):
        is_path = hasattr(value.get("path"), "__fspath__")
        return value.keys() <= _FILE_KEYS and (is_path or isinstance(value.get("bytes"), (bytes, bytearray)))
    return hasattr(value, "__fspath__") or hasattr(value, "read")


def _zone(name: str, times: list[Any]) -> str:
    """The zone of times, as it stands in a type: nothing, `UTC`, or the one that all of them have."""
    zones = {time.tzinfo for time in times}
    if zones == {None}:
        return ""
    if None in zones:
        raise WrongType(f"attribute {name!r}: some times know their zone, and some do not")
    names = {getattr(zone, "key", None) for zone in zones}
    only = names.pop()
    return ",UTC" if names or only is None else f",{only}"


def _exact(name: str, found: Any, rows: list[Any]) -> Any:
    """The array that numpy has made of numbers, if it holds each integer among them exactly, or one of `u64` that does."""
    import numpy

    if found.dtype.kind not in "fO":
        return found
    numbers = numpy.asarray(rows, "O").ravel().tolist()
    wrong = [number for number in numbers if type(number) is int and not _is_exact(number)]
    whole = all(type(number) is int for number in numbers)
    if whole and all(0 <= number < 2**64 for number in numbers):
        return numpy.array(numbers, numpy.uint64).reshape(found.shape)
    if wrong or (whole and found.dtype.kind == "f"):
        shown = wrong[0] if wrong else numbers[0]
        raise WrongType(f"attribute {name!r}: no type of numbers holds {shown} beside the others: give its type, such as \"string\"")
    return found


def _is_exact(number: int) -> bool:
    try:
        return float(number) == number
    except OverflowError:
        return False


def _infer_struct(name: str, rows: list[Any]) -> str:
    keys = list(dict.fromkeys(key for row in rows for key in row))
    types = [infer_column(f"{name}.{key}", [row.get(key) for row in rows], are_all=False) for key in keys]
    fields = [f"{json.dumps(key)}:{text}" for key, text in zip(keys, types, strict=True)]
    return f"struct<{','.join(fields)}>"


def _infer_array(name: str, array: Any) -> str:
    import numpy

    if array.dtype.kind in "mM" and array.ndim == 1:
        unit = numpy.datetime_data(array.dtype)[0]
        if unit == "D" and array.dtype.kind == "M":
            return "date32?"
        if unit in ("s", "ms", "us", "ns"):
            return f"timestamp({_stored(unit)})?" if array.dtype.kind == "M" else f"duration({unit})?"
    if array.dtype.kind in "OUSVmM" and array.dtype.name != "bfloat16":
        raise WrongType(f"attribute {name!r}: no type for an array of {array.dtype}: give it")
    dtype = dtype_name(array.dtype)
    return dtype if array.ndim <= 1 else f"{dtype}[{','.join(map(str, array.shape[1:]))}]"
