"""Names: which paths a bundle holds, and which module a file name stands for."""

import posixpath
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebundle.format import names

_LOADERS = {
    names.EXTENSION: (ExtensionFileLoader, EXTENSION_SUFFIXES),
    names.SOURCE: (SourceFileLoader, SOURCE_SUFFIXES),
    names.BYTECODE: (SourcelessFileLoader, BYTECODE_SUFFIXES),
}


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "pkg/mod.py",
        "a b/ü/\U0001f600.txt",
        "..a/b../...",
        "back\\slash/C:/line\nfeed",
        "x" * 255,
        "é" * 127 + "x",
        "/".join(["deep"] * 2000),
    ],
)
def test_path_that_a_directory_can_hold_is_no_problem(path: str) -> None:
    """Everything a Linux directory can hold under a UTF-8 name can be packed."""
    assert names.problem(path) is None


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "has an empty component"),
        ("a//b", "has an empty component"),
        ("a/", "has an empty component"),
        ("/etc/passwd", "is absolute"),
        (".", "has a component '.'"),
        ("a/../b", "has a component '..'"),
        ("a\0b", "contains a NUL character"),
        ("a/\udcff.py", "is not valid UTF-8"),
        ("a/" + "x" * 256, "has a component longer than 255 bytes"),
        ("é" * 128, "has a component longer than 255 bytes"),
    ],
)
def test_problem_says_why_a_path_cannot_be_packed(path: str, reason: str) -> None:
    """The reason is a phrase that follows the path."""
    assert names.problem(path) == reason


@given(st.lists(st.sampled_from(["a", "b.py", ".", "..", "", "...", " "]), max_size=5))
def test_paths_without_a_problem_are_the_normal_ones(components: list[str]) -> None:
    """A path passes exactly if normalising leaves it alone and it stays below its start."""
    path = "/".join(components)
    normal = posixpath.normpath(path) == path
    below = not path.startswith("/") and path.split("/")[0] not in (".", "..")
    assert (names.problem(path) is None) == (normal and below)


@pytest.mark.parametrize(
    ("filename", "module"),
    [
        ("mod.py", ("mod", names.SOURCE)),
        ("__init__.py", ("__init__", names.SOURCE)),
        ("not an identifier.py", ("not an identifier", names.SOURCE)),
        ("mod.pyc", ("mod", names.BYTECODE)),
        ("mod.so", ("mod", names.EXTENSION)),
        ("mod.abi3.so", ("mod", names.EXTENSION)),
        ("mod.abi3t.so", ("mod", names.EXTENSION)),
        ("mod.cpython-311-x86_64-linux-gnu.so", ("mod", names.EXTENSION)),
        ("mod.cpython-313-darwin.so", ("mod", names.EXTENSION)),
        ("mod.cpython-314td-aarch64-linux-musl.so", ("mod", names.EXTENSION)),
        ("mod.cpython-312.so", ("mod", names.EXTENSION)),
        ("mod.pyd", ("mod", names.EXTENSION)),
        ("mod.cp313-win_amd64.pyd", ("mod", names.EXTENSION)),
        ("mod.cp313t-win_arm64.pyd", ("mod", names.EXTENSION)),
        # Other Pythons' and other files.
        ("mod.cpython-310-x86_64-linux-gnu.so", None),
        ("mod.cpython-39-x86_64-linux-gnu.so", None),
        ("mod.cp310-win_amd64.pyd", None),
        ("mod.cpython-311-x86_64-linux-gnu.pyd", None),
        ("mod.abi3.pyd", None),
        ("mod.cpython-.so", None),
        ("mod.cpython-3-x.so", None),
        ("mod.cpython-3²-x.so", None),
        ("mod.cpython-27m-x86_64-linux-gnu.so", None),
        ("mod.pypy311-pp73-x86_64-linux-gnu.so", None),
        ("libfoo.so.1", None),
        ("dotted.name.py", None),
        ("dotted.name.so", None),
        ("mod.cpython-313.pyc", None),
        (".py", None),
        (".so", None),
        ("py", None),
        ("mod", None),
        ("mod.", None),
        ("mod.PY", None),
        ("mod.pyi", None),
        ("mod.pyw", None),
        ("", None),
    ],
)
def test_module_name_knows_every_suffix(filename: str, module: tuple[str, str] | None) -> None:
    """The suffixes of every CPython from 3.11 on, and no others, make a module."""
    assert names.module_name(filename) == module


@pytest.mark.fault(41)
@pytest.mark.parametrize("stem", ["mod", "__init__", "a.b", "ünï", "x y"])
@pytest.mark.parametrize("suffix", [*EXTENSION_SUFFIXES, ".py", ".pyc", ".txt", ".py.bak", ""])
def test_module_name_agrees_with_file_finder(tmp_path: Path, stem: str, suffix: str) -> None:
    """What the running interpreter's FileFinder finds behind a file name is what is reported."""
    filename = stem + suffix
    (tmp_path / filename).touch()
    finder = FileFinder(str(tmp_path), *_LOADERS.values())
    # Every beginning of the file name is a name that it could be found under.
    found = [
        (name, type(spec.loader))
        for end in range(1, len(filename) + 1)
        if (spec := finder.find_spec(name := filename[:end]))
    ]
    module = names.module_name(filename)
    assert found == ([(module[0], _LOADERS[module[1]][0])] if module else [])
