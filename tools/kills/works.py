"""What is killed: a deploy, a rollback, and the making of a bundle from a patch."""

from pathlib import Path

from litebundle.builder import Options, build
from litebundle.deploy.history import History
from litebundle.deploy.patch import apply_patch, make_patch
from litebundle.deploy.replace import deploy, roll_back
from tools.kills.loop import Work

_VERSIONS = 3


class Bench:
    """Some versions of a bundle in a directory, and one of them in place."""

    def __init__(self, directory: Path, container: str) -> None:
        self.directory = directory
        self.target = directory / "place" / "app.bundle"
        self.versions = [self._built(number, container) for number in range(_VERSIONS)]
        self._known = {path.read_bytes() for path in self.versions}
        self.patch = directory / "patch"
        make_patch(self.versions[0], self.versions[1], self.patch)

    def works(self) -> dict[str, Work]:
        """Return what there is to kill, by name."""
        old, new = self.versions[1:]
        return {
            "deploy": Work(
                prepare=self._two_deployed,
                run=lambda: deploy(new, self.target, 1),
                check=lambda: self._check(old, new),
            ),
            "rollback": Work(
                prepare=self._two_deployed,
                run=lambda: roll_back(self.target),
                check=lambda: self._check(old, self.versions[0]),
            ),
            "patch": Work(
                prepare=self._two_deployed,
                run=lambda: apply_patch(self.versions[0], self.patch, self.target),
                check=lambda: self._check(old, self.versions[1]),
            ),
        }

    def _built(self, number: int, container: str) -> Path:
        source = self.directory / f"source{number}"
        source.mkdir(parents=True)
        for module in range(20):
            (source / f"m{module}.py").write_text(f"VALUE = {number * module}\n" * 50)
        options = Options(container="zip" if container == "zip" else "sqlite", jobs=1)
        build([source], self.directory / f"{number}.bundle", options)
        return self.directory / f"{number}.bundle"

    def _two_deployed(self) -> None:
        place = self.target.parent
        if place.exists():
            for path in (*History(self.target).directory.iterdir(), *place.glob(".*")):
                path.unlink()
            self.target.unlink()
            History(self.target).directory.rmdir()
        place.mkdir(exist_ok=True)
        deploy(self.versions[0], self.target, 1)
        deploy(self.versions[1], self.target, 1)

    def _check(self, old: Path, new: Path) -> None:
        assert self.target.read_bytes() in (old.read_bytes(), new.read_bytes())
        history = History(self.target)
        assert all(version.path.read_bytes() in self._known for version in history.versions())
        # Whatever was left, the next one works, and tidies up.
        deploy(self.versions[2], self.target, 3)
        assert self.target.read_bytes() == self.versions[2].read_bytes()
        roll_back(self.target)
        assert self.target.read_bytes() in self._known - {self.versions[2].read_bytes()}
        assert [path.name for path in self.target.parent.glob(".*")] == []
        assert [path.name for path in history.directory.glob(".*")] == []
