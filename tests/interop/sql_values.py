"""Values, filters and queries of columns of any type, as tenrow and DuckDB have them in SQL."""

from __future__ import annotations

import random
from dataclasses import dataclass

INTS = {"TINYINT": (8, True), "SMALLINT": (16, True), "INT": (32, True), "BIGINT": (64, True),
        '"u8"': (8, False), '"u16"': (16, False), '"u32"': (32, False), '"u64"': (64, False)}
DUCKDB = {'"u8"': "UTINYINT", '"u16"': "USMALLINT", '"u32"': "UINTEGER", '"u64"': "UBIGINT", "STRUCT": "STRUCT(x BIGINT, y VARCHAR)"}
WIDER = {"TINYINT": "SMALLINT", "SMALLINT": "INT", "INT": "BIGINT", '"u8"': '"u16"', '"u16"': '"u32"', '"u32"': '"u64"', "FLOAT": "DOUBLE"}
TYPES = [*INTS, "BIGINT", "FLOAT", "DOUBLE", "DOUBLE", "VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMPTZ",
         "DECIMAL(10,2)", "DECIMAL(20,4)", "BIGINT[]", "STRUCT"]
FLOATS = ("FLOAT", "DOUBLE")
NESTED = ("BIGINT[]", "STRUCT")
WORDS = ["", "a", "A", "ab", "b", "é", "zebra", "a%b", "a_b", "long " * 14 + "1", "long " * 14 + "2", "NULL", "0"]
COMPARE = ["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True)
class Two:
    """Text of SQL for tenrow, and the same for DuckDB."""

    own: str
    other: str

    @staticmethod
    def same(text: str) -> Two:
        return Two(text, text)


def join(glue: str, parts: list[Two]) -> Two:
    return Two(glue.join(p.own for p in parts), glue.join(p.other for p in parts))


def fill(pattern: str, *parts: Two) -> Two:
    return Two(pattern.format(*(p.own for p in parts)), pattern.format(*(p.other for p in parts)))


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    nullable: bool = True
    default: Two | None = None
    # The types that it had before.
    earlier: tuple[str, ...] = ()


class Drawn:
    """What a seed draws."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def chance(self, one_in: int) -> bool:
        return self.dice.randrange(one_in) == 0

    def pick(self, options):
        return self.dice.choice(list(options))

    def some(self, options, least: int, most: int) -> list:
        options = list(options)
        return self.dice.sample(options, min(len(options), self.dice.randint(least, most)))

    # Values

    def integer(self, bits: int, signed: bool) -> int:
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        if self.chance(5):
            return self.pick([low, high, low + 1, high - 1])
        return max(low, min(high, self.dice.randint(-9, 30)))

    def value(self, type_: str, null_in: int = 6) -> Two:
        """A value of a type, mostly a plain one."""
        if null_in and self.chance(null_in):
            return Two.same("NULL")
        if type_ in INTS:
            return Two.same(str(self.integer(*INTS[type_])))
        if type_ in FLOATS:
            if self.chance(3):
                return self.special(type_)
            return Two.same(f"{self.dice.randint(-40, 40) / 4}e0")
        if type_ == "VARCHAR":
            return Two.same(f"'{self.pick(WORDS)}'")
        if type_ == "BOOLEAN":
            return Two.same(self.pick(["TRUE", "FALSE"]))
        if type_ == "DATE":
            return Two.same(f"DATE '2022-{self.dice.randint(1, 12):02}-{self.dice.randint(1, 28):02}'")
        if type_ == "TIMESTAMP":
            return Two.same(f"TIMESTAMP '2022-01-{self.dice.randint(1, 28):02} {self.dice.randint(0, 23):02}:30:00'")
        if type_ == "TIMESTAMPTZ":
            zone = self.pick(["+00:00", "+06:00", "-03:30"])
            text = f"2022-01-{self.dice.randint(1, 3):02} {self.dice.randint(0, 23):02}:30:00{zone}"
            return Two.same(f"CAST('{text}' AS TIMESTAMPTZ)")
        if type_.startswith("DECIMAL"):
            scale = int(type_[-2])
            return Two.same(f"CAST('{self.dice.randint(-3000, 3000) / 100:.{scale}f}' AS {type_})")
        if type_ == "BIGINT[]":
            items = [self.value("BIGINT", 5) for _ in range(self.dice.randint(0, 3))]
            return Two.same("CAST([" + ", ".join(i.own for i in items) + "] AS BIGINT[])")
        assert type_ == "STRUCT", type_
        x, y = self.value("BIGINT", 5), self.value("VARCHAR", 5)
        return Two(f"named_struct('x', CAST({x.own} AS BIGINT), 'y', CAST({y.own} AS VARCHAR))", f"{{'x': {x.own}, 'y': {y.own}}}")

    def special(self, type_: str) -> Two:
        nan = f"CAST('NaN' AS {type_})"
        return self.pick([
            Two.same(nan), Two(f"-{nan}", nan), Two.same(f"CAST('Infinity' AS {type_})"),
            Two.same(f"CAST('-Infinity' AS {type_})"), Two.same("-0e0"), Two.same("0e0"),
        ])

    # Filters

    def literal(self, column: Column) -> Two:
        """What a column may be compared with; of numbers, also what its type cannot hold."""
        if column.type in INTS:
            return Two.same(self.pick([
                str(self.integer(*INTS[column.type])), str(self.dice.randint(-9, 30)), str(self.dice.randint(-9, 30)),
                self.pick(["300", "-1", "70000", "5000000000", "-129", "9223372036854775807", "18446744073709551615"]),
                f"{self.dice.randint(-20, 80) / 4}e0",
            ]))
        if column.type.startswith("DECIMAL"):
            text = self.pick([f"{self.dice.randint(-3000, 3000) / 100:.2f}", "4.321", "0.1", str(self.dice.randint(-9, 9))])
            return Two(text, f"CAST('{text}' AS DECIMAL(30,6))")
        if column.type == "DATE" and self.chance(4):
            return self.value("TIMESTAMP", 0)
        if column.type == "FLOAT" and self.chance(4):
            return Two.same(self.pick(["0.1e0", "16777217e0", "1e300", "-0e0"]))
        return self.value(column.type, 30)

    def member(self, column: Column) -> Column:
        """A member of a list or struct."""
        if column.type == "BIGINT[]":
            return Column(f"{column.name}[{self.dice.randint(1, 3)}]", "BIGINT")
        member, type_ = self.pick([("x", "BIGINT"), ("y", "VARCHAR")])
        return Column(f"{column.name}['{member}']", type_)

    def comparison(self, columns: list[Column]) -> Two:
        column = self.pick(columns)
        if column.type == "ROW":
            return Two.same(self.of_row(column.name))
        if column.type in NESTED:
            if self.chance(4):
                return Two.same(f"{column.name} IS {self.pick(['', 'NOT '])}NULL")
            column = self.member(column)
        name = Two.same(column.name)
        one = lambda: self.literal(column)  # noqa: E731
        operator = self.pick(COMPARE)
        alike = [c.name for c in columns if c.type == column.type or (c.type in INTS and column.type in INTS)
                 or (c.type in FLOATS and column.type in FLOATS)]

        def several() -> Two:
            values = [one() for _ in range(self.dice.randint(1, 4))]
            if column.type in INTS and any(value.own.endswith("e0") for value in values):
                # Beside a fraction DuckDB compares doubles, of which 18446744073709551614 and …615 are one.
                values = [value for value in values if len(value.own) < 16]
            return join(", ", values)

        options = [
            lambda: fill(f"{{}} {operator} {{}}", name, one()), lambda: fill(f"{{}} {operator} {{}}", name, one()),
            lambda: fill(f"{{}} {operator} {{}}", one(), name), lambda: fill("{} IS NULL", name), lambda: fill("{} IS NOT NULL", name),
            lambda: fill("{} IN ({})", name, several()), lambda: fill("{} NOT IN ({})", name, several()),
            lambda: fill("{} BETWEEN {} AND {}", name, one(), one()), lambda: fill("{} NOT BETWEEN {} AND {}", name, one(), one()),
            lambda: fill("({} IS DISTINCT FROM {})", name, one()), lambda: fill("({} IS NOT DISTINCT FROM {})", name, one()),
            lambda: fill("({} NOT IN ({}) OR {} NOT IN ({}))", name, one(), name, one()),
            lambda: fill(f"{{}} {operator} {{}}", name, Two.same(self.pick(alike or [name.own]))),
            lambda: fill("coalesce({}, {}) {} {}", name, one(), Two.same(operator), one()),
        ]
        if column.type == "VARCHAR":
            pattern = self.pick(["a%", "%b", "%", "_", "", "long%2", "%é%"])
            options += [lambda: Two.same(f"{name.own} {self.pick(['LIKE', 'NOT LIKE'])} '{pattern}'")] * 2
        if column.type == "BOOLEAN":
            options += [lambda: name, lambda: fill("NOT {}", name), lambda: fill("{} IS NOT TRUE", name), lambda: fill("{} IS FALSE", name)]
        return self.pick(options)()

    def of_row(self, row: str) -> str:
        one = lambda: self.dice.randint(-2, 40)  # noqa: E731
        return self.pick([
            f"{row} {self.pick(COMPARE)} {one()}", f"{row} IN ({one()}, {one()}, {one()})", f"{row} NOT IN ({one()}, {one()})",
            f"{row} BETWEEN {one()} AND {one()}", f"{one()} > {row}", f"{row} % 3 = 1", f"({row} IS DISTINCT FROM {one()})",
        ])

    def predicate(self, columns: list[Column], depth: int = 2) -> Two:
        if depth == 0 or self.chance(2):
            return self.comparison(columns)
        next_ = lambda: self.predicate(columns, depth - 1)  # noqa: E731
        return self.pick([
            lambda: fill("({} AND {})", next_(), next_()), lambda: fill("({} OR {})", next_(), next_()),
            lambda: fill("({} OR {} OR {})", next_(), next_(), next_()), lambda: fill("NOT ({})", next_()),
            lambda: fill("({}) IS NOT TRUE", next_()), lambda: self.chain(columns),
        ])()

    def chain(self, columns: list[Column]) -> Two:
        """As many conditions as programs write that put them together."""
        parts = [self.comparison(columns) for _ in range(self.dice.randint(3, 12))]
        if self.chance(12):
            parts *= self.dice.randint(2, 40)
        return fill("({})", join(self.pick([" AND ", " OR ", " OR "]), parts))
