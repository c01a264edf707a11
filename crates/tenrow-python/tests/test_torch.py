"""Batches for torch."""

import multiprocessing
import pickle

import numpy as np
import pytest
import tenrow
from conftest import ROWS

torch = pytest.importorskip("torch")
import tenrow.torch  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402


def test_items_and_batches_are_tensors_that_may_be_written(digits):
    ds = tenrow.torch.Dataset(digits, ["vector", "label"])
    item = ds[5]
    assert item["vector"].shape == (16,) and item["label"] == 5
    item["vector"][0] = -1
    assert ds[5]["vector"][0] == 5
    batch = next(iter(DataLoader(ds, batch_size=4)))
    assert batch["vector"].shape == (4, 16) and batch["label"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batched", [False, True])
def test_an_epoch_has_every_row_once(digits, workers, batched):
    ds = tenrow.torch.Dataset(digits, ["image", "label"], batched=batched)
    collate = tenrow.torch.collate if batched else None
    loader = DataLoader(ds, 256, shuffle=True, num_workers=workers, collate_fn=collate)
    seen = []
    for batch in loader:
        assert (batch["image"][:, 3, 3] == batch["label"] % 251).all()
        seen += batch["label"].tolist()
    assert sorted(seen) == list(range(ROWS))


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_start_in_every_way(digits, method):
    ds = tenrow.torch.Dataset(digits, ["label"])
    ds[0]
    loader = DataLoader(ds, 500, num_workers=2, multiprocessing_context=multiprocessing.get_context(method))
    assert sum(len(batch["label"]) for batch in loader) == ROWS
    assert len(pickle.dumps(ds)) < 2000


def test_transforms_views_and_places(digits, place):
    view = digits.create_view("v", [5, 3])
    ds = tenrow.torch.Dataset(view, transform=lambda item: item["label"] * 10)
    assert [int(x) for x in DataLoader(ds, batch_size=None)] == [50, 30]
    assert len(tenrow.torch.Dataset(place, version=1)) == ROWS


def test_items_are_pictures_and_boxes(place):
    boxes = [[130, 220, 320, 530, 0], [115, 120, 580, 420, 1], [480, 80, 700, 170, 2]]
    rows = {"image": np.zeros((2, 576, 768, 3), np.uint8), "label": [np.float32(boxes), np.zeros((0, 5), np.float32)]}
    ds = tenrow.from_numpy(place, rows, {"image": "u8[576,768,3]", "label": "f32[?,5]"})
    items = tenrow.torch.Dataset(ds, ["image", "label"], tuples=True)
    image, label = items[0]
    assert image.shape == (576, 768, 3) and label.tolist() == boxes and items[1][1].shape == (0, 5)
    images, labels = next(iter(DataLoader(items, 2, collate_fn=lambda batch: tuple(zip(*batch, strict=True)))))
    assert [len(label) for label in labels] == [3, 0] and len(images) == 2


def test_tuples_are_stacked(digits):
    for batched, collate in ((False, None), (True, tenrow.torch.collate)):
        ds = tenrow.torch.Dataset(digits, ["image", "label"], tuples=True, batched=batched)
        image, label = next(iter(DataLoader(ds, 8, collate_fn=collate)))
        assert image.shape == (8, 28, 28) and label.tolist() == list(range(8))


def test_batches_of_workers_come_in_shared_memory(digits):
    ds = tenrow.torch.Dataset(digits, batched=True)
    for batch in DataLoader(ds, 700, num_workers=1, collate_fn=tenrow.torch.collate):
        assert batch["image"].is_shared() and (batch["image"][:, 0, 0] == batch["label"] % 251).all()
        assert batch["name"][0] == f"row {batch['label'][0]} ü"
        batch["vector"][0] = 1


def test_pinned_memory_is_read_into(digits, monkeypatch):
    asked = []
    empty = torch.empty

    def without_accelerator(*shape, pin_memory=False, **options):
        asked.append((shape[0], pin_memory))
        return empty(*shape, **options)

    monkeypatch.setattr(torch, "empty", without_accelerator)
    ds = tenrow.torch.Dataset(digits, ["image", "vector"], batched=True, pin_memory=True)
    batch = ds.__getitems__([5, 2])
    assert batch["vector"][:, 0].tolist() == [5, 2] and batch["image"][1, 3, 3] == 2
    assert asked == [((2, 28, 28), True), ((2, 16), True)]


def test_bf16_and_tensors_on_the_way_in(place):
    pytest.importorskip("ml_dtypes")
    x = torch.arange(6, dtype=torch.float32).reshape(3, 2)
    ds = tenrow.from_numpy(place, {"x": x.numpy(), "b": np.zeros((3, 1))})
    assert ds.append({"x": x, "b": torch.ones(3, 1, dtype=torch.float64)})[4]["b"] == 1
    halves = tenrow.from_dataset(place + "2", [{"h": x[0].to(torch.bfloat16)}] * 3)
    assert halves.schema["h"].type == "bf16[2]"
    assert tenrow.torch.Dataset(halves)[1]["h"].dtype == torch.bfloat16


def test_a_torch_dataset_becomes_one_of_ours(place):
    source = torch.utils.data.TensorDataset(torch.arange(10.0).reshape(5, 2), torch.arange(5))
    ds = tenrow.from_dataset(place, source, names=["x", "y"])
    assert ds[4]["x"].tolist() == [8.0, 9.0] and ds["y"][:].tolist() == [0, 1, 2, 3, 4]


def test_what_cannot_be_a_batch_is_said_by_name(digits, place):
    with pytest.raises(KeyError, match='no attribute "lable"; there are image'):
        tenrow.torch.Dataset(digits, ["image", "lable"])
    ds = tenrow.torch.Dataset(tenrow.from_numpy(place + "2", {"x": [1.0, None, 3.0]}))
    assert ds[0]["x"] == 1.0
    with pytest.raises(ValueError, match='"x": rows that are null'):
        ds[1]
    assert "x: f64" in repr(ds)


def test_tensors_make_a_schema(place):
    tensors = {"x": torch.ones(3, 2, dtype=torch.float16, requires_grad=True), "n": torch.arange(3, dtype=torch.int32)}
    ds = tenrow.from_numpy(place, tensors)
    assert [a.type for a in ds.schema.values()] == ["f16[2]", "i32"]
    pytest.importorskip("ml_dtypes")
    ds = tenrow.from_numpy(place + "2", {"x": torch.full((3, 2), 1.5, dtype=torch.bfloat16)})
    assert ds.schema["x"].type == "bf16[2]" and (tenrow.torch.Dataset(ds)[1]["x"] == torch.full((2,), 1.5)).all()
