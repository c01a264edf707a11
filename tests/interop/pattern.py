"""The values that the files of every case hold, by a rule that both sides compute.

Element `k` of a tensor column, counted from the first element of row 0 (null rows count too), has
the bit pattern `pattern(k)`:

- integers: the low bits of it, in two's complement if signed;
- bool: bit 3 of it;
- floats: the low bits of it as a bit pattern; where all exponent bits are set, which would make an
  infinity or a NaN, the highest exponent bit is cleared.
"""

from __future__ import annotations

import json
import os
import pathlib
from dataclasses import dataclass

import numpy as np

MULTIPLIER = np.uint64(0x9E37_79B9_7F4A_7C15)

ITEM_BITS = {
    "bool": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "u8": 8, "u16": 16, "u32": 32, "u64": 64,
    "f16": 16, "bf16": 16, "f32": 32, "f64": 64,
}
EXPONENT = {"f16": 0x7C00, "bf16": 0x7F80, "f32": 0x7F80_0000, "f64": 0x7FF0_0000_0000_0000}


def unsigned(dtype: str) -> np.dtype:
    """The numpy type that holds the bit pattern of one element; bool has a byte of 0 or 1."""
    return np.dtype(f"u{max(ITEM_BITS[dtype], 8) // 8}")


def pattern(k: np.ndarray) -> np.ndarray:
    """The 59-bit patterns of elements `k`."""
    return ((k.astype(np.uint64) + np.uint64(11)) * MULTIPLIER) >> np.uint64(5)


def element_bits(dtype: str, k: np.ndarray) -> np.ndarray:
    """The bit patterns of elements `k`, as unsigned integers of their size."""
    p = pattern(k)
    if dtype == "bool":
        return ((p >> np.uint64(3)) & np.uint64(1)).astype(np.uint8)
    bits = p.astype(unsigned(dtype))
    if dtype in EXPONENT:
        exponent = bits.dtype.type(EXPONENT[dtype])
        highest = exponent & ~(exponent >> bits.dtype.type(1))
        bits = np.where(bits & exponent == exponent, bits & ~highest, bits)
    return bits


@dataclass(frozen=True)
class Case:
    """One column `x` in one or more Parquet files, beside `id` and `name`."""

    name: str
    files: tuple[str, ...]
    type: str
    dtype: str
    n: int
    rows: int
    nulls: bool
    page_groups: str
    encoding: str

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions in the type: `u8[3,2]` has (3, 2)."""
        dims = self.type.rstrip("?")[len(self.dtype) + 1 : -1]
        return tuple(int(d) for d in dims.split(",") if d)

    @property
    def null_rows(self) -> np.ndarray:
        """True for each row that is null."""
        return (np.arange(self.rows) % 5 == 3) & self.nulls

    @property
    def bits(self) -> np.ndarray:
        """The bit patterns of the rows that are not null: one row of `n` for each."""
        k = np.arange(self.rows * self.n, dtype=np.uint64).reshape(self.rows, self.n)
        return element_bits(self.dtype, k[~self.null_rows])

    @property
    def names(self) -> list[str | None]:
        """The values of the column `name`."""
        return [None if row % 3 == 0 else f"row {row}" for row in range(self.rows)]


def load_cases() -> list[Case]:
    """The cases that `interop-cases` wrote into INTEROP_DIR (default `target/interop`)."""
    folder = pathlib.Path(os.environ.get("INTEROP_DIR", "target/interop"))
    index = folder / "cases.json"
    if not index.is_file():
        raise FileNotFoundError(f"{index} is not there: `make test-interop` writes it")
    known = Case.__dataclass_fields__
    cases = json.loads(index.read_text())
    kept = [{key: value for key, value in case.items() if key in known} for case in cases]
    return [Case(**{**case, "files": tuple(case["files"])}) for case in kept]
