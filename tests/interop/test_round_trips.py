"""What tenrow exports it imports again, in every format and of every type: the same rows, or it says what is not kept."""

from __future__ import annotations

import json
import pathlib
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from test_their_files import ARROW_TABLES, TENROW, plain, storage_of, tenrow

# How rows leave a dataset, and the file that they are in then.
WAYS_OUT = {
    "parquet": (["export", "{dataset}", "--out", "{out}", "--format", "parquet"], "data.parquet"),
    "jsonl": (["export", "{dataset}", "--out", "{out}", "--format", "jsonl"], "data.jsonl"),
    "sql jsonl": (["sql", "--root", "{root}", "SELECT * FROM dataset ORDER BY _row", "--out", "{out}/rows.jsonl"], "rows.jsonl"),
    "sql csv": (["sql", "--root", "{root}", "SELECT * FROM dataset ORDER BY _row", "--out", "{out}/rows.csv"], "rows.csv"),
    "sql parquet": (["sql", "--root", "{root}", "SELECT * FROM dataset ORDER BY _row", "--out", "{out}/rows.parquet"], "rows.parquet"),
    "npz": (["export", "{dataset}", "--out", "{out}", "--format", "npz"], "data.npz"),
    "npy": (["export", "{dataset}", "--out", "{out}", "--format", "npy"], ""),
}


def rows_of(dataset: pathlib.Path, out: pathlib.Path) -> pa.Table:
    tenrow("export", dataset, "--out", out, "--format", "parquet")
    return pq.read_table(out / "data.parquet")


@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.parametrize("table", ARROW_TABLES)
def test_what_is_exported_is_imported_again(table: str, way: str, tmp_path: pathlib.Path) -> None:
    source, dataset, again, out = tmp_path / "source.parquet", tmp_path / "dataset", tmp_path / "again", tmp_path / "out"
    out.mkdir()
    pq.write_table(ARROW_TABLES[table](), source)
    tenrow("import", dataset, source)
    words, file = WAYS_OUT[way]
    words = [word.format(dataset=dataset, root=tmp_path, out=out) for word in words]
    done = subprocess.run([TENROW, *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    types = [f"{each['name']}:{each['type']}" for each in json.loads(tenrow("info", dataset, "--json"))["attributes"]]
    tenrow("create", again, *(word for text in types for word in ("--attribute", text)))
    files = [out / file] if file else sorted(out.glob("*.npy"))
    tenrow("import", again, *files, "--cast", "safe")

    own, found = rows_of(dataset, tmp_path / "own"), rows_of(again, tmp_path / "found")

    assert found.schema.equals(own.schema, check_metadata=False)
    wrong = [name for name in own.column_names if plain(storage_of(found[name]).to_pylist()) != plain(storage_of(own[name]).to_pylist())]
    assert not wrong, wrong
