"""The example of `spec/reading.md` is what the golden dataset holds, byte by byte."""

from __future__ import annotations

import json
import pathlib
import re

import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).parents[2]
KEYS = ROOT / "tests/golden/v1/keys"
TEXT = (ROOT / "spec/reading.md").read_text().split("## An example, byte by byte\n")[1]


def test_the_root_is_as_shown():
    shown = TEXT.split("```text\n")[1].split("\n```")[0]
    newest = sorted((KEYS / "_tenrow/versions").iterdir())[0]
    assert len(shown) > 100 and newest.read_text().startswith(shown)


def test_the_row_of_the_leaf_is_as_shown():
    newest = sorted((KEYS / "_tenrow/versions").iterdir())[0]
    leaf = json.loads(newest.read_text())["root"]["leaves"][0]["path"]
    row = pq.read_table(KEYS / leaf).slice(0, 1).to_pylist()[0]
    [file], [key] = row["files"], row["keys"]
    chunk = file["chunks"][0]
    shown = dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", TEXT, re.MULTILINE))
    assert shown["row_count"] == str(row["row_count"]) and row["row_ids"] == []
    assert shown["keys"] == f'`[{{field {key["field"]}, value "{key["value"]}"}}]`'
    assert shown["files[0].path"] == f"`{file['path']}`" and shown["files[0].footer_bytes"] == str(file["footer_bytes"])
    names = ["item_bits", "first_page", "page_stride", "page_rows", "prefix", "last_prefix"]
    told = ", ".join([f"field {chunk['field']}", f"row group {chunk['row_group']}", f"column {chunk['column']}", f"`{chunk['layout']}`",
                      *(f"`{name}` {chunk[name]}" for name in names)])
    assert shown["files[0].chunks[0]"] == told


def test_the_page_is_as_shown():
    [path] = re.findall(r"The first page of `([^`]+)`", TEXT)
    data = (KEYS / path).read_bytes()
    lines = re.findall(r"^(\d+) +((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  |$)", TEXT, re.MULTILINE)
    at = 64
    for place, shown in lines:
        piece = bytes.fromhex(shown)
        assert int(place) == at and data[at : at + len(piece)] == piece, place
        at += len(piece)
    assert len(lines) == 21 and at == 120
