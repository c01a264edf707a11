"""Random queries that tenrow and DuckDB are to answer alike, the same for the same seed.

What the two define differently is avoided by construction:

- `/` of integers is a whole number for DataFusion and not for DuckDB: only floats are divided, never by zero.
- Arithmetic on narrow integers overflows in DuckDB where DataFusion widens: integers are cast to BIGINT first.
- `0.5` is a decimal for DuckDB and a float for DataFusion: floats are written `5e-1`.
- `CAST(1.5 AS BIGINT)` rounds in DuckDB and cuts in DataFusion: floats are never cast to integers.
- `-0.0` is less than `0.0` in Arrow's order of floats and equal in DuckDB's: nothing gives `-0.0`, so no factor is
  negative and `ceil` and `round` see no negative number.
- Nulls come last in DuckDB's descending orders and first in DataFusion's: every order says where they come.
- `LIMIT` without a whole order may give any rows: see `Query.superset`.
- Sums of floats depend on the order of rows: what is compared or ordered by is a multiple of a quarter and exact.
- `a IS DISTINCT FROM b OR c` is `a IS DISTINCT FROM (b OR c)` for the parser of DataFusion: it has parentheses.
- Two `string_agg` in different orders are more than DataFusion does: there is one order.
- Percentiles of 32-bit floats are 64-bit for us and 32-bit for DuckDB: they are cast first.
- `GROUP BY x, CAST(x AS VARCHAR)` gives DataFusion two columns of one name, and `SELECT DISTINCT x … ORDER BY x LIMIT 1`
  panics in it where x is NaN: no key is a cast, and NaN is in no `DISTINCT`.
- `_row`, `_row_id`, `percentile` and `tensor_…` are columns and macros in DuckDB: see `PREPARE`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sql_values import Drawn

INT, REAL, ROUGH, NOISE, TEXT, BOOL, DATE, TIME, TENSOR = (
    "int", "real", "rough", "noise", "text", "bool", "date", "time", "tensor")

# Tables, not views: of a view DuckDB prunes row groups by bounds that pass over NaN, as Parquet prescribes, and loses rows
# in which a comparison with NaN holds.
PREPARE = """
    CREATE TABLE items AS SELECT *, (id - 7) // 3 AS _row, {row_id} AS _row_id FROM read_parquet({items});
    CREATE TABLE events AS SELECT * FROM read_parquet({events});
    CREATE MACRO percentile(x, q) AS quantile_cont(x, q / 100.0);
    CREATE MACRO tensor_element(t, i) AS t[i + 1];
    CREATE MACRO tensor_sum(t) AS list_sum(t);
    CREATE MACRO tensor_mean(t) AS list_avg(t);
    CREATE MACRO tensor_max(t) AS list_max(t);
    CREATE MACRO tensor_argmax(t) AS list_position(t, list_max(t)) - 1;
"""

ITEMS_COUNT = 3000
ITEMS = {
    "id": INT, "label": INT, "score": REAL, "weight": ROUGH, "noise": NOISE, "name": TEXT, "split": TEXT, "flag": BOOL,
    "maybe": BOOL, "day": DATE, "seen": TIME, "small": INT, "pixels": TENSOR, "_row": INT, "_row_id": INT,
}
EVENTS = {"event": INT, "item": INT, "kind": TEXT, "amount": REAL, "count": INT, "note": TEXT}

# Numbers near which values of a column lie, so that comparisons leave some rows and not all.
NEAR = {
    "id": (0, 9010), "item": (0, 9010), "event": (0, 4100), "label": (-4, 10), "small": (0, 255), "count": (-6, 36),
    "_row": (0, 3010), "_row_id": (0, 3010), "weight": (0, 1_000_000),
}
TEXTS = {
    "name": ["", "ant", "Ant", "bee", "bee hive", "café", "dog_1", "dog%2", "zebra", "row 7", "nothing", "long " * 14, "long " * 14 + "3", "long " * 14 + "6"],
    "split": ["train", "test", "validation", "other"],
    "kind": ["click", "open", "view", "save", "other"],
    "note": ["0-0", "7-3", "16-4", "x"],
}
PATTERNS = ["%", "a%", "%e", "%o%", "_ee", "row 1%", "%-3", "1_-%", "t%", "dog%", "é%", "%é", "Z%", "%e e%", ""]


@dataclass(frozen=True)
class Column:
    """A column of a source, as statements name it."""

    sql: str
    type: str
    near: str = ""


@dataclass(frozen=True)
class Source:
    """What follows `FROM`, and what may be asked of it."""

    sql: str
    columns: list[Column]
    # Columns that no two rows agree in.
    key: list[str]
    # What comes before `SELECT`.
    prefix: str = ""
    # Filters that belong to the source.
    where: list[str] = field(default_factory=list)

    def of(self, *types: str) -> list[Column]:
        return [column for column in self.columns if column.type in types]


@dataclass(frozen=True)
class Query:
    """A query, and how its answers are compared."""

    sql: str
    # Whether rows come in one order.
    is_ordered: bool = False
    # If not `None`, the query without its `LIMIT`: any of its rows may be given, but as many.
    superset: str | None = None
    limit: int = 0


def columns_of(table: dict[str, str], alias: str = "") -> list[Column]:
    dot = f"{alias}." if alias else ""
    return [Column(dot + name, kind, name) for name, kind in table.items()]


class Generator(Drawn):
    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.depth = 0

    # Sources

    def items(self) -> Source:
        alias = self.pick(["", "", "i"])
        return Source(f"items {alias}".strip(), columns_of(ITEMS, alias), [f"{alias}.id".lstrip(".")])

    def events(self) -> Source:
        return Source("events", columns_of(EVENTS), ["event"])

    def table(self) -> Source:
        return self.items() if self.dice.random() < 0.7 else self.events()

    def addressed(self) -> Source:
        """Some rows by their numbers."""
        source = self.items()
        row = self.pick([column.sql for column in source.columns if column.near in ("_row", "_row_id")])
        first = self.dice.randint(-3, ITEMS_COUNT)
        numbers = ", ".join(str(self.dice.randint(-2, ITEMS_COUNT + 5)) for _ in range(self.dice.randint(1, 30)))
        where = self.pick([
            f"{row} = {first}", f"{row} IN ({numbers})", f"{row} BETWEEN {first} AND {first + self.dice.randint(-1, 700)}",
            f"{row} >= {first}", f"{first} > {row}", f"({row} < 40 OR {row} = {first})", f"NOT {row} < {first}",
            f"{row} NOT IN ({numbers})", f"{row} <> {first}", f"{row} IN (SELECT e.item FROM events e WHERE e.event < 90)",
        ])
        return Source(source.sql, source.columns, source.key, where=[where])

    def join(self) -> Source:
        left, right = columns_of(ITEMS, "i"), columns_of(EVENTS, "e")
        kind = self.pick(["JOIN", "JOIN", "INNER JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        on = self.pick(["i.id = e.item", "i.id = e.item", "e.item = i.id", "i._row = e.event", "i._row + 1 = e.item"])
        if self.chance(3) and kind != "FULL JOIN":
            side = Source("", left if kind == "RIGHT JOIN" or self.chance(2) else right, [])
            on += f" AND {self.comparison(side)}"
        return Source(f"items AS i {kind} events AS e ON {on}", left + right, ["i.id", "e.event"])

    def self_join(self) -> Source:
        columns = columns_of(ITEMS, "a") + columns_of(ITEMS, "b")
        on = self.pick(["a._row = b._row + 1", "a.id = b.id - 30", "a._row = b.label * 7", "a.id = b.id AND b.label > 2"])
        kind = self.pick(["JOIN", "LEFT JOIN"])
        return Source(f"items AS a {kind} items AS b ON {on}", columns, ["a.id", "b.id"])

    def listed(self) -> Source:
        """Rows joined to a small list of their numbers."""
        rows = ", ".join(f"({self.dice.randint(-2, ITEMS_COUNT + 9)}, {n})" for n in range(self.dice.randint(1, 12)))
        columns = columns_of(ITEMS, "i") + [Column("v.place", INT)]
        kind = self.pick(["JOIN", "LEFT JOIN"])
        return Source(f"(VALUES {rows}) AS v (number, place) {kind} items AS i ON i._row = v.number", columns, ["v.place"])

    def derived(self) -> Source:
        """The answer of a query as a table, or by the name that `WITH` gives it."""
        inner = self.pick([self.items, self.events, self.join, self.addressed])()
        if self.chance(2):
            keys = self.some(inner.of(INT, TEXT, BOOL, DATE), 1, 2)
            shown = [f"{column.sql} AS k{n}" for n, column in enumerate(keys)]
            columns = [Column(f"s.k{n}", column.type, column.near) for n, column in enumerate(keys)]
            key = [column.sql for column in columns]
            shown += ["count(*) AS n", f"{self.exact_aggregate(inner)} AS m"]
            columns += [Column("s.n", INT, "label"), Column("s.m", REAL)]
            body = f"SELECT {', '.join(shown)} FROM {inner.sql}{self.where(inner)} GROUP BY {self.names(keys)}"
        else:
            kept = self.some([c for c in inner.columns if c.sql not in inner.key], 2, 5)
            kept += [c for c in inner.columns if c.sql in inner.key]
            shown = [f"{column.sql} AS c{n}" for n, column in enumerate(kept)]
            columns = [Column(f"s.c{n}", column.type, column.near) for n, column in enumerate(kept)]
            key = [f"s.c{n}" for n, column in enumerate(kept) if column.sql in inner.key]
            body = f"SELECT {', '.join(shown)} FROM {inner.sql}{self.where(inner)}"
            if self.chance(3):
                body += f" ORDER BY {self.order_of(inner.key)} LIMIT {self.dice.randint(1, 900)}"
        if self.chance(2):
            return Source("s", columns, key, prefix=f"WITH s AS ({body}) ")
        return Source(f"({body}) AS s", columns, key)

    def source(self) -> Source:
        kinds = [self.items, self.items, self.events, self.addressed, self.join, self.self_join, self.listed, self.derived]
        return self.pick(kinds)()

    # Expressions

    def names(self, columns: list[Column]) -> str:
        return ", ".join(column.sql for column in columns)

    def number(self, near: str) -> int:
        low, high = NEAR.get(near, (-20, 120))
        return self.dice.randint(low, high)

    def quarter(self, limit: int = 50) -> str:
        return f"{self.dice.randint(-4 * limit, 4 * limit) / 4}e0"

    def date(self) -> str:
        return f"DATE '2022-{self.dice.randint(1, 12):02}-{self.dice.randint(1, 28):02}'"

    def time(self) -> str:
        return f"TIMESTAMP '2022-{self.dice.randint(4, 5):02}-{self.dice.randint(1, 28):02} {self.dice.randint(0, 23):02}:00:00'"

    def literal(self, column: Column) -> str:
        match column.type:
            case "int":
                return str(self.number(column.near))
            case "rough":
                return f"{self.number(column.near)}e0"
            case "real" | "noise":
                return self.quarter()
            case "text":
                return f"'{self.pick(TEXTS.get(column.near, TEXTS['name']))}'"
            case "bool":
                return self.pick(["TRUE", "FALSE"])
            case "date":
                return self.date()
            case "time":
                return self.time()
        raise AssertionError(column)

    def between(self, column: Column) -> str:
        """Two literals, mostly in order."""
        low, high = self.literal(column), self.literal(column)
        number = lambda text: float(text) if column.type in (INT, REAL, ROUGH, NOISE) else text  # noqa: E731
        if number(low) > number(high) and not self.chance(8):
            low, high = high, low
        return f"{low} AND {high}"

    def expression(self, source: Source, kind: str, depth: int = 2) -> str:
        """An expression of a kind; a literal if the source has no such column."""
        if kind == BOOL:
            return self.predicate(source, depth)
        columns = source.of(kind)
        atom = self.pick(columns).sql if columns else self.literal(Column("", kind))
        if depth == 0 or self.chance(3):
            return atom
        next_ = lambda: self.expression(source, kind, depth - 1)  # noqa: E731
        shared = [
            lambda: f"CASE WHEN {self.predicate(source, 0)} THEN {next_()} ELSE {next_()} END",
            lambda: f"CASE WHEN {self.predicate(source, 0)} THEN {next_()} END",
            lambda: f"coalesce({next_()}, {self.literal(Column('', kind))})",
            lambda: f"nullif({next_()}, {next_()})",
        ]
        return self.pick(self.own_expressions(source, kind, next_) + shared)()

    def own_expressions(self, source: Source, kind: str, next_) -> list:
        real = lambda: self.expression(source, REAL, 0)  # noqa: E731
        text = lambda: self.expression(source, TEXT, 1)  # noqa: E731
        wide = lambda: f"CAST({next_()} AS BIGINT)"  # noqa: E731
        tensors, dates = source.of(TENSOR), source.of(DATE)
        if kind == INT:
            own = [
                lambda: f"({wide()} + {wide()})", lambda: f"({wide()} - {self.number('label')})",
                lambda: f"({wide()} * {self.dice.randint(-3, 9)})", lambda: f"({wide()} % {self.dice.randint(2, 17)})",
                lambda: f"abs({wide()})", lambda: f"length({text()})", lambda: f"strpos({text()}, 'e')",
            ]
            if tensors:
                tensor = self.pick(tensors).sql
                own.append(lambda: f"CAST(tensor_element({tensor}, {self.dice.randint(0, 3)}) AS BIGINT)")
                own.append(lambda: f"tensor_argmax({tensor})")
                own.append(lambda: f"CAST(tensor_max({tensor}) AS BIGINT)")
            if dates:
                own.append(lambda: f"extract({self.pick(['year', 'month', 'day'])} FROM {self.pick(dates).sql})")
            return own
        if kind == REAL:
            own = [
                lambda: f"({next_()} + {next_()})", lambda: f"({next_()} - {self.quarter()})",
                lambda: f"({next_()} * {self.pick(['5e-1', '2e0', '4e0'])})", lambda: f"({next_()} / {self.pick(['2e0', '4e0'])})",
                lambda: f"abs({next_()})", lambda: f"floor({next_()})", lambda: f"round(abs({real()}))",
                lambda: f"CAST({self.expression(source, INT, 0)} AS DOUBLE)",
                lambda: f"greatest({real()}, {self.quarter()})", lambda: f"least({real()}, {self.quarter()})",
            ]
            if tensors:
                own.append(lambda: f"CAST(tensor_sum({self.pick(tensors).sql}) AS DOUBLE)")
                own.append(lambda: f"tensor_mean({self.pick(tensors).sql})")
            return own
        if kind == TEXT:
            return [
                lambda: f"upper({next_()})", lambda: f"lower({next_()})", lambda: f"({next_()} || {next_()})",
                lambda: f"substr({next_()}, {self.dice.randint(1, 3)}, {self.dice.randint(0, 4)})",
                lambda: f"concat({next_()}, '/', {next_()})", lambda: f"trim({next_()})", lambda: f"reverse({next_()})",
                lambda: f"replace({next_()}, 'e', '**')", lambda: f"left({next_()}, {self.dice.randint(0, 4)})",
                lambda: f"CAST({self.expression(source, INT, 0)} AS VARCHAR)",
            ]
        return []

    # Filters

    def comparison(self, source: Source) -> str:
        """What compares one column, mostly with a constant: the kind of filter that is pushed down."""
        column = self.pick([column for column in source.columns if column.type != TENSOR])
        sql, literal = column.sql, lambda: self.literal(column)
        operator = self.pick(["=", "<>", "<", "<=", ">", ">="])
        alike = [other.sql for other in source.of(column.type) if other != column]
        options = [
            f"{sql} {operator} {literal()}", f"{sql} {operator} {literal()}", f"{literal()} {operator} {sql}",
            f"{sql} IS NULL", f"{sql} IS NOT NULL", f"({sql} IS DISTINCT FROM {literal()})",
            f"{sql} IN ({', '.join(literal() for _ in range(self.dice.randint(1, 5)))})",
            f"{sql} NOT IN ({literal()}, {literal()})",
        ]
        if column.type != BOOL:
            options += [f"{sql} BETWEEN {self.between(column)}"] * 2
            options.append(f"{sql} NOT BETWEEN {self.between(column)}")
        if alike and column.type != NOISE:
            options.append(f"{sql} {operator} {self.pick(alike)}")
        if column.type in (INT, TEXT):
            options.append(f"{sql} NOT IN ({literal()}, NULL)")
            options.append(f"({sql} IN ({literal()}, NULL)) IS NULL")
        if column.type == TEXT:
            options += [f"{sql} {self.pick(['LIKE', 'NOT LIKE', 'ILIKE'])} '{self.pick(PATTERNS)}'"] * 3
            options.append(f"starts_with({sql}, '{self.pick(['r', 'be', 'row 2', ''])}')")
        if column.type == BOOL:
            options += [sql, f"NOT {sql}", f"{sql} IS TRUE", f"{sql} IS NOT FALSE", f"{sql} IS UNKNOWN"]
        if column.type == INT:
            options.append(f"{sql} {operator} {self.quarter(4)}")
        return self.pick(options)

    def subquery_filter(self, source: Source) -> str:
        """A filter with a query in it."""
        inner = self.comparison(Source("", columns_of(EVENTS, "q"), []))
        numbers = [column for column in source.of(INT) if column.near in ("id", "item", "event")]
        number = self.pick(numbers or source.of(INT) or [Column("7", INT)]).sql
        real = self.expression(source, REAL, 0)
        return self.pick([
            f"{number} IN (SELECT q.item FROM events AS q WHERE {inner})",
            f"{number} NOT IN (SELECT q.item FROM events AS q WHERE {inner} AND q.item IS NOT NULL)",
            f"EXISTS (SELECT 1 FROM events AS q WHERE q.item = {number} AND {inner})",
            f"NOT EXISTS (SELECT 1 FROM events AS q WHERE q.item = {number})",
            f"{real} > (SELECT avg(q.amount) FROM events AS q WHERE {inner})",
            f"{number} <= (SELECT max(q._row) FROM items AS q WHERE q.label = 4)",
        ])

    def predicate(self, source: Source, depth: int = 2) -> str:
        if depth <= 0 or self.chance(2):
            return self.comparison(source)
        next_ = lambda: self.predicate(source, depth - 1)  # noqa: E731
        operator = self.pick(["=", "<>", "<", "<=", ">", ">="])
        kind = self.pick([INT, REAL, TEXT])
        pair = lambda: (self.expression(source, kind, 1), self.expression(source, kind, 1))  # noqa: E731
        return self.pick([
            lambda: f"({next_()} AND {next_()})", lambda: f"({next_()} OR {next_()})",
            lambda: f"({next_()} OR {next_()})", lambda: f"NOT ({next_()})",
            lambda: f" {operator} ".join(pair()),
        ])()

    def where(self, source: Source) -> str:
        filters = list(source.where)
        filters += [self.predicate(source) for _ in range(self.pick([0, 0, 0, 1, 1, 1, 1, 2]))]
        if self.chance(6):
            filters.append(self.subquery_filter(source))
        return f" WHERE {' AND '.join(f'({each})' if ' OR ' in each else each for each in filters)}" if filters else ""

    # Aggregates

    def exact_aggregate(self, source: Source) -> str:
        """An aggregate of numbers that is the same in any order of rows."""
        column = self.pick(source.of(INT, REAL) or [Column("1", INT)]).sql
        return self.pick(["count({})", "sum({})", "min({})", "max({})", "count(DISTINCT {})"]).format(column)

    def aggregate(self, source: Source) -> str:
        column = self.pick(source.columns)
        sql = column.sql
        by_type = {
            INT: ["sum", "min", "max", "avg", "count"], REAL: ["sum", "min", "max", "avg"],
            ROUGH: ["sum", "avg", "min", "max", "stddev"], NOISE: ["count"], TEXT: ["min", "max", "count"],
            BOOL: ["bool_and", "bool_or", "count"], DATE: ["min", "max"], TIME: ["min", "max", "count"], TENSOR: ["count"],
        }
        options = [f"{name}({sql})" for name in by_type[column.type]]
        options += ["count(*)", f"count(*) FILTER (WHERE {self.comparison(source)})"]
        if column.type in (INT, TEXT, DATE, REAL, BOOL):
            options.append(f"count(DISTINCT {sql})")
        if column.type in (INT, REAL):
            options.append(f"sum({self.expression(source, column.type, 1)})")
            options.append(f"sum({sql}) FILTER (WHERE {self.comparison(source)})")
            options.append(f"percentile(CAST({sql} AS DOUBLE), {self.pick([0, 10, 25, 33.3, 50, 75, 99, 100])})")
        if column.type == TEXT:
            order = ", ".join(f"{each} NULLS LAST" for each in source.key)
            options.append(f"string_agg({sql}, ',' ORDER BY {order})")
        return self.pick(options)

    # Orders

    def order(self, expression: str) -> str:
        return f"{expression} {self.pick(['ASC', 'DESC', ''])} {self.pick(['NULLS FIRST', 'NULLS LAST'])}".replace("  ", " ")

    def order_of(self, expressions) -> str:
        return ", ".join(self.order(expression) for expression in expressions)

    def limit(self) -> str:
        offset = f" OFFSET {self.dice.randint(0, 60)}" if self.chance(4) else ""
        return f" LIMIT {self.pick([1, 3, 10, 50, 400, 400, 0 if self.chance(8) else 7])}{offset}"

    # Queries

    def outputs(self, source: Source) -> list[str]:
        plain = [column.sql for column in self.some(source.columns, 1, 4)]
        kinds = self.some([INT, REAL, TEXT, BOOL], 0, 2)
        return plain + [self.expression(source, kind) for kind in kinds]

    def shown(self, expressions: list[str]) -> str:
        """Expressions under names of their own, for two of a name are refused."""
        return ", ".join(f"{expression} AS o{n}" for n, expression in enumerate(expressions))

    def rows(self) -> Query:
        source = self.source()
        body = f"{source.prefix}SELECT {self.shown(self.outputs(source))} FROM {source.sql}{self.where(source)}"
        if self.chance(3):
            return Query(body)
        first = self.some(source.of(INT, REAL, NOISE, TEXT, BOOL, DATE, TIME), 0, 2)
        order = [column.sql for column in first]
        if self.chance(4):
            order.insert(0, self.expression(source, self.pick([INT, REAL, TEXT]), 1))
        # A constant by itself is the place of a column, or refused.
        order = [each for each in order if any(column.sql in each for column in source.columns)]
        limit = self.limit() if self.chance(2) else ""
        return Query(f"{body} ORDER BY {self.order_of(order + source.key)}{limit}", is_ordered=True)

    def any_rows(self) -> Query:
        source = self.source()
        body = f"{source.prefix}SELECT {self.shown(self.outputs(source))} FROM {source.sql}{self.where(source)}"
        limit = self.pick([1, 5, 40, 1000])
        return Query(f"{body} LIMIT {limit}", superset=body, limit=limit)

    def distinct(self) -> Query:
        source = self.source()
        columns = self.some(source.of(INT, TEXT, BOOL, DATE, REAL), 1, 3)
        count = len(columns)
        body = f"{source.prefix}SELECT DISTINCT {self.shown([c.sql for c in columns])} FROM {source.sql}{self.where(source)}"
        if not columns or self.chance(2):
            return Query(body.replace("DISTINCT  ", "DISTINCT 1 "))
        return Query(f"{body} ORDER BY {self.order_of(f'o{n}' for n in range(count))}{self.limit()}", is_ordered=True)

    def totals(self) -> Query:
        source = self.source()
        aggregates = [self.aggregate(source) for _ in range(self.dice.randint(1, 4))]
        having = f" HAVING {self.exact_aggregate(source)} > {self.dice.randint(0, 100)}" if self.chance(8) else ""
        return Query(f"{source.prefix}SELECT {self.shown(aggregates)} FROM {source.sql}{self.where(source)}{having}")

    def statistics(self) -> Query:
        """What may be answered by bounds alone."""
        source = self.table()
        columns = self.some([c for c in source.columns if c.type not in (TENSOR, BOOL, NOISE)], 1, 3)
        bounds = [f"{self.pick(['min', 'max'])}({column.sql})" for column in columns]
        where = f" WHERE {self.comparison(source)}" if self.chance(2) else ""
        return Query(f"SELECT {self.shown(bounds + ['count(*)'])} FROM {source.sql}{where}")

    def groups(self) -> Query:
        source = self.source()
        keys = [column.sql for column in self.some(source.of(INT, TEXT, BOOL, DATE, NOISE), 1, 2)]
        if not keys or self.chance(4):
            keys.append(self.expression(source, self.pick([INT, TEXT]), 1))
            keys = [key for key in keys if any(column.sql in key for column in source.columns)]
        keys = [key for key in keys if "AS VARCHAR" not in key]
        if not keys:
            return self.totals()
        aggregates = [self.aggregate(source) for _ in range(self.dice.randint(1, 3))]
        body = f"{source.prefix}SELECT {self.shown(keys + aggregates)} FROM {source.sql}{self.where(source)}"
        rollup = self.chance(10) and len(set(keys)) == len(keys)
        body += f" GROUP BY ROLLUP ({', '.join(keys)})" if rollup else f" GROUP BY {', '.join(keys)}"
        if self.chance(3):
            body += f" HAVING {self.exact_aggregate(source)} {self.pick(['>', '<=', '<>'])} {self.dice.randint(0, 60)}"
        if rollup or self.chance(3):
            return Query(body)
        order = [f"o{n}" for n in range(len(keys))]
        return Query(f"{body} ORDER BY {self.order_of(order)}{self.limit() if self.chance(2) else ''}", is_ordered=True)

    def sets(self) -> Query:
        """Answers of several queries put together."""
        kinds = self.some([INT, TEXT, REAL], 1, 2)
        one = lambda source: (  # noqa: E731
            f"SELECT {self.shown([self.expression(source, kind, 1) for kind in kinds])} FROM {source.sql}{self.where(source)}")
        operator = self.pick(["UNION", "UNION ALL", "INTERSECT", "EXCEPT"])
        return Query(f"{one(self.table())} {operator} {one(self.table())}")

    def windows(self) -> Query:
        source = self.pick([self.items, self.events, self.addressed, self.listed, self.derived])()
        order = self.order_of(source.key)
        parts = self.some(source.of(INT, TEXT, BOOL), 0, 1)
        within = f"PARTITION BY {parts[0].sql} ORDER BY {order}" if parts else f"ORDER BY {order}"
        number = self.pick(source.of(INT, REAL) or [Column("1", INT)]).sql
        frame = self.pick(["", " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"])
        window = self.pick([
            f"row_number() OVER ({within})", f"sum({number}) OVER ({within}{frame})", f"lag({number}) OVER ({within})",
            f"count(*) OVER ({within})", f"max({number}) OVER ({within}{frame})", f"lead({number}, 2) OVER ({within})",
            f"first_value({number}) OVER ({within})",
        ])
        outputs = [column.sql for column in self.some(source.columns, 1, 3)] + [window]
        return Query(f"{source.prefix}SELECT {self.shown(outputs)} FROM {source.sql}{self.where(source)}")

    def query(self) -> Query:
        kinds = {
            self.rows: 8, self.groups: 6, self.totals: 3, self.any_rows: 3, self.distinct: 2, self.statistics: 2,
            self.sets: 2, self.windows: 2,
        }
        return self.dice.choices(list(kinds), list(kinds.values()))[0]()


def queries(seed: int, count: int) -> list[Query]:
    generator = Generator(seed)
    return [generator.query() for _ in range(count)]
