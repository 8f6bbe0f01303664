"""What makes a bundle a program is looked at like the rest of it."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from litebundle.builder import Options, build
from litebundle.inspect.verify import verify
from litebundle.write.launcher import Launch, tail
from tests.rules.places import write_tree
from tests.unit.inspect.forge import change_manifest

Members = dict[str, bytes]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return executable bundles in both containers; not to be changed."""
    base = tmp_path_factory.mktemp("programs")
    write_tree({"app/__init__.py": "", "app/__main__.py": "print('app')\n"}, base / "source")
    launch = Launch(main="app", executable=True)
    for kind in ("sqlite", "zip"):
        options = Options(container=kind, launch=launch, jobs=1)
        build([base / "source"], base / kind, options)
    return {kind: base / kind for kind in ("sqlite", "zip")}


def told(path: Path) -> list[str]:
    """Return what is wrong with a bundle, in words."""
    return [*map(str, verify(path).problems)]


def launched(bundle: Path, copy: Path, change: Callable[[Members], object]) -> Path:
    """Copy a database with another launcher, of which the manifest says that it is the one."""
    data = bundle.read_bytes()
    base = data.index(b"\n") + 1
    behind = data.index(b"PK\3\4", base)
    # The first of them may stand in a blob; the launcher's begins where the database ends.
    while (behind - base) % 4096:
        behind = data.index(b"PK\3\4", behind + 1)
    with zipfile.ZipFile(io.BytesIO(data[behind:])) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    new = tail(members)
    copy.write_bytes(data[base:behind])
    change_manifest(copy, tail=f"{len(new)} {hashlib.sha256(new).hexdigest()}")
    copy.write_bytes(data[:base] + copy.read_bytes() + new)
    return copy


@pytest.mark.parametrize("kind", ["sqlite", "zip"])
def test_what_the_builder_writes_is_sound(programs: dict[str, Path], kind: str) -> None:
    """With a line in front, and a launcher behind or inside."""
    verdict = verify(programs[kind])
    assert verdict.problems == verdict.notes == ()


def test_another_launcher_that_is_one_is_sound(programs: dict[str, Path], tmp_path: Path) -> None:
    """What the tests below change is enough."""
    assert told(launched(programs["sqlite"], tmp_path / "copy", len)) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: m.update({"evil.py": b""}), "launcher member evil.py: no part of a launcher"),
        (lambda m: m.pop("__main__.py"), "launcher member __main__.py: missing"),
        (
            lambda m: m.update({".litebundle/runtime/source": b"0" * 99}),
            "launcher member .litebundle/runtime/source: checksum mismatch",
        ),
    ],
    ids=["another member", "a member missing", "a member damaged"],
)
def test_a_launcher_that_is_none_is_told(
    programs: dict[str, Path],
    tmp_path: Path,
    change: Callable[[Members], object],
    problem: str,
) -> None:
    """Though its size and digest are what the manifest says: Python would import from it."""
    found = told(launched(programs["sqlite"], tmp_path / "copy", change))
    assert any(sentence.startswith(problem) for sentence in found), found


def test_a_launcher_that_was_changed_is_told(programs: dict[str, Path], tmp_path: Path) -> None:
    """Any byte of it, since its digest is known."""
    data = bytearray(programs["sqlite"].read_bytes())
    data[-1000] ^= 1
    (tmp_path / "copy").write_bytes(data)
    [problem] = told(tmp_path / "copy")
    assert problem.startswith("launcher: damaged (expected ")


@pytest.mark.parametrize("kind", ["sqlite", "zip"])
@pytest.mark.parametrize(
    "line", [b"#!/bin/rm -rf\n", b"#!/usr/bin/env perl\n", b"#!/usr/bin/env -S python3 -c\tx\n"]
)
def test_another_first_line_is_told(
    programs: dict[str, Path], tmp_path: Path, kind: str, line: bytes
) -> None:
    """It is what the system runs, and no checksum covers it."""
    data = programs[kind].read_bytes()
    (tmp_path / "copy").write_bytes(line + data[data.index(b"\n") + 1 :])
    [problem] = told(tmp_path / "copy")
    assert problem.startswith("first line: not one that is built (found ")


def test_a_program_that_is_not_there_is_told(programs: dict[str, Path], tmp_path: Path) -> None:
    """The manifest names it, and nothing in the bundle has the name."""
    path = launched(programs["sqlite"], tmp_path / "copy", len)
    data = path.read_bytes()
    base = data.index(b"\n") + 1
    path.write_bytes(data[base:])
    change_manifest(path, main="other:run")
    [identity] = told(path)
    change_manifest(path, identity=identity.rpartition("found ")[2].rstrip(")"))
    assert told(path) == ["manifest: starts as what is not in the bundle (found other:run)"]
