"""L12: many threads, one import system. A deadlock ends as a timeout of the probe."""

import pytest

from tests.rules.places import Tree
from tests.rules.probes import Compare
from tests.rules.threads import TOGETHER

TREE: Tree = {
    "journal.py": "RUNS = []\n",
    "slow.py": (
        "import journal, time\njournal.RUNS.append(__name__)\ntime.sleep(0.1)\nVALUE = 'slow'\n"
    ),
    "slow_pkg/__init__.py": "import time\ntime.sleep(0.05)\nfrom . import left, right\n",
    "slow_pkg/left.py": "import journal\njournal.RUNS.append(__name__)\nfrom . import right\n",
    "slow_pkg/right.py": "import journal\njournal.RUNS.append(__name__)\n",
    "slow_fail.py": (
        "import journal, time\n"
        "journal.RUNS.append(__name__)\n"
        "time.sleep(0.1)\n"
        "raise ValueError('slow_fail')\n"
    ),
    # Each starts, waits for the other to have started, and imports it.
    "cross_a.py": (
        "import threading, journal\n"
        "journal.RUNS.append(__name__)\n"
        "journal.meet()\n"
        "import cross_b\n"
        "VALUE = 'a'\n"
    ),
    "cross_b.py": (
        "import threading, journal\n"
        "journal.RUNS.append(__name__)\n"
        "journal.meet()\n"
        "import cross_a\n"
        "VALUE = 'b'\n"
    ),
    # A body that waits for a thread, which imports, lists, reads and finds in the same bundle.
    "waits.py": (
        "import threading\n"
        "FOUND = []\n"
        "def work():\n"
        "    import importlib.util, pkgutil, helper, folder.leaf\n"
        "    importlib.invalidate_caches()\n"
        "    FOUND.append(helper.VALUE)\n"
        "    FOUND.append(importlib.util.find_spec('slow').name)\n"
        "    FOUND.append(pkgutil.get_data('folder', 'data.txt'))\n"
        "    FOUND.append(helper.__loader__.get_source('helper'))\n"
        "    FOUND.append([i.name for i in pkgutil.iter_modules(folder.__path__)])\n"
        "thread = threading.Thread(target=work)\n"
        "thread.start()\n"
        "thread.join(20)\n"
        "FOUND.append(thread.is_alive())\n"
    ),
    "helper.py": "VALUE = 'helper'\n",
    "folder/__init__.py": "",
    "folder/leaf.py": "",
    "folder/data.txt": "data\n",
    # Modules of the names that a loader itself might import late, first on sys.path.
    "zlib.py": "raise RuntimeError('the app has a zlib of its own')\n",
    "struct.py": "raise RuntimeError('the app has a struct of its own')\n",
    "linecache.py": "raise RuntimeError('the app has a linecache of its own')\n",
    "tokenize.py": "raise RuntimeError('the app has a tokenize of its own')\n",
    "shadow/__init__.py": "VALUE = '" + "long enough to compress " * 100 + "'\n",
    "shadow/sub.py": "from . import VALUE\n",
    **{f"many/m{number}.py": f"VALUE = {number}\n" for number in range(60)},
    "many/__init__.py": "",
}


# Behind the standard library, which the tree shadows
BEHIND = TOGETHER + "sys.path.append(sys.path.pop(0))\n"


@pytest.mark.fault(32)
def test_rule_L12_a_module_runs_once_for_all_threads(compare: Compare) -> None:
    """Sixteen threads import the same module; its code runs once and all get the whole of it."""
    probe = """
results = together([lambda: importlib.import_module("slow").VALUE] * 16)
import journal
print(results, journal.RUNS)
"""
    assert compare(BEHIND + probe).stdout == f"{['slow'] * 16} ['slow']\n"


def test_rule_L12_a_package_and_its_submodules_run_once(compare: Compare) -> None:
    """Threads that begin at different submodules of one package end with the same objects."""
    probe = """
names = ["slow_pkg", "slow_pkg.left", "slow_pkg.right"] * 5
together([lambda name=name: importlib.import_module(name) for name in names])
import journal, slow_pkg
print(sorted(journal.RUNS), slow_pkg.left.right is slow_pkg.right)
"""
    expected = "['slow_pkg.left', 'slow_pkg.right'] True\n"
    assert compare(BEHIND + probe).stdout == expected


def test_rule_L12_a_failure_is_each_threads_own(compare: Compare) -> None:
    """Threads that waited for a module that failed try themselves, and fail themselves."""
    probe = """
results = together([lambda: importlib.import_module("slow_fail")] * 4)
import journal
print(results, journal.RUNS, "slow_fail" in sys.modules)
"""
    outcome = compare(BEHIND + probe)
    assert outcome.stdout.count("ValueError('slow_fail')") == 4


@pytest.mark.fault(33)
def test_rule_L12_circular_imports_across_threads_end(compare: Compare) -> None:
    """Two threads that enter a ring from opposite ends come out as they do from a directory."""
    probe = """
import journal
meeting = threading.Barrier(2)
journal.meet = lambda: meeting.wait(10)
names = "cross_a", "cross_b"
results = together([lambda name=name: importlib.import_module(name).VALUE for name in names])
import cross_a, cross_b
print(results, sorted(journal.RUNS), cross_a.cross_b is cross_b, cross_b.cross_a is cross_a)
"""
    expected = "['a', 'b'] ['cross_a', 'cross_b'] True True\n"
    assert compare(BEHIND + probe).stdout == expected


@pytest.mark.fault(32)
def test_rule_L12_no_lock_is_held_while_a_body_runs(compare: Compare) -> None:
    """A body waits for a thread that imports, finds, lists and reads in the same bundle."""
    outcome = compare(BEHIND + "import waits\nprint(waits.FOUND)\n")
    assert "b'data\\n'" in outcome.stdout
    assert outcome.stdout.endswith(", ['leaf'], False]\n")


def test_rule_L12_different_modules_load_side_by_side(compare: Compare) -> None:
    """Threads importing sixty modules in different orders get sixty whole modules."""
    probe = """
import random
def work(seed):
    names = [f"many.m{number}" for number in range(60)]
    random.Random(seed).shuffle(names)
    return sum(importlib.import_module(name).VALUE for name in names)
print(together([lambda seed=seed: work(seed) for seed in range(8)]))
"""
    assert compare(BEHIND + probe).stdout == f"{[sum(range(60))] * 8}\n"


def test_rule_L12_the_apps_modules_do_not_come_in_the_loaders_way(compare: Compare) -> None:
    """An app with a `zlib` of its own is loaded without recursion into the finder."""
    probe = """
for name in ("zlib", "struct", "linecache", "tokenize"):
    sys.modules.pop(name, None)
import shadow.sub
print(len(shadow.sub.VALUE), shadow.__loader__.get_data(shadow.__file__)[:5])
"""
    assert compare(probe).stdout == "2400 b'VALUE'\n"
