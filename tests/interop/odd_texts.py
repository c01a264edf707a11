"""CSV and JSON Lines files as odd as programs and people write them, the same for the same seed, with what they hold.

What they hold is what was written into them, by RFC 4180 and RFC 8259. Where these say nothing, tenrow's rule is:

- A value of no characters is null, quoted or not: RFC 4180 knows no null, and most programs write nulls so.
- An empty line of a table with one column is a row, of others it is passed over: RFC 4180 has a line per record, and a record of
  several columns has delimiters.
- Lines end with LF, CRLF or CR, also in one file; within quotes these are characters like others.
- A quote within a value that does not begin with one is a character like others.
- Space around values belongs to them (RFC 4180, 2.4).
- A byte order mark is none of the first name.
- Rows of other lengths than the header are refused, and quotes that are never closed.
- A key that is given twice in one JSON object is refused: RFC 8259 says that what programs make of it differs.
"""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass, field

TEXTS = [
    "plain", "two words", " space before", "space behind ", "\ttab", "a,b", "a;b", "a|b", 'say "hi"', '"', '""', '5" wide', "line\nbreak", "cr\rin",
    "crlf\r\nin", "é", "漢字", "😀", "e\u0301", "\u200b", "\ufeffmark", "'single'", "back\\slash", "\\n", "\\", "NULL", "null", "None", "NA", "N/A",
    "nan", "NaN", "inf", "-", "#", "# comment", "=1+1", "true", "False", "yes", "0", "1", "-0", "007", "1.50", "1e5", "1E400", "+5", "1,5", ".5", "5.",
    "0x1F", "1_000", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616",
    "0.1", "1e-320", "123456789012345678901234567890.5", "2024-02-30", "2024-02-29", "2024-02-29T23:59:60", "12:30", "1/2/2024", "20240229",
    "a" * 300, "x" * 70_000, "<b>", "\x01", "\x7f", "\u2028", "%s", "{}", "[1]", "\x00nul",
]
COLUMNS = {
    "integers": ["0", "1", "-1", "42", "9007199254740993", "-9223372036854775808"],
    "large": ["0", "18446744073709551615", "9223372036854775808"],
    "fractions": ["0.5", "-1.25", "1e5", "2.5e-3", "1e300", "0.1", "-0.0"],
    "whole": ["1", "2.0", "0.5", "3"],
    "codes": ["007", "01234", "12"],
    "flags": ["true", "false"],
    "days": ["2024-02-29", "1969-12-31", "0001-01-01"],
    "times": ["2024-02-29T23:59:59", "2024-02-29 00:00:00.123456"],
}
NAMES = ["a", "b", "c", "d", "e", "name with space", "ümlaut", "q\"uote", "a,comma", "UPPER", "x1", "label", "id"]


@dataclass(frozen=True)
class OddFile:
    """The bytes of a file, how it is read, and what it holds."""

    seed: int
    name: str
    data: bytes
    columns: list[str]
    rows: list[list]
    # What the program is told besides.
    options: list[str] = field(default_factory=list)
    delimiter: str = ","
    has_header: bool = True
    encoding: str = "utf-8"
    # Whether the program is to refuse it, and with which word.
    refused: str | None = None
    # Whether columns are texts of any kind, or one of `COLUMNS` each.
    is_typed: bool = False
    # What was done to it.
    traits: frozenset[str] = frozenset()

    def is_clearly_text(self) -> bool:
        """Whether its bytes are those of text; else the format has to be said."""
        data = gzip.decompress(self.data) if self.name.endswith(".gz") else self.data
        return self.encoding != "utf-8" or not any(mark in data for mark in b"\x00\x01\x7f")


class Writer:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dice = random.Random(seed)
        self.traits: set[str] = set()

    def chance(self, one_in: int, trait: str = "") -> bool:
        happens = self.dice.randrange(one_in) == 0
        if happens and trait:
            self.traits.add(trait)
        return happens

    def names(self, count: int) -> list[str]:
        if count > len(NAMES):
            return [f"n{i}" for i in range(count)]
        return self.dice.sample(NAMES, count)

    def csv(self) -> OddFile:
        dice = self.dice
        count = dice.choice([1, 1, 2, 3, 4, 6, 200 if self.chance(8, "wide") else 5])
        names = self.names(count)
        is_typed = self.chance(2, "typed")
        delimiter = dice.choice([",", ",", ",", ";", "\t", "|"])
        line_end = dice.choice(["\n", "\n", "\r\n", "\r"])
        end = lambda: dice.choice(["\n", "\r\n"]) if is_mixed else line_end  # noqa: E731
        is_mixed = self.chance(8, "mixed line ends")
        self.traits.add({"\n": "LF", "\r\n": "CRLF", "\r": "CR"}[line_end])
        has_header = not self.chance(6, "no header")
        pools = [dice.choice(list(COLUMNS.values())) if is_typed else TEXTS for _ in names]
        nulls = dice.choice([0, 0, 4, 2])
        rows = [[None if nulls and self.chance(nulls, "nulls") else dice.choice(pool) for pool in pools]
                for _ in range(dice.choice([0, 1, 2, 5, 30]) if has_header else dice.choice([1, 2, 5, 30]))]
        always = self.chance(4, "all quoted")
        lines = [self.line(names, delimiter, always)] if has_header else []
        for row in rows:
            lines.append(self.line(row, delimiter, always))
            if count > 1 and self.chance(12, "empty lines"):
                lines.append("")
        text = "".join(line + end() for line in lines)
        refused = None
        if rows and count > 1 and self.chance(12, "ragged"):
            text += delimiter.join(["x"] * (count + dice.choice([-1, 1]))) + line_end
            refused = "field"
        elif self.chance(15, "never closed"):
            text += '"never closed' + line_end
            refused = "closed"
        elif lines and lines[-1] and self.chance(3, "no last line end"):
            text = text.removesuffix("\r\n") if text.endswith("\r\n") else text[:-1]
        columns = names if has_header else [f"column_{n + 1}" for n in range(count)]
        options = [] if has_header else ["--no-header"]
        if delimiter not in ",\t":
            options += ["--delimiter", delimiter]
        encoding = "utf-8"
        if self.chance(10, "UTF-16"):
            encoding = dice.choice(["utf-16-le", "utf-16-be"])
            options += ["--charset", encoding.replace("-le", "le").replace("-be", "be")]
        elif self.chance(6, "BOM"):
            text = "\ufeff" + text
        data = text.encode(encoding)
        name = "file.tsv" if delimiter == "\t" else "file.csv"
        if self.chance(10, "gzip"):
            data, name = gzip.compress(data), name + ".gz"
        return OddFile(self.seed, name, data, columns, rows, options, delimiter, has_header, encoding, refused, is_typed, frozenset(self.traits))

    def line(self, values: list[str | None], delimiter: str, always: bool) -> str:
        return delimiter.join(self.cell(value, delimiter, always) for value in values)

    def cell(self, value: str | None, delimiter: str, always: bool) -> str:
        if value is None:
            return '""' if self.chance(4, "quoted empty") else ""
        needs = any(c in value for c in f'{delimiter}"\r\n') or value.startswith("\ufeff")
        # A quote that is not first needs no quotes around it, and many programs write none.
        if '"' in value and not value.startswith('"') and not any(c in value for c in f"{delimiter}\r\n") and self.chance(3, "bare quote"):
            return value
        return '"' + value.replace('"', '""') + '"' if needs or always or self.chance(5, "quoted") else value

    def jsonl(self) -> OddFile:
        dice = self.dice
        names = self.names(dice.choice([1, 2, 4, 8]))
        kinds = [dice.choice(["text", "integer", "large", "float", "flag", "list", "object", "null"]) for _ in names]
        rows = [[None if self.chance(5) else self.json_value(kind) for kind in kinds] for _ in range(dice.choice([1, 2, 5, 20]))]
        lines = []
        for number, row in enumerate(rows):
            pairs = list(zip(names, row, strict=True))
            if self.chance(3, "other order"):
                dice.shuffle(pairs)
            # Of some column there is a name.
            left_out = self.chance(4, "left out") and number > 0
            pairs = [(name, value) for name, value in pairs if value is not None or not left_out]
            space = dice.choice(["", " ", "\t", "  "])
            text = ("," + space).join(f"{json.dumps(name, ensure_ascii=self.chance(2))}:{space}{self.json_text(value)}" for name, value in pairs)
            lines.append(f"{{{space}{text}}}{space}")
            if self.chance(12, "empty lines"):
                lines.append("")
        line_end = dice.choice(["\n", "\n", "\r\n"])
        refused = None
        if self.chance(12, "twice"):
            name = json.dumps(names[0])
            lines.append(f"{{{name}: null, {name}: null}}")
            refused = "twice"
        elif self.chance(12, "cut"):
            lines.append('{"a": ')
            refused = "json"
        text = line_end.join(lines) + (line_end if self.chance(2) else "")
        if self.chance(6, "BOM"):
            text = "\ufeff" + text
        data, name = text.encode(), "file.jsonl"
        if self.chance(10, "gzip"):
            data, name = gzip.compress(data), name + ".gz"
        return OddFile(self.seed, name, data, names, rows, refused=refused, traits=frozenset(self.traits))

    def json_value(self, kind: str) -> object:
        dice = self.dice
        match kind:
            case "text":
                return dice.choice(TEXTS)
            case "integer":
                return dice.choice([0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63)])
            case "large":
                return dice.choice([0, 2**64 - 1, 2**63])
            case "float":
                return dice.choice([0.5, -1.25, 1e300, 5e-324, 0.1, -0.0, 1.0])
            case "flag":
                return dice.choice([True, False])
            case "list":
                return [dice.choice([1, 2, 2**53 + 1, None]) for _ in range(dice.choice([0, 1, 3]))] if dice.randrange(2) else [7]
            case "object":
                return {"x": dice.choice([1, None, 2**53 + 1]), "y": dice.choice(TEXTS[:20])}
        return None

    def json_text(self, value: object) -> str:
        """A value, with characters escaped in the ways that there are."""
        text = json.dumps(value, ensure_ascii=self.chance(2, "escapes"))
        return text.replace("/", "\\/") if self.chance(4) else text


def odd_files(seed: int, csv: int, jsonl: int) -> list[OddFile]:
    files = [Writer(seed * 10_000 + n).csv() for n in range(csv)]
    return files + [Writer(seed * 10_000 + csv + n).jsonl() for n in range(jsonl)]
