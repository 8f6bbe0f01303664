"""What a bundle is built for: an interpreter and a platform, as markers and tags (PEP 508, 425)."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import packaging
from packaging.markers import Environment as Markers
from packaging.markers import default_environment
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms, sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from litebundle.compile import interpreters
from litebundle.errors import BuildError

_ASK = """
import json, sys
sys.path.append({directory!r})
from packaging import markers, tags
found = [[tag.interpreter, tag.abi, tag.platform] for tag in tags.sys_tags()]
json.dump([markers.default_environment(), found], sys.stdout)
"""
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}  # PEP 600
_LEGACY_MINOR = {alias: minor for minor, alias in _LEGACY.items()}
_OLDEST_GLIBC = 5
_LINUX = re.compile(
    r"(?:(?P<libc>manylinux(?:1|2010|2014|_2_(?P<glibc>\d+))|musllinux_1_(?P<musl>\d+))|linux)"
    r"_(?P<machine>[a-z]\w+)"
)
_MACOS = re.compile(r"macosx_(?P<major>\d+)_(?P<minor>\d+)_(?P<machine>arm64|x86_64)")
_WINDOWS = {"win_amd64": "AMD64", "win_arm64": "ARM64", "win32": "x86"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An interpreter that compiles, and what wheels and markers are chosen for.

    `platform` is a platform tag ("win_amd64") if it is not this machine's; `tags` are in the order
    of preference.
    """

    python: str
    platform: str | None
    markers: Markers
    tags: tuple[Tag, ...]

    def __str__(self) -> str:
        name = f"{self.markers['platform_python_implementation']} {self.markers['python_version']}"
        return f"{name} on {self.platform or self.tags[0].platform}"

    @property
    def platforms(self) -> list[str]:
        """The platform tags, preferred ones first."""
        return list(dict.fromkeys(tag.platform for tag in self.tags if tag.platform != "any"))

    def rank(self, wheel: Path) -> int | None:
        """Return how far behind the best tag the wheel's is, None if it is for others."""
        *_, wanted = _parsed(wheel)
        return next((rank for rank, tag in enumerate(self.tags) if tag in wanted), None)

    def require(self, wheel: Path) -> None:
        """Raise BuildError if the wheel is for others."""
        name, version, wanted = _parsed(wheel)
        if wanted.isdisjoint(self.tags):
            raise BuildError(
                f"is for {', '.join(sorted(map(str, wanted)))}, and the bundle for {self}",
                file=str(wheel),
                hint=f"get the wheel of {name} {version} that is for it,"
                " or choose with --python-version and --platform",
            )


def _parsed(wheel: Path) -> tuple[str, Version, frozenset[Tag]]:
    try:
        name, version, _, tags = parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise BuildError(
            f"is not named as wheels are: {error}",
            file=str(wheel),
            hint="give it the name that it was built under",
        ) from error
    return name, version, tags


def environment(python: str | None = None, platform: str | None = None) -> Environment:
    """Return the environment of an interpreter of this machine, by default the running one.

    The interpreter is named by its version or its path. Raises BuildError if there is no such one,
    or the platform is of no known kind.
    """
    python = interpreters.find(python) if python else sys.executable
    markers, own = _described(python)
    if platform is None or platform == own[0].platform:
        return Environment(python=python, platform=None, markers=markers, tags=own)
    return Environment(
        python=python,
        platform=platform,
        markers=cast("Markers", {**markers, **_platform_markers(platform)}),
        tags=_foreign_tags(markers["python_version"], own[0].abi, list(_accepted(platform))),
    )


def _described(python: str) -> tuple[Markers, tuple[Tag, ...]]:
    if python == sys.executable:
        return default_environment(), tuple(sys_tags())
    code = _ASK.format(directory=str(Path(packaging.__file__).parents[1]))
    markers, found = interpreters.ask(python, code)
    return markers, tuple(Tag(*tag) for tag in found)


def _platform_markers(platform: str) -> dict[str, str]:
    """Return those environment markers that depend on the platform (PEP 508)."""
    unknown = {"platform_release": "", "platform_version": ""}
    if machine := _WINDOWS.get(platform):
        system = {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"}
        return {**unknown, **system, "platform_machine": machine}
    if found := _MACOS.fullmatch(platform):
        system = {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin"}
        return {**unknown, **system, "platform_machine": found["machine"]}
    if found := _LINUX.fullmatch(platform):
        system = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"}
        return {**unknown, **system, "platform_machine": found["machine"]}
    raise BuildError(
        f"{platform} is no platform tag of wheels for Linux, macOS or Windows",
        hint="use one like manylinux_2_28_x86_64, musllinux_1_2_aarch64, macosx_11_0_arm64"
        " or win_amd64",
    )


def _accepted(platform: str) -> Iterator[str]:
    """Yield the tags of the wheels that run on the platform, the preferred ones first."""
    if found := _MACOS.fullmatch(platform):
        yield from mac_platforms((int(found["major"]), int(found["minor"])), found["machine"])
    elif (found := _LINUX.fullmatch(platform)) and found["libc"]:
        machine = found["machine"]
        if minor := found["musl"]:
            yield from (f"musllinux_1_{older}_{machine}" for older in range(int(minor), -1, -1))
        else:
            newest = int(found["glibc"] or _LEGACY_MINOR[found["libc"]])
            for older in range(newest, _OLDEST_GLIBC - 1, -1):
                yield f"manylinux_2_{older}_{machine}"
                if older in _LEGACY:
                    yield f"{_LEGACY[older]}_{machine}"
        yield f"linux_{machine}"
    else:
        yield platform


def _foreign_tags(version: str, abi: str, platforms: list[str]) -> tuple[Tag, ...]:
    major, minor = map(int, version.split("."))
    python = (major, minor)
    return (
        *cpython_tags(python, [abi], platforms),
        *compatible_tags(python, f"cp{major}{minor}", platforms),
    )
