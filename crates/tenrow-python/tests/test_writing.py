"""Rows in, and changes."""

import os
import pathlib
import signal
import threading
import time

import numpy as np
import pytest
import tenrow
from conftest import ROWS, columns


def test_appends_keep_what_is_there(digits):
    more = digits.append({**columns(50), "label": np.arange(50) + 7000})
    assert len(more) == ROWS + 50 and more[ROWS]["label"] == 7000 and more[5]["label"] == 5
    assert len(digits) == ROWS


def test_values_that_were_changed_since_they_were_read_are_a_conflict(place):
    ds = tenrow.from_numpy(place, {"n": [1, 2, 3], "m": [0, 0, 0]})
    ds.update([1], {"n": ds["n"][[1]] + 1})
    with pytest.raises(tenrow.Conflict, match="version 2 .update. was committed after version 1"):
        ds.update([1], {"n": ds["n"][[1]] + 1})
    again = ds.update([0, 2], {"n": [7, 8]}).update([1], {"m": [5]})
    assert again["n"][:].tolist() == [7, 3, 8] and again["m"][:].tolist() == [0, 5, 0]


def test_a_schema_is_inferred(place):
    ds = tenrow.from_numpy(
        place,
        {"x": np.zeros((3, 2, 2), np.float16), "n": [1, 2, 3], "s": ["a", None, "c"], "b": [b"", b"1", b"22"], "ok": np.array([True, False, True])},
    )
    assert {name: a.type for name, a in ds.schema.items()} == {
        "x": "f16[2,2]", "n": "i64", "s": "string?", "b": "binary", "ok": "bool",
    }  # fmt: skip
    assert ds.schema["s"].nullable and ds[2]["b"] == b"22" and ds[0]["ok"]


def test_texts_of_any_length(place):
    texts = ["", "ä" * 7, None, "x" * (1 << 20), "\0", "𝄞"]
    with tenrow.create(place, {"s": "string?"}) as writer:
        writer.append({"s": texts})
    assert writer.dataset["s"][:] == texts
    assert writer.dataset.rows_where("s LIKE 'ä%' OR s IS NULL").tolist() == [1, 2]


def test_files_are_files(place, tmp_path):
    own = tmp_path / "own.png"
    own.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 5000)
    with tenrow.create(place, {"photo": tenrow.file().nullable()}) as writer:
        writer.append({"photo": [b"abc", own, {"path": own, "name": "a/b.png"}, {"bytes": b"", "media_type": "text/x"}, None]})
    assert own.exists()
    ds = writer.dataset
    files = ds[:]["photo"]
    assert files[0].read() == b"abc" and files[4] is None and files[3].media_type == "text/x" and files[3].read() == b""
    for file in (files[1], files[2], ds["photo"][1], ds[1]["photo"]):
        assert file.size == own.stat().st_size and file.read_range(8, 13) == bytes(range(5))
        file.seek(-2, 2)
        assert (file.read(), file.tell(), file.read()) == (b"\xfe\xff", file.size, b"")
        file.seek(0)
        assert file.read() == own.read_bytes() and file.readable() and file.seekable()
    assert files[1].name == "own.png" and files[2].name == "a/b.png" and files[1].media_type == "image/png"
    again = tenrow.from_dataset(place + "2", ds)
    assert [file and (file.name, file.media_type, file.read()) for file in again["photo"][:]] == [
        file and (file.name, file.media_type, file.seek(0) or file.read()) for file in files
    ]
    with own.open("rb") as opened:
        assert again.append({"photo": [opened]})[-1]["photo"].name == "own.png"
    with pytest.raises(TypeError, match="photo.*row 0"):
        ds.append({"photo": ["a text is no path"]})


def test_arrays_of_either_byte_order_are_taken(place):
    values = np.arange(12, dtype=">i4").reshape(4, 3)
    ds = tenrow.from_numpy(place, {"x": values, "n": np.arange(4, dtype=">f8")})
    assert ds.schema["x"].type == "i32[3]" and np.array_equal(ds["x"].numpy(), values)
    assert ds["n"][:].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_columns_are_added_computed_renamed_and_dropped(digits):
    doubled = digits.add_column("double", digits["label"].numpy() * 2)
    assert doubled[21]["double"] == 42
    seen = []

    def mean(rows):
        seen.append(list(rows))
        return rows["image"].mean(axis=(1, 2)).astype(np.float32)

    means = doubled.add_column("mean", mean, type="f32", inputs=["image"])
    assert means[7]["mean"] == 7.0 and seen[0] == ["image"]
    plain = means.add_column("split", type=str, default="train")
    assert plain[0]["split"] == "train"
    assert "m" in plain.rename_column("mean", "m").schema
    assert "m" not in plain.latest().drop_column("m").schema
    assert list(digits.schema) == ["image", "vector", "label", "name"]


def test_the_exception_of_a_function_is_its_own(digits):
    def broken(rows):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        digits.add_column("x", broken, type="f32", inputs=["label"])
    with pytest.raises(ValueError, match="values for"):
        digits.add_column("y", lambda rows: np.zeros(1, np.float32), type="f32", inputs=["label"])
    with pytest.raises(ValueError, match="2 values for 3000"):
        digits.add_column("z", np.zeros(2))
    with pytest.raises(TypeError, match="found f64, expected f32"):
        digits.add_column("w", np.zeros(ROWS), type="f32", cast="refuse")
    with pytest.raises(ValueError, match="row 0.*0.1 does not fit f32"):
        digits.add_column("w", np.full(ROWS, 0.1), type="f32")
    assert list(digits.latest().schema) == ["image", "vector", "label", "name"]
    with pytest.raises(ValueError, match="is there already"):
        digits.add_column("label", lambda rows: rows["label"], type="i64")


def test_a_column_that_was_computed_in_part_is_completed(place):
    ds = tenrow.from_numpy(place, {"n": np.arange(200)})
    for _ in range(99):
        ds = ds.append({"n": np.arange(10)})
    calls = []

    def double(rows):
        calls.append(len(rows["n"]))
        if sum(calls) == 200 + 10 * 80:
            raise KeyboardInterrupt
        return rows["n"] * 2

    with pytest.raises(KeyboardInterrupt):
        ds.add_column("double", double, type="i64", inputs="n")
    before, some = sum(calls), ds.latest()
    assert some["double"][:200].tolist() == list(range(0, 400, 2)) and some["double"][-1] is None
    done = ds.add_column("double", double, type="i64", inputs="n")
    assert np.array_equal(done["double"].numpy(), done["n"].numpy() * 2)
    assert sum(calls) - before < 200 + 10 * 99 - 600
    with pytest.raises(ValueError, match="is there already"):
        ds.add_column("double", double, type="i64", inputs="n")


def test_deleting_restoring_tagging(digits):
    fewer = digits.delete([0, 2, -1])
    assert len(fewer) == ROWS - 3 and fewer[0]["label"] == 1 and fewer[1]["label"] == 3
    assert len(fewer.restore(digits.version)) == ROWS
    fewer.tag("few")
    fewer.untag("few")
    assert fewer.set_properties(source="tests", n=[1, 2]).properties == {"source": "tests", "n": [1, 2]}


def test_compact_expire_vacuum(place):
    ds = tenrow.from_numpy(place, {"x": np.arange(10)})
    for _ in range(5):
        ds = ds.append({"x": np.arange(10)})
    compacted = ds.compact()
    assert np.array_equal(compacted[:]["x"], np.tile(np.arange(10), 6))
    assert compacted.expire(keep_last=1, dry_run=True) and len(compacted.versions()) > 3
    compacted.expire(keep_last=1)
    assert compacted.vacuum(older_than=0)
    assert len(list(pathlib.Path(place).glob("data/**/*.parquet"))) == 1


def test_datasets_below_a_root_are_listed(tmp_path):
    for name in ("a", "b/c"):
        tenrow.from_numpy(str(tmp_path / name), {"x": np.zeros((4, 3), np.float32)})
    found = {entry["name"]: (entry["rows"], entry["attributes"]) for entry in tenrow.list(tmp_path)}
    assert found == {"a": (4, {"x": "f32[3]"}), "b/c": (4, {"x": "f32[3]"})}


def test_items_of_anything_that_is_iterated(place):
    items = ({"x": np.full(3, i, np.float32), "y": i} for i in range(2500))
    ds = tenrow.from_dataset(place, items)
    assert len(ds) == 2500 and ds[2400]["x"].tolist() == [2400.0] * 3 and ds.schema["y"].type == "i64"
    pairs = tenrow.from_dataset(place + "2", [(np.ones(2), "a"), (np.zeros(2), "b")], names=["x", "s"])
    assert pairs[1]["s"] == "b"


def test_scalars_and_small_tensors_keep_their_kind(place):
    rows = {"zero": np.float32([1, 2]), "one": np.ones((2, 1), np.int16), "none": np.zeros((2, 0, 3))}
    ds = tenrow.from_numpy(place, rows)
    assert [a.type for a in ds.schema.values()] == ["f32", "i16[1]", "f64[0,3]"]
    row = ds[0]
    assert isinstance(row["zero"], np.float32) and row["one"].shape == (1,) and row["none"].shape == (0, 3)


def test_a_schema_serves_again(place):
    with tenrow.create(place, {"x": tenrow.tensor("f32", 3, encoding="zstd:3"), "n": "i64?", "s": "string?", "f": tenrow.file()}) as w:
        w.append({"x": np.zeros((2, 3), np.float32), "n": [1, None], "s": [None, "a"], "f": [b"", b"1"]})
    ds = w.dataset
    assert ds.schema["n"].type == "i64?" and "n: i64?" in repr(ds)
    for number, schema in enumerate([ds.schema, {name: a.type for name, a in ds.schema.items()}]):
        again = tenrow.from_numpy(f"{place}{number}", {name: ds[name] for name in ("x", "n", "s")} | {"f": [b"", b"1"]}, schema)
        assert again.schema["n"].nullable and again["n"][:].tolist() == [1, None] and again["s"][:] == [None, "a"]
        assert again.schema["x"].encoding == ("raw" if number else "zstd:3")
    added = ds.add_column("y", np.zeros((2, 2), np.float32), type=tenrow.tensor("f32", (2,), encoding="zstd:3"))
    assert added.schema["y"].encoding == "zstd:3"
    assert tenrow.from_numpy(place + "n", {"a": [1.0]}, {"a": tenrow.tensor("f32")})["a"][0] == 1.0
    for schema in ([("a", "i64")], {"a": None}, {"a": 3}):
        with pytest.raises(TypeError):
            tenrow.create(place + "z", schema)
    with pytest.raises(TypeError, match="whole numbers"):
        tenrow.tensor("f32", (2.7,))


def test_items_are_rows(place):
    items = [{"a": 1, "b": 2}, {"a": 3}, {"b": 4}]
    ds = tenrow.from_dataset(place, items, {"a": "i64?", "b": "i64?"})
    assert ds["a"][:].tolist() == [1, 3, None] and ds["b"][:].tolist() == [2, None, 4]
    with pytest.raises(ValueError, match="item 1 lacks 'b'"):
        tenrow.from_dataset(place + "2", items)
    with pytest.raises(ValueError, match="item 1 has 'c'"):
        tenrow.from_dataset(place + "3", [{"a": 1}, {"a": 1, "c": 2}])
    boxes = [{"boxes": np.zeros((rows, 4), np.float32)} for rows in (2, 3, 0)]
    assert [len(found) for found in tenrow.from_dataset(place + "4", boxes, {"boxes": "f32[?,4]"})["boxes"][:]] == [2, 3, 0]


def test_an_abort_is_final(place):
    with tenrow.create(place, {"x": "i64"}) as writer:
        writer.append({"x": [1]})
        writer.abort()
    with pytest.raises(FileNotFoundError):
        tenrow.open(place)


def test_files_that_are_not_there_or_not_understood(place, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"hello")
    ds = tenrow.from_numpy(place, {"f": [{"path": str(path), "name": "b.txt"}]}, {"f": "file"})
    assert ds[0]["f"].name == "b.txt" and ds[0]["f"].read() == b"hello"
    with pytest.raises(FileNotFoundError, match="row 0.*nope"):
        ds.append({"f": [tmp_path / "nope"]})
    with pytest.raises(ValueError, match="'mediatype' is nothing that a file has"):
        ds.append({"f": [{"bytes": b"", "mediatype": "image/png"}]})
    file = ds[0]["f"]
    with pytest.raises(ValueError, match="whence"):
        file.seek(0, 5)
    file.close()
    for use in (file.read, file.tell, lambda: file.seek(0), lambda: file.read_range(0, 1), lambda: file.readinto(bytearray(1))):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_tags_and_views_are_listed(digits):
    digits.tag("best")
    digits.create_view("train", [1, 2])
    assert digits.tags() == {"best": 1} and digits.views() == ["train"]
    with pytest.raises(KeyError, match="numbered from 1"):
        tenrow.open(digits.uri, version=-1)


def test_a_key_may_be_named_alone(place):
    with tenrow.create(place, {"x": "i64", "split": str}, partition_by="split") as writer:
        writer.append({"x": [1, 2, 3], "split": ["a", "b", "a"]})
    assert writer.dataset["split"][:] == ["a", "a", "b"]


def test_another_folder_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ds = tenrow.from_numpy("rel", {"n": [1]})
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    assert len(ds.append({"n": [2]})) == 2 and len(ds.latest()) == 2


def test_a_column_of_others_is_not_taken_back(digits):
    digits.add_column("e", type="f32?")
    with pytest.raises(ZeroDivisionError):
        digits.latest().add_column("e", lambda rows: 1 / 0, type="f32", inputs="label")
    assert "e" in digits.latest().schema


def test_what_another_thread_appends_to_a_writer_that_is_given_up_is_lost(place):
    began, may_end = threading.Event(), threading.Event()

    class Slow:
        def read(self):
            began.set()
            assert may_end.wait(60)
            return b"late"

    writer = tenrow.create(place, {"f": "file"})
    thread = threading.Thread(target=lambda: writer.append({"f": [Slow()]}))
    thread.start()
    assert began.wait(60)
    with pytest.raises(RuntimeError, match="one at a time"):
        writer.append({"f": [b""]})
    writer.abort()
    may_end.set()
    thread.join()
    with pytest.raises(RuntimeError, match="closed"):
        writer.commit()
    with pytest.raises(FileNotFoundError):
        tenrow.open(place)


def test_a_writer_belongs_to_one_process(place):
    writer = tenrow.create(place, {"x": "i64"})
    writer.append({"x": [1]})
    child = os.fork()
    if child == 0:
        status = 1
        try:
            writer.commit()
        except RuntimeError as error:
            status = 0 if "forked" in str(error) else 2
        writer.abort()
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(writer.commit()) == 1


def test_an_exception_of_what_shows_progress_is_raised(digits):
    def stop(*seen):
        raise KeyboardInterrupt

    later = digits.append(columns(5))
    with pytest.raises(KeyboardInterrupt):
        later.compact(progress=stop)
    with pytest.raises(KeyboardInterrupt):
        later.vacuum(dry_run=True, progress=stop)
    with pytest.raises(KeyboardInterrupt):
        list(later.scan(progress=stop))
    with pytest.raises(KeyboardInterrupt):
        tenrow.from_dataset(later.uri + "2", [{"n": 1}, {"n": 2}], progress=stop)
    with pytest.raises(FileNotFoundError):
        tenrow.open(later.uri + "2")
    with pytest.raises(KeyboardInterrupt):
        later.add_column("m", lambda rows: rows["label"], type="i64", inputs="label", progress=stop)
    assert "m" not in later.latest().schema
    assert len(later.compact()) == ROWS + 5


def test_the_views_of_a_split_are_there_together_or_not_at_all(digits):
    digits.create_view("test", [1])
    before = digits.latest().version
    with pytest.raises(FileExistsError):
        digits.split_views({"train": 0.9, "test": 0.1})
    assert digits.views() == ["test"] and digits.latest().version == before
    parts = digits.split_views({"train": 0.9, "test": 0.1}, seed=7, replace=True)
    assert digits.latest().version == before + 1 and list(parts) == ["train", "test"]
    assert sorted([*parts["train"].row_numbers, *parts["test"].row_numbers]) == list(range(ROWS))
    assert digits.view("train").row_numbers.tolist() == parts["train"].row_numbers.tolist()


def test_ctrl_c_takes_a_column_back_that_has_no_values(digits):
    before, main = list(digits.schema), threading.main_thread().ident
    interrupt = threading.Timer(0.3, lambda: signal.pthread_kill(main, signal.SIGINT))

    def slow(rows):
        interrupt.start()
        for _ in range(1000):
            time.sleep(0.01)
        return rows["label"]

    with pytest.raises(KeyboardInterrupt):
        digits.add_column("slow", slow, type="i64", inputs="label")
    interrupt.join()
    assert list(digits.latest().schema) == before


def test_a_function_is_told_how_far_the_work_is(digits):
    later, told = digits.append(columns(5)), []
    filled = later.add_column("m", lambda rows: rows["label"], type="i64", inputs="label", progress=told.append)
    assert told[-1] == (ROWS + 5, ROWS + 5, 8 * (ROWS + 5)) and isinstance(told[-1], tenrow.Progress)
    told.clear()
    assert sum(len(batch["m"]) for batch in filled.scan(1000, "m", progress=told.append)) == ROWS + 5
    assert [seen.done for seen in told] == [1000, 2000, 3000, ROWS + 5] and {seen.total for seen in told} == {ROWS + 5}
