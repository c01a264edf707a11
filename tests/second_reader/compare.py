"""Compares what the second reader finds in a dataset with what the program says."""

from __future__ import annotations

import pathlib

from program import rows_by_sql, rows_by_take, versions
from second_reader import Dataset
from second_reader.values import as_json


def without(rows: list[dict], *keys: str) -> list[dict]:
    """Rows without some keys, and without where large files are."""
    def value(item: object) -> object:
        return {**item, "large": None} if isinstance(item, dict) and "large" in item else item
    return [{key: value(item) for key, item in row.items() if key not in keys} for row in rows]


def as_in_sql(rows: list[dict]) -> list[dict]:
    """Rows as SQL gives them, to which all NaNs of a scalar are one, and both zeros."""
    def value(item: object) -> object:
        if isinstance(item, float):
            return item + 0.0
        return "nan" if isinstance(item, str) and item.startswith("nan:") else item
    return [{key: value(item) for key, item in row.items()} for row in rows]


def first_difference(ours: list[dict], theirs: list[dict]) -> str | None:
    """Where two lists of rows differ first."""
    if len(ours) != len(theirs):
        return f"{len(ours)} rows, the program has {len(theirs)}"
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if as_json(a) != as_json(b):  # 0.0 and -0.0 are equal, and differ
            names = [name for name in {**a, **b} if repr(a.get(name, ...)) != repr(b.get(name, ...))]
            return f"row {i}: " + "; ".join(f"{name!r} is {a.get(name)!r}, the program has {b.get(name)!r}" for name in names)[:2000]
    return None


def differences(folder: pathlib.Path, by_take: bool = True) -> tuple[list[str], int, int]:
    """What differs, and how many versions and rows were compared."""
    dataset = Dataset(folder)
    found, compared = [], dataset.versions()
    if compared != versions(folder):
        found.append(f"versions {compared}, the program has {versions(folder)}")
    ours = {f"@{version}": dataset.rows(version) for version in compared}
    schemas = {f"@{version}": dataset.history.open(version).attributes for version in compared}
    theirs = rows_by_sql(folder, schemas)
    found += [f"{name}: {what}" for name in ours if (what := first_difference(as_in_sql(ours[name]), as_in_sql(theirs[name])))]
    asked = {"--version": [(compared[-1], ours[f"@{compared[-1]}"], schemas[f"@{compared[-1]}"])] if by_take else [], "--view": []}
    for name, view in dataset.history.newest.keys["views"].items():
        asked["--view"].append((name, dataset.view(name), dataset.history.open(view["version"]).attributes))
        ours[f"#{name}"] = dataset.view(name)
    for option, cases in asked.items():
        for name, rows, attributes in cases:
            taken = rows_by_take(folder, attributes, len(rows), option, name)
            if what := first_difference(without(rows, "_row_id"), without(taken)):
                found.append(f"take {option} {name}: {what}")
    return found, len(ours), sum(map(len, ours.values()))
