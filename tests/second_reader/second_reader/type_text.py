"""The texts of types (`spec/schema.md`, Types), parsed by the grammar there."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

import pyarrow as pa

from .refusal import Refused, require

ITEM_BITS = {
    "bool": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "u8": 8, "u16": 16, "u32": 32, "u64": 64,
    "f16": 16, "bf16": 16, "f32": 32, "f64": 64,
}
ARROW = {
    "bool": pa.bool_(), "i8": pa.int8(), "i16": pa.int16(), "i32": pa.int32(), "i64": pa.int64(),
    "u8": pa.uint8(), "u16": pa.uint16(), "u32": pa.uint32(), "u64": pa.uint64(),
    "f16": pa.float16(), "bf16": pa.binary(2), "f32": pa.float32(), "f64": pa.float64(),
    "string": pa.string(), "binary": pa.binary(), "date32": pa.date32(), "date64": pa.date64(),
}
DIGITS = {"decimal32": 9, "decimal64": 18, "decimal128": 38, "decimal256": 76}
UNITS = {"timestamp": ("s", "ms", "us", "ns"), "duration": ("s", "ms", "us", "ns"), "time32": ("s", "ms"),
         "time64": ("us", "ns"), "interval": ("year_month", "day_time")}
EXACT_BITS = {"f16": 11, "bf16": 8, "f32": 24, "f64": 53}
FLOATS_ABOVE = {"f16": ("f32", "f64"), "bf16": ("f32", "f64"), "f32": ("f64",), "f64": ()}
RULE = "schema.md#types"


@dataclass(frozen=True)
class Type:
    """A type; `head` is its first word, or `tensor` for a tensor of `dtype`."""

    head: str
    dtype: str | None = None
    shape: tuple[int | None, ...] = ()
    arguments: tuple[int | str, ...] = ()
    inner: tuple[Type, ...] = ()
    names: tuple[str, ...] = ()
    nullable: bool = False

    @property
    def n(self) -> int | None:
        """The elements of a row of a tensor, if all rows have as many."""
        return None if None in self.shape else math.prod(self.shape)

    @property
    def is_variable(self) -> bool:
        return self.head == "tensor" and None in self.shape

    @property
    def is_list_of_numbers(self) -> bool:
        return self.head == "list" and self.inner[0].dtype is not None


class Parser:
    def __init__(self, text: str):
        self.text = text
        self.tokens = re.findall(r'\s*("(?:[^"\\]|\\.)*"|[A-Za-z0-9_\-]+|[^\s])', text)

    def take(self, *expected: str) -> str:
        token = self.tokens.pop(0) if self.tokens else ""
        require(not expected or token in expected, RULE, f"type {self.text!r}: found {token!r}, expected {expected}")
        return token

    def next_is(self, token: str) -> bool:
        if self.tokens[:1] == [token]:
            self.tokens.pop(0)
            return True
        return False

    def number(self) -> int:
        token = self.take()
        require(re.fullmatch("[0-9]+", token), RULE, f"type {self.text!r}: {token!r} is no number")
        return int(token)

    def whole(self) -> Type:
        """A tensor, a dtype, a file or a plain type."""
        if self.tokens[:1] == ["file"]:
            self.take()
            found = Type("file")
        else:
            found = self.plain(1)
            if found.dtype and self.next_is("["):
                found = Type("tensor", found.dtype, self.shape())
                row_bits = math.prod(1 if size is None else size for size in found.shape) * ITEM_BITS[found.dtype]
                require(row_bits <= 8 << 30, "limits.md", f"type {self.text!r}: a row of more than 1 GiB")
        self.take("")
        return found

    def shape(self) -> tuple[int | None, ...]:
        sizes: list[int | None] = []
        while not self.next_is("]"):
            if sizes:
                self.take(",")
            sizes.append(None if self.next_is("?") else self.number())
        require(len(sizes) <= 32, "limits.md", f"type {self.text!r}: more than 32 dimensions")
        require(math.prod(size or 1 for size in sizes) < 2**31, "limits.md", f"type {self.text!r}: too many elements")
        return tuple(sizes)

    def plain(self, depth: int) -> Type:
        require(depth <= 33, "limits.md", f"type {self.text!r} nests deeper than 32")
        head = self.take()
        if head in ITEM_BITS:
            require(head != "bf16" or depth == 1, RULE, f"type {self.text!r}: bf16 stands alone or in a tensor")
            return Type(head, dtype=head)
        if head in ("string", "binary", "date32", "date64"):
            return Type(head)
        if head == "fixed_binary":
            self.take("(")
            size = self.number()
            self.take(")")
            require(size > 0, RULE, "a fixed_binary has at least 1 byte")
            return Type(head, arguments=(size,))
        if head in DIGITS:
            self.take("(")
            digits = self.number()
            self.take(",")
            scale = self.number()
            self.take(")")
            require(1 <= digits <= DIGITS[head] and scale <= digits, RULE, f"type {self.text!r}: digits or scale")
            return Type(head, arguments=(digits, scale))
        if head in UNITS:
            self.take("(")
            arguments = [self.take(*UNITS[head])]
            if head == "timestamp" and self.next_is(","):
                zone = ""
                while self.tokens and self.tokens[0] not in (",", ")"):
                    zone += self.take()
                require(zone, RULE, f"type {self.text!r}: an empty zone")
                arguments.append(zone)
            self.take(")")
            return Type(head, arguments=tuple(arguments))
        if head in ("list", "struct", "map"):
            self.take("<")
            found = getattr(self, head)(depth + 1)
            self.take(">")
            return found
        raise Refused(RULE, f"type {self.text!r}: {head!r} needs a newer tenrow")

    def nested(self, depth: int) -> Type:
        found = self.plain(depth)
        return Type(**{**found.__dict__, "nullable": self.next_is("?")})

    def list(self, depth: int) -> Type:
        return Type("list", inner=(self.nested(depth),))

    def map(self, depth: int) -> Type:
        key = self.plain(depth)
        self.take(",")
        return Type("map", inner=(key, self.nested(depth)))

    def struct(self, depth: int) -> Type:
        names, inner = [], []
        while not names or self.next_is(","):
            name = self.take()
            names.append(json.loads(name) if name.startswith('"') else name)
            self.take(":")
            inner.append(self.nested(depth))
        require(all(names) and len(set(names)) == len(names), RULE, f"type {self.text!r}: names of fields")
        return Type("struct", inner=tuple(inner), names=tuple(names))


def parse(text: str) -> Type:
    """The type that a text stands for."""
    return Parser(text).whole()


def widens(old: Type, new: Type) -> bool:
    """Whether every value of `old` is one of `new` (`spec/schema.md`, Changes)."""
    if old == new:
        return True
    if not old.dtype or not new.dtype or (old.head == "tensor", old.shape) != (new.head == "tensor", new.shape):
        return False
    a, b = old.dtype, new.dtype
    if a in FLOATS_ABOVE:
        return b in FLOATS_ABOVE[a]
    if "bool" in (a, b):
        return False
    digits = ITEM_BITS[a] - (a[0] == "i")
    if b in EXACT_BITS:
        return digits <= EXACT_BITS[b]
    return ITEM_BITS[b] > ITEM_BITS[a] and (a[0] == b[0] or b[0] == "i")


def arrow_type(kind: Type) -> pa.DataType:
    """The Arrow type that values are kept in (`spec/schema.md`, Attributes in Arrow and Parquet); an extension is not a part of it."""
    if kind.head == "tensor":
        item = pa.field("item", ARROW[kind.dtype])
        if kind.is_variable:
            shape = pa.list_(pa.field("item", pa.int32(), nullable=False), len(kind.shape))
            return pa.struct([pa.field("data", pa.list_(item), nullable=False), pa.field("shape", shape)])
        return pa.list_(item, kind.n) if kind.n else pa.list_(item)
    if kind.head == "file":
        texts = [pa.field(name, pa.string()) for name in ("path", "name", "media_type")]
        return pa.struct([pa.field("bytes", pa.binary()), *texts, pa.field("size_bytes", pa.int64()), pa.field("blake3", pa.string())])
    if kind.head in ARROW:
        return ARROW[kind.head]
    if kind.head in DIGITS:
        return getattr(pa, kind.head)(*kind.arguments)
    if kind.head == "fixed_binary":
        return pa.binary(*kind.arguments)
    if kind.head in ("timestamp", "duration", "time32", "time64"):
        return getattr(pa, kind.head)(*kind.arguments)
    fields = [pa.field(name, arrow_type(inner), inner.nullable) for name, inner in zip(kind.names or ("key", "value"), kind.inner)]
    if kind.head == "struct":
        return pa.struct(fields)
    if kind.head == "map":
        return pa.map_(fields[0].type, fields[1])
    if kind.head == "list":
        return pa.list_(fields[0].with_name("item"))
    raise Refused(RULE, f"pyarrow has no type for {kind.head}")


def arrow_field(name: str, text: str, nullable: bool, id: int | None = None) -> pa.Field:
    """The top-level Arrow field of an attribute, with its metadata (`spec/schema.md`, Field metadata)."""
    kind, metadata = parse(text), {"tenrow:type": text}
    if id is not None:
        metadata["PARQUET:field_id"] = str(id)
    if kind.head == "tensor" and kind.n != 0:
        word, key = ("variable", "uniform_shape") if kind.is_variable else ("fixed", "shape")
        metadata["ARROW:extension:name"] = f"arrow.{word}_shape_tensor"
        metadata["ARROW:extension:metadata"] = json.dumps({key: kind.shape}, separators=(",", ":"))
    return pa.field(name, arrow_type(kind), nullable, metadata)
