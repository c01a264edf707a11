"""Kinds of trouble that people had, each with its siblings: what was lost, guessed or taken for something else."""

import datetime
import decimal
import pathlib
import time

import numpy as np
import pytest
import tenrow


def kept(place: str, column, kind: str | None = None, **options):
    ds = tenrow.from_numpy(place, {"x": column}, None if kind is None else {"x": kind}, **options)
    return ds["x"][:]


def refused(place: str, column, kind: str, said: str = '"x"') -> None:
    with pytest.raises((TypeError, ValueError), match=said) as caught, tenrow.create(place, {"x": kind}) as writer:
        writer.append({"x": column})
    assert isinstance(caught.value, tenrow.Error) and not pathlib.Path(place).exists()


FINE = np.datetime64("2024-01-01T00:00:00.123456789")


def test_times_that_are_objects_keep_every_digit_or_are_refused(place, tmp_path):
    """Once one None beside them cut nanoseconds to microseconds."""
    pd = pytest.importorskip("pandas")
    stamp = pd.Timestamp("2024-01-01T00:00:00.123456789")
    for number, column in enumerate([[FINE, None], [None, stamp], (stamp, pd.NaT), np.array([FINE, None], object), [FINE, np.datetime64("NaT")], [stamp, FINE][:1] + [None]]):
        found = kept(f"{place}{number}", column, "timestamp(ns)?")
        assert FINE in found and np.isnat(found).any() and tenrow.infer_schema({"x": column})["x"] == "timestamp(ns)?"
        refused(f"{place}{number}u", column, "timestamp(us)?", "finer than timestamp")
    inside = [{"t": FINE, "l": [FINE, None]}, {"t": None, "l": []}]
    found = kept(place + "in", inside, "struct<t:timestamp(ns)?,l:list<timestamp(ns)?>>")
    assert found[0]["t"] == FINE and found[0]["l"][0] == FINE
    refused(place + "inu", inside, "struct<t:timestamp(us)?,l:list<timestamp(ns)?>>", "x.t")
    refused(place + "inl", inside, "struct<t:timestamp(ns)?,l:list<timestamp(us)?>>", "x.l")


def test_spans_that_are_objects_keep_every_digit_or_are_refused(place):
    pd = pytest.importorskip("pandas")
    small = np.timedelta64(1, "ns")
    for number, column in enumerate([[small, None], [pd.Timedelta(1, "ns"), None], np.array([small, None], object), [None, np.timedelta64(1000, "ps")]]):
        found = kept(f"{place}{number}", column, "duration(ns)?")
        assert small in found and tenrow.infer_schema({"x": column})["x"] == "duration(ns)?"
        refused(f"{place}{number}u", column, "duration(us)?", "finer than duration")
    refused(place + "M", np.array([1], "m8[M]"), "duration(s)", "no length")


def test_times_far_away_are_kept_or_refused(place):
    far = [np.datetime64("-100000-01-01T00:00:00", "s"), None]
    assert kept(place, far, "timestamp(s)?")[0] == far[0]
    refused(place + "ns", far, "timestamp(ns)?", "beyond what there is in timestamp")
    mixed = [np.datetime64("0001-01-01T00", "h"), FINE]
    refused(place + "m", mixed, "timestamp(ns)", "row 0")
    assert kept(place + "d", [datetime.date(1, 1, 1), datetime.date(9999, 12, 31)])[1] == np.datetime64("9999-12-31")
    assert kept(place + "y", np.array(["2020", "2021"], "M8[Y]"), "date32")[1] == np.datetime64("2021-01-01")


@pytest.mark.parametrize("kind", ["timestamp(ns)?", "timestamp(s,UTC)?", "date32?", "duration(ms)?", "time64(us)?"])
def test_what_is_no_time_is_refused(place, kind):
    """Once integers were nanoseconds since 1970, and "now" was the wall clock."""
    for column in ([1704067200000, None], [0], ["now", None], ["today"], ["2020-01-01"], [1.5, None], [True], np.array([5, None], object),
                   np.array([1, 2]), np.array(["2020-01-01"]), np.array([1.5]), [b"2020-01-01"], [np.int64(5), None], [[1]], [{"t": 1}]):  # fmt: skip
        refused(place, column, kind)
    with pytest.raises(TypeError), tenrow.create(place, {"x": f"list<{kind}>"}) as writer:
        writer.append({"x": [[1704067200000, None]]})


def test_times_with_and_without_a_zone_are_not_each_other(place):
    utc = datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.timezone.utc)
    local = utc.replace(tzinfo=None)
    pd = pytest.importorskip("pandas")
    for aware in ([utc], [pd.Timestamp(utc)], [utc, None][:1]):
        refused(place, aware, "timestamp(us)", "zone")
        assert kept(place + aware[0].__class__.__name__ + str(len(aware)) + str(id(aware)), aware, "timestamp(us,Europe/Berlin)")[0] == np.datetime64(local)
    for naive in ([local], [pd.Timestamp(local)]):
        refused(place, naive, "timestamp(us,UTC)", "zone")
    refused(place, [utc, local], "timestamp(us,UTC)", "row 1: a time without a zone, and a time of a zone")
    refused(place, [datetime.date(2024, 1, 1), local], "date32", "row 1")
    found = tenrow.from_numpy(place, {"x": [utc]})
    assert found.append({"x": found["x"][:]})["x"][1] == np.datetime64(local)


def test_times_of_day_and_decimals_are_what_python_has(place):
    day = [datetime.time(1, 2, 3, 4), None, datetime.time(23, 59, 59, 999999)]
    for number, kind in enumerate(["time64(us)?", "time64(ns)?"]):
        ds = tenrow.from_numpy(place + str(number), {"x": day}, {"x": kind})
        assert len(ds.append({"x": ds["x"][:]})) == 6 and ds.sql("SELECT 1") is not None
    assert tenrow.open(place + "0")["x"][:] == day + [None] * 0 or tenrow.open(place + "0")["x"][:3] == day
    assert tenrow.open(place + "1")["x"][0] == np.timedelta64(3723000004000, "ns")
    assert tenrow.infer_schema({"x": day})["x"] == "time64(us)?"
    refused(place + "s", day, "time32(s)?", "finer")
    refused(place + "z", [datetime.time(1, tzinfo=datetime.timezone.utc)], "time64(us)", "zone")
    refused(place + "n", np.array([90000], "m8[s]"), "time32(s)", "beyond")
    money = [decimal.Decimal("1.50"), None, decimal.Decimal("-12.345"), 7]
    ds = tenrow.from_numpy(place + "d", {"x": money}, {"x": "decimal128(9,3)?"})
    assert ds["x"][:] == [decimal.Decimal("1.5"), None, decimal.Decimal("-12.345"), decimal.Decimal(7)]
    assert tenrow.infer_schema({"x": money[:3]})["x"] == "decimal128(5,3)?"
    for bad in (decimal.Decimal("0.0001"), decimal.Decimal("NaN"), decimal.Decimal("1e9"), 1.5, "1.5", True):
        refused(place + "b", [bad], "decimal128(9,3)")


def test_frames_whose_meaning_would_be_lost_are_refused(place):
    pd, pl, pa = pytest.importorskip("pandas"), pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    objects = pl.Series("x", [object()], dtype=pl.Object)
    for number, column in enumerate([objects, pl.DataFrame({"x": objects}), pd.DataFrame({"x": pd.period_range("2020-01", periods=2, freq="M")}),
                    pd.DataFrame({"x": pd.interval_range(0, 2)}), pd.DataFrame({"x": pd.Series(pd.period_range("2020-01", periods=1, freq="D"))})]):  # fmt: skip
        with pytest.raises((TypeError, ValueError), match="x.*(objects of Python|periods|intervals)"):
            tenrow.from_arrow(place, column) if hasattr(column, "columns") else tenrow.from_numpy(place, {"x": column}, {"x": "fixed_binary(8)"})
        with pytest.raises((TypeError, ValueError), match="x.*(objects of Python|periods|intervals)"), tenrow.create(place, {"x": "i64"}) as writer:
            writer.append(column if hasattr(column, "columns") else {"x": column})
    text = pd.DataFrame({"x": pd.period_range("2020-01", periods=2, freq="M").astype(str)})
    assert tenrow.from_pandas(place, text)["x"][:] == ["2020-01", "2020-02"]
    assert pa.table({"a": [1]}).num_rows == 1


def test_structs_are_matched_by_name(place):
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    ds = tenrow.from_numpy(place, {"s": [{"a": 1, "b": 2}]}, {"s": "struct<a:i64,b:i64>"})
    nested = tenrow.from_numpy(place + "2", {"s": [[{"a": 1, "b": 2}]]}, {"s": "list<struct<a:i64,b:i64?>>"})
    for make in (pa.table, pl.DataFrame, lambda columns: {"s": pa.array(columns["s"])}, lambda columns: {"s": pl.Series(columns["s"])}, dict):
        assert ds.append(make({"s": [{"b": 20, "a": 10}]}))[-1]["s"] == {"a": 10, "b": 20}
        assert nested.append(make({"s": [[{"b": 20, "a": 10}, {"a": 5}]]}))[-1]["s"] == [{"a": 10, "b": 20}, {"a": 5, "b": None}]
        for bad in ({"y": 20, "z": 10}, {"a": 1, "b": 2, "c": 3}, {"a": 1}):
            with pytest.raises((TypeError, ValueError), match='"s'):
                ds.append(make({"s": [bad]}))
        with pytest.raises((TypeError, ValueError), match='"s'):
            nested.append(make({"s": [[{"b": 1, "c": 2}]]}))


def test_what_is_inferred_holds_every_integer(place):
    """Once `[2**64 - 1, -1]` became 1.8446744073709552e+19, silently."""
    for bad in ([2**64 - 1, -1], [2**63, -1], [[2**64 - 1], [-1]], [2**53 + 1, 0.5], [{"a": 2**64 - 1}, {"a": -1}], [[2**64 - 1, 1], [-1]], [2**70 + 1]):
        with pytest.raises(TypeError, match="x"):
            tenrow.infer_schema({"x": bad})
    for bad in ([2**53 + 1, 0.5], [0.5, 2**53 + 1], [[0.5, 2**53 + 1]], [2**1030, 1.0]):
        refused(place, bad, "f64[2]" if isinstance(bad[0], list) else "f64", "no value of f64")
    assert kept(place, [2.0**60, 2**60, 0.5]).tolist() == [2.0**60, 2.0**60, 0.5]
    assert tenrow.infer_schema({"x": [2**63, 2**64 - 1]}) == {"x": "u64"} and tenrow.infer_schema({"x": [-1, 2**63 - 1]}) == {"x": "i64"}


def test_nothing_is_inferred_of_nothing(place):
    for nothing in ([[], []], [[[]], []], [[None], []], [{"a": []}, {"a": []}], [], [None]):
        with pytest.raises(TypeError, match="no value to take a type from"):
            tenrow.infer_schema({"x": nothing})
    assert tenrow.infer_schema({"x": [[], [1]]}) == {"x": "list<i64>"} and tenrow.infer_schema({"x": np.zeros((2, 0))}) == {"x": "f64[0]"}


def test_lists_of_the_first_items_do_not_fix_the_shape_of_later_ones(place):
    rows = [{"l": [1, 2], "d": {"k": [1.5, 2.5]}, "a": np.zeros(2)} for _ in range(5)] + [{"l": [3], "d": {"k": []}, "a": np.ones(2)}]
    ds = tenrow.from_dataset(place, rows, batch_size=5)
    assert [a.type for a in ds.schema.values()] == ["list<i64>", 'struct<"k":list<f64>>', "f64[2]"] or ds.schema["l"].type == "list<i64>"
    assert ds["l"][-1] == [3] and ds[5]["d"] == {"k": []} and ds["a"].shape == (6, 2)


@pytest.mark.parametrize("name", ["a:b", "a::b", ":a", "a:", "at 12:30", "x:i64", "struct<a:i64>", "a?", 'say "a"', "a, b", "a=b", " a", "a ", "ü:ö"])
def test_names_are_what_they_are(place, name):
    rows = {name: np.arange(4), "v": np.ones((4, 2))}
    ds = tenrow.from_numpy(place, rows)
    assert list(ds.schema) == [name, "v"] and ds[name][1] == 1 and ds.take([2], name)[name].tolist() == [2]
    again = tenrow.from_numpy(place + "2", rows, ds.schema)
    assert again.rename_column("v", name + ":2").schema[name + ":2"].type == "f64[2]"
    assert list(tenrow.create(place + "3", again.latest().schema).commit().schema) == [name, name + ":2"]
    assert ds.add_column(name + ":new", [1, 2, 3, 4], type="u8")[3][name + ":new"] == 4
    assert ds.latest().update([0], {name: [9]})[name][0] == 9
    pa = pytest.importorskip("pyarrow")
    assert tenrow.infer_schema(pa.table({name: [1]})) == {name: "i64?"}


def test_tensors_of_rank_zero_are_tensors(place):
    with tenrow.create(place, {"x": "f64[]", "y": "i8[]?", "n": "f64"}) as writer:
        writer.append({"x": np.array([1.0, 2.0]), "y": [1, None], "n": [1.0, 2.0]})
    ds = writer.dataset
    assert [a.kind for a in ds.schema.values()] == ["tensor", "tensor", "scalar"] and ds.schema["x"].shape == ()
    assert float(ds["x"][1]) == 2.0 and ds[0]["x"].shape == () and ds["x"].shape == (2,) and ds["y"][1] is None
    assert ds.take([1, 0])["x"].tolist() == [2.0, 1.0] and ds[:]["x"].tolist() == [1.0, 2.0]
    more = ds.append({"x": [3.0], "y": np.array([3], np.int8), "n": [0.0]}).append(ds[:]).update([0], {"x": np.array([9.0])})
    assert more["x"][:].tolist() == [9.0, 2.0, 3.0, 1.0, 2.0] and list(more["x"])[2] == 3.0
    pa = pytest.importorskip("pyarrow")
    assert len(more.append(pa.table(ds._view.arrow(0, 2, None, None)))) == 7
    for bad in (np.ones((2, 1)), [[1.0], [2.0]], ["a", "b"]):
        with pytest.raises((TypeError, ValueError), match="x"):
            ds.append({"x": bad, "y": [1, 2], "n": [1.0, 2.0]})


def test_a_cast_is_made_where_it_is_asked_for(place):
    ds = tenrow.from_numpy(place, {"n": np.arange(4), "f": np.zeros(4, np.float32)})
    pred = np.array([0, 255, 3, 4])
    assert ds.add_column("pred", pred, type="u8")["pred"][:].dtype == np.uint8
    computed = ds.latest().add_column("top", lambda rows: rows["n"] % 3, type="u8", inputs="n")
    assert computed["top"][:].tolist() == [0, 1, 2, 0]
    with pytest.raises(ValueError, match="row 1.*300 does not fit u8"):
        computed.add_column("bad", np.array([0, 300, 0, 0]), type="u8")
    assert "bad" not in computed.latest().schema
    for use in (lambda **o: ds.append({"n": np.array([1.0]), "f": np.array([0.1])}, **o), lambda **o: ds.latest().update([0], {"f": np.array([0.1])}, **o)):
        for cast in ({}, {"cast": "refuse"}, {"cast": "safe"}):
            with pytest.raises((TypeError, ValueError), match='"n"|"f"'):
                tenrow.from_numpy(place + "z", {"n": [1]}) and use(**cast)
            pathlib.Path(place + "z").exists() and __import__("shutil").rmtree(place + "z")
    narrow = tenrow.from_numpy(place + "2", {"f": np.array([0.1])}, {"f": "f32"}, cast="round")
    assert narrow["f"][0] == np.float32(0.1)
    with narrow.writer() as writer:
        writer.append({"f": np.array([1e300])}, cast="lossy")
    assert np.isinf(narrow.latest()["f"][1])
    with pytest.raises(ValueError, match='cast="maybe".*"refuse"'):
        narrow.append({"f": [1.0]}, cast="maybe")


def test_a_column_that_was_added_and_not_filled_is_filled(place):
    """As after a kill between the two commits of `add_column`: running it again was refused."""
    ds = tenrow.from_numpy(place, {"n": np.arange(4)})
    ds.add_column("pred", type="u8?")
    assert ds.latest().add_column("pred", np.arange(4), type="u8")["pred"][:].tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="is there already"):
        ds.latest().add_column("pred", np.arange(4), type="u8")


def test_a_time_is_the_version_that_was_the_newest_then(place):
    ds = tenrow.from_numpy(place, {"n": np.arange(4)})
    created = datetime.datetime.fromtimestamp(ds.versions()[0]["created_ms"] / 1000, datetime.timezone.utc)
    time.sleep(0.01)
    later = ds.append({"n": [1]})
    assert tenrow.open(place, created).version == 1 and tenrow.open(place, "2999-01-31").version == 2
    east = created.astimezone(datetime.timezone(datetime.timedelta(hours=5)))
    assert tenrow.open(place, east).version == 1 and tenrow.open(place, datetime.date(2999, 1, 1)).version == 2
    assert len(later.restore(created)) == 4 and len(later.latest().restore("2")) == 5
    with pytest.raises(KeyError, match="no version that old"):
        tenrow.open(place, datetime.date(1999, 1, 1))
    with pytest.raises(ValueError, match="time zone"):
        tenrow.open(place, created.replace(tzinfo=None))
    with pytest.raises(ValueError, match="is no version: write its number"):
        tenrow.open(place, "3x")


def test_a_version_is_a_number_or_a_tag(place):
    ds = tenrow.from_numpy(place, {"n": np.arange(4)})
    ds.tag("best")
    ds.append({"n": [1]})
    assert tenrow.open(place, version="best").version == tenrow.open(place, "best").version == tenrow.open(place, tag="best").version == ds.version
    with pytest.raises(KeyError, match="worst.*best"):
        tenrow.open(place, version="worst")
    for bad in (1.5, True, b"best", [1]):
        with pytest.raises(TypeError, match="a version is a whole number, a tag"):
            tenrow.open(place, version=bad)


def test_errors_name_few_of_many(place):
    """Once a misspelt name of 3,000 was answered by 20 KB."""
    wide = {f"a{i}": np.arange(2) for i in range(3000)}
    ds = tenrow.from_numpy(place, wide)
    uses = [
        lambda: ds["nope"], lambda: ds.take([0], ["nope"]), lambda: ds.append({"nope": [1]}), lambda: ds.update([0], {"nope": [1]}),
        lambda: ds.drop_column("nope"), lambda: ds.rename_column("nope", "b"), lambda: ds.rows_where("nope = 1"), lambda: ds.sql("SELECT nope FROM ds"),
        lambda: ds.append({"a0": [1]}), lambda: ds.add_column("x", lambda rows: rows, type="u8", inputs="nope"), lambda: list(ds.scan(attributes="nope")),
    ]  # fmt: skip
    pa = pytest.importorskip("pyarrow")
    uses.append(lambda: ds.append(pa.table({"nope": [1]})))
    for number, use in enumerate(uses):
        with pytest.raises((KeyError, ValueError)) as caught:
            use()
        assert len(str(caught.value)) < 1000 and ("nope" in str(caught.value) or number == 8), str(caught.value)[:200]


def test_the_first_row_of_many_attributes_takes_about_as_long_as_they_were_written_in(place):
    """Once it took twenty times as long of 2,000, for the schema of the whole file was worked out for each of them."""
    rows = {f"a{i}": np.arange(4) for i in range(2000)} | {f"t{i}": np.ones((4, 2)) for i in range(200)}
    began = time.perf_counter()
    tenrow.from_numpy(place, rows)
    written = time.perf_counter() - began
    for use in (lambda ds: ds[0], lambda ds: ds[:2], lambda ds: ds.take([3, 1]), lambda ds: next(ds.scan(2))):
        tries = []
        for _ in range(2):
            ds = tenrow.open(place)
            began = time.perf_counter()
            use(ds)
            tries.append(time.perf_counter() - began)
        assert min(tries) < 8 * written
