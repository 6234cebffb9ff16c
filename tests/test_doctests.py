"""The examples in the package's docstrings."""

import doctest
import importlib
import pkgutil

import pytest

import thm_torchmetrics

MODULES = sorted(module.name for module in pkgutil.walk_packages(thm_torchmetrics.__path__, "thm_torchmetrics."))


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples(name: str) -> None:
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    assert doctest.testmod(importlib.import_module(name), optionflags=flags).failed == 0
