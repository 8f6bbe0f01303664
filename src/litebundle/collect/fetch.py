"""Packages settled on to wheels: from the cache, downloaded, or built from what they are."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import platformdirs
from packaging.utils import canonicalize_name, parse_wheel_filename

from litebundle.collect import tools
from litebundle.collect.environment import Environment
from litebundle.collect.locks import Pinned
from litebundle.collect.project import build_wheel
from litebundle.collect.requirements import platform_options
from litebundle.collect.tree import unreadable
from litebundle.errors import BuildError

_PIP_HASHES = ("sha256", "sha384", "sha512")
_INDEX = "check the network, and where pip gets packages from"
_CHANGED = "find out who changed it; only lock again if that is known"
_MISMATCH = "DO NOT MATCH THE HASHES"  # so says pip


def wheel_cache() -> Path:
    """Return where downloaded wheels are kept: `<SHA-256>/<name of the wheel>`."""
    return platformdirs.user_cache_path("litebundle", appauthor=False) / "wheels"


def fetched(pinned: Sequence[Pinned], environment: Environment, work: Path) -> list[Path]:
    """Return a wheel for each package, in their order.

    Wheels on this machine are used where they are, downloaded ones from the cache; those that are
    built for the occasion go below `work`. Raises BuildError, for a hash that differs too.
    """
    wheels: dict[str, Path] = {}
    absent, unbuilt = [], []
    for package in pinned:
        path = package.path
        if path and not path.exists():
            raise BuildError(
                "there is no such file or directory",
                file=str(path),
                hint=f"it is where the lock or index has {package.name}",
            )
        if path and path.is_dir():
            wheels[package.url] = build_wheel(path, work)
        elif not package.is_wheel:
            unbuilt.append(package)
        elif path:
            _require_hashes(package, path)
            wheels[package.url] = path
        elif found := _cached(package):
            wheels[package.url] = found
        else:
            absent.append(package)
    wheels |= _downloaded(absent, environment, work)
    wheels |= _built(unbuilt, environment, work)
    return [wheels[package.url] for package in pinned]


def _cached(package: Pinned) -> Path | None:
    """Return the wheel in the cache; one that was damaged there is not taken for it."""
    digest = package.hashes.get("sha256")
    path = wheel_cache() / digest / package.filename if digest else None
    return path if path and path.is_file() and not _differing(package, path) else None


def _downloaded(
    packages: Sequence[Pinned], environment: Environment, work: Path
) -> dict[str, Path]:
    """Have pip download wheels, and keep them in the cache."""
    if not packages:
        return {}
    with _beside_cache(work) as name:
        directory = Path(name)
        command = [*tools.pip(environment.python), "download", "--quiet", "--no-deps"]
        command += ["--dest", name, "--requirement", _written(packages, directory)]
        command += platform_options(environment)
        _run(command, "a download failed", hint=_INDEX)
        return {package.url: _kept(package, directory, work) for package in packages}


def _beside_cache(work: Path) -> "tempfile.TemporaryDirectory[str]":
    """Return a directory from which files can be moved into the cache, else one below `work`."""
    with contextlib.suppress(OSError):
        wheel_cache().mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=wheel_cache(), prefix=".")
    return tempfile.TemporaryDirectory(dir=work)


def _kept(package: Pinned, directory: Path, work: Path) -> Path:
    """Move a downloaded wheel to where it stays: the cache, if that can be, else `work`."""
    path = directory / package.filename
    _require_hashes(package, path)
    digest = package.hashes.get("sha256")
    for home in [wheel_cache() / digest] if digest else []:
        with contextlib.suppress(OSError):
            home.mkdir(exist_ok=True)
            return path.replace(home / path.name)
    return Path(shutil.move(path, tempfile.mkdtemp(dir=work)))


def _built(packages: Sequence[Pinned], environment: Environment, work: Path) -> dict[str, Path]:
    """Have pip build wheels of source distributions and repositories."""
    if not packages:
        return {}
    if environment.platform:
        raise BuildError(
            f"there is no wheel for {environment} of {', '.join(p.name for p in packages)}",
            hint="choose other versions, or build the wheels there",
        )
    directory = Path(tempfile.mkdtemp(dir=work))
    command = [*tools.pip(environment.python), "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    command += [str(directory), "--requirement", _written(packages, directory)]
    _run(command, "a package does not build", hint="look for a version that has a wheel")
    built = {parse_wheel_filename(path.name)[0]: path for path in directory.glob("*.whl")}
    return {package.url: built[canonicalize_name(package.name)] for package in packages}


def _run(command: Sequence[str], cause: str, *, hint: str) -> None:
    """Run pip; what it finds to be another file than was locked is no failure of its own."""
    try:
        tools.run(command, cause, hint=hint)
    except BuildError as error:
        if not any(_MISMATCH in problem for problem in error.problems):
            raise
        cause = "what was downloaded is not what was locked"
        raise BuildError(cause, problems=error.problems, hint=_CHANGED) from error


def _written(packages: Sequence[Pinned], directory: Path) -> str:
    """Write what pip is to get; it takes nothing else for a URL, and checks the hashes."""
    path = directory / "requirements.txt"
    lines = (
        " ".join(
            [f"{p.name} @ {p.url}", *(f"--hash={name}:{value}" for name, value in _accepted(p))]
        )
        for p in packages
    )
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return str(path)


def _accepted(package: Pinned) -> Iterator[tuple[str, str]]:
    """Yield those hashes that pip knows how to check; of several it wants to see one."""
    return ((name, package.hashes[name]) for name in _PIP_HASHES if name in package.hashes)


def _differing(package: Pinned, path: Path) -> list[str]:
    """Return a sentence for each hash that the file has not."""
    problems = []
    for name, expected in package.hashes.items():
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, name).hexdigest()
        except OSError as error:
            raise unreadable(path, error) from error
        except ValueError:
            found = "not known to this Python"
        if found != expected.lower():
            problems.append(f"{name}: expected {expected}, found {found}")
    return problems


def _require_hashes(package: Pinned, path: Path) -> None:
    if problems := _differing(package, path):
        raise BuildError(
            f"is not the file that was locked as {package.name}",
            file=str(path),
            problems=problems,
            hint=_CHANGED,
        )
