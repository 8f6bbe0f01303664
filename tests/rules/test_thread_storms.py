"""L12 under load: many threads and modules, forks and signals in between (faults 30, 32 to 35)."""

import pytest

from tests.rules.places import Library, Tree
from tests.rules.probes import Compare, run
from tests.rules.threads import TOGETHER

MODULES = 500
PAIRS = 40


def _web(number: int) -> str:
    """Return a module that imports two of those before it (rings fail in threads by themselves)."""
    return (
        "import journal\n"
        "journal.RUNS.append(__name__)\n"
        + f"from . import m{number // 2} as half\nimport web.m{number // 3}\n" * (number > 0)
        + f"VALUE = {number}\n"
    )


TREE: Tree = {
    "journal.py": "RUNS = []\n",
    "web/__init__.py": "import journal\njournal.RUNS.append(__name__)\n",
    **{f"web/m{number}.py": _web(number) for number in range(MODULES)},
    # Each of a pair waits in its body until the other has begun, and imports it then.
    **{
        f"pairs/{one}{number}.py": (
            "import journal\n"
            f"journal.meet({number})\n"
            f"import pairs.{other}{number} as partner\n"
            f"VALUE = '{one}{number}'\n"
        )
        for one, other in ("ab", "ba")
        for number in range(PAIRS)
    },
    "pairs/__init__.py": "",
    **{f"lone/m{number}.py": f"VALUE = {number}\n" for number in range(200)},
    "lone/__init__.py": "",
    **{f"busy/m{number}.py": f"VALUE = {number}\n" * 50 for number in range(20)},
    "busy/__init__.py": "",
    "busy/data.txt": "data " * 1000,
    "beside.py": "VALUE = 1\n" * 50,
    "deep/__init__.py": "",
    **{f"deep/m{number}.py": f"from . import m{number + 1}\nVALUE = 1\n" for number in range(15)},
    "deep/m15.py": "VALUE = 1\n",
}


@pytest.mark.fault(32)
def test_rule_L12_a_storm_runs_each_module_once(compare: Compare) -> None:
    """Sixty-four threads import a web of five hundred modules, each in an order of its own."""
    probe = f"""
import random
sys.setswitchinterval(1e-5)
def work(seed):
    numbers = list(range({MODULES}))
    random.Random(seed).shuffle(numbers)
    for number in numbers:
        importlib.import_module(f"web.m{{number}}")
    return sum(sys.modules[f"web.m{{number}}"].VALUE for number in numbers)
results = together([lambda seed=seed: work(seed) for seed in range(64)])
import journal, web
print(set(results), len(journal.RUNS), len(set(journal.RUNS)))
print(all(getattr(web, f"m{{n}}") is sys.modules[f"web.m{{n}}"] for n in range({MODULES})))
print(all(not sys.modules[f"web.m{{n}}"].__spec__._initializing for n in range({MODULES})))
"""
    total = sum(range(MODULES))
    assert compare(TOGETHER + probe).stdout == (
        f"{{{total}}} {MODULES + 1} {MODULES + 1}\nTrue\nTrue\n"
    )


@pytest.mark.fault(33)
def test_rule_L12_rings_entered_from_both_ends(compare: Compare) -> None:
    """Forty pairs that import each other, begun in two threads each, all come out whole."""
    probe = f"""
import journal
meetings = [threading.Barrier(2) for _ in range({PAIRS})]
journal.meet = lambda number: meetings[number].wait(20)
names = [f"pairs.{{one}}{{number}}" for number in range({PAIRS}) for one in "ab"]
print(together([lambda name=name: importlib.import_module(name).VALUE for name in names]))
print(all(sys.modules[name].partner.partner is sys.modules[name] for name in names))
"""
    outcome = compare(TOGETHER + probe)
    assert outcome.stdout.count("'") == 4 * PAIRS
    assert outcome.stdout.endswith("]\nTrue\n")


@pytest.mark.fault(32)
def test_rule_L12_finders_made_by_many_threads(compare: Compare) -> None:
    """Threads that all meet the path for the first time, and forget it again, find everything."""
    probe = """
import pkgutil
sys.setswitchinterval(1e-5)
def work(seed):
    for number in range(seed, 200, 8):
        pkgutil.get_importer(ROOT).invalidate_caches()
        sys.path_importer_cache.clear()  # importlib.invalidate_caches trips over this by itself
        yield importlib.import_module(f"lone.m{number}").VALUE
results = together([lambda seed=seed: sum(work(seed)) for seed in range(8)])
print(results)
"""
    expected = [sum(range(first, 200, 8)) for first in range(8)]
    assert compare(TOGETHER + probe).stdout == f"{expected}\n"


@pytest.mark.fault(30)
def test_rule_L12_forks_while_threads_import(compare: Compare) -> None:
    """Children of a process whose threads import and read without pause import at once."""
    probe = """
import os, signal, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # that threads and fork do not go together
import busy, lone
over = threading.Event()
def work(number):
    name = f"busy.m{number}"
    while not over.is_set():
        sys.modules.pop(name, None)
        module = importlib.import_module(name)
        module.__loader__.get_source(name)
        busy.__loader__.get_data(busy.__file__.replace("__init__.py", "data.txt"))
    return True
outcomes = []
sys.setswitchinterval(1e-4)
def fork():
    for number in range(150):
        child = os.fork()
        if not child:
            try:
                signal.alarm(10)
                ours = importlib.import_module(f"lone.m{number}").VALUE == number
                data = busy.__loader__.get_data(busy.__file__.replace("__init__.py", "data.txt"))
                os._exit(0 if ours and len(data) == 5000 else 3)
            finally:
                os._exit(4)
        outcomes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    over.set()
    return True
print(together([lambda n=n: work(n) for n in range(4)] + [fork]), len(outcomes), set(outcomes))
"""
    assert compare(TOGETHER + probe).stdout == "[True, True, True, True, True] 150 {0}\n"


@pytest.mark.fault(30)
def test_rule_L12_forks_while_a_thread_loads_what_all_need(library: Library, packed: str) -> None:
    """A child forked while zlib is looked for, with the first compressed data, is not held up."""
    probe = """
import beside, os, signal, time, warnings
from importlib.machinery import PathFinder
warnings.simplefilter("ignore", DeprecationWarning)  # that threads and fork do not go together
began, standard = threading.Event(), PathFinder.find_spec
def slow(name, *path):
    if name == "zlib" and not began.is_set():
        began.set()
        time.sleep(0.3)
    return standard(name, *path)
def read():
    return len(beside.__loader__.get_source("beside"))
def fork():
    assert began.wait(10)
    child = os.fork()
    if not child:
        signal.alarm(10)
        os._exit(0 if read() else 3)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
PathFinder.find_spec = slow
print(together([read, fork]))
"""
    outcome = run(library.place(TREE, packed), TOGETHER + probe)
    assert (outcome.stdout, outcome.stderr) == ("[500, 0]\n", "")


# Each time in a child that has not opened the bundle yet: 0 for an import that was cut off and
# repeated, 1 for one that was not cut off.
CHILDREN = """
import importlib, os
def outcomes(works):
    found = []
    for work in works:
        child = os.fork()
        if not child:
            try:
                os._exit(work())
            except BaseException:
                import traceback
                traceback.print_exc()
            finally:
                os._exit(3)
        found.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    return {outcome: found.count(outcome) for outcome in found}
def whole():
    return importlib.import_module("deep.m0").m1.m2.VALUE and len(sys.modules["deep"].__path__)
def clean():
    names = [name for name in sys.modules if name.startswith("deep.")]
    return all(hasattr(sys.modules[name], "VALUE") for name in names)
"""


@pytest.mark.fault(34)
def test_rule_L11_interrupted_imports_can_be_repeated(compare: Compare) -> None:
    """An exception thrown by a signal into any moment of an import leaves nothing half done."""
    probe = """
import signal
class Interrupted(BaseException):
    pass
def work(seconds):
    armed = True
    def interrupt(*_):
        if armed:
            raise Interrupted
    signal.signal(signal.SIGALRM, interrupt)
    sys.unraisablehook = lambda _: None  # it may come into a callback as well, where it is lost
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        whole()
        armed = False
        return 1
    except Interrupted:
        armed = False
    return 0 if clean() and whole() == 1 else 4
found = outcomes([lambda n=n: work(0.00005 * n) for n in range(1, 101)])
print(sorted({*found} - {1}), found[0] > 5)
"""
    assert compare(CHILDREN + probe).stdout == "[0] True\n"


@pytest.mark.fault(35)
def test_rule_L11_too_deep_imports_can_be_repeated(compare: Compare) -> None:
    """A RecursionError out of any depth of an import goes through, and leaves a clean state."""
    probe = """
def used(frame):
    return 1 + used(frame.f_back) if frame else 0
def work(room):
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(used(sys._getframe()) + room)
    try:
        whole()
        return 1
    except RecursionError:
        pass
    finally:
        sys.setrecursionlimit(limit)
    return 0 if clean() and whole() == 1 else 4
found = outcomes([lambda n=n: work(n) for n in range(8, 160, 2)])
print(sorted({*found} - {1}), found[0] > 20)
"""
    assert compare(CHILDREN + probe).stdout == "[0] True\n"


@pytest.mark.fault(35)
def test_rule_L12_imports_in_tasks_and_their_threads(compare: Compare) -> None:
    """Tasks of an event loop, and the threads it lends them, import what they need."""
    probe = """
import asyncio, importlib
def load(number):
    return importlib.import_module(f"lone.m{number}").VALUE
async def task(number):
    await asyncio.sleep(0)
    from lone import m7
    other = asyncio.to_thread(load, number)
    return load(199 - number) + await other + m7.VALUE
async def main():
    return await asyncio.gather(*map(task, range(100)))
print(set(asyncio.run(main())))
"""
    assert compare(probe).stdout == "{206}\n"
