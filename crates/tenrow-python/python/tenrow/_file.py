"""Files of file attributes, as files."""

from __future__ import annotations

import io
from typing import Any


class File(io.RawIOBase):
    """One file of a row: read-only, seekable, each read exactly the bytes asked for.

    >>> import tenrow, tempfile
    >>> place = tempfile.mkdtemp() + "/files"
    >>> with tenrow.create(place, {"note": tenrow.file()}) as w:
    ...     w.append({"note": [{"bytes": b"hello", "name": "a.txt"}]})
    >>> note = tenrow.open(place)[0]["note"]
    >>> note.name, note.read(), note.size
    ('a.txt', b'hello', 5)
    """

    def __init__(self, handle: Any) -> None:
        super().__init__()
        self._handle = handle
        self._at = 0

    @property
    def name(self) -> str | None:
        """The name it came with."""
        return self._handle.name

    @property
    def media_type(self) -> str | None:
        """Such as `image/png`."""
        return self._handle.media_type

    @property
    def size(self) -> int:
        """Its bytes."""
        return self._handle.size

    @property
    def blake3(self) -> str | None:
        """The BLAKE3 hash of its bytes, in hex."""
        return self._handle.blake3

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._check_open()
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}
        if whence not in bases:
            raise ValueError(f"whence is 0, 1 or 2, not {whence!r}")
        base = bases[whence]
        if base + offset < 0:
            raise ValueError(f"seek to {base + offset}: before the file")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        self._check_open()
        return self._at

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on a closed file")

    def read_range(self, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end`."""
        self._check_open()
        return self._handle.read_range(start, end)

    def readinto(self, buffer: Any) -> int:
        self._check_open()
        view = memoryview(buffer).cast("B")
        end = min(self._at + len(view), self.size)
        count = max(end - self._at, 0)
        if count:
            view[:count] = self._handle.read_range(self._at, end)
            self._at = end
        return count

    def readall(self) -> bytes:
        self._check_open()
        start, self._at = min(self._at, self.size), max(self._at, self.size)
        return self._handle.read_range(start, self.size)

    def __reduce__(self) -> Any:
        """Copied or in another process, it is the same file, opened again at the same place."""
        return _reopened, (self._handle, self._at)

    def __repr__(self) -> str:
        return f"File(name={self.name!r}, media_type={self.media_type!r}, size={self.size})"


def _reopened(handle: Any, at: int) -> File:
    file = File(handle)
    file.seek(at)
    return file


def wrapped(rows: dict[str, Any]) -> dict[str, Any]:
    """The same, with handles as files; in place."""
    from ._tenrow import FileHandle

    for name, value in rows.items():
        if type(value) is FileHandle:
            rows[name] = File(value)
        elif type(value) is list and any(type(item) is FileHandle for item in value):
            rows[name] = [File(item) if type(item) is FileHandle else item for item in value]
    return rows
