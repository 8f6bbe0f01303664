"""The command as a whole: usage, start-up, pipes."""

import subprocess
import sys
from pathlib import Path

import pytest

import litebundle
from tests.cli.command import bundle, environment, python, refusal
from tests.rules.places import Library, Tree

COMMANDS = (
    *("build", "run", "list", "cat", "info", "verify", "explain", "link"),
    *("diff", "patch", "deploy", "rollback"),
)

MANY: Tree = {f"m{number:04}.py": "" for number in range(1500)}


def test_help_fits_one_screen(tmp_path: Path) -> None:
    """40 lines of 80 columns, a small window, for the command and for each of its subcommands."""
    for arguments in ((), *((command,) for command in COMMANDS)):
        done = bundle(*arguments, "--help", cwd=tmp_path)
        assert done.returncode == 0
        lines = done.stdout.splitlines()
        assert len(lines) <= 40
        assert all(len(line) <= 80 for line in lines)
    told = bundle("-h", cwd=tmp_path).stdout
    assert all(f"\n  {command} " in told for command in COMMANDS)


def test_the_version_is_told(tmp_path: Path) -> None:
    """`--version` names the distribution: `bundle` is a name that others use too."""
    assert bundle("--version", cwd=tmp_path).stdout == f"litebundle {litebundle.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "command"),
    [((), ""), (("nonsense",), ""), (("--nonsense",), ""), (("cache",), " cache")],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_told_and_exits_with_2(
    tmp_path: Path, arguments: tuple[str, ...], command: str
) -> None:
    """A message of two lines, and where the help is."""
    done = bundle(*arguments, cwd=tmp_path)
    refusal(done, status=2)
    assert f"bundle{command} --help" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "folders"),
    [
        (["--version"], {"cli", "errors"}),
        (["run", "--help"], {"cli", "errors"}),
        (["cat", "--help"], {"cli", "errors", "inspect", "runtime", "format", "collect"}),
    ],
    ids=["version", "run", "cat"],
)
def test_a_command_imports_what_it_needs(
    tmp_path: Path, arguments: list[str], folders: set[str]
) -> None:
    """Neither apsw nor rich nor the builder where they have nothing to do."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr))\n"
        "from litebundle.cli.main import main\n"
        "main()\n"
    )
    done = python("-c", code, *arguments, cwd=tmp_path)
    imported = done.stderr.split()
    assert "click" in imported
    assert not {"apsw", "rich", "concurrent.futures"} & set(imported)
    ours = {name.split(".")[1] for name in imported if name.startswith("litebundle.")}
    assert ours <= folders


def test_a_reader_that_leaves_is_no_error(library: Library) -> None:
    """`bundle list | head` ends quietly."""
    file = library.place(MANY, "sqlite").entry
    with subprocess.Popen(
        [sys.executable, "-m", "litebundle", "list", file],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"module\tm0000\t")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=20) == 1


def test_a_working_directory_that_is_gone_is_told(tmp_path: Path) -> None:
    """Else it would be unclear what is not there."""
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os, shutil; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r})\n"
    code += "from litebundle.cli.main import main; main()"
    done = python("-c", code, "build", "src", "-o", "out", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        "error: the working directory: No such file or directory\n",
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_that_cannot_be_written_is_told(library: Library) -> None:
    """A list cut short by a full disk is no success."""
    file = library.place(MANY, "sqlite").entry
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "litebundle", "list", file],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: No space left on device\n")
    assert "Exception ignored" not in done.stderr


def test_names_that_the_terminal_lacks_are_escaped(library: Library) -> None:
    """Not every terminal has every letter; the list goes on."""
    file = Path(library.place({"\u00fc\u4e2d.py": ""}, "zip").entry)
    env = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}
    done = bundle("list", file, "--files", cwd=file.parent, env=env, text=False)
    assert done.stdout == b"file\t\xfc\\u4e2d.py\t644\t0\n"
