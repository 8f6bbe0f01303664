"""Requirements: what uv and pip choose, and how they are told of what cannot be."""

import hashlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from litebundle.collect import tools
from litebundle.collect.environment import environment
from litebundle.collect.locks import Pinned
from litebundle.collect.requirements import Resolver, Wanted, resolve
from litebundle.errors import BuildError
from tests.unit.collect.projects import project
from tests.unit.collect.wheels import Wheel

Resolve = Callable[..., list[Pinned]]


@pytest.fixture
def resolved(links: Path, resolver: Resolver) -> Resolve:
    """Return a function that resolves with one of the resolvers, of a few packages."""
    Wheel(name="app", requires=["lib>=2", "win; sys_platform == 'win32'"]).write(links)
    for version in ("1.0", "2.0", "3.0"):
        Wheel(name="lib", version=version).write(links)
    Wheel(name="win").write(links)
    Wheel(name="old", requires=["lib<2"]).write(links)

    def run(
        *specifiers: str, files: Sequence[Path] = (), deps: bool = True, **chosen: Any
    ) -> list[Pinned]:
        wanted = Wanted(specifiers=specifiers, files=files, deps=deps)
        found = resolve(wanted, environment(**chosen), resolver)
        return sorted(found, key=lambda package: package.name)

    return run


def names(found: list[Pinned]) -> list[str]:
    """Return the file names."""
    return [package.filename for package in found]


def test_requirements_bring_theirs(resolved: Resolve, links: Path) -> None:
    """The newest that fit, for this environment, each with the hash of its one file."""
    found = resolved("app==1.0")
    assert names(found) == ["app-1.0-py3-none-any.whl", "lib-3.0-py3-none-any.whl"]
    assert [package.path for package in found] == [links / name for name in names(found)]
    for package in found:
        content = (links / package.filename).read_bytes()
        assert package.hashes == {"sha256": hashlib.sha256(content).hexdigest()}


def test_they_bring_nothing_if_so_asked(resolved: Resolve) -> None:
    """Only what is named."""
    assert names(resolved("app==1.0", deps=False)) == ["app-1.0-py3-none-any.whl"]


def test_files_and_arguments_are_resolved_together(
    resolved: Resolve, links: Path, tmp_path: Path
) -> None:
    """One bound counts for all: for a wheel by its place (`NAME @ URL`), for a local package."""
    top = project(tmp_path / "top", requires=("lib<3",))
    path = tmp_path / "requirements.txt"
    path.write_text(f"{top}\nwin  # what it is about\n")
    url = (links / "app-1.0-py3-none-any.whl").as_uri()
    app, lib, proj, win = resolved(f"app @ {url}", files=[path])
    assert app.url == url
    assert lib.filename == "lib-2.0-py3-none-any.whl"
    assert (proj.name, proj.path, proj.hashes) == ("proj", top, {})
    assert win.filename == "win-1.0-py3-none-any.whl"


def test_what_cannot_be_met_is_told(resolved: Resolve) -> None:
    """With the resolver's own reasons, and no trace of how it got there."""
    with pytest.raises(BuildError) as caught:
        resolved("app==1.0", "old==1.0")
    assert caught.value.message == "the requirements cannot be met"
    problems = "\n".join(caught.value.problems)
    assert "app" in problems
    assert "old" in problems
    assert "Traceback" not in problems


def test_a_file_that_is_not_there_is_told(resolved: Resolve, tmp_path: Path) -> None:
    """By its name, before anything is resolved."""
    with pytest.raises(BuildError, match="cannot be read: No such file") as caught:
        resolved(files=[tmp_path / "none.txt"])
    assert caught.value.file == str(tmp_path / "none.txt")


def test_another_python_has_its_own(resolved: Resolve, links: Path) -> None:
    """Markers and tags are that interpreter's."""
    other = next((v for v in ("3.11", "3.12", "3.13") if v != sys.version[:4]), "")
    try:
        environment(other)
    except BuildError:
        pytest.skip("there is only one Python here")
    Wheel(name="multi", requires=[f"win; python_version == '{other}'"]).write(links)
    assert [package.name for package in resolved("multi>0")] == ["multi"]
    assert [p.name for p in resolved("multi>0", python=other)] == ["multi", "win"]


def test_another_platform_is_uvs(resolved: Resolve, links: Path, resolver: Resolver) -> None:
    """Its wheels and markers are chosen; pip cannot, and says so rather than take others."""
    other = "macosx_11_0_arm64" if sys.platform == "win32" else "win_amd64"
    if resolver == "pip":
        with pytest.raises(BuildError, match="pip takes markers for this machine's"):
            resolved("app>0", platform=other)
        return
    Wheel(name="native", tag=f"py3-none-{other}").write(links)
    Wheel(name="native", tag="py3-none-any").write(links)
    found = resolved("native>0", "app>0", platform=other)
    assert f"native-1.0-py3-none-{other}.whl" in names(found)
    assert ("win" in {package.name for package in found}) is (other == "win_amd64")


def test_a_platform_of_this_kind_of_machine(resolved: Resolve, links: Path) -> None:
    """Both can choose older or newer ones of the same system."""
    tag = environment().platforms[0]
    if not tag.startswith(("manylinux", "linux")):
        pytest.skip("there are no two of it")
    machine = environment().markers["platform_machine"]
    for minor in (17, 28, 99):
        Wheel(
            name="native", version=f"{minor}", tag=f"py3-none-manylinux_2_{minor}_{machine}"
        ).write(links)
    found = resolved("native>0", platform=f"manylinux_2_28_{machine}")
    assert names(found) == [f"native-28-py3-none-manylinux_2_28_{machine}.whl"]


@pytest.mark.parametrize("nested", [False, True])
def test_hashes_in_a_file_are_checked(links: Path, tmp_path: Path, nested: bool) -> None:
    """Whatever resolver there is: those of the file decide, also of one that it includes."""
    wheel = Wheel(name="app").write(links)
    good = hashlib.sha256(wheel.read_bytes()).hexdigest()
    path = tmp_path / "locked.txt"
    top = tmp_path / "requirements.txt" if nested else path
    if nested:
        top.write_text("-r locked.txt\n")
    path.write_text(f"app==1.0 \\\n    --hash=sha256:{good}\n")
    wanted = Wanted(specifiers=(), files=[top])
    assert [package.hashes for package in resolve(wanted, environment())] == [{"sha256": good}]
    path.write_text(f"app==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(BuildError) as caught:
        resolve(wanted, environment())
    assert f"Expected sha256 {'0' * 64}" in "".join(caught.value.problems)
    assert good in "".join(caught.value.problems)
    with pytest.raises(BuildError, match="uv does not check the hashes"):
        resolve(wanted, environment(), "uv")


def test_a_resolver_that_was_asked_for_has_to_be_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one could choose other packages."""
    monkeypatch.setattr(tools, "uv", lambda: None)
    with pytest.raises(BuildError, match="uv is not here"):
        resolve(Wanted(specifiers=["x==1"], files=()), environment(), "uv")
