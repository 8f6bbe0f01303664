"""What tests of the rules ask the import system, in their own process."""

import importlib
import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any


def spec_of(name: str) -> ModuleSpec:
    """Find a module that must be there, without importing it."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    return spec


def loader_of(name: str) -> Any:
    """Return the loader of a module that must be there."""
    loader = spec_of(name).loader
    assert loader is not None
    return loader


def value_of(name: str) -> object:
    """Import `name` and return its VALUE."""
    return importlib.import_module(name).VALUE


def version_of(name: str) -> object:
    """Import `name` and return the release it comes from, its VERSION."""
    return importlib.import_module(name).VERSION


def journal() -> ModuleType:
    """Return the tree's journal, in which modules write down that they ran."""
    return importlib.import_module("journal")


def data_beside(module: ModuleType) -> str:
    """Read the data file of a package as packages do that are not made for archives."""
    return Path(str(module.__file__)).with_name("data.txt").read_text()
