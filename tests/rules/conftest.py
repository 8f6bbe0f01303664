"""The same test body over every container, in an import system of its own."""

import importlib
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
from pathlib import Path

import pytest

from tests.rules.places import DIRECTORY, OURS, Library, Place, Tree
from tests.rules.probes import Compare


@pytest.fixture(autouse=True)
def isolated(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give a test a stock import system, and take back what it changed of it."""
    monkeypatch.setenv("LITEBUNDLE_CACHE", str(tmp_path / "placed"))
    saved = sys.path[:], sys.path_hooks[:], sys.meta_path[:], sys.dont_write_bytecode
    importers = sys.path_importer_cache.copy()
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, PathFinder]
    sys.dont_write_bytecode = True
    yield
    sys.path[:], sys.path_hooks[:], sys.meta_path[:], sys.dont_write_bytecode = saved
    sys.path_importer_cache.clear()
    sys.path_importer_cache.update(importers)
    # Only the trees' own modules: what the standard library or the builder imported late must
    # not be imported a second time, or its classes would exist twice.
    for name in [name for name in sys.modules if name.partition(".")[0] in library.names]:
        del sys.modules[name]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Return a store of built trees in which half of the bundles have joined code."""
    return Library(tmp_path_factory.mktemp("rules"), join=True)


@pytest.fixture
def tree(request: pytest.FixtureRequest) -> Tree:
    """Return the tree of the test's module."""
    found: Tree = request.module.TREE
    return found


@pytest.fixture
def place(library: Library, tree: Tree, container: str) -> Place:
    """Return the module's tree in the container under test, first on `sys.path`."""
    found = library.place(tree, container)
    found.prepare()
    sys.path.insert(0, found.entry)
    return found


@pytest.fixture
def archive(place: Place) -> Place:
    """Return a place that is one file: the rule says nothing about directories."""
    return place


@pytest.fixture(params=["directory", "same container"])
def other(request: pytest.FixtureRequest, library: Library, container: str) -> Place:
    """Return the module's OTHER tree, in a directory or in a like container, not on the path."""
    return library.place(
        request.module.OTHER, DIRECTORY if request.param == "directory" else container
    )


@pytest.fixture
def appeared(place: Place) -> Callable[[], set[str]]:
    """Return a function that tells which modules came into `sys.modules` during the test."""
    importlib.import_module("journal")  # in which modules write down that they ran
    assert place.entry in sys.path
    before = set(sys.modules)
    return lambda: set(sys.modules) - before


@pytest.fixture
def compare(library: Library, tree: Tree, container: str) -> Compare:
    """Return what runs a probe over the container and compares it with the directory."""
    return Compare(library, tree, library.place(tree, container))


@pytest.fixture
def packed(container: str) -> str:
    """Return a container of ours: the rule is about what was chosen when it was built."""
    if container not in OURS:
        pytest.skip("built without a choice")
    return container
