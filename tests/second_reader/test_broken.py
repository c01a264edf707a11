"""Datasets that break one rule each: the second reader names the rule, and the program refuses them as well."""

from __future__ import annotations

import copy
import json

import pyarrow.parquet as pq
import pytest

import program
from second_reader import Dataset, Refused, parquet_writer, writer
from second_reader.root import History
from test_writer import TYPES, part


def set_in(value: dict | list, path: str, new: object) -> None:
    """Sets `a.0.b` in nested values."""
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in way:
        value = value[key]
    value[last] = new


ROOTS = {
    "features that are not sorted": ("manifest.md#root", {"reader_features": ["views", "origins"]}),
    "a feature twice": ("manifest", {"reader_features": ["views", "views"]}),
    "a tag of a version to come": ("manifest.md#root", {"tags": {"x": 9}}),
    "an end of versions to come": ("manifest.md#root", {"expired_before": 9}),
    "a parent that is not earlier": ("manifest.md#root", {"parent": {"version": 2, "checksum": "0" * 16}}),
    "another version than the name's": ("manifest.md#root", {"version": 3}),
    "an id that is yet to be given": ("schema.md#ids", {"schema.next_field_id": 4}),
    "an id twice": ("schema.md#ids", {"schema.attributes.1.id": 1}),
    "a name of tenrow's own": ("manifest", {"schema.attributes.1.name": "_row"}),
    "names equal in lower case": ("schema.md#names", {"schema.attributes.1.name": "ID"}),
    "a name with a control character of Unicode": ("manifest", {"schema.attributes.1.name": "a\x85b"}),
    "a name of 256 bytes": ("schema.md#names", {"schema.attributes.1.name": "ß" * 128}),
    "a type that is not known": ("schema.md#types", {"schema.attributes.1.type": "complex"}),
    "a type of another kind than stored": ("schema.md", {"schema.attributes.1.type": "u8[2,3]"}),
    "an earlier form that does not widen": ("schema.md#changes", {"schema.attributes.0.earlier": [{"id": 9, "type": "u64", "nullable": False}], "schema.next_field_id": 20}),
    "names of too many dimensions": ("manifest.md#root", {"schema.attributes.2.dim_names": ["x"]}),
    "fewer rows than the leaf has": ("manifest.md#root", {"leaves.0.row_count": 13}),
    "another number of partitions": ("manifest.md#leaf", {"leaves.0.partition_count": 3}),
    "another size of all files": ("manifest.md#root", {"leaves.0.size_of_files_bytes": 1}),
    "row ids that are yet to be given": ("manifest.md#root", {"next_row_id": 15}),
    "a path out of the dataset": ("manifest", {"leaves.0.path": "_tenrow/../../x"}),
    "an origin that is not there": ("manifest.md", {"leaves.0.path": "@nobody/_tenrow/leaves/0"}),
    "a negative number": ("manifest.schema.json", {"leaves.0.first_row_id": -1}),
    "a number that is none": ("manifest.schema.json", {"next_row_id": 1.5}),
}
LEAVES = {
    "row ids of some partitions only": ("manifest.md#leaf", {"0.row_ids": [{"first": 0, "count": 11}]}),
    "row ids that are too few": ("manifest.md#leaf", {"0.row_ids": [{"first": 0, "count": 10}], "1.row_ids": [{"first": 11, "count": 5}]}),
    "row ids that fall": ("manifest.md#root", {"0.row_ids": [{"first": 9, "count": 11}], "1.row_ids": [{"first": 0, "count": 5}]}),
    "no file": ("manifest.md#leaf", {"1.files": []}),
    "a layout that is not known": ("manifest.md#leaf", {"0.files.0.chunks.2.layout": "spiral"}),
    "a chunk twice": ("manifest.md#leaf", {"0.files.0.chunks.1.column": 0}),
    "a chunk of an attribute that the file has not": ("manifest.md#leaf", {"0.files.0.field_ids": [1, 2, 3]}),
    "an attribute twice in a file": ("manifest.md#leaf", {"0.files.0.field_ids": [1, 2, 3, 4, 4]}),
    "row groups of other rows": ("manifest.md#leaf", {"0.files.0.row_groups": [10]}),
    "a footer that is longer than the file": ("manifest.md#leaf", {"0.files.0.footer_bytes": 1 << 20}),
    "a footer that reaches into the data": ("manifest.md#leaf", {"0.files.0.footer_bytes": 3900}),
    "a page elsewhere": ("tensor-pages.md", {"0.files.0.chunks.3.first_page": 4}),
    "another stride": ("tensor-pages.md", {"0.files.0.chunks.3.page_stride": 140}),
    "another prefix": ("tensor-pages.md", {"0.files.0.chunks.3.prefix": 3}),
    "other rows in a page": ("tensor-pages.md", {"0.files.0.chunks.3.page_rows": 5}),
    "elements of another size": ("tensor-pages.md#values", {"0.files.0.chunks.3.item_bits": 64}),
    "a field of another layout": ("manifest.md#leaf", {"0.files.0.chunks.3.value_count": 5}),
    "an index of a raw chunk": ("manifest.md#leaf", {"0.files.0.chunks.3.offset_index_start": 5}),
    "a negative address": ("manifest.md#leaf", {"0.files.0.chunks.3.first_page": -64}),
    "another checksum of a file": ("manifest.md#leaf", {"0.files.0.checksum": 1}),
    "another size of a file": ("manifest.md", {"0.files.0.size_bytes": 9000}),
    "more deleted rows than there are": ("manifest.md#leaf", {"0.deletes.row_count": 3}),
    "another checksum of a deletion vector": ("manifest.md#leaf", {"0.deletes.checksum": 3}),
    "a path with a control character of Unicode": ("manifest.md", {"0.deletes.path": "_tenrow/deletes/\x85"}),
    "a chunk of a row group that is not there": ("manifest.md#leaf", {"0.files.0.chunks.0.row_group": 1}),
    "a column that is not there": ("manifest.md#leaf", {"0.files.0.chunks.0.column": 7}),
    "half of an OffsetIndex": ("manifest.md#leaf", {"0.files.0.chunks.0.offset_index_end": None}),
    "a run of no row ids": ("manifest.md#leaf", {"0.row_ids": [{"first": 0, "count": 11}, {"first": 11, "count": 0}], "1.row_ids": [{"first": 11, "count": 5}]}),
    "statistics twice": ("manifest.md#root", {"0.statistics": [{"field": 1, "null_count": 0, "exact": False}] * 2}),
    "another last prefix": ("tensor-pages.md#where-a-row-is", {"0.files.0.chunks.2.last_prefix": 5}),
    "columns that change places": ("schema.md", {"0.files.0.chunks.0.column": 1, "0.files.0.chunks.1.column": 0}),
}


def without_crc(kind: int, header: tuple, body: bytes) -> bytes:
    return parquet_writer.thrift("struct", [(1, "i32", kind), (2, "i32", len(body)), (3, "i32", len(body)), header]) + body


def with_another_crc(kind: int, header: tuple, body: bytes) -> bytes:
    return PAGE(kind, header, body)[:-len(body)] + bytes([body[0] ^ 1]) + body[1:]


def with_another_dictionary(kind: int, header: tuple, body: bytes) -> bytes:
    """Entry 5 of the identity dictionary is 9: ordinary readers find other values than those who read bits."""
    return PAGE(kind, header, body[:20] + b"\x09" + body[21:] if kind == 2 else body)


def levels(change):
    """A data page of tensors whose levels are changed."""
    def data_page(encoding, rows, entries, nulls, repetition, definition, values):
        if repetition:
            repetition, definition = change(repetition, definition, entries)
        return DATA_PAGE(encoding, rows, entries, nulls, repetition, definition, values)
    return data_page


PAGE, DATA_PAGE = parquet_writer.page, parquet_writer.data_page
PAGES = {
    "no CRC": ("partition.md#a-file", {"page": without_crc}, True),
    "another CRC": ("tensor-pages.md#checking", {"page": with_another_crc}, True),
    "a dictionary that is not the identity": ("tensor-pages.md#values", {"page": with_another_dictionary}, True),
    "a null element": ("tensor-pages.md", {"data_page": levels(
        lambda repetition, definition, entries: (repetition, parquet_writer.varint(entries - 1 << 1) + b"\2\2\1"))}, True),
    "rows of other lengths": ("", {"data_page": levels(
        lambda repetition, definition, entries: (b"\2\0" + parquet_writer.varint(len(repetition) and 8) + b"\1" + repetition[4:], definition))}, True),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A whole dataset, without its newest root."""
    folder = tmp_path_factory.mktemp("base") / "whole"
    writer.create(folder, TYPES, [part(0, 11), part(11, 5)])
    writer.delete(folder, 0, [1, 10])
    return folder


def break_it(base, folder, root_changes: dict, leaf_changes: dict) -> None:
    """Writes version 2 of a dataset anew with something else in it."""
    newest = History(base).newest
    keys = copy.deepcopy(newest.keys)
    partitions = pq.read_table(base / keys["leaves"][0]["path"]).to_pylist()
    for old in base.rglob("*"):
        if old.is_file() and "18446744073709551613" not in old.name and "latest" not in old.name:
            (folder / old.relative_to(base)).parent.mkdir(parents=True, exist_ok=True)
            (folder / old.relative_to(base)).write_bytes(old.read_bytes())
    if leaf_changes:
        for path, new in leaf_changes.items():
            set_in(partitions, path, new)
        written = writer.write_leaf(folder, partitions, 0, 2)
        for key in ("path", "checksum", "size_bytes"):
            keys["leaves"][0][key] = written[key]
    for path, new in root_changes.items():
        set_in(keys, path, new)
    version, keys["version"] = keys["version"], 2
    document = json.dumps({**keys, "version": version}, separators=(",", ":"), ensure_ascii=False).encode()
    framed = b'{"checksum":"%s","root":%s}\n' % (writer.checksum(document).encode(), document)
    writer.put(folder, "_tenrow/versions/18446744073709551613.json", framed)


def test_the_dataset_is_whole_before_it_is_broken(base, tmp_path):
    break_it(base, tmp_path, {}, {"0.external_files": []})
    assert len(Dataset(tmp_path).rows()) == 14
    program.tenrow("verify", "--full", tmp_path)


@pytest.mark.parametrize("what", [*ROOTS, *LEAVES])
def test_what_breaks_a_rule_is_refused(what, base, tmp_path):
    rule, changes = (ROOTS | LEAVES)[what]
    break_it(base, tmp_path, *((changes, {}) if what in ROOTS else ({}, changes)))
    with pytest.raises(Refused) as refused:
        Dataset(tmp_path).rows()
    assert refused.value.rule.startswith(rule)
    with pytest.raises(program.Failed):
        program.tenrow("verify", "--full", tmp_path)


@pytest.mark.parametrize("what", PAGES)
def test_pages_that_break_a_rule_are_refused(what, tmp_path, monkeypatch):
    rule, changes, program_refuses = PAGES[what]
    for name, change in changes.items():
        monkeypatch.setattr(parquet_writer, name, change)
    writer.create(tmp_path / "broken", TYPES, [part(0, 11), part(11, 5)])
    with pytest.raises(Refused) as refused:
        Dataset(tmp_path / "broken").rows()
    assert refused.value.rule.startswith(rule)
    if program_refuses:  # of the others it reads the right rows, and does not see what ordinary readers would find
        with pytest.raises(program.Failed):
            program.tenrow("verify", "--full", tmp_path / "broken")
