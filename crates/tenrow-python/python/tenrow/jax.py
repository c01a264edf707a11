"""Batches for jax; importing this imports jax."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from ._batches import batches as _batches


def batches(
    source: Any,
    batch_size: int,
    attributes: Sequence[str] | str | None = None,
    *,
    rows: Any = None,
    drop_remainder: bool = False,
) -> Iterator[dict[str, Any]]:
    """Dicts of jax arrays, rows first; what is no array stays a list.

    `source` is a `tenrow.Dataset` or a `tenrow.View`, `rows` the order of an epoch, such as a permutation; without it rows
    come in their own. Each byte is copied once, from the file: on the CPU jax takes the arrays over by DLPack.
    """
    for batch in _batches(source, batch_size, attributes, rows, drop_remainder):
        yield {name: _array(values) for name, values in batch.items()}


def _array(values: Any) -> Any:
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError("rows that are null have no jax array: leave the attribute out")
    if not isinstance(values, np.ndarray) or values.dtype.kind in "mM":
        return values
    canonical = jax.dtypes.canonicalize_dtype(values.dtype)
    if values.dtype.kind == "V" or canonical != values.dtype:
        # bf16, which numpy's DLPack lacks, and 64 bits, which jax has only if it was told so.
        return jax.numpy.asarray(values)
    return jax.dlpack.from_dlpack(values)
