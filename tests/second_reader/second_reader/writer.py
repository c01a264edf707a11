"""A small writer: a dataset of whole numbers, texts and raw tensors, created with its rows, and deletes from it."""

from __future__ import annotations

import json
import os
import pathlib
import secrets
import struct
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from . import parquet_writer
from .leaf import COLUMNS
from .root import History, checksum


def put(folder: pathlib.Path, path: str, data: bytes) -> None:
    """Creates an object, whole and durable or not at all (`spec/layout.md`, Durability)."""
    target, temporary = folder / path, folder / "_tenrow/tmp" / secrets.token_hex(16)
    for parent in (target.parent, temporary.parent):
        parent.mkdir(parents=True, exist_ok=True)
    with open(temporary, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, target)  # fails if the name is taken: that is the commit, for a root
    finally:
        temporary.unlink()
    for parent in (target.parent, *target.parent.relative_to(folder).parents):
        descriptor = os.open(folder / parent, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def write_leaf(folder: pathlib.Path, partitions: list[dict], first_row_id: int, sequence: int) -> dict:
    """Writes a leaf; its entry in the root."""
    path, sink = f"_tenrow/leaves/{secrets.token_hex(16)}", pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(partitions, COLUMNS), sink, compression="zstd", use_dictionary=False, store_schema=False)
    data = sink.getvalue().to_pybytes()
    put(folder, path, data)
    deleted = sum(p["deletes"]["row_count"] for p in partitions if p["deletes"])
    return {
        "path": path, "checksum": checksum(data), "size_bytes": len(data), "partition_count": len(partitions),
        "row_count": sum(p["row_count"] for p in partitions) - deleted,
        "size_of_files_bytes": sum(file["size_bytes"] for p in partitions for file in p["files"]),
        "first_row_id": first_row_id, "sequence": sequence, "statistics": [],
    }


def write_root(folder: pathlib.Path, keys: dict) -> None:
    """Commits a version; fails if another has its number."""
    document = json.dumps(keys, separators=(",", ":"), ensure_ascii=False).encode()
    framed = b'{"checksum":"%s","root":%s}\n' % (checksum(document).encode(), document)
    put(folder, f"_tenrow/versions/{2**64 - 1 - keys['version']:020}.json", framed)


def partition(folder: pathlib.Path, attributes: list[dict], columns: dict[str, list | np.ndarray], page_rows: int) -> dict:
    """Writes a data file; its partition in a leaf."""
    rows, parts = len(next(iter(columns.values()))), []
    for attribute in attributes:
        values, described = columns[attribute["name"]], (attribute["id"], attribute["name"], attribute["type"])
        tensor = "[" in attribute["type"]
        parts.append(parquet_writer.raw_tensor(*described, values, page_rows) if tensor else parquet_writer.ordinary(*described, values))
    data, footer_bytes, chunks = parquet_writer.write(attributes, rows, parts)
    path = f"data/{secrets.token_hex(16)}.parquet"
    put(folder, path, data)
    file = {"path": path, "size_bytes": len(data), "checksum": xxhash.xxh3_64_intdigest(data), "footer_bytes": footer_bytes,
            "field_ids": [attribute["id"] for attribute in attributes], "row_groups": [rows], "chunks": chunks}
    return {"row_count": rows, "row_ids": [], "keys": [], "files": [file], "statistics": [], "deletes": None, "external_files": []}


def create(folder: pathlib.Path, types: dict[str, str], parts: list[dict], page_rows: int = 4) -> None:
    """Creates a dataset with rows: its first version, one partition for each of `parts`."""
    encodings = {name: "raw" if "[" in text else "zstd:1" for name, text in types.items()}
    attributes = [{"id": i + 1, "name": name, "type": text, "nullable": text == "string", "encoding": encodings[name]}
                  for i, (name, text) in enumerate(types.items())]
    partitions = [partition(folder, attributes, columns, page_rows) for columns in parts]
    leaf = write_leaf(folder, partitions, 0, 1)
    write_root(folder, {
        "format_version": 1, "reader_features": [], "writer_features": [], "version": 1, "write_id": secrets.token_hex(16),
        "created_ms": time.time_ns() // 10**6, "operation": "create", "schema": {"next_field_id": len(attributes) + 1, "attributes": attributes},
        "properties": {}, "next_row_id": leaf["row_count"], "sequences": {}, "tags": {}, "views": {}, "single_writer": False, "leaves": [leaf],
    })


def bitmap(rows: list[int]) -> bytes:
    """A deletion vector of fewer than 4,096 rows below 65,536, in the portable form of 64-bit Roaring bitmaps."""
    head = struct.pack("<QIIIHHI", 1, 0, 12346, 1, 0, len(rows) - 1, 16)
    return head + np.array(sorted(rows), "<u2").tobytes()


def delete(folder: pathlib.Path, in_partition: int, rows: list[int]) -> None:
    """Commits a version without some rows of a file, in a dataset of one leaf without deletes."""
    newest = History(folder).newest
    keys, version = dict(newest.keys), newest.version + 1
    leaf = keys["leaves"][0]
    partitions = pq.read_table(folder / leaf["path"]).to_pylist()
    data, path = bitmap(rows), f"_tenrow/deletes/{secrets.token_hex(16)}"
    put(folder, path, data)
    partitions[in_partition]["deletes"] = {
        "path": path, "size_bytes": len(data), "checksum": xxhash.xxh3_64_intdigest(data), "row_count": len(rows)}
    for file in (file for part in partitions for file in part["files"]):
        file["sequence"] = leaf["sequence"] if file["sequence"] is None else file["sequence"]
    features = sorted({*keys["reader_features"], "deletion_vectors"})
    write_root(folder, {
        **keys, "version": version, "parent": {"version": newest.version, "checksum": newest.checksum}, "write_id": secrets.token_hex(16),
        "created_ms": max(time.time_ns() // 10**6, keys["created_ms"]), "operation": "delete", "reader_features": features,
        "writer_features": sorted({*keys["writer_features"], "deletion_vectors"}),
        "leaves": [write_leaf(folder, partitions, leaf["first_row_id"], version)],
    })
