"""Decision 9: the same input gives the same bytes, on whatever machine, whenever, and by whom."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import litebundle
from tests.native import Compiler
from tests.real.machines import DIFFERENCES, SRC, TIME, Machine, copied, differing
from tests.unit.collect.wheels import Wheel


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
        env={**os.environ, "PYTHONPATH": str(SRC), **environment},
        check=True,
        timeout=300,
    )
    return output.read_bytes()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return both containers as the plain machine builds them."""
    return Machine(tmp_path_factory.mktemp("reference")).build()


@pytest.mark.fault(44, 53)
@pytest.mark.parametrize("difference", [*DIFFERENCES, TIME])
def test_a_difference_between_machines_leaves_no_trace(
    reference: dict[str, bytes], difference: str, compiler: Compiler, tmp_path: Path
) -> None:
    """Not in a byte of either container, with launcher, placed files and two levels of code."""
    assert differing(tmp_path, [difference], compiler).build() == reference


def test_all_differences_at_once_leave_no_trace(
    reference: dict[str, bytes], compiler: Compiler, tmp_path: Path
) -> None:
    """Nor is there a path, a user or a time of any machine in the files."""
    assert differing(tmp_path, [*DIFFERENCES, TIME], compiler).build() == reference
    for data in reference.values():
        assert str(tmp_path.parent).encode() not in data


def test_a_difference_in_the_sources_leaves_one(
    reference: dict[str, bytes], tmp_path: Path
) -> None:
    """A byte of a file, and the one permission that counts: comparing finds what there is."""
    for number in range(2):
        machine = Machine(tmp_path / str(number))
        path = machine.sources[1] / "more" / "main.py"
        path.chmod(0o755) if number else path.write_text(path.read_text() + "#")
        found = machine.build()
        assert all(found[container] != reference[container] for container in reference)


def test_requirements_leave_no_trace_of_where_they_came_from(
    compiler: Compiler, tmp_path: Path
) -> None:
    """Wheels of an index that is elsewhere, asked for in another order."""
    wheels = (
        Wheel(name="app", files={"app/__init__.py": "import lib\n"}, requires=["lib"]),
        Wheel(name="lib", version="2.0", files={"lib.py": "V = {'x', 'y'}\n", "lib.txt": "data"}),
    )
    found = []
    for place, differences in (("a", []), ("b/with-a-longer-path", [*DIFFERENCES, TIME])):
        base = tmp_path / place
        machine = differing(base, differences, compiler)
        order = wheels if differences else wheels[::-1]
        for wheel in order:
            wheel.write(base / "links")
        (base / "r.txt").write_text("".join(f"{wheel.name}\n" for wheel in order))
        (base / "uv.toml").write_text(f"no-index = true\nfind-links = ['{base / 'links'}']\n")
        machine.environment["UV_CONFIG_FILE"] = str(base / "uv.toml")
        found.append(machine.build(base / "r.txt"))
    assert found[0] == found[1]
    with zipfile.ZipFile(io.BytesIO(found[0]["zip"])) as archive:
        assert "lib-2.0.dist-info/METADATA" in archive.namelist()


def test_several_targets_are_byte_identical_too(tmp_path: Path) -> None:
    """Trees that share blobs, and a standard library, leave no trace of place or process either."""
    options = ("--platform", "win_amd64", "--platform", "linux_x86_64", "--stdlib", "used")
    one, two = (copied(["click"], tmp_path / place) for place in ("one", "another place"))
    found = [
        _build([tree], tmp_path / seed / "app.bundle", *options, PYTHONHASHSEED=seed)
        for seed, tree in (("1", one), ("2", two))
    ]
    assert found[0] == found[1]
    assert str(tmp_path).encode() not in found[0]


def test_the_identity_is_that_of_the_content(tmp_path: Path) -> None:
    """A database and a zip of one tree have one identity; any change gives another."""
    tree = copied(["click"], tmp_path / "tree")

    def identity(packing: str, name: str, main: str = "click:echo") -> str:
        output = tmp_path / name
        _build([tree], output, "--format", packing, "--main", main)
        return litebundle.Bundle(output).identity

    expected = identity("sqlite", "a.bundle")
    assert identity("zip", "a.zip") == expected
    assert identity("sqlite", "b.bundle", "click:style") != expected
    with (tree / "click" / "core.py").open("a") as file:
        file.write("\n")
    assert identity("sqlite", "b.bundle") != expected
