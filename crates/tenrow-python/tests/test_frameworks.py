"""jax and TensorFlow, each if it is there."""

import numpy as np
import pytest
from conftest import ROWS, columns


def test_jax(digits):
    pytest.importorskip("jax")
    import jax
    import tenrow.jax

    order = np.random.default_rng(0).permutation(ROWS)
    seen = []
    for batch in tenrow.jax.batches(digits, 256, rows=order):
        assert isinstance(batch["vector"], jax.Array) and batch["image"].dtype == np.uint8 and isinstance(batch["name"], list)
        assert np.array_equal(np.asarray(batch["vector"]), columns()["vector"][np.asarray(batch["label"])])
        seen += batch["label"].tolist()
    assert seen == order.tolist()
    assert sum(len(batch["label"]) for batch in tenrow.jax.batches(digits, 256, ["label"], drop_remainder=True)) == ROWS // 256 * 256


def test_tensorflow(digits):
    pytest.importorskip("tensorflow")
    import tensorflow as tf
    import tenrow.tensorflow

    seen = []
    data = tenrow.tensorflow.dataset(digits, 256, ["image", "label", "name"]).prefetch(2)
    assert len(data) == -(-ROWS // 256)
    for batch in data:
        assert batch["image"].dtype == tf.uint8 and batch["name"][0].numpy().decode() == f"row {batch['label'][0]} ü"
        seen += batch["label"].numpy().tolist()
    assert seen == list(range(ROWS))
    assert {batch["label"].shape[0] for batch in tenrow.tensorflow.dataset(digits, 256, ["label"], drop_remainder=True)} == {256}
