"""Commands of an interpreter are made to go through the bundle, and others are not."""

import sys
from pathlib import Path

import pytest

from litebundle.runtime.interpreter import OPTION, through

_LONG = "--check-hash-based-pycs"
_THROUGH = ["app.bundle", OPTION]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("-m pkg -x", [*_THROUGH, "-m", "pkg", "-x"]),
        ("-mpkg -x", [*_THROUGH, "-m", "pkg", "-x"]),
        ("-Im pkg", ["-I", *_THROUGH, "-m", "pkg"]),
        ("-I -Sc code -V", ["-I", "-S", *_THROUGH, "-c", "code", "-V"]),
        ("-W error -X utf8 -c code", ["-W", "error", "-X", "utf8", *_THROUGH, "-c", "code"]),
        ("-Werror::m -BXdev -m pkg", ["-Werror::m", "-BXdev", *_THROUGH, "-m", "pkg"]),
        ("-BW ignore::h -", ["-BW", "ignore::h", *_THROUGH, "-"]),
        (f"{_LONG} never -m pkg", [_LONG, "never", *_THROUGH, "-m", "pkg"]),
        ("-u script.py -m", ["-u", *_THROUGH, "script.py", "-m"]),
        ("", _THROUGH),
        ("-i", ["-i", *_THROUGH]),
    ],
)
def test_what_an_interpreter_runs_goes_through(arguments: str, expected: list[str]) -> None:
    """Its own options stay in front of the bundle, and what it runs comes behind."""
    command = [sys.executable, *arguments.split()]
    assert through(command, "app.bundle") == [sys.executable, *expected]
    assert command == [sys.executable, *arguments.split()]
    assert through([Path(sys.executable), *arguments.split()], "app.bundle") is not None


@pytest.mark.parametrize(
    "arguments", ["-V", "-Ih", "--version", "-?", "other.bundle -m x", "a.zip"]
)
def test_what_needs_no_packages_is_left_alone(arguments: str) -> None:
    """It tells about itself, or runs a file that has its own."""
    command = [sys.executable, *arguments.split()]
    assert through(command, "app.bundle") is None


@pytest.mark.parametrize("command", [[], ["python3", "-m", "x"], [b"python3"], [sys.executable, 1]])
def test_other_commands_are_left_alone(command: list[object]) -> None:
    """Another program, and what is no command at all."""
    assert through(command, "app.bundle") is None
