"""Tensor datasets on Apache Parquet: numpy and torch without a copy.

>>> import numpy as np, tempfile, tenrow
>>> place = tempfile.mkdtemp() + "/digits"
>>> with tenrow.create(place, {"image": tenrow.tensor("u8", (28, 28)), "label": "i64"}) as w:
...     w.append({"image": np.ones((100, 28, 28), np.uint8), "label": np.arange(100)})
>>> ds = tenrow.open(place)
>>> len(ds), int(ds[-1]["label"]), ds["image"][5].shape
(100, 99, (28, 28))
"""

from ._answer import Answer
from ._column import Column
from ._dataset import Dataset, open
from ._errors import (
    AlreadyExists,
    Conflict,
    Corrupt,
    Denied,
    Error,
    InDoubt,
    InvalidInput,
    NotADataset,
    NotFound,
    OutOfRange,
    StoreError,
    TooNew,
    Unsupported,
    WrongType,
)
from ._file import File
from ._progress import Progress
from ._root import list, sql
from ._schema import Attribute, AttributeType, file, tensor
from ._schema import infer as infer_schema
from ._tenrow import __version__
from ._view import View
from ._write import create, from_arrow, from_dataset, from_numpy
from ._writer import Writer

# A data frame is Arrow to us.
from_pandas = from_polars = from_arrow

__all__ = [
    "AlreadyExists",
    "Answer",
    "Attribute",
    "AttributeType",
    "Column",
    "Conflict",
    "Corrupt",
    "Dataset",
    "Denied",
    "Error",
    "File",
    "InDoubt",
    "InvalidInput",
    "NotADataset",
    "NotFound",
    "OutOfRange",
    "Progress",
    "StoreError",
    "TooNew",
    "Unsupported",
    "View",
    "Writer",
    "WrongType",
    "__version__",
    "create",
    "file",
    "from_arrow",
    "from_dataset",
    "from_numpy",
    "from_pandas",
    "from_polars",
    "infer_schema",
    "list",
    "open",
    "sql",
    "tensor",
]
