"""Python values of rows, such that equal values are equal JSON and others are not.

Integers and booleans are themselves; floats too, but `"nan:<bits>"`, `"inf"` and `"-inf"`; bytes are hex; times, dates and
durations the stored integer; decimals their digits as text; an interval the hex of Parquet's 12 bytes; maps lists of pairs.
A tensor is nested lists, one of variable shape `{"shape", "data"}`; a file what is known of it and its BLAKE3 hash.
"""

from __future__ import annotations

import json
import re
from decimal import ROUND_HALF_UP, Context, Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .refusal import Refused, require
from .type_text import ARROW, ITEM_BITS, Type, arrow_type


def pattern(dtype: str) -> np.dtype:
    """The numpy type of the bit patterns of a dtype; bool has a byte of 0 or 1."""
    return np.dtype(f"<u{max(ITEM_BITS[dtype], 8) // 8}")


def patterns_of(dtype: str, array: pa.Array) -> np.ndarray:
    """The bit patterns of Arrow numbers without nulls."""
    if dtype == "bool":
        return array.to_numpy(zero_copy_only=False).astype("u1")
    if dtype == "bf16":
        return np.frombuffer(b"".join(array.to_pylist()), "<u2")
    if array.type != ARROW[dtype]:
        array = array.cast(ARROW[dtype])  # an ordinary file may keep numbers otherwise
    return np.ascontiguousarray(array.to_numpy(zero_copy_only=False)).view(pattern(dtype))


def numbers(dtype: str, bits: np.ndarray) -> list:
    """Python numbers of bit patterns."""
    if dtype == "bool":
        return bits.astype(bool).tolist()
    if dtype[0] in "iu":
        return bits.view(dtype.replace("i", "<i").replace("u", "<u")[:2] + str(ITEM_BITS[dtype] // 8)).tolist()
    wide = bits.view({"f16": "<f2", "f32": "<f4", "f64": "<f8"}[dtype]) if dtype != "bf16" else (bits.astype("<u4") << 16).view("<f4")
    found = wide.tolist()
    for i in np.flatnonzero(~np.isfinite(wide)):
        found[i] = f"nan:{bits[i]:x}" if np.isnan(wide[i]) else str(found[i])
    return found


def widened(old: str, new: str, bits: np.ndarray) -> np.ndarray:
    """Bit patterns of the same numbers in a wider dtype."""
    if old == new:
        return bits
    if old == "bf16":
        old, bits = "f32", bits.astype("<u4") << 16
    names = {"f16": "<f2", "f32": "<f4", "f64": "<f8"}
    def view(dtype: str) -> str:
        return names.get(dtype) or f"<{dtype[0]}{ITEM_BITS[dtype] // 8}"
    with np.errstate(invalid="ignore"):
        if new == "bf16":  # from integers of 8 bits only
            return (bits.view(view(old)).astype("<f4").view("<u4") >> 16).astype("<u2")
        found = np.ascontiguousarray(bits.view(view(old)).astype(view(new)))
        if new[0] == "f":
            found = np.where(np.isnan(found), found * 1, found)  # a NaN becomes a quiet one, as processors convert it
        return found.view(pattern(new))


def lists_of(array: pa.Array) -> tuple[list[tuple[int, int] | None], pa.Array]:
    """Where the elements of every list begin and end, and the elements of all."""
    valid = array.is_valid().to_pylist()
    if pa.types.is_fixed_size_list(array.type):
        size = array.type.list_size
        spans = [((array.offset + i) * size, (array.offset + i + 1) * size) for i in range(len(array))]
    else:
        offsets = array.offsets.to_pylist()
        spans = list(zip(offsets, offsets[1:]))
    return [span if there else None for span, there in zip(spans, valid)], array.values


def flat_rows(dtype: str, array: pa.Array) -> list[np.ndarray | None]:
    """The bit patterns of the elements of every list of numbers; None for a null list."""
    spans, elements = lists_of(array)
    first = min((span[0] for span in spans if span), default=0)
    last = max((span[1] for span in spans if span), default=0)
    elements = elements.slice(first, last - first)
    if elements.null_count:  # those below null rows only
        inside = np.zeros(len(elements), bool)
        for span in spans:
            if span:
                inside[span[0] - first:span[1] - first] = True
        require(elements.is_valid().to_numpy(zero_copy_only=False)[inside].all(), "tensor-pages.md", "a null element in a tensor")
        zero = b"\0\0" if dtype == "bf16" else False if dtype == "bool" else 0
        elements = elements.fill_null(pa.scalar(zero, elements.type)) if dtype != "bf16" else pa.array([e or zero for e in elements.to_pylist()], elements.type)
    bits = patterns_of(dtype, elements)
    return [None if span is None else bits[span[0] - first:span[1] - first] for span in spans]


def plain(kind: Type, array: pa.Array) -> list:
    """Values of any type but tensors and files."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    valid = array.is_valid().to_pylist()
    if kind.dtype:
        bits = patterns_of(kind.dtype, array.drop_null())
        present = iter(numbers(kind.dtype, bits))
        return [next(present) if there else None for there in valid]
    if kind.head == "list":
        spans, elements = lists_of(array)
        inner = plain(kind.inner[0], elements)
        return [None if span is None else inner[span[0]:span[1]] for span in spans]
    if kind.head == "map":
        spans, _ = lists_of(array)
        pairs = [list(pair) for pair in zip(plain(kind.inner[0], array.keys), plain(kind.inner[1], array.items))]
        return [None if span is None else pairs[span[0]:span[1]] for span in spans]
    if kind.head == "struct":
        columns = [plain(inner, array.field(i)) for i, inner in enumerate(kind.inner)]
        rows = zip(*columns)
        return [dict(zip(kind.names, row)) if there else None for row, there in zip(rows, valid)]
    if kind.head == "string":
        return array.to_pylist()
    if kind.head in ("binary", "fixed_binary", "interval"):
        return [None if value is None else value.hex() for value in array.to_pylist()]
    if kind.head.startswith("decimal"):
        return [None if value is None else format(value, "f") for value in array.to_pylist()]
    wanted = arrow_type(kind)  # a time or date: some readers see an integer only
    if pa.types.is_temporal(array.type) and array.type != wanted:
        array = array.cast(wanted)
    width = array.type.bit_width
    return (array if pa.types.is_integer(array.type) else array.view(f"int{width}")).to_pylist()


def nested(values: list, shape: tuple) -> list:
    """A flat list of numbers as nested lists of a shape."""
    if not shape:
        return values[0]
    size = len(values) // shape[0] if shape[0] else 0
    return [nested(values[i * size:(i + 1) * size], shape[1:]) for i in range(shape[0])]


def tensor(kind: Type, form: Type, rows: list[np.ndarray | None], shapes: list | None) -> list:
    """Tensors from bit patterns in an earlier or the same form."""
    found = []
    for i, bits in enumerate(rows):
        if bits is None:
            found.append(None)
            continue
        shape = kind.shape if shapes is None else tuple(shapes[i].view("<i4").tolist())
        fits = len(shape) == len(kind.shape) and all(a is None or a == b for a, b in zip(kind.shape, shape)) and min(shape, default=0) >= 0
        require(fits, "schema.md#types", f"a tensor of shape {shape}")
        product = int(np.prod(shape, dtype=object)) if shape else 1
        require(len(bits) == product, "schema.md#types", f"{len(bits)} elements in a tensor of shape {shape}")
        values = numbers(kind.dtype, widened(form.dtype, kind.dtype, bits))
        found.append(nested(values, shape) if shapes is None else {"shape": list(shape), "data": values})
    return found


def from_arrow(kind: Type, form: Type, array: pa.Array) -> list:
    """The values of a column of a Parquet file that holds an attribute of type `kind` in an earlier or the same `form`."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if kind.is_variable:
        valid = array.is_valid().to_pylist()
        data, shapes = flat_rows(form.dtype, array.field("data")), flat_rows("i32", array.field("shape"))
        rows = [bits if there else None for bits, there in zip(data, valid)]
        return tensor(kind, form, rows, shapes)
    if kind.head == "tensor":
        return tensor(kind, form, flat_rows(form.dtype, array), None)
    if kind.dtype and form.dtype != kind.dtype:
        valid = array.is_valid().to_pylist()
        present = iter(numbers(kind.dtype, widened(form.dtype, kind.dtype, patterns_of(form.dtype, array.drop_null()))))
        return [next(present) if there else None for there in valid]
    return plain(kind, array)


def from_raw(kind: Type, form: Type, columns: list[list[np.ndarray | None]]) -> list:
    """The same from the rows of raw chunks."""
    if kind.head == "tensor":
        return tensor(kind, form, columns[0], columns[1] if kind.is_variable else None)
    return [None if bits is None else numbers(kind.inner[0].dtype, bits) for bits in columns[0]]


DAY, TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}", r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
FORMS = {"date32": DAY, "date64": DAY, "time32": TIME, "time64": TIME, "decimal": r"-?[0-9]+(\.[0-9]+)?"}


def has_form(kind: Type, default: object) -> bool:
    """Whether a default that is a text has the form that the specification gives it."""
    if kind.head == "timestamp":
        return bool(re.fullmatch(f"{DAY}T{TIME}" + ("(Z|[+-][0-9]{2}:[0-9]{2})" if arrow_type(kind).tz else ""), str(default)))
    form = FORMS.get("decimal" if kind.head.startswith("decimal") else kind.head)
    return form is None or bool(re.fullmatch(form, str(default)))


def default_value(kind: Type, default: object) -> object:
    """The value that stands for a default of the schema (`spec/schema.md`, Changes)."""
    if kind.dtype:
        require(isinstance(default, bool) == (kind.dtype == "bool") and not isinstance(default, str), "schema.md#changes", f"default {default!r}")
        if kind.dtype == "bf16":
            bits = np.array([default], "<f4").view("<u4")
            one = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2")
            require((one[0] & 0x7F80) != 0x7F80, "schema.md#changes", f"default {default!r} is beyond bf16")
        else:
            integer = kind.dtype[0] in "iu"
            require(isinstance(default, int) or not integer, "schema.md#changes", f"default {default!r}")
            try:
                one = patterns_of(kind.dtype, pa.array(np.array([default if integer or kind.dtype == "bool" else float(default)]), ARROW[kind.dtype]))
            except (pa.ArrowInvalid, OverflowError) as error:
                raise Refused("schema.md#changes", f"default {default!r}: {error}") from error
        if kind.dtype in ("f16", "f32", "f64"):
            with np.errstate(over="ignore"):
                is_finite = np.isfinite(np.array([default], f"<f{int(kind.dtype[1:]) // 8}"))[0]
            require(is_finite, "schema.md#changes", f"default {default!r} is beyond {kind.dtype}")
        if kind.head != "tensor":
            return numbers(kind.dtype, one)[0]
        require(kind.n is not None, "schema.md#changes", "a default of a tensor of variable shape")
        return tensor(kind, kind, [np.repeat(one, kind.n)], None)[0]
    require(not kind.inner and kind.head not in ("file", "interval"), "schema.md#changes", f"a {kind.head} has no default")
    require(has_form(kind, default), "schema.md#changes", f"default {default!r} in another form")
    try:
        return plain(kind, cast_text(kind, default))[0]
    except (pa.ArrowInvalid, ArithmeticError) as error:
        raise Refused("schema.md#changes", f"default {default!r}: {error}") from error


def cast_text(kind: Type, default: object) -> pa.Array:
    """A default that Arrow casts, where implementations of Arrow differ as the first one does."""
    wanted, text = arrow_type(kind), pa.array([default])
    if kind.head.startswith("time3") or kind.head.startswith("time6"):
        return pa.array([f"1970-01-01T{default}"]).cast(pa.timestamp(wanted.unit)).cast(wanted)
    if kind.head == "date64":  # may have a time
        return text.cast(pa.timestamp("ms")).cast(pa.int64())
    if kind.head.startswith("decimal"):  # rounded, halves away from zero
        digits, scale = kind.arguments
        return pa.array([Decimal(str(default)).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, Context(prec=digits))], wanted)
    if kind.head == "timestamp" and wanted.tz and not re.search("Z$|[+-][0-9]{2}:?[0-9]{2}$", str(default)):
        return pc.assume_timezone(text.cast(pa.timestamp(wanted.unit)), wanted.tz)
    return text.cast(wanted)


def as_json(row: dict) -> str:
    """One row as a line of JSON."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))
