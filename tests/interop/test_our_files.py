"""What stock readers make of the files that tenrow writes: the same values, bit by bit."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pattern import Case, load_cases, unsigned

ARROW = {
    "bool": pa.bool_(), "i8": pa.int8(), "i16": pa.int16(), "i32": pa.int32(), "i64": pa.int64(),
    "u8": pa.uint8(), "u16": pa.uint16(), "u32": pa.uint32(), "u64": pa.uint64(),
    "f16": pa.float16(), "bf16": pa.binary(2), "f32": pa.float32(), "f64": pa.float64(),
}
POLARS = {
    "bool": pl.Boolean, "i8": pl.Int8, "i16": pl.Int16, "i32": pl.Int32, "i64": pl.Int64,
    "u8": pl.UInt8, "u16": pl.UInt16, "u32": pl.UInt32, "u64": pl.UInt64,
    "f16": pl.Float16, "bf16": pl.Binary, "f32": pl.Float32, "f64": pl.Float64,
}
# DuckDB has no half precision: it widens f16 to FLOAT, which loses nothing.
DUCKDB = {
    "bool": "BOOLEAN[]", "i8": "TINYINT[]", "i16": "SMALLINT[]", "i32": "INTEGER[]", "i64": "BIGINT[]",
    "u8": "UTINYINT[]", "u16": "USMALLINT[]", "u32": "UINTEGER[]", "u64": "UBIGINT[]",
    "f16": "FLOAT[]", "bf16": "BLOB[]", "f32": "FLOAT[]", "f64": "DOUBLE[]",
}

CASES = load_cases()
every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def numpy_bits(values: np.ndarray, case: Case) -> np.ndarray:
    """The bit patterns of numbers, one row of `n` for each."""
    values = np.ascontiguousarray(values)
    assert values.dtype.itemsize == unsigned(case.dtype).itemsize
    return values.view(unsigned(case.dtype)).reshape(-1, case.n)


def bytes_bits(values: list[bytes], case: Case) -> np.ndarray:
    """The bit patterns of bf16, which other readers keep as two opaque bytes."""
    assert all(len(value) == 2 for value in values)
    return np.frombuffer(b"".join(values), dtype="<u2").reshape(-1, case.n)


def arrow_bits(lists: pa.Array | pa.ChunkedArray, case: Case) -> np.ndarray:
    """The bit patterns of the valid rows of Arrow lists, which are checked to have `n` elements."""
    chunks = lists.chunks if isinstance(lists, pa.ChunkedArray) else [lists]
    valid = [chunk.drop_null() for chunk in chunks]
    for chunk in valid:
        assert chunk.flatten().null_count == 0
        assert len(chunk.flatten()) == len(chunk) * case.n
    values = pa.concat_arrays([chunk.flatten() for chunk in valid])
    if case.dtype == "bf16":
        return bytes_bits(values.to_pylist(), case)
    if values.type == pa.float32() and case.dtype == "f16":
        narrow = values.to_numpy().astype(np.float16)
        assert (narrow.astype(np.float32).view("<u4") == values.to_numpy().view("<u4")).all()
        return numpy_bits(narrow, case)
    return numpy_bits(values.to_numpy(zero_copy_only=False), case)


def same(found: np.ndarray, case: Case) -> None:
    expected = case.bits
    assert found.shape == expected.shape
    wrong = np.argwhere(found != expected)
    assert not len(wrong), f"valid row {wrong[0][0]}, element {wrong[0][1]}: {found[tuple(wrong[0])]:#x}"


def read_arrow(case: Case) -> pa.Table:
    """The rows of all files, every page checked against its CRC."""
    return pa.concat_tables(pq.read_table(f, page_checksum_verification=True) for f in case.files)


def storage(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A tensor column without its extension type."""
    return pa.chunked_array([c.storage for c in column.chunks], type=column.type.storage_type)


@every_case
def test_pyarrow_reads_the_same_tensors(case: Case) -> None:
    table = read_arrow(case)
    x = table["x"]

    assert isinstance(x.type, pa.FixedShapeTensorType)
    assert x.type.value_type == ARROW[case.dtype]
    assert tuple(x.type.shape) == case.shape
    assert x.is_null().to_numpy().tolist() == case.null_rows.tolist()
    same(arrow_bits(storage(x), case), case)


@every_case
def test_pyarrow_reads_the_same_scalars_and_texts(case: Case) -> None:
    table = read_arrow(case)

    assert table.schema.field("id").type == pa.int64()
    assert table["id"].to_pylist() == list(range(case.rows))
    assert table.schema.field("name").type == pa.string()
    assert table["name"].to_pylist() == case.names


@every_case
def test_pyarrow_gives_tensors_as_one_numpy_array(case: Case) -> None:
    tensors = read_arrow(case)["x"].combine_chunks()
    if isinstance(tensors, pa.ChunkedArray):
        tensors = tensors.chunk(0)

    if case.nulls:
        with pytest.raises(pa.ArrowInvalid, match="nulls"):
            tensors.to_numpy_ndarray()
    elif case.dtype in ("bool", "bf16"):
        with pytest.raises(TypeError, match="not valid data type for a tensor"):
            tensors.to_numpy_ndarray()
    else:
        array = tensors.to_numpy_ndarray()
        assert array.shape == (case.rows, *case.shape)
        same(numpy_bits(array, case), case)


@every_case
def test_pandas_reads_the_same_rows(case: Case) -> None:
    # By default pandas makes floats of integers in lists as soon as one row is null, and objects of
    # booleans; with Arrow types it keeps them. The test after this one pins the default.
    arrow_types = case.dtype == "bf16" or (case.nulls and case.dtype not in ("f16", "f32", "f64"))
    backend = {"dtype_backend": "pyarrow"} if arrow_types else {}
    frame = pd.concat([pd.read_parquet(f, **backend) for f in case.files], ignore_index=True)

    assert frame["id"].tolist() == list(range(case.rows))
    assert [None if pd.isna(name) else name for name in frame["name"]] == case.names
    assert frame["x"].isna().tolist() == case.null_rows.tolist()
    valid = frame["x"].dropna()
    if case.dtype == "bf16":
        same(bytes_bits([item for row in valid for item in row], case), case)
    elif arrow_types:
        numbers = pa.array([item for row in valid for item in row], ARROW[case.dtype])
        same(numpy_bits(numbers.to_numpy(zero_copy_only=False), case), case)
    else:
        same(numpy_bits(np.stack(list(valid)), case), case)


@every_case
def test_pandas_gives_numpy_arrays_by_default(case: Case) -> None:
    if case.dtype == "bf16":
        with pytest.raises(NotImplementedError, match="fixed_size_binary"):
            pd.read_parquet(case.files[0])
        return
    rows = [row for f in case.files for row in pd.read_parquet(f)["x"] if row is not None]

    assert len(rows) == (~case.null_rows).sum()
    for row in rows:
        assert row.shape == (case.n,)
        if not case.nulls or case.dtype.startswith("f"):
            assert row.dtype == ARROW[case.dtype].to_pandas_dtype()
        elif case.dtype == "bool":
            assert row.dtype == object
        else:
            assert row.dtype == np.float64


@every_case
def test_polars_reads_the_same_rows(case: Case) -> None:
    frame = pl.read_parquet(list(case.files))
    x = frame["x"].ext.storage()

    assert x.dtype == pl.Array(POLARS[case.dtype], case.n)
    assert frame["id"].to_list() == list(range(case.rows))
    assert frame["name"].to_list() == case.names
    assert x.is_null().to_list() == case.null_rows.tolist()
    same(arrow_bits(x.to_arrow(), case), case)


@every_case
def test_duckdb_reads_the_same_rows(case: Case) -> None:
    with duckdb.connect() as connection:
        rows = connection.sql("SELECT id, x, name FROM read_parquet($files)", params={"files": list(case.files)})
        types = dict(zip(rows.columns, map(str, rows.types), strict=True))
        table = rows.to_arrow_table()

    assert types == {"id": "BIGINT", "x": DUCKDB[case.dtype], "name": "VARCHAR"}
    assert table["id"].to_pylist() == list(range(case.rows))
    assert table["name"].to_pylist() == case.names
    assert table["x"].is_null().to_numpy().tolist() == case.null_rows.tolist()
    same(arrow_bits(table["x"], case), case)


@every_case
def test_duckdb_filters_by_a_scalar(case: Case) -> None:
    with duckdb.connect() as connection:
        query = "SELECT count(*), min(id) FROM read_parquet($files) WHERE id >= $first"
        first = case.rows // 2
        found = connection.execute(query, {"files": list(case.files), "first": first}).fetchone()

    assert found == (case.rows - first, first)


@every_case
def test_the_encoding_asked_for_is_in_the_footer(case: Case) -> None:
    footers = [pq.ParquetFile(f).metadata for f in case.files]
    groups = [footer.row_group(g) for footer in footers for g in range(footer.num_row_groups)]
    chunks = [g.column(c) for g in groups for c in range(g.num_columns)]
    chunks = [chunk for chunk in chunks if chunk.path_in_schema.split(".")[0] == "x"]

    assert sum(footer.num_rows for footer in footers) == case.rows
    assert len(groups) > 1 if case.page_groups == "many" else len(groups) == 1
    for chunk in chunks:
        is_plain = case.encoding == "raw"
        assert chunk.compression == ("UNCOMPRESSED" if is_plain else "ZSTD")
        assert chunk.has_offset_index
        is_split = case.encoding.startswith("byte_stream_split")
        assert ("BYTE_STREAM_SPLIT" in chunk.encodings) == is_split
        if case.dtype in ("u8", "i8"):
            assert "RLE_DICTIONARY" in chunk.encodings


def test_duckdb_finds_nan_in_our_files(tmp_path) -> None:
    """Parquet wants bounds to pass over NaN, and DuckDB passes over rows by them: chunks with NaN have none.

    The file of pyarrow shows that it is so of others; once DuckDB finds its NaN, ours may have bounds again.
    """
    import test_their_files

    source, dataset = tmp_path / "source.parquet", tmp_path / "dataset"
    pq.write_table(pa.table({"x": pa.array([1.0, float("nan"), 2.0]), "s": [{"y": float("nan")}, {"y": 1.0}, None]}), source)
    test_their_files.tenrow("import", dataset, source)
    files = [str(path) for path in (dataset / "data").rglob("*.parquet")]
    count = lambda paths, filter_: duckdb.connect().execute(  # noqa: E731
        f"SELECT count(*) FROM read_parquet($1) WHERE {filter_}", [paths]).fetchone()[0]

    assert [count(files, "x > 5"), count(files, "s.y > 5"), count(files, "x < 5")] == [1, 1, 2]
    assert count([str(source)], "x > 5") == 0
