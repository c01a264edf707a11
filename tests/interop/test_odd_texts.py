"""What tenrow reads in odd CSV and JSON Lines files, against what was written, and what DuckDB and polars read: see `odd_texts`.

`ODD_TEXTS_SEED` and `ODD_TEXTS_FILES` draw others, and more.
"""

from __future__ import annotations

import collections
import datetime
import json
import os
import pathlib
import subprocess
from concurrent.futures import ThreadPoolExecutor

import duckdb
import polars as pl

from odd_texts import OddFile, odd_files
from test_their_files import TENROW

SEED = int(os.environ.get("ODD_TEXTS_SEED", "2026"))
COUNT = int(os.environ.get("ODD_TEXTS_FILES", "500"))
SHOWN = int(os.environ.get("ODD_TEXTS_SHOWN", "5"))


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TENROW, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


def imported(file: OddFile, folder: pathlib.Path) -> list[list] | str:
    """The rows that tenrow has of a file, or its error."""
    source, dataset, out = folder / file.name, folder / "dataset", folder / "out"
    folder.mkdir()
    source.write_bytes(file.data)
    is_text = not file.is_typed and not file.name.startswith("file.jsonl")
    if is_text:
        attributes = [word for name in file.columns for word in ("--attribute", f"{name}:string?")]
        made = run("create", dataset, *attributes)
        assert made.returncode == 0, made.stderr
    said = [] if file.is_clearly_text() else ["--format", "jsonl" if "jsonl" in file.name else "csv"]
    done = run("import", dataset, source, *file.options, *said)
    if done.returncode:
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        return done.stderr
    done = run("export", dataset, "--format", "jsonl", "--folder", out)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (out / "data.jsonl").read_text().split("\n") if line]
    return [[row.get(name) for name in file.columns] for row in rows]


def is_same(found: object, written: object, is_typed: bool) -> bool:
    """Whether a value is the one that was written; as text, or as what the text says."""
    if written in (None, ""):
        return found is None or found == ""
    if isinstance(written, dict):
        return isinstance(found, dict) and all(is_same(found.get(key), value, False) for key, value in written.items())
    if not is_typed or isinstance(found, str) and found == written:
        return type(found) is type(written) and repr(found) == repr(written)
    if isinstance(found, bool):
        return written == str(found).lower()
    if isinstance(found, int):
        return int(written) == found
    if isinstance(found, float):
        return repr(float(written)) == repr(found)
    return isinstance(found, str) and datetime.datetime.fromisoformat(found) == datetime.datetime.fromisoformat(written)


def same_rows(found: list[list], file: OddFile) -> str | None:
    if len(found) != len(file.rows):
        return f"{len(found)} rows, and {len(file.rows)} were written"
    for number, (row, written) in enumerate(zip(found, file.rows, strict=True)):
        for name, value, other in zip(file.columns, row, written, strict=True):
            if not is_same(value, other, file.is_typed):
                return f"row {number}, {name!r}: {str(value)[:90]!r}, and {str(other)[:90]!r} was written"
    return None


def duckdb_rows(path: pathlib.Path, file: OddFile) -> list[list]:
    connection = duckdb.connect()
    if file.name.startswith("file.jsonl"):
        fields = ", ".join("'" + name.replace("'", "''") + "': 'JSON'" for name in file.columns)
        rows = connection.execute(f"SELECT * FROM read_json('{path}', format = 'newline_delimited', columns = {{{fields}}})").fetchall()
        return [[None if value is None else json.loads(value) for value in row] for row in rows]
    encoding = {"utf-8": "utf-8", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}[file.encoding]
    names = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(len(file.columns)))
    rows = connection.execute(
        f"SELECT * FROM read_csv('{path}', all_varchar = true, auto_detect = false, header = {file.has_header}, delim = '{file.delimiter}', "
        f"quote = '\"', escape = '\"', strict_mode = true, encoding = '{encoding}', "
        f"columns = {{{names}}})").fetchall()
    return [list(row) for row in rows]


def polars_rows(path: pathlib.Path, file: OddFile) -> list[list]:
    if file.name.startswith("file.jsonl"):
        frame = pl.read_ndjson(path, infer_schema_length=None)
        return [[row.get(name) for name in file.columns] for row in frame.to_dicts()]
    frame = pl.read_csv(path, has_header=file.has_header, separator=file.delimiter, infer_schema=False, encoding="utf8")
    return [list(row) for row in frame.iter_rows()]


def witness(read, path: pathlib.Path, file: OddFile) -> str:
    try:
        found = read(path, file)
    except Exception:  # noqa: BLE001: whatever another program says, it did not read it
        return "refused"
    as_text = OddFile(**{**vars(file), "is_typed": False})
    return "other" if same_rows(found, as_text) else "same"


def test_odd_files_hold_what_was_written(tmp_path: pathlib.Path) -> None:
    files = odd_files(SEED, COUNT * 3 // 5, COUNT - COUNT * 3 // 5)
    assert len(files) == COUNT

    def one(number: int) -> tuple[str | None, str, str]:
        file, folder = files[number], tmp_path / str(number)
        found = imported(file, folder)
        wrong = None
        if file.refused:
            if not isinstance(found, str):
                wrong = f"it was to be refused for {file.refused!r}"
        elif isinstance(found, str):
            wrong = found
        else:
            wrong = same_rows(found, file)
        return wrong, witness(duckdb_rows, folder / file.name, file), witness(polars_rows, folder / file.name, file)

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(one, range(COUNT)))
    failures = [(file, wrong, theirs) for file, (wrong, *theirs) in zip(files, results, strict=True) if wrong]
    for file, wrong, theirs in failures[:SHOWN]:
        print(f"file {file.seed} {sorted(file.traits)}, DuckDB and polars: {theirs}: {wrong}\n    {file.data[:200]!r}")
    tally = collections.Counter((str(file.refused), *theirs) for file, (_, *theirs) in zip(files, results, strict=True))
    print(f"refused by tenrow, DuckDB, polars: {dict(tally)}")
    assert not failures, f"{len(failures)} of {COUNT} files of seed {SEED} differ"
    # What nobody else reads so, nobody else checks: both agree with what was written in most, and one in nearly all.
    plain = [theirs for file, (_, *theirs) in zip(files, results, strict=True) if not file.refused]
    assert sum("same" in theirs for theirs in plain) > 0.8 * len(plain), tally
