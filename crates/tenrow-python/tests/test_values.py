"""Values of every kind, in and out: nulls, times, lists, dicts, tensors of any shape, sparse ones."""

import datetime

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
    assert [a.type for a in ds.schema.values()] == ["timestamp(ns)", "timestamp(us)", "date32", "duration(ms)"]
    found = ds[:]
    assert np.array_equal(found["ns"], rows["ns"], equal_nan=True) and np.array_equal(found["span"], rows["span"])
    assert found["moment"][0].item() == moment and np.isnat(found["moment"][1])
    assert found["day"].tolist() == rows["day"] and ds[1]["day"] == np.datetime64("2100-02-28")
    with pytest.raises(ValueError, match="day.*cast it before"):
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
    for bad, said in (({"tokens": [[1.5]]}, "tokens"), ({"tokens": ["12"]}, "tokens.*row 0"), ({"about": [{"c": 1}]}, "'?\"?c\"?'? is no field")):
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
