"""Interpreters: which is found for a version, and what it says when it is asked."""

import shutil
import sys
from pathlib import Path

import pytest

from litebundle.collect import tools
from litebundle.compile.interpreters import ask, find
from litebundle.errors import BuildError

VERSION = [str(number) for number in sys.version_info[:3]]


def script(path: Path, text: str) -> Path:
    """Write a program that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def says(version: str) -> str:
    """Return a program that says, whatever it is asked, that it is of the version."""
    return f"#!/bin/sh\necho '{str(version.split('.')).replace(chr(39), chr(34))}'\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the home of a machine without any Python but the running one."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for tools with a shell script")
@pytest.mark.parametrize(
    ("tool", "arguments"), [("py", "-3.90 -I -c"), ("uv", "python find --system")]
)
def test_those_who_know_more_are_asked_last(
    machine: Path, monkeypatch: pytest.MonkeyPatch, tool: str, arguments: str
) -> None:
    """The launcher py and uv, by their commands."""
    monkeypatch.setattr(tools, "uv", lambda: shutil.which("uv"))
    python = script(machine / "elsewhere/python", says("3.90.2"))
    script(
        machine / "bin" / tool,
        f'#!/bin/sh\ncase "$*" in "{arguments}"*) echo {python};; *) exit 1;; esac\n',
    )
    assert find("3.90") == str(python)
    with pytest.raises(BuildError, match=r"no Python 3\.91 on"):
        find("3.91")


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for Python with a shell script")
def test_one_may_be_named_by_its_path(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative ones too, and whatever its version; what is no program is told."""
    python = script(machine / "own/python", says("3.90.2"))
    monkeypatch.chdir(machine)
    assert find(str(python)) == str(python)
    assert find("own/python") == str(python)
    assert find("./own/python") == str(machine / "./own/python")
    with pytest.raises(BuildError, match="own/nothing is no program"):
        find("own/nothing")


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("numbers", [1, 2, 3])
def test_the_running_one_is_taken_if_it_fits(numbers: int) -> None:
    """However much of the version is named."""
    assert find(".".join(VERSION[:numbers])) == sys.executable


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for Python with a shell script")
@pytest.mark.parametrize(
    "place",
    [
        "bin/python3.90",
        "pyenv/versions/3.90.2/bin/python3.90",
        "uv/cpython-3.90.2-x/bin/python3.90",
    ],
)
def test_others_are_found(machine: Path, place: str) -> None:
    """On the PATH, or where pyenv and uv keep them."""
    python = script(machine / place, says("3.90.2"))
    assert find("3.90") == str(python)
    assert find("3.90.2") == str(python)
    with pytest.raises(BuildError, match=r"no Python 3\.90\.1 on"):
        find("3.90.1")


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for Python with a shell script")
def test_what_does_not_run_is_passed_over(machine: Path) -> None:
    """A shim of a version that is not selected is no interpreter; the next one is."""
    script(machine / "bin/python3.90", "#!/bin/sh\nexit 127\n")
    python = script(machine / "pyenv/versions/3.90.1/bin/python3.90", says("3.90.1"))
    assert find("3.90") == str(python)


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for Python with a shell script")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#!/bin/sh\necho boom >&2; exit 3\n", "boom"),
        ("#!/bin/sh\nexit 3\n", "exit status 3"),
        ("#!/bin/sh\necho no json\n", "Expecting value"),
        ("#!/not/there\n", "No such file"),
    ],
)
def test_an_unusable_one_is_told(tmp_path: Path, text: str, reason: str) -> None:
    """By what it said, or how it ended."""
    python = script(tmp_path / "python", text)
    with pytest.raises(BuildError, match=f"^cannot use {python}: .*{reason}"):
        ask(str(python), "")


def test_it_is_asked_in_isolation(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user's environment variables do to Python is not its own."""
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    code = "import json, sys; print(json.dumps('elsewhere' in str(sys.path)))"
    assert ask(sys.executable, code) is False
