"""What golden datasets hold, as the second reader finds it: the files in `tests/golden/expected`.

One JSON object a line: `{"version":3,"rows":25}` and then the rows of that version, or `{"version":4,"rows_of":3}` if they are the
same; likewise `{"view":"train","rows":7}`. Of a broken dataset `{"refused":<the rule>,"because":<what>}` is all there is.
`python tests/second_reader/expected.py` writes those that are not there yet; none is ever written again.
"""

from __future__ import annotations

import json
import pathlib

from second_reader import Dataset, Refused
from second_reader.values import as_json

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
V1 = GOLDEN / "v1"


def datasets() -> dict[str, pathlib.Path]:
    """Golden datasets by name, broken ones and those that are none among them."""
    folders = {path.parent.parent for path in V1.rglob("_tenrow/versions")} | set((V1 / "broken").iterdir())
    return {str(folder.relative_to(V1)): folder for folder in sorted(folders)}


def lines(folder: pathlib.Path) -> list[str]:
    """The lines that describe a dataset."""
    try:
        dataset, found, before = Dataset(folder), [], {}
        for version in dataset.versions():
            rows = [as_json(row) for row in dataset.rows(version)]
            same = next((other for other in before if before[other] == rows), None)
            found += [as_json({"version": version, "rows_of": same})] if same else [as_json({"version": version, "rows": len(rows)}), *rows]
            before[version] = rows
        for name in dataset.history.newest.keys["views"]:
            rows = dataset.view(name)
            found += [as_json({"view": name, "rows": len(rows)}), *map(as_json, rows)]
        return found
    except Refused as refused:
        return [as_json({"refused": refused.rule, "because": str(refused)})]


def path_of(name: str) -> pathlib.Path:
    return GOLDEN / "expected" / f"{name}.jsonl"


def read(name: str) -> list[str]:
    return path_of(name).read_text().split("\n")[:-1]  # texts hold other ends of lines


def rows_in(name: str) -> dict[str, list[dict]]:
    """The rows of versions and views of an expected file, named as `3` or `#train`."""
    found: dict[str, list[dict]] = {}
    source = iter(map(json.loads, read(name)))
    for head in source:
        key = f"#{head['view']}" if "view" in head else str(head["version"])
        found[key] = found[str(head["rows_of"])] if "rows_of" in head else [next(source) for _ in range(head["rows"])]
    return found


if __name__ == "__main__":
    for name, folder in datasets().items():
        if not path_of(name).exists():
            path_of(name).parent.mkdir(parents=True, exist_ok=True)
            path_of(name).write_text("\n".join(lines(folder)) + "\n")
