"""F7: what pkgutil and importlib.metadata see in a bundle."""

import pkgutil
import sys
from importlib import metadata
from typing import Any

import pytest

from tests.rules.places import Library, Place, Tree
from tests.rules.probes import Compare

TREE: Tree = {
    "top.py": "VALUE = 'top'\n",
    "broken.py": "def half(:\n",
    "pkg/__init__.py": "VALUE = 'pkg'\n",
    "pkg/sub.py": "VALUE = 'sub'\n",
    "pkg/_private.py": "",
    "pkg/data.txt": "data\n",
    "pkg/inner/__init__.py": "",
    "pkg/inner/leaf.py": "",
    "over/__init__.py": "",
    "over.py": "",
    "space/one.py": "",
    "space/regular/__init__.py": "",
    "space/regular/leaf.py": "",
    "assets/readme.txt": "",
    "looks.py/inside.txt": "",
    "dotted.name.py": "",
    "dotted.pkg/__init__.py": "",
    "my-mod.py": "",
    "UPPER.py": "",
    "caf\u00e9.py": "",
    "failing/__init__.py": "raise ImportError('not today')\n",
    "failing/sub.py": "",
    "crashing/__init__.py": "1 / 0\n",
    "demo_dist/__init__.py": "",
    "demo_dist-1.2.3.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: demo.dist\nVersion: 1.2.3\nRequires-Dist: other>=2\n"
    ),
    "demo_dist-1.2.3.dist-info/RECORD": "demo_dist/__init__.py,,\n",
    "demo_dist-1.2.3.dist-info/entry_points.txt": "[console_scripts]\ndemo = demo_dist:main\n",
}


def directory_of(library: Library, place: Place) -> Place:
    """Return the directory that `place` was built from."""
    source = library.source(TREE)
    assert source.entry != place.entry
    return source


@pytest.mark.parametrize("inside", ["", "pkg", "space", "over", "assets", "pkg/inner"])
def test_rule_F7_iter_modules_lists_what_a_directory_lists(
    place: Place, library: Library, inside: str
) -> None:
    """Names, prefix, package flags and order are the directory's, in every directory inside."""

    def listing(at: Place) -> list[tuple[str, bool]]:
        entry = at.at(*inside.split("/")) if inside else at.entry
        return [(info.name, info.ispkg) for info in pkgutil.iter_modules([entry], "p.")]

    assert listing(place) == listing(directory_of(library, place))


def test_rule_F7_a_package_and_a_module_of_one_name_are_listed_once(place: Place) -> None:
    """The package, since that is what an import would find; no dots, no namespaces, no data."""
    listed = [(info.name, info.ispkg) for info in pkgutil.iter_modules([place.entry])]
    assert [entry for entry in listed if entry[0] == "over"] == [("over", True)]
    names = {name for name, _ in listed}
    assert {"top", "broken", "my-mod", "caf\u00e9", "UPPER", "failing"} <= names
    assert not names & {"space", "assets", "dotted", "dotted.name", "dotted.pkg"}


def test_rule_F7_a_listed_module_is_found_by_the_finder_it_names(place: Place) -> None:
    """`ModuleInfo.module_finder` is the entry's finder, and finds what was listed."""
    for info in pkgutil.iter_modules([place.at("pkg")], "pkg."):
        finder: Any = info.module_finder
        spec = finder.find_spec(info.name)
        assert spec.name == info.name
        assert (spec.submodule_search_locations is not None) == info.ispkg


def test_rule_F7_listing_imports_nothing(place: Place) -> None:
    """`iter_modules` lists modules that would not even compile, and loads none."""
    before = set(sys.modules)
    names = [info.name for info in pkgutil.iter_modules([place.entry, place.at("pkg")])]
    assert {"broken", "crashing", "sub"} <= set(names)
    assert not {name for name in set(sys.modules) - before if name in names}


def test_rule_F7_the_finder_itself_lists_modules(archive: Place) -> None:
    """`iter_modules(prefix)` is a method of the finder, its prefix optional."""
    finder: Any = pkgutil.get_importer(archive.at("pkg"))
    expected = [("_private", False), ("inner", True), ("sub", False)]
    assert list(finder.iter_modules()) == expected
    assert list(finder.iter_modules("x.")) == [("x." + name, flag) for name, flag in expected]


DISTRIBUTIONS = """
from importlib import metadata
for found in metadata.distributions(path=[ROOT]):
    print(found.name, found.version, found.requires, found.read_text("RECORD"))
    print([(entry.group, entry.name, entry.value) for entry in found.entry_points])
    print([str(file) for file in found.files])
print(metadata.version("demo-dist"), metadata.version("Demo_Dist"))
try:
    metadata.version("absent")
except metadata.PackageNotFoundError as error:
    print(type(error), error)
"""


@pytest.mark.fault(48)
def test_rule_F7_distributions_are_those_of_the_directory(compare: Compare) -> None:
    """importlib.metadata finds a distribution once, with what its dist-info says."""
    outcome = compare(DISTRIBUTIONS)
    assert outcome.stdout.startswith("demo.dist 1.2.3 ['other>=2'] demo_dist/__init__.py,,\n")
    assert "\n1.2.3 1.2.3\n" in outcome.stdout


@pytest.mark.parametrize("asked", ["finder of the entry", "standard finder", "all"])
def test_rule_F7_one_finder_answers_for_a_distribution(archive: Place, asked: str) -> None:
    """`find_distributions(context)` of the entry's finder and of the standard one; all, once."""
    finders: dict[str, Any] = {
        "finder of the entry": pkgutil.get_importer(archive.entry),
        "standard finder": metadata.MetadataPathFinder,
    }

    def versions(**wanted: str) -> list[str]:
        context = metadata.DistributionFinder.Context(path=[archive.entry], **wanted)
        if asked == "all":
            found = metadata.Distribution.discover(context=context)
        else:
            found = finders[asked].find_distributions(context)
        return [distribution.version for distribution in found]

    assert versions() == ["1.2.3"]
    assert versions(name="Demo-Dist") == ["1.2.3"]
    assert versions(name="absent") == []
