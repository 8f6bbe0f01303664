"""Tools: how they are found and run, and what of their complaints people are shown."""

import sys
from pathlib import Path

import pytest

from litebundle.collect import tools
from litebundle.errors import BuildError

PYTHON = [sys.executable, "-c"]


def failure(code: str) -> BuildError:
    """Return the error of a command that runs this code."""
    with pytest.raises(BuildError) as caught:
        tools.run([*PYTHON, code], "it failed", hint="mend it")
    return caught.value


def test_the_output_is_returned() -> None:
    """What is printed, with `text` to read and variables added to the environment."""
    code = "import os, sys; print(sys.stdin.read() + os.environ['MORE'] + os.environ['NO_COLOR'])"
    answer = tools.run([*PYTHON, code], "", hint="", text="a\N{SNOWMAN}", env={"MORE": "b"})
    assert answer == "a\N{SNOWMAN}b1\n"


@pytest.mark.parametrize(
    ("printed", "problems"),
    [
        ("\x1b[31merror\x1b[0m: wrong\n\n  cause: this\n", ["wrong", "  cause: this"]),
        ('WARNING: x\n[notice] y\nTraceback (most recent):\n  File "x", line 1\nE: z\n', ["E: z"]),
        ("noise\nERROR: one\n    detail\nmore\nERROR: two\n", ["one", "    detail", "two"]),
        ("ERROR: Ignored the following versions: 1\nERROR: none\n", ["none"]),
        ("ERROR: Exception:\nTraceback (m):\nKeyError: 1\n", ["Exception:", "KeyError: 1"]),
        ("".join(f"line {n}\n" for n in range(40)), [f"line {n}" for n in range(28, 40)]),
        ("x" * 200 + "y" * 200, ["x" * 150 + " ... " + "y" * 150]),
    ],
)
def test_complaints_are_cut_to_what_tells(printed: str, problems: list[str]) -> None:
    """Colours, warnings and tracebacks go; where errors are marked, what is not marked goes."""
    error = failure(f"import sys; sys.stderr.write({printed!r}); sys.exit(1)")
    assert error.message == "it failed"
    assert error.hint == "mend it"
    assert list(error.problems) == problems


def test_what_complains_on_standard_output_is_heard() -> None:
    """Some tools use no other; one that says nothing is told by its status."""
    assert failure("print('oh'); raise SystemExit(1)").problems == ("oh",)
    assert failure("raise SystemExit(3)").problems == (
        f"{Path(sys.executable).name} ended with status 3",
    )


def test_a_tool_that_does_not_start_is_told() -> None:
    """By its path and the system's reason."""
    with pytest.raises(BuildError, match=r"^it failed: /not/there: No such file"):
        tools.run(["/not/there"], "it failed", hint="")


def test_modules_are_not_those_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `build` or `json` of the project that is built stands in nobody's way."""
    (tmp_path / "json.py").write_text("raise SystemExit('theirs')\n")
    monkeypatch.chdir(tmp_path)
    assert "usage" in tools.run([*tools.module("json.tool"), "--help"], "", hint="")


def test_pip_comes_from_uv_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Environments that uv made have no pip; without either there is a hint."""
    assert tools.pip(sys.executable)[:4] == [sys.executable, "-P", "-m", "pip"]
    assert "--python" not in tools.pip(sys.executable)
    assert tools.pip("/bin/python9")[-2:] == ["--python", "/bin/python9"]
    monkeypatch.setattr("importlib.util.find_spec", {}.get)
    monkeypatch.setattr(tools, "uv", lambda: "/bin/uv")
    assert tools.pip(sys.executable)[:5] == ["/bin/uv", "tool", "run", "--quiet", "pip"]
    assert tools.pip(sys.executable)[-2:] == ["--python", sys.executable]
    monkeypatch.setattr(tools, "uv", lambda: None)
    with pytest.raises(BuildError, match="neither uv nor pip"):
        tools.pip(sys.executable)


def test_uv_is_the_one_beside_python_or_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment's own uv is used without being activated."""
    name = "uv.exe" if sys.platform == "win32" else "uv"
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "other"))
    assert tools.uv() is None
    for directory in ("other", "bin"):
        path = tmp_path / directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
        path.chmod(0o755)
        assert tools.uv() == str(path)
