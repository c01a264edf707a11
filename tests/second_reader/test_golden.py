"""The golden datasets hold what is written down beside them, by the second reader and by the program."""

from __future__ import annotations

import json

import pytest

import expected
import program
from compare import as_in_sql, differences, first_difference
from second_reader import Dataset

DATASETS = expected.datasets()
BROKEN = {name for name in DATASETS if "refused" in json.loads(expected.read(name)[0])}


def test_every_golden_dataset_has_an_expected_file_and_the_reverse():
    written = {str(path.relative_to(expected.GOLDEN / "expected").with_suffix("")) for path in (expected.GOLDEN / "expected").rglob("*.jsonl")}
    assert written == set(DATASETS)
    assert len(DATASETS) >= 13 and len(BROKEN) >= 6


@pytest.mark.parametrize("name", DATASETS)
def test_second_reader_finds_what_is_expected(name):
    assert expected.lines(DATASETS[name]) == expected.read(name)


@pytest.mark.parametrize("name", sorted(set(DATASETS) - BROKEN))
def test_program_reads_golden_datasets_as_the_second_reader_does(name):
    found, compared, _ = differences(DATASETS[name])
    assert found == [] and compared


@pytest.mark.parametrize("name", sorted(set(DATASETS) - BROKEN))
def test_program_finds_what_is_expected(name):
    dataset, rows = Dataset(DATASETS[name]), expected.rows_in(name)
    schemas = {f"@{version}": dataset.history.open(int(version)).attributes for version in rows if not version.startswith("#")}
    theirs = program.rows_by_sql(DATASETS[name], schemas)
    assert len(theirs) >= 2
    for version, found in theirs.items():
        assert first_difference(as_in_sql(rows[version[1:]]), as_in_sql(found)) is None


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_program_refuses_what_the_second_reader_refuses(name):
    with pytest.raises(program.Failed):
        program.tenrow("verify", DATASETS[name])
