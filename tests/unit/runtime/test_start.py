"""What runs first of a bundle: it goes on, starts another interpreter, or says why not."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import litebundle

_START = Path(litebundle.__file__).parent / "runtime" / "start.py"
_HERE = ".".join(map(str, sys.version_info[:2]))
_CALL = """
import os
os.execv = lambda path, command: (print(command, flush=True), sys.exit(0))
ensure_fitting("app.bundle", {pythons!r}, {arguments!r}, needed={needed!r})
print("goes on")
"""
# Answers the question for its version with the status, as `python -I -S -c QUESTION` would.
_FAKE = """#!/bin/sh
exit {status}
"""


def _run(
    directory: Path,
    *options: str,
    pythons: tuple[str, ...] = (_HERE,),
    arguments: tuple[str, ...] = (),
    needed: bool = True,
) -> subprocess.CompletedProcess[str]:
    script = directory / "script.py"
    call = _CALL.format(pythons=pythons, arguments=arguments, needed=needed)
    script.write_text(_START.read_text() + call)
    return subprocess.run(
        [sys.executable, *options, str(script), "a", "b"],
        env={"PATH": f"{directory / 'broken'}:{directory / 'bin'}"},
        capture_output=True,
        text=True,
        check=False,
    )


def _fake(directory: Path, version: str, status: int) -> Path:
    directory.mkdir(exist_ok=True)
    file = directory / f"python{version}"
    file.write_text(_FAKE.format(status=status))
    file.chmod(0o755)
    return file


@pytest.mark.parametrize("options", [(), ("-O",), ("-X", "litebundle")], ids=" ".join)
def test_an_interpreter_that_fits_goes_on(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Whatever options it was given."""
    done = _run(tmp_path, *options)
    assert (done.stdout, done.stderr) == ("goes on\n", "")


def test_the_one_that_fits_is_looked_for(tmp_path: Path) -> None:
    """One that does not answer is passed over; options and arguments go with it."""
    _fake(tmp_path / "broken", "3.99", 127)
    python = _fake(tmp_path / "bin", "3.99", 0)
    done = _run(tmp_path, "-O", pythons=("3.98", "3.99"), arguments=("-s",))
    script = str(tmp_path / "script.py")
    expected = [str(python), "-X", "litebundle", "-s", "-O", script, "a", "b"]
    assert ast.literal_eval(done.stdout) == expected
    assert done.stderr == ""


def test_none_that_fits_is_told(tmp_path: Path) -> None:
    """With the versions that do, and the one that runs."""
    _fake(tmp_path / "broken", "3.99", 127)
    done = _run(tmp_path, pythons=("3.98", "3.99"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"error: app.bundle: needs CPython 3.98 or 3.99, and this is cpython {_HERE}"
        f" ({sys.executable})\n"
        "hint: have python3.98 on the PATH, or build the bundle for this Python\n"
    )


def test_the_sources_will_do(tmp_path: Path) -> None:
    """Where they are all there is to need, no other interpreter has to be found."""
    done = _run(tmp_path, pythons=("3.99",), needed=False)
    assert (done.stdout, done.stderr) == ("goes on\n", "")


def test_it_is_the_last_that_was_chosen(tmp_path: Path) -> None:
    """An interpreter that another one started does not start a third."""
    _fake(tmp_path / "bin", "3.99", 0)
    done = _run(tmp_path, "-X", "litebundle", pythons=("3.99",))
    assert done.returncode == 1
    assert "needs CPython 3.99" in done.stderr
    done = _run(tmp_path, "-X", "litebundle", arguments=("-s",))
    assert done.stdout == "goes on\n"


@pytest.mark.parametrize("needed", [True, False])
def test_options_are_given_once(tmp_path: Path, *, needed: bool) -> None:
    """The same interpreter again, unless it was started with them."""
    pythons = (_HERE,) if needed else ("3.99",)
    done = _run(tmp_path, "-O", pythons=pythons, arguments=("-X", "utf8"), needed=needed)
    script = str(tmp_path / "script.py")
    expected = [sys.executable, "-X", "litebundle", "-X", "utf8", "-O", script, "a", "b"]
    assert ast.literal_eval(done.stdout) == expected
    done = _run(tmp_path, "-X", "utf8", pythons=pythons, arguments=("-X", "utf8"), needed=needed)
    assert done.stdout == "goes on\n"


def test_an_old_python_understands_it() -> None:
    """Its grammar is that of Python 3.7, the oldest that can be asked for."""
    ast.parse(_START.read_text(), feature_version=(3, 7))
