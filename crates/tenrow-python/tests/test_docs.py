"""Every example in the documentation runs."""

import doctest
import importlib
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[3]
MODULES = ["tenrow", "tenrow._dataset", "tenrow._file", "tenrow._root", "tenrow._schema", "tenrow._write", "tenrow._column", "tenrow._view", "tenrow._answer", "tenrow._readable"]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert found.failed == 0 and found.attempted > 0


def test_docstrings_of_torch():
    pytest.importorskip("torch")
    test_docstrings("tenrow.torch")


def python_blocks(file: pathlib.Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", file.read_text(), re.DOTALL)


@pytest.mark.parametrize("readme", ["README.md", "crates/tenrow-python/README.md"])
def test_readmes(readme, tmp_path):
    blocks = python_blocks(ROOT / readme)
    assert blocks
    subprocess.run([sys.executable, "-W", "error", "-c", "\n".join(blocks)], cwd=tmp_path, check=True)


def test_importing_takes_nothing_else_along():
    code = "import sys, tenrow; print([m for m in ('torch', 'pandas', 'polars', 'pyarrow', 'jax', 'tensorflow') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
