"""Datasets for TensorFlow; importing this imports it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from . import _tenrow
from ._batches import batches as _batches
from ._errors import WrongType
from ._keys import names_of


def dataset(
    source: Any,
    batch_size: int,
    attributes: Sequence[str] | str | None = None,
    *,
    rows: Any = None,
    drop_remainder: bool = False,
) -> Any:
    """A `tf.data.Dataset` of dicts of batches: numbers, tensors of one shape, text and bytes.

    `source` is a `tenrow.Dataset` or a `tenrow.View`, `rows` the order of an epoch, such as a permutation; without it rows
    come in their own. Its length is known to TensorFlow. Add `.prefetch(2)` to read ahead.
    """
    about = getattr(source, "dataset", source).schema
    names = names_of(attributes) or list(about)
    rows = None if rows is None else _tenrow.places_of(rows, len(source))
    count = len(source) if rows is None else len(rows)

    def given() -> Iterator[dict[str, Any]]:
        yield from _batches(source, batch_size, names, rows, drop_remainder)

    size = batch_size if drop_remainder else None
    made = tf.data.Dataset.from_generator(given, output_signature={name: _spec(about[name], size) for name in names})
    batches = count // batch_size if drop_remainder else -(-count // batch_size)
    return made.apply(tf.data.experimental.assert_cardinality(batches))


_TYPES = {
    "bool": tf.bool, "i8": tf.int8, "i16": tf.int16, "i32": tf.int32, "i64": tf.int64, "u8": tf.uint8, "u16": tf.uint16,
    "u32": tf.uint32, "u64": tf.uint64, "f16": tf.float16, "bf16": tf.bfloat16, "f32": tf.float32, "f64": tf.float64,
}  # fmt: skip


def _spec(attribute: Any, size: int | None) -> Any:
    if attribute.nullable:
        raise WrongType(f"attribute {attribute.name!r} may be null, which TensorFlow has not: leave it out")
    if attribute.kind in ("tensor", "scalar"):
        return tf.TensorSpec((size, *(attribute.shape or ())), _TYPES[attribute.dtype])
    if attribute.type in ("string", "binary"):
        return tf.TensorSpec((size,), tf.string)
    raise WrongType(f"attribute {attribute.name!r}: TensorFlow has no {attribute.type}: name the attributes to read")
