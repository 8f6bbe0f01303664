"""A small program, packed in both containers."""

from pathlib import Path

import pytest

from tests.rules.places import Library, Tree

PROGRAM: Tree = {
    "app/__init__.py": "",
    "app/__main__.py": (
        "import json, sys\n"
        "import app.other\n"
        "print(json.dumps({\n"
        "    'argv': sys.argv, 'path': sys.path, 'globals': sorted(globals()),\n"
        "    'name': __name__, 'package': __package__, 'spec': __spec__.name,\n"
        "    'file': __file__, 'main': sys.modules['__main__'].__dict__ is globals(),\n"
        "    'flags': list(sys.flags), 'warnings': sys.warnoptions,\n"
        "    'x': sorted(sys._xoptions.items()),\n"
        "    'excepthook': sys.excepthook is sys.__excepthook__,\n"
        "}, indent=1))\n"
    ),
    "app/other.py": "VALUE = 1\n",
    "app/cli.py": (
        "import sys\n"
        "def main():\n"
        "    print(sys.argv, '__file__' in vars(sys.modules['__main__']))\n"
        "    return len(sys.argv)\n"
        "class Group:\n"
        "    @staticmethod\n"
        "    def run(): print('run')\n"
    ),
    "app/wants.py": "import surely_not_there\n",
    "app/raises.py": (
        "def fail():\n"
        "    try:\n"
        "        {}['key']\n"
        "    except KeyError as error:\n"
        "        raise ValueError('bad', 1) from error\n"
        "if __name__ == '__main__':\n"
        "    fail()\n"
    ),
    "app/broken.py": "def half(:\n",
    "app/leaves.py": (
        "import atexit, sys, threading, time\n"
        "def late(where):\n"
        "    main = sys.modules['__main__']\n"
        "    print(where, main.__spec__.name, main.late is late, vars(main) is globals())\n"
        "atexit.register(late, 'atexit')\n"
        "def outlive():\n"
        "    time.sleep(0.1)\n"
        "    late('thread')\n"
        "threading.Thread(target=outlive).start()\n"
    ),
    "space/only/deep.py": "print('deep')\n",
}


@pytest.fixture
def directory(library: Library) -> Path:
    """Return the program as a plain directory, the oracle."""
    return Path(library.source(PROGRAM).entry)


@pytest.fixture(params=["sqlite", "zip"])
def packed(library: Library, request: pytest.FixtureRequest) -> Path:
    """Return the program in a bundle."""
    return Path(library.place(PROGRAM, request.param).entry)
