"""Queries of tables whose columns are known, with what DuckDB answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb

from sql_values import COMPARE, FLOATS, INTS, NESTED, Column, Drawn, Two, fill, join

ROW = Column("_row", "ROW")


@dataclass(frozen=True)
class Step:
    """What tenrow is told, and the rows that it is to answer; `None`: nothing is compared."""

    told: object
    expected: list[list] | None = None
    is_ordered: bool = False
    # Whether integers are computed with, which may be too large.
    is_exact: bool = False
    # The largest of those that the rows of the answer are computed from.
    largest: int = 0


@dataclass(frozen=True)
class Source:
    """A table, a tagged version or a view."""

    name: str
    columns: list[Column]

    def called(self, alias: str) -> list[Column]:
        dot = f"{alias}." if alias else ""
        return [replace(column, name=dot + column.name) for column in [*self.columns, ROW]]


class Asking(Drawn):
    """Draws queries, and asks DuckDB."""

    duckdb: duckdb.DuckDBPyConnection

    def question(self, sources: list[Source]) -> Step:
        kinds = {
            self.rows: 8, self.totals: 6, self.groups: 4, self.joined: 6, self.membership: 4, self.arithmetic: 5, self.top: 3,
            self.sets: 2, self.windows: 2, self.sums: 1,
        }
        return self.dice.choices(list(kinds), list(kinds.values()))[0](sources)

    def asked(self, sql: Two, is_ordered: bool = False, is_exact: bool = False) -> Step:
        try:
            expected = self.duckdb.execute(sql.other).fetchall()
        except duckdb.OutOfRangeException:
            assert is_exact, sql.other
            expected = [[1 << 127]]
        except duckdb.Error as error:
            raise AssertionError(f"DuckDB: {error}: {sql.other}") from error
        return Step(sql.own, [list(row) for row in expected], is_ordered, is_exact)

    def where(self, columns: list[Column]) -> Two:
        return Two.same("") if self.chance(2) else fill(" WHERE {}", self.predicate(columns))

    def shown(self, columns: list[Column], least: int, most: int) -> list[str]:
        """What both answer in the same form; of structs their members."""
        columns = [self.member(c) if c.type == "STRUCT" else c for c in columns]
        return [c.name for c in self.some([c for c in columns if c.type != "TIMESTAMPTZ"], least, most)]

    def named(self, expressions: list[Two]) -> Two:
        return join(", ", [fill(f"{{}} AS o{n}", each) for n, each in enumerate(expressions)])

    def of(self, columns: list[Column], *types: str) -> list[Column]:
        return [c for c in columns if c.type in types]

    def rows(self, sources: list[Source]) -> Step:
        source = self.pick(sources)
        columns = source.called("")
        shown = self.named([Two.same(name) for name in self.shown(columns, 1, 4)] or [Two.same("_row")])
        order = self.pick(["", " ORDER BY _row", " ORDER BY _row DESC"])
        limit = f" LIMIT {self.dice.randint(0, 6)}" if order and self.chance(3) else ""
        sql = fill(f"SELECT {{}} FROM {source.name}{{}}{order}{limit}", shown, self.where(columns))
        return self.asked(sql, is_ordered=bool(order))

    def aggregate(self, columns: list[Column]) -> Two:
        column = self.pick([c for c in columns if c.type != "TIMESTAMPTZ"])
        functions = ["count", "min", "max"]
        if column.type == "BOOLEAN":
            functions = ["count", "bool_and", "bool_or"]
        if column.type in NESTED:
            functions = ["count"]
        if column.type in (*INTS, *FLOATS) or column.type.startswith("DECIMAL"):
            functions += ["sum"]
        if column.type in FLOATS:
            functions += ["avg"]
        filter_ = fill(" FILTER (WHERE {})", self.comparison(columns)) if self.chance(5) else Two.same("")
        if self.chance(8) and column.type not in NESTED:
            return fill(f"count(DISTINCT {column.name}){{}}", filter_)
        return fill(f"{self.pick(functions)}({column.name}){{}}", filter_)

    def aggregates(self, columns: list[Column]) -> list[Two]:
        return [self.aggregate(columns) if self.dice.random() < 0.9 else Two.same("count(*)") for _ in range(self.dice.randint(1, 4))]

    def totals(self, sources: list[Source]) -> Step:
        source = self.pick(sources)
        columns = source.called("")
        where = Two.same("") if self.chance(2) else self.where(columns)
        return self.asked(fill(f"SELECT {{}} FROM {source.name}{{}}", self.named(self.aggregates(columns)), where), is_exact=True)

    def groups(self, sources: list[Source]) -> Step:
        source = self.pick(sources)
        columns = source.called("")
        keys = [c.name for c in self.some([c for c in columns if c.type not in (*NESTED, "TIMESTAMPTZ")], 1, 2)]
        shown = self.named([Two.same(key) for key in keys] + self.aggregates(columns))
        having = Two.same("") if self.chance(2) else Two.same(f" HAVING count(*) {self.pick(COMPARE)} {self.dice.randint(0, 3)}")
        sql = fill(f"SELECT {{}} FROM {source.name}{{}} GROUP BY {', '.join(keys)}{{}}", shown, self.where(columns), having)
        # A sum may be too large of a group that is left out.
        return replace(self.asked(sql, is_exact=True), largest=1 << 63 if having.own else 0)

    def joined(self, sources: list[Source]) -> Step:
        """Joins, with filters on either side: above, and in `ON`."""
        left, right = self.pick(sources), self.pick(sources)
        a, b = left.called("a"), right.called("b")
        pairs = [(x, y) for x in a for y in b if x.type not in (*NESTED, "TIMESTAMPTZ") and (
            x.type == y.type or {x.type, y.type} <= set(INTS) or {x.type, y.type} <= set(FLOATS))]
        x, y = self.pick(pairs)
        on = Two.same(f"{x.name} = {y.name}")
        kind = self.pick(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        if self.chance(3) and kind != "FULL JOIN":
            on = fill("{} AND {}", on, self.comparison(a if self.chance(2) else b))
        sides = self.pick([a, b, a + b])
        where = Two.same("") if self.chance(2) else fill(" WHERE {}", self.predicate(sides, 1))
        from_ = fill(f"{left.name} AS a {kind} {right.name} AS b ON {{}}{{}}", on, where)
        if self.chance(3):
            return self.asked(fill("SELECT {} FROM {}", self.named(self.aggregates(a + b)), from_), is_exact=True)
        names = [Two.same(name) for name in ["a._row", "b._row", *self.shown(a, 0, 2), *self.shown(b, 0, 2)]]
        return self.asked(fill("SELECT {} FROM {}", self.named(names), from_))

    def membership(self, sources: list[Source]) -> Step:
        outer, inner = self.pick(sources), self.pick(sources)
        a, b = outer.called("a"), inner.called("b")
        pairs = [(x.name, y.name) for x in a for y in b if x.type == y.type and x.type not in (*NESTED, "TIMESTAMPTZ")]
        x, y = self.pick(pairs)
        u, v = self.pick(pairs)
        other = self.pick([f"{u} = {v}", f"{v} >= {u}", f"{u} IS NULL", f"{v} IS NOT NULL", f"{v} IS NULL"])
        own = self.comparison(b)
        where = self.pick([
            Two.same(""), fill(" WHERE {}", own), Two.same(f" WHERE {other}"), fill(" WHERE {} AND {}", Two.same(other), own)])
        query = fill(f"(SELECT {y} FROM {inner.name} AS b{{}})", where)
        if x == "a._row" and self.chance(3):
            x = str(self.dice.randint(0, 9))
        condition = self.pick([
            fill(f"{x} NOT IN {{}}", query), fill(f"{x} IN {{}}", query), fill(f"NOT ({x} IN {{}})", query),
            fill("EXISTS {}", query), fill("NOT EXISTS {}", query), fill(f"({x} IN {{}}) IS NOT TRUE", query)])
        if self.chance(2):
            condition = fill(f"{{}} {self.pick(['AND', 'OR'])} {{}}", condition, self.comparison(a))
        if self.chance(4):
            condition = fill(self.pick(["NOT ({})", "({}) IS NOT FALSE", "({}) IS NULL"]), condition)
        return self.asked(fill(f"SELECT a._row FROM {outer.name} AS a WHERE {{}} ORDER BY a._row", condition), is_ordered=True)

    def number(self, columns: list[Column]) -> tuple[Two, bool]:
        """An integer for tenrow, and one that is wide enough for DuckDB."""
        ints = self.of(columns, *INTS)
        if ints and not self.chance(4):
            column = self.pick(ints)
            return Two(column.name, f"CAST({column.name} AS HUGEINT)"), True
        return Two.same(str(self.pick([1, 2, -1, 7, 9223372036854775807]))), False

    def computed(self, columns: list[Column]) -> Two:
        column = self.pick(self.of(columns, *INTS) or [ROW])
        first = Two(column.name, f"CAST({column.name} AS HUGEINT)")
        second, _ = self.number(columns)
        operators = ["+", "-", "*"]
        if column.type == "BIGINT":
            operators += ["neg", "/", "%"]
        match self.pick(operators):
            case "neg":
                return fill("-{}", first)
            case "/":
                return Two(f"{first.own} / {(k := self.pick([2, 3, -1]))}", f"{first.other} // {k}")
            case "%":
                return fill(f"{{}} % {self.pick([2, 7])}", first)
            case operator:
                pair = self.pick([[first, second], [second, first]])
                return fill(f"{{}} {operator} {{}}", *pair)

    def arithmetic(self, sources: list[Source]) -> Step:
        source = self.pick(sources)
        columns = source.called("")
        outputs = [self.computed(columns) for _ in range(self.dice.randint(1, 2))]
        if self.chance(4):
            where = self.where(columns)
            largest = ", ".join(f"max(abs({each.other}))" for each in outputs)
            step = self.asked(fill(f"SELECT {{}} FROM {source.name}{{}}", self.named([fill("sum({})", each) for each in outputs]), where), is_exact=True)
            try:
                found = self.duckdb.execute(f"SELECT {largest} FROM {source.name}{where.other}").fetchone()
            except duckdb.OutOfRangeException:
                found = [1 << 127]
            return replace(step, largest=max((value for value in found if value is not None), default=0))
        shown = self.named([Two.same("_row"), *outputs])
        sql = fill(f"SELECT {{}} FROM {source.name}{{}} ORDER BY _row", shown, self.where(columns))
        return self.asked(sql, is_ordered=True, is_exact=True)

    def sums(self, sources: list[Source]) -> Step:
        """Long chains of numbers and texts."""
        source = self.pick(sources)
        columns = source.called("")
        narrow = [c.name for c in self.of(columns, *INTS) if INTS[c.type][0] < 64] or ["_row"]
        chain = " + ".join(self.pick([*narrow, "1"]) for _ in range(self.pick([3, 10, 199 if self.chance(4) else 20])))
        other = " + ".join(f"CAST({part} AS HUGEINT)" for part in chain.split(" + "))
        texts = [c.name for c in self.of(columns, "VARCHAR")] or ["'a'"]
        glued = " || ".join(self.pick([*texts, "'-'"]) for _ in range(self.dice.randint(3, 60)))
        shown = self.named([Two.same("_row"), Two(chain, other), Two.same(glued)])
        return self.asked(fill(f"SELECT {{}} FROM {source.name}{{}}", shown, self.where(columns)))

    def top(self, sources: list[Source]) -> Step:
        source = self.pick(sources)
        columns = source.called("")
        keys = [c.name for c in self.some([c for c in columns if c.type not in NESTED], 1, 2)]
        order = [f"{key} {self.pick(['ASC', 'DESC'])} NULLS {self.pick(['FIRST', 'LAST'])}" for key in keys]
        shown = self.named([Two.same(name) for name in ["_row", *self.shown(columns, 0, 2)]])
        limit = f" LIMIT {self.dice.randint(1, 8)}" + (f" OFFSET {self.dice.randint(1, 4)}" if self.chance(4) else "")
        sql = fill(f"SELECT {{}} FROM {source.name}{{}} ORDER BY {', '.join([*order, '_row'])}, _row_id{limit}", shown, self.where(columns))
        return self.asked(sql, is_ordered=True)

    def sets(self, sources: list[Source]) -> Step:
        source, other = self.pick(sources), self.pick(sources)
        pairs = [(x.name, y.name) for x in source.called("") for y in other.called("") if x.type == y.type and x.type not in (*NESTED, "TIMESTAMPTZ")]
        chosen = self.some(pairs, 1, 2)
        one = lambda source, names: fill(  # noqa: E731
            f"SELECT {{}} FROM {source.name}{{}}", self.named([Two.same(name) for name in names]), self.where(source.called("")))
        if self.chance(2):
            select = fill("SELECT DISTINCT {}", Two.same(", ".join(f"{x} AS o{n}" for n, (x, _) in enumerate(chosen))))
            return self.asked(fill(f"{{}} FROM {source.name}{{}}", select, self.where(source.called(""))))
        operator = self.pick([" UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT "])
        return self.asked(join(operator, [one(source, [x for x, _ in chosen]), one(other, [y for _, y in chosen])]))

    def windows(self, sources: list[Source]) -> Step:
        source = self.pick(sources)
        columns = source.called("")
        parts = [c.name for c in self.some([c for c in columns if c.type not in (*NESTED, "TIMESTAMPTZ", "ROW")], 0, 1)]
        within = (f"PARTITION BY {parts[0]} " if parts else "") + "ORDER BY _row, _row_id"
        values = [c.name for c in columns if c.type not in (*NESTED, "TIMESTAMPTZ", "BOOLEAN")]
        value = self.pick(values)
        window = self.pick([
            f"row_number() OVER ({within})", f"lag({value}) OVER ({within})", f"first_value({value}) OVER ({within})",
            f"max({value}) OVER ({within})", f"min({value}) OVER ({within} ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
            f"count({value}) OVER ({within})"])
        shown = self.named([Two.same("_row"), Two.same(window)])
        return self.asked(fill(f"SELECT {{}} FROM {source.name}{{}}", shown, self.where(columns)))
