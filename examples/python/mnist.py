"""Writes the MNIST digits as a dataset and reads them back. `python mnist.py [FOLDER OF IDX FILES]`."""

import gzip
import pathlib
import sys

import numpy as np
import tenrow

CARRIED = pathlib.Path(__file__).parents[2] / "crates/tenrow-cli/data"


def idx(file: pathlib.Path, header: int) -> np.ndarray:
    """The bytes of an IDX file after its header of `header` numbers."""
    content = gzip.decompress(file.read_bytes())
    shape = np.frombuffer(content, ">u4", header, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * header).reshape(shape)


folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else CARRIED
images = idx(folder / "t10k-images-idx3-ubyte.gz", 3)
labels = idx(folder / "t10k-labels-idx1-ubyte.gz", 1)

with tenrow.create("digits", {"image": tenrow.tensor("u8", (28, 28)), "label": "u8"}) as writer:
    writer.append({"image": images, "label": labels})

digits = tenrow.open("digits")
print(digits)

row = digits[9999]
print("the last digit is a", row["label"])
print("its picture is a view of the file:", not row["image"].flags.owndata)

some = digits.take([5, 9, 5])
print("three at once:", some["image"].shape, some["label"])

means = np.zeros(10)
for batch in digits.scan(batch_size=1000):
    for label in range(10):
        means[label] += batch["image"][batch["label"] == label].sum()
print("the digit with the most ink:", int(np.argmax(means / np.bincount(digits["label"][:]))))
assert (digits["image"][:] == images).all() and (digits["label"][:] == labels).all()
