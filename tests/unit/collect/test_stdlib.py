"""The standard library as a layer: what of it, from where, and what stays with the interpreter."""

import sys
import sysconfig
from pathlib import Path

import pytest

from litebundle.collect.directory import walked
from litebundle.collect.stdlib import Library, library
from litebundle.errors import BuildError
from tests.unit.collect.trees import make
from tests.unit.compile.test_interpreters import script

STDLIB = Path(sysconfig.get_path("stdlib"))


def modules(found: Library) -> set[str]:
    """Return the paths of the modules, without the license."""
    return {entry.path for entry in found.layer.entries if entry.path.endswith(".py")}


@pytest.fixture(scope="module")
def everything() -> Library:
    """Return all that there is of the running interpreter."""
    return library(sys.executable, [], "all")


def used(source: str, place: Path) -> set[str]:
    """Return what a program of one file uses."""
    make(place / "src", {"prog.py": source})
    return modules(library(sys.executable, walked([place / "src"]), "used"))


def test_the_release_is_told_with_it(everything: Library) -> None:
    """It is for no other one, so the number is exact."""
    assert everything.release == sys.version.split()[0]
    assert everything.layer.source == STDLIB


def test_all_of_it_are_the_sources_but_what_stays(everything: Library) -> None:
    """Neither tests nor natives nor data, nor what looks for files beside itself."""
    found = modules(everything)
    assert {"json/__init__.py", "json/decoder.py", "asyncio/events.py", "dataclasses.py"} <= found
    tops = {path.partition("/")[0].removesuffix(".py") for path in found}
    stays = {"venv", "ensurepip", "idlelib", "turtledemo", "test", "sysconfig", "pydoc_data"}
    at_start = {"os", "site", "encodings", "codecs", "abc", "zipimport"}  # before any bundle
    assert not tops & (stays | at_start)
    assert not [path for path in found if {"test", "tests"} & {*path.split("/")}]
    assert not [name for name in tops if name.startswith("_sysconfigdata")]
    others = {entry.path for entry in everything.layer.entries} - found
    assert others == {f"python-{everything.release}-LICENSE.txt"}
    for entry in everything.layer.entries[:20]:
        assert entry.read() == Path(entry.location).read_bytes()


def test_every_directory_of_it_is_there(everything: Library) -> None:
    """So that packages are found in it."""
    above = {path.rpartition("/")[0] for path in modules(everything)} - {""}
    assert above <= set(everything.layer.directories)


@pytest.mark.parametrize(
    ("source", "there"),
    [
        ("import colorsys", {"colorsys.py"}),
        ("from json import decoder", {"json/__init__.py", "json/decoder.py"}),
        ("import xml.dom.minidom", {"xml/__init__.py", "xml/dom/__init__.py"}),
        ("try:\n    x\nexcept E:\n    def f():\n        import chunk, colorsys", {"colorsys.py"}),
        ("match 1:\n    case 1:\n        import colorsys", {"colorsys.py"}),
        ("f = lambda: 0\nif f:\n    pass\nelse:\n    import colorsys", {"colorsys.py"}),
    ],
)
def test_what_is_used_is_what_statements_import(
    tmp_path: Path, source: str, there: set[str]
) -> None:
    """Wherever they stand; packages above it are used too."""
    assert there <= used(source, tmp_path)


def test_what_the_used_uses_is_used(tmp_path: Path) -> None:
    """Relative imports of the library itself included; what nobody imports is not."""
    found = used("import json", tmp_path)
    assert {"json/scanner.py", "json/encoder.py", "re/__init__.py", "enum.py"} <= found
    assert not {"colorsys.py", "argparse.py", "asyncio/events.py"} & found


def test_packages_are_whole(tmp_path: Path) -> None:
    """Whatever their functions import, or by computed names: it is looked for nowhere else."""
    found = used("import concurrent.futures, dbm", tmp_path)
    assert {"concurrent/futures/thread.py", "dbm/dumb.py"} <= found


def test_what_only_functions_of_the_library_import_may_never_come(tmp_path: Path) -> None:
    """Else everything would use everything; what a program's own functions import is used."""
    assert "argparse.py" not in used("import inspect", tmp_path)
    assert "argparse.py" in used("def show():\n    import argparse\n", tmp_path)


@pytest.mark.parametrize("source", ["import math", "import os", "import nobody", "def half(:"])
def test_nothing_is_used_where_nothing_can_be_served(tmp_path: Path, source: str) -> None:
    """Natives, what is there at start, what is no standard module, what does not compile."""
    assert used(source, tmp_path) == set()


def test_without_modules_there_is_no_license_either(tmp_path: Path) -> None:
    """So that a program that uses none has one tree only."""
    make(tmp_path / "src", {"prog.py": ""})
    layers = walked([tmp_path / "src"])
    assert library(sys.executable, layers, "used").layer.entries == ()


@pytest.mark.parametrize("own", ["json.py", "json/__init__.py", "json/data.txt"])
def test_a_name_of_the_program_is_its_own(tmp_path: Path, own: str) -> None:
    """The whole standard package gives way, as behind a directory on the path."""
    make(tmp_path / "src", {"prog.py": "import json, colorsys", own: ""})
    found = modules(library(sys.executable, walked([tmp_path / "src"]), "used"))
    assert "colorsys.py" in found
    assert not [path for path in found if path.startswith("json")]


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for Python with a shell script")
def test_a_library_without_sources_is_told(tmp_path: Path) -> None:
    """As that of an embedded Python, which is a zip."""
    answer = '{"release": "3.13.0", "directory": "/nowhere", "license": "/", "names": []}'
    python = script(tmp_path / "python", f"#!/bin/sh\necho '{answer}'\n")
    with pytest.raises(BuildError, match="no standard library of source files"):
        library(str(python), [], "all")
