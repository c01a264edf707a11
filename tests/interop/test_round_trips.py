"""What tenrow exports it imports again, in every format and of every type: the same rows, or it says what is not kept."""

from __future__ import annotations

import json
import math
import pathlib
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from test_their_files import ARROW_TABLES, TENROW, plain, storage_of, tenrow

ALL = "SELECT * FROM dataset ORDER BY _row"
# How rows leave a dataset, the file that they are in then, and how it is imported.
WAYS_OUT = {
    "parquet": (["export", "{dataset}", "--folder", "{out}", "--format", "parquet"], "data.parquet", []),
    "jsonl": (["export", "{dataset}", "--folder", "{out}", "--format", "jsonl"], "data.jsonl", ["--cast", "safe"]),
    "csv": (["export", "{dataset}", "--out", "{out}/rows.csv"], "rows.csv", ["--cast", "safe", "--format", "csv"]),
    "npz": (["export", "{dataset}", "--folder", "{out}", "--format", "npz"], "data.npz", []),
    "npy": (["export", "{dataset}", "--folder", "{out}", "--format", "npy"], "*.npy", []),
    "sql jsonl": (["sql", "--root", "{root}", ALL, "--out", "{out}/rows.jsonl"], "rows.jsonl", ["--cast", "safe"]),
    "sql csv": (["sql", "--root", "{root}", ALL, "--out", "{out}/rows.csv"], "rows.csv", ["--cast", "safe", "--format", "csv"]),
    "sql parquet": (["sql", "--root", "{root}", ALL, "--out", "{out}/rows.parquet"], "rows.parquet", []),
}
# What is refused on the way out or in, and how that is said.
REFUSED = {
    **{(table, way): "none" for table in ARROW_TABLES for way in ("npz", "npy")},
}
# JSON has no NaN and no infinity: they are null, and that is said.
WITHOUT_NAN = {("numbers", "jsonl"), ("numbers", "sql jsonl")}


def rows_of(dataset: pathlib.Path, out: pathlib.Path) -> pa.Table:
    tenrow("export", dataset, "--folder", out, "--format", "parquet")
    return pq.read_table(out / "data.parquet")


def values(table: pa.Table, name: str, case: tuple[str, str]) -> list:
    found = storage_of(table[name]).to_pylist()
    if case in WITHOUT_NAN:
        found = [None if isinstance(value, float) and not math.isfinite(value) else value for value in found]
    return plain(found)


@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.parametrize("table", [*ARROW_TABLES, "tensors without nulls"])
def test_what_is_exported_is_imported_again(table: str, way: str, tmp_path: pathlib.Path) -> None:
    source, dataset, again, out = tmp_path / "source.parquet", tmp_path / "dataset", tmp_path / "again", tmp_path / "out"
    out.mkdir()
    rows = ARROW_TABLES["tensors"]().drop_columns(["nulls"]) if table not in ARROW_TABLES else ARROW_TABLES[table]()
    pq.write_table(rows, source)
    tenrow("import", dataset, source)
    words, file, how = WAYS_OUT[way]
    refused = REFUSED.get((table, way))

    left = subprocess.run(
        [TENROW, *(word.format(dataset=dataset, root=tmp_path, out=out) for word in words)],
        capture_output=True, text=True, timeout=120, check=False)
    if left.returncode:
        assert refused and refused in left.stderr, left.stderr
        return
    types = [f"{each['name']}:{each['type']}" for each in json.loads(tenrow("info", dataset, "--json"))["attributes"]]
    tenrow("create", again, *(word for text in types for word in ("--attribute", text)))
    come = subprocess.run(
        [TENROW, "import", again, *sorted(out.glob(file)), *how], capture_output=True, text=True, timeout=120, check=False)
    if come.returncode:
        assert refused and refused in come.stderr, come.stderr
        return

    assert refused is None
    own, found = rows_of(dataset, tmp_path / "own"), rows_of(again, tmp_path / "found")
    assert ("became null" in left.stderr) == ((table, way) in WITHOUT_NAN), left.stderr
    assert found.schema.equals(own.schema, check_metadata=False)
    wrong = [name for name in own.column_names if values(found, name, ("", "")) != values(own, name, (table, way))]
    assert not wrong, wrong
