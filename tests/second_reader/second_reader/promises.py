"""What a writer promises and no reader relies on: rules that can be broken without a wrong row."""

from __future__ import annotations

import json

import pyarrow as pa

from .dataset import DataFile, Dataset
from .leaf import Places, read_partitions
from .pages import DICTIONARY, read_pages
from .root import Root
from .thrift import Compact
from .type_text import Type, arrow_field, parse


def broken(dataset: Dataset, version: int) -> list[str]:
    """The promises that a version breaks, each with its rule."""
    root = dataset.history.open(version)
    places, found = Places(dataset.folder, root), []
    partitions = [partition for leaf in root.keys["leaves"] for partition in read_partitions(places, leaf)]
    found += features(root, partitions)
    for partition in partitions:
        found += statistics(dataset, places, root, partition)
        for attribute in root.attributes:
            if attribute.type.head == "file":
                rows = dataset.column(places, attribute, partition)
                named = {row["large"] for row in rows if row and row["large"]}
                found += [f"manifest.md#leaf: external_files lacks {path}" for path in named - partition["external_files"]]
        for entry in partition["files"]:
            if not entry["foreign"]:
                found += file_promises(dataset.file(places, entry))
    return found


def features(root: Root, partitions: list[dict]) -> list[str]:
    """Every feature that a version uses is named. Some name what only older versions used."""
    keys, attributes = root.keys, root.keys["schema"]["attributes"]
    used = {
        "deletion_vectors": any(p["deletes"] for p in partitions), "column_files": any(len(p["files"]) > 1 for p in partitions),
        "foreign_files": any(file["foreign"] for p in partitions for file in p["files"]),
        "external_files": any(p["external_files"] for p in partitions), "default_values": any("default" in a for a in attributes),
        "earlier_forms": any("earlier" in a for a in attributes), "origins": bool(root.origins),
    }
    of_writers = {**used, "views": bool(keys["views"]), "expired_versions": keys.get("expired_before", 1) > 1, "single_writer": keys["single_writer"]}
    found = []
    for names, what in ((keys["reader_features"], used), (keys["writer_features"], of_writers)):
        missing = sorted(name for name, there in what.items() if there and name not in names)
        if missing:
            found.append(f"manifest.md#features: {missing} are used and not named")
    return found


def in_order(kind: Type, value: object) -> object:
    """What values of a type are ordered by: false before true, numbers by value, texts by code point."""
    return value.encode() if kind.head == "string" and isinstance(value, str) else value


def statistics(dataset: Dataset, places: Places, root: Root, partition: dict) -> list[str]:
    """Bounds and keys are those of the values."""
    bounded = [*(f"{sign}{bits}" for sign in "iu" for bits in (8, 16, 32, 64)), "bool", "f32", "f64"]
    attributes = {id: a for a in root.attributes for id in a.forms if a.type.dtype and a.type.head != "tensor" or a.type.head == "string"}
    others = {id: a.name for a in root.attributes for id in a.forms if a.type.head != "string" and (a.type.head == "tensor" or a.type.dtype not in bounded)}
    found = [f"manifest.md#root: statistics of {others[s['field']]!r}, which has no order" for s in partition["statistics"] if s["field"] in others]
    for known in partition["statistics"]:
        attribute = attributes.get(known["field"])
        newest = max((f["sequence"], id) for f in partition["files"] for id in f["field_ids"] if id in attribute.forms) if attribute else None
        if not newest or newest[1] != known["field"]:
            continue  # of an earlier form, or of a type whose bounds are not compared here
        values = dataset.column(places, attribute, partition)
        ordered = [in_order(attribute.type, v) for v in values if v is not None and not str(v).startswith("nan:")]
        ordered = [float(v) if v in ("inf", "-inf") else v for v in ordered]
        low, high = (None if known[key] is None else in_order(attribute.type, json.loads(known[key])) for key in ("min", "max"))
        holds = all((low is None or low <= v) and (high is None or v <= high) for v in ordered)
        exact = not known["exact"] or len(str(known["max"])) > 62 or (low in ordered and high in ordered)
        if not holds or not exact or known["null_count"] != values.count(None):
            found.append(f"manifest.md#root: statistics of {attribute.name!r} are {known}")
    for key in partition["keys"]:
        attribute = attributes.get(key["field"])
        if attribute and set(dataset.column(places, attribute, partition)) != {json.loads(key["value"])}:
            found.append(f"partition.md#keys: {attribute.name!r} is not {key['value']} in all rows")
    return found


def file_promises(file: DataFile) -> list[str]:
    """The rules of a Parquet file."""
    path, metadata, found = file.entry["path"], file.parquet.metadata, []

    def promise(holds: object, rule: str, what: str) -> None:
        if not holds:
            found.append(f"{rule}: {what} of {path}")

    promise(metadata.created_by, "partition.md#a-file", "no created_by")
    promise(metadata.format_version.startswith("2"), "partition.md#a-file", f"version {metadata.format_version}")
    for field in file.fields:
        given = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        text, id = given.get("tenrow:type", ""), given.get("PARQUET:field_id")
        kind = parse(text)
        if kind.head != "interval" and "interval" not in text:
            stored = field.type.storage_type if hasattr(field.type, "storage_type") else field.type
            wanted = arrow_field(field.name, text, field.nullable).type
            bare = pa.types.is_integer(stored) and pa.types.is_temporal(wanted) and stored.bit_width == wanted.bit_width
            promise(stored == wanted or bare or kind.head == "map", "schema.md#attributes-in-arrow-and-parquet", f"{field.name!r}: {stored}, not {wanted}")
        promise((id or "").isdecimal(), "schema.md#field-metadata", f"id {id} of {field.name!r}")
    layouts = {(chunk["row_group"], chunk["column"]): chunk for chunk in file.entry["chunks"]}
    for group in range(metadata.num_row_groups):
        for column, index in enumerate(file.field_of_column):
            chunk, listed = metadata.row_group(group).column(column), layouts.get((group, column))
            what = f"{chunk.path_in_schema} in row group {group}"
            pages = read_pages(file.data, *file.span(group, column), False)
            promise(all(4 in page.header for page in pages), "partition.md#a-file", f"a page without CRC of {what}")
            promise(all(crc_is_long(file.data, page.start) for page in pages), "tensor-pages.md#header", f"a short CRC of {what}")
            data_pages = [page for page in pages if page.header[1] != DICTIONARY]
            kind = parse((file.fields[index].metadata or {})[b"tenrow:type"].decode())
            raw = listed and listed["layout"] != "indexed"
            begins = [some[0].start % 64 for some in (data_pages, pages) if some]  # an ordinary chunk begins there with its dictionary
            promise(not begins or 0 in begins[:1 if raw else 2], "partition.md#a-file", f"the place of {what}")
            promise(chunk.has_offset_index, "partition.md#a-file", f"no OffsetIndex of {what}")
            if raw or kind.head == "file" and chunk.path_in_schema.endswith(".bytes"):
                promise(not chunk.has_column_index and not chunk.is_stats_set, "partition.md#a-file", f"statistics of {what}")
            if listed and listed["layout"] == "indexed" and listed["offset_index_start"] is not None:
                promise(offset_index_is(file.data, listed, data_pages), "manifest.md#leaf", f"OffsetIndex of {what}")
    return found


def crc_is_long(data: memoryview, at: int) -> bool:
    """Whether a header's CRC, its fourth field, stands in five bytes."""
    source = Compact(data, at)
    for _ in range(3):
        source.byte()
        source.varint()
    source.byte()
    start = source.at
    source.varint()
    return source.at - start == 5


def offset_index_is(data: memoryview, listed: dict, pages: list) -> bool:
    """Whether the OffsetIndex that a leaf names tells where the data pages are."""
    start, end = listed["offset_index_start"], listed["offset_index_end"]
    source = Compact(data[:end], start)
    places = source.struct()[1]
    return source.at == end and [(place[1], place[2]) for place in places] == [(page.start, page.end - page.start) for page in pages]
