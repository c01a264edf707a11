"""Other libraries, each if it is there."""

import datetime
import decimal
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tenrow
from conftest import ROWS, columns

EXAMPLES = sorted((pathlib.Path(__file__).parents[3] / "examples/python").glob("*.py"))


def test_pyarrow(digits, place):
    pa = pytest.importorskip("pyarrow")
    table = digits.to_arrow(["vector", "label", "name"])
    assert table.num_rows == ROWS and table.schema.names == ["vector", "label", "name"]
    assert isinstance(table.schema.field("vector").type, pa.FixedShapeTensorType)
    assert np.array_equal(table["label"].to_numpy(), np.arange(ROWS))
    again = tenrow.from_arrow(place + "2", table)
    assert again.schema["vector"].type == "f32[16]" and again[7]["name"] == "row 7 ü"
    assert np.array_equal(again["vector"].numpy(), columns()["vector"])
    assert len(again.append(table.slice(0, 5))) == ROWS + 5
    lists = pa.table({"l": pa.array([[1, 2], [], None]), "t": pa.array([0, 1, None], pa.timestamp("us"))})
    nested = tenrow.from_arrow(place + "3", lists)
    assert nested[:]["l"] == [[1, 2], [], None]
    assert nested[1]["t"] == np.datetime64("1970-01-01T00:00:00.000001") and np.isnat(nested[:]["t"][2])


def test_pandas(digits, place):
    pd = pytest.importorskip("pandas")
    frame = digits.to_pandas(["label", "name"])
    assert frame.shape == (ROWS, 2) and frame["name"][5] == "row 5 ü"
    again = tenrow.from_pandas(place + "2", pd.DataFrame({"a": [1.5, None], "b": ["x", "y"]}))
    assert again[1]["a"] is None and again[0]["b"] == "x"


def test_polars(digits, place):
    pl = pytest.importorskip("polars")
    frame = digits.to_polars()
    assert isinstance(frame, pl.LazyFrame)
    found = frame.filter(pl.col("label") % 1000 == 7).select("name", "label").collect()
    assert found["name"].to_list() == ["row 7 ü", "row 1007 ü", "row 2007 ü"]
    assert frame.select("label").head(3).collect()["label"].to_list() == [0, 1, 2]
    assert frame.select(pl.col("label").sum()).collect().item() == sum(range(ROWS))
    again = tenrow.from_polars(place + "2", pl.DataFrame({"x": [1, 2], "s": ["a", None]}))
    assert again[1]["s"] is None and again["x"][:].tolist() == [1, 2]


def test_polars_reads_only_what_a_query_needs(digits, monkeypatch):
    pytest.importorskip("polars")
    import polars as pl
    from tenrow import _polars

    asked = []

    class Watched:
        def __init__(self, view):
            self.view = view

        def arrow(self, start, stop, batch_size, names):
            asked.append((start, stop, names))
            return self.view.arrow(start, stop, batch_size, names)

    class Source:
        _view = Watched(digits._view)

        def __len__(self):
            return ROWS

    frame = _polars.lazy_frame(Source())
    asked.clear()
    frame.select("label").head(10).collect()
    assert asked == [(0, 10, ["label"])]


def test_duckdb(digits):
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    rows = digits.to_arrow(["label", "name"])
    assert duckdb.sql("SELECT count(*), max(label) FROM rows WHERE name LIKE '%9 ü'").fetchall() == [(300, 2999)]


def test_sql_answers_are_arrow(digits, place):
    pa = pytest.importorskip("pyarrow")
    answer = pa.table(digits.sql("SELECT label, tensor_mean(image) AS mean FROM ds WHERE label < 3 ORDER BY label DESC"))
    assert answer.to_pydict() == {"label": [2, 1, 0], "mean": [2.0, 1.0, 0.0]}
    root = str(pathlib.Path(place).parent)
    assert pa.table(tenrow.sql("SELECT count(*) AS n FROM dataset", root)).to_pydict() == {"n": [ROWS]}
    assert pa.table(digits.sql("WITH few AS (SELECT * FROM ds LIMIT 3) SELECT count(*) AS n FROM few")).to_pydict() == {"n": [3]}
    assert "rows=3000 of 3000" in str(pa.table(digits.sql("EXPLAIN SELECT label FROM ds"))["plan"].to_pylist())
    later = digits.append(digits[:5])
    count = "SELECT (SELECT count(*) FROM ds) AS then, (SELECT count(*) FROM dataset) AS now"
    assert pa.table(digits.sql(count)).to_pydict() == {"then": [ROWS], "now": [ROWS + 5]}
    assert len(later.rows_where("label = 4")) == 2
    with pytest.raises(ValueError, match="lable"):
        digits.sql("SELECT lable FROM ds")
    once = digits.sql("SELECT 1")
    pa.table(once)
    with pytest.raises(RuntimeError, match="read already"):
        pa.table(once)


def test_datafusion(digits):
    datafusion = pytest.importorskip("datafusion")
    context = datafusion.SessionContext()
    context.register_table("digits", digits)
    rows = context.sql("SELECT vector, name FROM digits WHERE label >= 2990 ORDER BY label DESC LIMIT 2").to_arrow_table()
    assert rows["name"].to_pylist() == ["row 2999 ü", "row 2998 ü"]
    assert rows["vector"][1].as_py() == columns()["vector"][2998].tolist()
    assert context.sql("SELECT count(*), max(label) FROM digits").to_pydict() == {"count(*)": [ROWS], "max(digits.label)": [2999]}
    plan = str(context.sql("EXPLAIN SELECT name FROM digits WHERE label = 7").to_pydict()["plan"])
    assert "image" not in plan.split("physical_plan")[-1]


def test_scikit_learn(digits):
    linear_model = pytest.importorskip("sklearn.linear_model")
    vectors = digits["vector"][:]
    model = linear_model.LinearRegression().fit(vectors, digits["label"].numpy())
    assert not vectors.flags.owndata and model.predict(vectors[5:6])[0] == pytest.approx(5, abs=0.01)


def test_xgboost(digits):
    xgboost = pytest.importorskip("xgboost")
    matrix = xgboost.DMatrix(digits["vector"][:], label=digits["label"].numpy() > 1500)
    trees = xgboost.train({"objective": "binary:logistic", "max_depth": 1}, matrix, 10)
    assert ((trees.predict(matrix) > 0.5) == (np.arange(ROWS) > 1500)).mean() > 0.99


def test_hugging_face(digits, place):
    datasets = pytest.importorskip("datasets")
    given = datasets.Dataset.from_dict({"text": ["a", "ü"], "n": [1, 2]})
    again = tenrow.from_dataset(place + "2", given)
    assert again["text"][:] == ["a", "ü"] and again["n"][:].tolist() == [1, 2]
    assert tenrow.from_arrow(place + "3", given.with_format("arrow")[:])["n"][:].tolist() == [1, 2]


def test_plain_matrices_need_no_copy(digits):
    matrix = digits["vector"][0:1000]
    assert matrix.ndim == 2 and matrix.flags.c_contiguous and not matrix.flags.owndata
    flat = digits["image"][10:20].reshape(10, -1)
    assert flat.base is not None and flat.shape == (10, 784)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_examples(example, tmp_path):
    needed = [line.split()[-1] for line in example.read_text().splitlines() if line.startswith("# Needs ")]
    for module in needed:
        pytest.importorskip(module)
    subprocess.run([sys.executable, str(example)], cwd=tmp_path, check=True, timeout=300)


def test_a_view_is_a_table(digits):
    pytest.importorskip("pyarrow")
    view = digits.create_view("few", [7, 3, 5])
    assert view.to_arrow("label")["label"].to_pylist() == [7, 3, 5]
    pl = pytest.importorskip("polars")
    assert pl.DataFrame(view)["name"].to_list() == [f"row {n} ü" for n in (7, 3, 5)]
    pytest.importorskip("pandas")
    assert view.to_pandas(["label", "name"])["label"].tolist() == [7, 3, 5]


def test_columns_of_one_name_are_refused(place):
    pa = pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match='two columns of the name "a"'):
        tenrow.from_arrow(place, pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))


def test_answers_of_sql_are_tables(digits):
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    ask = "SELECT label FROM ds WHERE label < 3 ORDER BY label"
    assert digits.sql(ask).to_arrow()["label"].to_pylist() == [0, 1, 2]
    assert digits.sql(ask).to_pandas()["label"].tolist() == digits.sql(ask).to_polars()["label"].to_list() == [0, 1, 2]


def test_pandas_is_told_what_it_lacks(place):
    pytest.importorskip("pandas")
    ml_dtypes = pytest.importorskip("ml_dtypes")
    ds = tenrow.from_numpy(place, {"b": np.zeros((2, 2), ml_dtypes.bfloat16), "n": [1, 2]})
    with pytest.raises(ValueError, match='"b": pandas has no bf16'):
        ds.to_pandas()
    assert ds.to_pandas("n")["n"].tolist() == [1, 2]


def test_times_in_seconds_are_times_to_other_readers(place):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    table = pa.table({"s": pa.array([1, 2], pa.timestamp("s")), "d": pa.array([86_400_000, None], pa.date64()), "c": pa.array([1, 2], pa.time32("s"))})
    ds = tenrow.from_arrow(place, table)
    assert [ds.schema[name].type.removesuffix("?") for name in ("s", "d", "c")] == ["timestamp(ms)", "date32", "time32(ms)"]
    files = pq.read_table(next(pathlib.Path(place, "data").glob("*.parquet")))
    assert files["s"].to_pylist() == table["s"].to_pylist() and files["d"].to_pylist() == table["d"].to_pylist()
    assert files["c"].to_pylist() == table["c"].to_pylist()


def test_rows_of_frames_have_no_column_that_nobody_named(place):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"x": range(5), "y": list("abcde")})
    ds = tenrow.from_pandas(place, frame[frame.x.isin([0, 1, 4])])
    assert ds.append(frame.sample(3, random_state=1))["x"][:].tolist()[:3] == [0, 1, 4] and list(ds.schema) == ["x", "y"]
    named = tenrow.from_pandas(place + "2", frame.set_index("y"))
    assert sorted(named.schema) == ["x", "y"]


def test_parameters_of_sql_are_values_and_never_text(place):
    pytest.importorskip("pyarrow")
    day, now = datetime.date(2026, 11, 30), datetime.datetime(2026, 11, 30, 1, 2, 3, 4, tzinfo=datetime.timezone.utc)
    hostile = "'; DROP VIEW x; --"
    values = {"n": 2**63 - 1, "u": 2**64 - 1, "f": 0.1, "b": True, "s": hostile, "y": b"\x00\xff", "d": day, "t": now,
              "c": decimal.Decimal("1.50"), "z": None}
    ds = tenrow.from_numpy(place, {"n": [1, 2, 3], "v": np.eye(3, 2, dtype=np.float32), "s": ["a", hostile, "c"]})
    names = ", ".join(f"${name} AS {name}" for name in values)
    assert ds.sql(f"SELECT {names}", values).to_arrow().to_pylist() == [values]
    assert ds.sql("SELECT n FROM ds WHERE s = $1 OR n = $2 ORDER BY n", [hostile, 3]).to_arrow()["n"].to_pylist() == [2, 3]
    near = ds.sql("SELECT n FROM ds ORDER BY l2_distance(v, $1) LIMIT 1", [np.array([0, 1], np.float32)]).to_arrow()
    assert near["n"].to_pylist() == [2]
    root = str(pathlib.Path(place).parent)
    more = tenrow.sql("SELECT count(*) AS n FROM dataset WHERE n > $least", root, parameters={"least": 1})
    assert more.to_arrow()["n"].to_pylist() == [2]
    ds.sql("UPDATE ds SET s = $1 WHERE n = $2", ["new", 1])
    assert ds.latest()["s"][:] == ["new", hostile, "c"]
    wide = tenrow.from_numpy(place + "2", {"d": np.array([1e-20, 0.0, 5.0]), "k": [1, 2, 3]}, {"d": "f64", "k": "i64"})
    wide = wide.add_column("l", type="list<i64>?")
    assert wide.sql("SELECT k FROM ds WHERE d = $1", [decimal.Decimal(0)]).to_arrow()["k"].to_pylist() == [2]
    wide.sql("UPDATE ds SET l = $1 WHERE k = $2", [[4, 5], 1])
    assert wide.latest()["l"][:] == [[4, 5], None, None]
    given = wide.add_column("s", type=str, default="none").append({"d": [1.0], "k": [4]})
    assert given["s"][:] == ["none"] * 4 and given["l"][3] is None
    for statement, given in [("SELECT $1", [1, 2]), ("SELECT $1", []), ("SELECT $2", [1]), ("SELECT $a", {"b": 1}), ("DELETE FROM ds WHERE n = $1", [])]:
        with pytest.raises(tenrow.InvalidInput, match="\\$"):
            ds.sql(statement, given)
