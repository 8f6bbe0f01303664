"""F1 and F2: what the hook takes for a path entry, and what an entry may look like."""

import importlib
import os
import sqlite3
import sys
import zipfile
from pathlib import Path
from pkgutil import get_importer
from typing import Any

import pytest

from tests.rules.modules import value_of
from tests.rules.places import Library, Place, Tree
from tests.rules.probes import run

TREE: Tree = {
    "top.py": "VALUE = 'top'\n",
    "second.py": "VALUE = 'second'\n",
    "pkg/__init__.py": "VALUE = 'pkg'\n",
    "pkg/sub.py": "VALUE = 'sub'\n",
    "space/data.txt": "data\n",
    "stuffed/__init__.py": "",
    "stuffed/sub.py": "VALUE = 'stuffed'\n",
    "stuffed/data.txt": "data\n",
    "pkg/inner/__init__.py": "VALUE = 'inner'\n",
    "pkg/inner/leaf.py": "VALUE = 'leaf'\n",
    "space/one.py": "VALUE = 'one'\n",
}


# F1, the hook


@pytest.mark.parametrize("kind", [os.fsencode, Path, lambda _: None, lambda _: 42, list])
def test_rule_F1_an_entry_that_is_no_string_is_refused(archive: Place, kind: Any) -> None:
    """The hook takes strings; of anything else it says that it is not its."""
    assert archive.hook(archive.entry) is not None
    with pytest.raises(ImportError):
        archive.hook(kind(archive.entry))


def _write_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table someone_elses (value)")
    connection.close()


def _write_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("from_stock_zip.py", "VALUE = 'stock'\n")


@pytest.mark.fault(5)
@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"S"),
        lambda path: path.write_bytes(b"#!/bin/sh\nexit 0\n"),
        lambda path: path.write_bytes(bytes(8192)),
        lambda path: path.mkdir(),
        lambda path: path,
        _write_database,
        _write_zip,
    ],
    ids=["empty", "one byte", "text", "zeros", "directory", "missing", "database", "zip"],
)
def test_rule_F1_what_is_not_ours_is_refused_with_import_error(tmp_path: Path, write: Any) -> None:
    """Files of other kinds are left to the other hooks."""
    import litebundle

    entry = tmp_path / "other.bundle"
    write(entry)
    with pytest.raises(ImportError):
        litebundle.path_hook(str(entry))


def test_rule_F1_a_stock_zip_still_belongs_to_zipimport(tmp_path: Path, library: Library) -> None:
    """The hook stands first and leaves a plain zip to Python's own."""
    import litebundle

    library.names.add("from_stock_zip")
    litebundle.install()
    _write_zip(tmp_path / "stock.zip")
    sys.path.insert(0, str(tmp_path / "stock.zip"))
    assert value_of("from_stock_zip") == "stock"


@pytest.mark.fault(3)
def test_rule_F1_a_damaged_bundle_is_no_import_error(archive: Place, tmp_path: Path) -> None:
    """Damage passes every `except ImportError`, and nothing remembers "no finder"."""
    from litebundle import BundleError

    target = tmp_path / "app.bundle"
    archive.copy_to(target)
    whole = target.read_bytes()
    target.write_bytes(whole[: len(whole) // 2])
    sys.path[0] = str(target)
    with pytest.raises(BundleError) as caught:
        importlib.import_module("top")
    assert not isinstance(caught.value, ImportError)
    assert str(target) in str(caught.value)
    assert str(target) not in sys.path_importer_cache
    target.write_bytes(whole)
    assert value_of("top") == "top"


# Fills the table of open files, as a leaking server does, and asks for a module then.
OUT_OF_DESCRIPTORS = """
sys.path.remove(ROOT)  # or these imports would look there
import errno, os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
import linecache, traceback  # what reports the error must not need a descriptor itself
sys.path.insert(0, ROOT)
held = []
try:
    while True:
        held.append(os.open("/", os.O_RDONLY))
except OSError:
    pass
try:
    import top
except ImportError as error:
    print("import error", error)
except OSError as error:
    print("os error", errno.errorcode[error.errno])
print("cached" if ROOT in sys.path_importer_cache else "not cached")
for number in held:
    os.close(number)
import top
print(top.VALUE)
"""


@pytest.mark.fault(17)
def test_rule_F1_an_unreadable_bundle_is_no_import_error(archive: Place) -> None:
    """Out of descriptors is an I/O error, and the same import works once it has passed."""
    outcome = run(archive, OUT_OF_DESCRIPTORS)
    assert outcome.stderr == ""
    assert outcome.stdout.splitlines() == ["os error EMFILE", "not cached", "top"]


# F2, path entries


def test_rule_F2_the_hook_is_asked_once_per_entry(place: Place) -> None:
    """The import system keeps the finder of an entry and does not ask the hooks again."""
    asked: list[str] = []

    def witness(entry: str) -> Any:
        asked.append(entry)
        raise ImportError

    sys.path_hooks.insert(0, witness)
    sys.path_importer_cache.clear()
    for name in ("top", "second", "pkg", "pkg.sub", "pkg.inner", "pkg.inner.leaf"):
        importlib.import_module(name)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("pkg.nothing")
    ours = [entry for entry in asked if entry.startswith(place.entry)]
    assert ours == [place.entry, place.at("pkg"), place.at("pkg", "inner")]
    assert sys.path_importer_cache[place.at("pkg")] is not sys.path_importer_cache[place.entry]


def test_rule_F2_a_directory_inside_is_an_entry_of_its_own(place: Place) -> None:
    """`app.bundle/pkg` on `sys.path` makes the package's submodules top-level modules."""
    sys.path[0] = place.at("pkg")
    module = importlib.import_module("sub")
    assert (module.VALUE, module.__file__) == ("sub", place.at("pkg", "sub.py"))
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("top")
    del sys.modules["sub"]


@pytest.mark.parametrize(
    "inside",
    [
        "top.py",
        "space/data.txt",
        "stuffed/data.txt",
        "pkg/__init__.py",
        "nothing",
        "pkg/nothing",
        "top",
        "PKG",
        "nothing/../pkg",
        "top.py/..",
        "pk",
        "pkg/..x",
    ],
)
def test_rule_F2_what_is_no_directory_inside_is_refused(place: Place, inside: str) -> None:
    """A file, or a location that does not exist, is no path entry."""
    assert place.hook(place.at("pkg")) is not None
    with pytest.raises(ImportError):
        place.hook(place.at(inside))


@pytest.mark.parametrize("spelling", ["./pkg", "pkg/../pkg", "pkg/.", "/pkg", "pkg//", "pkg/"])
def test_rule_F2_other_spellings_mean_the_same_directory(place: Place, spelling: str) -> None:
    """`.`, `..` and doubled slashes in an entry lead where they lead in a file system."""
    entry = f"{place.entry}/{spelling}"
    sys.path[0] = entry
    module = importlib.import_module("sub")
    assert module.VALUE == "sub"
    assert os.path.normpath(str(module.__file__)) == place.at("pkg", "sub.py")
    del sys.modules["sub"]


@pytest.mark.parametrize("slashes", ["/", "//"])
def test_rule_F2_a_trailing_slash_changes_nothing(place: Place, slashes: str) -> None:
    """An entry may end in a slash, and locations do not double it."""
    sys.path[0] = place.entry + slashes
    assert importlib.import_module("top").__file__ == place.at("top.py")
    assert importlib.import_module("pkg").__path__ == [place.at("pkg")]
    assert importlib.import_module("pkg.sub").__file__ == place.at("pkg", "sub.py")


@pytest.mark.fault(43)
@pytest.mark.parametrize("prefix", ["", "./", "sideways/../"])
def test_rule_F2_a_relative_entry_survives_chdir(
    place: Place, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative entry is made absolute once; what is imported after `chdir` comes from there."""
    (tmp_path / "sideways").mkdir()
    copy = place.copy_to(tmp_path / "app.bundle")
    monkeypatch.chdir(tmp_path)
    sys.path[0] = prefix + "app.bundle"
    files = [importlib.import_module("pkg").__file__]
    monkeypatch.chdir("/")
    files += [importlib.import_module(name).__file__ for name in ("pkg.sub", "top", "space.one")]
    inside = ["pkg/__init__.py", "pkg/sub.py", "top.py", "space/one.py"]
    # Some versions of FileFinder leave the dots in.
    assert [os.path.normpath(str(file)) for file in files] == [copy.at(path) for path in inside]
    assert all(Path(str(file)).is_absolute() for file in files)
    assert Path(sys.modules["pkg"].__path__[0]).is_absolute()


@pytest.mark.fault(24)
def test_rule_F2_a_symlink_keeps_its_name(place: Place, tmp_path: Path) -> None:
    """An entry that is a symbolic link works, and locations are spelled through the link."""
    link = tmp_path / "link.bundle"
    link.symlink_to(place.entry)
    sys.path[0] = str(link)
    assert importlib.import_module("top").__file__ == str(link / "top.py")
    assert importlib.import_module("pkg.sub").__file__ == str(link / "pkg" / "sub.py")
    folder = tmp_path / "folder"
    folder.symlink_to(Path(place.entry).parent)
    assert get_importer(str(folder / Path(place.entry).name / "pkg")) is not None


@pytest.mark.fault(43)
@pytest.mark.parametrize(
    "name",
    [
        os.fsdecode(b"latin \xe9\xff"),
        "what?mode=ro",
        "100%25 of it",
        "hash#1",
        "sp ace",
        "\u65e5\u672c",
        "quo'te\"s",
        "semi;colon:",
        "/".join(["long" * 50] * 15),
    ],
    ids=["bytes", "query", "percent", "hash", "space", "unicode", "quotes", "colon", "long"],
)
def test_rule_F2_any_path_will_do(place: Place, tmp_path: Path, name: str) -> None:
    """Spaces, `?`, `#`, `%`, bytes that are no UTF-8, and 3,000 characters make no difference."""
    folder = tmp_path / name
    folder.mkdir(parents=True)
    copy = place.copy_to(folder / "app.bundle")
    sys.path[0] = copy.entry
    assert importlib.import_module("top").__file__ == copy.at("top.py")
    assert importlib.import_module("pkg.sub").__file__ == copy.at("pkg", "sub.py")
    assert value_of("pkg.inner.leaf") == "leaf"
