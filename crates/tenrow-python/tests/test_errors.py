"""Bad input: real classes, which are also Python's own, and texts that say what to do."""

import pickle
import traceback

import numpy as np
import pytest
import tenrow
from conftest import SCHEMA, columns


def test_a_row_that_there_is_not(digits):
    for row in (3000, -3001, 10**12):
        with pytest.raises(IndexError, match="there are 3000"):
            digits[row]
        with pytest.raises(tenrow.OutOfRange):
            digits["image"][row]
        with pytest.raises(IndexError):
            digits.take([0, row])
    with pytest.raises(TypeError, match="whole numbers"):
        digits.take([0.5])


def test_an_attribute_that_there_is_not(digits):
    with pytest.raises(KeyError, match="image, vector"):
        digits["imgae"]
    with pytest.raises(tenrow.NotFound) as caught:
        digits.take([0], ["nope"])
    assert str(caught.value)[0] not in "'\""


def test_no_dataset(tmp_path):
    with pytest.raises(FileNotFoundError):
        tenrow.open(tmp_path)
    with pytest.raises(tenrow.NotADataset):
        tenrow.open(str(tmp_path / "nothing"))
    with pytest.raises(ValueError, match="s3://"):
        tenrow.open("ftp://host/x")


BAD = [
    ({"vector": np.zeros((2, 16), np.float64)}, TypeError, "vector.*found f64.16., expected f32.16."),
    ({"vector": np.zeros((2, 15), np.float32)}, ValueError, r"vector.*\[16\].*\[15\]"),
    ({"vector": np.zeros(16, np.float32)}, ValueError, "vector"),
    ({"image": np.zeros((2, 784), np.uint8)}, ValueError, r"image.*\[28,28\].*\[784\]"),
    ({"label": np.array([1.5, 2.0])}, TypeError, "label.*found f64, expected i64; --cast"),
    ({"label": [1.5, 2]}, ValueError, "label"),
    ({"label": [2**70, 1]}, (ValueError, TypeError), "label"),
    ({"label": ["a", "b"]}, TypeError, "label"),
    ({"label": np.array([1, None], object)}, ValueError, "label.*null"),
    ({"label": np.array([1, "a"], object)}, TypeError, "label.*row 1.*str"),
    ({"label": 5}, (ValueError, TypeError), "label"),
    ({"name": ["a", 5]}, TypeError, "name.*row 1.*str.*int"),
    ({"name": "ab"}, TypeError, "rows"),
    ({"name": ["a"]}, ValueError, "rows"),
    ({"more": [1, 2]}, ValueError, "more.*image"),
]


@pytest.mark.parametrize(("bad", "error", "said"), BAD)
def test_values_that_do_not_fit_are_refused_and_the_writer_goes_on(place, bad, error, said):
    with tenrow.create(place, SCHEMA) as writer:
        with pytest.raises(error, match=said) as caught:
            writer.append({**columns(2), **bad})
        assert isinstance(caught.value, tenrow.Error)
        writer.append(columns(2))
    assert len(writer.dataset) == 2


@pytest.mark.parametrize("missing", list(SCHEMA))
def test_a_batch_that_lacks_an_attribute_is_refused_whole(place, missing):
    with tenrow.create(place, SCHEMA) as writer:
        rows = columns(2)
        del rows[missing]
        with pytest.raises(ValueError, match=missing):
            writer.append(rows)
        assert writer.row_count == 0
        writer.append(columns(1))


@pytest.mark.parametrize(
    ("kind", "values"),
    [("i8", [300]), ("i8", [-129]), ("u8", [-1]), ("i64", [1.5]), ("i32", [float("nan")]), ("bool", [2])],
)
def test_no_number_is_cast_in_silence(place, kind, values):
    with tenrow.create(place, {"x": kind}) as writer:
        with pytest.raises((ValueError, TypeError), match="'x'|\"x\""):
            writer.append({"x": values})
        with pytest.raises(TypeError):
            writer.append({"x": np.array(values, np.float64)})
        writer.append({"x": [True if kind == "bool" else 1]})
    assert writer.dataset["x"][0] == 1


def test_views_cannot_be_written(digits):
    with pytest.raises(ValueError, match="read-only"):
        digits["image"][0][0, 0] = 1
    with pytest.raises(ValueError):
        digits["image"][0].flags.writeable = True
    taken = digits.take([0])["image"]
    taken[0, 0, 0] = 77
    assert digits["image"][0][0, 0] == 0


def test_a_closed_writer_says_so(place):
    with tenrow.create(place, {"x": "i64"}) as writer:
        writer.append({"x": [1]})
    for use in (lambda: writer.append({"x": [2]}), writer.commit, lambda: writer.row_count):
        with pytest.raises(RuntimeError, match="closed"):
            use()


def test_an_exception_commits_nothing(place):
    with pytest.raises(ZeroDivisionError):
        with tenrow.create(place, {"x": "i64"}) as writer:
            writer.append({"x": [1]})
            raise ZeroDivisionError
    with pytest.raises(tenrow.NotADataset):
        tenrow.open(place)
    ds = tenrow.from_numpy(place, {"x": np.arange(3)})
    with pytest.raises(ZeroDivisionError):
        with ds.writer() as writer:
            writer.append({"x": [1]})
            raise ZeroDivisionError
    assert tenrow.open(place).version == ds.version


def test_creating_twice_is_an_error(digits, place):
    with pytest.raises(FileExistsError):
        tenrow.create(place, SCHEMA)
    assert len(tenrow.open(place)) == 3000


def test_schemas_that_are_none(place):
    for schema, error in [({"x": "f99"}, ValueError), ({"_x": "i64"}, ValueError), ({"x": object}, TypeError)]:
        with pytest.raises(error):
            tenrow.create(place, schema)
    with pytest.raises(TypeError, match="give it"):
        tenrow.from_numpy(place, {"x": np.array([object()])})
    with pytest.raises(ValueError, match="row_group_bytes"):
        tenrow.create(place, {"x": "i64"}, row_groups=5)
    with pytest.raises(ValueError, match="give one"):
        tenrow.open(place, version=1, tag="a")


def test_a_damaged_dataset_is_corrupt(digits, place):
    import pathlib

    (file,) = pathlib.Path(place).glob("data/**/*.parquet")
    damaged = bytearray(file.read_bytes())
    middle = len(damaged) // 2
    damaged[middle] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(tenrow.Corrupt, match="parquet"):
        tenrow.open(place).take(range(3000), verify="always")


def test_exceptions_are_called_as_they_are_imported(digits):
    kinds = [value for value in vars(tenrow).values() if isinstance(value, type) and issubclass(value, tenrow.Error)]
    assert len(kinds) == 14
    for kind in kinds:
        assert f"{kind.__module__}.{kind.__qualname__}" == f"tenrow.{kind.__name__}" and getattr(tenrow, kind.__name__) is kind
        again = pickle.loads(pickle.dumps(kind("row 3")))
        assert type(again) is kind and str(again) == "row 3"
    with pytest.raises(tenrow.NotFound) as caught:
        digits["nope"]
    assert traceback.format_exception_only(caught.value)[-1].startswith('tenrow.NotFound: no attribute "nope"')
    assert repr(tenrow.Conflict) == "<class 'tenrow.Conflict'>"


def test_what_is_wrong_is_named(digits, place, tmp_path):
    small = tenrow.from_numpy(place + "2", {"x": np.zeros((3, 2), np.uint8)})
    with pytest.raises(ValueError, match='"x", row 1: 256 is no value of u8'):
        small.append({"x": [[1, 2], [3, 256]]})
    with pytest.raises(ValueError, match="regoin.*region"):
        tenrow.open(place, options={"regoin": "x"})
    with pytest.raises(FileNotFoundError, match="no such folder"):
        tenrow.list(tmp_path / "nothing")
    assert "label" in repr(digits.sql("SELECT label FROM ds"))
