"""The tree of content.py, packed in both containers."""

import shutil
from pathlib import Path

import pytest

from tests.rules.places import Library
from tests.unit.inspect.content import TREE


@pytest.fixture(params=["sqlite", "zip"])
def packed(library: Library, request: pytest.FixtureRequest) -> Path:
    """Return the tree as a bundle, with code of two levels; not to be changed."""
    return Path(library.place(TREE, request.param, optimize=(0, 2)).entry)


@pytest.fixture
def database(library: Library, tmp_path: Path) -> Path:
    """Return the tree as a database of the test's own."""
    place = library.place(TREE, "sqlite", optimize=(0, 2))
    return Path(shutil.copy(place.entry, tmp_path / "app.bundle"))


@pytest.fixture
def zipped(library: Library, tmp_path: Path) -> Path:
    """Return the tree as a zip of the test's own."""
    place = library.place(TREE, "zip", optimize=(0, 2))
    return Path(shutil.copy(place.entry, tmp_path / "app.zip"))
