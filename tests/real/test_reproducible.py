"""Decision 9 on packages that we did not write: the same input gives the same bytes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import rich

import litebundle

_SRC = Path(litebundle.__file__).parents[1]
_SITE = Path(rich.__file__).parents[1]


def _copy(names: list[str], target: Path) -> Path:
    for name in names:
        shutil.copytree(
            _SITE / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    return target


def _build(sources: list[Path], output: Path, *options: str, **environment: str) -> bytes:
    """Build in a process of its own, in the output's directory."""
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "litebundle",
        "build",
        "--no-cache",
        *map(str, sources),
        "-o",
        output.name,
    ]
    subprocess.run(
        [*command, "--quiet", *options],
        cwd=output.parent,
        env={**os.environ, "PYTHONPATH": str(_SRC), **environment},
        check=True,
        timeout=300,
    )
    return output.read_bytes()


@pytest.mark.parametrize("packing", ["sqlite", "zip"])
def test_two_builds_are_byte_identical(packing: str, tmp_path: Path) -> None:
    """Place, process, hash seed, order, time zone, locale, umask and jobs leave no trace."""
    packages = ["rich", "click"]
    one = _copy(packages, tmp_path / "one")
    first, second = (
        _copy([name], tmp_path / "a much longer place" / name) for name in reversed(packages)
    )
    for path in sorted(first.rglob("*"), reverse=True):
        os.utime(path, (1, 1))
    options = ("--format", packing, "--optimize", "0,2")
    expected = _build([one], tmp_path / "x" / "app.bundle", *options, PYTHONHASHSEED="1")
    old = os.umask(0o077)
    try:
        found = _build(
            [first, second],
            tmp_path / "y" / "z" / "other.bundle",
            *options,
            "--jobs=1",
            PYTHONHASHSEED="2",
            TZ="Asia/Kolkata",
            LC_ALL="C",
            PYTHONOPTIMIZE="1",
        )
        again = _build([second, first], tmp_path / "w" / "app.bundle", *options)
    finally:
        os.umask(old)
    assert found == expected
    assert again == expected
    assert str(tmp_path).encode() not in expected


def test_several_targets_are_byte_identical_too(tmp_path: Path) -> None:
    """Trees that share blobs, and a standard library, leave no trace of place or process either."""
    options = ("--platform", "win_amd64", "--platform", "linux_x86_64", "--stdlib", "used")
    one, two = (_copy(["click"], tmp_path / place) for place in ("one", "another place"))
    found = [
        _build([tree], tmp_path / seed / "app.bundle", *options, PYTHONHASHSEED=seed)
        for seed, tree in (("1", one), ("2", two))
    ]
    assert found[0] == found[1]
    assert str(tmp_path).encode() not in found[0]


def test_the_identity_is_that_of_the_content(tmp_path: Path) -> None:
    """A database and a zip of one tree have one identity, a changed byte gives another."""
    tree = _copy(["click"], tmp_path / "tree")

    def identity(packing: str, name: str) -> str:
        output = tmp_path / name
        _build([tree], output, "--format", packing)
        return litebundle.Bundle(output).identity

    expected = identity("sqlite", "a.bundle")
    assert identity("zip", "a.zip") == expected
    with (tree / "click" / "core.py").open("a") as file:
        file.write("\n")
    assert identity("sqlite", "b.bundle") != expected
