"""Files that are no bundles, given by mistake: one clear sentence, and exit status 1."""

import os
import sqlite3
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from litebundle.cli.main import main

COMMANDS = (
    ("list", "FILE"),
    ("info", "FILE"),
    ("verify", "FILE"),
    ("cat", "FILE", "pkg"),
    ("place", "FILE", "--to", "PLACED"),
    ("link", "FILE", "LINKS"),
)


def _database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t(x)")
        database.commit()


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.py", "")


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _: None, "No such file or directory"),
    "directory": (lambda path: path.mkdir(), "Is a directory"),
    "pipe": (os.mkfifo, "Not a regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "Not a regular file"),
    "loop": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "empty": (lambda path: path.touch(), "not a bundle"),
    "text": (lambda path: path.write_text("some text\n" * 99), "not a bundle"),
    "script": (lambda path: path.write_text("#!/bin/sh\n" + "x" * 9999), "not a bundle"),
    "zeros": (lambda path: path.write_bytes(bytes(99999)), "not a bundle"),
    "database": (_database, "not a bundle"),
    "zip": (_zip, "not a bundle"),
}


@pytest.mark.fault(5)
@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_each_command_says_what_it_is_not(
    command: tuple[str, ...],
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same for all of them: cause and hint on standard error, nothing on the other."""
    make, cause = FILES[kind]
    path = tmp_path / "file"
    make(path)
    places = {"FILE": str(path), "PLACED": str(tmp_path / "p"), "LINKS": str(tmp_path / "l")}
    arguments = ["bundle", *(places.get(word, word) for word in command)]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()
    output, errors = capsys.readouterr()
    lines = errors.splitlines()
    assert (ended.value.code, output) == (1, "")
    assert lines[0].startswith(f"error: {path}: ")
    assert cause in lines[0]
    assert [line[:6] for line in lines[1:]] == ["hint: "]
    assert not (tmp_path / "p").exists()
