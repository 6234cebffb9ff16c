"""Names that the package of formulas exports."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
from types import ModuleType

import pytest

from thm_torchmetrics import functional

FORMULAS = [module.name for module in pkgutil.iter_modules(functional.__path__) if module.name != "checks"]


@pytest.mark.parametrize("name", FORMULAS)
def test_every_public_function_is_exported(name: str) -> None:
    module = importlib.import_module(f"thm_torchmetrics.functional.{name}")
    functions = inspect.getmembers(module, inspect.isfunction)
    public = {each for each, value in functions if value.__module__ == module.__name__ and not each.startswith("_")}
    assert public
    assert public <= set(functional.__all__)
    for each in public - {"mfcc"}:
        assert getattr(functional, each) is getattr(module, each)


def test_every_exported_name_exists_once() -> None:
    assert len(set(functional.__all__)) == len(functional.__all__)
    assert all(hasattr(functional, name) for name in functional.__all__)


def test_mfcc_is_the_module() -> None:
    assert isinstance(functional.mfcc, ModuleType)
    assert inspect.isfunction(functional.mfcc.mfcc)


def test_importing_the_formulas_imports_nothing_heavy_but_torch() -> None:
    program = (
        "import sys, torch; before = set(sys.modules); import thm_torchmetrics.functional; "
        "print({name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "{'thm_torchmetrics'}"
