"""Random datasets, made with the program: a seed always makes the same datasets by the same operations."""

from __future__ import annotations

import json
import math
import os
import pathlib
import random
from collections import Counter
from decimal import Context, Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import program
from program import Failed, tenrow
from second_reader.type_text import Type, arrow_field, parse

WIDER = {"i8": "i16", "i16": "i32", "i32": "i64", "u8": "i16", "u16": "u32", "u32": "u64", "f16": "f32", "bf16": "f32", "f32": "f64"}
LARGE_FILE_BYTES = 2 << 20
ENCODINGS = ["raw", "zstd:1", "zstd:9", "auto"]


def number(dtype: str):
    """What makes a random number of a dtype."""
    if dtype == "bool":
        return lambda r: r.random() < 0.5
    if dtype == "bf16":
        return lambda r: r.randbytes(2)
    if dtype == "f16":
        return lambda r: np.frombuffer(r.randbytes(2), np.float16)[0]
    if dtype[0] == "f":
        return lambda r: r.choice([0.0, -0.0, 1e-45, float("nan"), float("inf"), -1.5, r.randint(-2048, 2048) / 16])
    bits = int(dtype[1:])
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if dtype[0] == "i" else (0, (1 << bits) - 1)
    return lambda r: r.choice([low, high, 0, r.randint(low, high)])


def tensor(kind: Type):
    """What makes a random tensor, in the form that Arrow keeps it in."""
    one = number(kind.dtype)

    def make(r: random.Random):
        shape = [r.randint(0, 4) if size is None else size for size in kind.shape]
        data = [one(r) for _ in range(math.prod(shape))]
        return {"data": data, "shape": shape} if kind.is_variable else data
    return make


def text(r: random.Random) -> str:
    return r.choice(["", "ß数\"/\n", "a" * 80, f"text {r.randint(0, 9)}", "null"])


def some(make, most: int = 5):
    return lambda r: [make(r) for _ in range(r.randint(0, most))]


def or_null(make):
    return lambda r: None if r.random() < 0.3 else make(r)


def digits(count: int, scale: int):
    return lambda r: Decimal(r.randint(1 - 10**count, 10**count - 1)).scaleb(-scale, Context(prec=count))


def big(r: random.Random) -> dict:
    """A file, small, larger or large enough to be an object of its own."""
    content = r.randbytes(r.choice([0, 9, 2000, 20000])) if r.random() < 0.97 else r.randbytes(LARGE_FILE_BYTES)
    return {"bytes": content, "name": r.choice([None, "a.png"])}


KINDS = {
    **{dtype: number(dtype) for dtype in ("bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "bf16", "f32", "f64")},
    "string": text,
    "binary": lambda r: r.randbytes(r.randint(0, 9)),
    "fixed_binary(3)": lambda r: r.randbytes(3),
    "timestamp(us,UTC)": number("i64"), "timestamp(s)": lambda r: r.randint(-10**9, 10**9), "timestamp(ns)": number("i64"),
    "time32(s)": lambda r: r.randrange(86400), "time64(ns)": lambda r: r.randrange(86400 * 10**9), "duration(ms)": number("i32"),
    "date32": lambda r: r.randint(-10**5, 10**5), "date64": lambda r: r.randint(-10**5, 10**5) * 86400000,
    "decimal32(5,1)": digits(5, 1), "decimal64(12,0)": digits(12, 0), "decimal128(10,2)": digits(10, 2), "decimal256(50,3)": digits(50, 3),
    "list<u8>": some(number("u8"), 40), "list<u16?>": some(or_null(number("u16"))), "list<f32?>": some(number("f32")),
    "list<bool>": some(number("bool"), 20), "list<i16>": some(number("i16"), 500), "list<f16?>": some(number("f16")),
    "list<string?>": some(or_null(text)), "list<i16?>": some(or_null(number("i16"))), "duration(us)": number("i32"),
    "struct<x:f32,y:list<string?>?>": lambda r: {"x": 1.5, "y": or_null(some(text))(r)},
    "map<string,i64?>": lambda r: [(key, or_null(number("i64"))(r)) for key in "abc"[:r.randint(0, 3)]],
    "file": big,
    **{kind: tensor(parse(kind)) for kind in (
        "u8[2,3]", "i8[20]", "bool[9]", "bool[]", "f16[2]", "bf16[3]", "f64[]", "i16[4]", "u16[1]", "u16[300]", "u32[2,1,2]", "i64[2]",
        "f32[50]", "f32[0,3]", "f32[?,2]", "i16[2,?]", "u8[?]", "bool[?,3]", "bf16[?]", "i8[?,0]", "u16[?,?,2]")},
}
PLAIN_DEFAULTS = {"i32": "7", "i64?": "-1", "string": "none", "f32": "0.5", "bool": "true", "u8[2,3]": "9", "date32": "2020-02-29",
                  "decimal128(10,2)": "12.50", "timestamp(us,UTC)": "2021-01-01T00:00:00Z", "time32(s)": "12:00:01", "time64(ns)": "23:59:59.5", "date64": "1969-12-31",
                  "decimal32(5,1)": "-0.25", "u64": "18446744073709551615", "bool[9]": "true", "bf16[3]": "1.5", "f16": "0.25", "i16[4]": "-2"}


class World:
    """Some datasets in one folder, and what was done to them."""

    def __init__(self, seed: int, folder: pathlib.Path):
        self.random, self.folder, self.names = random.Random(seed), folder, 0
        self.done, self.refused, self.log = Counter(), Counter(), []
        self.datasets: list[pathlib.Path] = []
        folder.mkdir()
        self.create()
        self.create()
        for _ in range(self.random.randint(6, 14)):
            self.act()
        self.move()

    def act(self) -> None:
        """One operation on one dataset; one that the program refuses is counted and passed over."""
        operation = self.random.choices(list(OPERATIONS), list(OPERATIONS.values()))[0]
        dataset = self.random.choice(self.datasets)
        self.log.append(f"{operation.__name__} {dataset.name}")
        try:
            operation(self, dataset)
            self.done[operation.__name__] += 1
        except Failed as refusal:
            self.refused[operation.__name__] += 1
            self.log.append(str(refusal))

    def name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}{self.names}"

    def attributes(self, dataset: pathlib.Path) -> list[dict]:
        return json.loads(tenrow("info", "--json", dataset))["attributes"]

    def row_count(self, dataset: pathlib.Path) -> int:
        return json.loads(tenrow("info", "--json", dataset))["rows"]

    def some_rows(self, dataset: pathlib.Path) -> str:
        count = self.row_count(dataset)
        rows = [self.random.randrange(count) for _ in range(self.random.randint(1, 9))] if count else []
        if count and self.random.random() < 0.3:
            rows.append(f"0..{self.random.randint(1, count)}")
        return ",".join(map(str, rows))

    def create(self) -> None:
        kinds = self.random.sample(list(KINDS), self.random.randint(3, 9))
        dataset, arguments = self.folder / self.name("set"), []
        for kind in ["i32", *kinds]:
            name = self.name("a")
            arguments += ["-a", f"{name}:{kind}{self.random.choice(['', '?'])}"]
            if self.random.random() < 0.4:
                floats = kind[:3] in ("f32", "f64") and self.random.random() < 0.5
                arguments += ["--encoding", f"{name}={'byte_stream_split+zstd:3' if floats else self.random.choice(ENCODINGS)}"]
        tenrow("create", dataset, *arguments)
        self.datasets.append(dataset)
        self.append(dataset)

    def append(self, dataset: pathlib.Path) -> None:
        attributes, r = self.attributes(dataset), self.random
        count, nulls = r.choice([1, 3, 20, 60, 400]), r.choice([0, 0.2, 0.9])
        columns, fields = [], []
        for attribute in attributes:
            kind = attribute["type"].rstrip("?")
            make = KINDS.get(kind) or tensor(parse(kind))  # a tensor that only widening makes
            fields.append(arrow_field(attribute["name"], kind, attribute["nullable"]))
            values = [None if attribute["nullable"] and r.random() < nulls else make(r) for _ in range(count)]
            columns.append(pa.array(values, fields[-1].type))
        source = self.folder / f"{self.name('rows')}.parquet"
        pq.write_table(pa.table(columns, pa.schema(fields)), source)
        keys = [field.name for field in fields if field.type in (pa.string(), pa.bool_(), pa.uint8())]
        tenrow("import", dataset, source, "--cast", "safe", *(["--partition-by", r.choice(keys)] if keys and r.random() < 0.3 else []))

    def delete(self, dataset: pathlib.Path) -> None:
        if rows := self.some_rows(dataset):
            tenrow("delete", dataset, "--rows", rows)

    def update(self, dataset: pathlib.Path) -> None:
        literals = {"i": "5", "u": "6", "f": "2.5", "string": "'new'", "bool": "false"}
        attributes = [a for a in self.attributes(dataset) if a["type"].rstrip("?") in ("string", "bool", "i8", "i16", "i32", "i64", "u8", "u64", "f32", "f64")]
        nullable = [a for a in self.attributes(dataset) if a["nullable"]]
        if nullable and self.random.random() < 0.4:
            name, value = self.random.choice(nullable)["name"], "NULL"
        elif attributes:
            chosen = self.random.choice(attributes)
            kind = chosen["type"].rstrip("?")
            name, value = chosen["name"], literals.get(kind) or literals[kind[0]]
        else:
            return
        rows = self.random.choice(["", f"WHERE _row % {self.random.randint(2, 5)} = 1", f"WHERE _row < {self.random.randint(1, 9)}"])
        tenrow("sql", "--root", self.folder, f'UPDATE "{dataset.name}" SET "{name}" = {value} {rows}')

    def add(self, dataset: pathlib.Path) -> None:
        if self.random.random() < 0.5:
            kind, default = self.random.choice(list(PLAIN_DEFAULTS.items()))
            tenrow("schema", "add", dataset, "-a", f"{self.name('a')}:{kind}", f"--default={default}")
        else:
            tenrow("schema", "add", dataset, "-a", f"{self.name('a')}:{self.random.choice(list(KINDS))}?")

    def drop(self, dataset: pathlib.Path) -> None:
        tenrow("schema", "drop", dataset, self.random.choice(self.attributes(dataset))["name"])

    def rename(self, dataset: pathlib.Path) -> None:
        tenrow("schema", "rename", dataset, self.random.choice(self.attributes(dataset))["name"], self.name("r.n "))

    def widen(self, dataset: pathlib.Path) -> None:
        numbers = [a for a in self.attributes(dataset) if a["type"].split("[")[0].rstrip("?") in WIDER]
        if numbers:
            chosen = self.random.choice(numbers)
            tenrow("schema", "widen", dataset, chosen["name"], WIDER[chosen["type"].split("[")[0].rstrip("?")])

    def nullable(self, dataset: pathlib.Path) -> None:
        tenrow("schema", "nullable", dataset, self.random.choice(self.attributes(dataset))["name"])

    def reorder(self, dataset: pathlib.Path) -> None:
        tenrow("schema", "reorder", dataset, self.random.choice(self.attributes(dataset))["name"])

    def compact(self, dataset: pathlib.Path) -> None:
        tenrow("compact", dataset)

    def tag(self, dataset: pathlib.Path) -> None:
        tenrow("tag", dataset, self.name("tag"), "--version", self.random.choice(program.versions(dataset)))

    def view(self, dataset: pathlib.Path) -> None:
        tenrow("view", "create", dataset, self.name("view"), "--rows", self.some_rows(dataset))

    def restore(self, dataset: pathlib.Path) -> None:
        tenrow("restore", dataset, self.random.choice(program.versions(dataset)))

    def expire(self, dataset: pathlib.Path) -> None:
        tenrow("expire", dataset, "--keep-last", self.random.randint(1, 3), "--older-than", "0s")
        if self.random.random() < 0.5:
            tenrow("vacuum", dataset, "--older-than", "0s")

    def clone(self, dataset: pathlib.Path) -> None:
        target = self.folder / self.name("clone")
        tenrow("clone", dataset, target, "--version", self.random.choice(program.versions(dataset)), *self.random.choice([[], [], ["--copy"]]))
        self.datasets.append(target)

    def merge(self, dataset: pathlib.Path) -> None:
        others = [other for other in self.datasets if other != dataset]
        if others:
            tenrow("merge", dataset, self.random.choice(others))

    def insert(self, dataset: pathlib.Path) -> None:
        other = self.random.choice(self.datasets)
        tenrow("sql", "--root", self.folder, f'INSERT INTO "{dataset.name}" SELECT * FROM "{other.name}" LIMIT 30')

    def in_place(self, dataset: pathlib.Path) -> None:
        """Indexes an ordinary file where it is, as a new dataset or rows of one that such a file began."""
        r, count, source = self.random, self.random.randint(1, 50), self.folder / f"{self.name('theirs')}.parquet"
        floats = pa.array([r.random() for _ in range(4 * count)], pa.float32())
        table = pa.table({
            "n": pa.array([r.randint(0, 9) for _ in range(count)], pa.int64()),
            "wait": pa.array([r.choice([None, r.randint(0, 10**9)]) for _ in range(count)], pa.duration("us")),
            "word": pa.array([r.choice(["a", "b", None]) for _ in range(count)], pa.string()).dictionary_encode(),
            "large": pa.array([text(r) for _ in range(count)], pa.large_string()),
            "x": pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.float32(), [2, 2]), pa.FixedSizeListArray.from_arrays(floats, 4)),
            "list": pa.array([some(number("i16"))(r) for _ in range(count)], pa.list_(pa.int16())),
        })
        pq.write_table(table, source, row_group_size=r.choice([7, 100]), compression=r.choice(["snappy", "none"]))
        theirs = [d for d in self.datasets if d.name.startswith("theirs")]
        target = r.choice(theirs) if theirs and r.random() < 0.5 else self.folder / self.name("theirs")
        tenrow("import", target, source, *r.choice([["--in-place"], ["--in-place"], []]))
        if target not in self.datasets:
            self.datasets.append(target)

    def move(self) -> None:
        """Moves all datasets together: neighbours find each other again, but not indexed files that stay behind."""
        if not any(d.name.startswith("theirs") for d in self.datasets) and self.random.random() < 0.3:
            moved = self.folder.with_name(self.folder.name + "-moved")
            os.rename(self.folder, moved)
            self.datasets = [moved / dataset.name for dataset in self.datasets]


OPERATIONS = {
    World.append: 8, World.delete: 6, World.update: 6, World.add: 5, World.drop: 1, World.rename: 2, World.widen: 4, World.nullable: 2,
    World.reorder: 1, World.compact: 3, World.tag: 2, World.view: 2, World.restore: 2, World.expire: 2, World.clone: 4, World.merge: 5,
    World.insert: 2, World.in_place: 2,
}
