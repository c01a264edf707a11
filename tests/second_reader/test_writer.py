"""A dataset that is written from the specification alone is a dataset to the program."""

from __future__ import annotations

import json

import numpy as np

import program
from compare import differences
from second_reader import Dataset, writer

TYPES = {"id": "i64", "name": "string", "image": "u8[2,3]", "weights": "f32[5]"}


def part(first: int, rows: int) -> dict:
    """The columns of some rows."""
    numbers = np.arange(first, first + rows)
    return {
        "id": (numbers * 1000 - 7).tolist(), "name": [None if i % 3 == 0 else f"row {i}" for i in numbers],
        "image": (numbers[:, None] * 7 + np.arange(6)).astype("u1"), "weights": (numbers[:, None] + np.arange(5) / 8).astype("<f4"),
    }


def test_program_verifies_and_reads_what_the_second_writer_wrote(tmp_path):
    folder = tmp_path / "written"
    parts = [part(0, 11), part(11, 5)]
    writer.create(folder, TYPES, parts)
    writer.delete(folder, 0, [1, 10])

    report = json.loads(program.tenrow("verify", "--full", "--json", folder))
    found, versions, rows = differences(folder)
    assert found == [] and (versions, rows) == (2, 16 + 14), report

    left = [i for i in range(16) if i not in (1, 10)]
    assert [row["_row_id"] for row in Dataset(folder).rows()] == left
    expected = {name: np.concatenate([np.asarray(p[name], object) for p in parts]) for name in TYPES}
    for row, i in zip(Dataset(folder).rows(), left):
        assert (row["id"], row["name"], sum(row["image"], []), row["weights"]) == tuple(
            column[i].tolist() if isinstance(column[i], np.ndarray) else column[i] for column in expected.values())


def test_program_commits_onto_what_the_second_writer_wrote(tmp_path):
    folder = tmp_path / "written"
    writer.create(folder, TYPES, [part(0, 3), part(3, 9)])
    program.tenrow("delete", folder, "--rows", "0,5")
    program.tenrow("compact", folder)
    program.tenrow("verify", "--full", folder)
    found, versions, _ = differences(folder)
    assert found == [] and versions == 3
