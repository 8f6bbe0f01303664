"""Fault 38: what still imports, reads or lets go of a bundle while the interpreter ends."""

import pytest

from tests.rules.places import Tree
from tests.rules.probes import Compare

TREE: Tree = {
    "app/__init__.py": "",
    "app/late.py": "VALUE = 'late'\n",
    "app/later.py": "from . import late\nVALUE = 'later'\n",
    "app/data.txt": "data\n",
    "app/fails.py": "def fail():\n    raise ValueError('fails')\n",
    "registers.py": (
        "import atexit\n"
        "@atexit.register\n"
        "def leave():\n"
        "    import importlib, pkgutil, traceback\n"
        "    import app.later, app.fails\n"
        "    print(app.later.VALUE, pkgutil.get_data('app', 'data.txt'))\n"
        "    print(importlib.reload(app.later))\n"
        "    print([module.name for module in pkgutil.iter_modules(app.__path__)])\n"
        "    try:\n"
        "        app.fails.fail()\n"
        "    except ValueError:\n"
        "        traceback.print_exc()\n"
    ),
    "dies.py": (
        "import sys\n"
        "class Dies:\n"
        "    def __del__(self, write=sys.stderr.write):\n"
        "        for action in import_it, import_again, read, lines, source:\n"
        "            try:\n"
        "                write(f'{action.__name__}: {action()!r}\\n')\n"
        "            except Exception as error:\n"
        "                write(f'{action.__name__}: {type(error).__name__}: {error}\\n')\n"
        "def import_it():\n"
        "    from app.late import VALUE\n"
        "    return VALUE\n"
        "def import_again():\n"
        "    import app.later\n"
        "    return app.later.VALUE\n"
        "def read(loader=__loader__, path=__file__):\n"
        "    return loader.get_data(path)[:10]\n"
        "def source(loader=__loader__):\n"
        "    return loader.get_source('dies')[:10]\n"
        "def lines(path=__file__):\n"
        "    import linecache\n"
        "    return linecache.getline(path, 1)\n"
    ),
    "fades.py": (
        "import warnings, weakref\n"
        "class Thing:\n"
        "    pass\n"
        "THING = Thing()\n"
        "def warn():\n"
        "    import app.late\n"
        "    warnings.warn(app.late.VALUE)\n"
        "weakref.finalize(THING, warn)\n"
    ),
    "lasts.py": (
        "import threading, time\n"
        "def work(pause, name):\n"
        "    time.sleep(pause)\n"
        "    import importlib\n"
        "    print(importlib.import_module(name).VALUE)\n"
        "threading.Thread(target=work, args=(0.1, 'app.later')).start()\n"
    ),
    "worker.py": (
        "from multiprocessing.util import Finalize\n"
        "def begin():\n"
        "    Finalize(None, end, exitpriority=1)\n"
        "def end():\n"
        "    import app.later\n"
        "    print(app.later.VALUE, flush=True)\n"
    ),
    "sleeps.py": "import time\nBEGUN = True\ntime.sleep(600)\n",
}


@pytest.mark.fault(38)
def test_rule_A6_exit_handlers_import(compare: Compare) -> None:
    """A function registered with atexit imports, reloads, reads, and shows source lines."""
    outcome = compare("import registers\n")
    assert outcome.stdout.startswith("later b'data\\n'\n<module 'app.later'")
    assert "    raise ValueError('fails')\n" in outcome.stderr


@pytest.mark.fault(38)
@pytest.mark.parametrize(
    "keep",
    [
        "dies.KEPT = dies.Dies()",  # goes with its module
        "kept = dies.Dies(); kept.itself = kept",  # found by the collector
        "import builtins; builtins.kept = [dies.Dies()]",
    ],
)
def test_rule_A6_the_last_objects(compare: Compare, keep: str) -> None:
    """An object that dies at the end gets from imports and loaders what a directory gives."""
    outcome = compare(f"import dies\n{keep}\n")
    assert "import_it: ImportError: sys.meta_path is None" in outcome.stderr
    assert outcome.stderr.count("\n") == 5


@pytest.mark.fault(38)
def test_rule_A6_finalizers_warn_with_their_lines(compare: Compare) -> None:
    """A weak reference's finalizer imports at exit, and its warning shows the source line."""
    outcome = compare("import fades\n")
    expected = "<root>/fades.py:7: UserWarning: late\n  warnings.warn(app.late.VALUE)\n"
    assert outcome.stderr == expected


@pytest.mark.fault(38)
def test_rule_A6_threads_that_outlast_the_main_one(compare: Compare) -> None:
    """A thread that is still at work when the main program is done imports what it needs."""
    assert compare("import lasts\nprint('done')\n").stdout == "done\nlater\n"


@pytest.mark.fault(38)
def test_rule_A6_daemons_are_cut_off_quietly(compare: Compare) -> None:
    """A daemon thread amid an import, holding its module's lock, does not keep the program."""
    probe = """
import threading
threading.Thread(target=__import__, args=("sleeps",), daemon=True).start()
while "sleeps" not in sys.modules or not hasattr(sys.modules["sleeps"], "BEGUN"):
    pass
import atexit
atexit.register(lambda: print(__import__("app.late").late.VALUE))
"""
    assert compare(probe).stdout == "late\n"


@pytest.mark.fault(38)
def test_rule_A6_children_have_their_own_end(compare: Compare) -> None:
    """A worker process imports in what it does at its exit."""
    probe = """
import multiprocessing, worker
for method in "fork", "spawn", "forkserver":
    process = multiprocessing.get_context(method).Process(target=worker.begin)
    process.start()
    process.join(30)
    print(method, process.exitcode, flush=True)
"""
    expected = "later\nfork 0\nlater\nspawn 0\nlater\nforkserver 0\n"
    assert compare(probe).stdout == expected


@pytest.mark.fault(55)
def test_rule_A6_what_is_not_ours_any_more_is_not_closed(compare: Compare) -> None:
    """After a program closed all descriptors, the numbers are its own, to the end and after it."""
    probe = """
import os, tempfile, app
os.closerange(3, 256)
files = [tempfile.TemporaryFile("w+", buffering=1 << 16) for _ in range(10)]
import app.later  # the bundle is opened again
import gc; gc.collect()
for file in files:
    file.write("written")
    file.flush()
print(app.later.VALUE, [os.fstat(file.fileno()).st_size for file in files])
sys.kept = files
"""
    assert compare(probe).stdout == f"later {[7] * 10}\n"
