"""A7 and A8: which code runs, stored or compiled, at which level of optimization."""

import itertools
import sys

import pytest

from tests.rules.places import Library, Tree
from tests.rules.probes import Outcome, run

TREE: Tree = {
    "leveled.py": (
        '"""The docstring."""\n'
        "ASSERTED = []\n"
        "assert ASSERTED.append('yes') is None\n"
        "DEBUG = __debug__\n"
        "def function():\n"
        '    """Its docstring."""\n'
    ),
    "pkg/__init__.py": "",
    "pkg/sub.py": "try:\n    assert 0\n    RAN = 0\nexcept AssertionError:\n    RAN = 1\n",
    # A `from __future__` of the loader's own file, inherited by compile(), would hide this error.
    "evaluates.py": "try:\n    value: undefined = 1\nexcept NameError:\n    EVALUATED = True\n",
    "latin.py": "# coding: latin-1\nVALUE = 'caf\u00e9'\n".encode("latin-1"),
    "crlf.py": b"VALUE = '''a\r\nb'''\r\n",
}

# What the code shows of its level, and which files were compiled while it was imported.
SHOW = """
compiled = []
def watch(event, args):
    if event == "compile" and str(args[1]).startswith(ROOT):
        compiled.append(args[1])
sys.addaudithook(watch)
import leveled, pkg.sub, evaluates, latin, crlf
print(leveled.__doc__, leveled.ASSERTED, leveled.DEBUG, leveled.function.__doc__)
print(pkg.sub.RAN, evaluates.EVALUATED, latin.VALUE, crlf.VALUE)
print("compiled", len(compiled))
"""

FLAGS: dict[int, list[str]] = {0: [], 1: ["-O"], 2: ["-OO"]}
LEVELS = [(0,), (1,), (2,), (0, 1, 2)]


def shown(outcome: Outcome) -> tuple[list[str], int]:
    """Split what SHOW printed into what the code says and how many files were compiled."""
    assert outcome.status == 0, outcome.stderr
    *lines, last = outcome.stdout.splitlines()
    return lines, int(last.removeprefix("compiled "))


@pytest.fixture(scope="module")
def expected(library: Library) -> dict[int, list[str]]:
    """Return what the modules say at each level, imported from the directory."""
    source = library.source(TREE)
    found = {level: shown(run(source, SHOW, flags=FLAGS[level])) for level in FLAGS}
    assert all(compiled == 6 for _, compiled in found.values())
    assert len({str(lines) for lines, _ in found.values()}) == len(FLAGS)
    return {level: lines for level, (lines, _) in found.items()}


@pytest.mark.parametrize(
    ("stored", "level"), list(itertools.product(LEVELS, FLAGS)), ids=lambda value: f"O{value}"
)
def test_rule_A8_code_is_of_the_interpreters_level(
    library: Library,
    packed: str,
    expected: dict[int, list[str]],
    stored: tuple[int, ...],
    level: int,
) -> None:
    """-O and -OO get their level: from the bundle if it is stored, else compiled from source."""
    bundle = library.place(TREE, packed, optimize=stored)
    lines, compiled = shown(run(bundle, SHOW, flags=FLAGS[level]))
    assert lines == expected[level]
    # A7: what is stored is not compiled, and what is not stored is.
    assert (compiled == 0) == (level in stored)


@pytest.mark.parametrize("level", FLAGS)
def test_rule_A8_without_sources_the_stored_level_runs(
    library: Library, packed: str, expected: dict[int, list[str]], level: int
) -> None:
    """A bundle of code alone serves every level that it has."""
    bundle = library.place(TREE, packed, optimize=(0, 1, 2), sources=False)
    assert shown(run(bundle, SHOW, flags=FLAGS[level])) == (expected[level], 0)


NO_CODE = """
import traceback
for name in ("leveled", "pkg.sub", "leveled"):
    try:
        try:
            __import__(name)
        except ImportError:
            print("swallowed")
    except Exception as error:
        print(f"{type(error).__name__}: {error}".replace("\\n", " / "))
    print(name in sys.modules)
import importlib.util
print(importlib.util.find_spec("leveled").origin)
"""


def test_rule_A7_neither_code_nor_source_names_both_versions(library: Library, packed: str) -> None:
    """The error, no ImportError, says what this process needs, what is there, and what to do."""
    bundle = library.place(TREE, packed, optimize=(1,), sources=False)
    outcome = run(bundle, NO_CODE, flags=["-OO"])
    lines = outcome.stdout.splitlines()
    assert outcome.stderr == ""
    assert [line.partition(":")[0] for line in lines[::2][:3]] == ["BundleVersionError"] * 3
    assert "swallowed" not in lines
    assert lines[1] == lines[3] == lines[5] == "False"
    message = lines[0]
    tag = str(sys.implementation.cache_tag)
    assert message.count(tag) == 2
    assert "leveled" in message
    assert "<root>" in message
    assert "hint: " in message
    assert lines[6] == "<root>/leveled.py"
