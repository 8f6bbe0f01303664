"""The standard library of an interpreter: what a program uses of it, or all, as a layer.

Its sources only: extension modules stay with the interpreter, and so does what finds files beside
itself, what belongs to one installation, and what is there before any bundle is looked at.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from litebundle.collect.directory import walked
from litebundle.collect.tree import Entry, Kind, Layer
from litebundle.compile import interpreters
from litebundle.errors import BuildError

_ASK = """
import sys
there = sorted({name.partition(".")[0] for name in sys.modules})
import _imp, json, sysconfig
names = sorted(sys.stdlib_module_names)
json.dump({
    "release": sys.version.partition(" ")[0],
    "directory": sysconfig.get_path("stdlib"),
    "license": sys.base_prefix,
    "names": [n for n in names if n not in there and not _imp.is_frozen(n)],
}, sys.stdout)
"""
_STAYS = {
    "antigravity": "opens a browser",
    "distutils": "has the installation's own settings",
    "ensurepip": "has wheels beside it",
    "idlelib": "has its configuration beside it",
    "lib2to3": "has its grammars beside it",
    "pydoc": "tells the library by its directory",
    "pydoc_data": "has a style sheet beside it",
    "sitecustomize": "is the installation's",
    "sysconfig": "is about the installation",
    "test": "is no library",
    "turtle": "has its configuration beside it",
    "turtledemo": "has its configuration beside it",
    "usercustomize": "is the user's",
    "venv": "has its scripts beside it",
}
"""What is left to the interpreter's own directory; to leave out more costs time, and no result."""
_TESTS = {"test", "tests", "idle_test"}
_LICENSE = "LICENSE.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A layer of standard modules, for interpreters of exactly that release ("3.13.0") only."""

    release: str
    layer: Layer


def library(python: str, layers: Sequence[Layer], extent: Literal["used", "all"]) -> Library:
    """Return the interpreter's standard modules: all, or those the layers use, if only indirectly.

    Used is what the layers import anywhere, what importing that imports, and all of the packages of
    these: their modules are looked for nowhere else. What comes later, or by a computed name, is
    not found, and comes from the interpreter's directory.
    A name that the layers have themselves is theirs. Raises BuildError if there are no sources.
    """
    told = interpreters.ask(python, _ASK)
    directory = Path(told["directory"])
    if not (directory / "os.py").is_file():
        raise BuildError(
            "the interpreter has no standard library of source files",
            file=str(directory),
            hint="build without --stdlib, or with another --python-version",
        )
    own = {path.partition("/")[0].partition(".")[0] for path in _paths(layers)}
    names = set(told["names"]) - _STAYS.keys() - own
    there = {entry.path: entry for entry in _entries(directory, names)}
    if extent == "used":
        sources = (e for layer in layers for e in layer.entries if e.kind is Kind.SOURCE)
        there = _used(sources, there)
    entries = [*there.values(), *(_license(told, directory) if there else ())]
    parents = {str(above) for path in there for above in PurePosixPath(path).parents} - {"."}
    layer = Layer(
        source=directory,
        entries=tuple(sorted(entries, key=lambda entry: entry.path)),
        directories=tuple(sorted(parents)),
    )
    return Library(release=told["release"], layer=layer)


def _paths(layers: Iterable[Layer]) -> Iterator[str]:
    for layer in layers:
        yield from layer.directories
        yield from (entry.path for entry in layer.entries)


def _entries(directory: Path, names: set[str]) -> Iterator[Entry]:
    """Yield the sources of the modules and packages of those names."""
    for name in sorted(names):
        path = directory / f"{name}.py"
        if (directory / name / "__init__.py").is_file():
            [layer] = walked([directory / name])
            for entry in layer.entries:
                if entry.kind is Kind.SOURCE and _TESTS.isdisjoint(entry.path.split("/")):
                    yield _entry(f"{name}/{entry.path}", Path(entry.location))
        elif path.is_file():
            yield _entry(path.name, path)


def _entry(path: str, location: Path) -> Entry:
    size = location.stat().st_size
    return Entry(path=path, location=str(location), mode=0o644, size=size, kind=Kind.of(path))


def _license(told: dict[str, str], directory: Path) -> Iterator[Entry]:
    """Yield the license, which asks to be kept with what is under it."""
    for home in (directory, Path(told["license"])):
        if (home / _LICENSE).is_file():
            yield _entry(f"python-{told['release']}-{_LICENSE}", home / _LICENSE)
            return


def _used(sources: Iterable[Entry], there: dict[str, Entry]) -> dict[str, Entry]:
    """Return of what is there what the sources import, and what that imports in its turn."""
    found: dict[str, Entry] = {}
    pending = list(sources)
    while pending:
        entry = pending.pop()
        standard = there.get(entry.path) is entry
        for name in imported(entry.path, entry.read(), deep=not standard):
            for path in (f"{name}/__init__.py", f"{name}.py"):
                if path in there and path not in found:
                    found[path] = there[path]
                    pending.append(there[path])
    packages = {top for top, slash, _ in (path.partition("/") for path in found) if slash}
    return {path: there[path] for path in there if path in found or path.split("/")[0] in packages}


def imported(path: str, source: bytes, *, deep: bool) -> set[str]:
    """Return what a source imports, as paths without suffix, packages above them included.

    `deep` is whether what its functions import counts.
    """
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):  # also if written for a later Python
        return set()
    package = path.split("/")[:-1]
    names: set[str] = set()
    for statement in _statements(module, deep=deep):
        if isinstance(statement, ast.Import):
            names.update(alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            above = package[: len(package) - statement.level + 1] if statement.level else []
            base = ".".join([*above, *([statement.module] if statement.module else [])])
            names.update(f"{base}.{alias.name}" for alias in statement.names)
    return {
        "/".join(parts[:length])
        for parts in (name.split(".") for name in names)
        for length in range(1, len(parts) + 1)
    }


def _statements(node: ast.AST, *, deep: bool) -> Iterator[ast.stmt]:
    """Yield the statements below a node, also those in functions if `deep`."""
    pending: list[ast.AST] = [node]
    while pending:
        node = pending.pop()
        if not deep and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            below = getattr(node, field, ())
            if isinstance(below, list):  # a lambda's body is an expression
                pending += below
        if isinstance(node, ast.stmt):
            yield node
