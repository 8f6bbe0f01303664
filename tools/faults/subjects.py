"""What is killed: a build, a placing, and what puts a bundle in the place of another."""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from litebundle.builder import Options, build
from litebundle.deploy.history import History
from litebundle.deploy.patch import make_patch
from litebundle.deploy.replace import deploy, roll_back
from tools.faults.kills import Subject

_VERSIONS = 3


def building(base: Path, container: str) -> Subject:
    """Return the build of a few modules over an older bundle."""
    source = _source(base)
    target = base / container / "app.bundle"
    options = ("--format", container, "--no-launcher", "-q", "-j", "1")
    return Subject(
        name=f"build {container}",
        prepare=lambda: _leave(target, b"old\n"),
        arguments=("build", str(source), "-o", str(target), *options),
        state=lambda: _digest(target),
        directory=target.parent,
        aside=".*.tmp",
    )


def placing(base: Path) -> Subject:
    """Return the placing of a package's files, where nothing was."""
    bundle, directory = base / "placed.bundle", base / "placed"
    if not bundle.exists():
        build([_source(base)], bundle, Options(jobs=1))
    return Subject(
        name="place",
        prepare=lambda: _clear(directory),
        arguments=("place", str(bundle), "--to", str(directory)),
        state=lambda: _tree(directory),
        directory=directory,
        aside="*.tmp",
    )


def deploying(base: Path, container: str) -> Iterator[Subject]:
    """Yield a deploy over the second version, the way back to the first, and a patch to it."""
    place = _Place(base, container)
    first, _, third = map(str, place.versions)
    target = str(place.target)
    commands = {
        "deploy": ("deploy", third, target, "--keep", "1"),
        "rollback": ("rollback", target),
        "patch": ("patch", first, str(place.patch), "-o", target),
    }
    for name, arguments in commands.items():
        yield Subject(
            name=f"{name} {container}",
            prepare=place.prepare,
            arguments=arguments,
            state=lambda: _digest(place.target),
            directory=place.target.parent,
            aside="**/.*",
            check=place.check,
        )


class _Place:
    """Versions of a bundle, and where the second was deployed behind the first."""

    def __init__(self, base: Path, container: str) -> None:
        home = base / f"deploy {container}"
        home.mkdir()
        self.target = home / "place" / "app.bundle"
        self.patch = home / "patch"
        self.versions = [home / f"{number}.bundle" for number in range(_VERSIONS)]
        for number, path in enumerate(self.versions):
            source = home / f"source{number}"
            source.mkdir()
            for module in range(20):
                (source / f"m{module}.py").write_text(f"VALUE = {number * module}\n" * 50)
            build([source], path, Options(container=container, jobs=1))  # type: ignore[arg-type]
        self._known = {_digest(path) for path in self.versions}
        make_patch(self.versions[0], self.versions[2], self.patch)

    def prepare(self) -> None:
        """Deploy the first two versions where nothing is."""
        shutil.rmtree(self.target.parent, ignore_errors=True)
        self.target.parent.mkdir()
        for path in self.versions[:2]:
            deploy(path, self.target, 1)

    def check(self) -> None:
        """See that each kept version is whole, and that the next deploy works and tidies up."""
        history = History(self.target)
        assert all(_digest(version.path) in self._known for version in history.versions())
        last = self.versions[2]
        deploy(last, self.target, _VERSIONS)
        assert _digest(self.target) == _digest(last)
        roll_back(self.target)
        assert _digest(self.target) in self._known - {_digest(last)}
        assert [*self.target.parent.glob("**/.*")] == []


def _leave(target: Path, old: bytes) -> None:
    target.parent.mkdir(exist_ok=True)
    if not target.exists() or target.read_bytes() != old:
        target.write_bytes(old)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _clear(directory: Path) -> None:
    # What was left aside stays: the next one has to remove it
    directory.mkdir(mode=0o700, exist_ok=True)
    for path in directory.iterdir():
        if path.suffix != ".tmp":
            shutil.rmtree(path)


def _tree(directory: Path) -> str:
    """Return a digest over the placed files, without those aside."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        inside = path.relative_to(directory)
        if inside.parts[0].endswith(".tmp") or path.name == ".litebundle" or not path.is_file():
            continue
        digest.update(str(inside).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _source(base: Path) -> Path:
    source = base / "source"
    with contextlib.suppress(FileExistsError):
        (source / "pkg").mkdir(parents=True)
        (source / "pkg" / "__init__.py").write_text("open(__path__[0] + '/0.bin').close()\n")
        for number in range(30):
            (source / f"m{number}.py").write_text(f"VALUE = {[*range(number, 3000)]}\n")
            (source / "pkg" / f"{number}.bin").write_bytes(bytes([number]) * 20_000)
    return source
