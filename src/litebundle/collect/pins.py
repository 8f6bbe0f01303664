"""The versions that a lock pins, for whichever environment: whether it is one, and what fits it."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from packaging.pylock import Pylock, PylockValidationError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from litebundle.collect.locks import UV_LOCK, is_lock

_CONTINUED = re.compile(r"\\\r?\n")
_COMMENT = re.compile(r"(?:^|\s)#.*")


def misfits(path: Path, requirements: Iterable[Requirement]) -> list[str]:
    """Return a sentence for each requirement that the lock does not meet.

    A lock may pin several versions of a package, each for other environments. Raises ValueError
    for a file that is no lock, and OSError for one that cannot be read.
    """
    pins: defaultdict[str, list[Version]] = defaultdict(list)
    try:
        for name, version in _pins(path):
            # What comes from a directory or a repository has no version.
            pins[canonicalize_name(name)] += [Version(version)] if version else []
    except (PylockValidationError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error
    return [text for requirement in requirements if (text := _misfit(requirement, pins))]


def _misfit(requirement: Requirement, pins: Mapping[str, Sequence[Version]]) -> str | None:
    versions = pins.get(canonicalize_name(requirement.name))
    if versions is None:
        # One with a marker may be for an environment that the lock is not for.
        return None if requirement.marker else f"does not pin {requirement}"
    fits = [requirement.specifier.contains(version, prereleases=True) for version in versions]
    if all(fits) or (requirement.marker and any(fits)):
        return None
    return f"pins {requirement.name} {' and '.join(map(str, versions))}, not {requirement}"


def _pins(path: Path) -> Iterator[tuple[str, str | None]]:
    text = path.read_text("utf-8")
    if not is_lock(path):
        yield from _hashed(text)
    elif path.name == UV_LOCK:
        for package in tomllib.loads(text)["package"]:
            yield package["name"], package.get("version")
    else:
        for package in Pylock.from_dict(tomllib.loads(text)).packages:
            yield package.name, str(package.version) if package.version else None


def _hashed(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield what a requirements file pins, each by a hash (pip, "Hash-checking Mode")."""
    for line in _CONTINUED.sub(" ", text).splitlines():
        item = _COMMENT.sub("", line).strip()
        if not item or item.startswith("-"):
            continue
        wanted, *hashes = item.split(" --hash")
        requirement = Requirement(wanted.strip())
        pinned = [s.version for s in requirement.specifier if s.operator in ("==", "===")]
        if not hashes or not (pinned or requirement.url):
            raise ValueError(f"{requirement} is not pinned to one version and its hashes")
        yield requirement.name, pinned[0] if pinned else None
