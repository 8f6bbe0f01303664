"""`bundle verify`: the verdict in words, as JSON, and in the exit status."""

import json
from pathlib import Path

import pytest

from litebundle.runtime.archive import open_archive
from tests.cli.command import bundle, refusal


@pytest.fixture
def damaged(packed: Path, tmp_path: Path) -> Path:
    """Return a bundle with one byte of a source changed."""
    data = packed.read_bytes()
    archive = open_archive(str(packed))
    assert archive is not None
    found = archive.file("app/other.py")
    assert found is not None
    assert found[1] is not None
    at = archive.container.base + found[1].offset
    copy = tmp_path / "damaged.bundle"
    copy.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    return copy


def test_a_sound_bundle_is_told_in_a_line(packed: Path) -> None:
    """With how much was looked at; the exit status is 0."""
    done = bundle("verify", packed, cwd=packed.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{packed}: sound, ")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_problems_are_told_one_a_line(damaged: Path) -> None:
    """On standard output, being what was asked for; the exit status is 1."""
    done = bundle("verify", damaged, cwd=damaged.parent)
    problems = done.stdout.splitlines()
    assert problems[0].startswith("file app/other.py: ")
    assert f"not sound: {len(problems)} problem" in refusal(done)


def test_the_verdict_is_there_as_json(packed: Path, damaged: Path) -> None:
    """Of both outcomes."""
    good = json.loads(bundle("verify", packed, "--json", cwd=packed.parent).stdout)
    assert good["sound"] is True
    assert good["problems"] == good["notes"] == []
    assert good["blobs"] > 10
    done = bundle("verify", damaged, "--json", cwd=packed.parent)
    bad = json.loads(done.stdout)
    assert bad["sound"] is False
    assert bad["problems"]
    assert done.returncode == 1


def test_nothing_is_left_beside_what_is_verified(packed: Path, tmp_path: Path) -> None:
    """Neither journal nor lock: the disk may be read-only."""
    copy = tmp_path / "app.bundle"
    copy.write_bytes(packed.read_bytes())
    copy.chmod(0o444)
    before = copy.stat().st_mtime_ns
    assert bundle("verify", copy, cwd=tmp_path).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["app.bundle"]
    assert copy.stat().st_mtime_ns == before
