"""`bundle explain`: the level of each package and what in its code says so."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import SOURCES, bundle, refusal
from tests.unit.collect.trees import make
from tests.unit.collect.wheels import Wheel

READS = "import os\nHERE = os.path.dirname(__file__)\nopen(os.path.join(HERE, 'x.json'))\n"
LISTS = "import os\nos.listdir(os.path.dirname(__file__))\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a directory with a package of each level."""
    return make(
        tmp_path / "site",
        {
            "reads/__init__.py": READS,
            "reads/x.json": "{}",
            "lists/__init__.py": LISTS,
            "plain/__init__.py": "",
            "tzdata/__init__.py": "",
            "tzdata/zones": "UTC",
        },
    )


def explained(*arguments: str | Path, cwd: Path) -> Any:
    """Return what is printed as JSON, by package."""
    done = bundle("explain", *arguments, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return {one["package"]: one for one in json.loads(done.stdout)}


def test_it_tells_levels_and_reasons(site: Path) -> None:
    """Each reason with file and line; what a rule decides with what the code alone would."""
    done = bundle("explain", site, cwd=site.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "lists: all",
        "  lists/__init__.py:2: lists lists with os.listdir, which holds sources",
        "plain: code",
        "  nothing in it has to be a file",
        "reads: data",
        "  reads/__init__.py:3: opens reads/x.json with open",
        "tzdata: code",
        "  rule: its only reader is the standard library's zoneinfo, through importlib.resources",
        "  its code alone: data",
    ]


def test_packages_are_picked_by_name(site: Path) -> None:
    """After what they are in; the others are read all the same, they may use their files."""
    done = bundle("explain", site, "plain", "lists", cwd=site.parent)
    assert [line for line in done.stdout.splitlines() if line[0] != " "] == [
        "lists: all",
        "plain: code",
    ]


def test_it_is_there_as_json(site: Path) -> None:
    """Every finding, for programs."""
    found = explained(site, cwd=site.parent)
    assert {name: one["level"] for name, one in found.items()} == {
        "lists": "all",
        "plain": "code",
        "reads": "data",
        "tzdata": "code",
    }
    assert found["reads"]["findings"] == [
        {
            "level": "data",
            "path": "reads/__init__.py",
            "line": 3,
            "sentence": "opens reads/x.json with open",
            "reach": [],
        }
    ]
    assert (found["tzdata"]["by"], found["tzdata"]["seen"]) == ("rule", "data")


def test_wheels_are_explained(tmp_path: Path) -> None:
    """As everything that a bundle can be made of."""
    wheel = Wheel(name="reads", files={"reads/__init__.py": READS, "reads/x.json": "{}"})
    path = wheel.write(tmp_path)
    assert explained(path, cwd=tmp_path)["reads"]["level"] == "data"


@pytest.mark.parametrize("kind", ["sqlite", "zip"])
def test_a_bundle_tells_what_it_was_built_with(site: Path, kind: str) -> None:
    """The levels that are in it, also where someone decided otherwise than the code says."""
    options = ("--place", "plain=all", "--format", kind, "-q")
    done = bundle("build", site, "-o", "app", *options, cwd=site.parent)
    assert done.returncode == 0, done.stderr
    found = explained("app", cwd=site.parent)
    assert {name: (one["level"], one["by"], one["seen"]) for name, one in found.items()} == {
        "lists": ("all", "analysis", "all"),
        "plain": ("all", "bundle", "code"),
        "reads": ("data", "analysis", "data"),
        "tzdata": ("code", "rule", "data"),
    }


def test_installed_packages_are_explained_by_name(tmp_path: Path) -> None:
    """Without anything else: those that this Python would import."""
    make(tmp_path / "lib", {"here/__init__.py": READS, "here/x.json": "", "other.py": LISTS})
    path = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "lib"), SOURCES])}
    done = bundle("explain", "here", cwd=tmp_path, env=path)
    assert done.stdout.splitlines()[0] == "here: data", done.stderr
    done = bundle("explain", "other", cwd=tmp_path, env=path)
    assert done.stdout.splitlines()[0] == "other: all", done.stderr


def test_a_package_s_directory_is_that_package(site: Path) -> None:
    """Not a directory of modules, as it would be for a build; what is beside it is left alone."""
    assert list(explained(site / "reads", cwd=site.parent)) == ["reads"]


def test_a_definition_is_explained(site: Path) -> None:
    """As what it defines, with what it says of levels; packages may be picked of it."""
    (site.parent / "bundle.toml").write_text('src = ["site"]\nplace.plain = "data"\n')
    found = explained("bundle.toml", cwd=site.parent)
    assert {name: one["level"] for name, one in found.items()} == {
        "lists": "all",
        "plain": "data",
        "reads": "data",
        "tzdata": "code",
    }
    assert explained("bundle.toml", "reads", cwd=site.parent).keys() == {"reads"}


def test_exclusions_are_those_of_a_build(site: Path) -> None:
    """What is left out needs nothing."""
    found = explained(site, "--exclude", "reads/x.json", "--exclude", "lists", cwd=site.parent)
    assert {name: one["level"] for name, one in found.items()} == {
        "plain": "code",
        "reads": "code",
        "tzdata": "code",
    }


def test_what_is_not_there_is_refused(site: Path) -> None:
    """Names, wheels and levels alike: one error, and what to do."""
    cause = refusal(bundle("explain", site, "nowhere", cwd=site.parent))
    assert cause == f"no package nowhere in {site}"
    assert refusal(bundle("explain", "surely_nowhere", cwd=site.parent)) == (
        "no package surely_nowhere in this Python"
    )
    cause = refusal(bundle("explain", "gone.bundle", "json", cwd=site.parent))
    assert cause == "gone.bundle: there is no such file, and no package of such a name"
    assert "gone.whl" in refusal(bundle("explain", "gone.whl", cwd=site.parent))
    cause = refusal(bundle("explain", site, "--place", "nowhere=data", cwd=site.parent))
    assert cause == "cannot be placed so: nowhere: not there"
    assert "Nothing to explain" in refusal(bundle("explain", cwd=site.parent), 2)
    assert "'x=y' is not" in refusal(bundle("explain", site, "--place", "x=y", cwd=site.parent), 2)
