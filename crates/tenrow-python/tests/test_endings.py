"""What ends before it is done: statements, processes, writers. Nothing is left that holds others up, or lies about."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tenrow

#: Joins that would go on for hours: the second of one key, whose rows are all in one batch.
HEAVY = {
    "cross": "SELECT sum(a.n * b.n * c.n) FROM ds a, ds b, ds c",
    "equal keys": "SELECT sum(a.n * b.n) FROM ds a JOIN ds b ON a.k = b.k JOIN ds c ON c.k = b.k",
    "a condition": "SELECT count(*) FROM ds a JOIN ds b ON a.n < b.n JOIN ds c ON b.n < c.n",
    "windows": "SELECT max(s) FROM (SELECT sum(a.n) OVER (PARTITION BY a.k ORDER BY b.n) AS s FROM ds a JOIN ds b ON a.k = b.k)",
}


@pytest.fixture
def numbers(place: str) -> tenrow.Dataset:
    return tenrow.from_numpy(place, {"n": np.arange(20_000), "k": np.zeros(20_000, np.int64)})


@pytest.mark.parametrize("heavy", HEAVY.values(), ids=HEAVY)
def test_a_statement_stops_at_ctrl_c_and_others_go_on(numbers, heavy):
    def interrupt():
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGINT)

    for _ in range(2):
        thread = threading.Thread(target=interrupt)
        thread.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            next(numbers.sql(heavy))
        assert time.monotonic() - began < 15
        thread.join()
        # All that a statement keeps for itself would keep these waiting.
        began = time.monotonic()
        assert numbers.rows_where("n < 3").tolist() == [0, 1, 2]
        assert len(numbers.append({"n": [1], "k": [1]})) > 20_000
        assert next(iter(numbers.scan(10)))["n"].tolist() == list(range(10))
        assert time.monotonic() - began < 15


def of_process(text: str, place: str, seconds: float = 120) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-X", "faulthandler", "-c", text, place], capture_output=True, text=True, timeout=seconds)


ENDINGS = {
    "sql": "next(ds.sql('SELECT sum(a.n * b.n * c.n) FROM ds a, ds b, ds c'))",
    "batches": "[0 for batch in ds.sql('SELECT a.n FROM ds a, ds b')]",
    "scan": "[0 for batch in ds.scan(1)]",
    "append": "ds.append({'n': np.arange(10), 'k': np.arange(10)})",
    "arrow": "ds.to_arrow()",
    "answers": "ds.sql('SELECT n FROM ds WHERE n < 10').to_arrow()",
    "frames": "ds.sql('SELECT n FROM ds WHERE n < 10').to_pandas()",
    "errors": "[0 for _ in [1] if not hasattr(ds, 'x')]; ds.rows_where('n < 5')",
    "compute": "ds.add_column('x', lambda rows: (time.sleep(0.01), rows['n'])[1], type='i64')",
    "writer": "w = ds.writer(); [w.append({'n': np.arange(10), 'k': np.arange(10)}) for _ in range(10**6)]",
    "iterate": "[0 for _ in ds['n']]",
}


@pytest.mark.parametrize("work", ENDINGS.values(), ids=ENDINGS)
def test_a_process_ends_while_a_daemon_thread_works(numbers, work):
    if "to_arrow" in work or "to_pandas" in work:
        pytest.importorskip("pyarrow")
        pytest.importorskip("pandas")
    text = f"""
import sys, threading, time
import numpy as np, tenrow
ds = tenrow.open(sys.argv[1])
def work():
    while True:
        {work}
for _ in range(2):
    threading.Thread(target=work, daemon=True).start()
time.sleep(1)
print("end")
"""
    done = of_process(text, numbers.uri)
    # Two threads that change the same may lose to each other: that is an error of theirs, not of the end.
    lines = [line for line in done.stderr.splitlines() if "panicked" in line or "Fatal" in line or "abort" in line.lower()]
    assert (done.returncode, done.stdout, lines) == (0, "end\n", []), done.stderr[-2000:]


LEFT = {
    "a file": "left = ds[0]['f']; left.read(1)",
    "a scan": "left = ds.scan(1); next(left)",
    "rows": "left = iter(ds['n']); next(left)",
    "a writer": "left = ds.writer(); left.append({'n': [1], 'f': [b'1']})",
    "a new dataset": "left = tenrow.create(sys.argv[1] + '2', {'n': 'i64'}); left.append({'n': [1]})",
    "an answer": "left = ds.sql('SELECT n FROM ds')",
    "half an answer": "left = ds.sql('SELECT a.n FROM ds a, ds b, ds c, range(0, 100000000) r'); next(left)",
    "an answer given away": "left = ds.sql('SELECT a.n FROM ds a, ds b, range(0, 100000000) r').__arrow_c_stream__()",
    "an arrow stream": "left = ds._view.arrow(0, 3, 1, None); again = left.__arrow_c_stream__()",
    "a view": "left = ds.create_view('v', [1])['n']",
}


@pytest.mark.parametrize("kept", ["left", "sys.modules['left'] = left", "cycle = [left]; cycle.append(cycle)", "threading.main_thread().left = left"])
@pytest.mark.parametrize("work", LEFT.values(), ids=LEFT)
def test_what_is_left_at_the_end_of_a_process_ends_in_silence(place, work, kept):
    tenrow.from_numpy(place, {"n": [1, 2, 3], "f": [b"abc", b"", b"1"]}, {"n": "i64", "f": "file"})
    text = f"""
import gc, sys, threading
import tenrow
gc.disable()
ds = tenrow.open(sys.argv[1])
{work}
{kept}
"""
    done = of_process(text, place)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def files_below(place: str) -> list[str]:
    return sorted(str(path) for path in pathlib.Path(place).rglob("*"))


@pytest.mark.parametrize("made", [False, True])
def test_a_new_dataset_that_fails_leaves_nothing(place, made):
    schema = {"x": "f64[1000]", "f": "file", "key": str}
    if made:
        pathlib.Path(place).mkdir()
        pathlib.Path(place, "mine.txt").write_text("mine")
    before = files_below(place)

    def write(error: type[BaseException] | None) -> None:
        with tenrow.create(place, schema, row_group_bytes=100_000, partition_bytes=300_000, inline_file_bytes=10, partition_by="key") as writer:
            for key in "abc" * 3:
                writer.append({"x": np.zeros((60, 1000)), "f": [b"x" * 100] * 60, "key": [key] * 60})
            assert len(files_below(place)) > 5
            if error is not None:
                raise error("mine")

    for error in (ZeroDivisionError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error, match="mine"):
            write(error)
        assert files_below(place) == before and pathlib.Path(place).exists() == made
    if not made:
        write(None)
        assert len(tenrow.open(place)) == 540


def test_a_writer_that_is_aborted_or_forgotten_leaves_no_new_dataset(place):
    import gc

    writer = tenrow.create(place, {"x": "i64"}, row_group_bytes=1000, partition_bytes=1000)
    writer.append({"x": np.arange(1000)})
    writer.abort()
    assert files_below(place) == []
    writer = tenrow.create(place, {"x": "i64"}, row_group_bytes=1000, partition_bytes=1000)
    writer.append({"x": np.arange(1000)})
    del writer
    gc.collect()
    assert files_below(place) == []


def test_an_append_that_fails_leaves_only_what_was_there(place):
    ds = tenrow.from_numpy(place, {"x": np.arange(10)})
    before = [path for path in files_below(place) if path.endswith(".parquet")]
    with pytest.raises(ZeroDivisionError), ds.writer(row_group_bytes=1000, partition_bytes=1000) as writer:
        writer.append({"x": np.arange(1000)})
        raise ZeroDivisionError
    assert [path for path in files_below(place) if path.endswith(".parquet")] == before
    assert len(ds.append({"x": [1]})) == 11


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid"), reason="needs Unix")
def test_what_the_system_forbids_is_a_permission_error(numbers):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (file,) = pathlib.Path(numbers.uri).glob("data/**/*.parquet")
    file.chmod(0)
    with pytest.raises(PermissionError):
        tenrow.open(numbers.uri)[0]


def test_a_version_that_has_expired_is_not_found_and_not_corrupt(place):
    ds = tenrow.from_numpy(place, {"n": np.arange(10), "v": np.zeros((10, 3)), "f": [b"x" * 100] * 10}, {"n": "i64", "v": "f64[3]", "f": "file"}, inline_file_bytes=10)
    file = ds[0]["f"]
    later = ds.delete(list(range(9))).compact()
    again = tenrow.open(place, ds.version)
    later.expire(keep_last=1)
    later.vacuum(older_than=0)
    uses = [
        lambda: again[0], lambda: again[:3], lambda: again.take([1]), lambda: again["n"][0], lambda: again["v"][0], lambda: again["v"][1:3],
        lambda: again["v"][[0, 2]], lambda: list(again.scan()), lambda: again["f"][0], lambda: list(again["n"]),
        lambda: tenrow.open(place, ds.version), file.read,
    ]  # fmt: skip
    for number, use in enumerate(uses):
        with pytest.raises(tenrow.NotFound, match="expired|no version"):
            use()
            raise AssertionError(number)
    assert len(later[:]["n"]) == 1
