"""The Python package beside numpy's memmap, h5py, Lance, Hugging Face datasets, webdataset and Mosaic's streaming.

    python3 -m venv target/loader-venv
    target/loader-venv/bin/pip install -r benches/compare/requirements-loader.txt ./crates/tenrow-python
    target/loader-venv/bin/python benches/compare/loader.py target/loader

The same arrays for all, f32[784] x 60,000 and u8[3,224,224] x 4,000, uniformly random, page cache warm. Each library is used
as its documentation says for training with torch; where it gives many rows by one call, a batch is one call:

one         one random row as numpy has it: a view, where there are views
256         256 random rows as one new array
0, 2        an epoch of shuffled batches of 256 through torch's DataLoader, in the process or with two workers, which stay

Medians of `one` and `256`, the best of EPOCHS after one that is not counted; in brackets the time over tenrow's, of which each
library's calls are timed in turns with them. `import` is that of numpy, and of numpy and tenrow, in new processes in turns.
FOLDER is removed.
"""

import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import datasets
import h5py
import lance
import numpy as np
import pyarrow as pa
import streaming
import tenrow
import tenrow.torch
import torch
import webdataset
from torch.utils.data import DataLoader

WORKLOADS = [
    ("f32[784]", np.float32, (784,), 60_000),
    ("u8[3,224,224]", np.uint8, (3, 224, 224), 4_000),
]
BATCH = 256
EPOCHS = 3
IMPORTS = 30


class Rows(torch.utils.data.Dataset):
    """A batch is one call of `take(data, rows)`, on data that each process opens for itself."""

    def __init__(self, count, open, take):
        self.count, self.open, self.take, self.data = count, open, take, None

    def __len__(self):
        return self.count

    def __getitems__(self, rows):
        if self.data is None:
            self.data = self.open()
        return torch.from_numpy(self.take(self.data, np.asarray(rows)))


def as_it_is(batch):
    return batch


def field(batch):
    return batch["x"]


def loader(data, workers, collate=None, start=None, **options):
    """A DataLoader that shuffles, unless `options` say otherwise."""
    options = {"batch_size": BATCH, "shuffle": True, **options}
    if workers:
        options |= {"persistent_workers": True, "multiprocessing_context": start}
    return DataLoader(data, num_workers=workers, collate_fn=collate, **options)


class Tenrow:
    name = "tenrow"

    def write(self, path, array):
        tenrow.from_numpy(path, {"x": array})

    def open(self, path, count, dtype, shape):
        self.dataset = tenrow.open(path)
        self.column = self.dataset["x"]

    def one(self, row):
        return self.column[row]

    def many(self, rows):
        return self.column.take(rows)

    def batches(self, workers):
        return loader(tenrow.torch.Dataset(self.dataset, batched=True), workers, tenrow.torch.collate), field


class Memmap:
    name = "numpy memmap"

    def write(self, path, array):
        array.tofile(path)

    def open(self, path, count, dtype, shape):
        self.new = partial(np.memmap, path, dtype, "r", shape=(count, *shape))
        self.map = self.new()

    def one(self, row):
        return self.map[row]

    def many(self, rows):
        return memmap_take(self.map, rows)

    def batches(self, workers):
        return loader(Rows(len(self.map), self.new, memmap_take), workers, as_it_is), as_it_is


class MemmapItems(Memmap):
    """As most write it: an item is a row, and batches are stacked."""

    name = "numpy memmap by item"
    one = many = None

    def batches(self, workers):
        return loader(Items(self.map), workers), as_it_is


class Items(torch.utils.data.Dataset):
    def __init__(self, data):
        self.data = data

    def __len__(self):
        return len(self.data)

    def __getitem__(self, row):
        return torch.from_numpy(np.array(self.data[row]))


def memmap_take(data, rows):
    return np.asarray(data[rows])


class Hdf5:
    name = "h5py"

    def write(self, path, array):
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=array)  # contiguous: the fastest layout for rows

    def open(self, path, count, dtype, shape):
        self.new = partial(hdf5_open, path)
        self.data = self.new()

    def one(self, row):
        return self.data[row]

    def many(self, rows):
        return hdf5_take(self.data, rows)

    def batches(self, workers):
        return loader(Rows(len(self.data), self.new, hdf5_take), workers, as_it_is), as_it_is


def hdf5_open(path):
    return h5py.File(path, "r")["x"]


def hdf5_take(data, rows):
    # It wants rows ascending and once.
    ascending, places = np.unique(rows, return_inverse=True)
    return data[ascending][places]


class Lance:
    name = "Lance"

    def write(self, path, array):
        step = max(1, (8 << 20) // array[0].nbytes)
        pieces = [array[at : at + step].reshape(-1) for at in range(0, len(array), step)]
        lists = [pa.FixedSizeListArray.from_arrays(pa.array(piece), array[0].size) for piece in pieces]
        lance.write_dataset(pa.table({"x": pa.chunked_array(lists)}), path)

    def open(self, path, count, dtype, shape):
        self.new, self.take, self.count = partial(lance.dataset, path), partial(lance_take, shape), count
        self.data = self.new()

    def one(self, row):
        return self.many([row])[0]

    def many(self, rows):
        return self.take(self.data, rows)

    def batches(self, workers):
        # Its threads do not outlive a fork.
        return loader(Rows(self.count, self.new, self.take), workers, as_it_is, "spawn"), as_it_is


def lance_take(shape, data, rows):
    column = data.take(rows, columns=["x"])["x"].combine_chunks()
    return column.flatten().to_numpy(zero_copy_only=False).reshape(-1, *shape)


class HuggingFace:
    name = "HF datasets"

    def write(self, path, array):
        kind, shape = str(array.dtype), array.shape[1:]
        if len(shape) == 1:
            feature = datasets.List(datasets.Value(kind), length=shape[0])
        else:
            feature = datasets.Array3D(shape, kind)
        given = datasets.Dataset.from_generator(
            lambda: ({"x": values} for values in array), features=datasets.Features({"x": feature}), cache_dir=f"{path}.cache"
        )
        given.save_to_disk(path)
        shutil.rmtree(f"{path}.cache")

    def open(self, path, count, dtype, shape):
        self.data = datasets.load_from_disk(path)
        self.numpy = self.data.with_format("numpy")

    def one(self, row):
        return self.numpy[row]["x"]

    def many(self, rows):
        return self.numpy[rows]["x"]

    def batches(self, workers):
        return loader(self.data.with_format("torch"), workers), field


class WebDataset:
    name = "webdataset"
    one = many = None

    def write(self, path, array):
        path.mkdir()
        with webdataset.ShardWriter(f"{path}/%06d.tar", maxcount=len(array) // 8, verbose=0) as shards:
            for row, values in enumerate(array):
                shards.write({"__key__": f"{row:08}", "x.npy": values})

    def open(self, path, count, dtype, shape):
        self.shards = sorted(map(str, path.iterdir()))

    def batches(self, workers):
        data = webdataset.WebDataset(self.shards, shardshuffle=8).shuffle(1000).decode().to_tuple("x.npy").batched(BATCH)
        return loader(data, workers, batch_size=None, shuffle=False), first


def first(batch):
    return torch.as_tensor(batch[0])


class Mosaic:
    name = "Mosaic streaming"

    def write(self, path, array):
        kind = f"ndarray:{array.dtype}:{','.join(map(str, array.shape[1:]))}"
        with streaming.MDSWriter(out=str(path), columns={"x": kind}) as shards:
            for values in array:
                shards.write({"x": values})

    def open(self, path, count, dtype, shape):
        self.path = str(path)
        self.data = self.new()

    def new(self):
        # It keeps state in shared memory, which another one in this process would meet.
        streaming.base.util.clean_stale_shared_memory()
        return streaming.StreamingDataset(local=self.path, batch_size=BATCH, shuffle=True)

    def one(self, row):
        return self.data[row]["x"]

    def many(self, rows):
        return np.stack([self.data[int(row)]["x"] for row in rows])

    def batches(self, workers):
        return loader(self.new(), workers, shuffle=False), field


def in_turns(ours, theirs, inputs):
    """The medians of both, in seconds."""
    times = ([], [])
    for given in inputs:
        for work, found in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            work(given)
            found.append(time.perf_counter() - start)
    return [float(np.median(found)) for found in times]


def epoch(batches, count, total):
    """The seconds of an epoch; every row must come once."""
    loader, tensor = batches
    start = time.perf_counter()
    rows, sum = 0, 0.0
    for batch in loader:
        values = tensor(batch)
        rows += len(values)
        sum += values.reshape(len(values), -1)[:, 0].double().sum().item()
    seconds = time.perf_counter() - start
    assert rows == count and abs(sum - total) < 1e-6 * total, f"an epoch had {rows} rows, their sum was {sum}, not {total}"
    return seconds


def epochs_in_turns(ours, theirs, workers, count, total):
    both = [library.batches(workers) for library in (ours, theirs)]
    times = [[epoch(batches, count, total) for batches in both] for _ in range(EPOCHS + 1)]
    return [min(found) for found in zip(*times[1:], strict=True)]


def figures(ours, theirs, array):
    """For each kind of work the seconds of both, None where there is no such work."""
    random = np.random.default_rng(2)
    found = {"one": None, "256": None}
    if theirs.one:
        rows = random.integers(0, len(array), 2_000).tolist()
        assert (theirs.one(rows[0]) == array[rows[0]]).all(), f"{theirs.name} read another row"
        found["one"] = in_turns(ours.one, theirs.one, rows)
        many = [random.choice(len(array), BATCH, replace=False) for _ in range(40)]
        assert (theirs.many(many[0]) == array[many[0]]).all(), f"{theirs.name} read other rows"
        found["256"] = in_turns(ours.many, theirs.many, many)
    total = float(array.reshape(len(array), -1)[:, 0].astype(np.float64).sum())
    for workers in (0, 2):
        found[f"{workers} workers"] = epochs_in_turns(ours, theirs, workers, len(array), total)
    return found


def show(seconds):
    for unit, scale in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1 or unit == "µs":
            return f"{seconds * scale:.2f} {unit}"


def importing():
    """The seconds that each import takes in a new process, less those of an empty one."""
    codes = ["pass", "import numpy", "import numpy, tenrow"]
    times = [[] for _ in codes]
    for _ in range(IMPORTS):
        for code, found in zip(codes, times, strict=True):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            found.append(time.perf_counter() - start)
    empty, numpy, both = (float(np.median(found)) for found in times)
    print(f"import numpy: {show(numpy - empty)}; tenrow beyond it: {show(both - numpy)}\n", flush=True)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    modules = [np, h5py, lance, datasets, webdataset, streaming, torch]
    versions = ", ".join(f"{module.__name__} {module.__version__}" for module in modules)
    print(f"{os.cpu_count()} cores; Python {sys.version.split()[0]}, {versions}\n")
    datasets.disable_progress_bars()
    torch.manual_seed(0)
    importing()
    try:
        for text, dtype, shape, count in WORKLOADS:
            compare(folder, text, dtype, shape, count)
    finally:
        shutil.rmtree(folder)


def compare(folder, text, dtype, shape, count):
    """Prints the table of one workload."""
    random = np.random.default_rng(1)
    if dtype == np.float32:
        array = random.random((count, *shape), dtype=np.float32)
    else:
        array = random.integers(0, 256, (count, *shape), dtype=dtype)
    ours = Tenrow()
    ours.write(folder / "ours", array)
    ours.open(folder / "ours", count, dtype, shape)
    for number, theirs in enumerate([Memmap(), MemmapItems(), Hdf5(), Lance(), HuggingFace(), WebDataset(), Mosaic()]):
        path = folder / theirs.name.replace(" ", "-").lower()
        theirs.write(path, array)
        theirs.open(path, count, dtype, shape)
        found = figures(ours, theirs, array)
        if number == 0:
            print(f"| {text} × {count:,} | {' | '.join(found)} |")
            print("|---|" + "---|" * len(found), flush=True)
        cells = [
            "–" if both is None else f"{show(both[1])} : {show(both[0])} ({both[1] / both[0]:.2f} ×)" for both in found.values()
        ]
        print(f"| {theirs.name} : tenrow | {' | '.join(cells)} |", flush=True)
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(folder / "ours")
    print()


if __name__ == "__main__":
    main()
