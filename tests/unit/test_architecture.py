"""Who may import whom: the rules of the folders, read from the sources (see test_footprint.py)."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import litebundle

_SOURCE = Path(litebundle.__file__).parent
_LOADER = ("format", "runtime")  # what runs inside a deployed app
_CANONICAL = "format/canonical.py"

_EXCEPTIONS = {
    # Built into every Python, and only a program that is started gets here.
    "runtime/collection.py": "gc",
    "runtime/ending.py": "gc",
    # Every program that places files has os already, and only placed packages get here.
    "runtime/cache.py": "os",
    "runtime/files.py": "os",
    "runtime/marker.py": "os",
    "runtime/memory.py": "os",
    "runtime/placing.py": "os",
    "runtime/unpacked.py": "os",
    # Only importlib.resources asks for readers, and then these are there; metadata for real paths.
    "runtime/resources.py": "importlib",
    "runtime/placed.py": "pathlib",
}


@dataclass(frozen=True, kw_only=True)
class Import:
    """A module that a file imports; `early` if it does so when it is imported itself."""

    file: str
    line: int
    module: str
    early: bool
    relative: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


class _Finder(ast.NodeVisitor):
    """Collect the imports of one file. Those for type checkers are not made, and not counted."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._early = True
        self.found: list[Import] = []

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        early, self._early = self._early, False
        self.generic_visit(node)
        self._early = early

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef  # noqa: N815  # the visitor's names

    def visit_If(self, node: ast.If) -> None:
        test = ast.unparse(node.test)
        if test == "__name__ == '__main__'":
            return  # run as a script, in a process of its own
        body = [] if test == "TYPE_CHECKING" else node.body
        for statement in (*body, *node.orelse):
            self.visit(statement)

    def visit_Call(self, node: ast.Call) -> None:
        if ast.unparse(node.func) == "__import__" and isinstance(node.args[0], ast.Constant):
            self._add(node, str(node.args[0].value))
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            package = ("litebundle", *Path(self._file).parent.parts)
            above = package[: len(package) - node.level + 1]
            module = ".".join((*above, *([module] if module else [])))
        self._add(node, module)
        for alias in node.names:
            if (_SOURCE.parent / module.replace(".", "/") / f"{alias.name}.py").exists():
                self._add(node, f"{module}.{alias.name}")

    def _add(self, node: ast.Import | ast.ImportFrom | ast.Call, module: str) -> None:
        relative = isinstance(node, ast.ImportFrom) and node.level > 0
        self.found.append(
            Import(
                file=self._file,
                line=node.lineno,
                module=module,
                early=self._early,
                relative=relative,
            )
        )


@cache
def _imports() -> tuple[Import, ...]:
    """Return all imports of all our sources."""
    found: list[Import] = []
    for path in sorted(_SOURCE.rglob("*.py")):
        finder = _Finder(path.relative_to(_SOURCE).as_posix())
        finder.visit(ast.parse(path.read_bytes()))
        found += finder.found
    return tuple(found)


def _of(*folders: str) -> Iterator[Import]:
    return (found for found in _imports() if found.file.partition("/")[0] in folders)


def _is(module: str, *packages: str) -> bool:
    """Tell whether a module is one of these of our own, or inside one of them."""
    return any(
        (module + ".").startswith(f"litebundle.{package}." if package else "litebundle.")
        for package in packages
    )


@cache
def _bare() -> frozenset[str]:
    """Return the modules that the running interpreter has when nothing was imported."""
    command = [sys.executable, "-I", "-S", "-c", "import sys; print(*sys.modules)"]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    # Windows' name for it: a file that tries one and then the other has whichever is there.
    return frozenset(listed.split()) | {"posix", "nt"}


def test_the_rules_look_at_what_is_there() -> None:
    """Imports of every kind are seen: a rule over no imports would always hold."""
    assert {found.file.partition("/")[0] for found in _imports()} >= {*_LOADER, "write", "inspect"}
    seen = {(found.file, found.module, found.early) for found in _imports()}
    assert ("runtime/archive.py", "sys", True) in seen
    assert ("runtime/archive.py", "litebundle.format.listing", True) in seen
    assert ("runtime/containers.py", "litebundle.runtime.pages", False) in seen
    assert ("runtime/finder.py", "litebundle.format.listing", True) in seen
    assert ("runtime/descriptor.py", "posix", True) in seen  # in a try
    assert ("write/sqlite.py", "apsw", True) in seen
    assert not any(found.module == "collections.abc" for found in _of("runtime"))
    assert "os" not in _bare()


def test_the_loader_needs_nothing_but_a_bare_interpreter() -> None:
    """Importing runtime/ and format/ loads nothing that `python -I -S` has not already."""
    assert [
        str(found)
        for found in _of(*_LOADER)
        if found.early
        and not _is(found.module, "")
        and found.module not in _bare()
        and found.file != _CANONICAL
        and _EXCEPTIONS.get(found.file) != found.module
    ] == []


def test_the_loader_needs_nothing_of_the_builder() -> None:
    """runtime/ imports of our own only itself, format/ and errors, even inside functions."""
    allowed = {"format": ("format", "errors"), "runtime": ("runtime", "format", "errors")}
    assert [
        str(found)
        for folder in _LOADER
        for found in _of(folder)
        if _is(found.module, "") and not _is(found.module, *allowed[folder])
    ] == []


def test_the_loader_knows_itself_by_no_name() -> None:
    """Its own modules are imported relatively: it runs under another name inside a bundle."""
    assert [str(f) for f in _of(*_LOADER) if _is(f.module, "") and not f.relative] == []


def test_the_canonical_encoding_needs_only_builtins() -> None:
    """It also runs in the worker processes, which import nothing else."""
    assert [
        str(found)
        for found in _imports()
        if found.file == _CANONICAL
        and found.module not in sys.builtin_module_names
        and found.module not in _bare()
    ] == []


@pytest.mark.parametrize("file", [*_EXCEPTIONS, _CANONICAL])
def test_exceptions_are_not_loaded_with_the_rest(file: str) -> None:
    """What needs more is imported where it is needed, not by importing something else."""
    module = "litebundle." + file.removesuffix(".py").replace("/", ".")
    rest = [f for f in _of(*_LOADER) if f.file not in _EXCEPTIONS]
    assert [str(f) for f in rest if f.module == module and f.early] == []


@pytest.mark.parametrize(("file", "module"), _EXCEPTIONS.items())
def test_exceptions_are_needed(file: str, module: str) -> None:
    """A file that has no need to be one any more is taken off the list."""
    assert module not in _bare()
    assert any(found.file == file and found.module == module for found in _imports())


def test_nothing_imports_the_command_line() -> None:
    """cli/ is the last in the chain: only `python -m litebundle` starts it."""
    assert {
        found.file
        for found in _imports()
        if _is(found.module, "cli") and not found.file.startswith("cli/")
    } <= {"__main__.py"}


def test_apsw_is_named_in_two_places() -> None:
    """SQLite the engine writes and inspects bundles; no one else depends on it."""
    assert [
        str(found)
        for found in _imports()
        if found.module.partition(".")[0] == "apsw"
        and found.file != "write/sqlite.py"
        and not found.file.startswith("inspect/")
    ] == []


def test_errors_and_the_package_need_nothing() -> None:
    """`import litebundle` and its errors load no module but themselves."""
    assert [str(f) for f in _imports() if f.file in ("__init__.py", "errors.py") and f.early] == []
