"""A6: child processes have the hook wherever their parent's `sys.path` reaches them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import litebundle
from tests.rules.places import Place, Tree
from tests.rules.probes import TIMEOUT, Compare, difference, run

FRESH = ("spawn", "forkserver")  # the ways to a child that is not a copy of its parent
METHODS = ("fork", *FRESH)
HOME = str(Path(str(litebundle.__file__)).parents[1])

_HERE = (
    "def here(number):\n    return __name__, __package__, __spec__ and __spec__.name, number + 1\n"
)
_POOLS = (
    "    for method in sys.argv[1:]:\n"
    "        with multiprocessing.get_context(method).Pool(1) as pool:\n"
    "            print(method, pool.map(here, [1, 2]))\n"
)
_PROGRAM = f"import multiprocessing, sys\n{_HERE}if __name__ == '__main__':\n{_POOLS}"
TREE: Tree = {
    "work.py": (
        "import os, sys\n"
        "BORN = os.getpid()\n"
        "def double(number):\n"
        "    import late.leaf\n"
        "    return number * late.leaf.FACTOR\n"
        "def fail():\n"
        "    raise LookupError('on purpose')\n"
        "def start():\n"
        "    global STARTED\n"
        "    import late.leaf\n"
        "    STARTED = late.leaf.FACTOR\n"
        "def started():\n"
        "    return STARTED\n"
        "def read():\n"
        "    import pkgutil\n"
        "    return pkgutil.get_data('late', 'data.txt')\n"
        "def born_here():\n"
        "    return BORN == os.getpid()\n"
        "def path():\n"
        "    return type(sys.path), sys.path\n"
        "class Shape:\n"
        "    def __init__(self, sides):\n"
        "        self.sides = sides\n"
        "    def grown(self):\n"
        "        return Shape(self.sides + 1)\n"
    ),
    "generations.py": (
        "import multiprocessing, work\n"
        "def grandchild(method):\n"
        "    context = multiprocessing.get_context(method)\n"
        "    queue = context.SimpleQueue()\n"
        "    process = context.Process(target=put, args=(queue,))\n"
        "    process.start()\n"
        "    process.join(30)\n"
        "    return process.exitcode, queue.get()\n"
        "def put(queue):\n"
        "    queue.put(work.double(21))\n"
    ),
    "office.py": (
        "from multiprocessing.managers import BaseManager\n"
        "import work\n"
        "class Office(BaseManager):\n"
        "    pass\n"
        "Office.register('Shape', work.Shape)\n"
    ),
    "late/__init__.py": "",
    "late/leaf.py": "FACTOR = 2\n",
    "late/data.txt": "data\n",
    # Programs: what they define is looked for in `__main__` by their children.
    "tool/__init__.py": "",
    "tool/run.py": _PROGRAM,
    # Not run again by children: it can hand over only what others define.
    "tool/__main__.py": _PROGRAM.replace(_HERE, "from tool.run import here\n"),
    "space/only/run.py": _PROGRAM,
    **{f"many/m{number}.py": f"VALUE = {number}\n" for number in range(100)},
    "many/__init__.py": "",
}


@pytest.mark.fault(54)
@pytest.mark.parametrize("method", METHODS)
def test_rule_A6_workers_import_from_the_parents_path(compare: Compare, method: str) -> None:
    """Functions of bundle modules run in a pool, import more there, and read data."""
    probe = f"""
import multiprocessing, work
with multiprocessing.get_context({method!r}).Pool(1) as pool:
    print(pool.map(work.double, range(5)), pool.apply(work.read))
    kind, path = pool.apply(work.path)
    print(kind, path[0])
    print(pool.apply(work.Shape(3).grown).sides)
    try:
        pool.apply(work.fail)
    except LookupError as error:
        print(repr(error), "work.py" in str(error.__cause__))
"""
    outcome = compare(probe)
    assert outcome.stdout == (
        "[0, 2, 4, 6, 8] b'data\\n'\n<class 'list'> <root>\n4\nLookupError('on purpose') True\n"
    )


@pytest.mark.parametrize("method", METHODS)
def test_rule_A6_executors_import_from_the_parents_path(compare: Compare, method: str) -> None:
    """Event loop and ProcessPoolExecutor run functions and initializers of bundle modules."""
    probe = f"""
import asyncio, multiprocessing, work
from concurrent.futures import ProcessPoolExecutor
context = multiprocessing.get_context({method!r})
with ProcessPoolExecutor(1, mp_context=context, initializer=work.start) as executor:
    print(executor.submit(work.started).result(), repr(executor.submit(work.fail).exception()))
    async def main():
        loop = asyncio.get_running_loop()
        numbers = [loop.run_in_executor(executor, work.double, each) for each in range(3)]
        print(await asyncio.gather(*numbers))
        print((await loop.run_in_executor(executor, work.Shape(4).grown)).sides)
    asyncio.run(main())
"""
    assert compare(probe).stdout == "2 LookupError('on purpose')\n[0, 2, 4]\n5\n"


POOLS = {
    "joblib": "Parallel(2)(delayed(work.double)(number) for number in range(4))",
    "loky": "list(ProcessPoolExecutor(1).map(work.double, range(4)))",
    "multiprocess": "get_context('spawn').Pool(1).map(work.double, range(4))",
}


@pytest.mark.parametrize("package", POOLS)
def test_rule_A6_workers_of_other_packages(compare: Compare, package: str) -> None:
    """Those that start interpreters as multiprocessing does hand the hook over likewise."""
    probe = f"from {package} import *\nimport work\nprint({POOLS[package]})\n"
    assert compare(probe).stdout == "[0, 2, 4, 6]\n"


def test_rule_A6_managers_serve_classes_of_the_bundle(compare: Compare) -> None:
    """A manager's server, itself a child, makes objects of bundle classes."""
    probe = """
import multiprocessing, office
with office.Office(ctx=multiprocessing.get_context("spawn")) as manager:
    print(manager.Shape(5).grown().sides)
"""
    assert compare(probe).stdout == "6\n"


@pytest.mark.parametrize("method", FRESH)
def test_rule_A6_children_hand_it_on(compare: Compare, method: str) -> None:
    """A child starts a child of its own, which imports from the bundle as well."""
    probe = f"""
import multiprocessing, generations
from concurrent.futures import ProcessPoolExecutor
with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context({method!r})) as executor:
    print(executor.submit(generations.grandchild, {method!r}).result())
"""
    assert compare(probe).stdout == "(0, 42)\n"


@pytest.mark.parametrize("method", FRESH)
def test_rule_A6_children_need_not_know_of_litebundle(place: Place, method: str) -> None:
    """Where litebundle is on no path of theirs, children find it where their parent did."""
    script = f"""
import sys
sys.path.insert(0, sys.argv[1])
import litebundle
litebundle.install()
sys.path[0] = sys.argv[2]
import multiprocessing, work
with multiprocessing.get_context({method!r}).Pool(1) as pool:
    kind, path = pool.apply(work.path)
    print(pool.apply(work.double, (4,)), kind, path == sys.path)
"""
    # -I and -S: neither the environment, nor the working directory, nor `site` leads there
    command = [sys.executable, "-I", "-S", "-B", "-c", script, HOME, place.entry]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert (done.stdout, done.stderr) == ("8 <class 'list'> True\n", "")


@pytest.mark.parametrize("module", ["tool.run", "tool", "space.only.run"])
def test_rule_A6_workers_of_main(compare: Compare, module: str) -> None:
    """`python -m`: what a program in the bundle defines is found in its children's `__main__`."""
    probe = f"""
import runpy
sys.argv[1:] = {METHODS!r}
runpy._run_module_as_main({module!r})
"""
    lines = compare(probe).stdout.splitlines()
    assert [line.partition(" ")[0] for line in lines] == list(METHODS)
    name = "tool.run" if module == "tool" else "__mp_main__"
    assert [f"('{name}'" in line for line in lines] == [module == "tool", True, True]


@pytest.mark.parametrize("method", METHODS)
def test_rule_A6_a_script_beside_the_bundle(place: Place, method: str, tmp_path: Path) -> None:
    """A script that puts the bundle on its path is run again in its children, and so finds it."""
    script = tmp_path / "script.py"
    prepare = "litebundle.install()" if place.ours else "pass"
    script.write_text(f"""
import multiprocessing, sys
sys.path.insert(0, {HOME!r})
import litebundle; {prepare}
sys.path.insert(0, {place.entry!r})
import work
def here(number):
    return work.double(number)
if __name__ == "__main__":
    with multiprocessing.get_context({method!r}).Pool(1) as pool:
        print(pool.map(here, [1, 2]))
""")
    command = [sys.executable, "-B", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert (done.stdout, done.stderr) == ("[2, 4]\n", "")


@pytest.mark.parametrize("handed", [True, False], ids=["environment", "path alone"])
def test_rule_A6_the_fork_server_preloads(place: Place, compare: Compare, *, handed: bool) -> None:
    """Modules to be preloaded come out of the bundle wherever they come out of a directory."""
    probe = """
import multiprocessing, work
multiprocessing.set_forkserver_preload(["work", "surely_not_there"])
with multiprocessing.get_context("forkserver").Pool(1) as pool:
    print(pool.apply(work.born_here), pool.apply(work.double, (4,)))
"""
    expected, found = (
        run(each, probe, env={"PYTHONPATH": os.pathsep.join([HOME, each.entry][: 1 + handed])})
        for each in (compare.oracle, place)
    )
    # Without the environment, some Pythons look for them on the server's own path only.
    assert expected.stdout in (["False 8\n"] if handed else ["True 8\n", "False 8\n"])
    assert found == expected, difference(expected, found)


def test_rule_A6_a_fork_server_that_preloads_nothing(compare: Compare) -> None:
    """A server that is told of no path leaves it to each child to be."""
    probe = """
import multiprocessing, work
multiprocessing.set_forkserver_preload([])
with multiprocessing.get_context("forkserver").Pool(1) as pool:
    print(pool.apply(work.double, (4,)))
"""
    assert compare(probe).stdout == "8\n"


def test_rule_A6_entries_of_any_kind_are_handed_over(compare: Compare) -> None:
    """What else stands on the path, of whatever type and name, arrives as it was."""
    probe = """
import multiprocessing, pathlib, work
odd = [pathlib.PurePosixPath("/a path"), b"bytes", "surrogate \\udcff", "quote ' \\" \\\\ %d {x}"]
sys.path += odd
with multiprocessing.get_context("spawn").Pool(1) as pool:
    print(pool.apply(work.path)[1][-4:] == odd, pool.apply(work.double, (4,)))
"""
    assert compare(probe).stdout == "True 8\n"


def test_rule_A6_a_process_without_the_hook_hands_over_none(place: Place) -> None:
    """Who took the hook off the list has children without it."""
    probe = """
import multiprocessing
sys.path_hooks[:] = [hook for hook in sys.path_hooks if hook.__name__ != "path_hook"]
with multiprocessing.get_context("spawn").Pool(1) as pool:
    print(pool.apply(eval, ("'litebundle' in __import__('sys').modules",)))
"""
    assert run(place, probe).stdout == "False\n"


# Faults 29 and 31


@pytest.mark.fault(29)
def test_rule_A6_forks_go_on_with_the_open_file(compare: Compare) -> None:
    """A hundred children of one parent each import their own module, and the parent goes on."""
    probe = """
import importlib, os, late, many
children = []
for number in range(100):
    child = os.fork()
    if not child:
        try:
            value = importlib.import_module(f"many.m{number}").VALUE
            data = late.__loader__.get_data(late.__file__.replace("__init__.py", "data.txt"))
            os._exit(0 if (value, data) == (number, b"data\\n") else 3)
        finally:
            os._exit(4)
    children.append(child)
print({os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children})
print(importlib.import_module("many.m99").VALUE)
"""
    assert compare(probe).stdout == "{0}\n99\n"


@pytest.mark.fault(31)
def test_rule_A6_a_fork_that_python_does_not_see(compare: Compare) -> None:
    """A child made by C's `fork` imports, without any of Python's preparations for it."""
    probe = """
import ctypes, importlib, os, many
child = ctypes.PyDLL(None).fork()
if not child:
    try:
        os._exit(0 if importlib.import_module("many.m7").VALUE == 7 else 3)
    finally:
        os._exit(4)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), importlib.import_module("many.m7").VALUE)
"""
    assert compare(probe).stdout == "0 7\n"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="/proc lists descriptors")
def test_rule_A6_executed_programs_inherit_no_descriptor(place: Place) -> None:
    """A program that is started has no descriptor of the bundle, though none were closed for it."""
    probe = """
import subprocess, work
listing = ["ls", "-l", "/proc/self/fd"]
done = subprocess.run(listing, capture_output=True, close_fds=False, check=True, text=True)
with open(ROOT if sys.argv[2] else work.__file__) as own:
    own = subprocess.run(listing, capture_output=True, pass_fds=[own.fileno()], text=True)
print(ROOT in done.stdout, ROOT in own.stdout)
"""
    assert run(place, probe).stdout == "False True\n"
