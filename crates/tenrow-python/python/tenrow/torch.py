"""Datasets for torch's `DataLoader`; importing this imports torch."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from . import _dataset
from ._arrays import of_torch
from ._errors import InvalidInput, NotFound
from ._keys import listed, names_of, row_of


class Dataset(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """A map-style dataset whose batches are one `take` each.

    >>> import numpy as np, tempfile, tenrow, tenrow.torch, torch
    >>> rows = {"image": np.zeros((100, 28, 28), np.uint8), "label": np.arange(100) % 10}
    >>> ds = tenrow.from_numpy(tempfile.mkdtemp() + "/digits", rows)
    >>> data = tenrow.torch.Dataset(ds, ["image", "label"], batched=True)
    >>> loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True, collate_fn=tenrow.torch.collate)
    >>> for batch in loader:
    ...     images, labels = batch["image"].float() / 255, batch["label"]
    >>> images.shape, len(labels)
    (torch.Size([4, 28, 28]), 4)

    `source` is a `tenrow.Dataset`, a `tenrow.View` or a location. Items are dicts of tensors, and what is no tensor as it
    is; with `tuples=True` they are tuples in the order of `attributes`, such as `(image, label)`. `transform` is called
    with each item, or with `batched=True` with each batch, which then is of stacked tensors: give the loader
    `collate_fn=tenrow.torch.collate`.

    Each byte is copied once, from the file into the tensors, which may be written; with `pin_memory`, which needs an
    accelerator, into pinned memory. In workers it does nothing: give it to the `DataLoader` there.

    Pickled it is its location and version, so workers start by fork, forkserver or spawn alike, and each opens it anew.
    """

    def __init__(
        self,
        source: Any,
        attributes: Sequence[str] | str | None = None,
        transform: Callable[[dict[str, Any]], Any] | None = None,
        *,
        version: int | str | None = None,
        options: Mapping[str, str] | None = None,
        tuples: bool = False,
        batched: bool = False,
        pin_memory: bool = False,
    ) -> None:
        if isinstance(source, (str, os.PathLike)):
            source = _dataset.open(source, version, None, options)
        self.source = source
        self.attributes = names_of(attributes)
        self.transform, self.tuples, self.batched = transform, tuples, batched
        self.pin_memory = pin_memory
        known = source.schema
        for name in self.attributes or ():
            if name not in known:
                raise NotFound(f'no attribute "{name}"; there are {listed(known)}')

    def __repr__(self) -> str:
        names = "" if self.attributes is None else f", attributes={self.attributes}"
        return f"tenrow.torch.Dataset({self.source!r}{names})"

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, row: int) -> Any:
        item = self._of({name: values[0] for name, values in self._batch([row]).items()})
        return item if self.transform is None else self.transform(item)

    def __getitems__(self, rows: Sequence[int]) -> Any:
        batch = self._batch(rows)
        if self.batched:
            return self._of(batch) if self.transform is None else self.transform(self._of(batch))
        items = [self._of({name: values[place] for name, values in batch.items()}) for place in range(len(rows))]
        return items if self.transform is None else [self.transform(item) for item in items]

    def _of(self, values: dict[str, Any]) -> Any:
        return tuple(values.values()) if self.tuples else values

    def _batch(self, rows: Sequence[int]) -> dict[str, Any]:
        is_worker = torch.utils.data.get_worker_info() is not None
        if is_worker:
            # Handing it over would copy what lies elsewhere; items are copied when they are stacked.
            out = self._targets(len(rows), _shared) if self.batched else {}
        else:
            out = self._targets(len(rows), _pinned) if self.pin_memory else {}
        arrays = {name: of_torch(tensor) for name, tensor in out.items()}
        # A sampler gives numbers; what is given a mask must not train on rows 0 and 1.
        places = np.array([row_of(row) for row in rows], np.int64)
        taken = self.source.take(places, self.attributes, arrays or None)
        pins = self.pin_memory and not is_worker
        return {name: out[name] if name in out else _tensor(name, values, pins) for name, values in taken.items()}

    def _targets(self, count: int, make: Callable[..., torch.Tensor]) -> dict[str, torch.Tensor]:
        """Tensors that batches of so many rows are read into: of all attributes that never are null."""
        about = self.source.schema
        names = about if self.attributes is None else self.attributes
        kept = [about[name] for name in names if about[name].kind == "tensor" and not about[name].nullable]
        return {a.name: make((count, *a.shape), _TYPES[a.dtype]) for a in kept if 0 not in (count, *a.shape)}


def _shared(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    # As torch itself does for the batches that it stacks in workers.
    storage = torch.UntypedStorage._new_shared(math.prod(shape) * dtype.itemsize, device="cpu")
    return torch.empty(0, dtype=dtype).set_(storage, 0, shape)


def _pinned(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, pin_memory=True)


def _tensor(name: str, values: Any, pins: bool) -> Any:
    if type(values) is np.ndarray and values.dtype.kind in "fiub":
        tensor = torch.from_numpy(values)
    elif not isinstance(values, np.ndarray) or values.dtype.kind in "mM":
        return values
    elif isinstance(values, np.ma.MaskedArray):
        raise InvalidInput(f'attribute "{name}": rows that are null have no tensor: leave it out, or choose rows that have it')
    else:
        tensor = as_tensor(values)
    return tensor.pin_memory() if pins else tensor


_TYPES = {
    "bool": torch.bool, "i8": torch.int8, "i16": torch.int16, "i32": torch.int32, "i64": torch.int64, "u8": torch.uint8,
    "u16": torch.uint16, "u32": torch.uint32, "u64": torch.uint64, "f16": torch.float16, "bf16": torch.bfloat16,
    "f32": torch.float32, "f64": torch.float64,
}  # fmt: skip


def as_tensor(array: np.ndarray[Any, Any], *, copy: bool = False) -> torch.Tensor:
    """A tensor over the memory of an array, or with `copy` over memory of its own.

    Without `copy` the memory of a read-only array is shared. torch has no read-only tensors: to write into one that lies
    over a mapped file ends the process.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise ValueError("rows that are null have no tensor: fill them before, as with array.filled(0)")
    if copy:
        array = array.copy()
    if array.dtype.name == "bfloat16":
        return as_tensor(array.view(np.int16)).view(torch.bfloat16)
    if array.flags.writeable:
        return torch.from_numpy(array)
    import warnings

    with warnings.catch_warnings():
        # What torch warns of is what the documentation above says.
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(array)


def collate(batch: Any) -> Any:
    """For `DataLoader(…, collate_fn=tenrow.torch.collate)`: batches that are stacked already stay as they are."""
    return batch if isinstance(batch, (Mapping, tuple)) else torch.utils.data.default_collate(batch)
