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

TAG = str(sys.implementation.cache_tag)
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


@pytest.mark.fault(39)
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


# Stands in for another interpreter: bundles say for which implementation their code is.
OTHER_PYTHON = 'sys.implementation.name, sys.implementation.cache_tag = "other", "other-42"\n'


@pytest.mark.fault(39)
def test_rule_A7_code_for_another_python_is_compiled_from_source(
    library: Library, packed: str, expected: dict[int, list[str]]
) -> None:
    """Where there is code, but not for this Python, the source is compiled by its rules."""
    bundle = library.place(TREE, packed)
    assert shown(run(bundle, OTHER_PYTHON + SHOW)) == (expected[0], 6)


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


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("flags", "before", "versions"),
    [
        (["-OO"], "", (f"{TAG} -O2", f"{TAG} -O1")),
        (["-O"], OTHER_PYTHON, ("other-42 -O1", f"{TAG} -O1")),
    ],
    ids=["level", "python"],
)
def test_rule_A7_neither_code_nor_source_names_both_versions(
    library: Library,
    packed: str,
    flags: list[str],
    before: str,
    versions: tuple[str, str],
) -> None:
    """The error, no ImportError, says what this process needs, what is there, and what to do."""
    bundle = library.place(TREE, packed, optimize=(1,), sources=False)
    outcome = run(bundle, before + NO_CODE, flags=flags)
    lines = outcome.stdout.splitlines()
    assert outcome.stderr == ""
    assert [line.partition(":")[0] for line in lines[:6:2]] == ["BundleVersionError"] * 3
    assert lines[1:6:2] == ["False"] * 3
    message = lines[0]
    for part in (*versions, "leveled", "<root>", "hint: "):
        assert part in message
    assert lines[6] == "<root>/leveled.py"
