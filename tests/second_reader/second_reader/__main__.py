"""Prints the rows of a dataset, one JSON object a line: `python -m second_reader DATASET [VERSION]`."""

import sys

from . import Dataset
from .values import as_json

dataset = Dataset(sys.argv[1])
for row in dataset.rows(int(sys.argv[2]) if len(sys.argv) > 2 else None):
    print(as_json(row))
