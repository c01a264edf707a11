"""Pictures as files, with a list of boxes of its own length for each."""

import pathlib

import numpy as np
import tenrow

# Three files that are somewhere; they stay there.
pictures = []
for i in range(3):
    picture = pathlib.Path(f"picture-{i}.pgm")
    picture.write_bytes(b"P5 64 64 255\n" + bytes([i * 60] * 64 * 64))
    pictures.append(picture)

schema = {"photo": tenrow.file(), "boxes": tenrow.tensor("f32", (None, 5)), "labels": tenrow.tensor("i32", (None,))}
with tenrow.create("photos", schema) as writer:
    writer.append(
        {
            "photo": pictures,
            "boxes": [np.random.rand(n, 5).astype(np.float32) for n in (2, 0, 5)],
            "labels": [np.arange(n, dtype=np.int32) for n in (2, 0, 5)],
        }
    )

photos = tenrow.open("photos")
for row in photos:
    photo = row["photo"]
    print(photo.name, photo.size, "bytes,", len(row["boxes"]), "boxes, begins with", photo.read_range(0, 2))

# A file as others want it: with `read`, `seek` and `tell`.
with photos["photo"][2] as photo:
    photo.seek(-4, 2)
    assert photo.read() == bytes([120] * 4)
