"""Distributions of a tree: what they are called, offer and need."""

from pathlib import Path

import pytest
from packaging.markers import default_environment

from litebundle.collect.directory import collect
from litebundle.collect.distributions import distributions, scripts, unmet
from litebundle.collect.tree import Tree
from tests.unit.collect.trees import make


def tree(tmp_path: Path, **metadata: str) -> Tree:
    """Return a tree with a distribution of each name, whose METADATA ends with these lines."""
    files = {
        f"{name}-1.5.dist-info/METADATA": f"Name: {name}\nVersion: 1.5\n{more}"
        for name, more in metadata.items()
    }
    return collect([make(tmp_path / "source", files)])


def test_they_are_read_from_their_metadata(tmp_path: Path) -> None:
    """Name and version as written there, with the path, in the order of the paths."""
    assert distributions(tree(tmp_path, zope="", Attrs="")) == [
        ("Attrs", "1.5", "Attrs-1.5.dist-info"),
        ("zope", "1.5", "zope-1.5.dist-info"),
    ]


def test_scripts_are_their_entry_points(tmp_path: Path) -> None:
    """Console and GUI scripts; not other groups, nor what names no function or cannot be read."""
    files = {
        "a-1.dist-info/entry_points.txt": (
            "[console_scripts]\nOne = a.cli:main [extra]\ntwo=a:Group.run\nnone = a\n"
            "bad = a b:c\nper% = a:c\n[gui_scripts]\ngui = a.gui : show\n[pytest11]\nx = a:y\n"
        ),
        "b-1.egg-info/entry_points.txt": "[console_scripts]\ntwo = b:main\nthree = b:main\n",
        "c-1.dist-info/entry_points.txt": "[console_scripts\n",
        "entry_points.txt": "[console_scripts]\nfour = d:main\n",
    }
    assert scripts(collect([make(tmp_path / "source", files)])) == {
        "One": "a.cli:main",
        "two": "a:Group.run",
        "per%": "a:c",
        "gui": "a.gui:show",
        "three": "b:main",
    }


def test_scripts_of_python_are_commands_too(tmp_path: Path) -> None:
    """What is executable in `bin`, for Python; a declaration of the name counts more."""
    files = {
        "a-1.dist-info/entry_points.txt": "[console_scripts]\ndeclared = a:main\n",
        "bin/declared": "#!/opt/bin/python3\n",
        "bin/old": "#!python\n",
        "bin/tool.py": "#!/usr/bin/env python\n",
        "bin/shell": "#!/bin/sh\n",
        "bin/data": "#!python\n",
        "bin/more/deep": "#!python\n",
    }
    source = make(tmp_path / "source", files)
    for path in files:
        (source / path).chmod(0o644 if path == "bin/data" else 0o755)
    assert scripts(collect([source])) == {
        "declared": "a:main",
        "old": "bin/old",
        "tool.py": "bin/tool.py",
    }


@pytest.mark.parametrize(
    ("needs", "sentences"),
    [
        ("Requires-Dist: B_b\n", []),
        ("Requires-Dist: b.b>=1.5\nRequires-Dist: b-b<2; python_version>'3'\n", []),
        ("Requires-Dist: gone\n", ["a needs gone, which is not in the bundle"]),
        ("Requires-Dist: b-b>=2\n", ["a needs b-b>=2, and 1.5 is in the bundle"]),
        ("Requires-Dist: gone; python_version<'3'\n", []),
        ("Requires-Dist: gone; extra=='more'\n", []),
        ("Requires-Dist: not a requirement\n", []),
    ],
)
def test_needs_that_are_not_met_are_told(tmp_path: Path, needs: str, sentences: list[str]) -> None:
    """Those of the environment, without extras."""
    found = tree(tmp_path, a=needs, B_B="")
    assert list(unmet(found, default_environment())) == sentences
