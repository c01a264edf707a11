"""One set of rules for what values become, whichever door they come by: the tables of docs/conversions.md."""

import datetime
import decimal
import json
import pathlib

import numpy as np
import pytest
import tenrow
from conftest import NUMPY

MODES = ["refuse", "safe", "round", "lossy"]
TABLES = (pathlib.Path(__file__).parents[3] / "docs/conversions.md").read_text()


def cases(heading: str, columns: int) -> list[list[str]]:
    """The lines of the table below a heading, without their marks."""
    section = TABLES.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| `")]
    assert all(len(row) == columns for row in rows)
    return rows


TYPED = [(*row[:3], mode, row[3 + i]) for row in cases("Values of a type", 7) for i, mode in enumerate(MODES)]
UNTYPED = [(*row[:2], mode, row[2 + i]) for row in cases("Numbers without a type", 6) for i, mode in enumerate(MODES)]
assert len(TYPED) > 150 and len(UNTYPED) > 30


def value_of(kind: str, text: str):
    """The value that a text of the table says."""
    value = json.loads(text)
    if kind.startswith("decimal"):
        return decimal.Decimal(value)
    if kind.startswith("timestamp"):
        moment = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        return moment
    if kind.startswith("date32"):
        return datetime.date.fromisoformat(value)
    if kind.startswith("duration"):
        return datetime.timedelta(seconds=value)
    if kind.startswith("time"):
        return datetime.time.fromisoformat(value)
    if kind == "binary":
        return value.encode()
    if kind in ("f16", "f32", "f64", "bf16") and isinstance(value, str):
        return float(value)
    return value


def arrow(kind: str, value):
    pa = pytest.importorskip("pyarrow")
    unit = kind.partition("(")[2].rstrip(")").split(",")
    known = {
        "bool": pa.bool_(), "f16": pa.float16(), "f32": pa.float32(), "f64": pa.float64(), "string": pa.string(), "binary": pa.binary(),
        "date32": pa.date32(), **{f"{s}{n}": getattr(pa, f"{'u' if s == 'u' else ''}int{n}")() for s in "iu" for n in (8, 16, 32, 64)},
    }  # fmt: skip
    if kind in known:
        return pa.array([np.float16(value) if kind == "f16" else value], known[kind])
    if kind.startswith("timestamp"):
        plain = value.replace(tzinfo=None) if value.tzinfo is None else value
        return pa.array([plain], pa.timestamp(unit[0], unit[1] if len(unit) > 1 else None))
    if kind.startswith("duration"):
        return pa.array([value], pa.duration(unit[0]))
    if kind.startswith("decimal128"):
        return pa.array([value], pa.decimal128(int(unit[0]), int(unit[1])))
    if kind == "f64[2]":
        return pa.FixedShapeTensorArray.from_numpy_ndarray(np.array([value], np.float64))
    if kind == "list<i64>":
        return pa.array([value], pa.list_(pa.int64()))
    if kind == "list<f64>":
        return pa.array([value], pa.list_(pa.float64()))
    if kind.startswith("struct"):
        return pa.array([value], pa.struct([(name, pa.int64()) for name in value]))
    raise AssertionError(kind)


def by_arrow(kind, value):
    return arrow(kind, value)


def by_numpy(kind, value):
    if kind.startswith("timestamp") and value.tzinfo is None:
        return np.array([value], f"M8[{kind[10:].rstrip(')')}]")
    if kind.startswith("duration"):
        return np.array([value], f"m8[{kind[9:].rstrip(')')}]")
    if kind == "date32":
        return np.array([value], "M8[D]")
    if kind in NUMPY:
        return np.array([value], NUMPY[kind])
    if kind == "f64[2]":
        return np.array([value], np.float64)
    if kind == "string":
        return np.array([value])
    return None


def by_pandas(kind, value):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    if kind in ("f64[2]", "f16", "bf16"):
        return None
    return pd.DataFrame({"x": pd.Series(pd.arrays.ArrowExtensionArray(_chunked(kind, value)))})


def _chunked(kind, value):
    import pyarrow as pa

    return pa.chunked_array([arrow(kind, value)])


def by_polars(kind, value):
    pl = pytest.importorskip("polars")
    if kind in ("f64[2]", "timestamp(s)"):
        # polars has no tensors, and no seconds: what it makes of them is another type.
        return None
    return pl.DataFrame({"x": pl.Series(arrow(kind, value))})


def by_objects(kind, value):
    """Only what is of a type that Python has as well: its numbers have no width."""
    known = kind in ("string", "bool", "binary", "date32") or kind.startswith(("decimal", "struct"))
    return [value] if known or (kind.startswith("timestamp(us")) or kind == "duration(us)" else None


DOORS = {"arrow": by_arrow, "numpy": by_numpy, "pandas": by_pandas, "polars": by_polars, "objects": by_objects}


def written(place: str, column, to: str, mode: str):
    with tenrow.create(place, {"x": to + "?"}) as writer:
        writer.append(column if hasattr(column, "columns") else {"x": column}, cast=mode)
    return writer.dataset


def check(place: str, column, to: str, mode: str, expected: str) -> None:
    if expected == "—":
        with pytest.raises((TypeError, ValueError)) as caught:
            written(place, column, to, mode)
        assert isinstance(caught.value, tenrow.Error) and '"x"' in str(caught.value)
        return
    same(written(place, column, to, mode)["x"][:][0], to, expected)


def same(found, to: str, expected: str) -> None:
    """Compares what came out with what the table says."""
    wanted = value_of(to, expected)
    if to.startswith("timestamp"):
        wanted = np.datetime64(wanted.astimezone(datetime.timezone.utc).replace(tzinfo=None) if wanted.tzinfo else wanted)
    elif to.startswith("duration"):
        wanted = np.timedelta64(wanted)
    if isinstance(found, np.ndarray):
        assert found.tolist() == wanted
    elif to in NUMPY and to.startswith(("f", "bf")):
        assert found == np.array(wanted).astype(NUMPY[to]) or (np.isnan(found) and np.isnan(wanted))
    else:
        assert found == wanted and (to not in NUMPY or type(found) is NUMPY[to] or found.dtype == NUMPY[to])


@pytest.mark.parametrize("door", DOORS)
def test_values_of_a_type_become_the_same_by_every_door(tmp_path, door):
    met = 0
    for number, (kind, text, to, mode, expected) in enumerate(TYPED):
        value = value_of(kind, text)
        column = DOORS[door](kind, value)
        if column is None or (door == "numpy" and ",UTC" in to):
            # numpy has no zones: its times are those of the attribute.
            continue
        if door == "objects" and kind.startswith("decimal") and to.startswith("decimal"):
            # A decimal of Python has the digits that it has, in no type.
            continue
        met += 1
        try:
            check(str(tmp_path / str(number)), column, to, mode, expected)
        except BaseException as error:
            raise AssertionError(f"{door}: {kind} {text} to {to} by {mode}: {expected} expected") from error
    assert met > 40


def test_numbers_without_a_type_are_read_as_the_attribute_has_them(tmp_path):
    for number, (text, to, mode, expected) in enumerate(UNTYPED):
        try:
            check(str(tmp_path / str(number)), [json.loads(text)], to, mode, expected)
        except BaseException as error:
            raise AssertionError(f"{text} to {to} by {mode}: {expected} expected") from error


def sort_of(kind: str) -> str:
    """What SQL may cast by itself: numbers to numbers, and lists to tensors."""
    if kind != "bool" and (kind in NUMPY or kind.startswith("decimal")):
        return "number"
    return "nested" if "[" in kind or kind.startswith(("list", "struct")) else kind


def test_values_of_a_type_become_the_same_by_sql(tmp_path):
    pytest.importorskip("pyarrow")
    met = 0
    for number, (kind, text, to, mode, cell) in enumerate(TYPED):
        if mode != "round":
            continue
        expected = cell if kind == to or (sort_of(kind) == sort_of(to) and sort_of(kind) in ("number", "nested")) else "—"
        root = tmp_path / str(number)
        with tenrow.create(f"{root}/a", {"x": kind + "?"}) as writer:
            writer.append({"x": arrow(kind, value_of(kind, text))})
        tenrow.create(f"{root}/b", {"x": to + "?"}).commit()
        met += 1
        try:
            if expected == "—":
                with pytest.raises((TypeError, ValueError)) as caught:
                    tenrow.sql("INSERT INTO b SELECT x FROM a", root).to_arrow()
                assert '"x"' in str(caught.value)
            else:
                tenrow.sql("INSERT INTO b SELECT x FROM a", root).to_arrow()
                same(tenrow.open(root / "b")["x"][:][0], to, expected)
        except BaseException as error:
            raise AssertionError(f"SQL: {kind} {text} to {to}: {expected} expected") from error
    assert met > 40
