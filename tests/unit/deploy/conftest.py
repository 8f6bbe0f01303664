"""Versions of a bundle, built once a run."""

from pathlib import Path

import pytest

from tests.rules.places import Library, Tree

TREE: Tree = {
    **{f"pkg/m{number}.py": f"VALUE = {number}\n" * 40 for number in range(30)},
    "pkg/__init__.py": "",
    "pkg/data.bin": bytes(range(256)) * 600,
    "dist-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: dist\nVersion: 1\n",
}
GROWN: Tree = {**TREE, "pkg/m3.py": "VALUE = 'three'\n" + "def more(): return [1, 2]\n" * 500}


@pytest.fixture(scope="session", params=["sqlite", "zip"])
def packing(request: pytest.FixtureRequest) -> str:
    """Return the kind of container that a test works on."""
    return str(request.param)


@pytest.fixture(scope="session")
def old(library: Library, packing: str) -> Path:
    """Return a bundle; not to be changed."""
    return Path(library.place(TREE, packing).entry)


@pytest.fixture(scope="session")
def new(library: Library, packing: str) -> Path:
    """Return the bundle after one of its modules has grown; not to be changed."""
    return Path(library.place(GROWN, packing).entry)
