"""Rows of local files are their memory: proven by addresses, and by what a process keeps."""

import gc
import pathlib
import re

import numpy as np
import tenrow
from conftest import columns


def maps(suffix: str = ".parquet") -> list[range]:
    """Where files of that kind are mapped."""
    lines = pathlib.Path("/proc/self/maps").read_text().splitlines()
    found = (re.match(r"([0-9a-f]+)-([0-9a-f]+) .*" + re.escape(suffix), line) for line in lines)
    return [range(int(m[1], 16), int(m[2], 16)) for m in found if m]


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def is_mapped(array: np.ndarray) -> bool:
    first, last = address(array), address(array) + max(array.nbytes - 1, 0)
    return any(first in place and last in place for place in maps())


def anonymous_kib() -> int:
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1])


def test_rows_lie_in_the_mapped_file(digits):
    for row in (0, 17, 2999):
        for array in (digits["image"][row], digits[row]["image"], digits["vector"][row]):
            assert is_mapped(array)
            assert not array.flags.writeable and array.flags.aligned and not array.flags.owndata
    assert is_mapped(digits[10:20]["vector"]) and is_mapped(digits["image"][10:20])
    assert not is_mapped(digits.take([1, 2])["image"])


def test_views_outlive_their_dataset_and_its_files(place):
    with tenrow.create(place, {"x": "f32[256]"}) as writer:
        writer.append({"x": np.arange(256 * 100, dtype=np.float32).reshape(100, 256)})
    ds = writer.dataset
    row, part = ds["x"][7], ds[50:60]["x"]
    ds = ds.delete(range(0, 100, 2)).compact()
    ds.expire(keep_last=1)
    removed = ds.vacuum(older_than=0)
    assert any(path.endswith(".parquet") for path in removed)
    del ds, writer
    gc.collect()
    assert is_mapped(row)
    assert row[3] == 7 * 256 + 3 and part[9, 255] == 59 * 256 + 255


def test_an_epoch_of_views_takes_no_memory(place):
    rows = 20_000
    with tenrow.create(place, {"x": "f32[784]"}) as writer:
        for start in range(0, rows, 1000):
            writer.append({"x": np.full((1000, 784), start, np.float32)})
    column = tenrow.open(place)["x"]
    column[0]
    gc.collect()
    before = anonymous_kib()
    total = 0.0
    for row in np.random.default_rng(1).permutation(rows).tolist():
        total += float(column[row][0])
    grown = anonymous_kib() - before
    # 61 MB were looked at.
    assert grown < 4096, f"{grown} KiB more"
    assert total == sum(range(0, rows, 1000)) * 1000


def test_arrow_for_others_is_the_file_too(digits):
    import pytest

    pa = pytest.importorskip("pyarrow")
    table = pa.table(digits)
    vectors = table.column("vector").chunk(0).storage.values.buffers()[1]
    assert any(vectors.address in place for place in maps())
    assert columns()["vector"].shape == (3000, 16)


def test_memory_of_arrays_that_are_gone_serves_others(digits):
    rows = np.arange(1000)
    one, other = digits["image"].take(rows), digits["image"].take(rows + 1)
    assert one.ctypes.data % 64 == 0 and abs(one.ctypes.data - other.ctypes.data) >= one.nbytes
    one[:] = 255
    assert (other[:, 0, 0] == (rows + 1) % 251).all()
    part, place = one[5], one.ctypes.data
    del one
    third = digits["image"].take(rows)
    assert third.ctypes.data != place and (part == 255).all()
    del part
    fourth = digits["image"].take(rows)
    assert fourth.ctypes.data == place and (fourth[:, 0, 0] == rows % 251).all() and fourth.flags.writeable
