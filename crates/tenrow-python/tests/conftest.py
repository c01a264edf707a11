"""What the tests of the Python package share."""

import faulthandler
import pathlib
from collections.abc import Iterator

import numpy as np
import pytest
import tenrow

DTYPES = ["bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "f32", "f64"]
NUMPY = {
    "bool": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64, "u8": np.uint8,
    "u16": np.uint16, "u32": np.uint32, "u64": np.uint64, "f16": np.float16, "f32": np.float32, "f64": np.float64,
}  # fmt: skip
try:
    import ml_dtypes
except ImportError:
    pass
else:
    DTYPES.append("bf16")
    NUMPY["bf16"] = ml_dtypes.bfloat16
ROWS = 3000
# A test that waits for ever says where, and ends the run.
SECONDS = 900


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    faulthandler.dump_traceback_later(SECONDS, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def place(tmp_path: pathlib.Path) -> str:
    return str(tmp_path / "dataset")


def columns(rows: int = ROWS) -> dict:
    """Values of which each tells its row."""
    n = np.arange(rows)
    return {
        "image": np.broadcast_to((n % 251).astype(np.uint8)[:, None, None], (rows, 28, 28)),
        "vector": n[:, None].astype(np.float32) + np.arange(16, dtype=np.float32) / 16,
        "label": n.astype(np.int64),
        "name": [f"row {i} ü" for i in range(rows)],
    }


SCHEMA = {"image": tenrow.tensor("u8", (28, 28)), "vector": "f32[16]", "label": "i64", "name": str}


@pytest.fixture
def digits(place: str) -> tenrow.Dataset:
    with tenrow.create(place, SCHEMA) as writer:
        writer.append(columns())
    return writer.dataset
