"""What a package sees of itself at each level of placement: a directory, as far as it looks."""

from pathlib import Path

import pytest

from litebundle import builder
from tests.rules.places import Library, Place, Tree
from tests.rules.probes import Compare, run

_MODULE = "import os\nHERE = os.path.dirname(__file__)\ndef function():\n    return 1\n"
TREE: Tree = {
    "stuffed/__init__.py": _MODULE,
    "stuffed/sub.py": _MODULE,
    "stuffed/data.txt": "data of stuffed\n",
    "stuffed/inner/__init__.py": _MODULE,
    "stuffed/inner/data.txt": "data of inner\n",
    "stuffed/inner/leaf.py": _MODULE,
    "stuffed/folder/more.txt": "more data\n",
    "stuffed-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: stuffed\nVersion: 1.0\n",
    "stuffed-1.0.dist-info/RECORD": "stuffed/__init__.py,,\nstuffed/sub.py,,\nstuffed/data.txt,,\n",
}


@pytest.fixture
def place(library: Library, packed: str, level: str, tmp_path: Path) -> Place:
    """Return the tree in a bundle with its package placed at the level."""
    target = tmp_path / "app.bundle"
    options = builder.Options(
        container="zip" if packed == "zip" else "sqlite", jobs=1, place={"stuffed": level}
    )
    builder.build([library.source(TREE).entry], target, options)
    return Place(packed, str(target))


@pytest.fixture
def compare(library: Library, place: Place) -> Compare:
    """Return what holds a probe over the bundle against the directory."""
    return Compare(library, TREE, place)


_AGREE = """
import importlib, importlib.util, inspect, os, pkgutil, sys
from importlib import metadata, resources
for name in ("stuffed", "stuffed.sub", "stuffed.inner", "stuffed.inner.leaf"):
    module = importlib.import_module(name)
    loader = module.__loader__
    assert module.HERE == os.path.dirname(module.__spec__.origin)
    assert module.__file__ == module.__spec__.origin == loader.get_filename(name) == loader.path
    assert module.__file__ == module.function.__code__.co_filename == inspect.getfile(module)
    assert module.__file__ == loader.get_code(name).co_filename
    assert loader.get_data(module.__file__).decode() == loader.get_source(name)
    assert getattr(module, "__path__", [module.HERE]) == [module.HERE]
    assert importlib.util.find_spec(name).origin == module.__file__
    print(name, module.__file__, inspect.getsource(module.function))
for package in ("stuffed", "stuffed.inner"):
    module = sys.modules[package]
    files = resources.files(package)
    assert str(files) == module.HERE
    text = files.joinpath("data.txt").read_text()
    assert text.encode() == pkgutil.get_data(package, "data.txt")
    assert text.encode() == module.__loader__.get_data(os.path.join(module.HERE, "data.txt"))
    with resources.as_file(files / "data.txt") as path:
        assert path.read_text() == text
    print(sorted(child.name for child in files.iterdir() if child.name != "__pycache__"))
found = metadata.distribution("stuffed")
for file in found.files:
    where = found.locate_file(file)
    print(file, where.exists(), where.read_text() == file.read_text())
    assert str(where) == os.path.join(os.path.dirname(sys.modules["stuffed"].HERE), str(file))
"""


@pytest.mark.parametrize("level", ["code", "data", "all"])
def test_rule_I2_all_who_tell_where_a_package_is_agree(compare: Compare) -> None:
    """`__file__`, `__path__`, `co_filename`, loader, resources and metadata, at every level."""
    compare(_AGREE)


_OPENS = """
import os, stuffed, stuffed.inner
for package in (stuffed, stuffed.inner):
    with open(os.path.join(package.HERE, "data.txt")) as file:
        print(file.read(), os.path.isdir(package.__path__[0]))
print(os.listdir(os.path.join(stuffed.HERE, "folder")))
"""


@pytest.mark.parametrize("level", ["data", "all"])
def test_rule_I2_data_is_opened_by_path(compare: Compare) -> None:
    """Where any of a package's files are placed, all of its data are."""
    compare(_OPENS)


_LISTS = """
import os, runpy, subprocess, sys, stuffed.inner.leaf
for base, directories, files in os.walk(stuffed.HERE):
    directories.sort()
    print(base, [name for name in directories if name != "__pycache__"], sorted(files))
print(runpy.run_path(stuffed.sub.__file__ if hasattr(stuffed, "sub") else
                     os.path.join(stuffed.HERE, "sub.py"))["HERE"] == stuffed.HERE)
print(subprocess.run([sys.executable, stuffed.inner.leaf.__file__]).returncode)
"""


@pytest.mark.parametrize("level", ["all"])
def test_rule_I2_sources_are_listed_and_executed_as_files(compare: Compare) -> None:
    """At level all a package that walks its own directory sees what was installed."""
    compare(_LISTS)


_PREFIXES = """
import importlib, os, pkgutil, stuffed, sys
from importlib import metadata
importlib.invalidate_caches()
def module_of(file):
    entries = (entry for entry in sys.path if file.startswith(os.path.join(entry, "")))
    return os.path.relpath(file, next(entries)).removesuffix(".py").replace(os.sep, ".")
for name in sorted(os.listdir(stuffed.HERE)):
    if name.endswith(".py"):
        print(name, module_of(os.path.join(stuffed.HERE, name)))
print([module.name for module in pkgutil.iter_modules() if module.name.startswith("stuff")])
print(len(list(metadata.distributions(name="stuffed"))))
import stuffed.inner.leaf
from stuffed import sub
import pickle
print(pickle.loads(pickle.dumps(sub.__loader__)).path == sub.__file__)
try:
    import stuffed_not
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("level", ["all"])
def test_rule_I2_sources_on_disk_are_below_an_entry_of_the_path(compare: Compare) -> None:
    """Who tells a module's name by the entry that its file is below is told; nothing is doubled."""
    compare(_PREFIXES)


@pytest.mark.parametrize("level", ["all"])
def test_rule_I2_the_code_is_the_bundles_at_every_level(place: Place) -> None:
    """A placed source is for those who look: the module comes from the bundle, uncached."""
    probe = """
import os, stuffed.sub
cached = os.path.exists(os.path.join(stuffed.HERE, "__pycache__"))
print(type(stuffed.sub.__loader__).__name__, cached)
"""
    assert run(place, probe).stdout == "BundleLoader False\n"


@pytest.mark.parametrize("level", ["code"])
def test_rule_I2_nothing_is_placed_at_level_code(place: Place) -> None:
    """The cache is not even made."""
    assert run(place, "import stuffed.inner.leaf").status == 0
    assert not Path(place.entry + ".placed").exists()


@pytest.mark.parametrize("level", ["data"])
def test_rule_I2_finding_a_package_places_nothing(place: Place) -> None:
    """`find_spec` and metadata are asked for packages that are never imported."""
    probe = """
import importlib.util, pkgutil
from importlib import metadata
print(importlib.util.find_spec("stuffed").origin)
print(len([f for f in metadata.distribution("stuffed").files if f.locate().exists()]))
print([module.name for module in pkgutil.iter_modules([ROOT])])
"""
    found = run(place, probe)
    assert found.stdout == "<root>/stuffed/__init__.py\n3\n['stuffed']\n"
    assert not Path(place.entry + ".placed").exists()


@pytest.mark.parametrize("level", ["data", "all"])
def test_rule_I2_a_package_may_write_beside_its_files(place: Place) -> None:
    """What it writes is found by the next process, as it would be in a directory of its user."""
    probe = """
import os, stuffed
path = os.path.join(stuffed.HERE, "made.txt")
print(os.path.exists(path), os.access(stuffed.HERE, os.W_OK))
open(path, "w").close()
"""
    assert [run(place, probe).stdout for _ in range(2)] == ["False True\n", "True True\n"]
