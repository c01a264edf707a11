"""Columns of anyone as what the native part reads."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from . import _tenrow
from ._column import Column
from ._frames import checked

if TYPE_CHECKING:
    import numpy as np


def array_of(values: Any) -> Any:
    """Columns of datasets as their values, tensors of torch as arrays over the same memory; all else as it is."""
    if isinstance(values, (_tenrow.TensorColumn, Column)):
        return values[:]
    if type(values).__module__.partition(".")[0] == "torch":
        return of_torch(values)
    return checked(values)


def of_torch(tensor: Any) -> np.ndarray[Any, Any]:
    """An array over the memory of a tensor, which is copied if that lies on a device."""
    torch = sys.modules["torch"]  # who has a tensor has imported it
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        import ml_dtypes

        return tensor.contiguous().view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()
