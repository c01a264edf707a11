"""Deletion vectors: the portable form of 64-bit Roaring bitmaps, by the public RoaringFormatSpec."""

from __future__ import annotations

import numpy as np

from .refusal import require

RULE = "manifest.md#leaf"
WITH_RUNS, WITHOUT_RUNS = 12347, 12346


class Bytes:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, count: int, dtype: str) -> np.ndarray:
        size = count * np.dtype(dtype).itemsize
        require(self.at + size <= len(self.data), RULE, "a deletion vector is cut")
        self.at += size
        return np.frombuffer(self.data, dtype, count, self.at - size)

    def one(self, dtype: str) -> int:
        return int(self.take(1, dtype)[0])


def read_32(source: Bytes) -> np.ndarray:
    """The values of one 32-bit bitmap."""
    cookie = source.one("<u4")
    require(cookie == WITHOUT_RUNS or cookie & 0xFFFF == WITH_RUNS, RULE, f"a deletion vector with cookie {cookie}")
    count = source.one("<u4") if cookie == WITHOUT_RUNS else (cookie >> 16) + 1
    require(count <= 65536, RULE, "a deletion vector with too many containers")
    is_run = np.zeros(count, bool)
    if cookie != WITHOUT_RUNS:
        is_run = np.unpackbits(source.take((count + 7) // 8, "u1"), bitorder="little")[:count].astype(bool)
    heads = source.take(2 * count, "<u2").reshape(-1, 2).astype(np.int64)
    if cookie == WITHOUT_RUNS or count >= 4:
        source.take(count, "<u4")  # where each container is: they follow each other
    values = [np.empty(0, np.int64)]
    for (key, below), run in zip(heads, is_run):
        if run:
            runs = source.take(2 * source.one("<u2"), "<u2").reshape(-1, 2).astype(np.int64)
            low = np.concatenate([np.arange(first, first + more + 1) for first, more in runs] or [[]])
        elif below < 4096:
            low = source.take(below + 1, "<u2").astype(np.int64)
        else:
            low = np.flatnonzero(np.unpackbits(source.take(8192, "u1"), bitorder="little"))
        require(len(low) == below + 1, RULE, "a container of a deletion vector has another number of values")
        values.append((key << 16) + low.astype(np.int64))
    return np.concatenate(values)


def read(data: bytes) -> np.ndarray:
    """The values of a bitmap, ascending."""
    source = Bytes(data)
    values = [np.empty(0, np.int64)]
    for _ in range(source.one("<u8")):
        high = source.one("<u4")
        values.append((high << 32) + read_32(source))
    require(source.at == len(data), RULE, "bytes after a deletion vector")
    rows = np.concatenate(values)
    require((np.diff(rows) > 0).all(), RULE, "the rows of a deletion vector do not ascend")
    return rows
