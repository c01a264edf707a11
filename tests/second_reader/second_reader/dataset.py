"""All rows of any version of a dataset, read twice: by pyarrow from the Parquet files, and where chunks are raw by addresses."""

from __future__ import annotations

import json
import pathlib
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from blake3 import blake3

from . import values
from .leaf import Places, origin_of, read_partitions
from .pages import RawChunk, RawColumn, read_pages
from .refusal import Refused, require
from .root import Attribute, History, Root
from .type_text import Type, parse


def leaf_columns(kind: pa.DataType) -> int:
    """The Parquet columns of an Arrow type."""
    if isinstance(kind, pa.BaseExtensionType):
        return leaf_columns(kind.storage_type)
    if pa.types.is_map(kind):
        return leaf_columns(kind.key_type) + leaf_columns(kind.item_type)
    if pa.types.is_struct(kind):
        return sum(leaf_columns(field.type) for field in kind)
    if pa.types.is_nested(kind):
        return leaf_columns(kind.value_type)
    return 1


class DataFile:
    """A Parquet file that a leaf names, its checksum and the CRCs of all its pages checked."""

    def __init__(self, places: Places, entry: dict):
        self.entry, self.places = entry, places
        foreign = entry["foreign"]
        self.data = memoryview(self.read_foreign() if foreign else places.read(
            entry["path"], entry["size_bytes"], entry["checksum"], "manifest.md#leaf"))
        try:
            self.parquet = pq.ParquetFile(pa.BufferReader(self.data), page_checksum_verification=True)
        except (pa.ArrowException, OSError) as error:
            raise Refused("partition.md#a-file", f"{entry['path']}: {error}") from error
        found = [self.parquet.metadata.row_group(g).num_rows for g in range(self.parquet.num_row_groups)]
        require(found == entry["row_groups"], "manifest.md#leaf", f"{entry['path']} has other row groups: {found}")
        self.data_end = entry["size_bytes"] - entry["footer_bytes"]
        self.fields = list(self.parquet.schema_arrow)
        self.field_of_column = [i for i, field in enumerate(self.fields) for _ in range(leaf_columns(field.type))]
        require(len(self.field_of_column) == self.parquet.metadata.num_columns, "partition.md#a-file", "columns and fields")
        self.groups = {}
        if not foreign:
            for group in range(len(found)):
                for column in range(len(self.field_of_column)):
                    start, end = self.span(group, column)
                    require(end <= self.data_end, "manifest.md#leaf", f"footer_bytes of {entry['path']} reaches into its data")
                    read_pages(self.data, start, end, False)  # golden files have pages without a CRC, but no raw ones

    def read_foreign(self) -> bytes:
        """A file that is not the dataset's own: it must be what was indexed."""
        entry, rule = self.entry, "manifest.md#leaf"
        path = pathlib.Path(entry["path"].removeprefix("file://"))
        require(path.is_absolute(), rule, f"foreign file {path} cannot be opened by this reader")
        require(path.exists(), rule, f"foreign file {path} is gone")
        data, modified = path.read_bytes(), path.stat().st_mtime_ns
        same = (len(data), modified, xxhash.xxh3_64_intdigest(data)) == (
            entry["size_bytes"], entry["foreign"]["modified_ns"], entry["checksum"])
        require(same, rule, f"foreign file {path} has changed")
        return data

    def span(self, group: int, column: int) -> tuple[int, int]:
        """Where a column chunk begins and ends."""
        chunk = self.parquet.metadata.row_group(group).column(column)
        start = min(at for at in (chunk.dictionary_page_offset, chunk.data_page_offset) if at is not None)
        return start, start + chunk.total_compressed_size

    def group(self, index: int) -> pa.Table:
        if index not in self.groups:
            try:
                self.groups[index] = self.parquet.read_row_group(index)
            except (pa.ArrowException, OSError) as error:
                raise Refused("README.md#the-promise-to-other-readers", f"{self.entry['path']}: {error}") from error
        return self.groups[index]

    def field_index(self, id: int, chunks: list[dict]) -> int:
        """Which top-level field an attribute is: that of its chunks, else the one with its id."""
        if chunks:
            require(all(chunk["column"] < len(self.field_of_column) for chunk in chunks), "manifest.md#leaf", "a column that is not there")
            fields = {self.field_of_column[chunk["column"]] for chunk in chunks}
            require(len(fields) == 1, "manifest.md#leaf", f"the chunks of attribute {id} are of several fields")
            return fields.pop()
        apart = self.entry["foreign"] or self.entry["origin"]
        require(not apart, "manifest.md#leaf", f"{self.entry['path']} is not this dataset's, and has no chunk of attribute {id}")
        ids = [(field.metadata or {}).get(b"PARQUET:field_id") for field in self.fields]
        require(ids.count(str(id).encode()) == 1, "partition.md#a-file", f"no field with id {id} in {self.entry['path']}")
        return ids.index(str(id).encode())

    def read(self, attribute: Attribute, id: int) -> list:
        """The values of all rows of an attribute that the file has under an id."""
        form, found = attribute.forms[id], []
        for group, rows in enumerate(self.entry["row_groups"]):
            chunks = [c for c in self.entry["chunks"] if c["field"] == id and c["row_group"] == group]
            index = self.field_index(id, chunks)
            text = (self.fields[index].metadata or {}).get(b"tenrow:type", b"").decode()
            typed = self.entry["foreign"] or (text and parse(text) == form)
            require(typed, "schema.md#field-metadata", f"{attribute.name!r} is {text!r} in {self.entry['path']}")
            array = self.group(group).column(index).combine_chunks()
            if isinstance(array, pa.ChunkedArray):
                array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
            part = self.files(array) if form.head == "file" else values.from_arrow(attribute.type, form, array)
            raw = self.read_raw(attribute, form, chunks, group, rows)
            same = raw is None or json.dumps(raw) == json.dumps(part)  # which tells -0.0 from 0.0
            require(same, "tensor-pages.md", f"{attribute.name!r} of {self.entry['path']}: addresses and pages give other values")
            found += part
        return found

    def read_raw(self, attribute: Attribute, form: Type, chunks: list[dict], group: int, rows: int) -> list | None:
        """The same by addresses, or None if a chunk of it is not raw."""
        if not chunks or any(chunk["layout"] == "indexed" for chunk in chunks):
            return None
        field = self.fields[self.field_of_column[chunks[0]["column"]]]
        columns = RawColumn.all_of(form, field.nullable)
        require(len(columns) == len(chunks), "tensor-pages.md", f"raw chunks of {attribute.name!r}")
        found = []
        for column, entry in zip(columns, sorted(chunks, key=lambda chunk: chunk["column"])):
            chunk = RawChunk(self.data[:self.data_end], entry, column, rows)
            found.append(chunk.values())
            chunk.check_dictionary(self.span(group, entry["column"])[0], entry["first_page"])
        return values.from_raw(attribute.type, form, found)

    def files(self, array: pa.Array) -> list:
        """The values of a file attribute, their contents read and hashed."""
        return [None if row is None else self.file(row) for row in array.to_pylist()]

    def file(self, row: dict) -> dict:
        rule, content, path = "schema.md#attributes-in-arrow-and-parquet", row.get("bytes"), row.get("path")
        named = None
        if content is None:
            require(path is not None and not self.entry["foreign"], rule, "a file with neither bytes nor path")
            named = self.places.absolute(path, self.entry["origin"])
            content = self.places.read(named, None, None, rule)
        hashed = blake3(content).hexdigest()
        require(row.get("size_bytes") in (None, len(content)), rule, "the size of a file")
        require(row.get("blake3") in (None, hashed), rule, "the hash of a file")
        if named:
            own = named.split("/", 1)[1] if named.startswith("@") else named
            require(re.fullmatch(f"files/{hashed[:2]}/{hashed}-[0-9a-f]{{32}}", own), "layout.md", f"large file {named}")
        return {"name": row.get("name"), "media_type": row.get("media_type"), "size_bytes": len(content), "blake3": hashed, "large": named}


class Dataset:
    """A dataset in a folder."""

    def __init__(self, folder: str | pathlib.Path):
        self.folder = pathlib.Path(folder)
        self.history = History(self.folder)
        self.opened: dict[tuple, DataFile] = {}

    def versions(self) -> list[int]:
        return self.history.kept()

    def rows(self, version: int | None = None) -> list[dict]:
        """The rows of a version: `_row_id`, then its attributes."""
        root = self.history.open(version)
        places, found, last = Places(self.folder, root), [], -1
        for leaf in root.keys["leaves"]:
            for i, partition in enumerate(read_partitions(places, leaf)):
                ids = partition["ids"]
                require(ids[0] > last and (np.diff(ids) > 0).all(), "manifest.md#root", "row ids do not ascend")
                require(i or ids[0] == leaf["first_row_id"], "manifest.md#root", "first_row_id is not that of the first row")
                last = int(ids[-1])
                found += self.partition(places, root, partition)
            require(last < root.keys["next_row_id"], "manifest.md#root", "a row id that is yet to be given")
        return found

    def partition(self, places: Places, root: Root, partition: dict) -> list[dict]:
        """The live rows of a partition."""
        columns = {"_row_id": partition["ids"].tolist()}
        for attribute in root.attributes:
            columns[attribute.name] = self.column(places, attribute, partition)
        live = np.setdiff1d(np.arange(partition["row_count"]), partition["deleted"]).tolist()
        return [{name: column[row] for name, column in columns.items()} for row in live]

    def column(self, places: Places, attribute: Attribute, partition: dict) -> list:
        """The values of an attribute in all rows of a partition, deleted ones included."""
        having = [(file["sequence"], id, file) for file in partition["files"] for id in file["field_ids"] if id in attribute.forms]
        if not having:
            return [self.default(attribute)] * partition["row_count"]
        newest = max(sequence for sequence, _, _ in having)
        found = [self.file(places, file).read(attribute, id) for sequence, id, file in having if sequence == newest]
        require(all(other == found[0] for other in found), "partition.md#several-files-of-the-same-rows", f"{attribute.name!r} differs between files of one sequence")
        require(attribute.nullable or None not in found[0], "schema.md", f"a null in {attribute.name!r}")
        return found[0]

    def default(self, attribute: Attribute) -> object:
        if attribute.keys.get("default") is not None:
            return values.default_value(attribute.type, attribute.keys["default"])
        require(attribute.nullable, "schema.md#changes", f"{attribute.name!r} has no value, no default, and is not nullable")
        return None

    def file(self, places: Places, entry: dict) -> DataFile:
        key = (entry["path"], entry["checksum"], str(entry["chunks"]), str(sorted(places.root.origins.items(), key=str)))
        if key not in self.opened:
            self.opened[key] = DataFile(places, entry)
        return self.opened[key]

    def view(self, name: str) -> list[dict]:
        """The rows of a view of the newest version."""
        rule, views = "manifest.md#view", self.history.newest.keys["views"]
        require(name in views, rule, f"there is no view {name!r}")
        view = views[name]
        require(re.fullmatch("_tenrow/views/[0-9a-f]{32}.parquet", view["path"]), rule, f"path {view['path']!r}")
        root = self.history.open(view["version"])
        require(root.checksum == view["input_checksum"], rule, "the version of a view is another one")
        data = Places(self.folder, root).read(view["path"], view["size_bytes"], int(view["checksum"], 16), rule)
        table = pq.read_table(pa.BufferReader(data))
        require(table.schema.names == ["_row"] and table.schema.field("_row").type == pa.int64(), rule, "the column of a view")
        chosen, rows = table["_row"].to_pylist(), self.rows(view["version"])
        require(len(chosen) == view["row_count"], rule, "the rows of a view")
        require(all(row is not None and 0 <= row < len(rows) for row in chosen), rule, "a row that is not there")
        return [rows[row] for row in chosen]
