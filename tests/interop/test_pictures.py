"""Pictures of every kind that Pillow writes, decoded by tenrow and by Pillow."""

from __future__ import annotations

import io
import json
import pathlib
import struct
import subprocess
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from test_their_files import TENROW, tenrow

HEIGHT, WIDTH = 12, 16
LOSSY = {"jpeg": 3, "webp-lossy": 3, "cmyk": 6}


def colours(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Smooth, so that what lossy formats lose is little."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 15, y * 20, (x + y) * 8], axis=-1).astype(np.uint8)


def saved(image: Image.Image, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, **options)
    return out.getvalue()


def png_of_16_bits(channels: int) -> bytes:
    """Of colours, which Pillow does not write."""
    samples = (colours()[..., :channels].astype(np.uint16) * 257 + 3).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    chunk = lambda name, data: struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))  # noqa: E731
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, {1: 0, 3: 2}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pictures() -> dict[str, bytes]:
    rgb = Image.fromarray(colours())
    alpha = rgb.copy()
    alpha.putalpha(Image.fromarray(colours()[..., 0]))
    palette = rgb.quantize(16)
    tilted = Image.fromarray(colours(WIDTH, HEIGHT))
    grey16 = Image.fromarray(colours()[..., 0].astype(np.uint16) * 257)
    found = {}
    for mode in ["1", "L", "LA", "P", "RGB", "RGBA"]:
        found[f"png-{mode}"] = saved(alpha.convert(mode) if mode in ("LA", "RGBA") else rgb.convert(mode), format="png")
    found["png-palette-clear"] = saved(palette, format="png", transparency=3)
    found["png-interlaced-I16"] = saved(grey16, format="png")
    found["png-16-grey"], found["png-16-colour"] = png_of_16_bits(1), png_of_16_bits(3)
    for mode in ["L", "RGB"]:
        found[f"jpeg-{mode}"] = saved(rgb.convert(mode), format="jpeg", quality=95, subsampling=0)
    found["jpeg-progressive"] = saved(rgb, format="jpeg", quality=95, subsampling=0, progressive=True)
    found["jpeg-cmyk"] = saved(rgb.convert("CMYK"), format="jpeg", quality=95)
    found["gif"] = saved(palette, format="gif")
    found["gif-clear"] = saved(palette, format="gif", transparency=2)
    found["gif-moving"] = saved(palette, format="gif", save_all=True, append_images=[palette.transpose(Image.Transpose.ROTATE_180)])
    for mode in ["1", "L", "P", "RGB"]:
        found[f"bmp-{mode}"] = saved(palette if mode == "P" else rgb.convert(mode), format="bmp")
    for compression in ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"]:
        found[f"tiff-{compression}"] = saved(rgb, format="tiff", compression=compression)
    for mode in ["L", "RGBA"]:
        found[f"tiff-{mode}"] = saved(alpha.convert(mode), format="tiff")
    found["tiff-I16"] = saved(grey16, format="tiff")
    found["tiff-float"] = saved(Image.fromarray(colours()[..., 0].astype(np.float32) / 255), format="tiff")
    found["webp-lossless"] = saved(rgb, format="webp", lossless=True)
    found["webp-alpha"] = saved(alpha, format="webp", lossless=True, exact=True)
    found["webp-lossy"] = saved(rgb, format="webp", quality=95)
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        source = tilted if turn > 4 else rgb
        found[f"jpeg-turned-{turn}"] = saved(source, format="jpeg", quality=95, subsampling=0, exif=exif)
        found[f"png-turned-{turn}"] = saved(source, format="png", exif=exif)
        found[f"webp-turned-{turn}"] = saved(source, format="webp", lossless=True, exif=exif)
        found[f"tiff-turned-{turn}"] = saved(source, format="tiff", exif=exif)
    return found


def as_pillow_has_it(data: bytes) -> np.ndarray:
    """Three bytes a pixel, turned; of 16 bits and of floats, which Pillow cuts, the nearest of 8."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    samples = np.asarray(image)
    if image.mode.startswith("I"):
        samples = np.round(samples / 257).astype(np.uint8)
    elif image.mode == "F":
        samples = np.round(samples * 255).astype(np.uint8)
    else:
        return np.asarray(image.convert("RGB"))
    return np.repeat(samples[..., None], 3, axis=-1)


def test_pictures_are_what_pillow_sees(tmp_path: pathlib.Path) -> None:
    folder, dataset, out = tmp_path / "pictures", tmp_path / "dataset", tmp_path / "out"
    folder.mkdir()
    all_pictures = pictures()
    assert len(all_pictures) == 64
    for name, data in all_pictures.items():
        (folder / name).write_bytes(data)

    tenrow("import", dataset, folder, "--format", "images", "--decode", f"{HEIGHT},{WIDTH}")

    tenrow("export", dataset, "--folder", out, "--format", "npy")
    pixels = np.load(out / "image.npy")
    rows = [json.loads(line) for line in tenrow("sql", "--root", tmp_path, "--format", "jsonl", "SELECT path, width, height FROM dataset ORDER BY _row").splitlines()]
    assert [row["path"] for row in rows] == sorted(all_pictures)
    wrong = []
    for row, own in zip(rows, pixels, strict=True):
        name = row["path"]
        other = as_pillow_has_it(all_pictures[name])
        assert (row["height"], row["width"]) == (HEIGHT, WIDTH), name
        allowed = next((limit for kind, limit in LOSSY.items() if kind in name), 1 if "16" in name else 0)
        most = int(np.abs(own.astype(int) - other.astype(int)).max())
        if most > allowed:
            wrong.append(f"{name}: {most}")
    assert not wrong


@pytest.mark.parametrize("part", [2, 4, 10])
def test_pictures_that_are_cut_are_refused(part: int, tmp_path: pathlib.Path) -> None:
    kinds = ["png-RGB", "jpeg-RGB", "jpeg-progressive", "gif", "bmp-RGB", "tiff-raw", "tiff-tiff_lzw", "webp-lossless", "webp-lossy"]
    whole = pictures()
    for kind in kinds:
        folder = tmp_path / kind
        folder.mkdir()
        data = whole[kind]
        (folder / "cut").write_bytes(data[:len(data) - len(data) // part])
        done = subprocess.run(
            [TENROW, "import", tmp_path / f"{kind}-dataset", folder, "--format", "images", "--decode", f"{HEIGHT},{WIDTH}"],
            capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 1 and "cut" in done.stderr, f"{kind}: {done.stdout}{done.stderr}"


def test_floats_beyond_one_are_refused(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "bright").write_bytes(saved(Image.fromarray(colours()[..., 0].astype(np.float32)), format="tiff"))
    done = subprocess.run(
        [TENROW, "import", tmp_path / "dataset", folder, "--format", "images", "--decode", f"{HEIGHT},{WIDTH}"],
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1 and "bright" in done.stderr and "scale" in done.stderr, done.stderr
