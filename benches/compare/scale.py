"""Lance's manifest at many fragments, beside `tenrow-bench scale`: scale.py FOLDER [FRAGMENTS].

One fragment of 8 rows and 10 columns is written and its entry repeated under other ids, without other data files. Times
are medians with the page cache warm: opening the newest version, and appending one fragment of 8 rows.
"""

import copy
import json
import shutil
import statistics
import sys
import time
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa

ROWS = 8
OPENS = 15
APPENDS = 15
SCALARS = ["label", "width", "height", "user", "score", "year", "month", "length", "source"]


def rows():
    pixels = pa.array(np.arange(ROWS * 16, dtype=np.uint8))
    columns = {"image": pa.FixedSizeListArray.from_arrays(pixels, 16)}
    columns |= {name: pa.array(np.arange(ROWS, dtype=np.int64)) for name in SCALARS}
    return pa.table(columns)


def timed(work, count):
    times = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def newest_manifest(folder):
    return max(path.stat().st_size for path in (folder / "_versions").glob("*.manifest"))


def main():
    folder = Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    shutil.rmtree(folder, ignore_errors=True)
    table = rows()
    [fragment] = lance.fragment.write_fragments(table, str(folder))
    entry = fragment.to_json()
    entry = json.loads(entry) if isinstance(entry, str) else entry

    def numbered(number):
        one = copy.deepcopy(entry)
        one["id"] = number
        return lance.fragment.FragmentMetadata.from_json(json.dumps(one))

    fragments = [numbered(number) for number in range(count)]
    operation = lance.LanceOperation.Overwrite(table.schema, fragments)
    lance.LanceDataset.commit(str(folder), operation)
    opening = timed(lambda: lance.dataset(str(folder)).version, OPENS)
    written = []

    def append():
        lance.write_dataset(table, str(folder), mode="append")
        written.append(newest_manifest(folder))

    appending = timed(append, APPENDS)
    print(f"Lance {lance.__version__}, {count} fragments: open {opening * 1e3:.1f} ms, "
          f"append one {appending * 1e3:.1f} ms, manifest {max(written) / 1024:.0f} KiB each time")
    shutil.rmtree(folder)


main()
