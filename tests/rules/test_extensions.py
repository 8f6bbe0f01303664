"""Native code: extension modules of all kinds, and the shared libraries beside them.

The tree is made by the compiler, and the directory it is compared with holds the very same files.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.native import SUFFIX, Compiler
from tests.rules.places import Library, Place, Tree
from tests.rules.probes import Compare, run

_ANSWER = "int tiny_answer(void) { return 42; }"
_TOP = "0123abcd__mypyc"
_FROM_TOP = f"""
static long from_top(void) {{
    PyObject *top = PyImport_ImportModule("{_TOP}");
    if (top == NULL) return -1;
    return PyLong_AsLong(PyObject_GetAttrString(top, "VALUE"));
}}
"""
_FILES = (
    f"linked/_native{SUFFIX}",
    "linked/__init__.py",
    "linked.libs/libtiny-0123abcd.so.1",
    "linked.libs/libbase-0123abcd.so.1",
    f"{_TOP}{SUFFIX}",
    "compiled/__init__.py",
    f"compiled/part{SUFFIX}",
)
_LINKED = {
    "linked-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: linked\nVersion: 1.0\n",
    "linked-1.0.dist-info/RECORD": "".join(f"{path},,\n" for path in _FILES),
}
_BESIDE = "import ctypes, os\nHERE = os.path.dirname(__file__)\n"


def _kinds(compiler: Compiler) -> Tree:
    """Return a package with one extension of each kind, a lone one, and a package that is one."""
    limited = ["-DPy_LIMITED_API=0x030B0000"]
    return {
        "kinds/__init__.py": "from . import single, multi, stable, both\n",
        f"kinds/single{SUFFIX}": compiler.extension("single", "1", single=True),
        f"kinds/multi{SUFFIX}": compiler.extension("multi", "2"),
        "kinds/stable.abi3.so": compiler.extension("stable", "3", flags=limited),
        "kinds/both.so": compiler.extension("both", "4"),
        "kinds/both.py": "VALUE = 'the extension comes first'\n",
        "kinds/other.cpython-300-other.so": b"of another Python",
        "kinds/other.py": "VALUE = 'that of another Python does not count'\n",
        "kinds/damaged.so": b"\x7fELF and no more",
        "kinds/data.txt": "data of kinds\n",
        f"alone{SUFFIX}": compiler.extension("alone", "5"),
        f"whole/__init__{SUFFIX}": compiler.extension("whole", "6"),
        "whole/part.py": "import whole\nVALUE = whole.VALUE + 1\n",
        "whole/data.txt": "data of whole\n",
    }


def _linked(compiler: Compiler, name: str) -> bytes:
    """Return an extension module that is linked with a library of that name beside it."""
    compiler.library(name, _ANSWER)
    flags = [f"-l:{name}", "-Wl,-rpath,$ORIGIN"]
    return compiler.extension(
        "_native", "tiny_answer()", code="int tiny_answer(void);", flags=flags
    )


def _libraries(compiler: Compiler) -> Tree:
    """Return packages that need libraries: linked by auditwheel, by mypyc, loaded by ctypes."""
    base = compiler.library("libbase-0123abcd.so.1", _ANSWER)
    tiny = compiler.library(
        "libtiny-0123abcd.so.1",
        "int tiny_answer(void); int tiny_double(void) { return 2 * tiny_answer(); }",
        "-l:libbase-0123abcd.so.1",
        "-Wl,-rpath,$ORIGIN",
    )
    needs = ["-l:libtiny-0123abcd.so.1", "-Wl,-rpath,$ORIGIN/../linked.libs"]
    return {
        **_LINKED,
        "linked.libs/libtiny-0123abcd.so.1": tiny,
        "linked.libs/libbase-0123abcd.so.1": base,
        "linked/__init__.py": "from ._native import VALUE\n",
        f"linked/_native{SUFFIX}": compiler.extension(
            "_native", "tiny_double()", code="int tiny_double(void);", flags=needs
        ),
        # A library that calls itself otherwise than its file is called
        "misnamed/__init__.py": "",
        f"misnamed/_native{SUFFIX}": _linked(compiler, "libwrong.so"),
        "misnamed/libwrong.so": compiler.library("libwrong.so", _ANSWER, "-Wl,-soname,liby.so"),
        f"{_TOP}{SUFFIX}": compiler.extension(_TOP, "8"),
        "compiled/__init__.py": "from .part import VALUE\n",
        f"compiled/part{SUFFIX}": compiler.extension("part", "from_top()", code=_FROM_TOP),
        "foreign/__init__.py": _BESIDE
        + "VALUE = ctypes.CDLL(os.path.join(HERE, 'lib', 'libplain.so')).tiny_answer()\n",
        "foreign/lib/libplain.so": compiler.library("libplain.so", _ANSWER),
        # For an extension that is linked with nothing
        "preloading/__init__.py": _BESIDE
        + "ctypes.CDLL(os.path.join(HERE, 'libearly.so'), mode=ctypes.RTLD_GLOBAL)\n"
        "from ._late import VALUE\n",
        "preloading/libearly.so": compiler.library(
            "libearly.so", "int early_answer(void) { return 43; }"
        ),
        f"preloading/_late{SUFFIX}": compiler.extension(
            "_late", "early_answer()", code="int early_answer(void);"
        ),
    }


@pytest.fixture(scope="session")
def native(compiler: Compiler) -> Tree:
    """Return native code of every kind that wheels bring."""
    return {**_kinds(compiler), **_libraries(compiler)}


@pytest.fixture
def tree(native: Tree) -> Tree:
    """Return the tree of this module, which is made first."""
    return native


SHOW = """
import importlib, importlib.util, inspect, os, pkgutil
def show(*names):
    for name in names:
        module = importlib.import_module(name)
        spec, loader = module.__spec__, module.__spec__.loader
        print(name, getattr(module, "VALUE", None), module.__file__, spec.origin, spec.has_location,
              spec.parent, getattr(module, "__path__", None), spec.submodule_search_locations,
              spec.cached and "cached", loader.get_filename(name), loader.is_package(name),
              loader.get_source(name) is None)
        print(repr(module), inspect.getmodule(module) is module)
"""


def test_rule_F4_extensions_of_every_kind_are_what_they_are_in_a_directory(
    compare: Compare,
) -> None:
    """One phase or two, tagged, abi3 or plain, alone or in a package, before a source of a name."""
    names = ("kinds.single", "kinds.multi", "kinds.stable", "kinds.both", "kinds.other", "alone")
    found = compare(SHOW + f"show(*{names})\n")
    assert [line.split(" /")[0].split(" <")[0] for line in found.stdout.splitlines()[::2]] == [
        "kinds.single 1",
        "kinds.multi 2",
        "kinds.stable 3",
        "kinds.both 4",
        "kinds.other that of another Python does not count",
        "alone 5",
    ]


def test_rule_F4_a_package_may_be_an_extension(compare: Compare) -> None:
    """Its `__init__` is native; its modules, data and resources are found as ever."""
    probe = """
show("whole", "whole.part")
from importlib import resources
import whole
print(resources.files(whole).joinpath("data.txt").read_text())
print(pkgutil.get_data("whole", "data.txt"))
print(open(os.path.join(os.path.dirname(whole.__file__), "data.txt")).read())
print(whole.__loader__.get_data(whole.__file__)[:4])
with resources.as_file(resources.files(whole) / "data.txt") as path: print(path.read_text())
"""
    found = compare(SHOW + probe)
    assert "whole.part 7" in found.stdout


@pytest.mark.parametrize("name", ["linked", "compiled", "foreign", "preloading"])
def test_rule_I2_libraries_are_found_beside_them(compare: Compare, name: str) -> None:
    """By $ORIGIN in another directory, by name at the top, by a path from `__file__`, preloaded."""
    value = {"linked": 84, "compiled": 8, "foreign": 42, "preloading": 43}[name]
    assert f"{name} {value} " in compare(SHOW + f"show({name!r})\n").stdout


def test_rule_I2_extensions_come_back_after_they_were_forgotten(compare: Compare) -> None:
    """A second import, a reload and a finder of their own give what a directory gives."""
    probe = """
import sys
for name in ("kinds.single", "kinds.multi", "alone"):
    first = importlib.import_module(name)
    print(importlib.reload(first) is first)
    del sys.modules[name]
    second = importlib.import_module(name)
    print(second is first, second.VALUE, second.__file__)
print(sorted(m.name for m in pkgutil.iter_modules(importlib.import_module("kinds").__path__)))
"""
    compare(SHOW + probe)


@pytest.mark.fault(40)
def test_rule_I2_a_damaged_extension_raises_what_it_raises_from_a_directory(
    compare: Compare,
) -> None:
    """ImportError by the linker, and nothing is left in sys.modules."""
    probe = """
import sys
try:
    importlib.import_module("kinds.damaged")
except ImportError as error:
    print(type(error), error.name, error.path, error)
print(sorted(name for name in sys.modules if name.startswith("kinds")))
"""
    assert "file too short" in compare(SHOW + probe).stdout


_VALUES = """
import importlib, sys
for name in NAMES:
    module = importlib.import_module(name)
    print(name, module.VALUE, module.__file__.startswith(ROOT), importlib.reload(module) is module)
    del sys.modules[name]
    print(importlib.import_module(name).VALUE)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files in memory")
def test_rule_I2_extensions_need_no_file_where_none_can_be(archive: Place, tmp_path: Path) -> None:
    """Where nothing can be written they are loaded from memory, and what they are linked with."""
    (tmp_path / "file").write_text("")
    kinds = ("kinds.single", "kinds.multi", "kinds.stable", "kinds.both")
    names = (*kinds, "alone", "whole", "linked", "compiled")
    found = run(
        archive,
        f"NAMES = {names}\n{_VALUES}",
        env={"LITEBUNDLE_CACHE": str(tmp_path / "file" / "below")},
    )
    assert found.stderr == ""
    values = dict(zip(names, (1, 2, 3, 4, 5, 6, 84, 8), strict=True))
    assert found.stdout.splitlines() == [
        line for n, value in values.items() for line in (f"{n} {value} True True", f"{value}")
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files in memory")
def test_rule_I2_what_memory_cannot_give_is_said_as_by_the_linker(
    archive: Place, tmp_path: Path
) -> None:
    """A path that a package makes itself leads nowhere, and the error names it."""
    (tmp_path / "file").write_text("")
    found = run(archive, "import foreign\n", env={"LITEBUNDLE_CACHE": str(tmp_path / "file" / "x")})
    assert found.status == 1
    assert "<root>/foreign/lib/libplain.so: cannot open shared object file" in found.stderr


_BOTH = """
import importlib, litebundle, os, sys
litebundle.install()
for entry in sys.argv[1:]:
    sys.path.insert(0, entry)
    kinds = importlib.import_module("kinds")
    here = os.path.dirname(kinds.__file__)
    print(kinds.WORD, kinds.multi.VALUE, kinds.multi.__file__.startswith(here))
    print(open(os.path.join(here, "data.txt")).read(), kinds.__loader__.get_source("kinds"))
    del sys.path[0]
    for name in [name for name in sys.modules if name.startswith("kinds")]:
        del sys.modules[name]
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files in memory")
def test_rule_I2_a_library_of_another_name_is_not_looked_for_forever(
    archive: Place, tmp_path: Path
) -> None:
    """The linker finds libraries in memory by the name that they call themselves, or not at all."""
    (tmp_path / "file").write_text("")
    probe = "import misnamed._native\n"
    assert run(archive, probe, env={"LITEBUNDLE_CACHE": str(tmp_path / "cache")}).status == 0
    found = run(archive, probe, env={"LITEBUNDLE_CACHE": str(tmp_path / "file" / "x")})
    assert "ImportError: libwrong.so: cannot open shared object file" in found.stderr


def test_rule_I2_two_bundles_with_equal_files_have_their_own_code(
    library: Library, native: Tree, packed: str, tmp_path: Path
) -> None:
    """Each is served beside its own copy of the files."""
    expected, entries = [], []
    for word in ("first", "second"):
        source = f"from . import multi\nWORD = {word!r}\n"
        entries.append(library.place({**native, "kinds/__init__.py": source}, packed).entry)
        expected += [f"{word} 2 True", "data of kinds", f" {source}"]
    done = subprocess.run(
        [sys.executable, "-c", _BOTH, *entries],
        env={"PYTHONPATH": ":".join(sys.path), "LITEBUNDLE_CACHE": str(tmp_path / "placed")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "\n".join(expected) + "\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files in memory")
def test_rule_I2_the_second_of_two_bundles_needs_no_place_of_its_own(
    library: Library, native: Tree, packed: str, tmp_path: Path
) -> None:
    """Where only the files of one are placed, and nothing can be written, it goes without."""
    entries = [
        library.place({**native, "kinds/__init__.py": f"WORD = {word!r}\n"}, packed).entry
        for word in ("first", "second")
    ]
    cache = tmp_path / "placed"
    command = [sys.executable, "-m", "litebundle", "place", entries[0], "--to", str(cache)]
    env = {"PYTHONPATH": ":".join(sys.path), "LITEBUNDLE_CACHE": str(cache)}
    subprocess.run(command, env=env, check=True, capture_output=True)
    script = """
import os, sys, litebundle
os.access = lambda *_, **__: False  # as on a read-only disk
litebundle.install()
for entry in sys.argv[1:]:
    sys.path.insert(0, entry)
    import kinds.multi
    print(kinds.WORD, kinds.multi.VALUE, kinds.multi.__file__.startswith(entry))
    del sys.modules["kinds"], sys.modules["kinds.multi"]
"""
    done = subprocess.run(
        [sys.executable, "-c", script, *entries],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("first 2 False\nsecond 2 True\n", "")
