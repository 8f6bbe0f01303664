"""Projects: how they are told from directories of modules, and their wheels."""

from pathlib import Path

import pytest

from litebundle.collect.project import build_wheel, is_project
from litebundle.collect.wheel import wheel_layer
from litebundle.errors import BuildError
from tests.unit.collect.projects import project
from tests.unit.collect.trees import make


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": "[project]\nname = 'x'\n"}, True),
        ({"pyproject.toml": "[build-system]\nrequires = []\n"}, True),
        ({"pyproject.toml": "[tool.ruff]\n"}, False),
        ({"pyproject.toml": "[project]\n", "x-1.dist-info/RECORD": ""}, False),
        ({"setup.py": ""}, False),
        ({"sub/pyproject.toml": "[project]\n"}, False),
    ],
)
def test_a_project_says_that_it_is_one(
    tmp_path: Path, files: dict[str, str], expected: bool
) -> None:
    """By a table of its pyproject.toml; where things are installed it is another's."""
    assert is_project(make(tmp_path / "top", files)) is expected


def test_a_broken_pyproject_is_told(tmp_path: Path) -> None:
    """It could be either; the parser's reason is passed on."""
    top = make(tmp_path / "top", {"pyproject.toml": "[project\n"})
    with pytest.raises(BuildError, match=r"cannot be read: .*line 1") as caught:
        is_project(top)
    assert caught.value.file == str(top / "pyproject.toml")


def test_the_wheel_is_built_aside(tmp_path: Path) -> None:
    """By the project's backend; the project is left as it was."""
    top = project(tmp_path / "top")
    before = sorted(path.name for path in top.iterdir())
    work = tmp_path / "work"
    work.mkdir()
    wheel = build_wheel(top, work)
    assert wheel.name == "proj-1.0-py3-none-any.whl"
    assert wheel.is_relative_to(work)
    assert "proj.py" in {entry.path for entry in wheel_layer(wheel).entries}
    assert sorted(path.name for path in top.iterdir()) == before


def test_a_project_that_does_not_build_is_told(tmp_path: Path) -> None:
    """With what its backend had to say."""
    top = project(tmp_path / "top", fails="no compiler for widgets")
    with pytest.raises(BuildError) as caught:
        build_wheel(top, tmp_path)
    assert caught.value.message == f"{top}: the project does not build"
    assert "no compiler for widgets" in caught.value.problems
