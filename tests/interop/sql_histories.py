"""Random histories of datasets, and queries between their steps, that DuckDB follows on tables of its own.

Nothing here reads what tenrow wrote: DuckDB carries out each step as it would on any table, and keeps tagged versions and views as
tables of that name (`t@tag`, `t#view`). What it needs besides is how tenrow numbers rows: `_row_id` counts up with every row that was
ever appended, and `_row` is the place among those that are left.

What the two define differently is avoided by construction, as in `sql_queries`, or written in two ways (`Two`):

- Integers are computed with in `HUGEINT` by DuckDB, which is exact. tenrow gives the exact number, or an error that says
  `overflow` where it does not fit into 64 bits.
- A NaN with a sign, which DuckDB does not tell from others, is `-CAST('NaN' AS DOUBLE)` in tenrow's statement.
- Types without a sign have other names, structs another constructor.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import duckdb

from sql_asking import ROW, Asking, Source, Step
from sql_values import DUCKDB, FLOATS, INTS, NESTED, TYPES, WIDER, Column, Two, fill, join


@dataclass
class Table:
    """A dataset, in its latest version."""

    name: str
    columns: list[Column] = field(default_factory=list)
    next_row_id: int = 0
    # What there is to read beside the latest version, and what columns it has.
    others: dict[str, list[Column]] = field(default_factory=dict)


class History(Asking):
    """Some changes of some datasets with queries between them, the same for the same seed."""

    def __init__(self, seed: int, queries: int) -> None:
        super().__init__(seed)
        self.duckdb = duckdb.connect()
        self.duckdb.execute("SET TimeZone = 'UTC'")
        self.steps: list[Step] = []
        self.tables: dict[str, Table] = {}
        self.names = 0
        self.create("t", [self.column() for _ in range(self.dice.randint(3, 7))])
        for _ in range(self.dice.randint(1, 4)):
            self.insert(self.tables["t"])
        self.show(self.tables["t"])
        while queries > 0:
            for _ in range(self.dice.randint(1, 4)):
                self.change()
            for _ in range(min(queries, self.dice.randint(1, 4))):
                self.steps.append(self.question(self.sources()))
                queries -= 1
        self.duckdb.close()

    def column(self) -> Column:
        self.names += 1
        type_ = self.pick(TYPES)
        nullable = not self.chance(5) or type_ in NESTED
        default = None
        if self.chance(3) and type_ not in ("STRUCT", "BIGINT[]", "TIMESTAMPTZ") and not type_.startswith("DECIMAL"):
            default = self.value(type_, 0)
            # A default is kept as JSON, which has no such number.
            if "Infinity" in default.own or "NaN" in default.own:
                default = Two.same("-0e0")
        return Column(f"c{self.names}", type_, nullable, default)

    def sources(self) -> list[Source]:
        """Everything that there is to read."""
        latest = [Source(table.name, table.columns) for table in self.tables.values()]
        others = [(name, columns) for table in self.tables.values() for name, columns in table.others.items()]
        return latest * 2 + [Source(f'"{name}"', columns) for name, columns in others]

    # Changes

    def other_type(self, type_: str) -> str:
        return DUCKDB.get(type_, type_)

    def create(self, name: str, columns: list[Column]) -> None:
        """A dataset; its structs come by a query, since column definitions have none."""
        table = self.tables[name] = Table(name, columns)
        if any(c.type == "STRUCT" for c in columns):
            table.columns = columns = [replace(c, default=None, nullable=True) for c in columns]
            shown = ", ".join(f"CASE WHEN n > 1 THEN {self.typed(c)} END AS {c.name}" for c in columns)
            told = f"CREATE TABLE {name} AS SELECT {shown} FROM (SELECT 1 AS n) WHERE n > 1"
        else:
            told = f"CREATE TABLE {name} ({', '.join(self.definition(c).own for c in columns)})"
        self.steps.append(Step(told))
        own = "".join(f"{c.name} {self.other_type(c.type)}, " for c in columns)
        self.duckdb.execute(f"CREATE TABLE base_{name} ({own}_row_id BIGINT)")
        self.show(table)

    def typed(self, column: Column) -> str:
        """A value of the type of a column."""
        if column.type == "STRUCT":
            return self.value("STRUCT", 0).own
        bits, signed = INTS.get(column.type, (0, True))
        return f"CAST(NULL AS {column.type})" if signed else f"arrow_cast(NULL, 'UInt{bits}')"

    def definition(self, column: Column) -> Two:
        text = Two(f"{column.name} {column.type}", f"{column.name} {self.other_type(column.type)}")
        if not column.nullable:
            text = Two(text.own + " NOT NULL", text.other)
        if column.default:
            text = fill("{} DEFAULT {}", text, column.default)
        return text

    def show(self, table: Table) -> None:
        """Makes DuckDB see the rows of a table as tenrow numbers them.

        In a table of its own: of a view over `row_number()`, DuckDB 2.0 numbers the rows of an outer join from 1 at times.
        """
        names = "".join(f"{c.name}, " for c in table.columns)
        row = "CAST(row_number() OVER (ORDER BY _row_id) - 1 AS BIGINT) AS _row"
        self.duckdb.execute(f"CREATE OR REPLACE TABLE {table.name} AS SELECT {names}{row}, _row_id FROM base_{table.name}")

    def done(self, told: object, rows: int | None = None) -> None:
        self.steps.append(Step(told, None if rows is None else [[rows]]))

    def tag(self, table: Table) -> None:
        self.names += 1
        tag = f"v{self.names}"
        self.duckdb.execute(f'CREATE TABLE "{table.name}@{tag}" AS SELECT * FROM {table.name}')
        table.others[f"{table.name}@{tag}"] = list(table.columns)
        self.done(["tag", table.name, tag])

    def change(self) -> None:
        table = self.pick(self.tables.values())
        changes = {
            self.insert: 10, self.tag: 2, self.delete: 3, self.update: 5, self.rename: 1, self.widen: 2, self.add: 2, self.drop: 1, self.view: 2,
            self.merge: 2, self.clone: 1, self.compact: 1, self.restore: 1, self.second: 1, self.insert_query: 1,
        }
        self.dice.choices(list(changes), list(changes.values()))[0](table)
        for each in self.tables.values():
            self.show(each)

    def insert(self, table: Table) -> None:
        """Few rows, often of columns that are all null or all NaN so far."""
        left_out = [c for c in table.columns if (c.nullable or c.default) and self.chance(4)]
        columns = [c for c in table.columns if c not in left_out]
        if not columns:
            return
        count = self.pick([1, 1, 2, 3, 5, 12])
        only = {c.name: self.value(c.type, 2 if c.nullable else 0) for c in columns if self.chance(6)}
        rows = []
        for n in range(count):
            values = [only.get(c.name) or self.value(c.type, 6 if c.nullable else 0) for c in columns]
            rows.append((join(", ", values), table.next_row_id + n))
        defaults = [c for c in left_out if c.default]
        names = ", ".join(c.name for c in columns)
        own = f"INSERT INTO {table.name} ({names}) VALUES " + ", ".join(f"({values.own})" for values, _ in rows)
        given = "".join(f", {c.default.other}" for c in defaults)
        other = (f"INSERT INTO base_{table.name} ({', '.join([names, '_row_id', *(c.name for c in defaults)])}) VALUES "
                 + ", ".join(f"({values.other}, {row_id}{given})" for values, row_id in rows))
        self.duckdb.execute(other)
        table.next_row_id += count
        self.done(own, count)

    def insert_query(self, table: Table) -> None:
        """Rows of a version into its dataset once more."""
        alike = [name for name, columns in table.others.items() if columns == table.columns and "@" in name]
        source = self.pick([table.name, *alike])
        predicate = self.predicate([*table.columns, ROW])
        names = ", ".join(c.name for c in table.columns)
        if not names:
            return
        own = f'INSERT INTO {table.name} ({names}) SELECT {names} FROM "{source}" WHERE {predicate.own} ORDER BY _row'
        row_id = f"row_number() OVER (ORDER BY _row) - 1 + {table.next_row_id}"
        other = f'INSERT INTO base_{table.name} ({names}, _row_id) SELECT {names}, {row_id} FROM "{source}" WHERE {predicate.other}'
        count = self.duckdb.execute(other).fetchone()[0]
        table.next_row_id += count
        self.done(own, count)

    def ids(self, table: Table, predicate: Two) -> str:
        return f"_row_id IN (SELECT _row_id FROM {table.name} WHERE {predicate.other})"

    def delete(self, table: Table) -> None:
        """Mostly not all rows, so that there is something to ask."""
        predicate = self.predicate([*table.columns, ROW])
        if not self.chance(8):
            predicate = fill("({}) AND _row % 3 = 1", predicate)
        count = self.duckdb.execute(f"DELETE FROM base_{table.name} WHERE {self.ids(table, predicate)}").fetchone()[0]
        self.done(f"DELETE FROM {table.name} WHERE {predicate.own}", count)

    def update(self, table: Table) -> None:
        columns = self.some(table.columns, 1, 2)
        if not columns:
            return
        predicate = self.predicate([*table.columns, ROW])
        sets = []
        for c in columns:
            alike = [o.name for o in table.columns if o.type == c.type and (c.nullable or not o.nullable)]
            value = Two.same(self.pick(alike)) if self.chance(3) else self.value(c.type, 4 if c.nullable else 0)
            sets.append(fill(f"{c.name} = {{}}", value))
        sets = join(", ", sets)
        other = f"UPDATE base_{table.name} SET {sets.other} WHERE {self.ids(table, predicate)}"
        count = self.duckdb.execute(other).fetchone()[0]
        self.done(f"UPDATE {table.name} SET {sets.own} WHERE {predicate.own}", count)

    def alter(self, table: Table, own: str, other: str | None = None) -> None:
        self.duckdb.execute(f"DROP TABLE {table.name}")
        self.duckdb.execute(f"ALTER TABLE base_{table.name} {other or own}")
        self.show(table)
        self.done(f"ALTER TABLE {table.name} {own}")

    def rename(self, table: Table) -> None:
        if not table.columns:
            return
        place = self.dice.randrange(len(table.columns))
        old = table.columns[place]
        self.names += 1
        # Names that another column had are taken again.
        unused = {c.name for columns in table.others.values() for c in columns} - {c.name for c in table.columns}
        name = self.pick(sorted(unused)) if unused and self.chance(2) else f"c{self.names}"
        table.columns[place] = replace(old, name=name)
        self.alter(table, f"RENAME COLUMN {old.name} TO {name}")

    def widen(self, table: Table) -> None:
        places = [n for n, c in enumerate(table.columns) if c.type in WIDER]
        if not places:
            return
        place = self.pick(places)
        old = table.columns[place]
        column = replace(old, type=WIDER[old.type], earlier=(*old.earlier, old.type))
        table.columns[place] = column
        self.alter(table, f"ALTER COLUMN {column.name} TYPE {column.type}", f"ALTER COLUMN {column.name} TYPE {self.other_type(column.type)}")

    def add(self, table: Table) -> None:
        column = self.column()
        if column.type == "STRUCT":
            return
        if not column.default:
            column = replace(column, nullable=True)
        table.columns = [*table.columns, column]
        text = self.definition(column)
        self.alter(table, f"ADD COLUMN {text.own}", f"ADD COLUMN {text.other}")

    def drop(self, table: Table) -> None:
        if len(table.columns) < 3:
            return
        column = self.pick(table.columns)
        table.columns = [c for c in table.columns if c is not column]
        self.alter(table, f"DROP COLUMN {column.name}")

    def view(self, table: Table) -> None:
        self.names += 1
        name = f"{table.name}#v{self.names}"
        predicate = self.predicate([*table.columns, ROW])
        order = self.pick(["_row", "_row DESC"])
        select = "SELECT {} FROM " + table.name + " WHERE {} ORDER BY " + order
        self.duckdb.execute(f'CREATE TABLE "{name}" AS ' + select.format("*", predicate.other))
        count = self.duckdb.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
        self.done(f'CREATE VIEW "{name}" AS ' + select.format("_row", predicate.own), count)
        table.others[name] = list(table.columns)

    def second(self, table: Table) -> None:
        """Another dataset of the same columns in another order, or of others."""
        name = "u"
        if name in self.tables:
            return
        columns = [replace(c, earlier=()) for c in self.some(table.columns, len(table.columns), len(table.columns))]
        self.create(name, columns if self.chance(2) else [*columns[1:], self.column()])
        for _ in range(self.dice.randint(1, 3)):
            self.insert(self.tables[name])

    def merge(self, table: Table) -> None:
        """Files go along as they are: what their columns were there they must have been here."""
        shape = lambda t: {(c.name, c.type, c.nullable) for c in t.columns}  # noqa: E731
        forms = lambda t: {(c.name, form) for c in t.columns for form in c.earlier}  # noqa: E731
        others = [t for t in self.tables.values() if t is not table]
        alike = [t for t in others if shape(t) == shape(table) and forms(t) <= forms(table)]
        if not alike:
            return
        source = self.pick(alike)
        names = ", ".join(c.name for c in table.columns)
        self.duckdb.execute(f"INSERT INTO base_{table.name} ({names}, _row_id) SELECT {names}, _row_id + {table.next_row_id} FROM base_{source.name}")
        table.next_row_id += source.next_row_id
        self.done(["merge", table.name, source.name])

    def clone(self, table: Table) -> None:
        name = "c"
        if name in self.tables:
            return
        self.duckdb.execute(f"CREATE TABLE base_{name} AS SELECT * FROM base_{table.name}")
        clone = self.tables[name] = Table(name, list(table.columns), table.next_row_id)
        self.done(["clone", table.name, name])
        self.show(clone)

    def compact(self, table: Table) -> None:
        self.done(["compact", table.name])

    def restore(self, table: Table) -> None:
        tags = [name for name in table.others if "@" in name]
        if not tags:
            return
        version = self.pick(tags)
        table.columns = list(table.others[version])
        names = "".join(f"{c.name}, " for c in table.columns)
        self.duckdb.execute(f"DROP TABLE {table.name}")
        self.duckdb.execute(f'CREATE OR REPLACE TABLE base_{table.name} AS SELECT {names}_row_id FROM "{version}"')
        self.show(table)
        self.done(["restore", table.name, version.split("@")[1]])
