"""Values of every kind, in and out: nulls, times, lists, dicts, tensors of any shape, sparse ones."""

import datetime
import warnings

import numpy as np
import pytest
import tenrow


def written(place: str, rows: dict, schema: dict | None = None) -> tenrow.Dataset:
    return tenrow.from_numpy(place, rows, schema)


def test_rows_without_a_tensor_are_null(place):
    ones = np.ones((2, 3), np.float32)
    rows = {"fixed": [ones, None, ones * 2], "any": [np.arange(4.0), None, np.zeros(0)], "n": [1, None, 3]}
    ds = written(place, rows, {"fixed": "f32[2,3]?", "any": "f64[?]?", "n": "i16?"})
    found = ds[:]
    assert found["fixed"].mask[:, 0, 0].tolist() == [False, True, False] and (found["fixed"][2] == 2).all()
    assert [None if row is None else row.tolist() for row in found["any"]] == [[0, 1, 2, 3], None, []]
    assert found["n"].tolist() == [1, None, 3] and ds["fixed"][1] is None and ds[1]["any"] is None
    with pytest.raises(ValueError, match="fixed"):
        ds.append({"fixed": [ones[:1], None], "any": [None, None], "n": [1, 1]})
    dense = written(place + "2", {"x": ones})
    with pytest.raises(ValueError, match="x"):
        dense.append({"x": [np.ones(3, np.float32), None]})


def test_times_and_spans(place):
    moment = datetime.datetime(2026, 2, 3, 4, 5, 6, 789)
    rows = {
        "ns": np.array(["2026-01-01T00:00:00.000000001", "NaT"], "datetime64[ns]"),
        "moment": [moment, None],
        "day": [datetime.date(1969, 12, 31), datetime.date(2100, 2, 28)],
        "span": np.array([-5, 7], "timedelta64[ms]"),
    }
    ds = written(place, rows)
    assert [a.type for a in ds.schema.values()] == ["timestamp(ns)?", "timestamp(us)?", "date32", "duration(ms)?"]
    found = ds[:]
    assert np.array_equal(found["ns"], rows["ns"], equal_nan=True) and np.array_equal(found["span"], rows["span"])
    assert found["moment"][0].item() == moment and np.isnat(found["moment"][1])
    assert found["day"].tolist() == rows["day"] and ds[1]["day"] == np.datetime64("2100-02-28")
    with pytest.raises(TypeError, match="day.*found timestamp.us., expected date32"):
        ds.append({**{name: found[name] for name in ds.schema}, "day": [moment, moment]})
    with pytest.raises(TypeError, match="span"):
        ds.append({**{name: found[name] for name in ds.schema}, "span": [1, 2]})


def test_lists_and_dicts(place):
    rows = {
        "tokens": [[5, 6, 7], [], [8]],
        "boxes": [[{"box": [0.5, 1.5], "name": "a"}], None, [{"box": [2.5], "name": None}, {"box": None, "name": "ü"}]],
        "about": [{"a": 1, "b": "x"}, None, {"b": None}],
    }
    schema = {"tokens": "list<i64>", "boxes": "list<struct<box:list<f32>?,name:string?>>?", "about": "struct<a:i64?,b:string?>?"}
    ds = written(place, rows, schema)
    assert ds[:]["tokens"] == rows["tokens"] and ds[:]["boxes"] == rows["boxes"]
    assert ds[:]["about"] == [{"a": 1, "b": "x"}, None, {"a": None, "b": None}]
    assert ds.rows_where("about['b'] = 'x'").tolist() == [0]
    inferred = written(place + "2", {"tokens": rows["tokens"][:2], "about": [{"a": 1, "b": [1.5]}, {"a": 2, "b": []}]})
    assert inferred.schema["tokens"].type == "list<i64>" and inferred.schema["about"].type == "struct<a:i64,b:list<f64>>"
    assert inferred[1]["about"] == {"a": 2, "b": []}
    for bad, said in (({"tokens": [[1.5]]}, "tokens"), ({"tokens": ["12"]}, "tokens.*found string"), ({"tokens": [[1], "12"]}, "tokens.*row 1"), ({"about": [{"c": 1}]}, "'?\"?c\"?'? is no field")):
        with pytest.raises((ValueError, TypeError), match=said):
            ds.append({"tokens": [[1]], "boxes": [None], "about": [None], **bad})
    assert len(ds.latest()) == 3


def test_sparse_tensors_are_their_parts(place):
    dice = np.random.default_rng(5)
    shapes = [(4, 5), (1000, 3), (2, 0)]
    dense = [dice.random(shape).astype(np.float32) * (dice.random(shape) < 0.2) for shape in shapes]
    coo = [(np.argwhere(x), x[x != 0], np.array(x.shape, np.int64)) for x in dense]
    index, value, shape = zip(*coo, strict=True)
    ds = written(place, {"index": list(index), "value": list(value), "shape": np.stack(shape)},
                 {"index": "i64[?,2]", "value": "f32[?]", "shape": "i64[2]"})  # fmt: skip
    for row, expected in zip(ds, dense, strict=True):
        again = np.zeros(row["shape"], np.float32)
        again[tuple(row["index"].T)] = row["value"]
        assert np.array_equal(again, expected)


def test_nothing_is_cast_in_silence(place):
    ds = written(place, {"b": np.zeros(1, np.int8), "n": np.zeros(1, np.int64), "x": np.zeros((1, 2, 2), np.float32)})
    good = {"b": [1], "n": [1], "x": np.zeros((1, 2, 2), np.float32)}
    for name, values in [
        ("b", [300]), ("b", np.array([1], np.int64)), ("n", [1.5]), ("n", [float("nan")]), ("n", ["1"]), ("n", [2**63]),
        ("x", np.zeros((1, 4), np.float32)), ("x", np.zeros((1, 2, 2))), ("x", np.zeros((2, 2, 2), np.float32)),
    ]:  # fmt: skip
        with pytest.raises((ValueError, TypeError), match=name if len(values) == 1 else "rows"):
            ds.append({**good, name: values})
    assert len(ds.latest()) == 1 and len(ds.append(good)) == 2


def test_integers_are_never_fractions(place):
    large = [2**63 + 1, 1, 2**64 - 1]
    assert tenrow.infer_schema({"h": large, "x": [[2**63, 1]], "f": [1.5, 2]}) == {"h": "u64", "x": "u64[2]", "f": "f64"}
    schema = {"h": "u64", "o": "u64?", "x": "u64[2]", "v": "u64[?]", "l": "list<u64>", "s": "struct<k:u64>", "i": "i64"}
    rows = {
        "h": large, "o": [2**63 + 1, None, 1], "x": [[2**63 + 1, 1]] * 3, "v": [[2**63 + 1, 1]] * 3,
        "l": [[2**63 + 1, 1]] * 3, "s": [{"k": 2**63 + 1}, {"k": 1}, {"k": 2**64 - 1}], "i": [2**53 + 1, 1, -(2**63)],
    }  # fmt: skip
    ds = tenrow.from_numpy(place, rows, schema)
    assert ds["h"][:].tolist() == large and ds["o"][:].tolist() == rows["o"] and ds["x"][:].tolist() == rows["x"]
    assert ds["v"][0].tolist() == rows["v"][0] and ds["l"][:] == rows["l"] and ds["s"][:] == rows["s"]
    assert ds["i"][:].tolist() == rows["i"]
    assert ds.update([1], {"h": [2**63 + 3]})["h"][1] == 2**63 + 3
    for bad, said in [([2**64, 1], "row 0: 18446744073709551616"), ([1, 1.0], "row 1: 1.0"), ([1, -1, 2**63], "row 1: -1"), ([1, 0.5], "row 1: 0.5")]:
        with pytest.raises(ValueError, match=said):
            ds.update(range(len(bad)), {"h": bad})
    with pytest.raises(TypeError, match="expected numbers for u64"):
        ds.update([0, 1], {"h": [2**63, "x"]})


@pytest.mark.parametrize("dtype", ["f16", "f32"])
def test_what_would_be_infinite_is_refused(place, dtype):
    ds = tenrow.from_numpy(place, {"x": [0.1, float("inf"), float("nan")]}, {"x": dtype})
    assert np.isinf(ds["x"][1]) and np.isnan(ds["x"][2])
    with pytest.raises(ValueError, match=f"row 1: 1e\\+300 is no value of {dtype}"):
        ds.append({"x": [1.0, 1e300]})


class Berlin(datetime.tzinfo):
    """As `zoneinfo` has it, in summer, on any machine."""

    key = "Europe/Berlin"

    def utcoffset(self, time):
        return datetime.timedelta(hours=2)

    def dst(self, time):
        return datetime.timedelta(hours=1)


def test_times_keep_their_zone(place):
    here = [datetime.datetime(2026, 7, 1, 12, tzinfo=Berlin()), None]
    there = [datetime.datetime(2026, 7, 1, 10, tzinfo=datetime.timezone.utc)] * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ds = tenrow.from_numpy(place, {"here": here, "there": there})
    assert [a.type for a in ds.schema.values()] == ["timestamp(us,Europe/Berlin)?", "timestamp(us,UTC)"]
    assert ds[0]["here"] == ds[0]["there"] == np.datetime64("2026-07-01T10:00")
    with pytest.raises(TypeError, match="some times know their zone"):
        tenrow.infer_schema({"t": [there[0], datetime.datetime(2026, 1, 1)]})


def test_more_is_inferred(place):
    rows = {
        "texts": np.array(["a", "bb"]), "objects": np.array(["a", None], object), "lists": [["a", "b"], ["c", "d"]],
        "masked": np.ma.masked_array([1, 2], [False, True]), "people": [{"name": "Ada"}, {"name": "Alan"}],
    }  # fmt: skip
    assert tenrow.infer_schema(rows) == {
        "texts": "string", "objects": "string?", "lists": "list<string>", "masked": "i64?", "people": 'struct<"name":string>',
    }  # fmt: skip
    ds = tenrow.from_numpy(place, rows)
    assert ds["lists"][:] == rows["lists"] and ds["people"][1] == {"name": "Alan"} and ds["masked"][:].tolist() == [1, None]
    for empty in ([], [None, None]):
        with pytest.raises(TypeError, match="no value to take a type from"):
            tenrow.infer_schema({"x": empty})


def test_masks_of_every_kind_are_nulls(place):
    times = np.ma.masked_array(np.array(["2026-01-01", "2026-01-02"], "M8[us]"), [True, False])
    ds = tenrow.from_numpy(place, {"t": times, "n": np.ma.masked_array([5, 6], [False, True])})
    assert np.isnat(ds["t"][:]).tolist() == [True, False] and (ds["t"] != times[1]).tolist() == [False, False]
    ds.append({"t": times[:0], "n": np.ma.masked_array(np.zeros(0, np.int64), [])})
    taken = ds.take([0, 1])["n"]
    taken[1] = 7
    assert taken.tolist() == [5, 7]


def test_integers_are_not_rounded_to_fractions(place):
    assert tenrow.from_numpy(place, {"x": [2**53, 1]}, {"x": "f64"})["x"][0] == 2.0**53
    with pytest.raises(ValueError, match="row 1: 9007199254740993"):
        tenrow.from_numpy(place + "2", {"x": [1, 2**53 + 1]}, {"x": "f64"})


def test_bytes_in_either_form(place):
    ds = tenrow.from_numpy(place, {"b": [b"1", bytearray(b"22"), None]})
    assert ds["b"][:] == [b"1", b"22", None]
    with pytest.raises(TypeError, match='"b": found string, expected binary'):
        ds.append({"b": ["text"]})
    with pytest.raises(TypeError, match="row 1: expected bytes, found str"):
        ds.append({"b": [b"", "text"]})


@pytest.mark.parametrize("dtype", ["i64", "f32", "u8", "bool", "f16"])
def test_beneath_a_mask_are_zeros(place, dtype):
    one = True if dtype == "bool" else 1
    ds = tenrow.from_numpy(place, {"x": [one, None, one, None, one] * 50}, {"x": dtype + "?"})
    expected = [1, 0, 1, 0, 1] * 50
    assert ds["x"].numpy().data.tolist() == expected and ds["x"][2:5].data.tolist() == expected[2:5]
    assert ds.take([3, 4])["x"].data.tolist() == [0, 1] and next(ds.scan())["x"].data.tolist() == expected


@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16", "f32[2]", "list<f32>"])
def test_integers_beside_fractions_are_exact_in_the_dtype_of_the_attribute(place, dtype):
    if dtype == "bf16":
        pytest.importorskip("ml_dtypes")
    values = [2**24 + 1, 0.5]
    with tenrow.create(place, {"x": dtype}) as writer:
        with pytest.raises(ValueError, match="16777217"):
            writer.append({"x": values if "[" not in dtype and "<" not in dtype else [values]})
        writer.append({"x": [256, 0.5] if "[" not in dtype and "<" not in dtype else [[256, 0.5]]})


@pytest.mark.parametrize("values", [[np.uint64(2**64 - 1), np.int64(-1)], [np.int64(2**53 + 1), 0.5], [np.float32(0.5), np.int64(2**53 + 1)]])
def test_scalars_of_numpy_are_exact_too(place, values):
    with pytest.raises(ValueError, match="18446744073709551615|9007199254740993"):
        tenrow.from_numpy(place, {"x": values})


def test_spans_and_times_beyond_the_unit_are_refused(place):
    for values, dtype in [([datetime.timedelta.max], "duration(us)"), ([datetime.timedelta.min], "duration(us)"), ([[datetime.timedelta.max]], "list<duration(us)>")]:
        with pytest.raises(ValueError, match="beyond"):
            tenrow.from_numpy(place, {"x": values}, {"x": dtype})
    for values, dtype in [(np.array([2**60], "M8[h]"), "timestamp(s)"), (np.array([2**62], "m8[W]"), "duration(s)"), ([np.datetime64(2**62, "m")], "timestamp(us)")]:
        with pytest.raises(ValueError, match="beyond"):
            tenrow.from_numpy(place, {"x": values}, {"x": dtype})


def test_what_is_masked_in_a_list_is_null(place):
    ds = tenrow.from_numpy(place, {"x": [np.ma.array([1, 2], mask=[0, 1]), None]}, {"x": "list<i64?>?"})
    assert ds["x"][:] == [[1, None], None]


def test_numbers_are_no_bools_unless_that_is_asked_for(place):
    with pytest.raises(TypeError, match="expected bool"):
        tenrow.from_numpy(place, {"x": [1, 0]}, {"x": "bool"})
    ds = tenrow.from_numpy(place, {"x": [True]}, {"x": "bool"})
    assert ds.append({"x": [1]}, cast="safe")["x"][:].tolist() == [True, True]


def test_times_in_seconds_are_stored_as_those_that_parquet_has(place):
    moments = np.array(["2020-01-01T00:00:00", "1650-01-01T00:00:00"], "M8[s]")
    ds = tenrow.from_numpy(place, {"t": moments, "d": [datetime.date(2020, 1, 1)] * 2})
    assert ds.schema["t"].type == "timestamp(ms)?" and (ds["t"][:] == moments).all()
    assert tenrow.infer_schema({"t": [np.datetime64("2020-01-01T00:00:00")], "d": [np.datetime64("2020-01-01"), np.datetime64(1, "ns")]}) == {
        "t": "timestamp(ms)", "d": "timestamp(ns)"}


@pytest.mark.parametrize("mode", ["round", "lossy", "safe", "refuse"])
@pytest.mark.parametrize(("kind", "values"), [("i8", [2**70]), ("i8", [1, -(2**63) - 1]), ("list<i8>", [[2**70]]), ("bool", [2**70]), ("f64", [2**2000])])
def test_integers_of_more_than_64_bits_are_refused_by_every_cast(place, kind, values, mode):
    with tenrow.create(place, {"x": kind}) as writer, pytest.raises((ValueError, TypeError), match='"x'):
        writer.append({"x": values}, cast=mode)
