"""Parquet files as other programs write them, and as they once did: through tenrow they hold what pyarrow and DuckDB read."""

from __future__ import annotations

import datetime as dt
import decimal
import pathlib
import uuid

import duckdb
import fastparquet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from test_their_files import ROWS, WAYS, decimals, nested, numbers, plain, storage_of, tenrow, texts, through_tenrow, times, with_nulls


def moments() -> list[dt.datetime | None]:
    start = dt.datetime(2024, 2, 28, 23, 59, 59, 123456)
    return with_nulls([start + dt.timedelta(hours=7 * row, microseconds=row) for row in range(ROWS)], 8)


def far_moments() -> pa.Table:
    """What 64 bits of nanoseconds do not hold."""
    far = [dt.datetime(1, 1, 1), dt.datetime(1582, 10, 15), dt.datetime(1677, 1, 1), dt.datetime(2263, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59)]
    return pa.table({"far": pa.array(far * (ROWS // 5), pa.timestamp("us"))})


def simple() -> pa.Table:
    return pa.table({
        "number": pa.array(with_nulls(list(range(ROWS)), 3), pa.int32()),
        "text": with_nulls([f"row {row}" for row in range(ROWS)], 4),
        "list": pa.array(with_nulls([[row] * (row % 3) for row in range(ROWS)], 5), pa.list_(pa.int64())),
        "time": pa.array(moments(), pa.timestamp("us")),
    })


def pyarrow_files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    ns = pa.table({"ns": pa.array(moments(), pa.timestamp("ns")), "utc": pa.array(moments(), pa.timestamp("ns", tz="UTC"))})
    files = {
        "nanoseconds": (ns, {}),
        "version 1.0": (ns, {"version": "1.0"}),
        "version 2.4": (ns, {"version": "2.4"}),
        "INT96": (ns, {"use_deprecated_int96_timestamps": True}),
        "far INT96": (far_moments(), {"use_deprecated_int96_timestamps": True, "store_schema": False}),
        "Spark's flavour": (simple(), {"flavor": "spark"}),
        "legacy lists": (nested(), {"use_compliant_nested_type": False}),
        "decimals as integers": (decimals().drop_columns(["huge"]), {"store_decimal_as_integer": True}),
        "no bounds": (simple(), {"write_statistics": False}),
        "a page index": (simple(), {"write_page_index": True, "row_group_size": 17}),
        "deltas": (simple(), {"use_dictionary": False, "column_encoding": {"number": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY"}}),
    }
    files |= {f"{table.__name__} without ARROW:schema": (table(), {"store_schema": False}) for table in (numbers, texts, times, decimals, nested)}
    return written(folder, {name: lambda path, t=table, o=options: pq.write_table(t, path, **o) for name, (table, options) in files.items()})


def polars_files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    frame = pl.DataFrame({
        "ns": pl.Series(moments(), dtype=pl.Datetime("ns")),
        "ms": pl.Series(moments(), dtype=pl.Datetime("ms", "Europe/Berlin")),
        "lasts": pl.Series([dt.timedelta(milliseconds=row) for row in range(ROWS)], dtype=pl.Duration("ms")),
        "clock": pl.Series([dt.time(1, 2, 3, row) for row in range(ROWS)]),
        "decimal": pl.Series([decimal.Decimal(row) / 4 for row in range(ROWS)], dtype=pl.Decimal(20, 2)),
        "level": pl.Series(["low", "high"] * (ROWS // 2), dtype=pl.Enum(["low", "high"])),
        "blob": [bytes([row]) for row in range(ROWS)],
        "nothing": pl.Series([None] * ROWS, dtype=pl.Int16),
        "lists": pl.Series([[[row]] * (row % 2) for row in range(ROWS)], dtype=pl.List(pl.List(pl.UInt8))),
    })
    return written(folder, {
        "plain": frame.write_parquet,
        "many groups": lambda path: frame.write_parquet(path, row_group_size=16, statistics="full"),
    })


DUCKDB_TYPES = """
    SELECT i::TINYINT AS tiny, i::UTINYINT AS utiny, i::UBIGINT * 184467440737095516 AS ubig, i % 3 = 0 AS flag, i / 7 AS double, (i / 7)::FLOAT AS float,
        CASE WHEN i % 5 > 0 THEN 'text ' || i END AS text, ('\\x0' || (i % 10))::BLOB AS blob, DATE '2024-02-28' + i::INT AS day,
        TIMESTAMP '2024-02-28 01:02:03.456789' + to_hours(i) AS us, (TIMESTAMP '2024-02-28 01:02:03' + to_hours(i))::TIMESTAMP_S AS s,
        (TIMESTAMP '2024-02-28 01:02:03.456' + to_hours(i))::TIMESTAMP_MS AS ms, (TIMESTAMP '2024-02-28 01:02:03' + to_hours(i))::TIMESTAMP_NS AS ns,
        (i / 4)::DECIMAL(4, 2) AS d4, (i / 4)::DECIMAL(9, 2) AS d9, (i / 4)::DECIMAL(18, 3) AS d18, (i / 4)::DECIMAL(38, 5) AS d38,
        CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END::ENUM ('a', 'b') AS enum, [i, NULL, i + 1] AS list, {'x': i, 'y': [i::VARCHAR]} AS struct,
        MAP {'k' || i: i} AS map, TIME '01:02:03' + to_seconds(i) AS clock
    FROM range(100) AS r (i)
"""


def duckdb_files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    copy = lambda options: lambda path: duckdb.connect().execute(f"COPY ({DUCKDB_TYPES}) TO '{path}' (FORMAT parquet{options})")  # noqa: E731
    return written(folder, {"plain": copy(""), "version 2": copy(", PARQUET_VERSION v2"), "zstd": copy(", COMPRESSION zstd, ROW_GROUP_SIZE 2048")})


def frame() -> pd.DataFrame:
    return pd.DataFrame({
        "number": np.arange(ROWS),
        "float": np.arange(ROWS) / 7,
        "flag": np.arange(ROWS) % 2 == 0,
        "text": with_nulls([f"row {row}" for row in range(ROWS)], 4),
        "category": pd.Categorical(["a", "b", "c", "a"] * (ROWS // 4)),
        "time": pd.to_datetime(pd.Series(moments())).astype("datetime64[us]"),
        "nullable": pd.array(with_nulls(list(range(ROWS)), 3), dtype="Int64"),
    })


def pandas_files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    indexed = frame().set_index("number")
    return written(folder, {
        "an index": indexed.to_parquet,
        "no index": lambda path: frame().to_parquet(path, index=False),
        "int96": lambda path: frame().to_parquet(path, use_deprecated_int96_timestamps=True),
    })


def fastparquet_files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    write = lambda **options: lambda path: fastparquet.write(str(path), frame(), **options)  # noqa: E731
    return written(folder, {
        "plain": write(), "int96": write(times="int96"), "gzip": write(compression="GZIP"), "groups": write(row_group_offsets=17),
        "bounds": write(stats=True),
    })


def written(folder: pathlib.Path, writers: dict) -> dict[str, pathlib.Path]:
    files = {}
    for number, (name, write) in enumerate(writers.items()):
        files[name] = folder / f"{number}.parquet"
        write(files[name])
    return files


WRITERS = {"pyarrow": (pyarrow_files, 16), "polars": (polars_files, 2), "DuckDB": (duckdb_files, 3), "pandas": (pandas_files, 3), "fastparquet": (fastparquet_files, 5)}


def value(cell: object) -> object:
    """A value, the same whichever unit its time has."""
    match cell:
        case pd.Timestamp():
            return cell.tz_localize(None).isoformat() if cell.tz is None else cell.tz_convert("UTC").isoformat()
        case dt.datetime():
            return value(pd.Timestamp(cell)) if 1678 < cell.year < 2262 else cell.isoformat()
        case pd.Timedelta() | dt.timedelta():
            return pd.Timedelta(cell).value
        case uuid.UUID():
            return cell.bytes
        case list() | tuple():
            return [value(item) for item in cell]
        case dict():
            return {key: value(item) for key, item in cell.items()}
    return plain(cell)


def read(path: pathlib.Path, is_far: bool) -> pa.Table:
    """By pyarrow, which would wrap INT96 beyond 64 bits of nanoseconds."""
    return pq.read_table(path, coerce_int96_timestamp_unit="us" if is_far else None)


def same_values(found: pa.Table, expected: pa.Table) -> None:
    assert found.column_names == expected.column_names
    assert found.num_rows == expected.num_rows
    for name in expected.column_names:
        # INT96 has no zone for pyarrow; where `ARROW:schema` names one, tenrow keeps it.
        if found[name].type == pa.timestamp("ns", "UTC") and expected[name].type == pa.timestamp("ns"):
            found = found.set_column(found.column_names.index(name), name, found[name].cast(pa.timestamp("ns")))
        own, other = (value(storage_of(table[name]).to_pylist()) for table in (found, expected))
        assert own == other, name


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("writer", WRITERS)
def test_files_of_all_writers_hold_what_pyarrow_reads_in_them(writer: str, way: list[str], tmp_path: pathlib.Path) -> None:
    (tmp_path / "files").mkdir()
    write, count = WRITERS[writer]
    files = write(tmp_path / "files")
    assert len(files) == count
    for number, (name, source) in enumerate(files.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        if name == "far INT96" and way:
            # Where it lies, other readers would wrap it.
            with pytest.raises(AssertionError, match="import it without --in-place"):
                tenrow("import", folder / "dataset", source, *way)
            continue
        try:
            same_values(through_tenrow(source, way, folder), read(source, name.startswith("far")))
        except AssertionError as error:
            raise AssertionError(f"{writer}, {name}: {error}") from error


@pytest.mark.parametrize("writer", WRITERS)
def test_duckdb_reads_of_an_import_what_it_reads_of_the_file(writer: str, tmp_path: pathlib.Path) -> None:
    """The files of the dataset themselves, without an export."""
    (tmp_path / "files").mkdir()
    files = WRITERS[writer][0](tmp_path / "files")
    for number, (name, source) in enumerate(files.items()):
        # DuckDB cuts INT96 to microseconds, and has no zone for it.
        if name in ("INT96", "int96"):
            continue
        dataset = tmp_path / f"dataset{number}"
        tenrow("import", dataset, source)
        files = sorted(str(path) for path in (dataset / "data").rglob("*.parquet"))
        query = "SELECT * FROM read_parquet($1)"
        own, other = (duckdb.connect().execute(query, [paths]).to_arrow_table().to_pylist() for paths in (files, [str(source)]))
        assert value(own) == value(other), f"{writer}, {name}"
