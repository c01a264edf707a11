"""Threads and processes over one dataset."""

import concurrent.futures
import multiprocessing
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tenrow
from conftest import columns

READS = 100_000


def check(ds, seed: int, reads: int) -> int:
    """Reads rows at random and gives how many were wrong."""
    vector, label = ds["vector"], ds["label"]
    wrong = 0
    dice = np.random.default_rng(seed)
    for number, row in enumerate(dice.integers(0, len(ds), reads).tolist()):
        wrong += vector[row][0] != row
        if number % 100 == 0:
            wrong += label[row] != row
            wrong += not np.array_equal(ds.take([row, 5])["label"], [row, 5])
    return wrong


def of_process(given, seed: int, reads: int, answers) -> None:
    ds = tenrow.open(given) if isinstance(given, str) else given
    answers.put(check(ds, seed, reads))


def test_sixteen_threads(digits):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        wrong = list(pool.map(lambda seed: check(digits, seed, READS), range(16)))
    assert wrong == [0] * 16


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_eight_processes(digits, place, method):
    # The parent has read, with threads, before it forks.
    check(digits, 0, 100)
    list(digits.scan(100))
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    given = digits if method == "fork" else place
    workers = [context.Process(target=of_process, args=(given, seed, READS, answers)) for seed in range(8)]
    for worker in workers:
        worker.start()
    wrong = [answers.get(timeout=300) for _ in workers]
    for worker in workers:
        worker.join(60)
    assert wrong == [0] * 8
    assert [worker.exitcode for worker in workers] == [0] * 8


def test_a_fork_can_scan_and_ask(digits):
    list(digits.scan(100))
    context = multiprocessing.get_context("fork")
    answers = context.Queue()

    def work() -> None:
        rows = sum(len(batch["label"]) for batch in digits.scan(100))
        answers.put((rows, len(digits.rows_where("label < 7"))))

    worker = context.Process(target=work)
    worker.start()
    assert answers.get(timeout=60) == (3000, 7)
    worker.join(60)
    assert worker.exitcode == 0


def test_a_fork_of_a_writer_says_that_it_cannot_write(digits):
    context = multiprocessing.get_context("fork")
    answers = context.Queue()

    def work() -> None:
        try:
            digits.append(columns(3))
        except RuntimeError as error:
            answers.put(str(error))

    worker = context.Process(target=work)
    worker.start()
    assert "spawn" in answers.get(timeout=60)
    worker.join(60)


WRITER = """
import signal, sys, numpy as np, tenrow
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
x = np.zeros((1000, 1000), np.float32)
with tenrow.open(sys.argv[1]).writer() as w:
    print("begun", flush=True)
    for _ in range(2000):
        w.append({"x": x})
"""


def test_ctrl_c_ends_a_writer_and_nothing_is_committed(place):
    ds = tenrow.from_numpy(place, {"x": np.zeros((1, 1000), np.float32)})
    worker = subprocess.Popen([sys.executable, "-c", WRITER, place], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    worker.stdout.readline()
    time.sleep(0.5)
    worker.send_signal(signal.SIGINT)
    _, said = worker.communicate(timeout=20)
    assert worker.returncode != 0 and b"KeyboardInterrupt" in said
    assert tenrow.open(place).version == ds.version


READER = """
import signal, sys, tenrow
signal.signal(signal.SIGINT, signal.default_int_handler)
ds = tenrow.open(sys.argv[1])
print("begun", flush=True)
ds["name"][:]
print("done", flush=True)
"""


def test_ctrl_c_ends_a_long_read(place):
    with tenrow.create(place, {"name": str}) as writer:
        for _ in range(20):
            writer.append({"name": [f"row {row} of some" for row in range(200_000)]})
    worker = subprocess.Popen([sys.executable, "-c", READER, place], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    worker.stdout.readline()
    time.sleep(0.2)
    worker.send_signal(signal.SIGINT)
    said, error = worker.communicate(timeout=60)
    assert b"KeyboardInterrupt" in error and b"done" not in said
