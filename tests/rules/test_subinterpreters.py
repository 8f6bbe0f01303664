"""L12, fault 36: interpreters beside the main one import from bundles, each for itself."""

from pathlib import Path

import pytest

from tests.rules.places import Tree
from tests.rules.probes import Compare

TREE: Tree = {
    "app/__init__.py": "RUNS = []\nRUNS.append(__name__)\nfrom . import core\n",
    "app/core.py": "from . import RUNS\nRUNS.append(__name__)\nimport app.core as itself\n",
    "app/late.py": "VALUE = 'late'\n",
    "app/fails.py": "raise ValueError('fails')\n",
    "app/data.txt": "data\n" * 1000,
    "space/leaf.py": "VALUE = 'leaf'\n",
    **{f"many/m{number}.py": f"VALUE = {number}\n" for number in range(100)},
    "many/__init__.py": "",
}

# `inside` runs code in an interpreter of its own; since 3.12 with a lock of its own (PEP 684).
INTERPRETERS = """
import threading
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
BEGIN = f"import sys; ROOT = {ROOT!r}; exec({PREPARE!r}); sys.path.insert(0, ROOT)"
CONFIG = {}
def inside(code):
    identifier = interpreters.create(**CONFIG)
    try:
        failure = interpreters.run_string(identifier, f"{BEGIN}\\n{code}")
        assert failure is None, failure
    finally:
        interpreters.destroy(identifier)
"""
LEGACY = """
if sys.version_info >= (3, 13):
    CONFIG["config"] = "legacy"
else:
    CONFIG["isolated"] = False
"""
USE = """
import importlib, pkgutil, traceback
import app.core, space.leaf
from importlib.resources import files
print(app.RUNS, app.core.itself is app.core, space.leaf.VALUE, app.__file__)
print(len(pkgutil.get_data("app", "data.txt")), files("app").joinpath("data.txt").is_file())
print([module.name for module in pkgutil.iter_modules(app.__path__)], importlib.reload(app.core))
try:
    import app.fails
except ValueError:
    print(traceback.format_exc(), "app.fails" in sys.modules)
import linecache
print(repr(linecache.getline(app.core.__file__, 1)), flush=True)
"""


@pytest.mark.fault(36)
@pytest.mark.parametrize("config", ["", LEGACY], ids=["isolated", "legacy"])
def test_rule_L12_an_interpreter_imports_from_a_bundle(compare: Compare, config: str) -> None:
    """Modules, data, resources, errors and source lines are what they are in the main one."""
    outcome = compare(f"{INTERPRETERS}{config}inside({USE!r})\n")
    expected = "['app', 'app.core'] True leaf <root>/app/__init__.py\n5000 True"
    assert outcome.stdout.startswith(expected)
    assert "raise ValueError('fails')" in outcome.stdout
    assert outcome.stdout.endswith("False\n'from . import RUNS\\n'\n")


@pytest.mark.fault(36)
def test_rule_L12_interpreters_share_no_modules(compare: Compare) -> None:
    """Each runs a module's code for itself, and sees nothing of the others'."""
    probe = """
import app
app.RUNS.append("main")
for number in range(3):
    inside(f"import app; app.RUNS.append({number}); print(app.RUNS, flush=True)")
print(app.RUNS, "app.late" in sys.modules)
inside("import app.late")
print("app.late" in sys.modules)
"""
    outcome = compare(INTERPRETERS + probe)
    last = "['app', 'app.core', 'main'] False\nFalse\n"
    assert outcome.stdout == "".join(f"['app', 'app.core', {n}]\n" for n in range(3)) + last


@pytest.mark.fault(36)
def test_rule_L12_interpreters_in_threads(compare: Compare) -> None:
    """Eight threads, each with an interpreter, import a hundred modules at the same time."""
    probe = '''
CODE = """
import importlib, os
total = sum(importlib.import_module(f"many.m{number}").VALUE for number in range(100))
os.write(1, b"%d\\\\n" % total)
"""
threads = [threading.Thread(target=inside, args=(CODE,)) for _ in range(8)]
for thread in threads:
    thread.start()
import importlib
total = sum(importlib.import_module(f"many.m{number}").VALUE for number in range(100))
for thread in threads:
    thread.join(50)
print(total, any(thread.is_alive() for thread in threads))
'''
    assert compare(INTERPRETERS + probe).stdout == "4950\n" * 8 + "4950 False\n"


@pytest.mark.fault(36)
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="/proc lists descriptors")
def test_rule_L12_interpreters_take_their_descriptors_with_them(compare: Compare) -> None:
    """One that has ended leaves no file open, and closes none of the others'."""
    probe = """
import os, app
def opened():
    return sorted(os.listdir("/proc/self/fd"))
before = opened()
for _ in range(5):
    inside("import app.core")
print(before == opened())
import app.late
print(app.late.VALUE)
"""
    assert compare(INTERPRETERS + probe).stdout == "True\nlate\n"
