"""What tenrow makes of the files that pyarrow, pandas and polars write: imported or indexed in place,
and exported again, they hold the same values."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
import os
import pathlib
import subprocess

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

TENROW = pathlib.Path(os.environ.get("TENROW_BIN", "target/debug/tenrow")).resolve()
ROWS = 100


def with_nulls(values: list, every: int) -> list:
    return [None if row % every == 1 else value for row, value in enumerate(values)]


def tensors(dtype: str, *shape: int) -> pa.Array:
    array = np.arange(ROWS * math.prod(shape)).astype(dtype).reshape(ROWS, *shape)
    return pa.FixedShapeTensorArray.from_numpy_ndarray(array)


def tensors_with_nulls() -> pa.Array:
    mask = pa.array([row % 3 == 1 for row in range(ROWS)])
    lists = pa.FixedSizeListArray.from_arrays(pa.array(range(ROWS * 4), pa.uint16()), 4, mask=mask)
    return pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.uint16(), [2, 2]), lists)


def numbers() -> pa.Table:
    columns = {
        str(t): pa.array(with_nulls([row % 100 for row in range(ROWS)], 7), t)
        for t in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
    }
    columns["largest"] = pa.array([2**64 - 1 - row for row in range(ROWS)], pa.uint64())
    columns["flag"] = pa.array(with_nulls([row % 2 == 0 for row in range(ROWS)], 5))
    columns["half"] = pa.array(np.linspace(-1, 1, ROWS).astype(np.float16))
    columns["single"] = pa.array([float("nan") if row == 3 else row / 7 for row in range(ROWS)], pa.float32())
    columns["double"] = pa.array(with_nulls([-0.0, math.inf, -math.inf, 1e-310] * (ROWS // 4), 9), pa.float64())
    return pa.table(columns)


def texts() -> pa.Table:
    words = with_nulls([f"wörd {row % 10} \u0000 😀" if row % 4 else "" for row in range(ROWS)], 6)
    blobs = with_nulls([bytes(range(row)) for row in range(ROWS)], 6)
    return pa.table({
        "string": pa.array(words),
        "large_string": pa.array(words, pa.large_string()),
        "categorical": pa.array(words).dictionary_encode(),
        "binary": pa.array(blobs),
        "large_binary": pa.array(blobs, pa.large_binary()),
        "fixed_binary": pa.array([row.to_bytes(5, "big") for row in range(ROWS)], pa.binary(5)),
    })


def times() -> pa.Table:
    start = dt.datetime(2024, 2, 28, 23, 59, 59, 123456)
    moments = with_nulls([start + dt.timedelta(hours=7 * row) for row in range(ROWS)], 8)
    zoned = [moment and moment.replace(tzinfo=dt.timezone.utc) for moment in moments]
    days = [moment and moment.date() for moment in moments]
    return pa.table({
        "date": pa.array(days, pa.date32()),
        "ms": pa.array([m and m.replace(microsecond=123000) for m in moments], pa.timestamp("ms")),
        "us": pa.array(moments, pa.timestamp("us")),
        "ns": pa.array(moments, pa.timestamp("ns")),
        "zoned": pa.array(zoned, pa.timestamp("us", tz="Europe/Berlin")),
        "utc": pa.array(zoned, pa.timestamp("ns", tz="UTC")),
        "time_us": pa.array([m and m.time() for m in moments], pa.time64("us")),
        "time_ms": pa.array([m and m.time().replace(microsecond=123000) for m in moments], pa.time32("ms")),
        "duration": pa.array([dt.timedelta(seconds=row) for row in range(ROWS)], pa.duration("us")),
    })


def decimals() -> pa.Table:
    values = with_nulls([decimal.Decimal(row - 50) / 100 for row in range(ROWS)], 4)
    return pa.table({
        "small": pa.array(values, pa.decimal128(5, 2)),
        "middle": pa.array(values, pa.decimal128(18, 4)),
        "large": pa.array(values, pa.decimal128(38, 10)),
        "huge": pa.array(values, pa.decimal256(60, 20)),
    })


def nested() -> pa.Table:
    lists = [[row] * (row % 4) for row in range(ROWS)]
    structs = [{"a": row, "b": {"c": f"{row}", "d": [row, None]}} for row in range(ROWS)]
    maps = [[(f"k{i}", i if i % 2 else None) for i in range(row % 3)] for row in range(ROWS)]
    return pa.table({
        "list": pa.array(with_nulls(lists, 5), pa.list_(pa.int32())),
        "large_list": pa.array(with_nulls(lists, 5), pa.large_list(pa.float64())),
        "null_elements": pa.array([[None, *row] for row in lists], pa.list_(pa.uint8())),
        "texts": pa.array([[f"{x}" for x in row] for row in lists], pa.list_(pa.string())),
        "lists": pa.array([[row, []] for row in lists], pa.list_(pa.list_(pa.int16()))),
        "struct": pa.array(with_nulls(structs, 6)),
        "structs": pa.array([[s] * (row % 2) for row, s in enumerate(structs)]),
        "map": pa.array(with_nulls(maps, 7), pa.map_(pa.string(), pa.int64())),
    })


def tensor_table() -> pa.Table:
    return pa.table({
        "bytes": tensors("uint8", 28, 28),
        "shorts": tensors("int16", 3),
        "floats": tensors("float32", 2, 5),
        "halves": tensors("float16", 7),
        "one": tensors("float64", 1),
        "nulls": tensors_with_nulls(),
    })


ARROW_TABLES = {
    "numbers": numbers, "texts": texts, "times": times, "decimals": decimals, "nested": nested,
    "tensors": tensor_table,
}
WRITE_OPTIONS = {
    "snappy-v1": {"compression": "snappy", "data_page_version": "1.0"},
    "zstd-v2": {"compression": "zstd", "data_page_version": "2.0"},
    "gzip-v1": {"compression": "gzip", "data_page_version": "1.0", "use_dictionary": False},
    "plain-v2": {"compression": "none", "data_page_version": "2.0", "use_dictionary": False, "write_page_index": True},
    "many": {"compression": "snappy", "row_group_size": 13, "data_page_size": 64},
}
WAYS = {"imported": [], "in place": ["--in-place"]}


def tenrow(*arguments: object) -> str:
    if not TENROW.is_file():
        pytest.fail(f"{TENROW} is not there: `cargo build` makes it")
    done = subprocess.run([TENROW, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"tenrow {' '.join(map(str, arguments))}: {done.stderr}"
    return done.stdout


def through_tenrow(source: pathlib.Path, way: list[str], folder: pathlib.Path) -> pa.Table:
    """The rows of `source` after an import and an export."""
    dataset, out = folder / "dataset", folder / "out"
    tenrow("import", dataset, source, *way)
    tenrow("verify", dataset, "--full")
    tenrow("export", dataset, "--folder", out, "--format", "parquet")
    files = sorted(out.rglob("*.parquet"))
    assert files, f"no Parquet file in {out}"
    return pa.concat_tables(pq.read_table(f, page_checksum_verification=True) for f in files)


def plain(value: object) -> object:
    """A value that compares equal to itself: NaN as text, numbers with the sign of zero."""
    match value:
        case float():
            return value.hex() if not math.isnan(value) else "nan"
        case list() | tuple():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case np.ndarray():
            return plain(value.tolist())
        case _:
            return value


def normal(data_type: pa.DataType) -> pa.DataType:
    """The type that tenrow keeps: one string, one binary and one list type, and no dictionaries."""
    if pa.types.is_dictionary(data_type):
        return normal(data_type.value_type)
    if pa.types.is_large_string(data_type) or pa.types.is_string_view(data_type):
        return pa.string()
    if pa.types.is_large_binary(data_type) or pa.types.is_binary_view(data_type):
        return pa.binary()
    if pa.types.is_large_list(data_type) or pa.types.is_list(data_type):
        return pa.list_(pa.field("item", normal(data_type.value_type)))
    if pa.types.is_struct(data_type):
        return pa.struct([pa.field(field.name, normal(field.type)) for field in data_type])
    if pa.types.is_map(data_type):
        return pa.map_(normal(data_type.key_type), normal(data_type.item_type))
    if isinstance(data_type, pa.FixedShapeTensorType):
        # A permutation that changes nothing is as good as none.
        assert data_type.permutation in (None, list(range(len(data_type.shape))))
        return pa.fixed_shape_tensor(data_type.value_type, data_type.shape, data_type.dim_names)
    return data_type


def same_table(found: pa.Table, expected: pa.Table) -> None:
    assert found.column_names == expected.column_names
    assert found.num_rows == expected.num_rows
    for name in expected.column_names:
        assert str(normal(found[name].type)) == str(normal(expected[name].type)), name
        assert plain(storage_of(found[name]).to_pylist()) == plain(storage_of(expected[name]).to_pylist()), name


def storage_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not isinstance(column.type, pa.BaseExtensionType):
        return column
    return pa.chunked_array([c.storage for c in column.chunks], type=column.type.storage_type)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("options", WRITE_OPTIONS.values(), ids=WRITE_OPTIONS)
@pytest.mark.parametrize("table", ARROW_TABLES.values(), ids=ARROW_TABLES)
def test_a_file_of_pyarrow_comes_back_equal(table, options, way, tmp_path: pathlib.Path) -> None:
    source = tmp_path / "source.parquet"
    pq.write_table(table(), source, **options)

    found = through_tenrow(source, way, tmp_path)

    same_table(found, pq.read_table(source))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_file_of_pandas_comes_back_equal(way, tmp_path: pathlib.Path) -> None:
    source = tmp_path / "source.parquet"
    frame = pd.DataFrame({
        "number": range(ROWS),
        "nullable": pd.array(with_nulls(list(range(ROWS)), 3), dtype="Int32"),
        "text": with_nulls([f"row {row}" for row in range(ROWS)], 4),
        "category": pd.Categorical(["a", "b", "c", "a"] * (ROWS // 4)),
        "time": pd.date_range("2024-02-28", periods=ROWS, freq="7h", tz="America/New_York"),
        "arrays": [np.arange(row % 5, dtype=np.float32) for row in range(ROWS)],
    })
    frame.to_parquet(source)

    found = through_tenrow(source, way, tmp_path)

    same_table(found, pq.read_table(source))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("compression", ["snappy", "zstd", "gzip", "lz4", "uncompressed"])
def test_a_file_of_polars_comes_back_equal(compression: str, way, tmp_path: pathlib.Path) -> None:
    source = tmp_path / "source.parquet"
    frame = pl.DataFrame({
        "number": pl.Series(range(ROWS), dtype=pl.UInt8),
        "text": with_nulls([f"row {row}" for row in range(ROWS)], 4),
        "category": pl.Series(["a", "b", None, "a"] * (ROWS // 4), dtype=pl.Categorical),
        "day": pl.Series(with_nulls([dt.date(2024, 2, 28)] * ROWS, 3)),
        "time": pl.Series([dt.datetime(2024, 2, 28, 1)] * ROWS, dtype=pl.Datetime("ns", "UTC")),
        "list": pl.Series(with_nulls([[row] * (row % 3) for row in range(ROWS)], 5), dtype=pl.List(pl.Int64)),
        "struct": [{"a": row, "b": None if row % 2 else f"{row}"} for row in range(ROWS)],
    })
    frame.write_parquet(source, compression=compression)

    found = through_tenrow(source, way, tmp_path)

    same_table(found, pq.read_table(source))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_arrays_of_polars_become_tensors(way, tmp_path: pathlib.Path) -> None:
    source = tmp_path / "source.parquet"
    values = np.arange(ROWS * 6, dtype=np.float32).reshape(ROWS, 2, 3)
    frame = pl.DataFrame({"flat": values.reshape(ROWS, 6), "deep": values})
    assert frame.schema["deep"] == pl.Array(pl.Float32, (2, 3))
    frame.write_parquet(source)

    found = through_tenrow(source, way, tmp_path)

    for name, shape in [("flat", [6]), ("deep", [2, 3])]:
        assert found[name].type == pa.fixed_shape_tensor(pa.float32(), shape)
        chunks = [chunk.to_numpy_ndarray() for chunk in found[name].chunks]
        assert (np.concatenate(chunks) == values.reshape(ROWS, *shape)).all()


def test_a_changed_file_is_an_error(tmp_path: pathlib.Path) -> None:
    """A file that is only indexed must stay as it was."""
    source, dataset = tmp_path / "source.parquet", tmp_path / "dataset"
    pq.write_table(numbers(), source)
    tenrow("import", dataset, source, "--in-place")
    pq.write_table(texts(), source)

    done = subprocess.run([TENROW, "head", dataset], capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 1
    assert "source.parquet" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_info_counts_what_was_imported(tmp_path: pathlib.Path) -> None:
    source, dataset = tmp_path / "source.parquet", tmp_path / "dataset"
    pq.write_table(tensor_table(), source)
    tenrow("import", dataset, source)
    tenrow("import", dataset, source)

    info = json.loads(tenrow("info", dataset, "--json"))

    assert info["rows"] == 2 * ROWS
    shapes = {a["name"]: (a["kind"], a["dtype"], a["shape"]) for a in info["attributes"]}
    assert shapes["bytes"] == ("tensor", "u8", [28, 28])
    assert shapes["nulls"] == ("tensor", "u16", [2, 2])


def test_files_lists_what_pandas_can_read(tmp_path: pathlib.Path) -> None:
    source, dataset = tmp_path / "source.parquet", tmp_path / "dataset"
    pq.write_table(numbers(), source)
    tenrow("import", dataset, source)

    listed = json.loads(tenrow("files", dataset, "--json"))

    files = listed["files"] if isinstance(listed, dict) else listed
    paths = [f["path"] if isinstance(f, dict) else f for f in files]
    paths = [path if os.path.isabs(path) else dataset / path for path in paths]
    assert sum(len(pd.read_parquet(path)) for path in paths) == ROWS
