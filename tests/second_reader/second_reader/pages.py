"""Raw chunks by address arithmetic alone, and the checks of pages (`spec/tensor-pages.md`)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from .refusal import require
from .thrift import Compact
from .type_text import ITEM_BITS, Type

DATA_PAGE, DICTIONARY, DATA_PAGE_V2 = 0, 2, 3
PLAIN, RLE_DICTIONARY = 0, 8


@dataclass
class Page:
    """A page: its header's fields, and where it, its body and its end are in the file."""

    header: dict
    start: int
    body: int
    end: int

    @property
    def v2(self) -> dict:
        return self.header[8]


def read_page(data: memoryview, at: int, end: int, crc_needed: bool) -> Page:
    """The page at `at`, its CRC checked."""
    require(0 <= at < end <= len(data), "manifest.md#leaf", f"a page at {at} lies outside of the data")
    source = Compact(data[:end], at)
    header = source.struct()
    require({1, 2, 3} <= header.keys(), "tensor-pages.md#header", f"the page header at {at} lacks a field")
    page = Page(header, at, source.at, source.at + header[3])
    require(page.body <= page.end <= end, "tensor-pages.md#a-page", f"the page at {at} does not end in its chunk")
    require(4 in header or not crc_needed, "partition.md#a-file", f"the page at {at} has no CRC")
    if 4 in header:
        found = zlib.crc32(data[page.body:page.end])
        require(found == header[4] & 0xFFFFFFFF, "tensor-pages.md#checking", f"the page at {at} fails its CRC")
    return page


def read_pages(data: memoryview, start: int, end: int, crc_needed: bool) -> list[Page]:
    """All pages from `start` to `end`, which follow each other without a gap."""
    pages = []
    while start < end:
        pages.append(read_page(data, start, end, crc_needed))
        start = pages[-1].end
    return pages


def read_levels(data: memoryview, width: int, count: int) -> np.ndarray:
    """`count` levels from Parquet's hybrid of RLE and bit-packed runs."""
    source, runs, left = Compact(data, 0), [], count
    while left > 0:
        head = source.varint()
        if head & 1:
            size = (head >> 1) * width
            bits = np.unpackbits(np.frombuffer(data[source.at:source.at + size], "u1"), bitorder="little")
            require(len(bits) == 8 * size, "tensor-pages.md#levels", "levels are cut")
            source.at += size
            run = bits.reshape(-1, width) @ (1 << np.arange(width))
        else:
            require(head >> 1 <= left, "tensor-pages.md#levels", "a run of levels is too long")
            run = np.full(head >> 1, int.from_bytes(bytes(source.byte() for _ in range((width + 7) // 8)), "little"))
        runs.append(run[:left])
        left -= len(runs[-1])
        require(len(run), "tensor-pages.md#levels", "an empty run of levels")
    require(source.at == len(data), "tensor-pages.md#levels", "bytes after the levels of a page")
    return np.concatenate([np.empty(0, np.int64), *runs])


@dataclass
class RawColumn:
    """What the schema says of a raw column: its numbers, its levels, and the elements of a row if all have as many."""

    dtype: str
    n: int | None
    max_definition: int
    item_optional: bool

    @classmethod
    def all_of(cls, kind: Type, nullable: bool) -> list[RawColumn]:
        """The raw Parquet columns of an attribute, in order."""
        if kind.is_variable:  # a shape is declared nullable, its elements are not
            return [cls(kind.dtype, None, nullable + 2, True), cls("i32", len(kind.shape), nullable + 2, False)]
        if kind.head == "tensor":
            return [cls(kind.dtype, kind.n, nullable + 2, True)]
        inner = kind.inner[0]
        return [cls(inner.dtype, None, nullable + 1 + inner.nullable, inner.nullable)]

    def lengths(self, data: memoryview, page: Page) -> list[int | None]:
        """The number of elements of every row of a page by its levels: None for a null row."""
        head, rule = page.v2, "tensor-pages.md#levels"
        repetition_end = page.body + head[6]
        values = repetition_end + head[5]
        require(values <= page.end, rule, f"the levels of the page at {page.start} are too long")
        repetition = read_levels(data[page.body:repetition_end], 1, head[1])
        definition = read_levels(data[repetition_end:values], self.max_definition.bit_length(), head[1])
        require(not len(repetition) or repetition[0] == 0, rule, "a page begins within a row")
        is_element = definition == self.max_definition
        require(not self.item_optional or (definition != self.max_definition - 1).all(), rule, "a null element")
        empty = self.max_definition - 1 - self.item_optional
        starts = np.flatnonzero(repetition == 0)
        counts = np.add.reduceat(is_element, starts).tolist() if len(starts) else []
        require(is_element[repetition == 1].all(), rule, "a row goes on without an element")
        require(len(starts) == head[3] and int((~is_element).sum()) == head[2], rule, "counts in a page header")
        return [None if definition[at] < empty else count for at, count in zip(starts, counts)]


class RawChunk:
    """A `strided` or `paged` chunk of one row group of `rows` rows; every page is checked against the leaf."""

    def __init__(self, data: memoryview, chunk: dict, column: RawColumn, rows: int):
        self.data, self.chunk, self.column, self.rows = data, chunk, column, rows
        self.item_bits = chunk["item_bits"]
        natural = ITEM_BITS[column.dtype]
        widened = column.dtype in ("i16", "u16") and self.item_bits == 32
        require(self.item_bits == natural or widened, "tensor-pages.md#values", f"item_bits {self.item_bits} of {column.dtype}")
        self.has_dictionary = column.dtype in ("i8", "u8", "i16", "u16") and not widened

    def numbers(self, start_bit: int, count: int) -> np.ndarray:
        """`count` elements from an address in bits, as unsigned patterns of their size."""
        end = (start_bit + count * self.item_bits + 7) // 8
        require(0 <= start_bit and end <= len(self.data), "manifest.md#leaf", f"an address outside of the data: {start_bit}")
        part = np.frombuffer(self.data[start_bit // 8:end], "u1")
        if self.item_bits == 1:
            return np.unpackbits(part, bitorder="little")[start_bit % 8:start_bit % 8 + count]
        found = part.view(f"<u{self.item_bits // 8}")
        return found.astype(f"<u{ITEM_BITS[self.column.dtype] // 8}")  # widened: the low 16 bits

    def size_of_values(self, count: int) -> int:
        """The bytes that the values of a page take (`spec/tensor-pages.md`, Ends)."""
        return -(-count // 8) * self.item_bits if self.has_dictionary else -(-count * self.item_bits // 8)

    def check_page(self, at: int, values: int, rows: int, elements: int) -> list[int | None]:
        """Checks the page at `at` against what the leaf says of it; its rows' numbers of elements."""
        page = read_page(self.data, at, len(self.data), True)
        require(page.header[1] == DATA_PAGE_V2 and not page.v2.get(7, True), "tensor-pages.md#a-page", f"the page at {at} is not raw")
        found = page.body + page.v2[5] + page.v2[6]
        if self.has_dictionary:
            width = self.data[found]
            require(page.v2[4] == RLE_DICTIONARY and width == self.item_bits, "tensor-pages.md#values", f"bit width {width}")
            found += 1
            if elements:
                source = Compact(self.data, found)
                head = source.varint()
                require(head == -(-elements // 8) << 1 | 1, "tensor-pages.md#values", "not one bit-packed run of all elements")
                found = source.at
        else:
            require(page.v2[4] == PLAIN, "tensor-pages.md#values", f"encoding {page.v2[4]}")
        require(found == values, "tensor-pages.md#where-a-row-is", f"values at {found}, the leaf says {values}")
        require(page.end == values + self.size_of_values(elements), "tensor-pages.md#where-a-row-is", f"the page at {at} ends at {page.end}")
        lengths = self.column.lengths(self.data, page)
        counted = sum(length or 0 for length in lengths)
        require((len(lengths), counted) == (rows, elements), "tensor-pages.md#levels", f"counts of the page at {at}")
        return lengths

    def check_dictionary(self, start: int, first_page: int) -> None:
        """The identity dictionary before the first data page."""
        if not self.has_dictionary:
            return
        page, rule = read_page(self.data, start, len(self.data), True), "tensor-pages.md#values"
        require(page.end == first_page and page.header[1] == DICTIONARY, rule, "no dictionary page before the first page")
        count = page.header[7][1]
        entries = np.frombuffer(self.data[page.body:page.end], "<i4")
        expected = np.arange(count).astype(self.column.dtype.replace("i", "int").replace("u", "uint")).astype("<i4")
        require(np.array_equal(entries, expected) and (self.item_bits != 8 or count == 256), rule, "not an identity dictionary")

    def values(self) -> list[np.ndarray | None]:
        """The elements of every row; None for a null one."""
        return self.strided() if self.chunk["layout"] == "strided" else self.paged()

    def strided(self) -> list[np.ndarray | None]:
        chunk, n = self.chunk, self.column.n
        require(n, "tensor-pages.md", "strided is for rows of one length")
        first, stride, page_rows = chunk["first_page"], chunk["page_stride"], chunk["page_rows"]
        require(page_rows > 0 and self.rows, "manifest.md#leaf", "a strided chunk without rows")
        last = (self.rows - 1) // page_rows
        require(not last or stride >= max(chunk["prefix"], 1), "manifest.md#leaf", f"page_stride {stride}")
        found = []
        for k in range(last + 1):
            values = first + k * stride + chunk["last_prefix" if k == last else "prefix"]
            rows = min(page_rows, self.rows - k * page_rows)
            lengths = self.check_page(first + k * stride, values, rows, rows * n)
            require(lengths == [n] * rows, "tensor-pages.md#levels", "rows of a strided chunk differ in length")
            found += [self.numbers(8 * values + r * n * self.item_bits, n) for r in range(rows)]
        return found

    def paged(self) -> list[np.ndarray | None]:
        pages, per_value = self.chunk["pages"] or [], self.column.n or 1
        rule = "manifest.md#leaf"
        require(bool(pages) == bool(self.rows), rule, "only an empty row group has no pages")
        null = np.zeros(self.rows, bool)
        if (bits := self.chunk["null_rows"]) is not None:
            require(len(bits) == -(-self.rows // 8), rule, "null_rows has the wrong length")
            padded = np.unpackbits(np.frombuffer(bits, "u1"), bitorder="little").astype(bool)
            require(not padded[self.rows:].any(), rule, "unused bits of null_rows are set")
            null = padded[:self.rows]
        ends = [*pages[1:], {"first_row": self.rows, "first_value": self.chunk["value_count"]}]
        at, found = self.chunk["first_page"], []
        require(not pages or (pages[0]["first_row"], pages[0]["first_value"]) == (0, 0), rule, "page 0 begins later")
        for page, end in zip(pages, ends):
            rows = range(page["first_row"], end["first_row"])
            count = (end["first_value"] - page["first_value"]) * per_value
            require(len(rows) and count >= 0, rule, "pages do not ascend")
            lengths = self.check_page(at, page["values_offset"], len(rows), count)
            require([length is None for length in lengths] == null[rows.start:rows.stop].tolist(), rule, "null_rows differ from the levels")
            require(not self.column.n or set(lengths) <= {None, self.column.n}, "tensor-pages.md#levels", "a row of another length")
            bit = 8 * page["values_offset"]
            for length in lengths:
                found.append(None if length is None else self.numbers(bit, length))
                bit += (length or 0) * self.item_bits
            at = page["values_offset"] + self.size_of_values(count)
        return found
