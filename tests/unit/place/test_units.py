"""Units: which files go on disk, and which packages' go together."""

from pathlib import Path

import pytest

from litebundle.place.level import Level
from tests.unit.collect.trees import make
from tests.unit.place.trees import units

RECORD = "d-1.dist-info/RECORD"
SO = ".cpython-313-x86_64-linux-gnu.so"


def placed(top: Path, files: dict[str, str], chosen: dict[str, str] | None = None) -> object:
    """Return modules, level and paths of each unit."""
    found = units(top, files, chosen)
    return [(u.modules, u.level, [entry.path for entry in u.entries]) for u in found]


def test_level_data_leaves_the_sources_in_the_bundle(tmp_path: Path) -> None:
    """Everything else of the package is there, markers too: it is a directory to look into."""
    files = {"pkg/__init__.py": "", "pkg/m.pyc": "", "pkg/x.json": "", "pkg/py.typed": ""}
    assert placed(tmp_path, files) == [
        (("pkg",), Level.DATA, ["pkg/py.typed", "pkg/x.json"]),
    ]


def test_level_all_has_the_sources_too(tmp_path: Path) -> None:
    """Chosen, here: nothing in the package asks for it."""
    files = {"pkg/__init__.py": "", "pkg/sub/m.py": ""}
    assert placed(tmp_path, files, {"pkg": "all"}) == [
        (("pkg",), Level.ALL, ["pkg/__init__.py", "pkg/sub/m.py"]),
    ]
    assert placed(tmp_path / "code", {"pkg/__init__.py": ""}) == []


def test_what_one_distribution_installs_goes_together(tmp_path: Path) -> None:
    """Libraries beside packages, and mypyc's module beside its own; packages at code stay out."""
    names = ["a/__init__.py", "a/x.json", f"h__mypyc{SO}", "a.libs/libz.so.1", "pure/__init__.py"]
    files = dict.fromkeys(names, "") | {RECORD: "".join(f"{name},,\n" for name in names)}
    assert placed(tmp_path, files) == [
        (("a", "h__mypyc"), Level.DATA, ["a.libs/libz.so.1", "a/x.json", f"h__mypyc{SO}"]),
    ]


def test_what_goes_together_has_one_level(tmp_path: Path) -> None:
    """The highest of them."""
    names = ["a/__init__.py", "a/x.json", "b/__init__.py", "b/y.json"]
    files = dict.fromkeys(names, "") | {RECORD: "".join(f"{name},,\n" for name in names)}
    assert placed(tmp_path, files, {"b": "all"}) == [(("a", "b"), Level.ALL, sorted(names))]


def test_files_outside_that_are_named_come_along(tmp_path: Path) -> None:
    """A program whose package reads a directory beside it."""
    code = "import os\nTOP = os.path.dirname(os.path.dirname(__file__))\n"
    code += "open(os.path.join(TOP, 'conf', 'x.toml'))\n"
    files = {"app/__init__.py": code, "conf/x.toml": "", "conf/y.toml": ""}
    assert placed(tmp_path, files) == [(("app",), Level.DATA, ["conf/x.toml"])]


@pytest.mark.parametrize("prefix", ["", "../../"])
def test_programs_of_the_machine_come_along(tmp_path: Path, prefix: str) -> None:
    """With the packages of their distribution, which look for them beside themselves."""
    names = ["pkg/__init__.py", "bin/tool", "bin/script", "bin/data"]
    files = dict.fromkeys(names, "\x7fELF") | {"pkg/__init__.py": "", "bin/script": "#!python"}
    files[RECORD] = "".join(f"{'' if n.startswith('pkg') else prefix}{n},,\n" for n in names)
    make(tmp_path, files)
    (tmp_path / "bin/tool").chmod(0o755)
    assert placed(tmp_path, files) == [(("pkg",), Level.DATA, ["bin/tool"])]


def test_packages_that_reach_into_each_other_go_together(tmp_path: Path) -> None:
    """By a path from one to the other, which has to lead there."""
    code = "import os\nopen(os.path.join(os.path.dirname(__file__), '..', 'b', 'x.json'))\n"
    files = {"a/__init__.py": code, "b/__init__.py": "", "b/x.json": "", "b/y.json": ""}
    assert placed(tmp_path, files) == [(("a", "b"), Level.DATA, ["b/x.json", "b/y.json"])]
