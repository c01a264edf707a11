"""Thrift's compact protocol, as far as Parquet's page headers and page indexes use it."""

from __future__ import annotations

from .refusal import Refused, require

RULE = "tensor-pages.md#header"


class Compact:
    """Reads from `data`, beginning at `at`, which moves on."""

    def __init__(self, data: memoryview, at: int):
        self.data, self.at = data, at

    def byte(self) -> int:
        require(self.at < len(self.data), RULE, "Thrift bytes are cut")
        self.at += 1
        return self.data[self.at - 1]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            require(shift <= 70, RULE, "a varint is too long")
            if byte < 0x80:
                return value

    def zigzag(self) -> int:
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def value(self, kind: int) -> object:
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            return self.byte()
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind in (7, 8):
            size = 8 if kind == 7 else self.varint()
            require(size <= len(self.data) - self.at, RULE, "Thrift bytes are cut")
            self.at += size
            return bytes(self.data[self.at - size:self.at])
        if kind in (9, 10):
            head = self.byte()
            count = self.varint() if head >> 4 == 15 else head >> 4
            if head & 15 in (1, 2):
                return [self.byte() == 1 for _ in range(count)]
            return [self.value(head & 15) for _ in range(count)]
        if kind == 12:
            return self.struct()
        raise Refused(RULE, f"Thrift type {kind} is not one of a page header")

    def struct(self) -> dict[int, object]:
        """The fields of a struct by their ids."""
        fields, last = {}, 0
        while head := self.byte():
            last = last + (head >> 4) if head >> 4 else self.zigzag()
            fields[last] = self.value(head & 15)
        return fields
