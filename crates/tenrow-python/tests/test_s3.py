"""Datasets in a bucket: of the S3 server that the run is given, else passed over."""

import multiprocessing
import os
import pickle
import uuid

import numpy as np
import pytest
import tenrow
from conftest import ROWS, SCHEMA, columns

pytestmark = pytest.mark.skipif("TENROW_TEST_S3_FOLDER" not in os.environ, reason="no S3 server is given")


@pytest.fixture
def remote() -> tenrow.Dataset:
    with tenrow.create(f"s3://tests/{uuid.uuid4().hex}/digits", SCHEMA) as writer:
        writer.append(columns())
    return writer.dataset


def check(ds: tenrow.Dataset, seed: int) -> int:
    """Reads rows at random and gives how many were wrong."""
    rows = np.random.default_rng(seed).integers(0, len(ds), 200)
    wrong = int((ds.take(rows, ["vector"])["vector"][:, 0] != rows).sum())
    return wrong + sum(ds["label"][row] != row for row in rows[:20].tolist())


def of_process(given, seed: int, answers) -> None:
    answers.put(check(pickle.loads(given) if isinstance(given, bytes) else given, seed))


def test_rows_columns_versions_and_sql(remote):
    expected = columns()
    assert np.array_equal(remote["image"].numpy(), expected["image"]) and remote[-1]["name"] == expected["name"][-1]
    assert sum(len(batch["label"]) for batch in remote.scan(700)) == ROWS
    assert remote.rows_where("label BETWEEN 7 AND 9").tolist() == [7, 8, 9]
    later = remote.append(columns(5)).delete([0])
    assert len(later) == ROWS + 4 and len(tenrow.open(remote.uri, version=remote.version)) == ROWS
    root = remote.uri.rpartition("/")[0]
    assert [entry["name"] for entry in tenrow.list(root)] == ["digits"]


def test_files_are_read_in_ranges(remote):
    place = remote.uri + "-files"
    with tenrow.create(place, {"photo": "file"}, inline_file_bytes=1000) as writer:
        writer.append({"photo": [b"0123456789" * 1000, b""]})
    file = writer.dataset["photo"][0]
    assert file.read_range(5005, 5008) == b"567" and file.seek(-1, 2) == 9999 and file.read() == b"9"


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_processes(remote, method):
    assert check(remote, 0) == 0
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    given = remote if method == "fork" else pickle.dumps(remote)
    workers = [context.Process(target=of_process, args=(given, seed, answers)) for seed in range(4)]
    for worker in workers:
        worker.start()
    assert [answers.get(timeout=120) for _ in workers] == [0] * 4
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4


def test_who_may_not_read_is_told_so(remote):
    for given in ({"access_key_id": "someone"}, {}):
        with pytest.raises(PermissionError) as refused:
            tenrow.open(remote.uri, options={"secret_access_key": "a-secret-of-mine", **given})
        assert "a-secret-of-mine" not in str(refused.value)
    with pytest.raises(ValueError, match="regoin"):
        tenrow.open(remote.uri, options={"regoin": "x"})


def test_of_a_block_that_fails_no_parts_stay():
    def parts():
        return [name for _, _, names in os.walk(os.environ["TENROW_TEST_S3_FOLDER"]) for name in names if "upload" in name]

    place = f"s3://tests/{uuid.uuid4().hex}/x"
    with pytest.raises(KeyError, match="mine"):
        with tenrow.create(place, {"x": "u8[1000000]"}, row_group_bytes=4_000_000) as writer:
            writer.append({"x": np.zeros((40, 1_000_000), np.uint8)})
            assert parts()
            raise KeyError("mine")
    assert parts() == []
    with pytest.raises(FileNotFoundError):
        tenrow.open(place)


def test_what_was_held_before_a_fork_is_taken_again_or_said_to_be_old(remote):
    held, scan = remote["label"], remote.scan(100)
    next(scan)
    child = os.fork()
    if child == 0:
        status = 0
        try:
            assert len(remote.versions()) == 1 and remote["label"][7] == 7 and remote["name"][7] == "row 7 ü"
            for use in (lambda: held[7], lambda: held[[7]], lambda: held[:], lambda: next(scan)):
                with pytest.raises(RuntimeError, match="take it from the dataset again"):
                    use()
        except BaseException:
            status = 1
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert held[7] == 7 and len(next(scan)["label"]) == 100
