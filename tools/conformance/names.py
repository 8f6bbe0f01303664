"""Which tests there are for each rule, read from the sources: no environment is needed for it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tools.devtools.process import ROOT

SUITE = "tests/rules"
CPYTHON = "CPython"  # the group of CPython's own tests

_RULE = re.compile(r"test_rule_([FLIA]\d+)_")


def collect(suite: Path = ROOT / SUITE) -> dict[str, list[str]]:
    """Return the tests of each rule as `file::name`, in the order of the files."""
    found: dict[str, list[str]] = {}
    for path in sorted(suite.glob("test_*.py")):
        for name in _tests(ast.parse(path.read_bytes())):
            found.setdefault(group_of(name), []).append(f"{path.name}::{name}")
    return found


def group_of(name: str) -> str:
    """Return the rule that a test is named for, or CPYTHON."""
    rule = _RULE.search(name)
    return rule[1] if rule else CPYTHON


def _tests(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            methods = (each for each in node.body if isinstance(each, ast.FunctionDef))
            yield from (f"{node.name}::{m.name}" for m in methods if m.name.startswith("test_"))
