"""What the program `tenrow` says of datasets, in the Python values of the second reader."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3

from second_reader.root import Attribute
from second_reader.values import from_arrow

TENROW = os.environ.get("TENROW_BIN", "target/debug/tenrow")


class Failed(Exception):
    """The program refused."""


def tenrow(*arguments: object) -> str:
    """What the program prints, run with arguments."""
    done = subprocess.run([TENROW, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"tenrow {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


def versions(folder: pathlib.Path) -> list[int]:
    """The versions that the program would open, ascending."""
    return sorted(version["version"] for version in json.loads(tenrow("versions", "--json", folder)))


def file_value(row: dict | None) -> dict | None:
    """A file attribute's value as the second reader has it."""
    if row is None:
        return None
    kept = row["bytes"]
    size = row["size_bytes"] if row["size_bytes"] is not None or kept is None else len(kept)
    hashed = row["blake3"] or (blake3(kept).hexdigest() if kept is not None else None)
    return {"name": row["name"], "media_type": row["media_type"], "size_bytes": size, "blake3": hashed,
            "large": row["path"] if kept is None else None}


def column(attribute: Attribute, chunks: pa.ChunkedArray) -> list:
    """The values of one column of an answer."""
    array = chunks.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if attribute.type.head == "file":
        return [file_value(row) for row in array.to_pylist()]
    return from_arrow(attribute.type, attribute.type, array)


def table_rows(path: pathlib.Path, attributes: list[Attribute]) -> list[dict]:
    """The rows of a Parquet file that the program wrote."""
    table = pq.read_table(path)
    columns = {attribute.name: column(attribute, table[attribute.name]) for attribute in attributes}
    if "_row_id" in table.column_names:
        columns = {"_row_id": table["_row_id"].to_pylist(), **columns}
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def rows_by_sql(folder: pathlib.Path, schemas: dict[str, list[Attribute]]) -> dict[str, list[dict]]:
    """The rows of versions, named as after the table in SQL: `@3`."""
    with tempfile.TemporaryDirectory() as out:
        table = folder.name.replace('"', '""')
        copies = [f"""COPY (SELECT _row_id, * FROM "{table}{name}" ORDER BY _row) TO 'rows{i}.parquet'""" for i, name in enumerate(schemas)]
        tenrow("sql", "--root", folder.parent, "; ".join(copies), "--folder", out)
        return {name: table_rows(pathlib.Path(out, f"rows{i}.parquet"), schema) for i, (name, schema) in enumerate(schemas.items())}


def rows_by_take(folder: pathlib.Path, attributes: list[Attribute], count: int, *chosen: object) -> list[dict]:
    """The first `count` rows of a version or view, without their ids; the contents of large files are in them."""
    if not count:
        return []
    with tempfile.TemporaryDirectory() as out:
        path = pathlib.Path(out, "rows.parquet")
        tenrow("take", folder, "--rows", f"0..{count}", *chosen, "--out", path)
        return table_rows(path, attributes)
