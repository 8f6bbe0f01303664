"""Requirements to packages settled on: uv or pip resolves them, downloading as little as it can."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from packaging.markers import default_environment

from litebundle.collect import tools
from litebundle.collect.environment import Environment
from litebundle.collect.locks import Pinned, parse_pylock
from litebundle.errors import BuildError

Resolver = Literal["uv", "pip"]

_UNSATISFIED = "the requirements cannot be met"
_HINT = "correct the requirements; where packages come from is set as for {}"
_HASHED = re.compile(r"\s--hash[= ]")
_INCLUDED = re.compile(
    r"^\s*(?:-r|--requirement|-c|--constraint)[ =]?\s*(\S.*?)\s*(?: #.*)?$", re.MULTILINE
)

_MACHINE: tuple[Literal["sys_platform", "platform_machine"], ...] = (
    "sys_platform",
    "platform_machine",
)
_UV_PLATFORMS = {
    "win_amd64": "x86_64-pc-windows-msvc",
    "win_arm64": "aarch64-pc-windows-msvc",
    "win32": "i686-pc-windows-msvc",
}
_UV_GLIBC = (17, 28, *range(31, 41))
"""The versions 2.x of the C library that uv knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be resolved: requirements (PEP 508) and files of them, `deps`: and their own."""

    specifiers: Sequence[str]
    files: Sequence[Path]
    deps: bool = True


def resolve(
    wanted: Wanted, environment: Environment, resolver: Resolver | None = None
) -> list[Pinned]:
    """Return what meets the requirements, chosen by uv if it is here, else by pip.

    Files with hashes are pip's in any case, since uv does not check them when it resolves. Raises
    BuildError if there is nothing that meets them.
    """
    if hashed(wanted.files):
        if resolver == "uv":
            raise BuildError(
                "uv does not check the hashes of a requirements file when it resolves",
                hint="leave the choice of the resolver open, or use a pylock.toml",
            )
        resolver = "pip"
    uv = None if resolver == "pip" else tools.uv()
    if uv is not None:
        return _by_uv(uv, wanted, environment)
    if resolver == "uv":
        raise BuildError("uv is not here", hint="install it, or use --resolver pip")
    return _by_pip(wanted, environment)


def hashed(files: Sequence[Path]) -> bool:
    """Tell whether one of the files, or one that it includes, has hashes; raises BuildError."""
    pending = list(files)
    seen: set[Path] = set()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        try:
            text = path.read_text("utf-8", "replace")
        except OSError as error:
            raise BuildError(
                f"cannot be read: {error.strerror}",
                file=str(path),
                hint="name a file of requirements, as pip takes them",
            ) from error
        if _HASHED.search(text):
            return True
        included = (found.strip("\"'") for found in _INCLUDED.findall(text))
        pending += [path.parent / found for found in included if "://" not in found]
    return False


def _by_uv(uv: str, wanted: Wanted, environment: Environment) -> list[Pinned]:
    command = [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    command += ["--format", "pylock.toml", "--python", environment.python]
    command += ["--python-version", environment.markers["python_full_version"]]
    env = {}
    if environment.platform:
        command += ["--python-platform", _uv_platform(environment.platform)]
        command += ["--only-binary", ":all:"]  # nothing can be built for a machine that is not here
        if found := re.match(r"macosx_(\d+)_(\d+)", environment.platform):
            env["MACOSX_DEPLOYMENT_TARGET"] = ".".join(found.groups())
    if not wanted.deps:
        command.append("--no-deps")
    command += map(str, wanted.files)
    if wanted.specifiers:
        command.append("-")
    text = "".join(f"{specifier}\n" for specifier in wanted.specifiers)
    answer = tools.run(command, _UNSATISFIED, hint=_HINT.format("uv"), text=text, env=env)
    # Paths in the answer are relative to the working directory, as in what is printed for people.
    return parse_pylock(answer, Path("the answer of uv"), environment)


def _uv_platform(platform: str) -> str:
    """Return uv's name of a platform tag."""
    if platform in _UV_PLATFORMS:
        return _UV_PLATFORMS[platform]
    system, _, rest = platform.partition("_")
    if system == "macosx":
        return "aarch64-apple-darwin" if rest.endswith("arm64") else "x86_64-apple-darwin"
    if found := re.fullmatch(r"musllinux_\d+_\d+_(\w+)", platform):
        return f"{found[1]}-unknown-linux-musl"
    if found := re.fullmatch(r"manylinux_2_(\d+)_(\w+)", platform):
        known = [minor for minor in _UV_GLIBC if minor <= int(found[1])]
        return f"{found[2]}-manylinux_2_{known[-1]}" if known else f"{found[2]}-manylinux2014"
    return f"{rest}-manylinux2014"


def _by_pip(wanted: Wanted, environment: Environment) -> list[Pinned]:
    here = default_environment()
    if any(environment.markers[name] != here[name] for name in _MACHINE):
        raise BuildError(
            f"pip takes markers for this machine's, and cannot resolve for {environment.platform}",
            hint="install uv and give requirements without hashes, or a pylock.toml",
        )
    command = [*tools.pip(environment.python), "install", "--quiet", "--dry-run"]
    command += ["--ignore-installed", "--report", "-", *platform_options(environment)]
    if not wanted.deps:
        command.append("--no-deps")
    for path in wanted.files:
        command += ["--requirement", str(path)]
    command += wanted.specifiers
    answer = tools.run(command, _UNSATISFIED, hint=_HINT.format("pip"))
    return list(_reported(json.loads(answer)))


def _reported(report: dict[str, Any]) -> Iterator[Pinned]:
    """Yield what pip would install (pip.pypa.io, "Installation Report")."""
    for item in report["install"]:
        info = item["download_info"]
        url, hashes = info["url"], info.get("archive_info", {}).get("hashes", {})
        if vcs := info.get("vcs_info"):
            url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
        if subdirectory := info.get("subdirectory"):
            url = f"{url}#subdirectory={subdirectory}"
        yield Pinned(name=item["metadata"]["name"], url=url, hashes=hashes)


def platform_options(environment: Environment) -> list[str]:
    """Return the options that have pip take the environment's wheels, where it could not itself."""
    if environment.platform is None:
        return []
    options = ["--only-binary", ":all:", "--implementation", "cp"]
    options += ["--python-version", environment.markers["python_version"]]
    for abi in dict.fromkeys(tag.abi for tag in environment.tags):
        options += ["--abi", abi]
    for platform in environment.platforms:
        options += ["--platform", platform]
    return options
