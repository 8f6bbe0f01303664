"""Directories of tests that nothing outside them imports."""

import ast
import re
from collections.abc import Iterator, Sequence

from litebundle.collect.tree import Entry, Kind, Layer

_NAMES = ("tests", "test")
_MENTIONED = re.compile(rb"\btests?\b")


def test_directories(layers: Sequence[Layer]) -> set[str]:
    """Return the topmost directories called "tests" or "test" that can be left out.

    Those that a module outside imports stay: `django.test` is no test of Django, and some packages
    import their tests.
    """
    found = {path for layer in layers for entry in layer.entries for path in _topmost(entry.path)}
    sources = [e for layer in layers for e in layer.entries if e.kind is Kind.SOURCE]
    pending = [entry for entry in sources if not any(_topmost(entry.path))]
    while pending:
        imported = {path for entry in pending for path in _imports(entry)}
        needed = {directory for directory in found if _is_imported(directory, imported)}
        found -= needed
        # What stays may import the tests of others.
        pending = [e for e in sources if not needed.isdisjoint(_topmost(e.path))]
    return found


def _topmost(path: str) -> Iterator[str]:
    """Yield the topmost directory of tests that the path is in, if there is one."""
    directories = path.split("/")[:-1]
    for number, name in enumerate(directories, 1):
        if name in _NAMES:
            yield "/".join(directories[:number])
            return


def _is_imported(directory: str, imported: set[str]) -> bool:
    return any(f"{path}/".startswith(f"{directory}/") for path in imported)


def _imports(entry: Entry) -> Iterator[str]:
    """Yield, as paths, what the source imports and could be a test."""
    source = entry.read()
    if not _MENTIONED.search(source):
        return
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # it cannot import anything
    package = entry.path.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.replace(".", "/") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            parts = [*base, *(node.module or "").split(".")]
            for alias in node.names:
                yield "/".join(filter(None, [*parts, alias.name]))
