"""F3 and F4: what a finder finds, in which order, and what stays untouched by that."""

import importlib
import importlib.util
import sysconfig
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from pathlib import Path
from pkgutil import get_importer
from random import Random
from typing import Any

import pytest

from tests.rules.places import Place, Tree
from tests.rules.probes import Compare

# Half a megabyte of source that no compression makes small, and that finding must not read.
LARGE = Random(0).randbytes(250_000).hex()  # noqa: S311 - it only has to be the same every time


def _any_extension() -> bytes:
    """Return the bytes of some extension module of the running Python."""
    folder = Path(str(sysconfig.get_config_var("DESTSHARED") or ""))
    found = sorted(folder.glob("*" + EXTENSION_SUFFIXES[0]))
    return found[0].read_bytes() if found else b"no extension module here"


TREE: Tree = {
    "top.py": "VALUE = 'top'\n",
    "second.py": "VALUE = 'second'\n",
    "broken.py": "def half(:\n",
    "heavy.py": f"VALUE = 'heavy'\n# {LARGE}\n",
    "pkg/__init__.py": "VALUE = 'pkg'\n",
    "pkg/sub.py": "VALUE = 'sub'\n",
    "space/one.py": "VALUE = 'one'\n",
    # F4, two candidates of one name
    "over/__init__.py": "VALUE = 'package'\n",
    "over.py": "VALUE = 'module'\n",
    "plain/readme.txt": "no package\n",
    "plain.py": "VALUE = 'module'\n",
    "native.py": "VALUE = 'source'\n",
    "native" + EXTENSION_SUFFIXES[0]: _any_extension(),
    "looks.py/inside.txt": "a directory named like a module\n",
    "initdir/__init__.py/inside.txt": "a directory named like an __init__\n",
}


def spec_at(place: Place, name: str, *inside: str) -> ModuleSpec | None:
    """Ask the path entry finder of a directory in `place` for one module."""
    finder: Any = get_importer(place.at(*inside) if inside else place.entry)
    assert finder is not None
    spec: ModuleSpec | None = finder.find_spec(name)
    return spec


# F3, finding


def test_rule_F3_only_the_last_component_counts(place: Place) -> None:
    """A finder serves one directory, whatever package the name claims to be in."""
    for name in ("sub", "pkg.sub", "quite.another.sub"):
        spec = spec_at(place, name, "pkg")
        assert spec is not None
        assert (spec.name, spec.origin) == (name, place.at("pkg", "sub.py"))
    assert spec_at(place, "pkg.sub") is None


def test_rule_F3_the_target_is_accepted_and_changes_nothing(place: Place) -> None:
    """`find_spec` takes a target module, by position and by name."""
    finder: Any = get_importer(place.entry)
    module = importlib.import_module("top")
    assert finder.find_spec("top", module) == finder.find_spec("top")
    assert finder.find_spec("top", target=None) == finder.find_spec(fullname="top")


def test_rule_F3_what_is_not_there_is_none(place: Place) -> None:
    """A missing module is no error to a finder."""
    assert spec_at(place, "top") is not None
    assert spec_at(place, "nothing") is None
    assert spec_at(place, "pkg.nothing", "pkg") is None


def test_rule_F3_a_module_with_a_syntax_error_is_found(place: Place) -> None:
    """The error belongs to loading: the finder returns the spec all the same."""
    spec = importlib.util.find_spec("broken")
    assert spec is not None
    assert spec.origin == place.at("broken.py")
    with pytest.raises(SyntaxError):
        importlib.import_module("broken")


FINDING_EVENTS = """
from pkgutil import get_importer
finder = get_importer(ROOT)
finder.find_spec("second")  # whatever opening takes is done now
WATCHED = {"marshal.loads", "marshal.load", "compile", "exec", "open", "import"}
seen = []
sys.addaudithook(lambda event, args: seen.append((event, args)) if event in WATCHED else None)
names = ["top", "pkg", "heavy", "broken", "over", "space", "nothing"]
found = [finder.find_spec(name) is not None for name in names]
during = seen[:]
import top  # the witness is awake
print(found, during, any(event == "exec" for event, _ in seen))
"""


def test_rule_F3_finding_neither_opens_nor_unmarshals_nor_compiles(compare: Compare) -> None:
    """No audit event of loading is raised while specs are found."""
    found = [True] * 6 + [False]
    assert compare(FINDING_EVENTS).stdout == f"{found} [] True\n"


BYTES_READ = """
from pkgutil import get_importer
finder = get_importer(ROOT)
finder.find_spec("top")
def so_far():
    with open("/proc/self/io") as file:
        return int(file.readline().split()[1])
start = so_far()
assert finder.find_spec("heavy") is not None
found = so_far()
import heavy
loaded = so_far()
heavy.__loader__.get_source("heavy")
print(found - start, so_far() - loaded)
"""


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="needs Linux's /proc/self/io")
def test_rule_F3_finding_reads_nothing_of_the_module(compare: Compare) -> None:
    """Half a megabyte of source is read when it is asked for, and not to find the module."""
    for outcome in compare.both(BYTES_READ):
        finding, reading = map(int, outcome.stdout.split())
        assert finding < 4096
        assert reading > len(LARGE) // 3


# F4, order within a directory


@pytest.mark.fault(48)
@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("over", "over/__init__.py"),
        ("plain", "plain.py"),
        ("native", "native" + EXTENSION_SUFFIXES[0]),
        ("looks", None),
    ],
)
def test_rule_F4_order_is_the_file_finders(place: Place, name: str, origin: str | None) -> None:
    """Package before extension before source before namespace portion, in one directory."""
    spec = spec_at(place, name)
    # Of a native module the file is on disk, wherever that is.
    assert (spec and spec.origin and Path(spec.origin).name) == (origin and Path(origin).name)
    assert bool(spec and spec.submodule_search_locations) == (name == "over")


@pytest.mark.fault(48)
def test_rule_F4_a_package_hides_a_module_of_its_name(place: Place) -> None:
    """The package is imported, and its module of the same name is never run."""
    module = importlib.import_module("over")
    assert (module.VALUE, module.__path__) == ("package", [place.at("over")])


def test_rule_F4_a_module_hides_a_directory_of_its_name(place: Place) -> None:
    """A directory without `__init__` is no package while there is a module of its name."""
    module = importlib.import_module("plain")
    assert (module.VALUE, hasattr(module, "__path__")) == ("module", False)
    assert module.__file__ == place.at("plain.py")


def test_rule_F4_an_init_that_is_a_directory_makes_no_package(place: Place) -> None:
    """`__init__.py` must be a file; otherwise the directory is a namespace portion."""
    spec = spec_at(place, "initdir")
    assert spec is not None
    assert (spec.loader, spec.submodule_search_locations) == (None, [place.at("initdir")])
