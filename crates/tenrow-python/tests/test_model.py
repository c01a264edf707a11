"""Random writes, appends, columns, deletes, takes and slices against a dict of numpy arrays."""

import tempfile

import numpy as np
import pytest
import tenrow
from conftest import DTYPES, NUMPY

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

SHAPES = st.sampled_from([(), (1,), (3,), (2, 3), (0,)])


def values(seed: int, dtype: str, shape: tuple, rows: int) -> np.ndarray:
    dice = np.random.default_rng(seed)
    raw = dice.integers(0, 256, (rows, *shape, np.dtype(NUMPY[dtype]).itemsize), dtype=np.uint8)
    return (raw[..., 0] % 2 == 1) if dtype == "bool" else raw.view(NUMPY[dtype])[..., 0].copy()


def same(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.dtype == expected.dtype and found.shape == expected.shape and found.tobytes() == expected.tobytes()


class Model(RuleBasedStateMachine):
    @initialize(
        kinds=st.lists(st.tuples(st.sampled_from(DTYPES), SHAPES), min_size=1, max_size=3),
        rows=st.integers(0, 40), seed=st.integers(0, 2**32), encoding=st.sampled_from([None, "zstd:1"]),
    )  # fmt: skip
    def create(self, kinds, rows, seed, encoding):
        self.folder = tempfile.TemporaryDirectory()
        self.kinds = {f"a{i}": kind for i, kind in enumerate(kinds)}
        schema = {name: tenrow.tensor(*kind, encoding=encoding) if kind[1] else kind[0] for name, kind in self.kinds.items()}
        self.model = {name: values(seed, *kind, rows) for name, kind in self.kinds.items()}
        with tenrow.create(self.folder.name + "/x", schema) as writer:
            writer.append(self.model)
        self.ds = writer.dataset

    def rows(self) -> int:
        return len(next(iter(self.model.values())))

    @rule(rows=st.integers(1, 40), seed=st.integers(0, 2**32))
    def append(self, rows, seed):
        new = {name: values(seed, *kind, rows) for name, kind in self.kinds.items()}
        self.ds = self.ds.append(new)
        self.model = {name: np.concatenate([old, new[name]]) for name, old in self.model.items()}

    @rule(data=st.data())
    def delete(self, data):
        if self.rows():
            gone = data.draw(st.lists(st.integers(0, self.rows() - 1), min_size=1, max_size=5))
            self.ds = self.ds.delete(gone)
            self.model = {name: np.delete(old, gone, axis=0) for name, old in self.model.items()}

    @rule(data=st.data())
    def take(self, data):
        n = self.rows()
        rows = data.draw(st.lists(st.integers(-n, n - 1), max_size=30)) if n else []
        found = self.ds.take(rows)
        for name, expected in self.model.items():
            assert same(found[name], expected[np.array(rows, np.int64)]), name

    @rule(key=st.builds(slice, *[st.one_of(st.none(), st.integers(-50, 50))] * 2, st.sampled_from([None, 1, 2, -1, -3])))
    def slice(self, key):
        found = self.ds[key]
        for name, expected in self.model.items():
            assert same(found[name], expected[key]), name
            assert same(self.ds[name][key], expected[key]), name

    @rule(data=st.data())
    def one(self, data):
        if self.rows():
            row = data.draw(st.integers(-self.rows(), self.rows() - 1))
            for name, expected in self.model.items():
                assert np.asarray(self.ds[row][name]).tobytes() == expected[row].tobytes()
                assert np.asarray(self.ds[name][row]).tobytes() == expected[row].tobytes()

    @rule()
    def compact(self):
        self.ds = self.ds.compact()

    @rule(dtype=st.sampled_from(DTYPES), shape=SHAPES, seed=st.integers(0, 2**32))
    def add_column(self, dtype, shape, seed):
        name = f"a{len(self.kinds)}"
        if len(self.kinds) > 5 or not self.rows():
            return
        new = values(seed, dtype, shape, self.rows())
        self.ds = self.ds.add_column(name, new)
        self.kinds[name], self.model[name] = (dtype, shape), new

    @invariant()
    def is_the_same(self):
        if hasattr(self, "ds"):
            assert len(self.ds) == self.rows()
            for name, expected in self.model.items():
                assert same(np.ma.getdata(self.ds[name].numpy()), expected), name

    def teardown(self):
        if hasattr(self, "folder"):
            self.folder.cleanup()


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=60, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
