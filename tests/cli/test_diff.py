"""`bundle diff` and `bundle patch`, as they are used from a shell."""

import json
import re
import resource
import sys
from pathlib import Path

import pytest

from litebundle.compile import interpreters
from litebundle.deploy.patch import make_patch
from litebundle.errors import BuildError
from tests.cli.command import bundle, good, refusal
from tests.rules.places import Library, Tree

TREE: Tree = {
    "app/__init__.py": "",
    "app/old.py": "VALUE = 1\n",
    "app/main.py": "def main(a):\n    return a + 1\n",
    "app/latin.py": "# coding: latin-1\nNAME = 'é'\n".encode("latin-1"),
    "app/data.bin": b"\xff\xfe\0",
}
CHANGED: Tree = {
    "app/__init__.py": "",
    "app/new.py": "VALUE = 2\n",
    "app/main.py": "def main(a):\n    print('\x1b[31m')\n    return a + 2\n",
    "app/latin.py": "# coding: latin-1\nNAME = 'ü'\n".encode("latin-1"),
    "app/data.bin": b"\xff\xfe\1",
}


@pytest.fixture(params=["sqlite", "zip"])
def files(library: Library, request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """Return an old and a new bundle."""
    old, new = (library.place(tree, request.param).entry for tree in (TREE, CHANGED))
    return Path(old), Path(new)


def test_nothing_is_said_of_equal_files(files: tuple[Path, Path], tmp_path: Path) -> None:
    """And the exit status is 0."""
    assert good(bundle("diff", files[0], files[0], cwd=tmp_path)).stdout == ""
    done = good(bundle("diff", files[0], files[0], "--json", "--code", cwd=tmp_path))
    assert json.loads(done.stdout) == []


def test_differences_are_told_one_a_line(files: tuple[Path, Path], tmp_path: Path) -> None:
    """What, how, which, before and after; the exit status is 1, and nothing is an error."""
    done = bundle("diff", *files, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[:3] for row in rows] == [
        ["module", "changed", "app.latin"],
        ["module", "changed", "app.main"],
        ["module", "added", "app.new"],
        ["module", "removed", "app.old"],
        ["file", "changed", "app/data.bin"],
        ["file", "changed", "app/latin.py"],
        ["file", "changed", "app/main.py"],
        ["file", "added", "app/new.py"],
        ["file", "removed", "app/old.py"],
        ["placement", "changed", "app"],
    ]
    by_name = {row[2]: row for row in rows}
    assert by_name["app/old.py"][3].startswith("644, 10 bytes ")
    assert by_name["app/old.py"][4:] == [""]
    told = json.loads(bundle("diff", *files, "--json", cwd=tmp_path).stdout)
    assert [[each["what"], each["change"], each["name"]] for each in told] == [
        row[:3] for row in rows
    ]


def test_code_is_shown_as_source_and_disassembled(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Sources by their encoding, without what a terminal would obey; code by its instructions."""
    done = bundle("diff", "--code", *files, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert "-NAME = 'é'" in lines
    assert "+NAME = 'ü'" in lines
    assert "+    print('\\x1b[31m')" in lines
    assert "-    return a + 1" in lines
    assert "+VALUE = 2" in lines
    assert "app/data.bin: no lines to compare" in lines
    assert any(line.startswith("+") and re.search(r"LOAD_GLOBAL .*print", line) for line in lines)
    assert not any("at 0x" in line for line in lines)
    told = json.loads(bundle("diff", "--code", "--json", *files, cwd=tmp_path).stdout)
    shown = {(each["what"], each["name"]): each["lines"] for each in told}
    assert "-VALUE = 1" in shown["file", "app/old.py"]
    assert any("STORE_NAME VALUE" in line for line in shown["module", "app.new"])


def test_code_is_disassembled_by_the_python_that_it_is_for(tmp_path: Path) -> None:
    """Where there is none, that is said."""
    others = [v for v in ("3.11", "3.12", "3.13") if v != "{}.{}".format(*sys.version_info)]
    other = next(filter(_is_there, others), None)
    if other is None:
        pytest.skip(f"there is neither Python {' nor '.join(others)} here")
    for number in (1, 2):
        (tmp_path / f"s{number}").mkdir()
        (tmp_path / f"s{number}" / "a.py").write_text(f"x = {number}\n")
        options = ("-o", f"{number}.bundle", "--python-version", other, "-q", "--no-launcher")
        good(bundle("build", f"s{number}", *options, cwd=tmp_path))
    command = ("diff", "--code", "1.bundle", "2.bundle")
    done = bundle(*command, cwd=tmp_path)
    assert any("-  LOAD_CONST 1" in line for line in done.stdout.splitlines())
    (tmp_path / f"python{other}").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / f"python{other}").chmod(0o755)
    nowhere = {"PATH": str(tmp_path), "PYENV_ROOT": "none", "UV_PYTHON_INSTALL_DIR": "none"}
    done = bundle(*command, cwd=tmp_path, env=nowhere)
    assert "0: no lines to compare" in done.stdout


def _is_there(version: str) -> bool:
    try:
        interpreters.find(version)
    except BuildError:
        return False
    return True


def test_a_patch_makes_the_new_bundle_of_the_old_one(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    """Byte for byte, and both commands tell how large the things are."""
    done = good(bundle("diff", "--patch", *files, "-o", "p", cwd=tmp_path))
    assert done.stdout.startswith(f"{tmp_path}/p: ")
    told = json.loads(bundle("diff", "--patch", *files, "-o", "p", "--json", cwd=tmp_path).stdout)
    assert told == {
        "path": f"{tmp_path}/p",
        "size": (tmp_path / "p").stat().st_size,
        "of": files[1].stat().st_size,
    }
    good(bundle("patch", files[0], "p", "-o", "made", cwd=tmp_path))
    assert (tmp_path / "made").read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("arguments", "status", "cause"),
    [
        (["diff", "--patch", "old", "new"], 2, "--patch and -o belong together"),
        (["diff", "old", "new", "-o", "x"], 2, "--patch and -o belong together"),
        (["diff", "--patch", "--code", "old", "new", "-o", "x"], 2, "use one of them"),
        (["diff", "old", "nowhere"], 1, "nowhere: cannot open the bundle"),
        (["diff", "--patch", "old", "nowhere", "-o", "x"], 1, "nowhere"),
        (["diff", "--patch", "old", "new", "-o", "."], 1, "is a directory"),
        (["diff", "--patch", "old", "new", "-o", "old"], 2, "old is old"),
        (["patch", "old", "p"], 2, "Missing option '-o'"),
        (["patch", "old", "p", "-o", "old"], 2, "old is old"),
        (["patch", "old", "p", "-o", "link"], 2, "link is old"),
        (["patch", "old", "p", "-o", "p"], 2, "p is p"),
        (["patch", "old", "nowhere", "-o", "x"], 1, "nowhere: cannot be read: No such file"),
        (["patch", "nowhere", "p", "-o", "x"], 1, "nowhere: cannot be read: No such file"),
        (["patch", "old", "new", "-o", "x"], 1, "new: the patch is damaged"),
        (["patch", "new", "p", "-o", "x"], 1, "new: is not the bundle that the patch changes"),
        (["patch", "old", "p", "-o", "none/x"], 1, "does not exist"),
        (["patch", "old", "p", "-o", "/dev/null"], 1, "is no regular file"),
        (["patch", ".", "p", "-o", "x"], 1, ".: cannot be read: not a file"),
    ],
)
def test_what_cannot_be_is_told(
    library: Library, tmp_path: Path, arguments: list[str], status: int, cause: str
) -> None:
    """In one message; nothing is written."""
    for name, tree in (("old", TREE), ("new", CHANGED)):
        (tmp_path / name).write_bytes(Path(library.place(tree, "sqlite").entry).read_bytes())
    (tmp_path / "link").symlink_to("old")
    make_patch(tmp_path / "old", tmp_path / "new", tmp_path / "p")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert cause in refusal(bundle(*arguments, cwd=tmp_path), status)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_full_disk_is_told(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Here a limit on the size of files; nothing is left of what was begun."""
    make_patch(*files, tmp_path / "p")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, before[1]))
    try:
        done = bundle("patch", files[0], "p", "-o", "made", cwd=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "made: cannot be written: File too large" in refusal(done)
    assert [path.name for path in tmp_path.iterdir()] == ["p"]
