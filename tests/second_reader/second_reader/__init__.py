"""A second reader of tenrow datasets, written from `spec/` alone; it shares nothing with the first.

```python
from second_reader import Dataset

dataset = Dataset("digits")
for version in dataset.versions():
    print(version, dataset.rows(version)[:3])
```

| module | reads | specified in |
|---|---|---|
| `root`, `json_schema` | versions, roots, schemas | `layout.md`, `manifest.md`, `manifest.schema.json` |
| `type_text` | texts of types | `schema.md` |
| `leaf`, `roaring` | partitions, paths of origins, deletion vectors | `manifest.md`, `layout.md` |
| `dataset` | data files, large files, rows, views | `partition.md`, `manifest.md` |
| `pages`, `thrift` | raw chunks by addresses, levels, CRCs | `tensor-pages.md` |
| `values` | Python values, wider forms, defaults | `schema.md` |
| `promises` | what writers keep and readers do not need | all |
| `writer`, `parquet_writer` | nothing: they write a small dataset | all |

It keeps whole files in memory, opens folders only, and says of everything that it refuses which rule is broken.
"""

from .dataset import Dataset
from .refusal import Refused

__all__ = ["Dataset", "Refused"]
