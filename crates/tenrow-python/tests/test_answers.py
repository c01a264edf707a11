"""Answers of SQL, which are computed as they are read."""

import datetime
import decimal
import itertools
import multiprocessing
import os
import pathlib
import signal
import threading
import time

import numpy as np
import pytest
import tenrow

#: Rows that no memory holds.
ENDLESS = "SELECT value AS n FROM range(0, 1000000000000000)"
#: Rows for hours, of joins that all threads work at.
HOURS = "SELECT a.n + b.n + c.n AS s FROM ds a, ds b, ds c"
ROWS = 100_000


@pytest.fixture
def numbers(place: str) -> tenrow.Dataset:
    words = [str(n) for n in range(ROWS)]
    words[-1] = "many"
    return tenrow.from_numpy(place, {"n": np.arange(ROWS), "word": words})


def interrupt_after(seconds: float) -> threading.Thread:
    def interrupt() -> None:
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    return thread


def test_an_answer_larger_than_memory_is_taken_batch_by_batch(numbers):
    began = time.monotonic()
    answer = numbers.sql(ENDLESS)
    first, second = next(answer)["n"], next(answer)["n"]
    assert first[:3].tolist() == [0, 1, 2] and second[0] == len(first)
    del answer
    assert time.monotonic() - began < 30


def test_all_batches_are_all_rows(numbers):
    batches = list(numbers.sql("SELECT n, word FROM ds ORDER BY n"))
    assert len(batches) > 5 and [list(batch) for batch in batches[:2]] == [["n", "word"]] * 2
    assert np.array_equal(np.concatenate([batch["n"] for batch in batches]), np.arange(ROWS))
    assert list(itertools.chain.from_iterable(batch["word"] for batch in batches)) == numbers["word"][:]
    assert list(numbers.sql("SELECT n FROM ds WHERE n < 0")) == []


def test_values_are_those_of_scans_and_what_is_no_attribute_is_a_list(place):
    day, moment = datetime.date(2026, 11, 30), datetime.datetime(2026, 11, 30, 1, 2, 3)
    rows = {"v": np.eye(2, 3, dtype=np.float32), "s": ["a", None], "d": [day, day], "l": [[1], []], "b": [b"x", b""], "t": [moment, None], "o": [True, False]}
    ds = tenrow.from_numpy(place, rows, {"v": "f32[3]", "s": "string?", "d": "date32", "l": "list<i64>", "b": "binary", "t": "timestamp(us)?", "o": "bool"})
    (found,), (expected,) = ds.sql("SELECT * FROM ds"), ds.scan()
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert type(found[name]) is type(values) and repr(found[name]) == repr(values), name
    (more,) = ds.sql("SELECT NULL AS z, 1.50 AS c, INTERVAL '1 day' AS i, {'a': 1} AS m, max(v[1]) AS x FROM ds")
    assert more["z"] == [None] and more["c"] == [decimal.Decimal("1.50")] and "1" in more["i"][0] and more["m"] == [{"a": 1}] and more["x"].tolist() == [1.0]
    with pytest.raises(tenrow.InvalidInput, match='two columns are called "s": give one another name, by AS'):
        next(ds.sql("SELECT a.s, b.s FROM ds a JOIN ds b ON a.d = b.d"))


def test_an_answer_is_read_once(numbers):
    answer = numbers.sql("SELECT 1 AS one")
    assert [batch["one"].tolist() for batch in answer] == [[1]] and next(answer, None) is None
    for again in (iter, answer.__class__.__arrow_c_stream__):
        with pytest.raises(RuntimeError, match="read already"):
            again(answer)


BROKEN = "SELECT n, CAST(word AS BIGINT) AS k FROM ds ORDER BY _row"
SAID = "Cannot cast string 'many' to value of Int64 type"


def test_an_error_in_the_middle_is_of_tenrow_and_ends_the_answer(numbers):
    answer = numbers.sql("SELECT CAST(word AS BIGINT) AS k FROM ds")
    taken = 0
    with pytest.raises(tenrow.InvalidInput, match=SAID):
        for batch in answer:
            taken += len(batch["k"])
    assert 0 < taken < ROWS and next(answer, None) is None


def test_other_libraries_show_the_words_of_an_error(numbers):
    pa = pytest.importorskip("pyarrow")
    pl = pytest.importorskip("polars")
    for read in (lambda: numbers.sql(BROKEN).to_arrow(), lambda: numbers.sql(BROKEN).to_polars(), lambda: numbers.sql(BROKEN).to_pandas()):
        with pytest.raises(tenrow.InvalidInput, match=SAID):
            read()
    with pytest.raises(pa.ArrowInvalid, match="InvalidInput: .*" + SAID):
        pa.table(numbers.sql(BROKEN))
    with pytest.raises(pl.exceptions.PolarsError, match="InvalidInput: .*" + SAID):
        pl.DataFrame(numbers.sql(BROKEN))
    duckdb = pytest.importorskip("duckdb")
    rows = pa.RecordBatchReader.from_stream(numbers.sql(BROKEN))
    with pytest.raises(duckdb.Error, match="InvalidInput: .*" + SAID):
        duckdb.sql("SELECT sum(k) FROM rows").fetchall()


def test_other_libraries_take_batches_one_by_one(numbers):
    pa = pytest.importorskip("pyarrow")
    reader = pa.RecordBatchReader.from_stream(numbers.sql(ENDLESS))
    assert reader.read_next_batch()["n"][:2].to_pylist() == [0, 1]
    reader.close()
    duckdb = pytest.importorskip("duckdb")
    rows = pa.RecordBatchReader.from_stream(numbers.sql(ENDLESS))
    assert duckdb.sql("SELECT n FROM rows LIMIT 2").fetchall() == [(0,), (1,)]


def test_damaged_data_is_corrupt_where_it_is_met(place):
    tenrow.from_numpy(place, {"word": [f"word {n}" for n in range(200_000)]})
    (file,) = pathlib.Path(place).glob("data/**/*.parquet")
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 1000] = b"\xff" * 1000
    file.chmod(0o644)
    file.write_bytes(content)
    answer, taken = tenrow.open(place).sql("SELECT word FROM ds"), 0
    with pytest.raises(tenrow.Corrupt, match="checksum mismatch"):
        for batch in answer:
            taken += len(batch["word"])
    assert 0 < taken < 200_000


def test_an_answer_becomes_rows_of_a_dataset_with_errors_of_its_own(numbers, place):
    few = tenrow.from_arrow(place + "2", numbers.sql("SELECT n, word FROM ds WHERE n < 5"))
    assert few.append(numbers.sql("SELECT n + 5 AS n, word FROM ds WHERE n < 5"))["n"][:].tolist() == list(range(10))
    with pytest.raises(tenrow.InvalidInput, match="^cast error: " + SAID):
        few.append(numbers.sql("SELECT CAST(word AS BIGINT) AS n, word FROM ds"))
    with pytest.raises(tenrow.InvalidInput, match='two columns of the name "n"'):
        few.append(numbers.sql("SELECT a.n, b.n FROM ds a JOIN ds b ON a.n = b.n"))
    assert len(few.latest()) == 10


def test_an_answer_that_is_dropped_stops_reading(numbers):
    answer = numbers.sql(HOURS)
    next(answer)
    del answer
    time.sleep(0.5)
    used = time.process_time()
    time.sleep(1)
    assert time.process_time() - used < 0.2


def test_an_answer_that_nobody_reads_waits(numbers):
    answer = numbers.sql(HOURS)
    next(answer)
    time.sleep(1)
    used = time.process_time()
    time.sleep(1)
    assert time.process_time() - used < 0.2
    assert len(next(answer)["s"]) > 0


@pytest.mark.parametrize("endless", [ENDLESS, HOURS, "SELECT sum(a.n * b.n * c.n) AS s FROM ds a, ds b, ds c"], ids=["between", "joined", "within"])
def test_ctrl_c_stops_between_and_within_batches(numbers, endless):
    taken = 0
    thread = interrupt_after(1)
    began = time.monotonic()
    answer = numbers.sql(endless)
    with pytest.raises(KeyboardInterrupt):
        for batch in answer:
            taken += len(batch)
    thread.join()
    assert time.monotonic() - began < 15 and (taken > 0) == ("sum(" not in endless)
    # Where Ctrl-C came while the answer was computed, it has ended; between batches it goes on.
    assert [batch["n"].tolist() for batch in numbers.sql("SELECT n FROM ds WHERE n < 2")] == [[0, 1]]


def test_others_run_while_an_answer_is_waited_for(numbers):
    turns, done = 0, False

    def turn() -> None:
        nonlocal turns
        while not done:
            turns += 1
            time.sleep(0.001)

    other = threading.Thread(target=turn)
    other.start()
    thread = interrupt_after(1)
    with pytest.raises(KeyboardInterrupt):
        next(numbers.sql("SELECT sum(a.n * b.n * c.n) AS s FROM ds a, ds b, ds c"))
    done = True
    other.join()
    thread.join()
    assert turns > 100


def test_two_threads_do_not_get_one_batch_twice(numbers):
    answer = numbers.sql("SELECT n FROM ds")
    lock, found = threading.Lock(), []

    def take() -> None:
        while True:
            with lock:
                batch = next(answer, None)
            if batch is None:
                return
            found.extend(batch["n"].tolist())

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(ROWS))


def test_an_answer_is_of_the_versions_when_it_was_asked_for(numbers):
    root = str(pathlib.Path(numbers.uri).parent)
    mine, newest = numbers.sql("SELECT count(*) AS n FROM ds"), tenrow.sql("SELECT count(*) AS n FROM dataset", root)
    rows = tenrow.sql("SELECT n FROM dataset", root)
    next(rows)
    numbers.append({"n": [1], "word": ["1"]}).delete(list(range(50_000)))
    assert next(mine)["n"] == next(newest)["n"] == ROWS
    assert sum(len(batch["n"]) for batch in rows) < ROWS == len(numbers)
    assert next(tenrow.sql("SELECT count(*) AS n FROM dataset", root))["n"] == ROWS + 1 - 50_000


def test_changes_are_made_at_once_and_only_once(numbers):
    answer = numbers.sql("DELETE FROM dataset WHERE n >= $1", [10])
    assert len(numbers.latest()) == 10
    (said,) = answer
    assert said["count"].tolist() == [ROWS - 10] and said["version"].tolist() == [numbers.version + 1] and len(numbers.versions()) == 2


def test_a_statement_is_what_it_means_and_several_are_run_in_order(numbers):
    for text, names in {
        "; -- EXPLAIN\n((SELECT 1 AS one));;": ["one"], "-- SELECT\nEXPLAIN SELECT 1": ["plan_type", "plan"], "VALUES (1)": ["column1"], "TABLE ds": ["n", "word"],
        "WITH t AS (SELECT 1 AS one) SELECT * FROM t": ["one"], "DESCRIBE ds": ["column_name", "data_type", "is_nullable"],
        "SET datafusion.execution.batch_size = 10; SELECT n FROM ds": ["n"],
    }.items():  # fmt: skip
        assert list(next(numbers.sql(text))) == names, text
    few = next(numbers.sql("SET datafusion.execution.batch_size = 10; SELECT n FROM ds"))
    assert len(few["n"]) == 10
    both = "ALTER TABLE dataset ADD COLUMN double BIGINT; UPDATE dataset SET double = n * $by WHERE n < $1; SELECT sum(double) AS s FROM dataset"
    assert next(numbers.sql(both, {"by": 2, "1": 3}))["s"].tolist() == [6]
    with pytest.raises(tenrow.InvalidInput, match="a value is given for \\$of, which the statement has not"):
        numbers.sql("DELETE FROM dataset; SELECT $by", {"of": 2})
    with pytest.raises(tenrow.InvalidInput, match="nope"):
        numbers.sql("DELETE FROM dataset WHERE n < 10; SELECT nope FROM ds; DELETE FROM dataset")
    assert len(numbers.latest()) == ROWS - 10
    for nothing in ("", " ; -- x"):
        with pytest.raises(tenrow.InvalidInput, match="no statement"):
            numbers.sql(nothing)


def test_a_fork_asks_again_and_leaves_the_answers_of_its_parent(numbers):
    begun = numbers.sql("SELECT n FROM ds")
    next(begun)
    context = multiprocessing.get_context("fork")
    said = context.Queue()

    def work() -> None:
        nonlocal begun
        try:
            next(begun)
        except RuntimeError as error:
            said.put(str(error))
        del begun
        said.put(sum(len(batch["n"]) for batch in numbers.sql("SELECT n FROM ds")))

    worker = context.Process(target=work)
    worker.start()
    assert "before this process was forked" in said.get(timeout=60) and said.get(timeout=60) == ROWS
    worker.join(60)
    assert worker.exitcode == 0
    assert sum(len(batch["n"]) for batch in begun) > 0


def test_a_statement_whose_rows_fail_stops_those_behind_it(place):
    ds = tenrow.from_numpy(place, {"n": [0, 1]})
    with pytest.raises(tenrow.InvalidInput, match="divide by zero"):
        ds.sql("SELECT 1 / n AS q FROM ds; INSERT INTO dataset VALUES (9)")
    assert ds.latest()["n"][:].tolist() == [0, 1]


def test_nested_lists_are_lists_whatever_their_lengths(place):
    ds = tenrow.from_numpy(place, {"a": [[[1, 2], [3, 4]], [[1], [2, 3]]]}, {"a": "list<list<i64>>"})
    for row, value in enumerate([[[1, 2], [3, 4]], [[1], [2, 3]]]):
        answer = next(iter(ds.sql("SELECT _row, array_length($1) AS n FROM ds WHERE a = $1", [value])))
        assert (answer["_row"].tolist(), answer["n"].tolist()) == ([row], [2])


def test_rows_are_given_as_slices_everywhere(place):
    ds = tenrow.from_numpy(place, {"n": list(range(10))})
    assert ds.take(slice(2, 8, 3))["n"].tolist() == [2, 5]
    assert ds.update(slice(0, 2), {"n": [7, 8]})["n"][:3].tolist() == [7, 8, 2]
    assert ds.delete(slice(None, 8))["n"][:].tolist() == [8, 9]
