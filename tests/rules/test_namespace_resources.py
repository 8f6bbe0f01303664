"""F5 and A3: namespace packages in any mixture of containers, and the resources of them."""

import importlib
import itertools
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.rules.places import DIRECTORY, Library, Place, Tree
from tests.rules.probes import Compare

TREE: Tree = {
    "space/one.py": "VALUE = 'first'\n",
    "space/data.txt": "first\n",
    "space/only first.txt": "first\n",
    "space/sub/one.txt": "first\n",
    "space/sub/deep/leaf.txt": "first\n",
    "space/sub/deep/leaf.py": "VALUE = 'first'\n",
    "space/mixed/inside.txt": "first\n",
    "space/caf\u00e9 \u65e5\u672c.txt": "first\n",
    "lonely/note.txt": "note\n",
    "stuffed/__init__.py": "",
    "stuffed/beside.txt": "beside\n",
    "stuffed/orphan/leaf.txt": "leaf\n",
    "stuffed/orphan/module.py": "VALUE = 'orphan'\n",
    "stuffed/orphan/deeper/leaf.txt": "deeper\n",
    "pure/__init__.py": "",
    "pure/orphan/module.py": "VALUE = 'orphan'\n",
}

SECOND: Tree = {
    "space/two.py": "VALUE = 'second'\n",
    "space/data.txt": "second\n",
    "space/only second.txt": "second\n",
    "space/sub/two.txt": "second\n",
    "space/sub/deep/more.py": "VALUE = 'second'\n",
    "space/mixed": "second, a file\n",
}

THIRD: Tree = {
    "space/three.py": "VALUE = 'third'\n",
    "space/data.txt": "third\n",
    "space/sub/three.txt": "third\n",
    "space/third/__init__.py": "",
}

# Whatever stands where, the answers are those of three directories.
ORDERS = list(itertools.permutations([0, 1, 2]))
MIXTURES = [
    ("sqlite", "sqlite", "sqlite"),
    ("zip", "zip", "zip"),
    ("sqlite", "zip", DIRECTORY),
    (DIRECTORY, "zip", "sqlite"),
    ("zipimport", "sqlite", DIRECTORY),
    ("sqlite", "zipimport", "zip"),
    (DIRECTORY, DIRECTORY, "sqlite"),
]


def mounted(library: Library, mixture: tuple[str, ...], order: tuple[int, ...]) -> list[Place]:
    """Put the three trees on the path, each in its container, in an order."""
    trees = (TREE, SECOND, THIRD)
    places = [library.place(trees[n], mixture[n]) for n in order]
    for place in places:
        place.prepare()
    sys.path[:0] = [place.entry for place in places]
    return places


def walked(path: Any) -> dict[str, object]:
    """Return names and contents of a directory and all below."""
    found = {}
    for child in path.iterdir():
        assert child.is_dir() != child.is_file()
        found[child.name] = walked(child) if child.is_dir() else child.read_bytes()
    return found


@pytest.fixture
def forget(library: Library) -> Any:
    """Return what takes the trees' modules out of the import system again."""

    def apply() -> None:
        for name in [n for n in sys.modules if n.partition(".")[0] in library.names]:
            del sys.modules[name]
        importlib.invalidate_caches()

    return apply


@pytest.mark.parametrize("mixture", MIXTURES, ids="-".join)
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_rule_F5_portions_of_any_kind_join_in_any_order(
    library: Library, mixture: tuple[str, ...], order: tuple[int, ...]
) -> None:
    """`__path__` has every portion, in the order of `sys.path`; modules come from all of them."""
    places = mounted(library, mixture, order)
    space = importlib.import_module("space")
    assert list(space.__path__) == [place.at("space") for place in places]
    for name in ("space.one", "space.sub.deep.leaf"):
        assert importlib.import_module(name).VALUE == "first"
    for name in ("space.two", "space.sub.deep.more"):
        assert importlib.import_module(name).VALUE == "second"
    deep = [
        places[order.index(n)].at("space", "sub", "deep") for n in sorted((0, 1), key=order.index)
    ]
    assert list(importlib.import_module("space.sub.deep").__path__) == deep


@pytest.mark.parametrize("mixture", MIXTURES, ids="-".join)
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_rule_A3_resources_of_portions_are_those_of_directories(
    library: Library, mixture: tuple[str, ...], order: tuple[int, ...], forget: Any
) -> None:
    """The whole tree of `files()`, merged or hidden by the running Python's rules."""
    saved = sys.path[:]
    mounted(library, (DIRECTORY,) * 3, order)
    expected = walked(resources.files("space"))
    forget()
    sys.path[:] = saved
    mounted(library, mixture, order)
    assert walked(resources.files("space")) == expected
    assert expected["data.txt"] == [b"first\n", b"second\n", b"third\n"][order[0]]


QUESTIONS = [
    ("data.txt",),
    ("only second.txt",),
    ("caf\u00e9 \u65e5\u672c.txt",),
    ("sub",),
    ("sub/three.txt",),
    ("sub", "one.txt"),
    ("sub/deep/leaf.txt",),
    ("mixed",),
    ("mixed/inside.txt",),
    ("nothing",),
    ("nothing/at/all",),
    ("data.txt/below",),
    ("./data.txt",),
    ("sub/./one.txt",),
]


def answer(*question: str) -> object:
    """Return what the resources of the namespace say to a question, errors included."""
    try:
        path: Any = resources.files("space").joinpath(*question)
        return path.name, path.is_dir(), path.is_file(), path.is_file() and path.read_text()
    except Exception as error:  # noqa: BLE001  # whatever it is
        return type(error)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)], ids=str)
@pytest.mark.parametrize("mixture", [*MIXTURES[2:4], MIXTURES[6]], ids="-".join)
def test_rule_A3_traversal_of_portions_ends_where_that_of_directories_ends(
    library: Library, mixture: tuple[str, ...], order: tuple[int, ...], forget: Any
) -> None:
    """Files, directories and what is missing, by one name, several or a path."""
    saved = sys.path[:]
    mounted(library, (DIRECTORY,) * 3, order)
    expected = {question: answer(*question) for question in QUESTIONS}
    forget()
    sys.path[:] = saved
    mounted(library, mixture, order)
    assert {question: answer(*question) for question in QUESTIONS} == expected
    assert expected[QUESTIONS[0]][1:3] == (False, True)  # type: ignore[index]


@pytest.mark.parametrize("mixture", MIXTURES[:4], ids="-".join)
def test_rule_F5_portions_come_and_go_with_the_path(
    library: Library, mixture: tuple[str, ...]
) -> None:
    """An imported namespace package, and its resources, follow every change of `sys.path`."""
    first, second, third = mounted(library, mixture, (0, 1, 2))
    sys.path[:3] = [first.entry]
    space = importlib.import_module("space")
    files = resources.files

    def names() -> set[str]:
        return {child.name for child in files("space").iterdir()}

    assert "only second.txt" not in names()
    sys.path.insert(0, second.entry)
    assert importlib.import_module("space.two").VALUE == "second"
    assert "only second.txt" in names()
    assert files("space").joinpath("data.txt").read_text() == "second\n"
    sys.path[:1] = []
    sys.path.append(third.entry)
    assert "only second.txt" not in names()
    assert "three.py" in names()
    assert list(space.__path__) == [first.at("space"), third.at("space")]
    sys.path.remove(first.entry)
    assert files("space").joinpath("data.txt").read_text() == "third\n"
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("space.one")
    sys.path.remove(third.entry)  # the last portion stays with a package that has no other
    assert list(space.__path__) == [third.at("space")]


@pytest.mark.usefixtures("place")
def test_rule_A3_a_namespace_of_nothing_but_data_has_resources() -> None:
    """A directory without a single module is a package with resources."""
    assert resources.files("lonely").joinpath("note.txt").read_text() == "note\n"
    assert resources.files(importlib.import_module("lonely")).is_dir()


ORPHANS = """
import importlib
from importlib import resources
for name in ("stuffed.orphan", "pure.orphan", "stuffed.orphan.deeper", "space.sub.deep"):
    files = resources.files(name)
    print(name, sorted(child.name for child in files.iterdir()), importlib.import_module(name))
    for child in sorted(files.iterdir(), key=lambda child: child.name):
        print(child.name, child.is_file() and child.read_text())
print(importlib.import_module("pure.orphan.module").VALUE)
for name, inside in ("stuffed", "orphan/leaf.txt"), ("stuffed", "orphan/module.py"):
    print(resources.files(name).joinpath(inside).read_text())
"""


def test_rule_A3_orphan_directories_are_as_in_a_directory(compare: Compare) -> None:
    """A directory without `__init__` in a package, with data or without: a package, and a part."""
    assert "stuffed.orphan ['deeper', 'leaf.txt', 'module.py']" in compare(ORPHANS).stdout


@pytest.mark.usefixtures("place")
def test_rule_A3_data_of_an_orphan_directory_can_be_opened_by_path() -> None:
    """In a package that is on disk, the orphan's files are too, as `as_file` gives them."""
    with resources.as_file(resources.files("stuffed.orphan") / "leaf.txt") as path:
        assert Path(path).read_text() == "leaf\n"
        assert path.name == "leaf.txt"


AS_FILE = """
from importlib import resources
names = [("space", "data.txt"), ("space", "sub"), ("space", "nothing"), ("lonely", "note.txt")]
for package, name in names:
    with resources.as_file(resources.files(package) / name) as path:
        print(name, path.name, path.exists(), path.is_dir())
        if path.is_dir():
            print(sorted(str(each.relative_to(path)) for each in path.rglob("*")))
        elif path.exists():
            print(open(path).read())
"""


def test_rule_A3_as_file_of_a_portions_resources(compare: Compare) -> None:
    """Files and directories become paths of their own name, with all that is in them."""
    assert "sub sub True True" in compare(AS_FILE).stdout
