"""How a started program ends: what wants to be told is told, the rest goes with the process."""

import sys
from pathlib import Path

import pytest

from tests.cli.test_launch import packed, start
from tests.rules.places import write_tree

# Before the program is started: what `atexit` has first it calls last
_WATCH = (
    "import atexit, gc\n"
    "atexit.register(lambda: print('left:', gc.get_freeze_count() > 2_000, flush=True))\n"
)
_PLAIN = "class Circle: pass\ncircle = Circle()\ncircle.itself = circle\n"
_NATIVE = (
    "import sys, types, _imp\n"
    "name, key = {names}\n"
    "module = sys.modules[key] = types.ModuleType(name)\n"
    "module.__file__ = '/' + name + _imp.extension_suffixes()[0]\n"
)

# What the program does, what is told at its end, and whether its memory is left
_PROGRAMS: dict[str, tuple[str, str, bool]] = {
    "circle": (_PLAIN, "", True),
    "in memory": ("import io\nfile = io.StringIO()\n", "", True),
    "streams": ("import sys\nprint('out')\nprint('err', file=sys.stderr)\n", "out\n", True),
    "own stream": (
        (
            "import sys\n"
            "class Held:\n"
            "    def __init__(self): self.file, self.text = sys.__stdout__, ''\n"
            "    def write(self, text): self.text += text\n"
            "    def flush(self): pass\n"
            "    def __del__(self): self.file.write(self.text)\n"
            "sys.stdout = Held()\n"
            "print('told')\n"
        ),
        "told\n",
        False,
    ),
    "exit": (f"{_PLAIN}import sys\nsys.exit(3)\n", "", True),
    "atexit": ("import atexit\natexit.register(print, 'told')\n", "told\n", True),
    "closed file": ("file = open('out', 'w')\nfile.close()\n", "", True),
    "file": ("file = open('out', 'w')\nfile.write('told\\n')\n", "", False),
    "finalizer": (
        f"{_PLAIN}Circle.__del__ = lambda self, print=print: print('told')\n",
        "told\n",
        False,
    ),
    "generator": (
        (
            "def waits():\n    try:\n        yield\n    finally:\n        print('told')\n"
            "one = waits()\nnext(one)\n"
        ),
        "told\n",
        False,
    ),
    "observer": (
        (
            "import gc\n"
            "def seen(phase, info, told=[]):\n"
            "    if not told: told.append(print('told'))\n"
            "gc.callbacks.append(seen)\n"
        ),
        "told\n",
        False,
    ),
    "database": ("import sqlite3\nfile = sqlite3.connect('db')\n", "", False),
    "large": ("numbers = list(range(1_000, 4_500_000))\n", "", False),
    "debugging": ("import gc\ngc.set_debug(gc.DEBUG_UNCOLLECTABLE)\n", "", False),
    "native": (_NATIVE.format(names="'video', 'video'"), "", False),
    "known native": (_NATIVE.format(names="'multidict._multidict', 'mine'"), "", True),
    "standard native": (_NATIVE.format(names="'_json', '_json'"), "", True),
    "mypyc": (
        _NATIVE.format(names="'hash__mypyc', 'hash__mypyc'")
        + "module.init_pkg___sub = None\n"
        + _NATIVE.format(names="'pkg.sub', 'pkg.sub'"),
        "",
        True,
    ),
    "beside mypyc": (
        _NATIVE.format(names="'hash__mypyc', 'hash__mypyc'")
        + _NATIVE.format(names="'pkg.sub', 'pkg.sub'"),
        "",
        False,
    ),
    "odd class": (
        (
            "class Meta(type):\n"
            "    def __getattribute__(self, name): raise SystemError(name)\n"
            "class Odd(metaclass=Meta): pass\n"
            "odd = Odd()\n"
        ),
        "",
        False,
    ),
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle of all of them; each defines functions, so that its names are in a circle."""
    home = tmp_path_factory.mktemp("ending")
    texts = {name.replace(" ", "_"): text for name, (text, *_) in _PROGRAMS.items()}
    tree = {f"end_{name}.py": f"def main(): pass\n{text}" for name, text in texts.items()}
    write_tree({**tree, "run.py": "import sys\n__import__('end_' + sys.argv[1])\n"}, home / "tree")
    write_tree({"sitecustomize.py": _WATCH}, home / "watch")
    return packed(home / "tree", home, "sqlite", "--main", "run.py")


@pytest.mark.parametrize("name", _PROGRAMS)
def test_what_wants_to_be_told_is(program: Path, tmp_path: Path, name: str) -> None:
    """As from a directory; where there is nothing, the last collections have nothing to do."""
    _, told, left = _PROGRAMS[name]
    watched = {"PYTHONPATH": str(program.parent / "watch")}
    argument = name.replace(" ", "_")
    done = start(sys.executable, program, argument, cwd=tmp_path, env=watched)
    assert done.stderr == ("err\n" if name == "streams" else "")
    assert done.returncode == (3 if name == "exit" else 0)
    lines = done.stdout.splitlines(keepends=True)
    seen = [line for line in lines if line.startswith("left: ")]
    assert "".join(line for line in lines if line not in seen) == told
    assert seen == [f"left: {left}\n"]
    if name == "file":
        assert (tmp_path / "out").read_text() == "told\n"


def test_it_can_be_asked_for(program: Path, tmp_path: Path) -> None:
    """`--no-defer-gc` has all taken apart."""
    asked = packed(
        program.with_name("tree"), tmp_path, "sqlite", "--main", "run.py", "--no-defer-gc"
    )
    watched = {"PYTHONPATH": str(program.parent / "watch")}
    done = start(sys.executable, asked, "circle", cwd=tmp_path, env=watched)
    assert (done.stdout, done.stderr, done.returncode) == ("left: False\n", "", 0)
