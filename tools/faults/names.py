"""Which tests inject which fault, read from their marks: no environment is needed for it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.devtools.process import ROOT

SUITE = ROOT / "tests"

Marks = dict[str, set[int]]
"""Test, as `rules/test_hook.py::test_name`, to the rows it injects."""


def collect(suite: Path = SUITE) -> Marks:
    """Return the rows of every test that is marked with one, in the order of the files.

    A mark is `@pytest.mark.fault(1, 2)` on a test, or a `pytestmark` of the whole file.
    """
    found: Marks = {}
    for path in sorted(suite.rglob("test_*.py")):
        text = path.read_bytes()
        if b"mark.fault(" not in text:
            continue
        tree = ast.parse(text)
        shared = {row for node in tree.body for row in _of_file(node)}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                rows = shared | {row for each in node.decorator_list for row in _rows(each)}
                if rows:
                    found[f"{path.relative_to(suite).as_posix()}::{node.name}"] = rows
    return found


def _of_file(node: ast.stmt) -> Iterator[int]:
    if isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
    ):
        for inner in ast.walk(node.value):
            yield from _rows(inner)


def _rows(node: ast.AST) -> Iterator[int]:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.fault":
        yield from map(ast.literal_eval, node.args)
