"""Leaves and their partitions: which files have which rows (`spec/manifest.md`, Leaf)."""

from __future__ import annotations

import os
import pathlib
import re
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from . import roaring
from .refusal import Refused, require
from .root import Root

RULE = "manifest.md#leaf"
STATISTICS = [("field", pa.int32()), ("null_count", pa.int64()), ("min", pa.string()), ("max", pa.string()), ("exact", pa.bool_())]
PAGES = [("first_row", pa.int64()), ("first_value", pa.int64()), ("values_offset", pa.int64())]
CHUNK = [
    ("field", pa.int32()), ("row_group", pa.int32()), ("column", pa.int32()), ("layout", pa.string()), ("item_bits", pa.int32()),
    ("first_page", pa.int64()), ("page_stride", pa.int64()), ("page_rows", pa.int64()), ("prefix", pa.int32()),
    ("last_prefix", pa.int32()), ("value_count", pa.int64()), ("pages", pa.list_(pa.struct(PAGES))), ("null_rows", pa.binary()),
    ("offset_index_start", pa.int64()), ("offset_index_end", pa.int64()),
]
FILE = [
    ("path", pa.string()), ("foreign", pa.struct([("modified_ns", pa.int64())])), ("size_bytes", pa.int64()),
    ("checksum", pa.uint64()), ("footer_bytes", pa.int64()), ("sequence", pa.int64()), ("field_ids", pa.list_(pa.int32())),
    ("row_groups", pa.list_(pa.int64())), ("chunks", pa.list_(pa.struct(CHUNK))),
]
DELETES = [("path", pa.string()), ("size_bytes", pa.int64()), ("checksum", pa.uint64()), ("row_count", pa.int64())]
COLUMNS = pa.schema([
    ("row_count", pa.int64()), ("row_ids", pa.list_(pa.struct([("first", pa.int64()), ("count", pa.int64())]))),
    ("keys", pa.list_(pa.struct([("field", pa.int32()), ("value", pa.string())]))), ("files", pa.list_(pa.struct(FILE))),
    ("statistics", pa.list_(pa.struct(STATISTICS))), ("deletes", pa.struct(DELETES)), ("external_files", pa.list_(pa.string())),
])
MAY_BE_NULL = {"foreign", "sequence", "min", "max", "deletes"}
MAY_BE_NEGATIVE = {"modified_ns"}
OF_LAYOUT = {
    "strided": {"item_bits", "first_page", "page_stride", "page_rows", "prefix", "last_prefix"},
    "paged": {"item_bits", "first_page", "value_count", "pages", "null_rows"},
    "indexed": {"offset_index_start", "offset_index_end"},
}
OPTIONAL_OF_LAYOUT = {"null_rows", "offset_index_start", "offset_index_end"}


class Places:
    """Finds the objects that a root names, in the dataset and in its origins."""

    def __init__(self, folder: pathlib.Path, root: Root):
        self.folder, self.root = folder, root

    def origin(self, name: str) -> pathlib.Path:
        require(name in self.root.origins, "manifest.md", f"the root has no origin {name!r}")
        location = self.root.origins[name]["location"]
        if found := re.fullmatch(r"\.\./([^/\\]+)", location):
            beside = self.folder.resolve().parent / found[1]
            return beside if beside.exists() else pathlib.Path(os.path.abspath(self.folder)).parent / found[1]
        require(location.startswith("/"), "manifest.md#root", f"origin {name!r} is at {location}, which this reader cannot open")
        return pathlib.Path(location)

    def absolute(self, path: str, origin: str | None) -> str:
        """The path as seen from the dataset, of one that stands in a leaf or a file of an origin."""
        return path if origin is None or path.startswith("@") else f"@{origin}/{path}"

    def find(self, path: str) -> pathlib.Path:
        """Where the object of a path is."""
        parts = path.split("/")
        bad = any(part in ("", ".", "..") for part in parts) or "\\" in path or any(unicodedata.category(c) == "Cc" for c in path)
        require(not bad and len(path.encode()) <= 4096, "manifest.md", f"path {path!r}")
        folder = self.folder
        if path.startswith("@"):
            folder, parts = self.origin(parts[0][1:]), parts[1:]
            require(parts, "manifest.md", f"path {path!r}")
        return folder.joinpath(*parts)

    def read(self, path: str, size: int | None, checksum: int | None, rule: str) -> bytes:
        """An object, of which size and checksum are compared."""
        try:
            data = self.find(path).read_bytes()
        except OSError as error:
            raise Refused(rule, f"{path} cannot be read: {error.strerror}") from error
        require(size in (None, len(data)), rule, f"{path} has {len(data)} bytes, not {size}")
        require(checksum in (None, xxhash.xxh3_64_intdigest(data)), rule, f"the checksum of {path}")
        return data


def origin_of(path: str) -> str | None:
    return path[1:].split("/")[0] if path.startswith("@") else None


def check_values(value: object, at: str) -> None:
    """Refuses a null or negative number where none may be."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "chunks":
                for chunk in item or [None]:
                    check_chunk(chunk) if chunk else None
                continue
            require(item is not None or key in MAY_BE_NULL, RULE, f"{at}.{key} is null")
            require(not isinstance(item, int) or item >= 0 or key in MAY_BE_NEGATIVE, RULE, f"{at}.{key} is negative")
            check_values(item, f"{at}.{key}")
    if isinstance(value, list):
        for item in value:
            require(item is not None, RULE, f"{at} holds a null")
            check_values(item, at)


def check_chunk(chunk: dict) -> None:
    """Refuses a chunk whose fields are not those of its layout."""
    layout = chunk["layout"]
    require(layout in OF_LAYOUT, RULE, f"layout {layout!r}: needs a newer tenrow")
    for key, value in chunk.items():
        needed = key in ("field", "row_group", "column", "layout") or key in OF_LAYOUT[layout]
        require(needed or value is None, RULE, f"{key} of a {layout} chunk")
        require(value is not None or not needed or key in OPTIONAL_OF_LAYOUT, RULE, f"a {layout} chunk without {key}")
        require(not isinstance(value, int) or value >= 0, RULE, f"{key} of a chunk is negative")
    require((chunk["offset_index_start"] is None) == (chunk["offset_index_end"] is None), RULE, "half of an OffsetIndex")


def same_type(found: pa.DataType, expected: pa.DataType) -> bool:
    """Whether two types are the same but for nullability, names of list elements, and fields that are not known."""
    if pa.types.is_struct(expected):
        return pa.types.is_struct(found) and all(
            found.get_field_index(field.name) >= 0 and same_type(found.field(field.name).type, field.type) for field in expected)
    if pa.types.is_list(expected):
        return pa.types.is_list(found) and same_type(found.value_type, expected.value_type)
    return found == expected


def read_partitions(places: Places, keys: dict) -> list[dict]:
    """The partitions of a leaf, with paths as seen from the dataset, stable ids and sequences filled in."""
    require(keys["size_bytes"] <= 1 << 30, "limits.md", "a leaf of more than 1 GiB")
    data = places.read(keys["path"], keys["size_bytes"], int(keys["checksum"], 16), RULE)
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        require(file.metadata.num_rows <= 65536, "limits.md", "a leaf of more than 65,536 partitions")
        table = file.read()
        for group in map(file.metadata.row_group, range(file.num_row_groups)):
            for chunk in map(group.column, range(group.num_columns)):
                plain = chunk.compression in ("ZSTD", "UNCOMPRESSED") and not any("DICTIONARY" in encoding for encoding in chunk.encodings)
                require(plain, RULE, f"{keys['path']}: {chunk.path_in_schema} is {chunk.compression}, {chunk.encodings}")
    except (pa.ArrowException, OSError) as error:
        raise Refused(RULE, f"{keys['path']}: {error}") from error
    for column in COLUMNS:
        there = column.name in table.column_names and same_type(table.schema.field(column.name).type, column.type)
        require(there, RULE, f"{keys['path']} lacks {column.name}, or has it in another type")
    partitions = [row for row in table.select(COLUMNS.names).to_pylist()]
    require(len(partitions) == keys["partition_count"], RULE, f"{len(partitions)} partitions in {keys['path']}")
    next_id, live, origin = keys["first_row_id"], 0, origin_of(keys["path"])
    size = sum(file["size_bytes"] for partition in partitions for file in partition["files"] or [])
    partitions = [partition for partition in partitions if partition["row_count"] != 0]
    require(len({bool(p["row_ids"]) for p in partitions}) < 2, RULE, "a leaf in which only some partitions name their ids")
    for partition in partitions:
        check_values(partition, "partition")
        rows = partition["row_count"]
        if not partition["row_ids"]:
            partition["row_ids"] = [{"first": next_id, "count": rows}]
            next_id += rows
        counts = [run["count"] for run in partition["row_ids"]]
        require(sum(counts) == rows and min(counts) > 0, RULE, "row_ids are not row_count, or a run of them is empty")
        fields = [known["field"] for known in partition["statistics"]]
        require(len(set(fields)) == len(fields), "manifest.md#root", "statistics of one attribute twice")
        ids = [np.arange(run["first"], run["first"] + run["count"]) for run in partition["row_ids"]]
        partition["ids"] = np.concatenate(ids)
        require(partition["files"], RULE, "a partition without a file")
        for file in partition["files"]:
            check_file(file, rows)
            file["sequence"] = keys["sequence"] if file["sequence"] is None else file["sequence"]
            file["origin"] = origin if file["foreign"] or not file["path"].startswith("@") else origin_of(file["path"])
            file["path"] = file["path"] if file["foreign"] else places.absolute(file["path"], origin)
        paths = [file["path"] for file in partition["files"]]
        require(len(set(paths)) == len(paths), RULE, "a file is named twice in a partition")
        partition["external_files"] = {places.absolute(path, origin) for path in partition["external_files"]}
        partition["deleted"] = read_deletes(places, partition, origin)
        live += rows - len(partition["deleted"])
    require(live == keys["row_count"], "manifest.md#root", f"{live} live rows in {keys['path']}, not {keys['row_count']}")
    require(size == keys["size_of_files_bytes"], "manifest.md#root", f"size_of_files_bytes of {keys['path']} is not {size}")
    return partitions


def check_file(file: dict, rows: int) -> None:
    """The rules of one file's entry."""
    require(sum(file["row_groups"]) == rows, RULE, f"the row groups of {file['path']} are not {rows} rows")
    require(len(set(file["field_ids"])) == len(file["field_ids"]), RULE, f"{file['path']} has an attribute twice")
    require(8 <= file["footer_bytes"] <= min(file["size_bytes"], 1 << 30), RULE, f"footer_bytes of {file['path']}")
    require(max(file["row_groups"], default=0) <= 1 << 20 and len(file["row_groups"]) < 32768, "limits.md", "row groups")
    places = [(chunk["row_group"], chunk["column"]) for chunk in file["chunks"]]
    require(len(set(places)) == len(places), RULE, f"{file['path']} has two chunks of one row group and column")
    for chunk in file["chunks"]:
        require(chunk["row_group"] < len(file["row_groups"]), RULE, "a chunk of a row group that is not there")
        require(chunk["field"] in file["field_ids"], RULE, f"a chunk of attribute {chunk['field']}, which {file['path']} has not")


def read_deletes(places: Places, partition: dict, origin: str | None) -> np.ndarray:
    """The deleted rows of a partition."""
    deletes = partition["deletes"]
    if not deletes:
        return np.empty(0, np.int64)
    require(deletes["size_bytes"] <= 256 << 20 and deletes["row_count"] <= 1 << 27, "limits.md", "a deletion vector is too large")
    path = places.absolute(deletes["path"], origin)
    rows = roaring.read(places.read(path, deletes["size_bytes"], deletes["checksum"], RULE))
    require(len(rows) == deletes["row_count"] >= 1 and rows[-1] < partition["row_count"], RULE, f"the rows of {path}")
    return rows
