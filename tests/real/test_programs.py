"""Real programs, started as one file: what they say is what they say from a directory."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import litebundle

_REQUIREMENTS = ("httpie==3.2.4", "black==25.1.0")
_HTTP = ("--ignore-stdin", "--offline", "--print=HB", "POST", "example.org", "a=b")
_UNTIDY = "x = {  'a':1 }\ndef f( a,):\n  return   not(a)\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the programs, installed from the package index."""
    directory = tmp_path_factory.mktemp("programs") / "site"
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
    done = subprocess.run(
        [*command, "--target", str(directory), *_REQUIREMENTS],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        pytest.skip(f"the package index does not give them: {done.stderr[-300:]}")
    return directory


@pytest.fixture(scope="module", params=["sqlite", "zip"])
def program(request: pytest.FixtureRequest, site: Path) -> Path:
    """Return both programs in one executable bundle."""
    output = site.parent / f"http.{request.param}"
    command = [
        sys.executable,
        "-m",
        "litebundle",
        "build",
        "--no-cache",
        str(site),
        "-q",
        "-o",
        str(output),
    ]
    subprocess.run(
        [*command, "--format", request.param, "--executable", "--main", "http"],
        env=os.environ | {"PYTHONPATH": str(Path(litebundle.__file__).parents[1])},
        check=True,
        timeout=300,
    )
    return output


def _run(
    *command: str | Path, cwd: Path, env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    plain = {"HOME": str(cwd), "LC_ALL": "C.UTF-8", "LITEBUNDLE_CACHE": str(cwd / "cache")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=plain | dict(env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def _in_directory(site: Path, script: str, *arguments: str, cwd: Path) -> tuple[int, str, str]:
    """Run a console script of the directory, as one that an installer wrote."""
    return _run(
        sys.executable,
        "-S",  # with nothing of the tests'
        site / "bin" / script,
        *arguments,
        cwd=cwd,
        env={"PYTHONPATH": str(site)},
    )


def test_httpie_is_the_same(program: Path, site: Path, tmp_path: Path) -> None:
    """As `python FILE` and as `./FILE`; `--help` names the program by what was started."""
    expected = _in_directory(site, "http", *_HTTP, cwd=tmp_path)
    assert expected[0] == 0
    assert '{"a": "b"}' in expected[1]
    assert _run(sys.executable, program, *_HTTP, cwd=tmp_path) == expected
    (tmp_path / "python3").symlink_to(sys.executable)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    assert _run(program, *_HTTP, cwd=tmp_path, env=path) == expected


def test_black_is_the_same(program: Path, site: Path, tmp_path: Path) -> None:
    """By a link with its name: output, exit status, native code, and its worker processes."""
    (tmp_path / "black").symlink_to(program)
    for name in ("one.py", "two.py", "broken.py"):
        (tmp_path / name).write_text(_UNTIDY if name != "broken.py" else "def (")
    for arguments in (
        ("--version",),
        ("--diff", "--quiet", "one.py"),
        ("--check", "--quiet", "--workers=2", "one.py", "two.py"),
        ("--check", "broken.py"),
        ("nothere.py",),
    ):
        expected = _in_directory(site, "black", *arguments, cwd=tmp_path)
        status, output, errors = _run(sys.executable, "black", *arguments, cwd=tmp_path)
        # The time of the comparison is in a diff's second line
        assert _timeless(output) == _timeless(expected[1])
        assert (status, errors) == (expected[0], expected[2])


def _timeless(diff: str) -> list[str]:
    return [line for line in diff.splitlines() if not line.startswith("+++")]
