"""Roots: which versions a dataset has, and what each says (`spec/layout.md`, `spec/manifest.md`)."""

from __future__ import annotations

import json
import pathlib
import re
import unicodedata
from dataclasses import dataclass, field

import xxhash

from .json_schema import check_manifest
from .refusal import Refused, require
from .type_text import Type, parse, widens

FEATURES = {
    "deletion_vectors", "column_files", "foreign_files", "external_files", "views", "default_values", "earlier_forms",
    "origins", "expired_versions", "single_writer",
}
FRAME = re.compile(rb'\{"checksum":"([0-9a-f]{16})","root":(.*)\}\n', re.DOTALL)
NAME = re.compile(r"([0-9]{20})\.json")
RULE = "manifest.md#root"


def checksum(data: bytes) -> str:
    """XXH3 of 64 bits with seed 0, as it stands in JSON."""
    return xxhash.xxh3_64_hexdigest(data)


def read_json(data: bytes) -> object:
    """A JSON document, in which no key is twice."""
    def pairs(found: list[tuple]) -> dict:
        require(len(dict(found)) == len(found), RULE, "a key is there twice")
        return dict(found)
    try:
        value = json.loads(data.decode(), object_pairs_hook=pairs)
        json.dumps(value, ensure_ascii=False).encode()  # no half of a surrogate pair
        return value
    except ValueError as error:
        raise Refused(RULE, f"no JSON: {error}") from error


@dataclass
class Attribute:
    """An attribute of a schema; `forms` are its types by the ids under which files have it."""

    id: int
    name: str
    type: Type
    nullable: bool
    forms: dict[int, Type]
    keys: dict = field(repr=False)

    @classmethod
    def read(cls, keys: dict) -> Attribute:
        kind, name = parse(keys["type"]), keys["name"]
        controls = any(unicodedata.category(character) == "Cc" for character in name)
        require(1 <= len(name.encode()) <= 255 and name[0] != "_" and "/" not in name and not controls, "schema.md#names", f"name {name!r}")
        forms = {keys["id"]: kind, **{form["id"]: parse(form["type"]) for form in keys.get("earlier") or []}}
        for form in forms.values():
            require(widens(form, kind), "schema.md#changes", f"attribute {name!r} has an earlier form that does not widen to its type")
        names = keys.get("dim_names")
        require(not names or len(names) == len(kind.shape), RULE, f"attribute {name!r} has names of other dimensions")
        return cls(keys["id"], name, kind, keys["nullable"], forms, keys)


class Root:
    """One version."""

    def __init__(self, data: bytes, version: int):
        require(len(data) <= 256 << 20, "limits.md", "a root of more than 256 MiB")
        framed = FRAME.fullmatch(data)
        require(framed, RULE, "the frame of a root")
        require(checksum(framed[2]).encode() == framed[1], RULE, "the checksum of a root")
        self.checksum = checksum(data)
        self.keys = read_json(framed[2])
        require(isinstance(self.keys, dict), RULE, "a root is no object")
        number = self.keys.get("format_version")
        require(type(number) is int and number == 1, RULE, f"format version {number}: needs a newer tenrow")
        unknown = set(self.keys.get("reader_features", ())) - FEATURES
        require(not unknown, RULE, f"reader features {sorted(unknown)}: needs a newer tenrow")
        check_manifest({"checksum": framed[1].decode(), "root": self.keys})
        self.version = self.keys["version"]
        require(self.version == version, RULE, f"version {self.version} under the name of {version}")
        self.attributes = [Attribute.read(keys) for keys in self.keys["schema"]["attributes"]]
        self.check()

    def check(self) -> None:
        """The rules that a JSON schema cannot say."""
        keys = self.keys
        ids = [id for attribute in self.attributes for id in attribute.forms]
        require(len(set(ids)) == len(ids) and max(ids) < keys["schema"]["next_field_id"], "schema.md#ids", "ids of attributes")
        names = [attribute.name.lower() for attribute in self.attributes]
        require(len(set(names)) == len(names), "schema.md#names", "two names are one in lower case")
        for features in (keys["reader_features"], keys["writer_features"]):
            require(features == sorted(set(features)), RULE, "features are not sorted and distinct")
        parent = keys.get("parent")
        require(not parent or parent["version"] < self.version, RULE, "the parent is no earlier version")
        for number in [*keys["tags"].values(), keys.get("expired_before", 1), *(view["version"] for view in keys["views"].values())]:
            require(number <= self.version, RULE, f"a tag, a view or an end of version {number}")
        require("" not in keys["views"], "manifest.md#view", "a view without a name")
        paths, at = [leaf["path"] for leaf in keys["leaves"]], 0
        require(len(set(paths)) == len(paths), RULE, "a leaf is named twice")
        for leaf in keys["leaves"]:
            require(at <= leaf["first_row_id"] <= keys["next_row_id"], RULE, "row ids do not ascend")
            at = leaf["first_row_id"]
        for name in self.origins:
            require(re.fullmatch("[0-9A-Za-z]+", name), RULE, f"an origin named {name!r}")

    @property
    def origins(self) -> dict:
        return self.keys.get("origins") or {}


class History:
    """The versions of the dataset in a folder."""

    def __init__(self, folder: pathlib.Path):
        self.folder, self.versions = folder, folder / "_tenrow/versions"
        names = [found for path in self.versions.glob("*") if (found := NAME.fullmatch(path.name))]
        self.numbers = sorted(2**64 - 1 - int(name[1]) for name in names if int(name[1]) < 2**64 - 1)
        require(self.numbers, "layout.md", "not a tenrow dataset")
        self.newest = self.read(self.numbers[-1])

    def read(self, version: int) -> Root:
        require(version in self.numbers, "layout.md", f"there is no version {version}")
        path = self.versions / f"{2**64 - 1 - version:020}.json"
        require(path.is_file(), "layout.md", f"{path.name} is no file")
        return Root(path.read_bytes(), version)

    def kept(self) -> list[int]:
        """The versions that can be opened: those that have not expired, or that a tag, a view or a clone keeps."""
        keys = self.newest.keys
        notes = [read_json(path.read_bytes()) for path in (self.folder / "_tenrow/clones").glob("*.json")]
        kept = {*keys["tags"].values(), *(view["version"] for view in keys["views"].values()), *(note["version"] for note in notes)}
        return [version for version in self.numbers if version >= keys.get("expired_before", 1) or version in kept]

    def open(self, version: int | None = None) -> Root:
        """A version, by default the newest."""
        if version is None or version == self.newest.version:
            return self.newest
        require(version in self.kept(), "layout.md#removal", f"version {version} has expired")
        return self.read(version)
