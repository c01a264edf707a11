"""What tenrow's SQL answers, against DuckDB over the same Parquet files.

`TEST_PROGRAMS` is the program of the tests, whose `sql-answers` answers; without it nothing is asked. `SQL_ORACLE_SEED` and
`SQL_ORACLE_QUERIES` ask other queries, and more.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
import os
import pathlib
import subprocess

import duckdb
import pytest

from sql_queries import PREPARE, Query, queries

SEED = int(os.environ.get("SQL_ORACLE_SEED", "2026"))
COUNT = int(os.environ.get("SQL_ORACLE_QUERIES", "2000"))
TOLERANCE = 1e-9
# Failures that are shown whole.
SHOWN = int(os.environ.get("SQL_ORACLE_SHOWN", "5"))


def answers_of(program: str, folder: pathlib.Path, how: list[str], asked: list[Query]) -> list[dict]:
    """tenrow's answers, in order."""
    lines = "\n".join(query.sql for query in asked) + "\n"
    done = subprocess.run([program, "sql-answers", str(folder), *how], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(asked)
    return answers


def connect(folder: pathlib.Path) -> duckdb.DuckDBPyConnection:
    files = json.loads((folder / "files.json").read_text())
    connection = duckdb.connect()
    connection.execute(PREPARE.format(items=files["items"], events=files["events"], row_id=files["row_id"]))
    return connection


def plain(value: object) -> object:
    """A value of DuckDB as `sql-answers` writes it."""
    if isinstance(value, datetime.datetime):
        timespec = "milliseconds" if value.microsecond and value.microsecond % 1000 == 0 else "auto"
        return value.isoformat(timespec=timespec)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def read(value: object) -> object:
    """A value of `sql-answers`: floats that JSON has no number for are objects."""
    return float(value["float"]) if isinstance(value, dict) else value


def is_same(ours: object, theirs: object) -> bool:
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(is_same, ours, theirs))
    if isinstance(ours, bool) or isinstance(theirs, bool) or not isinstance(ours, int | float):
        return type(ours) is type(theirs) and ours == theirs
    if not isinstance(theirs, int | float):
        return False
    if math.isnan(ours) or math.isnan(theirs):
        return math.isnan(ours) and math.isnan(theirs)
    return ours == theirs or math.isclose(ours, theirs, rel_tol=TOLERANCE)


def place(row: list) -> tuple:
    """By what rows are sorted: floats come last, and roughly, so that those that are the same do not part."""
    def key(value: object) -> tuple:
        if value is None:
            return (0,)
        if isinstance(value, float) and not math.isfinite(value):
            return (3, str(value))
        if isinstance(value, int | float):
            return (1, float(f"{value:.9g}") if isinstance(value, float) else value)
        return (2, str(value))

    exact = [key(value) for value in row if not isinstance(value, float) or value % 0.25 == 0]
    rough = [key(value) for value in row if isinstance(value, float) and value % 0.25 != 0]
    return ([key(value)[0] for value in row], exact, rough)


def difference(query: Query, ours: list[list], theirs: list[list]) -> str | None:
    """How two answers differ, if they do."""
    if query.superset is not None:
        return difference_of_some(query, ours, theirs)
    if len(ours) != len(theirs):
        return f"{len(ours)} rows, and DuckDB has {len(theirs)}"
    if not query.is_ordered:
        ours, theirs = sorted(ours, key=place), sorted(theirs, key=place)
    for number, (own, other) in enumerate(zip(ours, theirs, strict=True)):
        if not is_same(own, other):
            return f"row {number}: {own}, and DuckDB has {other}"
    return None


def difference_of_some(query: Query, ours: list[list], theirs: list[list]) -> str | None:
    expected = min(query.limit, len(theirs))
    if len(ours) != expected:
        return f"{len(ours)} rows, and of DuckDB's {len(theirs)} it should be {expected}"
    left = [json.dumps(row) for row in theirs]
    counts = {row: left.count(row) for row in set(left)} if len(left) < 200 else {}
    for row in left if not counts else []:
        counts[row] = counts.get(row, 0) + 1
    for row in ours:
        text = json.dumps(row)
        if not counts.get(text):
            alike = [other for other in theirs if is_same(row, other)]
            if not alike:
                return f"{row} is not among the rows of DuckDB"
            text = json.dumps(alike[0])
        counts[text] = counts.get(text, 1) - 1
    return None


@pytest.fixture(scope="module")
def program() -> str:
    program = os.environ.get("TEST_PROGRAMS")
    if not program:
        pytest.skip("TEST_PROGRAMS is not set: build test-programs with the feature sql, and name it")
    return program


@pytest.mark.parametrize("how", [[], ["evolved"], ["evolved", "without-statistics"]], ids=lambda how: " ".join(how) or "plain")
def test_tenrow_and_duckdb_give_the_same_answers(program: str, tmp_path: pathlib.Path, how: list[str]) -> None:
    asked = queries(SEED, COUNT)
    answers = answers_of(program, tmp_path, how, asked)
    failures, empty = [], 0
    with connect(tmp_path) as connection:
        for number, (query, answer) in enumerate(zip(asked, answers, strict=True)):
            try:
                theirs = connection.execute(query.superset or query.sql).fetchall()
            except duckdb.Error as error:
                failures.append((number, query, f"DuckDB: {error}"))
                continue
            if "error" in answer:
                failures.append((number, query, f"tenrow: {answer['error']}"))
                continue
            ours = [[read(value) for value in row] for row in answer["rows"]]
            found = difference(query, ours, [[plain(value) for value in row] for row in theirs])
            empty += not ours
            if found:
                failures.append((number, query, found))
    for number, query, found in failures[:SHOWN]:
        print(f"seed {SEED}, query {number}: {found}\n    {query.sql}")
    assert not failures, f"{len(failures)} of {COUNT} queries of seed {SEED} differ"
    # Queries that leave nothing show nothing.
    assert empty < COUNT / 4, f"{empty} of {COUNT} answers are empty"


def test_other_seeds_ask_other_queries_and_the_same_seed_the_same() -> None:
    assert queries(1, 50) == queries(1, 50)
    assert queries(1, 50) != queries(2, 50)
    texts = [query.sql for query in queries(SEED, COUNT)]
    assert len(set(texts)) > COUNT * 0.98
    for word in ["JOIN", "GROUP BY", "HAVING", "LIMIT", "DISTINCT", "CASE", "EXISTS", "_row", "OVER", "WITH", "pixels"]:
        assert sum(word in text for text in texts) > COUNT / 100, word
