"""Histories of changed datasets that tenrow and DuckDB follow, and queries between their steps: see `sql_histories`.

`SQL_HISTORIES_SEED` and `SQL_HISTORIES_QUERIES` draw others, and more.
"""

from __future__ import annotations

import collections
import decimal
import fractions
import json
import math
import os
import pathlib
import subprocess

import pytest

from sql_asking import Step
from sql_histories import History
from test_sql_oracle import plain, read

SEED = int(os.environ.get("SQL_HISTORIES_SEED", "2026"))
QUERIES = int(os.environ.get("SQL_HISTORIES_QUERIES", "2000"))
PER_HISTORY = 10
SHOWN = int(os.environ.get("SQL_HISTORIES_SHOWN", "5"))


def key(value: object) -> object:
    """What two values have in common that are the same."""
    match value:
        case bool() | None:
            return value
        case float() if math.isnan(value) or math.isinf(value):
            return f"float {value}"
        case float():
            return fractions.Fraction(float(f"{value:.9g}"))
        case int() | decimal.Decimal():
            return fractions.Fraction(value)
        case list():
            return tuple(key(item) for item in value)
        case _:
            return value


def is_number(value: object) -> bool:
    return isinstance(value, int | decimal.Decimal) and not isinstance(value, bool)


def difference(step: Step, answer: dict) -> str | None:
    """How an answer differs from what is expected, if it does."""
    expected = step.expected or []
    if "error" in answer:
        # It may only say so if there is such a number.
        is_large = step.largest >= 1 << 63 or any(is_number(v) and not -(1 << 63) <= v < 1 << 63 for row in expected for v in row)
        is_told = "overflow" in answer["error"].lower() and " with statistics" not in answer["error"]
        return None if step.is_exact and is_large and is_told else f"error: {answer['error']}"
    if step.expected is None:
        return None
    ours = [[read(value) for value in row] for row in answer["rows"]]
    if not isinstance(step.told, str) or not step.told.startswith(("SELECT", "WITH")):
        ours = [row[:1] for row in ours]
    for column in range(len(expected[0]) if expected else 0):
        # Wide numbers come as text.
        if any(is_number(row[column]) for row in expected):
            for row in ours:
                row[column] = decimal.Decimal(row[column]) if isinstance(row[column], str) else row[column]
    own = [tuple(map(key, row)) for row in ours]
    other = [tuple(key(value if is_number(value) else plain(value)) for value in row) for row in expected]
    if own == other if step.is_ordered else collections.Counter(own) == collections.Counter(other):
        return None
    return f"{ours[:12]}\n    and DuckDB has\n    {expected[:12]}"


def test_tenrow_and_duckdb_follow_the_same_histories(tmp_path: pathlib.Path) -> None:
    program = os.environ.get("TEST_PROGRAMS")
    if not program:
        pytest.skip("TEST_PROGRAMS is not set: build test-programs with the feature sql, and name it")
    histories = [History(SEED * 1_000_000 + n, PER_HISTORY) for n in range(QUERIES // PER_HISTORY)]
    lines = "".join(json.dumps([step.told for step in history.steps]) + "\n" for history in histories)
    done = subprocess.run([program, "sql-answers", str(tmp_path), "histories"], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(histories)
    failures, asked, empty = [], 0, 0
    for number, (history, answered) in enumerate(zip(histories, answers, strict=True)):
        assert isinstance(answered, list), f"history {number} of seed {SEED}: {answered}"
        for place, (step, answer) in enumerate(zip(history.steps, answered, strict=True)):
            is_query = isinstance(step.told, str) and step.told.startswith("SELECT")
            asked += is_query
            empty += is_query and not step.expected
            if found := difference(step, answer):
                failures.append((number, place, step, found))
                # What comes after it is of other rows.
                if not is_query:
                    break
    for number, place, step, found in failures[:SHOWN]:
        print(f"seed {SEED}, history {number}, step {place}: {found}\n    {step.told}")
    assert not failures, f"{len(failures)} of {asked} queries of seed {SEED} differ"
    assert asked >= QUERIES - PER_HISTORY
    # Queries that leave nothing show nothing.
    assert empty < 0.3 * asked, f"{empty} of {asked} answers are empty"
