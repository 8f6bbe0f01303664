"""Which of the interpreter's extension modules a program may come to import."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from litebundle.builder import Options, build
from litebundle.freeze.interpreter import Interpreter, interpreter
from litebundle.freeze.library import used_extensions
from litebundle.inspect.bundle import Bundle
from tests.rules.places import write_tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bundle freeze is for Linux")


@pytest.fixture(scope="module")
def python() -> Interpreter:
    """Return the interpreter that runs the tests."""
    return interpreter(sys.executable)


def used(
    home: Path, python: Interpreter, tree: Mapping[str, str | bytes | None], *include: str
) -> set[str]:
    """Return what a program of these files uses, of what this interpreter does not have builtin."""
    write_tree(dict(tree), home / "source")
    build([home / "source"], home / "app.bundle", Options(jobs=1))
    return set(used_extensions(Bundle(home / "app.bundle"), python, include))


def test_an_interpreter_tells_its_files(python: Interpreter) -> None:
    """Where they are, and where they belong."""
    version = "{}.{}".format(*sys.version_info)
    assert python.executable.is_file()
    assert (python.command, python.version) == (f"bin/python{version}", version)
    assert python.archive.endswith(f"/python{version.replace('.', '')}.zip")
    assert python.native.endswith("/lib-dynload")
    assert python.extensions["_sqlite3"].is_file()


def test_what_is_imported_by_the_way_is_used(tmp_path: Path, python: Interpreter) -> None:
    """In a function, by a module of the library; codecs are, tests and the rest are not."""
    found = used(tmp_path, python, {"m.py": "def f():\n    from sqlite3 import dbapi2\n"})
    assert {"_sqlite3", "_codecs_jp", "fcntl"} <= found
    assert not {name for name in found if "test" in name or name in ("_tkinter", "_curses_panel")}
    assert found < set(python.extensions)


def test_what_is_included_is_used(tmp_path: Path, python: Interpreter) -> None:
    """With what it imports."""
    tree = {"m.py": "import importlib\nimportlib.import_module('sqlite' + '3')\n"}
    assert "_sqlite3" not in used(tmp_path / "without", python, tree)
    assert "_sqlite3" in used(tmp_path / "with", python, tree, "sqlite3")


def test_what_native_modules_name_is_used(tmp_path: Path, python: Interpreter) -> None:
    """As a string of C."""
    data = b"\x7fELF\0xsqlite3\0sqlite3\0resource,\0"
    found = used(tmp_path, python, {"m.py": "", "n.abi3.so": data})
    assert "_sqlite3" in found
    assert "resource" not in used(tmp_path / "other", python, {"m.py": ""}) or "resource" in found
