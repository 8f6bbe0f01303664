"""pkg_resources, which has registries of its own, and setuptools, which changes `sys.path`.

Both are there only if setuptools is, pkg_resources until its release 80.
"""

import importlib.util
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.rules.places import DIRECTORY, Library, Place, Tree
from tests.rules.probes import Compare, run

TREE: Tree = {
    "app/__init__.py": "",
    "app/typed.py": "def double(number: int) -> int:\n    return number * 2\n",
    "app/steps.py": "def total(numbers):\n    return sum(numbers)\n",
    "app/inner/__init__.py": "",
    "stuffed/__init__.py": "",
    "stuffed/data.txt": "data\n",
    "stuffed/folder/more.txt": "more\n",
    "spread/__init__.py": "__import__('pkg_resources').declare_namespace(__name__)\n",
    "spread/mine.py": "",
    "dist_one-1.5.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: dist-one\nVersion: 1.5\nRequires-Dist: dist-two>=0.3\n"
    ),
    "dist_one-1.5.dist-info/entry_points.txt": "[acme.plugins]\nsteps = app.steps:total\n",
    "dist_one-1.5.dist-info/RECORD": "",
    "dist_two-0.4.egg-info/PKG-INFO": "Metadata-Version: 1.1\nName: dist-two\nVersion: 0.4\n",
}

OTHER: Tree = {"spread/__init__.py": TREE["spread/__init__.py"], "spread/yours.py": ""}

needs_setuptools = pytest.mark.skipif(
    importlib.util.find_spec("pkg_resources") is None, reason="setuptools < 81 is not installed"
)


RESOURCES = """
import warnings
warnings.simplefilter("ignore")
import pkg_resources, app, stuffed
print(pkg_resources.resource_string("stuffed", "data.txt"))
print(pkg_resources.resource_stream("stuffed", "folder/more.txt").read())
print(open(pkg_resources.resource_filename("stuffed", "data.txt")).read())
for name in ("data.txt", "folder", "folder/more.txt", "none", "__init__.py"):
    print(name, pkg_resources.resource_exists("stuffed", name))
    print(pkg_resources.resource_isdir("stuffed", name))
    print(pkg_resources.resource_exists("app", name), pkg_resources.resource_isdir("app", name))
print(pkg_resources.resource_isdir("app", "inner"))
print(sorted(set(pkg_resources.resource_listdir("app", "")) - {"__pycache__"}))
print(sorted(set(pkg_resources.resource_listdir("stuffed", "")) - {"__pycache__"}))
print(pkg_resources.resource_string("app", "typed.py"))
"""

DISTRIBUTIONS = """
import warnings
warnings.simplefilter("ignore")
if LATE:
    sys.path.remove(ROOT)
import pkg_resources
if LATE:
    sys.path.insert(0, ROOT)
    pkg_resources.working_set.add_entry(ROOT)
one, two = map(pkg_resources.get_distribution, ("dist-one", "Dist_Two"))
print(one, one.version, one.location, one.requires(), two, two.version)
print(pkg_resources.require("dist-one")[:2])
for entry in pkg_resources.iter_entry_points("acme.plugins"):
    print(entry, entry.load()([1]))
print(one.get_metadata("METADATA"), one.has_metadata("none"), sorted(one.metadata_listdir("")))
try:
    pkg_resources.require("dist-one>=2")
except pkg_resources.VersionConflict as error:
    print(error.report())
"""


@needs_setuptools
def test_rule_A3_pkg_resources_reads_resources(compare: Compare) -> None:
    """The resource functions of pkg_resources, of packages with data and without."""
    assert "b'data\\n'" in compare(RESOURCES).stdout


@needs_setuptools
@pytest.mark.parametrize("late", [False, True], ids=["on the path", "added later"])
def test_rule_A4_pkg_resources_finds_distributions(compare: Compare, late: bool) -> None:
    """Versions, requirements and entry points, by the working set of pkg_resources."""
    assert "dist-one 1.5" in compare(f"LATE = {late}\n{DISTRIBUTIONS}").stdout


NAMESPACE = """
import warnings
warnings.simplefilter("ignore")
sys.path.insert({where}, {other!r})
import spread
print([path.replace({other!r}, "<other>") for path in spread.__path__])
import spread.mine, spread.yours
"""


@needs_setuptools
@pytest.mark.parametrize("where", [0, 1])
def test_rule_I6_declared_namespaces_join(
    library: Library, container: str, other: Place, where: int
) -> None:
    """`pkg_resources.declare_namespace` joins packages of directories and bundles in path order."""
    directory = library.place(OTHER, DIRECTORY)
    expected = run(
        library.place(TREE, DIRECTORY), NAMESPACE.format(other=directory.entry, where=where)
    )
    assert expected.status == 0, expected.stderr
    probe = NAMESPACE.format(other=other.entry, where=where)
    assert run(library.place(TREE, container), probe) == expected


VENDORING = """
import warnings
warnings.simplefilter("ignore")
before = list(sys.path)
import setuptools
from setuptools._distutils import core
print(setuptools.__file__, setuptools.__version__)
home = setuptools.__path__[0]  # above which is an entry too, where its sources are placed
print([path for path in sys.path if path not in before and path.startswith(home)])
import more_itertools, jaraco.text
print(more_itertools.__file__, jaraco.text.__file__, jaraco.text.files)
"""


def _setuptools() -> Tree | None:
    spec = importlib.util.find_spec("setuptools")
    if spec is None or spec.origin is None or int(version("setuptools").split(".")[0]) < 71:
        return None  # before, an importer of its own made the modules
    folder = Path(spec.origin).parent
    return {
        str(Path("setuptools") / path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in {".py", ".txt", ".json"}
        if "tests" not in path.parts
    }


@pytest.mark.skipif(_setuptools() is None, reason="a setuptools with _vendor is not installed")
def test_rule_F2_setuptools_adds_its_vendored_modules(library: Library, container: str) -> None:
    """A package that puts a directory of its own on `sys.path` while it is imported finds it."""
    tree = _setuptools()
    assert tree is not None
    compare = Compare(library, tree, library.place(tree, container))
    assert "setuptools/_vendor/jaraco" in compare(VENDORING).stdout
