"""A1 and A5: what loaders and pkgutil hand out besides modules."""

import importlib
import importlib.util
import os
import pkgutil
import sys
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from tests.rules.modules import loader_of
from tests.rules.places import Library, Place, Tree
from tests.rules.probes import Compare

TREE: Tree = {
    "top.py": "VALUE = 'top'\n\n\ndef function():\n    return VALUE\n",
    "pkg/__init__.py": "VALUE = 'pkg'\n",
    "pkg/sub.py": "VALUE = 'sub'\n\n\nclass Thing:\n    attribute = 'deep'\n",
    "pkg/inner/__init__.py": "",
    "pkg/inner/leaf.py": "",
    "stuffed/__init__.py": "VALUE = 'stuffed'\n",
    "stuffed/data.txt": "data\n",
    "stuffed/bytes.bin": bytes(range(256)),
    "stuffed/empty.bin": b"",
    "stuffed/folder/more.txt": "more\n",
    "stuffed/inner/__init__.py": "",
    "stuffed/inner/leaf.py": "VALUE = 'leaf'\n",
    "space/one.py": "",
    "space/data.txt": "in a namespace\n",
    "root.txt": "at the root\n",
    # A1, how source may be encoded
    "utf8.py": "VALUE = 'caf\u00e9 \u65e5\u672c'\n",
    "latin.py": "# -*- coding: latin-1 -*-\nVALUE = 'caf\u00e9'\n".encode("latin-1"),
    "late_cookie.py": b"#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\nVALUE = '\x80'\n",
    "bom.py": b"\xef\xbb\xbfVALUE = 'caf\xc3\xa9'\n",
    "bom_cookie.py": b"\xef\xbb\xbf# coding: utf-8\nVALUE = 'caf\xc3\xa9'\n",
    "crlf.py": b"VALUE = '''a\r\nb'''\r\n\r\ndef function():\r\n    return 1\r\n",
    "cr.py": b"VALUE = 1\rOTHER = '''a\rb'''\r",
    "mixed.py": b"A = 1\nB = 2\r\nC = 3\rD = '''\r\r\n'''\n",
    "no_newline.py": "VALUE = 1",
    "form_feed.py": "VALUE = 1\n\x0c\nOTHER = '\x1c'  # \x85 \u2028\n",
    "nothing.py": "",
    "unknown_cookie.py": "# coding: no-such-encoding\n",
    "not_utf8.py": b"VALUE = '\xff'\n",
    "half.py": "def half(:\n",
    # A5
    "fails/__init__.py": "raise ImportError('not today')\n",
    "fails/sub.py": "",
    "crashes/__init__.py": "1 / 0\n",
    "crashes/sub.py": "",
}

ENCODED = [
    "utf8",
    "latin",
    "late_cookie",
    "bom",
    "bom_cookie",
    "crlf",
    "cr",
    "mixed",
    "no_newline",
    "form_feed",
    "nothing",
    "half",
]


# A1, code and source


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", ["top", "pkg", "pkg.sub", "stuffed", "latin", "bom", "cr"])
def test_rule_A1_get_code_is_what_the_module_runs(name: str) -> None:
    """A code object of the module's location, that gives the module's values when executed."""
    loader = loader_of(name)
    code = loader.get_code(name)
    assert isinstance(code, CodeType)
    assert (code.co_name, code.co_filename) == ("<module>", loader.get_filename(name))
    namespace: dict[str, Any] = {"__name__": name}
    exec(code, namespace)
    assert namespace["VALUE"] == importlib.import_module(name).VALUE


SAME_CODE = """
import importlib.util
def show(code, depth=0):
    print(" " * depth, code.co_qualname, code.co_firstlineno, code.co_flags, code.co_filename)
    print(code.co_names, code.co_varnames, code.co_code.hex(), list(code.co_positions()))
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            show(constant, depth + 1)
        else:
            print(repr(constant))
for name in ("top", "pkg.sub", "utf8", "latin", "bom", "crlf", "cr", "form_feed", "nothing"):
    show(importlib.util.find_spec(name).loader.get_code(name))
"""


@pytest.mark.parametrize("flags", [[], ["-O"], ["-OO"]], ids=str)
def test_rule_A1_stored_code_is_the_directorys(compare: Compare, flags: list[str]) -> None:
    """Instructions, constants, positions and flags are those compiled from the directory."""
    assert "Thing" in compare(SAME_CODE, flags=flags).stdout


@pytest.mark.fault(45)
@pytest.mark.parametrize("name", ENCODED)
def test_rule_A1_get_source_decodes_as_for_a_directory(
    place: Place, library: Library, name: str
) -> None:
    """Coding cookie, byte order mark and universal newlines; a module that is broken has source."""
    found = loader_of(name).get_source(name)
    sys.path[0] = library.source(TREE).entry
    sys.path_importer_cache.clear()
    expected = loader_of(name).get_source(name)
    assert isinstance(expected, str)
    assert found == expected
    assert "\r" not in found
    assert not found.startswith("\ufeff")
    assert place.entry != sys.path[0]


UNDECODABLE = """
import importlib.util
for name in ("unknown_cookie", "not_utf8"):
    try:
        importlib.util.find_spec(name).loader.get_source(name)
    except Exception as error:
        print(type(error), error, vars(error), type(error.__cause__))
"""


@pytest.mark.fault(45)
def test_rule_A1_source_that_cannot_be_decoded_fails_alike(compare: Compare) -> None:
    """Unknown encodings and invalid bytes raise what they raise for a directory."""
    assert compare(UNDECODABLE).stdout.count("Error") >= 2


def test_rule_A1_source_is_none_where_it_was_left_out(library: Library, packed: str) -> None:
    """Without sources in the bundle modules run, and `get_source` is None, not an error."""
    kept = ["top.py", "pkg/__init__.py", "pkg/sub.py", "stuffed/__init__.py", "stuffed/data.txt"]
    tree = {name: TREE[name] for name in kept}
    bare = library.place(tree, packed, sources=False)
    bare.prepare()
    sys.path.insert(0, bare.entry)
    for name in ("top", "pkg", "pkg.sub", "stuffed"):
        module = importlib.import_module(name)
        assert name.rpartition(".")[2] == module.VALUE
        source = loader_of(name).get_source(name)
        assert source is None
        assert str(module.__file__).endswith(".py")
    assert loader_of("stuffed").get_data(bare.at("stuffed", "data.txt")) == b"data\n"
    with pytest.raises(FileNotFoundError):
        loader_of("pkg").get_data(bare.at("pkg", "sub.py"))


# A1, data


@pytest.mark.parametrize(
    "inside",
    [
        "stuffed/data.txt",
        "stuffed/bytes.bin",
        "stuffed/empty.bin",
        "stuffed/folder/more.txt",
        "root.txt",
    ],
)
def test_rule_A1_get_data_reads_any_file_by_its_path(place: Place, inside: str) -> None:
    """Any loader of the container reads any file of it, from the root down, byte for byte."""
    content = TREE[inside]
    expected = content.encode() if isinstance(content, str) else content
    for name in ("top", "pkg", "stuffed", "stuffed.inner.leaf"):
        data = loader_of(name).get_data(place.at(*inside.split("/")))
        assert data == expected
        assert type(data) is bytes


@pytest.mark.parametrize("name", ["latin", "crlf", "bom"])
def test_rule_A1_get_data_of_a_source_file_is_its_bytes(place: Place, name: str) -> None:
    """Nothing is decoded or translated."""
    source = place.at(f"{name}.py")
    assert loader_of(name).get_data(source) == TREE[f"{name}.py"]
    assert loader_of(name).get_filename() == source


def test_rule_A1_get_data_takes_path_objects(place: Place) -> None:
    """As the standard loaders do."""
    assert loader_of("stuffed").get_data(Path(place.at("stuffed", "data.txt"))) == b"data\n"


@pytest.mark.parametrize(
    "spelling", ["stuffed/../stuffed/data.txt", "./stuffed/./data.txt", "stuffed//data.txt"]
)
def test_rule_A1_get_data_follows_dots_as_a_file_system_does(place: Place, spelling: str) -> None:
    """Packages join `..` to their `__file__` and mean the directory above."""
    assert loader_of("stuffed").get_data(f"{place.entry}/{spelling}") == b"data\n"


def test_rule_A1_get_data_takes_paths_relative_to_the_bundle(archive: Place) -> None:
    """A relative path is one inside the bundle, as for zipimport."""
    for name in ("top", "pkg.sub", "stuffed.inner"):
        assert loader_of(name).get_data(f"stuffed{os.sep}data.txt") == b"data\n"
    assert archive.ours


MISSING_DATA = """
import errno, importlib.util, os
for name in ("pkg", "stuffed"):
    loader = importlib.util.find_spec(name).loader
    for inside in ("nothing.txt", "pkg/nothing", "stuffed/not/at/all", "pkg", "stuffed/folder",
                   "space", "", "stuffed/data.txt/below", "stuffed/data.txt/", "PKG/sub.py"):
        try:
            loader.get_data(os.path.join(ROOT, inside))
        except OSError as error:
            print(inside, type(error), errno.errorcode[error.errno], error.filename, error)
"""


def test_rule_A1_missing_data_is_an_os_error_with_number_and_name(compare: Compare) -> None:
    """What is not there, is a directory or lies below a file fails as `open` does on disk."""
    lines = compare(MISSING_DATA).stdout.splitlines()
    assert len(lines) == 20
    assert "[Errno 2] No such file or directory: '<root>/nothing.txt'" in lines[0]


@pytest.mark.usefixtures("place")
def test_rule_A1_is_package_tells_packages() -> None:
    """Only a module with `__init__` is one."""
    flags = {name: loader_of(name).is_package(name) for name in ("top", "pkg", "pkg.sub")}
    assert flags == {"top": False, "pkg": True, "pkg.sub": False}


@pytest.mark.usefixtures("place")
def test_rule_A1_source_to_code_compiles_by_the_standard_rules() -> None:
    """The loader compiles other source too, without the `__future__` of its own module."""
    code = loader_of("top").source_to_code(b"value: undefined = 1\n", "elsewhere.py")
    assert code.co_filename == "elsewhere.py"
    with pytest.raises(NameError, match="undefined"):
        exec(code, {})


# A5, pkgutil


WALK = """
import pkgutil
failed = []
def note(name):
    failed.append((name, sys.exc_info()[0].__name__))
for info in pkgutil.walk_packages([ROOT], onerror=note):
    print(info.name, info.ispkg)
for info in pkgutil.walk_packages([ROOT + "/pkg"], "pkg."):
    print(info.name, info.ispkg)
print(failed, sorted(set(sys.modules) & {"pkg", "pkg.inner", "pkg.sub", "top", "fails"}))
"""


@pytest.mark.fault(54)
def test_rule_A5_walk_packages_walks_as_in_a_directory(compare: Compare) -> None:
    """Same modules, same order, same failures, and only packages imported."""
    outcome = compare(WALK)
    assert "pkg.inner.leaf False" in outcome.stdout.splitlines()
    assert "('crashes', 'ZeroDivisionError')" in outcome.stdout


@pytest.mark.usefixtures("place")
def test_rule_A5_get_data_reads_package_data() -> None:
    """`pkgutil.get_data` by package and relative path, in subdirectories and from subpackages."""
    assert pkgutil.get_data("stuffed", "data.txt") == b"data\n"
    assert pkgutil.get_data("stuffed", "folder/more.txt") == b"more\n"
    assert pkgutil.get_data("stuffed.inner", "../data.txt") == b"data\n"
    assert pkgutil.get_data("top", "root.txt") == b"at the root\n"


PKGUTIL_MISSING = """
import pkgutil
asked = ["stuffed none.txt", "stuffed folder", "space data.txt", "no data.txt"]
for package, name in map(str.split, asked):
    try:
        print(pkgutil.get_data(package, name))
    except OSError as error:
        print(type(error), error.errno, error.filename)
"""


def test_rule_A5_get_data_fails_as_in_a_directory(compare: Compare) -> None:
    """Missing files raise, packages that cannot have data give None."""
    lines = compare(PKGUTIL_MISSING).stdout.splitlines()
    assert lines[0] == "<class 'FileNotFoundError'> 2 <root>/stuffed/none.txt"
    assert lines[3] == "None"


@pytest.mark.usefixtures("place")
def test_rule_A5_resolve_name_imports_and_descends() -> None:
    """Both spellings of an object's name, and modules."""
    assert pkgutil.resolve_name("pkg.sub:Thing.attribute") == "deep"
    assert pkgutil.resolve_name("pkg.sub.Thing.attribute") == "deep"
    assert pkgutil.resolve_name("pkg.inner.leaf") is sys.modules["pkg.inner.leaf"]
    with pytest.raises(ModuleNotFoundError):
        pkgutil.resolve_name("pkg.nothing:Thing")


def test_rule_A5_get_importer_and_iter_importers_know_the_finders(place: Place) -> None:
    """The view that pkgutil has of the path is the import system's."""
    importer = pkgutil.get_importer(place.entry)
    assert importer is sys.path_importer_cache[place.entry]
    assert importer in list(pkgutil.iter_importers("top"))
    inner = pkgutil.get_importer(place.at("pkg"))
    assert list(pkgutil.iter_importers("pkg.sub")) == [inner]
