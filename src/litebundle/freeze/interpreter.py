"""The interpreter that a frozen program takes along: which one, and what it is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from litebundle.compile import interpreters
from litebundle.errors import BuildError
from litebundle.format.manifest import Target
from litebundle.inspect.bundle import Bundle
from litebundle.runtime.target import fits_platform

_BACKPORT = "backports.zstd"
_ASK = """
import sys
path = list(sys.path)
import json, os, sysconfig
from importlib.machinery import EXTENSION_SUFFIXES
json.dump({
    "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "prefixes": [sys.base_prefix, sys.base_exec_prefix],
    "path": path,
    "library": sysconfig.get_path("stdlib"),
    "version": ".".join(map(str, sys.version_info[:2])),
    "release": sys.version.partition(" ")[0],
    "tag": sys.implementation.cache_tag + getattr(sys, "abiflags", ""),
    "suffixes": EXTENSION_SUFFIXES,
    "builtins": sys.builtin_module_names,
}, sys.stdout)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """An installed CPython: its files, and where they belong below the prefix.

    `archive` is the zip that it looks for first ("lib/python313.zip"), by which it knows its prefix
    (Modules/getpath.py), `native` the directory of its extension modules ("lib/python3.13/
    lib-dynload"); both are relative to the prefix. `library` is the directory of its sources,
    `builtins` are the modules in the executable itself.
    """

    executable: Path
    version: str
    release: str
    tag: str
    archive: str
    native: str
    library: Path
    extensions: dict[str, Path]
    builtins: frozenset[str]

    @property
    def has_zstd(self) -> bool:
        """Whether its standard library undoes zstd (PEP 784)."""
        return "_zstd" in self.extensions or "_zstd" in self.builtins

    @property
    def command(self) -> str:
        """Where the executable belongs below the prefix."""
        return f"bin/python{self.version}"


def chosen(bundle: Bundle, wanted: str | None) -> Interpreter:
    """Return the interpreter asked for by path or version, else the first that the bundle is for.

    Raises BuildError if there is none, or if the bundle has no code for it.
    """
    targets = [target for target in bundle.targets if fits_platform(target.platform)]
    if not targets:
        raise BuildError(
            "for no Python of this platform",
            file=bundle.path,
            found=", ".join(map(str, bundle.targets)),
            hint="freeze on the platform that the program is for",
        )
    found = interpreter(interpreters.find(wanted) if wanted else _first(targets))
    if all(target.python != found.tag for target in targets):
        raise BuildError(
            f"has no code for {found.tag}, which {found.executable} is",
            file=bundle.path,
            found=", ".join(map(str, targets)),
            hint="name another one with --python, or build the bundle for it",
        )
    seen = bundle.seen_by(found.tag)
    brought = any(module.name == _BACKPORT for module in seen.modules())
    if seen.is_zstd and not found.has_zstd and not brought:
        raise BuildError(
            f"compressed with zstd, which CPython {found.version} cannot undo",
            file=bundle.path,
            hint=f"pack {_BACKPORT} into it, too, or build it with --compress zlib",
        )
    return found


def interpreter(python: str) -> Interpreter:
    """Return what the interpreter says of itself; raises BuildError if it cannot be taken along."""
    told = interpreters.ask(python, _ASK)
    try:
        [archive] = [_below(path, told["prefixes"]) for path in told["path"] if path[-4:] == ".zip"]
        [native] = [
            _below(path, told["prefixes"]) for path in told["path"] if path.endswith("lib-dynload")
        ]
    except ValueError:
        raise BuildError(
            "its path is not that of an installed CPython for Linux",
            file=python,
            found=" ".join(told["path"]),
            hint="choose another interpreter with --python",
        ) from None
    directory = next(Path(path) for path in told["path"] if path.endswith("lib-dynload"))
    library = Path(told["library"])
    if not (library / "encodings" / "__init__.py").is_file():
        raise BuildError(
            "the interpreter has no standard library of source files",
            file=str(library),
            hint="choose another interpreter with --python",
        )
    return Interpreter(
        executable=Path(told["executable"]),
        version=told["version"],
        release=told["release"],
        tag=told["tag"],
        archive=archive,
        native=native,
        library=library,
        extensions=_extensions(directory, told["suffixes"]),
        builtins=frozenset(told["builtins"]),
    )


def _first(targets: Sequence[Target]) -> str:
    """Return an interpreter for the first of the targets that this machine has one for."""
    for target in targets:
        digits = target.python.rpartition("-")[2].rstrip("t")
        try:
            return interpreters.find(f"{digits[0]}.{digits[1:]}")
        except BuildError as error:
            missing = error
    raise missing


def _below(path: str, prefixes: Sequence[str]) -> str:
    for prefix in prefixes:
        if Path(path).is_relative_to(prefix):
            return Path(path).relative_to(prefix).as_posix()
    raise ValueError(path)


def _extensions(directory: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """Return the extension modules of a directory by their names."""
    files = sorted(directory.iterdir()) if directory.is_dir() else []
    return {path.name.partition(".")[0]: path for path in files if path.name.endswith((*suffixes,))}
