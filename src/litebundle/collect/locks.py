"""Packages settled on: what a lock, or a resolver, says is to be in the bundle."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

from packaging.pylock import (
    PackageDirectory,
    PackageVcs,
    Pylock,
    PylockSelectError,
    PylockValidationError,
    is_valid_pylock_path,
)

from litebundle.collect import tools
from litebundle.collect.environment import Environment
from litebundle.errors import BuildError

UV_LOCK = "uv.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A package, and the one URL it is to come from: of an archive, a directory, a repository.

    `hashes` of an archive are hexadecimal, by algorithm; the others have none.
    """

    name: str
    url: str
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def filename(self) -> str:
        """Name of the archive."""
        return unquote(urlsplit(self.url).path.rpartition("/")[2])

    @property
    def is_wheel(self) -> bool:
        """Tell whether it is a wheel, which needs no building."""
        return self.filename.endswith(".whl")

    @property
    def path(self) -> Path | None:
        """Where it is on this machine, if it is."""
        parts = urlsplit(self.url)
        return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def is_lock(path: Path) -> bool:
    """Tell by the name whether a file of requirements settles everything: pylock.toml, uv.lock."""
    return path.name == UV_LOCK or is_valid_pylock_path(path)


def locked(path: Path, environment: Environment) -> list[Pinned]:
    """Return what a lock has for the environment, without extras and optional groups.

    Raises BuildError for a lock that is none, and for one that has nothing for the environment.
    """
    if path.name == UV_LOCK:
        return parse_pylock(_exported(path, environment), path, environment)
    try:
        return parse_pylock(path.read_text("utf-8"), path, environment)
    except OSError as error:
        raise BuildError(
            f"cannot be read: {error.strerror}", file=str(path), hint="name a file that is there"
        ) from error
    except UnicodeDecodeError as error:
        raise _malformed(path, error) from error


def parse_pylock(text: str, path: Path, environment: Environment) -> list[Pinned]:
    """Parse a lock (PEP 751) for the environment; `path` is its own, and relative ones' base."""
    try:
        lock = Pylock.from_dict(tomllib.loads(text))
        return list(_pinned(lock, path.absolute().parent, environment))
    except (tomllib.TOMLDecodeError, PylockValidationError) as error:
        raise _malformed(path, error) from error
    except PylockSelectError as error:
        raise BuildError(
            f"is not for {environment}: {error}",
            file=str(path),
            hint="lock again for it, or choose with --python-version and --platform",
        ) from error


def _malformed(path: Path, error: Exception) -> BuildError:
    return BuildError(
        f"is no lock file: {error}", file=str(path), hint="write it again with the tool it is from"
    )


def _pinned(lock: Pylock, base: Path, environment: Environment) -> Iterator[Pinned]:
    selected = lock.select(environment=environment.markers, tags=environment.tags)
    for package, source in selected:
        url, hashes = source.path and (base / source.path).as_uri(), {}
        if isinstance(source, PackageVcs):
            url = f"{source.type}+{source.url or url}@{source.commit_id}"
        elif not isinstance(source, PackageDirectory):
            url, hashes = source.url or url, dict(source.hashes)
        if subdirectory := getattr(source, "subdirectory", None):
            url = f"{url}#subdirectory={quote(subdirectory)}"
        yield Pinned(name=package.name, url=str(url), hashes=hashes)


def _exported(path: Path, environment: Environment) -> str:
    """Return uv's lock in the common format, without what only developers install."""
    uv = tools.uv()
    if uv is None:
        raise BuildError(
            "only uv reads its lock files, and it is not here",
            file=str(path),
            hint="install uv, or export the lock as pylock.toml where it is",
        )
    if not path.is_file():
        raise BuildError("there is no such file", file=str(path), hint="run `uv lock` there")
    command = [uv, "export", "--quiet", "--frozen", "--no-default-groups", "--no-header"]
    command += ["--format", "pylock.toml", "--python", environment.python]
    return tools.run(
        [*command, "--directory", str(path.absolute().parent)],
        f"{path}: uv cannot read the lock",
        hint="run `uv lock` there",
    )
