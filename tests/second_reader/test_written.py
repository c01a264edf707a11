"""What the program writes is read alike by the second reader, from the specification alone."""

from __future__ import annotations

import os
import pathlib

import pytest

from compare import differences
from second_reader import Dataset
from second_reader.promises import broken
from second_reader.root import History
from worlds import World

INTEROP = pathlib.Path(os.environ.get("INTEROP_DIR", "target/interop"))
WORLDS = int(os.environ.get("SECOND_READER_WORLDS", "220"))
FIRST_SEED = int(os.environ.get("SECOND_READER_SEED", "1"))
MOST_ROWS = 10_000  # Python takes a minute for the longest one


def row_count(folder: pathlib.Path) -> int:
    return sum(leaf["row_count"] for leaf in History(folder).newest.keys["leaves"])


CASES = sorted(path.parent for path in INTEROP.glob("*/_tenrow") if row_count(path.parent) <= MOST_ROWS)


def test_interop_cases_are_there():
    assert len(CASES) > 200


@pytest.mark.parametrize("folder", CASES, ids=[folder.name for folder in CASES])
def test_interop_cases_are_read_alike(folder):
    found, _, rows = differences(folder, by_take=False)
    assert found == [] and rows
    assert broken(Dataset(folder), 2) == []


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + WORLDS))
def test_random_datasets_are_read_alike(seed, tmp_path):
    world = World(seed, tmp_path / "world")
    assert world.done.total() > 3, world.log
    for dataset in world.datasets:
        found, _, rows = differences(dataset)
        assert found == [], world.log
        opened = Dataset(dataset)
        assert [broken(opened, version) for version in opened.versions()] == [[] for _ in opened.versions()], world.log
