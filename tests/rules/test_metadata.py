"""A4: importlib.metadata over bundles."""

import copy
import importlib
import os
import pickle
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path, PurePath
from typing import Any

import pytest

from tests.rules.places import DIRECTORY, Library, Place, Tree
from tests.rules.probes import Compare


def dist_info(directory: str, name: str, version: str, **files: str) -> Tree:
    """Return the files of an installed distribution's metadata."""
    header = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    found = {"METADATA": header + files.pop("METADATA", "")}
    return {f"{directory}/{key}": text for key, text in (found | files).items()}


TREE: Tree = {
    "demo/__init__.py": "VALUE = 'demo'\ndef main(): return 'ran'\n",
    "demo/plugin.py": "class Plugin: pass\n",
    "stuffed/__init__.py": "",
    "stuffed/data.txt": "data\n",
    "stuffed/module.py": "VALUE = 'module'\n",
    "single.py": "",
    "legacy/__init__.py": "",
    **dist_info(
        "Demo_Dist.Core-1.2.3.dist-info",
        "Demo-Dist.Core",
        "1.2.3",
        METADATA=(
            "Summary: A demo\nAuthor: caf\u00e9\nRequires-Python: >=3.8\nProvides-Extra: fast\n"
            "Provides-Extra: docs\nRequires-Dist: other>=2\n"
            "Requires-Dist: quick; extra == 'fast'\nRequires-Dist: sphinx>=5; extra == \"docs\"\n"
            "\nThe description.\n"
        ),
        RECORD=(
            "demo/__init__.py,sha256=abc,12\ndemo/plugin.py,,\n"
            "Demo_Dist.Core-1.2.3.dist-info/RECORD,,\n"
            "stuffed/__init__.py,,\nstuffed/data.txt,,5\nstuffed/module.py,,\n"
            '../../bin/demo,sha256=def,200\nmissing/file.py,,\n"with, comma.txt",,\n'
        ),
        **{
            "entry_points.txt": (
                "[console_scripts]\ndemo = demo:main\ndemo-fast = demo:main [fast,docs]\n\n"
                "[gui_scripts]\ngdemo = demo:main\n\n# a comment\n"
                "[demo.plugins]\none = demo.plugin:Plugin\n"
                "broken = demo.nothing:Plugin\nmodule = demo.plugin\n"
            ),
            "top_level.txt": "demo\nstuffed\n",
            "INSTALLER": "tests\n",
            "direct_url.json": '{"url": "https://example.org/demo", "archive_info": {}}',
        },
    ),
    "with, comma.txt": "",
    **dist_info("plain-2.0.dist-info", "plain", "2.0", RECORD="single.py,,\n"),
    **dist_info("no_record-3.0.dist-info", "no-record", "3.0"),
    "legacy-0.1.egg-info/PKG-INFO": "Metadata-Version: 1.1\nName: legacy\nVersion: 0.1\n",
    "legacy-0.1.egg-info/SOURCES.txt": "legacy/__init__.py\nsetup.py\n",
    "legacy-0.1.egg-info/installed-files.txt": "../legacy/__init__.py\nPKG-INFO\n../gone.py\n",
    "legacy-0.1.egg-info/requires.txt": "one\n\n[extra]\ntwo>=1\n\n[:python_version>'3']\nthree\n",
    "legacy-0.1.egg-info/top_level.txt": "legacy\n",
    "legacy-0.1.egg-info/entry_points.txt": "[console_scripts]\nold = legacy:main\n",
    "one_file-0.2-py3.egg-info": "Metadata-Version: 1.1\nName: one-file\nVersion: 0.2\n",
    "SHOUTING.egg-info/PKG-INFO": "Metadata-Version: 1.1\nName: SHOUTING\nVersion: 4\n",
    "zipped-5.0.egg/EGG-INFO/PKG-INFO": "Metadata-Version: 1.1\nName: zipped\nVersion: 5.0\n",
    "zipped-5.0.egg/zipped.py": "",
    "sub/dir/inner-6.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: inner\nVersion: 6.0\n",
    "empty-7.0.dist-info": None,
}

SECOND: Tree = {
    "other/__init__.py": "",
    **dist_info("plain-9.0.dist-info", "plain", "9.0", RECORD="other/__init__.py,,\n"),
    **dist_info(
        "second-1.0.dist-info",
        "second",
        "1.0",
        **{"entry_points.txt": "[console_scripts]\nsecond = other:main\ndemo = other:main\n"},
    ),
}

_PRELUDE = """
from collections.abc import Callable
from importlib import metadata
from os import path
def attempt(call):
    try:
        return call()
    except Exception as error:
        return type(error), str(error)
"""

EVERYTHING = """
for found in sorted(metadata.distributions(path=[ROOT]), key=lambda found: str(found._path)):
    print("===", found.name, found.version, type(found), found._path.name)
    print(found.requires, found.metadata and found.metadata.items())
    print(attempt(lambda: found.metadata.json))
    for name in ("METADATA", "PKG-INFO", "RECORD", "top_level.txt", "nothing", "", "INSTALLER"):
        print(name, repr(attempt(lambda: found.read_text(name))))
    print([(entry.group, entry.name, entry.value, entry.extras) for entry in found.entry_points])
    print(attempt(lambda: found.files and [
        (str(f), f.hash, f.size, f.locate().exists()) for f in found.files]))
    print(attempt(lambda: found.origin.url))
"""


def test_rule_A4_all_distributions_say_what_they_say_in_a_directory(compare: Compare) -> None:
    """Wheels' and eggs' metadata, as directories and as files, whole or with parts missing."""
    lines = compare(_PRELUDE + EVERYTHING).stdout
    for name in (
        "Demo-Dist.Core 1.2.3",
        "legacy 0.1",
        "one-file 0.2",
        "SHOUTING 4",
        "no-record 3.0",
    ):
        assert f"=== {name} " in lines
    assert "('stuffed/data.txt', None, 5, True)" in lines


NAMES = """
for name in ("demo-dist-core", "Demo_Dist.Core", "DEMO.DIST__CORE", "demo--dist..core", "legacy",
             "one-file", "one_file", "shouting", "plain", "Plain", "absent", "demo", "inner",
             "empty", "zipped", "no.record", "demo_dist"):
    print(name, attempt(lambda: metadata.version(name)), attempt(lambda: metadata.requires(name)))
    print(attempt(lambda: [str(file) for file in metadata.files(name) or ()]))
print(attempt(lambda: metadata.version("")))
print(attempt(lambda: metadata.distribution("demo-dist-core").metadata["Author"]))
for entry, name in ("zipped-5.0.egg", "zipped"), ("sub/dir", "inner"), ("sub", "inner"):
    found = metadata.distributions(name=name, path=[path.join(ROOT, entry)])
    print([each.version for each in found])
"""


def test_rule_A4_names_are_normalized_as_in_a_directory(compare: Compare) -> None:
    """Case, dashes, dots and underscores do not matter; what is not there is not found."""
    outcome = compare(_PRELUDE + NAMES)
    assert "demo--dist..core 1.2.3" in outcome.stdout
    assert "['5.0']" in outcome.stdout
    assert "absent (<class 'importlib.metadata.PackageNotFoundError'>" in outcome.stdout


ENTRY_POINTS = """
groups = ("console_scripts", "gui_scripts", "demo.plugins")
points = [point for group in groups for point in metadata.entry_points(group=group)]
own = [p for p in points if p.value.startswith(("demo", "legacy"))]
own.sort(key=lambda p: p.dist.name)  # distributions come in the order of the file system
print([(p.group, p.name, p.value, p.module, p.attr, p.extras, p.dist.name) for p in own])
for entry in metadata.entry_points(group="demo.plugins"):
    print(entry.name, attempt(entry.load))
print(metadata.entry_points(name="demo", group="console_scripts")["demo"].load()())
print(sorted(p.name for p in metadata.entry_points(value="demo:main")))
print(sorted(metadata.entry_points(group="demo.plugins").names))
"""


@pytest.mark.fault(48)
def test_rule_A4_entry_points_are_found_selected_and_loaded(compare: Compare) -> None:
    """By group, name and value, with extras, from wheels and eggs."""
    outcome = compare(_PRELUDE + ENTRY_POINTS)
    assert (
        "('console_scripts', 'demo-fast', 'demo:main [fast,docs]', 'demo', 'main', ['fast', 'docs']"
        in (outcome.stdout)
    )
    assert "one <class 'demo.plugin.Plugin'>" in outcome.stdout


PACKAGES = """
found = metadata.packages_distributions()
print({name: sorted(found[name]) for name in sorted(found)
       if {*found[name]} & {"Demo-Dist.Core", "plain", "legacy", "one-file"}})
"""


def test_rule_A4_packages_are_mapped_to_distributions(compare: Compare) -> None:
    """`packages_distributions` by top_level.txt or by the files that are there."""
    outcome = compare(_PRELUDE + PACKAGES)
    assert "'stuffed': ['Demo-Dist.Core']" in outcome.stdout
    assert "'single': ['plain']" in outcome.stdout


LOCATE = """
found = metadata.distribution("demo-dist-core")
for file in ("demo/__init__.py", "stuffed/data.txt", "stuffed/module.py", "missing/file.py",
             "../outside.txt", "stuffed", "", "with, comma.txt", "stuffed/../single.py"):
    place = found.locate_file(file)
    print(file, file and place.name, place.exists(), place.is_file(), place.is_dir(), str(place))
    print(attempt(place.read_text), attempt(place.read_bytes))
    print(attempt(lambda: sorted(each.name for each in place.iterdir())))
for file in found.files:
    print(file, attempt(lambda: file.read_text("utf-8")), attempt(lambda: file.locate().name))
"""


def test_rule_A4_located_files_can_be_read(compare: Compare) -> None:
    """`locate_file` and `PackagePath.locate` lead to files, or to what raises as a path."""
    lines = compare(_PRELUDE + LOCATE).stdout
    assert "stuffed/data.txt data.txt True True False" in lines


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("imported", [False, True])
@pytest.mark.parametrize("taken", [Path, PurePath, str, os.fspath, lambda place: place])
def test_rule_A4_a_located_file_can_be_opened_where_it_is_on_disk(
    imported: bool, taken: Callable[[Any], Any]
) -> None:
    """By anyone who takes paths, whether the package was imported already or not."""
    if imported:
        importlib.import_module("stuffed")
    found = metadata.distribution("demo-dist-core")
    place: Any = found.locate_file("stuffed/data.txt")
    with open(taken(place)) as file:  # noqa: PTH123  # as others do
        assert file.read() == "data\n"


def test_rule_A4_asking_for_files_places_none(archive: Place, tmp_path: Path) -> None:
    """Lists of files, and whether they exist, are answered out of the bundle."""
    assert archive.ours
    files: list[Any] = metadata.files("demo-dist-core") or []
    assert any(file.locate().exists() for file in files)
    assert not (tmp_path / "placed").exists()


MIXTURES = [
    ("sqlite", "sqlite"),
    ("zip", "zip"),
    ("sqlite", "zip"),
    ("zip", "sqlite"),
    ("sqlite", DIRECTORY),
    (DIRECTORY, "sqlite"),
    (DIRECTORY, "zip"),
    ("zipimport", "sqlite"),
]


@pytest.mark.parametrize("mixture", MIXTURES, ids="-".join)
@pytest.mark.parametrize("swapped", [False, True])
def test_rule_A4_distributions_come_in_the_order_of_the_path(
    library: Library, mixture: tuple[str, str], swapped: bool
) -> None:
    """Whatever holds them, each is found once, and the first of a name counts."""

    def seen(containers: tuple[str, str]) -> tuple[object, ...]:
        # Stock zips answer for a dist-info without a file, but with a warning.
        trees = [{path: TREE[path] for path in TREE if not path.startswith("empty")}, SECOND]
        places = [
            library.place(tree, container)
            for tree, container in zip(trees, containers, strict=True)
        ]
        for place in places:
            place.prepare()
        entries = [place.entry for place in (places[::-1] if swapped else places)]
        everything: list[Any] = list(metadata.distributions(path=entries))
        # Which entry each is from; the order within one is the file system's.
        found = [
            (entries.index(str(d.locate_file("")).rstrip("/")), d._path.name) for d in everything
        ]
        assert [number for number, _ in found] == sorted(number for number, _ in found)
        named = [d.version for d in metadata.distributions(name="plain", path=entries)]
        sys.path[:0] = entries
        try:
            points = metadata.entry_points(group="console_scripts", name="demo")
            values = {point.value for point in points}
            return sorted(found), values, named, metadata.version("plain")
        finally:
            del sys.path[:2]

    found = seen(mixture)
    assert found == seen((DIRECTORY, DIRECTORY))
    assert found[2:4] == ((["9.0", "2.0"], "9.0") if swapped else (["2.0", "9.0"], "2.0"))


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))],  # noqa: S301  # its own
)
def test_rule_A4_distributions_are_copied_and_pickled(again: Any) -> None:
    """A distribution found in a bundle travels as one of a directory does."""
    found = again(metadata.distribution("demo-dist-core"))
    assert (found.version, len(found.entry_points)) == ("1.2.3", 6)
    assert type(found) is metadata.PathDistribution


def test_rule_A4_path_entries_may_be_path_objects(place: Place) -> None:
    """`distributions(path=[...])` takes what the file system takes."""
    found = metadata.distributions(name="plain", path=[Path(place.entry)])  # type: ignore[list-item]
    assert [each.version for each in found] == ["2.0"]


def test_rule_A4_the_backport_finds_them_too(library: Library, container: str) -> None:
    """A package that brings its own finder of distributions, as importlib_metadata does."""
    backport = Path(str(metadata.__file__)).read_text(encoding="utf-8")
    tree: Tree = {
        "importlib_metadata/__init__.py": backport,
        **{
            f"importlib_metadata/{path.name}": path.read_text(encoding="utf-8")
            for path in Path(str(metadata.__file__)).parent.glob("_*.py")
            if path.name != "__init__.py"
        },
        **dist_info("plain-2.0.dist-info", "plain", "2.0"),
    }
    place = library.place(tree, container)
    place.prepare()
    sys.path.insert(0, place.entry)
    module = importlib.import_module("importlib_metadata")
    finder = module.MetadataPathFinder
    context = module.DistributionFinder.Context(name="plain", path=[place.entry])
    found = list(finder.find_distributions(context))
    assert [(type(each), each.version) for each in found] == [(module.PathDistribution, "2.0")]


def test_rule_A4_finding_distributions_reads_no_files_of_them(
    library: Library, packed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version costs the metadata of one distribution, entry points one file of each."""
    from litebundle.runtime import archive, descriptor

    tree: dict[str, str | bytes | None] = {}
    for number in range(40):
        tree |= dist_info(
            f"dist_{number}-1.{number}.dist-info",
            f"dist-{number}",
            f"1.{number}",
            RECORD="".join(f"pkg_{number}/m{n}.py,,\n" for n in range(200)),
            **({"entry_points.txt": f"[group]\nname_{number} = m:f\n"} if number % 4 == 0 else {}),
        )
        tree |= {f"pkg_{number}/m{n}.txt": "" for n in range(20)}
    place = library.place(tree, packed)
    place.prepare()
    sys.path.insert(0, place.entry)
    reads: list[int] = []
    standard = descriptor.pread

    def pread(fd: int, size: int, offset: int) -> bytes:
        reads.append(size)
        return standard(fd, size, offset)

    assert list(metadata.distributions(path=[place.entry]))  # opens the bundle
    for module in (archive, descriptor):
        monkeypatch.setattr(module, "pread", pread)
    assert metadata.version("dist-7") == "1.7"
    assert len(reads) == 2  # the listing of its directory, and METADATA
    reads.clear()
    points = [p for d in metadata.distributions(path=[place.entry]) for p in d.entry_points]
    assert len(points) == 10
    assert len(reads) == 39 + 10  # the listings of the others, and entry_points.txt
