"""Rows, columns and what is known of them."""

import pickle

import numpy as np
import pytest
import tenrow
from conftest import DTYPES, NUMPY, ROWS, columns


def test_a_dataset_says_what_it_is(digits):
    assert (len(digits), digits.version) == (ROWS, 1)
    assert list(digits.schema) == ["image", "vector", "label", "name"]
    image = digits.schema["image"]
    assert (image.type, image.dtype, image.shape, image.nullable) == ("u8[28,28]", "u8", (28, 28), False)
    assert digits.schema["name"].shape is None and digits.schema["label"].shape == ()
    assert "rows=3,000" in repr(digits) and "image: u8[28,28]" in repr(digits)


def test_one_row_is_a_dict(digits):
    expected = columns()
    for row in (0, 5, ROWS - 1, -1, -ROWS, np.int32(7)):
        found = digits[row]
        assert list(found) == ["image", "vector", "label", "name"]
        assert (found["image"] == expected["image"][row]).all() and found["image"].shape == (28, 28)
        assert found["label"] == expected["label"][row] and found["label"].dtype == np.int64
        assert found["name"] == expected["name"][row]


@pytest.mark.parametrize("key", [slice(10, 20), slice(-5, None), slice(20, 10, -3), slice(5, 5), slice(None, 40, 7)])
def test_slices_are_those_of_lists(digits, key):
    found, expected = digits[key], columns()
    for name, values in expected.items():
        assert len(found[name]) == len(values[key])
        assert np.array_equal(found[name], values[key]), name
        assert np.array_equal(digits[name][key], values[key]), name


def test_rows_are_taken_in_the_order_asked_with_duplicates(digits):
    expected = columns()
    for rows in ([5, 9, 5], [], [-1, 0], np.array([2999, 0], np.uint16), (7,)):
        found = digits.take(rows)
        assert np.array_equal(found["vector"], expected["vector"][list(rows)])
        assert found["name"] == [expected["name"][row] for row in rows]
        assert np.array_equal(digits["vector"][list(rows)], expected["vector"][list(rows)])
    mask = expected["label"] % 100 == 3
    assert np.array_equal(digits[mask]["label"], expected["label"][mask])
    assert list(digits.take([1], ["label"])) == ["label"]


def test_arrays_that_are_given_are_filled(digits):
    rows = [4, 2, 2999]
    out = {"vector": np.full((3, 16), -1, np.float32)}
    found = digits.take(rows, ["vector"], out=out)
    assert found["vector"] is out["vector"]
    assert np.array_equal(out["vector"], columns()["vector"][rows])
    target = np.zeros((3, 28, 28), np.uint8)
    assert digits["image"].take(rows, target) is target and target[0, 0, 0] == 4


@pytest.mark.parametrize(
    ("out", "error", "said"),
    [
        (np.zeros((3, 16), np.float64), TypeError, "float32"),
        (np.zeros((2, 16), np.float32), ValueError, r"\[3, 16\]"),
        (np.zeros((16, 3), np.float32).T, ValueError, "C order"),
        ([0], TypeError, "numpy array"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(digits, out, error, said):
    with pytest.raises(error, match=said):
        digits.take([1, 2, 3], ["vector"], out={"vector": out})


def test_scans_give_every_row_once(digits):
    seen = np.concatenate([batch["label"] for batch in digits.scan(batch_size=77)])
    assert np.array_equal(seen, np.arange(ROWS))
    names = [name for batch in digits.scan(batch_size=500, attributes=["name"]) for name in batch["name"]]
    assert names == columns()["name"]
    part = [batch["label"] for batch in digits.scan(rows=slice(10, 30), attributes=["label"])]
    assert np.array_equal(np.concatenate(part), np.arange(10, 30))
    where = list(digits.scan(100, ["label", "name"], filter="label % 10 = 3 AND name LIKE '%ü'"))
    assert np.array_equal(np.concatenate([batch["label"] for batch in where]), np.arange(3, ROWS, 10))


def test_columns_know_their_shape(digits):
    image = digits["image"]
    assert (image.shape, image.dtype, len(image)) == ((ROWS, 28, 28), np.uint8, ROWS)
    assert np.array_equal(digits["vector"].numpy(), columns()["vector"])
    assert np.array_equal(np.asarray(digits["label"]), np.arange(ROWS))
    assert digits["name"][7] == "row 7 ü" and list(digits["name"])[-1] == "row 2999 ü"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 0, 3), (2, 3)])
@pytest.mark.parametrize("encoding", [None, "zstd:1"])
def test_every_dtype_and_rank_comes_back(place, dtype, shape, encoding):
    dice = np.random.default_rng(7)
    values = dice.integers(0, 2 if dtype == "bool" else 120, (50, *shape)).astype(NUMPY[dtype])
    kind = tenrow.tensor(dtype, shape, encoding=encoding) if shape else dtype
    with tenrow.create(place, {"x": kind, "n": "i64"}) as writer:
        writer.append({"x": values, "n": np.arange(50)})
    ds = writer.dataset
    for found in (ds[:]["x"], ds["x"][:], ds.take(range(50))["x"], ds["x"].numpy()):
        assert found.dtype == values.dtype and found.shape == values.shape
        assert np.array_equal(found, values)
    assert ds[3]["x"].dtype == values.dtype and np.array_equal(ds["x"][3], values[3])


def test_bf16_is_that_of_ml_dtypes(place):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = np.arange(12, dtype=np.float32).reshape(4, 3).astype(ml_dtypes.bfloat16)
    ds = tenrow.from_numpy(place, {"x": values})
    assert ds.schema["x"].type == "bf16[3]"
    assert ds[2]["x"].dtype == ml_dtypes.bfloat16 and np.array_equal(ds[:]["x"], values)


def test_null_rows_are_masked(place):
    mask = np.zeros((5, 3), bool)
    mask[2] = True
    x = np.ma.masked_array(np.arange(15.0).reshape(5, 3), mask)
    with tenrow.create(place, {"x": "f64[3]?", "n": "i32?", "s": "string?"}) as writer:
        writer.append({"x": x, "n": [1, None, 3, 4, None], "s": [None, "", "a", "b", "c"]})
    ds = writer.dataset
    assert ds[2]["x"] is None and ds[1]["n"] is None and ds[0]["s"] is None and ds["n"][4] is None
    rows = ds[:]
    assert isinstance(rows["x"], np.ma.MaskedArray) and (rows["x"].mask == mask).all()
    assert rows["n"].tolist() == [1, None, 3, 4, None] and rows["s"] == [None, "", "a", "b", "c"]
    assert ds.take([3, 1])["n"].tolist() == [4, None]


def test_tensors_of_varying_shape_are_lists_of_arrays(place):
    boxes = [np.arange(n * 5, dtype=np.float32).reshape(n, 5) for n in (2, 0, 7)]
    with tenrow.create(place, {"boxes": tenrow.tensor("f32", (None, 5))}) as writer:
        writer.append({"boxes": boxes})
    ds = writer.dataset
    assert all(np.array_equal(a, b) and a.shape == b.shape for a, b in zip(ds[:]["boxes"], boxes))
    assert np.array_equal(ds[2]["boxes"], boxes[2]) and ds["boxes"][1].shape == (0, 5)


def test_versions_are_opened_by_number_and_tag(digits, place):
    newer = digits.append(columns(10))
    newer.tag("best")
    assert (len(newer), newer.version, len(digits)) == (ROWS + 10, 2, ROWS)
    assert len(tenrow.open(place, version=1)) == ROWS
    assert tenrow.open(place, tag="best").version == 2
    assert [info["version"] for info in newer.versions()] == [3, 2, 1]
    with pytest.raises(tenrow.NotFound, match="best"):
        tenrow.open(place, tag="worst")


def test_a_pickled_dataset_is_small_and_the_same(digits):
    digits[0]
    pickled = pickle.dumps(digits)
    again = pickle.loads(pickled)
    assert len(pickled) < 1000
    assert again.version == digits.version and again[5]["name"] == "row 5 ü"


def test_views_are_rows_in_an_order_of_their_own(digits):
    view = digits.create_view("odd", np.arange(1, ROWS, 2)[::-1])
    assert len(view) == ROWS // 2 and view[0]["label"] == ROWS - 1 and view[-1]["label"] == 1
    assert view.take([1, 0, 1], ["label"])["label"].tolist() == [2997, 2999, 2997]
    later = digits.append(columns(3)).view("odd")
    assert np.array_equal(later[:4]["label"], [2999, 2997, 2995, 2993])
    with pytest.raises(IndexError):
        view[ROWS]
    for name in ("label", "image", "name"):
        column, expected = view[name], columns()[name][::-2]
        assert len(column) == ROWS // 2 and np.array_equal(column[7], expected[7])
        assert np.array_equal(column[-1], expected[-1]) and np.array_equal(column[3:9], expected[3:9])
        assert np.array_equal(column[[4, -2]], [expected[4], expected[-2]])
        with pytest.raises(IndexError, match="there are 1500 rows"):
            column[1500]
    assert np.array_equal(np.asarray(view["label"], np.float32), columns()["label"][::-2])
    assert np.array_equal(view["image"].numpy(), columns()["image"][::-2])
    scanned = list(view.scan(700, ["label", "name"]))
    assert [len(batch["name"]) for batch in scanned] == [700, 700, 100]
    assert np.array_equal(np.concatenate([batch["label"] for batch in scanned]), columns()["label"][::-2])
    assert "image" in view and list(view.schema) == list(digits.schema)
    with pytest.raises(KeyError):
        view["imge"]


def test_tensors_are_indexed_as_arrays_are(digits):
    column, expected = digits["image"], columns()["image"]
    for key in [
        (5, 3), (-1, slice(2, 9), 4), (slice(3, 40, 7), 0), (slice(None), slice(None), -1), (7, slice(None), [1, 2]),
        (slice(4, 8), [1, 2], [3, 4]), (..., 5), ..., (), (slice(9, 12), ..., 0), (3, None), (np.int64(4), 2, 2),
    ]:  # fmt: skip
        assert np.array_equal(column[key], expected[key]), key
    assert not column[5, 3].flags.writeable and not column[2:9, 3].flags.writeable
    for key in [([1, 2], [3, 4]), ([5, -1, 5], ...), (np.array([4, 2]), slice(None), [0, 1]), ([7, 8], 3), (expected[:, 0, 0] == 7, 1)]:
        assert np.array_equal(column[key], expected[key]), key
    with pytest.raises(IndexError):
        column[0, 28]
    with pytest.raises(TypeError, match="one index"):
        digits["name"][0, 1]
    with pytest.raises(TypeError, match="rows and names"):
        digits["image", 3]


@pytest.mark.parametrize("row", [ROWS, -ROWS - 1, 2**63, -(2**70), np.uint64(2**64 - 1)])
def test_a_row_that_is_not_there_is_said_to_be(digits, row):
    for rows in (digits, digits["image"], digits["name"]):
        with pytest.raises(IndexError, match="out of range: there are 3000 rows"):
            rows[row]
    if abs(int(row)) < 2**63 or isinstance(row, np.uint64):
        with pytest.raises(IndexError, match="out of range"):
            digits.take(np.array([row]))


def test_masks_are_of_rows(digits):
    mask = np.arange(ROWS) % 1000 == 7
    assert digits[mask]["label"].tolist() == columns()["label"][[7, 1007, 2007]].tolist()
    for bad in (mask[:-1], np.stack([mask, mask], 1), mask[:, None]):
        with pytest.raises(ValueError, match="mask of shape"):
            digits[bad]


def test_names_are_looked_for_among_attributes(digits):
    assert "image" in digits and "imge" not in digits and 5 not in digits
    assert list(digits.take([1, 2], "label")) == ["label"]
    assert [list(batch) for batch in digits.scan(1500, "name")] == [["name"]] * 2
    with pytest.raises(TypeError, match="out: expected a dict"):
        digits.take([1], "vector", out=np.empty(4))


def test_arrays_are_copied_only_if_they_must_be(digits):
    column = digits["image"]
    assert repr(column) == "TensorColumn(\"image\": (3000, 28, 28) of u8)"
    assert not np.asarray(column, dtype=np.uint8).flags.writeable
    copied = column.__array__(copy=True)
    assert copied.flags.writeable and np.array_equal(copied, columns()["image"])
    with pytest.raises(ValueError, match="copy cannot be avoided"):
        column.__array__(dtype=np.float32, copy=False)


def test_columns_are_compared_row_by_row(digits, place):
    assert digits[digits["label"] == 3]["label"].tolist() == [3]
    assert digits[(digits["label"] > 3) & (digits["label"] <= 5)]["name"] == ["row 4 ü", "row 5 ü"]
    assert np.flatnonzero(digits["name"] == "row 7 ü").tolist() == [7] and (digits["name"] != "row 7 ü").sum() == ROWS - 1
    view = digits.create_view("few", [9, 3, 5])
    assert view[view["label"] >= 5]["label"].tolist() == [9, 5] and (view["name"] == "row 3 ü").tolist() == [False, True, False]
    assert {digits["label"]: 1, digits["name"]: 2}
    ds = tenrow.from_numpy(place + "2", {"n": [1, None, 3], "s": ["a", None, "b"], "f": [None, True, False]})
    assert (ds["n"] != 1).tolist() == [False, False, True] and (ds["s"] < "b").tolist() == [True, False, False]
    # Null is not true, whatever lies beneath the mask.
    assert ds[ds["f"][:]]["n"].tolist() == [None] and ds["s"][ds["f"][:]] == [None]
    assert len(ds.delete(ds["f"][:])) == 2
    with pytest.raises(ValueError, match="null"):
        ds.take(np.ma.masked_array([0, 2], [True, False]))


@pytest.mark.parametrize("row", [True, False])
def test_a_bool_is_no_row(digits, row):
    view = digits.create_view("v", [1, 2])
    for rows in (digits, digits["label"], digits["name"], view, view["label"], view["name"]):
        with pytest.raises(TypeError, match="is no row"):
            rows[row]


def test_nulls_are_not_made_up(place):
    ds = tenrow.from_numpy(place, {"o": [10, None, 30], "x": [1.0, 2.0, 3.0]})
    for array in (np.asarray, np.sum, lambda column: np.array(column, np.float32)):
        with pytest.raises(ValueError, match='"o": null rows'):
            array(ds["o"])
    assert ds["o"][:].sum() == 40 and np.sum(ds["x"]) == 6.0
    again = tenrow.from_numpy(place + "2", {"o": ds["o"], "x": ds["x"]})
    assert again["o"][:].tolist() == [10, None, 30] and again.schema["o"].type == "i64?"


def test_a_filtered_scan_is_a_scan(digits):
    def labels(**given):
        return [batch["label"].tolist() for batch in digits.scan(attributes="label", **given)]

    assert labels(filter="label < 5", rows=slice(2, 100), batch_size=2) == [[2, 3], [4]]
    assert labels(filter="label < 2 -- the first") == [[0, 1]]
    for given, error in [({"batch_size": -1}, ValueError), ({"batch_size": 0}, ValueError), ({"verify": "bogus"}, ValueError), ({"filter": "lable = 1"}, ValueError)]:
        with pytest.raises(error):
            digits.scan(**{"filter": "label < 5", **given})
    with pytest.raises(KeyError):
        digits.scan(attributes="lable", filter="label < 5")


def test_a_view_has_every_way_of_reading_that_a_dataset_has(digits):
    rows = [7, 3, 2999, 3, 12]
    view = digits.rows(rows)
    labels = columns()["label"][rows]
    assert view.name is None and view.row_numbers.tolist() == rows and len(view.rows([0, -1])) == 2
    assert view.rows(slice(1, 3))["label"][:].tolist() == labels[1:3].tolist()
    assert view.rows(view["label"] == 3)["label"][:].tolist() == [3, 3]
    for batch_size in (None, 1, 2, 100):
        assert np.concatenate([batch["label"] for batch in view.scan(batch_size)]).tolist() == labels.tolist()
    assert [batch["label"].tolist() for batch in view.scan(2, rows=slice(1, 4))] == [[3, 2999], [3]]
    assert [batch["label"].tolist() for batch in view.scan(2, "label", filter="label < 10")] == [[7, 3], [3]]
    assert [batch["label"].tolist() for batch in view.scan(9, filter="label < 10", rows=slice(1, None))] == [[3, 3]]
    assert view.rows_where("label = 3").tolist() == [1, 3]
    assert view.take([4, 0], "label", verify="always")["label"].tolist() == [12, 7]
    assert next(view.scan(2, verify="always"))["label"].tolist() == [7, 3]
    with pytest.raises(ValueError, match='verify="often"'):
        view.take([0], verify="often")
    answer = view.sql("SELECT _row, label FROM ds WHERE label > $1", [5])
    assert [batch["_row"].tolist() for batch in answer] == [[7, 2999, 12]]
    with pytest.raises(tenrow.InvalidInput, match="ds is a view"):
        view.sql("DELETE FROM ds")
    names = [f"row {row} ü" for row in rows]
    assert view["name"][:] == names and view[1:3]["name"] == names[1:3] and view[[-1]]["name"] == [names[-1]]
    assert view[-1]["name"] == names[-1] and view["name"][1] == names[1]
    with pytest.raises(tenrow.OutOfRange, match="row 5 is out of range: there are 5 rows"):
        view["name"][5]


def test_consecutive_rows_of_a_view_are_mapped_memory(digits):
    view = digits.rows(slice(10, 20))
    image = view["image"][2]
    assert not image.flags.writeable and image.base is not None
    assert np.shares_memory(image, digits["image"][12])


def test_a_view_that_nothing_keeps_can_be_kept(digits):
    few = digits.rows([5, 1, 5])
    assert digits.create_view("few", few)["label"][:].tolist() == [5, 1, 5]
    later = digits.append(digits[:2])
    with pytest.raises(ValueError, match="a view of version 1 is kept by that version"):
        later.create_view("again", few)
    # Rows of another dataset are none of this one's, though versions have the same number.
    other = tenrow.from_numpy(digits.uri + "-other", {"label": [1, 2, 3, 4, 5, 6]})
    with pytest.raises(ValueError, match="a view is of a version of its own dataset"):
        digits.create_view("other", other.rows([1]))


@pytest.mark.parametrize("key", [True, np.True_, np.array(True), False])
def test_a_bool_is_no_row_anywhere(digits, key):
    view = digits.rows([1, 2])
    for source in (digits, view, digits["label"], digits["name"], view["label"], view["name"]):
        with pytest.raises(TypeError, match="(True|False) is no row: a mask is an array with a bool for each"):
            source[key]


@pytest.mark.parametrize("name", ["image", "label", "name"])
def test_brackets_mean_the_same_for_datasets_views_and_columns(digits, name):
    half = digits.rows(np.arange(0, ROWS, 2))
    for source in (digits, half):
        whole, count = source[:][name], len(source)
        mask = np.arange(count) % 5 == 0
        keys = [0, -1, np.int64(3), slice(2, 9), slice(9, 2), slice(None, None, -3), slice(-5, None), [3, 1, 3], [], mask, mask.tolist(), np.ma.masked_array(mask, mask)]
        for key in keys:
            found, of_rows = source[name][key], source[key][name]
            numbers = np.arange(count)[np.ma.filled(key, False) if isinstance(key, np.ma.MaskedArray) else key if not isinstance(key, list) else np.array(key, bool if key and type(key[0]) is bool else int)]
            expected = whole[int(numbers)] if np.ndim(numbers) == 0 else [whole[row] for row in numbers]
            for values in (found, of_rows):
                assert np.array_equal(np.asarray(values), np.asarray(expected)) or (len(expected) == 0 and len(values) == 0), key
        for wrong, kind in ((count, IndexError), (-count - 1, IndexError), ([count], IndexError), (1.5, TypeError), ([0.5], TypeError), (mask[1:], ValueError), (None, TypeError)):
            for place in (source, source[name]):
                with pytest.raises(kind):
                    place[wrong]
