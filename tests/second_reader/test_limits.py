"""The JSON schema, the text of the specification and the program draw the limits of a root at the same numbers and texts."""

from __future__ import annotations

import copy

import pytest

import program
from second_reader import json_schema, writer
from second_reader.root import History
from test_broken import break_it, set_in
from test_writer import TYPES, part

LONG, VERSION = (1 << 63) - 1, (1 << 64) - 1
# The place in a root, the last value that it may have there, and the first that it may not: where nothing else is against the former.
LIMITS = {
    "a number that is stored": ("next_row_id", LONG, LONG + 1),
    "the size of a view's file": ("views", {"v": {"size_bytes": 1 << 34}}, {"v": {"size_bytes": (1 << 34) + 1}}),
    "the rows of a view": ("views", {"v": {"row_count": 1 << 31}}, {"v": {"row_count": (1 << 31) + 1}}),
    "a sequence of a job": ("sequences", {"job": VERSION}, {"job": VERSION + 1}),
    "the number of a field to come": ("schema.next_field_id", (1 << 32) - 1, 1 << 32),
    "the name of a tag": ("tags", {"a\u00a0b": 1}, {"a\u009fb": 1}),
    "the name of a tag that is long": ("tags", {"latest one": 1}, {"latest": 1}),
    "the name of a tag that is short": ("tags", {"a": 1}, {"": 1}),
    "the bytes of a leaf's files": ("leaves.0.size_of_files_bytes", 1 << 62, LONG + 1),
    "a name of an attribute": ("schema.attributes.1.name", "a\u00a0b", "a\u009fb"),
    "a name of an attribute, from the other side": ("schema.attributes.1.name", "a b", "a\u001fb"),
    "a name with a letter of DEL's neighbourhood": ("schema.attributes.1.name", "a~b", "a\u007fb"),
    "the time of a commit": ("created_ms", 1 << 60, 1.5),
    "the name of an origin": ("origins", {"a" * 64: {"location": "/nowhere", "version": 1}}, {"a-b": {"location": "/nowhere", "version": 1}}),
    "the version of an origin": ("origins", {"a": {"location": "/nowhere", "version": VERSION}}, {"a": {"location": "/nowhere", "version": VERSION + 1}}),
    "the location of an origin": ("origins", {"a": {"location": "/" + "x" * 4095, "version": 1}}, {"a": {"location": "/" + "x" * 4096, "version": 1}}),
    "a path of a leaf": ("leaves.0.path", None, "a\u0080b"),
}


def whole(value: object) -> object:
    """A view has more than what is said of it here."""
    if isinstance(value, dict) and "v" in value:
        view = {"path": "_tenrow/views/0.parquet", "checksum": "0" * 16, "size_bytes": 9, "row_count": 1, "version": 1, "input_checksum": "0" * 16,
                "query": "", "created_ms": 0}
        return {"v": view | value["v"]}
    return value


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "whole"
    writer.create(folder, TYPES, [part(0, 11), part(11, 5)])
    writer.delete(folder, 0, [1, 10])
    return folder


def allowed_by_schema(base, path: str, value: object) -> bool:
    keys = copy.deepcopy(History(base).newest.keys)
    set_in(keys, path, value)
    return not list(json_schema.faults({"checksum": "0" * 16, "root": keys}, json_schema.SCHEMA, "manifest"))


@pytest.mark.parametrize("what", LIMITS)
def test_schema_and_program_draw_one_limit(what, base, tmp_path):
    path, last, beyond = LIMITS[what]
    for value, is_allowed in ((last, True), (beyond, False)):
        if value is None:
            continue
        assert allowed_by_schema(base, path, whole(value)) is is_allowed, value
        folder = tmp_path / str(is_allowed)
        features = {"writer_features": ["views"]} if path == "views" else {}
        if path == "origins":
            features = {"reader_features": ["deletion_vectors", "origins"], "writer_features": ["deletion_vectors", "origins"]}
        break_it(base, folder, {**features, path: whole(value)}, {})
        if is_allowed:
            program.tenrow("head", "-n", "0", "--json", folder)
        else:
            with pytest.raises(program.Failed):
                program.tenrow("head", "-n", "0", "--json", folder)
