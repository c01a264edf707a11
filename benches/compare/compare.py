"""Lance, Parquet by pyarrow, HDF5 and numpy's memmap beside tenrow: compare.py FOLDER PROGRAM.

The same arrays for all, f32[784] x 60,000 and u8[3,224,224] x 4,000, uniformly random. Each library
is used as its documentation says for random access; all settings are below. Times are medians with
the page cache warm:

write   the array in memory to files, durable: fsync of every file is added where a library has none
scan    every row once, in the largest pieces that are natural, every byte summed in 64-bit words
one     one random row as an array of its own
many    256 random rows as one array

PROGRAM is tenrow-bench, whose command `json` does the same in Rust on the same bytes. FOLDER is removed.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import lance
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WORKLOADS = [
    ("vectors", "f32[784]", np.float32, (784,), 60_000),
    ("images", "u8[3,224,224]", np.uint8, (3, 224, 224), 4_000),
]
PIECE_BYTES = 8 << 20
MANY = 256
WORK = ["write", "scan", "one", "many", "disk"]


def total(array):
    """The sum that every side of the scan does: 64-bit words of contiguous memory."""
    return int(np.ascontiguousarray(array).reshape(-1).view(np.uint64).sum())


def as_list(array):
    """Rows as an Arrow list of fixed size, without a copy."""
    flat = pa.array(array.reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, int(np.prod(array.shape[1:])))


def from_list(column):
    """The elements of an Arrow column of lists of fixed size."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    arrays = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in chunks]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def sync(path):
    """Makes a file, or every file below a folder, durable."""
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


class Memmap:
    name = "numpy memmap"
    once = False

    def write(self, path, array):
        array.tofile(path)

    def open(self, path, shape, dtype):
        self.map = np.memmap(path, dtype=dtype, mode="r", shape=shape)

    def scan(self):
        step = max(1, PIECE_BYTES // self.map[0].nbytes)
        return sum(total(self.map[at : at + step]) for at in range(0, len(self.map), step))

    def rows(self, rows):
        return np.array(self.map[rows])


class Hdf5:
    name = "h5py"
    once = False

    def write(self, path, array):
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=array)  # contiguous: the fastest layout for rows

    def open(self, path, shape, dtype):
        self.data = h5py.File(path, "r")["x"]

    def scan(self):
        row_bytes = self.data.dtype.itemsize * int(np.prod(self.data.shape[1:]))
        step = max(1, PIECE_BYTES // row_bytes)
        return sum(total(self.data[at : at + step]) for at in range(0, len(self.data), step))

    def rows(self, rows):
        if len(rows) == 1:
            return self.data[rows[0]]
        return self.data[np.sort(rows)]  # h5py wants them ascending


class Parquet:
    name = "pyarrow Parquet"
    once = True  # a scan takes many seconds

    def write(self, path, array):
        step = max(1, (64 << 20) // array[0].nbytes)
        schema = pa.schema([("x", as_list(array[:1]).type)])
        # Not compressed and no dictionary: random values gain nothing from either.
        with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
            for at in range(0, len(array), step):
                writer.write(pa.table([as_list(array[at : at + step])], schema=schema))

    def open(self, path, shape, dtype):
        self.file = pq.ParquetFile(path, memory_map=True)

    def scan(self):
        batches = self.file.iter_batches()
        return sum(total(from_list(batch.column(0))) for batch in batches)

    def rows(self, rows):
        return None  # pyarrow can only read whole row groups


class Lance:
    name = "Lance"
    once = True

    def write(self, path, array):
        step = max(1, PIECE_BYTES // array[0].nbytes)
        schema = pa.schema([("x", as_list(array[:1]).type)])
        pieces = (
            pa.record_batch([as_list(array[at : at + step])], schema=schema)
            for at in range(0, len(array), step)
        )
        lance.write_dataset(pa.RecordBatchReader.from_batches(schema, pieces), path)

    def open(self, path, shape, dtype):
        self.data = lance.dataset(path)

    def scan(self):
        return sum(total(from_list(batch.column(0))) for batch in self.data.to_batches())

    def rows(self, rows):
        return from_list(self.data.take(rows, columns=["x"]).column(0))


def median_time(work, times, inputs=None):
    """The median of `times` runs of `work`."""
    found = []
    for run in range(times):
        start = time.perf_counter()
        work() if inputs is None else work(inputs[run])
        found.append(time.perf_counter() - start)
    return float(np.median(found))


def measure(library, folder, name, array, expected):
    """All figures of one library, None where it cannot do the work."""
    path = folder / f"{name}.{type(library).__name__.lower()}"
    start = time.perf_counter()
    library.write(path, array)
    sync(path)
    figures = {"write": time.perf_counter() - start}
    library.open(path, array.shape, array.dtype)
    assert library.scan() % (1 << 64) == expected, f"{library.name} read other values"
    figures["scan"] = median_time(library.scan, 3 if library.once else 7)
    random = np.random.default_rng(2)
    if library.rows([0]) is None:
        figures["one"] = figures["many"] = None
    else:
        ones = [[int(row)] for row in random.integers(0, len(array), 300)]
        many = [random.integers(0, len(array), MANY) for _ in range(20)]
        # h5py takes a row once only: all libraries get different rows.
        many = [np.unique(rows) for rows in many]
        many = [random.permutation(rows) for rows in many]
        found = library.rows(many[0][:1])
        assert total(found) == total(array[many[0][0]]), f"{library.name} read another row"
        figures["one"] = median_time(library.rows, len(ones), ones)
        figures["many"] = median_time(library.rows, len(many), many)
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    figures["disk"] = sum(file.stat().st_size for file in files)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return figures


def show(value, work, raw_bytes):
    """A figure as people read it."""
    if value is None:
        return "–"
    if work == "disk":
        return f"{value / raw_bytes:.4f} × raw"
    if work in ("write", "scan"):
        return f"{raw_bytes / value / 1e9:.2f} GB/s"
    return f"{value * 1e6:.1f} µs" if value < 1e-3 else f"{value * 1e3:.2f} ms"


def main():
    folder, program = Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True)
    versions = [f"numpy {np.__version__}", f"h5py {h5py.__version__}"]
    versions += [f"pyarrow {pa.__version__}", f"Lance {lance.__version__}"]
    print(f"{os.cpu_count()} cores; Python {sys.version.split()[0]}, {', '.join(versions)}\n")
    print("| data | library | write | scan | one row | 256 rows | disk |")
    print("|---|---|---|---|---|---|---|")
    try:
        for name, type_text, dtype, shape, rows in WORKLOADS:
            compare(folder, program, name, type_text, dtype, shape, rows)
    finally:
        shutil.rmtree(folder)


def compare(folder, program, name, type_text, dtype, shape, rows):
    """Prints the lines of one workload: every figure, and how many times tenrow is faster."""
    random = np.random.default_rng(1)
    if dtype == np.float32:
        array = random.random((rows, *shape), dtype=np.float32)
    else:
        array = random.integers(0, 256, (rows, *shape), dtype=np.uint8)
    array.tofile(folder / f"{name}.raw")
    expected = total(array)
    arguments = [program, "json", str(folder), name, type_text, str(rows)]
    printed = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    tenrow = json.loads(printed)
    cells = [show(tenrow[work], work, array.nbytes) for work in WORK]
    print(f"| {type_text} × {rows:,} | **tenrow** | {' | '.join(cells)} |", flush=True)
    for library in [Memmap(), Hdf5(), Lance(), Parquet()]:
        figures = measure(library, folder, name, array, expected)
        cells = []
        for work in WORK:
            cell = show(figures[work], work, array.nbytes)
            if figures[work] is not None and work != "disk":
                cell += f" ({figures[work] / tenrow[work]:.2f} ×)"
            cells.append(cell)
        print(f"| | {library.name} | {' | '.join(cells)} |", flush=True)
    shutil.rmtree(folder / f"{name}.tenrow")
    (folder / f"{name}.raw").unlink()


if __name__ == "__main__":
    main()
