"""One Parquet file of a partition, byte by byte (`spec/partition.md`, `spec/tensor-pages.md`): no library writes pages like these."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from .type_text import arrow_field, parse

BYTES_PARQUET = b"PAR1"
INT32, INT64, FLOAT, BYTE_ARRAY = 1, 2, 4, 6
REQUIRED, OPTIONAL, REPEATED = 0, 1, 2
PLAIN, RLE, RLE_DICTIONARY = 0, 3, 8
CODES = {"i8": 3, "i16": 4, "i32": 5, "i64": 6, "binary": 8, "list": 9, "struct": 12}


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def thrift(kind: str, value: object) -> bytes:
    """A value in Thrift's compact protocol; a struct is a list of (id, kind, value), a list (kind, values)."""
    if kind == "i8":
        return bytes([value])
    if kind in ("i16", "i32", "i64"):
        return varint(value << 1 ^ value >> 63)
    if kind == "crc":  # five bytes whatever its value
        zigzag = (value << 1 ^ -(value >> 31)) & 0xFFFFFFFF
        return bytes([zigzag >> shift & 0x7F | 0x80 for shift in (0, 7, 14, 21)] + [zigzag >> 28])
    if kind == "binary":
        return varint(len(value)) + value
    if kind == "list":
        inner, values = value
        head = bytes([min(len(values), 15) << 4 | CODES.get(inner, 1)]) + (varint(len(values)) if len(values) > 14 else b"")
        return head + b"".join(bytes([2 - item]) if inner == "bool" else thrift(inner, item) for item in values)
    out, last = b"", 0
    for id, inner, item in value:
        code = 2 - item if inner == "bool" else CODES["i32" if inner == "crc" else inner]
        out += bytes([id - last << 4 | code]) + (b"" if inner == "bool" else thrift(inner, item))
        last = id
    return out + b"\0"


def page(kind: int, header: tuple, body: bytes) -> bytes:
    """A page that is not compressed, with its CRC."""
    return thrift("struct", [(1, "i32", kind), (2, "i32", len(body)), (3, "i32", len(body)), (4, "crc", zlib.crc32(body)), header]) + body


def data_page(encoding: int, rows: int, entries: int, nulls: int, repetition: bytes, definition: bytes, values: bytes) -> bytes:
    """A data page of version 2."""
    counts = [entries, nulls, rows, encoding, len(definition), len(repetition)]
    header = [(i + 1, "i32", count) for i, count in enumerate(counts)] + [(7, "bool", False)]
    return page(3, (8, "struct", header), repetition + definition + values)


@dataclass
class Column:
    """The pages of one Parquet column, and what the footer and the leaf say of it."""

    elements: list  # of the schema, depth first
    path: list[str]
    type: int
    entries: int
    encodings: list[int]
    pages: list[tuple[int, bytes]]  # first row, bytes
    dictionary: bytes = b""
    bounds: tuple[bytes, bytes, int] | None = None  # least, greatest, nulls
    chunk: dict = field(default_factory=dict)


def ordinary(id: int, name: str, text: str, values: list) -> Column:
    """An `i64` or a `string` that may be null, in one page."""
    present = [value for value in values if value is not None]
    levels = b"".join(varint(2) + bytes([value is not None]) for value in values) if text == "string" else b""
    plain = [struct.pack("<q", v) if text == "i64" else v.encode() for v in present]
    body = b"".join(plain if text == "i64" else [struct.pack("<I", len(item)) + item for item in plain])
    element = [(1, "i32", INT64 if text == "i64" else BYTE_ARRAY), (3, "i32", OPTIONAL if text == "string" else REQUIRED),
               (4, "binary", name.encode()), (9, "i32", id)]
    if text == "string":
        element[3:3] = [(6, "i32", 0)]
        element.append((10, "struct", [(1, "struct", [])]))
    pages = [(0, data_page(PLAIN, len(values), len(values), len(values) - len(present), b"", levels, body))]
    least, greatest = (min(present), max(present)) if present else (0, 0)
    bounds = [struct.pack("<q", v) if text == "i64" else str(v).encode() for v in (least, greatest)]
    return Column([element], [name], element[0][2], len(values), [PLAIN, RLE], pages, bounds=(*bounds, len(values) - len(present)))


def raw_tensor(id: int, name: str, text: str, values: np.ndarray, page_rows: int) -> Column:
    """A tensor of `u8` or `f32` of fixed shape, no row null: a `strided` chunk."""
    kind = parse(text)
    n, rows, is_u8 = kind.n, len(values), kind.dtype == "u8"
    pages = []
    for first in range(0, rows, page_rows):
        part = values[first:first + page_rows]
        repetition = (b"\2\0" + (varint(n - 1 << 1) + b"\1" if n > 1 else b"")) * len(part)
        definition = varint(part.size << 1) + b"\2"
        head = b"\x08" + varint(-(-part.size // 8) << 1 | 1) if is_u8 else b""
        body = head + np.ascontiguousarray(part).tobytes() + bytes(-part.size % 8 if is_u8 else 0)
        pages.append((first, data_page(RLE_DICTIONARY if is_u8 else PLAIN, len(part), part.size, 0, repetition, definition, body)))
    elements = [
        [(3, "i32", REQUIRED), (4, "binary", name.encode()), (5, "i32", 1), (6, "i32", 3), (9, "i32", id), (10, "struct", [(3, "struct", [])])],
        [(3, "i32", REPEATED), (4, "binary", b"list"), (5, "i32", 1)],
        [(1, "i32", INT32 if is_u8 else FLOAT), (3, "i32", OPTIONAL), (4, "binary", b"item")],
    ]
    if is_u8:
        elements[2] += [(6, "i32", 11), (10, "struct", [(10, "struct", [(1, "i8", 8), (2, "bool", False)])])]
    identity = np.arange(256, dtype="<i4").tobytes()
    dictionary = page(2, (7, "struct", [(1, "i32", 256), (2, "i32", PLAIN)]), identity) if is_u8 else b""
    sizes = [len(body) for _, body in pages]
    tails = [min(page_rows, rows - first) * n for first, _ in pages]
    prefixes = [size - (-(-count // 8) * 8 if is_u8 else 4 * count) for size, count in zip(sizes, tails)]
    chunk = {"layout": "strided", "item_bits": 8 if is_u8 else 32, "page_stride": sizes[0], "page_rows": page_rows,
             "prefix": prefixes[0], "last_prefix": prefixes[-1]}
    return Column(elements, [name, "list", "item"], elements[2][0][2], rows * n, [RLE, RLE_DICTIONARY if is_u8 else PLAIN], pages, dictionary, chunk=chunk)


def write(attributes: list[dict], rows: int, columns: list[Column]) -> tuple[bytes, int, list[dict]]:
    """A file of one row group: its bytes, `footer_bytes`, and its chunks in the leaf."""
    out, chunks, metas = bytearray(BYTES_PARQUET), [], []
    for i, (attribute, column) in enumerate(zip(attributes, columns)):
        out += bytes(-(len(out) + len(column.dictionary)) % 64)
        start, first_page = len(out), len(out) + len(column.dictionary)
        out += column.dictionary + b"".join(body for _, body in column.pages)
        size, codec = len(out) - start, 0
        meta = [(1, "i32", column.type), (2, "list", ("i32", column.encodings)), (3, "list", ("binary", [part.encode() for part in column.path])),
                (4, "i32", codec), (5, "i64", column.entries), (6, "i64", size), (7, "i64", size), (9, "i64", first_page)]
        if column.dictionary:
            meta.append((11, "i64", start))
        if column.bounds:
            least, greatest, nulls = column.bounds
            meta.append((12, "struct", [(3, "i64", nulls), (5, "binary", greatest), (6, "binary", least)]))
        metas.append((meta, size))
        at = {"first_page": first_page} if column.chunk else {"layout": "indexed"}
        chunks.append({"field": attribute["id"], "row_group": 0, "column": i, **column.chunk, **at})
    tail, column_chunks, indexes = len(out), [], []
    for column in columns:
        if column.bounds:
            least, greatest, nulls = column.bounds
            body = thrift("struct", [(1, "list", ("bool", [nulls == rows])), (2, "list", ("binary", [least])), (3, "list", ("binary", [greatest])),
                                     (4, "i32", 1), (5, "list", ("i64", [nulls]))])
            indexes.append([(6, "i64", len(out)), (7, "i32", len(body))])
            out += body
        else:
            indexes.append([])
    for (meta, _), column, chunk, index in zip(metas, columns, chunks, indexes):
        at, places = meta[7][2], []
        for first, body in column.pages:
            places.append([(1, "i64", at), (2, "i32", len(body)), (3, "i64", first)])
            at += len(body)
        body = thrift("struct", [(1, "list", ("struct", places))])
        if chunk["layout"] == "indexed":
            chunk.update(offset_index_start=len(out), offset_index_end=len(out) + len(body))
        column_chunks.append([(2, "i64", 0), (3, "struct", meta), (4, "i64", len(out)), (5, "i32", len(body)), *index])
        out += body
    schema = pa.schema([arrow_field(a["name"], a["type"], a["nullable"], a["id"]) for a in attributes])
    root = [(4, "binary", b"arrow_schema"), (5, "i32", len(columns))]
    elements = [root, *(element for column in columns for element in column.elements)]
    total = sum(size for _, size in metas)
    group = [(1, "list", ("struct", column_chunks)), (2, "i64", total), (3, "i64", rows), (6, "i64", total), (7, "i16", 0)]
    keys = [[(1, "binary", b"ARROW:schema"), (2, "binary", base64.b64encode(schema.serialize().to_pybytes()))]]
    footer = thrift("struct", [
        (1, "i32", 2), (2, "list", ("struct", elements)), (3, "i64", rows), (4, "list", ("struct", [group])),
        (5, "list", ("struct", keys)), (6, "binary", b"tenrow version 0.0.0 (second writer)"),
        (7, "list", ("struct", [[(1, "struct", [])]] * len(columns)))])
    out += footer + struct.pack("<I", len(footer)) + BYTES_PARQUET
    return bytes(out), len(out) - tail, chunks
