"""L10: exceptions pass through an import unchanged, tracebacks and source lines included."""

import json
from typing import Any

import pytest

from tests.rules.places import Tree
from tests.rules.probes import Compare

RAISING: Tree = {
    "value.py": "VALUE = 1\nraise ValueError('value', VALUE)\n",
    "function.py": (
        "def outer(number):\n"
        "    return inner(\n"
        "        number,\n"
        "        1 / number,  # here\n"
        "    )\n"
        "\n"
        "def inner(*args):\n"
        "    return args\n"
        "\n"
        "class Body:\n"
        "    size = [outer(n) for n in (2, 1, 0)]\n"
    ),
    "cause.py": (
        "try:\n"
        "    {}['key']\n"
        "except KeyError as error:\n"
        "    raise RuntimeError('cause') from error\n"
    ),
    "context.py": "try:\n    {}['key']\nexcept KeyError:\n    undefined_name\n",
    "group.py": (
        "error = TypeError('inside')\n"
        "error.add_note('a note')\n"
        "raise ExceptionGroup('several', [error, OSError(2, 'missing', 'file')])\n"
    ),
    "importing.py": "import sys\nimport value\n",
    "importing_twice.py": "def later():\n    import importing\n\nlater()\n",
    "through_importlib.py": "from importlib import import_module\nimport_module('value')\n",
    "missing.py": "import no_such_module_anywhere\n",
    "missing_sub.py": "import pkg.nothing\n",
    "missing_name.py": "from pkg import nothing\n",
    "missing_in_module.py": "from top import nothing\n",
    "missing_relative.py": "from . import top\n",
    "no_package.py": "import top.sub\n",
    "own_import_error.py": "raise ImportError('mine', name='its name', path='its path')\n",
    "own_missing.py": "raise ModuleNotFoundError(\"No module named 'own_missing'\")\n",
    "beyond.py": "from .. import anything\n",
    "exits.py": "raise SystemExit(3)\n",
    "interrupts.py": "raise KeyboardInterrupt\n",
    "closes.py": "raise GeneratorExit\n",
    "asserts.py": "value = 3\nassert value == 4, 'a message'\n",
    "cleans_up.py": (
        "def clean():\n"
        "    raise OSError('second')\n"
        "\n"
        "try:\n"
        "    raise ValueError('first')\n"
        "finally:\n"
        "    clean()\n"
    ),
    "generator.py": "total = sum(1 // n for n in (1, 0))\n",
    "executes.py": "exec(compile('1 / 0', 'generated', 'exec'))\n",
    "top.py": "",
    "pkg/__init__.py": "",
    "pkg/bad.py": "raise ValueError('pkg.bad')\n",
    "pkg/relative.py": "from .bad import anything\n",
    "pkg/beyond.py": "from ... import anything\n",
    "bad_pkg/__init__.py": "from . import good\nraise ValueError('bad_pkg')\n",
    "bad_pkg/good.py": "",
    "caf\u00e9.py": "raise ValueError('caf\u00e9')  # \u65e5\u672c\n",
    "latin.py": "# coding: latin-1\nraise ValueError('caf\u00e9')\n".encode("latin-1"),
    "carriage.py": b"VALUE = 1\r\nraise ValueError(\r\n    'CRLF'\r\n)\r\n",
}

NOT_COMPILING: Tree = {
    "equals.py": "good = 1\nbad = = 2\n",
    "unclosed.py": "good = (1,\nbad = 2\n",
    "indent.py": "if True:\n    good = 1\n  bad = 2\n",
    "tabs.py": "if True:\n        good = 1\n\tbad = 2\n",
    "text.py": "bad = 'no end\n",
    "triple.py": "bad = '''no end\n\n",
    "f_string.py": "bad = f'{1 +}'\n",
    "returns.py": "good = 1\nreturn good  # outside\n",
    "awaits.py": "def function():\n    await good\n",
    "nonlocals.py": "nonlocal bad\n",
    "globals.py": "def function(bad):\n    global bad\n",
    "future.py": "from __future__ import no_such_feature\n",
    "late_future.py": "good = 1\nfrom __future__ import annotations\n",
    "twice.py": "def function(bad, bad):\n    pass\n",
    "breaks.py": "break\n",
    "star.py": "def function():\n    from os import *\n",
    "assigns.py": "f() = 1\n",
    "python2.py": "print 'old'\n",
    "cookie.py": "# coding: no-such-encoding\n",
    "bad_utf8.py": b"good = 1\nbad = '\xff'\n",
    "bad_bom.py": b"\xef\xbb\xbf# coding: latin-1\ngood = 1\n",
    "null.py": b"good = 1\0\n",
    "latin_bad.py": b"# coding: latin-1\ngood = 'caf\xe9'\nbad = 'caf\xe9' = 1\n",
    "carriage_bad.py": b"good = 1\r\nbad = = 2\r\n",
    "broken_pkg/__init__.py": "good = 1\nbad = = 2\n",
    "imports_broken.py": "import half_pkg.sub\n",
    "half_pkg/__init__.py": "",
    "half_pkg/sub.py": "class Body:\n    return 1\n",
}

WARNING: Tree = {
    "warns.py": "import warnings\nwarnings.warn('from the body')  # this line\n",
    "warns_caller.py": "import warnings\nwarnings.warn('blame the importer', stacklevel=2)\n",
    "imports_warning.py": "import warns_caller  # blamed\n",
    "warns_in_function.py": (
        "import warnings\n"
        "def old():\n"
        "    warnings.warn('old is old', DeprecationWarning, stacklevel=2)\n"
        "\n"
        "old()  # blamed\n"
    ),
    "warns_explicitly.py": (
        "import warnings\n"
        "warnings.warn_explicit('here', UserWarning, __file__, 2, module_globals=globals())\n"
    ),
}

TREE: Tree = {**RAISING, **NOT_COMPILING, **WARNING}

# Imports each module of a list, both ways, and tells everything about the exception.
EVERY_ERROR = """
import importlib, json, traceback
tree = {names}
def attempt(how, name):
    try:
        how(name)
    except BaseException as error:
        fields = "name path msg filename lineno offset end_lineno end_offset text errno code args"
        told = dict((field, repr(getattr(error, field, "none"))) for field in fields.split())
        if isinstance(error, SyntaxError):
            # The newline that ends the line is there only if the interpreter found a file.
            told["text"] = repr(error.text and error.text.removesuffix("\\n"))
            del told["args"]
        # importlib's own frames are left out: import_module shows them, for a directory too.
        frames = [
            (frame.f_code.co_filename, frame.f_code.co_name, line, frame.f_globals.get("__name__"))
            for frame, line in traceback.walk_tb(error.__traceback__)
            if "<frozen importlib" not in frame.f_code.co_filename
        ]
        left = sorted(n for n in sys.modules if n.partition(".")[0] in tree)
        try:
            lines = "".join(traceback.format_exception(error)).splitlines()
            shown = [line for line in lines if "<frozen importlib" not in line]
        except Exception as failure:
            shown = "cannot be shown: " + repr(failure)
        report = [type(error).__qualname__, told, frames, left, shown]
    else:
        report = ["no error"]
    for loaded in [n for n in sys.modules if n.partition(".")[0] in tree]:
        del sys.modules[loaded]
    return report
def statement(name):
    exec("import " + name)
print(json.dumps({{
    name: [attempt(statement, name), attempt(importlib.import_module, name)] for name in tree
}}))
"""


def modules_of(tree: Tree) -> list[str]:
    """Return the dotted names of the modules in a tree."""
    names = [name.removesuffix(".py").removesuffix("/__init__") for name in tree]
    return [name.replace("/", ".") for name in names]


def check(compare: Compare, tree: Tree, name: str) -> list[Any]:
    """Assert that importing `name` ends as from the directory, and return the statement's end."""
    probe = EVERY_ERROR.format(names=modules_of(tree))
    expected, found = (json.loads(outcome.stdout) for outcome in compare.both(probe))
    assert found[name] == expected[name]
    report: list[Any] = found[name][0]
    return report


@pytest.mark.fault(45)
@pytest.mark.parametrize(
    "name", [n for n in modules_of(RAISING) if n not in {"top", "pkg", "bad_pkg.good"}]
)
def test_rule_L10_what_a_module_raises_comes_out_unchanged(compare: Compare, name: str) -> None:
    """Type, message, fields, frames and printed traceback are those of the directory import."""
    assert check(compare, RAISING, name) != ["no error"]


@pytest.mark.fault(45)
@pytest.mark.parametrize("name", [n for n in modules_of(NOT_COMPILING) if n != "half_pkg"])
def test_rule_L10_what_does_not_compile_says_so_unchanged(compare: Compare, name: str) -> None:
    """A syntax error has its line, its columns and its text, and no frames of a loader."""
    report = check(compare, NOT_COMPILING, name)
    assert report[0] in {"SyntaxError", "IndentationError", "TabError", "ValueError"}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("importing_twice", 1),
        ("function", 1),
        ("cause", 1),
        ("missing_sub", 1),
        ("returns", 1),
        ("equals", 1),
        ("imports_broken", 1),
        ("exits", 3),
        ("interrupts", -2),
    ],
)
def test_rule_L10_what_nobody_catches_ends_the_process_as_ever(
    compare: Compare, name: str, status: int
) -> None:
    """Exit status and traceback on stderr are the same."""
    compare(f"import {name}\n", status=status)


@pytest.mark.parametrize(
    ("name", "blamed"),
    [
        ("warns", "<root>/warns.py:2: UserWarning: from the body"),
        ("imports_warning", "<root>/imports_warning.py:1: UserWarning: blame the importer"),
        ("warns_in_function", "<root>/warns_in_function.py:5: DeprecationWarning: old is old"),
        ("warns_explicitly", "<root>/warns_explicitly.py:2: UserWarning: here"),
    ],
)
def test_rule_L10_warnings_blame_the_same_line_and_show_it(
    compare: Compare, name: str, blamed: str
) -> None:
    """No frame of a loader comes between a module and its importer, and the source is shown."""
    assert blamed in compare(f"import {name}\n", flags=["-Walways"]).stderr
