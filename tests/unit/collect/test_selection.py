"""Selection: what patterns fit, what leaving out leaves, and which tests can go."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from litebundle.collect.directory import walked
from litebundle.collect.overlay import merged
from litebundle.collect.selection import Selection, selected
from litebundle.collect.tree import Layer, Skipped
from litebundle.collect.wheel import wheel_layer
from litebundle.errors import BuildError
from tests.unit.collect.trees import make
from tests.unit.collect.wheels import Wheel

FILES = ("a.py", "p/__init__.py", "p/q/deep.py", "p/q/x.txt", "p/x.txt", "r/q/deep.py")


@pytest.fixture
def layers(tmp_path: Path) -> list[Layer]:
    """Return one layer with the files, and an empty directory."""
    return walked([make(tmp_path / "source", dict.fromkeys((*FILES, "p/empty/"), ""))])


def paths(layers: Iterable[Layer]) -> list[str]:
    """Return the files of all layers, sorted."""
    return sorted(entry.path for layer in layers for entry in layer.entries)


@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [
        ("a.py", ["a.py"]),
        ("p", ["p/__init__.py", "p/q/deep.py", "p/q/x.txt", "p/x.txt"]),
        ("p/", ["p/__init__.py", "p/q/deep.py", "p/q/x.txt", "p/x.txt"]),
        ("p/q", ["p/q/deep.py", "p/q/x.txt"]),
        ("p/*.txt", ["p/x.txt"]),
        ("*/q", ["p/q/deep.py", "p/q/x.txt", "r/q/deep.py"]),
        ("**/x.txt", ["p/q/x.txt", "p/x.txt"]),
        ("p/**/x.txt", ["p/q/x.txt", "p/x.txt"]),
        ("p/q/**", ["p/q/deep.py", "p/q/x.txt"]),
        ("?.py", ["a.py"]),
        ("*.py", ["a.py"]),
        ("**/d*p.py", ["p/q/deep.py", "r/q/deep.py"]),
        ("p/e*", []),
    ],
)
def test_patterns_fit_paths(layers: list[Layer], pattern: str, fitting: list[str]) -> None:
    """`*` and `?` within a name, `**` across directories; a directory is all that is in it."""
    rest = [path for path in FILES if path not in fitting]
    assert paths(selected(layers, Selection(only=(pattern,)))) == fitting
    assert paths(selected(layers, Selection(exclude=(pattern,)))) == rest


@pytest.mark.parametrize("pattern", ["q", "A.py", "deep.py", "p/[qx]*", "p.q", "a*py/x"])
def test_a_pattern_that_nothing_fits_is_refused(layers: list[Layer], pattern: str) -> None:
    """It is a mistake; both options are told with theirs."""
    with pytest.raises(BuildError) as caught:
        selected(layers, Selection(exclude=(pattern, "a.py", "nowhere")))
    assert caught.value.message == (
        f"nothing in the sources fits --exclude {pattern}, --exclude nowhere"
    )
    with pytest.raises(BuildError, match="fits --only nowhere\n"):
        selected(layers, Selection(only=("nowhere",)))


def test_what_is_left_out_is_told_by_its_topmost_directory(layers: list[Layer]) -> None:
    """Directories without any file left go too; empty ones stay unless they are meant."""
    chosen = selected(layers, Selection(exclude=("p/q", "a.py")))[0]
    assert set(chosen.directories) == {"p", "p/empty", "r", "r/q"}
    assert chosen.skipped == (
        Skipped(path="a.py", reason="excluded"),
        Skipped(path="p/q", reason="excluded"),
    )
    assert set(selected(layers, Selection(only=("r",)))[0].directories) == {"r", "r/q"}
    assert set(selected(layers, Selection(only=("p/empty",)))[0].directories) == {"p/empty"}


def test_only_and_exclude_go_together(layers: list[Layer]) -> None:
    """Of what alone is kept something may be left out."""
    chosen = selected(layers, Selection(only=("p",), exclude=("**/*.txt",)))
    assert paths(chosen) == ["p/__init__.py", "p/q/deep.py"]


def test_a_name_is_also_that_of_a_distribution(tmp_path: Path) -> None:
    """All that a wheel brings, or a RECORD in a directory lists, under any spelling of the name."""
    wheel = Wheel(name="De_Mo", files={"one.py": "", "two/three.py": ""})
    installed = {
        "six.py": "",
        "other.py": "",
        "Six_X-1.dist-info/METADATA": "Name: six-x\n",
        "Six_X-1.dist-info/RECORD": "six.py,,\nSix_X-1.dist-info/METADATA,,\n../../bin/six,,\n",
    }
    found = [wheel_layer(wheel.write(tmp_path)), *walked([make(tmp_path / "site", installed)])]
    assert paths(selected(found, Selection(exclude=("de-mo", "SIX.x")))) == [
        "Six_X-1.dist-info/RECORD",
        "other.py",
    ]


def test_leaving_out_ends_a_contradiction(tmp_path: Path) -> None:
    """Sources are laid over each other only after that."""
    tops = [make(tmp_path / name, {"same.py": name, f"{name}.py": ""}) for name in "ab"]
    found = walked(tops)
    with pytest.raises(BuildError, match="contradict"):
        merged(found, overlay=False)
    tree = merged(selected(found, Selection(exclude=("same.py",))), overlay=False)
    assert [entry.path for entry in tree.entries] == ["a.py", "b.py"]


@pytest.mark.parametrize(
    ("files", "left_out"),
    [
        ({"p/__init__.py": "", "p/tests/__init__.py": "", "p/tests/data/x": ""}, ["p/tests"]),
        ({"p/__init__.py": "", "p/test/test_x.py": "", "tests/a.py": ""}, ["p/test", "tests"]),
        ({"p/__init__.py": "from p.tests import run", "p/tests/__init__.py": ""}, []),
        ({"p/__init__.py": "def f():\n from .tests import run", "p/tests/__init__.py": ""}, []),
        ({"p/__init__.py": "from . import (x,\n tests)", "p/tests/__init__.py": ""}, []),
        ({"p/__init__.py": "import p.tests.tool", "p/tests/tool.py": ""}, []),
        ({"p/q/a.py": "from ..tests.b import c", "p/tests/b.py": ""}, []),
        ({"p/a.py": "import q.test", "q/test/x.py": "", "p/test/y.py": ""}, ["p/test"]),
        ({"p/a.py": "from tests import b", "p/tests/b.py": ""}, ["p/tests"]),
        ({"p/a.py": "tests = 1  # import p.tests", "p/tests/b.py": ""}, ["p/tests"]),
        ({"p/a.py": "import p.tests broken", "p/tests/b.py": ""}, ["p/tests"]),
        # What stays because something imports it may import others, and they stay too.
        ({"a.py": "import p.tests", "p/tests/x.py": "import q.tests", "q/tests/y.py": ""}, []),
        ({"p/tests/x.py": "import q.tests", "q/tests/y.py": ""}, ["p", "q"]),
        ({"p/testing/x.py": "", "p/test_x.py": "", "p/tests.py": ""}, []),
        ({"p/a.py": "", "p/tests/tests/x.py": "import p.tests"}, ["p/tests"]),
    ],
)
def test_tests_go_that_nothing_else_imports(
    tmp_path: Path, files: dict[str, str], left_out: list[str]
) -> None:
    """Directories called tests or test, unless a module outside of them says it needs them."""
    found = walked([make(tmp_path / "source", files)])
    chosen = selected(found, Selection(tests=False))
    assert [skipped.path for skipped in chosen[0].skipped] == left_out
    assert all(skipped.reason == "tests" for skipped in chosen[0].skipped)
    assert paths(chosen) == [
        path for path in sorted(files) if not path.startswith(tuple(f"{d}/" for d in left_out))
    ]
