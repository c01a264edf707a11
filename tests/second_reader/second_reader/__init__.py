"""A second reader of tenrow datasets, written from `spec/` alone; it shares nothing with the first."""

from .dataset import Dataset
from .refusal import Refused

__all__ = ["Dataset", "Refused"]
