"""Columns, files and views as sequences: other libraries iterate them, index them, pickle and copy them."""

import copy
import pickle

import numpy as np
import pytest
import tenrow


@pytest.fixture
def ds(place: str) -> tenrow.Dataset:
    rows = {
        "n": np.arange(3000), "v": np.arange(6000, dtype=np.float32).reshape(3000, 2), "some": [None, *range(2999)],
        "name": [f"row {i}" for i in range(3000)], "t": np.arange(3000).astype("M8[us]"), "note": [b"%d" % i for i in range(3000)],
    }  # fmt: skip
    return tenrow.from_numpy(place, rows, {"n": "i64", "v": "f32[2]", "some": "i64?", "name": str, "t": "timestamp(us)", "note": "file"})


def columns(ds):
    view = ds.create_view("last", range(2999, 2989, -1), replace=True)
    return [ds[name] for name in ds.schema] + [view[name] for name in ds.schema]


def test_columns_are_sequences_of_their_rows(ds):
    for column in columns(ds):
        assert len(list(column)) == len(column)
        for row, value in zip(range(3), column, strict=False):
            one = column[row]
            same = (one is None and value is None) or np.array_equal(one, value) or getattr(one, "name", 0) == getattr(value, "name", 1)
            assert same and type(value) is type(one)
    assert list(ds["n"]) == list(range(3000)) and list(ds["some"])[:3] == [None, 0, 1]
    assert [int(x) for x in reversed(ds["n"])][:2] == [2999, 2998]
    assert 5 in ds["n"] and 3001 not in ds["n"] and "row 7" in ds["name"] and "row" not in ds["name"]


def test_a_column_that_is_iterated_is_read_many_rows_at_a_time(place):
    wide = tenrow.from_numpy(place, {"x": np.zeros((2000, 40), np.float64)})["x"]
    rows = iter(wide)
    first, second = next(rows), next(rows)
    assert first.base is not None and second.shape == (40,) and sum(1 for _ in rows) == 1998


def test_other_libraries_take_columns(ds):
    pd, pa, pl = pytest.importorskip("pandas"), pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    frame = pd.DataFrame({name: ds[name] for name in ("n", "name", "t")})
    assert frame["n"].tolist() == list(range(3000)) and frame["name"][7] == "row 7" and frame["t"][1] == pd.Timestamp("1970-01-01T00:00:00.000001")
    assert len(pd.Series(ds["n"])) == 3000 and pd.Series(ds["name"])[5] == "row 5"
    for name in ("n", "some", "name", "t"):
        assert pa.array(ds[name]).to_pylist() == ds.to_arrow([name])[name].to_pylist()
        assert pl.Series(ds[name]).to_list() == ds.to_arrow([name])[name].to_pylist()
    assert pa.array(ds["v"]).type == pa.fixed_shape_tensor(pa.float32(), [2]) and pa.array(ds["some"]).null_count == 1
    view = ds.create_view("few", [5, 3])
    assert pa.array(view["n"]).to_pylist() == [5, 3] and pl.Series(view["name"]).to_list() == ["row 5", "row 3"]
    assert np.asarray(ds["name"]).tolist()[:2] == ["row 0", "row 1"] and np.array(ds["n"]).sum() == sum(range(3000))


def test_torch_takes_columns(ds):
    torch = pytest.importorskip("torch")
    assert torch.tensor(ds["n"]).tolist() == list(range(3000))
    assert torch.as_tensor(ds["v"][:10].copy()).shape == (10, 2)


def test_splits_of_scikit_learn_take_columns_and_datasets(ds):
    selection = pytest.importorskip("sklearn.model_selection")
    view = ds.create_view("half", range(0, 3000, 2))
    for source, rows in ((ds, 3000), (view, 1500)):
        train, test, labels, others = selection.train_test_split(source["v"], source["n"], random_state=0)
        assert len(train) + len(test) == rows and np.array_equal(train[:, 0], labels * 2) and len(others) == len(test)
        names, _ = selection.train_test_split(source["name"], random_state=0)
        assert names[0] == f"row {labels[0]}"
    rows, _ = selection.train_test_split(ds, random_state=0)
    assert rows[0]["name"] == f"row {rows[0]['n']}"
    assert len(list(selection.KFold(3).split(ds["v"], ds["n"]))) == 3


def test_columns_files_views_and_datasets_are_pickled_and_copied(ds):
    view = ds.create_view("last", [9, 3])
    for again in (lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy, copy.copy):
        assert np.array_equal(again(ds["v"])[:], ds["v"][:]) and again(ds["name"])[7] == "row 7"
        assert again(view["n"])[:].tolist() == [9, 3] and again(view)[0]["name"] == "row 9"
        file = ds[12]["note"]
        file.seek(1)
        copied = again(file)
        assert copied.tell() == 1 and copied.read() == b"2" and copied.size == 2
        assert again(ds).version == ds.version and len(pickle.dumps(ds["v"])) < 1000


def test_rows_of_torch_are_whole_numbers(ds):
    torch = pytest.importorskip("torch")
    import tenrow.torch

    data = tenrow.torch.Dataset(ds, ["n", "v"])
    for good in (5, np.int64(5), np.uint8(5), torch.tensor(5), -2995):
        assert data[good]["n"] == 5 and data.__getitems__([good, 5])[0]["n"] == 5
    for bad in (1.9, True, np.True_, np.float64(1), torch.tensor(True), torch.tensor(1.5), "5", None, slice(3), [1], (5,)):
        with pytest.raises(TypeError, match="is no row"):
            data[bad]
        with pytest.raises(TypeError, match="is no row"):
            data.__getitems__([5, bad])
    for mask in (np.arange(3000) % 2 == 0, torch.arange(3000) % 2 == 0, [True] * 3000):
        with pytest.raises(TypeError, match="is no row"):
            torch.utils.data.Subset(data, mask)[0]
        with pytest.raises(TypeError, match="is no row"):
            next(iter(torch.utils.data.DataLoader(torch.utils.data.Subset(data, mask), 4)))
    for bad in (np.True_, torch.tensor(True)):
        for place in (ds, ds["n"], ds["name"]):
            with pytest.raises(TypeError):
                place[bad]


def test_a_view_is_read_in_another_version(ds):
    view = ds.create_view("train", [9, 3, 9])
    later = ds.delete([3, 0]).add_column("pred", np.arange(2998) % 10, type="u8")
    with pytest.raises(KeyError, match="1 of 3 rows of the view 'train' are deleted in version"):
        view.at(later)
    found = view.at(later, skip_deleted=True)
    assert found["n"][:].tolist() == [9, 9] and found["pred"][:].tolist() == [7, 7] and found.take([0])["name"] == ["row 9"]
    assert len(view.at(ds)) == 3 and view["n"][:].tolist() == [9, 3, 9]
    assert found.at(ds)["n"][:].tolist() == [9, 9]


def test_rows_of_another_dataset_are_no_rows_of_this(ds, place):
    other = tenrow.from_numpy(place + "2", {"n": np.arange(10)})
    with pytest.raises(ValueError, match="ids tell rows of one dataset apart"):
        ds.create_view("few", [1]).at(other)


def test_times_are_compared_as_times(place):
    import datetime

    days = [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2), None]
    moments = np.array(["2020-01-01T05", "2020-01-02T00", "NaT"], "M8[ns]")
    zoned = [datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc), None, datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)]
    ds = tenrow.from_numpy(place, {"day": days, "t": moments, "z": zoned, "span": np.array([1, 2, 3], "m8[s]")})
    for found in (
        ds["day"] == "2020-01-02", ds["t"] == "2020-01-02", ds["t"] > "2020-01-01T12", ds["t"] == datetime.datetime(2020, 1, 2),
        ds["day"] == np.datetime64("2020-01-02"), ds["t"] == ["2020-01-02", "2020-01-02", "2020-01-02"], ds["day"] == datetime.date(2020, 1, 2),
    ):  # fmt: skip
        assert found.tolist() == [False, True, False]
    tz = datetime.timezone(datetime.timedelta(hours=2))
    assert (ds["z"] == datetime.datetime(2020, 1, 2, 2, tzinfo=tz)).tolist() == [True, False, False]
    assert (ds["z"] >= "2020-01-01T00:00:00Z").tolist() == [True, False, True]
    assert "2020-01-02" in ds["day"] and (ds["span"] > datetime.timedelta(seconds=1)).tolist() == [False, True, True]
    for bad in ("now", "today", "yesterday", "NaT", "2020-13-01", ""):
        with pytest.raises(ValueError, match='"t".*no value of timestamp'):
            ds["t"] == bad  # noqa: B015
    with pytest.raises(TypeError, match="a time of a zone"):
        ds["t"] == zoned[0]  # noqa: B015
    for bad in (5, 2.5, True):
        with pytest.raises(TypeError, match="is no time"):
            ds["t"] < bad  # noqa: B015
    with pytest.raises(ValueError, match="a span has no text"):
        ds["span"] == "00:00:01"  # noqa: B015


def test_columns_of_a_view_that_nothing_keeps_are_pickled_with_their_rows(ds):
    view = ds.rows([9, 3, 9])
    for again in (pickle.loads(pickle.dumps(view["n"])), copy.deepcopy(view["n"]), pickle.loads(pickle.dumps(view))["n"]):
        assert again[:].tolist() == [9, 3, 9]
    assert pickle.loads(pickle.dumps(view["name"]))[:] == ["row 9", "row 3", "row 9"]
