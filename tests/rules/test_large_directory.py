"""Directories of more than a thousand things: by all rules as any other."""

import importlib
import os
import pkgutil
import sys
from importlib import metadata, resources
from typing import Any

import pytest

from litebundle.format.encode import shards_of
from tests.rules.places import Library, Place, Tree


def _large(inside: str) -> dict[str, str | bytes | None]:
    return {
        **{f"{inside}m{n:03}.py": f"VALUE = {n}\n" for n in range(340)},
        **{f"{inside}p{n:03}/__init__.py": f"VALUE = -{n}\n" for n in range(140)},
        **{f"{inside}s{n:02}/leaf.py": "" for n in range(40)},
        f"{inside}m007/__init__.py": "VALUE = 'package'\n",  # hides the module of its name
        f"{inside}caf\u00e9.py": "VALUE = 1\n",
        f"{inside}data.txt": "text\n",
        f"{inside}dotted.name.py": "",
        f"{inside}looks.py/inside.txt": "",
    }


TREE: Tree = {
    **_large(""),
    **_large("large/"),
    "large/__init__.py": "",
    "zz_dist-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: zz-dist\nVersion: 1.2\n",
}
_ASKED = ["absent", "json", "m", "M000", "data", "dotted", "looks", "", "\udc80", "m000\0m001"]
_INSIDE = pytest.mark.parametrize("inside", ["", "large"])


def test_rule_F3_large_directories_are_in_shards(place: Place) -> None:
    """Else these tests would show nothing."""
    if place.ours:
        import litebundle

        archive = litebundle.path_hook(place.entry).place[0]
        for inside in ("", "large"):
            listing = archive.listing(inside)
            assert listing is not None
            assert len(listing.shards()) == shards_of(sum(listing.counts)) > 1


def _specs(at: Place, inside: str) -> list[tuple[str, object]]:
    entry = at.at(inside) if inside else at.entry
    finder: Any = sys.path_hooks[-1](entry) if at.container == "directory" else at.hook(entry)
    names = {path.removeprefix(f"{inside}/" if inside else "") for path in TREE}
    asked = {name.partition("/")[0].partition(".")[0] for name in names} | {*_ASKED}
    found: list[tuple[str, object]] = []
    for name in sorted(asked - {""}):
        spec = finder.find_spec(name)
        told = None
        if spec is not None:
            where = [spec.origin, *(spec.submodule_search_locations or [])]
            # From the module on: `large` has data, and stands where it was placed
            told = [w and w[w.rindex(os.sep + name) :] for w in where], spec.loader is None
        found.append((name, told))
    return found


@_INSIDE
def test_rule_F3_a_large_directory_finds_what_a_directory_finds(
    place: Place, library: Library, inside: str
) -> None:
    """Modules, packages before modules, namespaces; and nothing for all other names."""
    assert _specs(place, inside) == _specs(library.source(TREE), inside)


@_INSIDE
def test_rule_F7_a_large_directory_lists_what_a_directory_lists(
    place: Place, library: Library, inside: str
) -> None:
    """All names in the order of a directory's, once each."""

    def listed(at: Place) -> list[tuple[str, bool]]:
        return [(m.name, m.ispkg) for m in pkgutil.iter_modules([at.at(inside) or at.entry])]

    expected = listed(library.source(TREE))
    assert listed(place) == expected
    assert len(expected) > 480


@pytest.mark.usefixtures("place")
def test_rule_F7_large_directories_import_read_and_tell() -> None:
    """What stands in one is imported, read and found by importlib.metadata."""
    assert importlib.import_module("m339").VALUE == 339
    assert importlib.import_module("large.p139").VALUE == -139
    assert importlib.import_module("large.m007").VALUE == "package"
    importlib.import_module("s39.leaf")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("large.m340")
    files = resources.files("large")
    assert files.joinpath("data.txt").read_text() == "text\n"
    names = sorted(each.name for each in files.iterdir())
    assert names == sorted({p.split("/")[1] for p in TREE if p.startswith("large/")})
    assert metadata.version("zz-dist") == "1.2"
