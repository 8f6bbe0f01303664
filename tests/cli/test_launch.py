"""A bundle that is started itself, as `python FILE` or `./FILE`, with nothing installed."""

import functools
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.cli.command import SOURCES, TIMEOUT, Done, bundle, refusal
from tests.rules.places import Tree, write_tree

_PROGRAM: Tree = {
    "app/__init__.py": "",
    "app/__main__.py": "import sys; print('module', __spec__.name, sys.argv)\n",
    "app/cli.py": (
        "import sys\n"
        "def main():\n"
        "    import __main__\n"
        "    print('main', sys.argv, __main__.__file__, __main__.__spec__)\n"
        "    return 3\n"
        "def other(): print('other', sys.argv[1:])\n"
        "def fails(): raise ValueError('bad')\n"
        "def path(): print(*sys.path, sep='\\n')\n"
        "def has(): print([name for name in sys.argv[1:] if name in sys.modules])\n"
        "def waits():\n"
        "    import time; print('ready', flush=True); time.sleep(60)\n"
        "def reads(): print(sys.stdin.read())\n"
        "def again():\n"
        "    import os\n"
        "    if 'again' in sys.argv: print('again'); return\n"
        "    os.execv(sys.executable, [sys.executable, *sys.argv, 'again'])\n"
    ),
    "scripts/tool.py": (
        "import sys, beside\nprint('script', __name__, __file__, __spec__, sys.argv, beside.X)\n"
    ),
    "scripts/beside.py": "X = 1\n",
    "demo-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
    "demo-1.0.dist-info/entry_points.txt": (
        "[console_scripts]\ndemo = app.cli:main\nother = app.cli:other\n"
    ),
}

_CONTAINERS = ("sqlite", "zip")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program in a directory."""
    directory = tmp_path_factory.mktemp("launch") / "sources"
    write_tree(_PROGRAM, directory)
    return directory


@pytest.fixture(params=_CONTAINERS)
def kind(request: pytest.FixtureRequest) -> str:
    """Return what the bundle is kept in; not the directory, which starts by other ways."""
    return str(request.param)


def built(source: Path, home: Path, kind: str, *options: str) -> Path:
    """Build a program; return the bundle."""
    output = home / "app.bundle"
    done = bundle("build", source, "-q", "-o", output, "--format", kind, *options, cwd=home)
    assert done.returncode == 0, done.stderr
    return output


@functools.cache
def _kept(sources: Path, kind: str, options: tuple[str, ...]) -> Path:
    home = Path(tempfile.mkdtemp(dir=sources.parent))
    return built(sources, home, kind, *options)


def packed(sources: Path, home: Path, kind: str, *options: str) -> Path:
    """Return a copy of the program's bundle, built once for each choice of options."""
    return Path(shutil.copy(_kept(sources, kind, options), home / "app.bundle"))


def start(
    *command: str | Path, cwd: Path, env: Mapping[str, str] | None = None, **options: Any
) -> Done:
    """Run a command where nothing is known of litebundle."""
    plain = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=plain | dict(env or {}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        **options,
    )


def python(*arguments: str | Path, cwd: Path, **options: Any) -> Done:
    """Run the tests' interpreter, bare of what is installed for them."""
    return start(sys.executable, "-S", *arguments, cwd=cwd, **options)


def test_a_function_is_run_as_its_script(sources: Path, kind: str, tmp_path: Path) -> None:
    """`sys.argv` and `__file__` name what was started; the result is the exit status."""
    file = packed(sources, tmp_path, kind, "--main", "app.cli:main")
    done = python("app.bundle", "a", "-c", cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout == f"main ['app.bundle', 'a', '-c'] {file} None\n"
    assert done.returncode == 3


def test_a_module_is_run_as_by_python_m(sources: Path, kind: str, tmp_path: Path) -> None:
    """A package's `__main__`, found by its own name."""
    file = packed(sources, tmp_path, kind, "--main", "app")
    done = python("app.bundle", "a", cwd=tmp_path)
    where = file / "app" / "__main__.py"
    assert (done.stdout, done.stderr) == (f"module app.__main__ ['{where}', 'a']\n", "")


def test_a_script_is_run_as_a_file(sources: Path, kind: str, tmp_path: Path) -> None:
    """Its directory is first on `sys.path`, and it is no module."""
    file = packed(sources, tmp_path, kind, "--main", "scripts/tool.py")
    done = python("app.bundle", "a", cwd=tmp_path)
    where = file / "scripts" / "tool.py"
    assert (done.stdout, done.stderr) == (
        f"script __main__ {where} None ['app.bundle', 'a'] 1\n",
        "",
    )


@pytest.mark.parametrize("spec", ["nothere", "app.nothere:main", "scripts/nothere.py"])
def test_a_main_that_is_not_there_is_refused(sources: Path, tmp_path: Path, spec: str) -> None:
    """At the build, and nothing is written."""
    done = bundle("build", sources, "-o", tmp_path / "out", "--main", spec, cwd=tmp_path)
    assert refusal(done) == f"--main {spec}: no such command, module or file in the bundle"
    assert list(tmp_path.iterdir()) == []


def test_no_launcher_has_nothing_to_decide(sources: Path, tmp_path: Path) -> None:
    """`--no-launcher` with an option of the launcher is a contradiction; alone it is obeyed."""
    done = bundle("build", sources, "-o", "out", "--no-launcher", "--main", "app", cwd=tmp_path)
    refusal(done, status=2)
    packed(sources, tmp_path, "sqlite", "--no-launcher")
    assert python("app.bundle", cwd=tmp_path).returncode == 1


def test_a_script_is_chosen_by_name_or_option(sources: Path, kind: str, tmp_path: Path) -> None:
    """A link with the name of a console script runs that; so does `--litebundle-entry NAME`."""
    file = packed(sources, tmp_path, kind, "--main", "app")
    done = python("app.bundle", "--litebundle-entry", "other", "x", cwd=tmp_path)
    assert done.stdout == "other ['x']\n"
    done = python("app.bundle", "--litebundle-entry", "none", cwd=tmp_path)
    assert refusal(done, status=2) == f"{file} has no script 'none'"
    (tmp_path / "other").symlink_to("app.bundle")
    assert python("other", "x", cwd=tmp_path).stdout == "other ['x']\n"


def test_links_carry_the_names_of_the_commands(sources: Path, kind: str, tmp_path: Path) -> None:
    """`bundle link` makes one for each, keeps them the next time, and overwrites nothing."""
    file = packed(sources, tmp_path, kind)
    assert refusal(bundle("link", file, "bin", cwd=tmp_path)) == f"{file}: not executable"
    packed(sources, tmp_path, kind, "--executable")
    for _ in range(2):
        done = bundle("link", file, "bin", cwd=tmp_path)
        assert done.stdout == "bin/demo\nbin/other\n"
    assert start("bin/other", "x", cwd=tmp_path).stdout == "other ['x']\n"
    (tmp_path / "bin" / "demo").unlink()
    (tmp_path / "bin" / "demo").write_text("mine")
    assert refusal(bundle("link", file, "bin", cwd=tmp_path)) == "some of the names are taken"
    refused = refusal(bundle("link", file, file, cwd=tmp_path))
    assert refused == f"{file}: no links can be made there: File exists"
    assert (tmp_path / "bin" / "demo").read_text() == "mine"


def test_scripts_without_a_function_are_commands(kind: str, tmp_path: Path) -> None:
    """As older packages have them: a text in `bin`, which runs like `python bin/NAME`."""
    source = tmp_path / "source"
    text = "#!python\nimport sys, app\nprint(__name__, app.__name__, sys.argv[1:])\n"
    write_tree({"app.py": "", "bin/old": text}, source)
    (source / "bin" / "old").chmod(0o755)
    for main in ("old", "bin/old"):
        built(source, tmp_path, kind, "--main", main)
        done = python("app.bundle", "a", cwd=tmp_path)
        assert (done.stdout, done.stderr) == ("__main__ app ['a']\n", "")
    built(source, tmp_path, kind)
    done = python("app.bundle", "--litebundle-entry", "old", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("__main__ app []\n", "")


@pytest.mark.parametrize("arguments", [("-m", "app", "x"), ("-c", "import app; print(app)")])
def test_without_a_main_it_is_an_interpreter(
    sources: Path, kind: str, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """With the bundle on its path: `-m` and `-c` as ever."""
    packed(sources, tmp_path, kind)
    expected = start(sys.executable, "-S", *arguments, cwd=sources)
    done = python("app.bundle", *arguments, cwd=tmp_path)
    assert done.stderr == expected.stderr == ""
    assert done.stdout.replace(str(tmp_path / "app.bundle"), str(sources)) == expected.stdout


def test_without_a_main_it_takes_files_and_input(sources: Path, kind: str, tmp_path: Path) -> None:
    """A script with its arguments, or what is piped in; other options are refused."""
    packed(sources, tmp_path, kind)
    (tmp_path / "script.py").write_text("import sys, app.cli; print(__file__, sys.argv)\n")
    done = python("app.bundle", "script.py", "a", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("script.py ['script.py', 'a']\n", "")
    done = python("app.bundle", cwd=tmp_path, input="import app.cli; print(app.__name__)")
    assert (done.stdout, done.stderr) == ("app\n", "")
    refusal(python("app.bundle", "-x", cwd=tmp_path), status=2)
    refusal(python("app.bundle", "nothere.py", cwd=tmp_path))


def test_a_packed_main_is_what_starts(tmp_path: Path, kind: str) -> None:
    """As for a directory with a `__main__.py`; in a zip it is Python itself that runs it."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "__main__.py").write_text("import sys, beside; print(__name__, sys.argv)\n")
    (source / "beside.py").write_text("")
    built(source, tmp_path, kind)
    expected = python("source", "x", cwd=tmp_path)
    done = python("app.bundle", "x", cwd=tmp_path)
    assert done.stderr == expected.stderr == ""
    assert done.stdout == expected.stdout.replace("source", "app.bundle")
    if kind == "zip":
        done = bundle(
            "build", source, "-o", "out", "--format", "zip", "--main", "beside", cwd=tmp_path
        )
        assert "have a __main__.py" in refusal(done)


def test_the_file_runs_itself(sources: Path, kind: str, tmp_path: Path) -> None:
    """`--executable` puts a shebang line in front, and the mode lets the system read it."""
    file = packed(sources, tmp_path, kind, "--main", "demo", "--executable")
    assert file.read_bytes().startswith(b"#!/usr/bin/env python3\n")
    done = start("./app.bundle", "a", cwd=tmp_path)
    assert (done.stdout, done.stderr) == (
        f"main ['./app.bundle', 'a'] {tmp_path}/./app.bundle None\n",
        "",
    )
    assert done.returncode == 3
    done = bundle("verify", file, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    done = bundle("run", file, "-m", "app", cwd=tmp_path)
    assert done.stdout.startswith("module app.__main__")


def test_it_is_still_a_database(sources: Path, tmp_path: Path) -> None:
    """For the sqlite3 of the standard library and for apsw, and sound for `verify`."""
    file = packed(sources, tmp_path, "sqlite", "--main", "demo")
    query = "SELECT value FROM manifest WHERE key = 'main'"
    with closing(sqlite3.connect(file)) as database:
        assert database.execute(query).fetchall() == [("app.cli:main",)]
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    assert connection.execute(query).fetchall() == [("app.cli:main",)]
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    assert bundle("verify", file, cwd=tmp_path).returncode == 0


@pytest.mark.fault(4)
def test_verify_reads_the_tail(sources: Path, tmp_path: Path) -> None:
    """Each byte of the launcher, what is behind it, and that it is there."""
    file = packed(sources, tmp_path, "sqlite", "--main", "demo")
    whole = file.read_bytes()
    damaged = bytearray(whole)
    damaged[-300] ^= 1
    size = len(whole)
    with closing(sqlite3.connect(file)) as database:
        (tail,) = database.execute("SELECT value FROM manifest WHERE key = 'tail'").fetchone()
    tail = int(tail.split()[0])
    for data, problem in (
        (bytes(damaged), "launcher: damaged (expected "),
        (whole + b"x", "file: 1 bytes stand behind the end of the database"),
        (whole[:-1], "file: damaged manifest: the file is cut short"),
    ):
        file.write_bytes(data)
        done = bundle("verify", file, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stdout.splitlines()[0].startswith(problem)
    file.write_bytes(whole[: size - tail])
    assert bundle("verify", file, cwd=tmp_path).returncode == 0  # as after a VACUUM


def test_a_database_without_its_tail_is_still_imported_from(sources: Path, tmp_path: Path) -> None:
    """VACUUM drops it: the file does not start any more, and is a bundle as before."""
    file = packed(sources, tmp_path, "sqlite", "--main", "demo")
    with closing(sqlite3.connect(file)) as database:
        database.execute("VACUUM")
    assert python("app.bundle", cwd=tmp_path).returncode == 1
    assert bundle("run", file, "-m", "app", cwd=tmp_path).returncode == 0


def test_damage_to_the_runtime_is_told(sources: Path, kind: str, tmp_path: Path) -> None:
    """Before a byte of it runs."""
    file = packed(sources, tmp_path, kind, "--main", "demo")
    data = bytearray(file.read_bytes())
    data[data.rindex(b"litebundle/runtime/finder.py") + 100] ^= 1
    file.write_bytes(data)
    done = python("app.bundle", cwd=tmp_path)
    assert refusal(done).endswith("the launcher is damaged")


def test_builds_are_byte_identical(sources: Path, kind: str, tmp_path: Path) -> None:
    """With launcher, shebang and all."""
    options = ("--main", "demo", "--executable", "--python-args", "-X utf8")
    first = packed(sources, tmp_path, kind, *options).read_bytes()
    assert packed(sources, tmp_path, kind, *options, "-j", "1").read_bytes() == first


def test_a_traceback_begins_with_the_program(sources: Path, kind: str, tmp_path: Path) -> None:
    """Neither runpy nor the launcher nor the loader is in it."""
    file = packed(sources, tmp_path, kind, "--main", "app.cli:fails")
    done = python("app.bundle", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[:2] == [
        "Traceback (most recent call last):",
        f'  File "{file}/app/cli.py", line 7, in fails',
    ]
    assert done.stderr.endswith("\nValueError: bad\n")
    assert done.stderr.count("File ") == 1


def test_an_interrupt_ends_it_by_the_signal(sources: Path, kind: str, tmp_path: Path) -> None:
    """As Python's own scripts: the shell sees that it was Ctrl-C."""
    packed(sources, tmp_path, kind, "--main", "app.cli:waits")
    for number, status in ((signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, -signal.SIGTERM)):
        with subprocess.Popen(
            [sys.executable, "app.bundle"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            _, errors = process.communicate(timeout=TIMEOUT)
            assert process.returncode == status, errors
            assert "runpy" not in errors


_WORKERS: Tree = {
    "pool.py": (
        "import multiprocessing, sys\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "def work(number):\n"
        "    import beside\n"
        "    return beside.double(number), __name__\n"
        "def main():\n"
        "    import pool\n"
        "    for method in ('fork', 'spawn', 'forkserver'):\n"
        "        with multiprocessing.get_context(method).Pool(1) as workers:\n"
        "            print(workers.map(work, [1]), workers.map(pool.work, [2]), flush=True)\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    with ProcessPoolExecutor(1, mp_context=context) as workers:\n"
        "        print(list(workers.map(work, [3])))\n"
        "if __name__ == '__main__': main()\n"
    ),
    "beside.py": "def double(number): return 2 * number\n",
}


@pytest.mark.parametrize("main", ["pool", "pool.py", "pool:main"])
def test_its_workers_run_functions_of_the_program(kind: str, tmp_path: Path, main: str) -> None:
    """All start methods, and functions defined in `__main__` too."""
    source = tmp_path / "source"
    write_tree(_WORKERS, source)
    built(source, tmp_path, kind, "--main", main)
    module = "import sys; sys.path.insert(0, 'source'); import pool; pool.main()"
    alone = {"pool": ["-m", "pool"], "pool.py": ["pool.py"], "pool:main": ["-c", module]}[main]
    cwd = tmp_path if main == "pool:main" else source
    expected = start(sys.executable, "-S", *alone, cwd=cwd)
    done = python("app.bundle", cwd=tmp_path)
    assert done.stderr == expected.stderr == ""
    assert done.stdout == expected.stdout
    assert len(done.stdout.splitlines()) == 4


def test_nothing_of_the_environment_is_in_it(sources: Path, kind: str, tmp_path: Path) -> None:
    """No PYTHONPATH, no site-packages, and none of what their `.pth` files imported."""
    other = tmp_path / "other"
    below = "import sys, intruder\nsys.modules['intruder.frozen'] = type(sys)('frozen')\n"
    write_tree({"sitecustomize.py": below, "intruder.py": ""}, other)
    file = packed(sources, tmp_path, kind, "--main", "app.cli:path")
    environment = {"PYTHONPATH": str(other)}
    bare = start(
        sys.executable, "-I", "-S", "-c", "import sys; print(*sys.path, sep='\\n')", cwd=tmp_path
    )
    done = start(sys.executable, "app.bundle", cwd=tmp_path, env=environment)
    assert (done.stderr, done.stdout) == ("", f"{file}\n{bare.stdout}")
    packed(sources, tmp_path, kind, "--main", "app.cli:has")
    looked_for = "intruder", "intruder.frozen", "os"
    done = start(sys.executable, "app.bundle", *looked_for, cwd=tmp_path, env=environment)
    assert done.stdout == "['os']\n"
    above = {"PYTHONPATH": str(Path(os.__file__).parents[1])}
    done = start(sys.executable, "app.bundle", *looked_for, cwd=tmp_path, env=above)
    assert done.stdout == "['os']\n"


def test_the_environment_can_be_let_in(sources: Path, kind: str, tmp_path: Path) -> None:
    """`--inherit-path`: behind the bundle stands what the interpreter has."""
    file = packed(sources, tmp_path, kind, "--main", "app.cli:path", "--inherit-path")
    done = start(sys.executable, "app.bundle", cwd=tmp_path, env={"PYTHONPATH": "/nowhere"})
    plain = "import sys; print(*sys.path[1:], sep='\\n')"
    expected = start(sys.executable, "-c", plain, cwd=tmp_path, env={"PYTHONPATH": "/nowhere"})
    assert done.stdout.splitlines()[0] == str(file)
    assert done.stdout.splitlines()[-len(expected.stdout.splitlines()) :] == (
        expected.stdout.splitlines()
    )
    assert "/nowhere" in done.stdout


@pytest.mark.parametrize("arguments", ["x", "-c x", "-m x", "-", "-V", "-X", "-Z", "'"])
def test_what_is_no_option_of_an_interpreter_is_refused(arguments: str, tmp_path: Path) -> None:
    """Else the program would never run, or something else would."""
    write_tree({"m.py": ""}, tmp_path / "source")
    options = ("source", "-o", "app.bundle", f"--python-args={arguments}")
    done = bundle("build", *options, cwd=tmp_path)
    assert (done.returncode, "--python-args" in done.stderr) == (2, True)
    assert not (tmp_path / "app.bundle").exists()


@pytest.mark.fault(53)
def test_options_of_the_interpreter_are_honoured(kind: str, tmp_path: Path) -> None:
    """`--python-args`, for `python FILE` and for `./FILE`."""
    source = tmp_path / "source"
    write_tree({"flags.py": "import sys\ndef main(): print(list(sys.flags))\n"}, source)
    built(source, tmp_path, kind, "--main", "flags:main", "--executable", "--python-args=-I -S -O")
    options = ["-I", "-S", "-O"]
    plain = "import sys; print(list(sys.flags))"
    expected = start(sys.executable, *options, "-c", plain, cwd=tmp_path)
    done = start(sys.executable, "app.bundle", cwd=tmp_path)
    assert (done.stderr, done.stdout) == ("", expected.stdout)
    (tmp_path / "python3").symlink_to(sys.executable)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert start("./app.bundle", cwd=tmp_path, env=path).stdout == expected.stdout


def test_garbage_is_collected_once_it_is_up(kind: str, tmp_path: Path) -> None:
    """What is imported costs no collection, and they go on as ever then; or `--no-defer-gc`."""
    source = tmp_path / "source"
    program = (
        "import gc\n"
        "def count(): return sum(one['collections'] for one in gc.get_stats())\n"
        "early = count()\n"
        "import email.message, http.client\n"
        "def main():\n"
        "    up = count()\n"
        "    kept = [[] for _ in range(300_000)]\n"
        "    print(up > early, count() > up, gc.get_threshold()[0], len(kept))\n"
    )
    write_tree({"up.py": program}, source)
    usual = start(sys.executable, "-c", "import gc; print(gc.get_threshold()[0])", cwd=tmp_path)
    built(source, tmp_path, kind, "--main", "up:main")
    done = python("app.bundle", cwd=tmp_path)
    assert (done.stderr, done.stdout) == ("", f"False True {usual.stdout.strip()} 300000\n")
    built(source, tmp_path, kind, "--main", "up:main", "--no-defer-gc")
    done = python("app.bundle", cwd=tmp_path)
    assert (done.stderr, done.stdout) == ("", f"True True {usual.stdout.strip()} 300000\n")


def test_it_starts_itself_again(sources: Path, kind: str, tmp_path: Path) -> None:
    """By `os.execv(sys.executable, [sys.executable, *sys.argv])`, as reloaders do."""
    packed(sources, tmp_path, kind, "--main", "app.cli:again")
    done = python("app.bundle", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("again\n", "")


@pytest.mark.parametrize("main", ["app", "app.cli:main", "app/cli.py", ""])
def test_it_starts_itself_as_it_was_started(main: str, kind: str, tmp_path: Path) -> None:
    """By `sys.orig_argv`, whatever it is; `sys.argv` does not name the file of a module's."""
    again = (
        "import os, sys\n"
        "def main():\n"
        "    if 'AGAIN' in os.environ: print('again', sys.argv[1:]); return\n"
        "    os.environ['AGAIN'] = ''\n"
        "    os.execv(sys.executable, sys.orig_argv)\n"
        "if __name__ == '__main__': main()\n"
    )
    tree = {"app/__init__.py": "", "app/__main__.py": again, "app/cli.py": again}
    write_tree(tree, tmp_path / "src")
    built(tmp_path / "src", tmp_path, kind, *(["--main", main] if main else []))
    done = python("app.bundle", *([] if main else ["-m", "app"]), "a", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("again ['a']\n", "")


_STARTS_OTHERS = """\
import os, pathlib, subprocess, sys
python = sys.executable
def main():
    for command in (
        [python, "-m", "others.child", "x"],
        (python, "-Sm", "others.child"),
        [pathlib.Path(python), "-c", "import others.child"],
        [python, str(pathlib.Path(__file__).with_name("child.py"))],
        [python, "-V"],
    ):
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        assert done.args is command, done.args
        print(done.stdout, end="")
    search = {**os.environ, "PYTHONPATH": os.path.dirname(os.__file__) + "/json"}
    find = "import sys; print(sys.path[1].endswith('json'))"
    print(subprocess.run([python, "-c", find], env=search, stdout=-1, text=True).stdout, end="")
    piped = subprocess.run([python], input="import others.child", text=True, stdout=-1, check=True)
    print(piped.stdout, end="")
    try:
        subprocess.check_output([python, "-c", "raise SystemExit(7)"], executable=None)
    except subprocess.CalledProcessError as error:
        print(error)
"""


def test_its_interpreters_see_what_it_sees(kind: str, tmp_path: Path) -> None:
    """`[sys.executable, "-m", "package"]` finds the package, as in a virtual environment."""
    source = tmp_path / "source"
    tree = {
        "others/__init__.py": "",
        "others/cli.py": _STARTS_OTHERS,
        "others/child.py": "import sys, others; print(__name__, sys.argv[1:], sys.flags.no_site)\n",
    }
    write_tree(tree, source)
    program = "from others.cli import main; main()"
    path = {"PYTHONPATH": str(source)}  # in the place of an environment with the package
    expected = start(sys.executable, "-c", program, cwd=tmp_path, env=path)
    built(source, tmp_path, kind, "--main", "others.cli:main", "--place", "others=code")
    done = python("app.bundle", cwd=tmp_path)
    assert (done.stdout, done.stderr) == (expected.stdout, expected.stderr)


def test_any_program_has_an_interpreter(sources: Path, kind: str, tmp_path: Path) -> None:
    """`--litebundle-interpreter` is what a bundle without a main is."""
    packed(sources, tmp_path, kind, "--main", "app.cli:main")
    done = python("app.bundle", "--litebundle-interpreter", "-m", "app", "x", cwd=tmp_path)
    assert done.stdout.startswith("module app.__main__ ")
    assert done.stdout.endswith("'x']\n")


def test_standard_input_is_the_programs(sources: Path, kind: str, tmp_path: Path) -> None:
    """Nothing of it is read before."""
    packed(sources, tmp_path, kind, "--main", "app.cli:reads")
    done = python("app.bundle", cwd=tmp_path, input="typed\n")
    assert (done.stdout, done.stderr) == ("typed\n\n", "")


@pytest.mark.fault(43)
@pytest.mark.parametrize(
    "name", ["with space.bundle", "ünï?#%.bundle", os.fsdecode(b"\xff.bundle")]
)
def test_its_path_may_be_any(sources: Path, kind: str, tmp_path: Path, name: str) -> None:
    """With spaces, not ASCII, not UTF-8; and through a link."""
    file = packed(sources, tmp_path, kind, "--main", "app.cli:other")
    place = tmp_path / name
    file.rename(place)
    (tmp_path / "link").symlink_to(place)
    for path in (place, Path("link")):
        done = python(path, "x", cwd=tmp_path)
        assert (done.stdout, done.stderr) == ("other ['x']\n", "")


@pytest.mark.fault(53)
def test_its_surroundings_may_be_bare(sources: Path, kind: str, tmp_path: Path) -> None:
    """No HOME, no PATH, and a working directory that was removed."""
    file = packed(sources, tmp_path, kind, "--main", "app.cli:other")
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"cd {gone}; rmdir {gone}; exec env -i {sys.executable} {file} x"
    done = start("sh", "-c", script, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("other ['x']\n", "")


@pytest.mark.fault(22)
def test_it_writes_nothing(sources: Path, kind: str, tmp_path: Path) -> None:
    """A program without data or native extensions opens no file to write, and makes none."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("there is no strace here")
    packed(sources, tmp_path, kind, "--main", "app.cli:other")
    trace = tmp_path / "trace"
    command = (strace, "-f", "-qq", "-e", "trace=%file", "-o", trace)
    done = start(*command, sys.executable, "app.bundle", "x", cwd=tmp_path)
    if "ptrace" in done.stderr.lower():
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    assert (done.stdout, done.stderr) == ("other ['x']\n", "")
    calls = trace.read_text().splitlines()
    assert any("app.bundle" in call for call in calls)
    writing = re.compile(r"O_CREAT|O_WRONLY|O_RDWR|\b(mk|rename|unlink|symlink|link)\w*\(")
    assert [call for call in calls if writing.search(call)] == []


def test_its_disk_may_be_read_only_and_execute_nothing(
    sources: Path, kind: str, tmp_path: Path
) -> None:
    """Its own, and that of temporary files; there is no HOME either."""
    file = packed(sources, tmp_path, kind, "--main", "app.cli:other")
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        'mount -t tmpfs none "$1" && cp "$2" "$1" && mount -o remount,ro,noexec "$1" || exit 77\n'
        'cd "$1"; env -i TMPDIR="$1" "$3" app.bundle x; touch file'
    )
    space = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-r", "-m"]
    done = start(*space, "sh", "-c", script, "sh", disk, file, sys.executable, cwd=tmp_path)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    assert done.stdout == "other ['x']\n"
    assert done.stderr.count("\n") == 1
    assert "Read-only" in done.stderr  # of `touch`


def test_a_replaced_file_is_not_read_again(kind: str, tmp_path: Path) -> None:
    """The program and the runtime go on from what was opened, also for what comes late."""
    source = tmp_path / "source"
    late = (
        "import os, sys\n"
        "def main():\n"
        "    os.replace('other', sys.argv[0])\n"
        "    import importlib, importlib.metadata, importlib.resources, multiprocessing.spawn\n"
        "    import beside\n"
        "    print(beside.X, importlib.metadata.version('demo'))\n"
        "    print((importlib.resources.files('package') / 'data.txt').read_text())\n"
    )
    write_tree(
        {
            "late.py": late,
            "beside.py": "X = 1\n",
            "package/__init__.py": "",
            "package/data.txt": "text",
            "demo-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        },
        source,
    )
    built(source, tmp_path, kind, "--main", "late:main")
    (tmp_path / "other").write_text("not even a bundle")
    environment = {"LITEBUNDLE_CACHE": str(tmp_path / "cache")}
    done = python("app.bundle", cwd=tmp_path, env=environment)
    assert (done.stdout, done.stderr) == ("1 1.0\ntext\n", "")


_DEBUGGED: Tree = {
    "debugged.py": (
        "import faulthandler, sys\n"
        "def main():\n"
        "    print(sys.flags.dev_mode, sys.warnoptions, faulthandler.is_enabled())\n"
        "    value = 41\n"
        "    breakpoint()\n"
        "    print(value + 1)\n"
        "if __name__ == '__main__':\n"
        "    main()\n"
    )
}


@pytest.mark.parametrize("options", [(), ("-X", "dev", "-W", "error"), ("-X", "faulthandler")])
def test_it_can_be_debugged(kind: str, tmp_path: Path, options: tuple[str, ...]) -> None:
    """A breakpoint shows lines, callers and values; there is nothing to be warned of."""
    source = tmp_path / "source"
    write_tree(_DEBUGGED, source)
    file = built(source, tmp_path, kind, "--main", "debugged.py")
    commands = "list\np value\np __main__.__file__\nup\nlist\ncontinue\n"
    expected = start(
        sys.executable, "-S", *options, source / "debugged.py", cwd=tmp_path, input=commands
    )
    done = start(sys.executable, "-S", *options, file, cwd=tmp_path, input=commands)
    assert "breakpoint()" in done.stdout
    assert done.stdout.replace(str(file), str(source)) == expected.stdout
    assert done.stderr == expected.stderr == ""


def test_who_may_only_read_it_may_run_it(sources: Path, kind: str, tmp_path: Path) -> None:
    """On a disk that nobody writes to, as far as it can tell."""
    file = packed(sources, tmp_path, kind, "--main", "demo", "--executable")
    file.chmod(0o555)
    tmp_path.chmod(0o555)
    try:
        assert start("./app.bundle", "a", cwd=tmp_path).returncode == 3
        file.chmod(0o444)
        assert python("app.bundle", "a", cwd=tmp_path).returncode == 3
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize(
    ("main", "status", "errors"),
    [
        ("ends:none", 0, ""),
        ("ends:number", 7, ""),
        ("ends:text", 1, "the reason\n"),
        ("ends:leaves", 9, ""),
        ("ends.py", 4, ""),
    ],
)
def test_it_ends_as_the_program_says(
    kind: str, tmp_path: Path, main: str, status: int, errors: str
) -> None:
    """What a function returns, SystemExit, and exit handlers before the end."""
    source = tmp_path / "source"
    program = (
        "import atexit, sys\n"
        "atexit.register(print, 'bye')\n"
        "def none(): pass\n"
        "def number(): return 7\n"
        "def text(): return 'the reason'\n"
        "def leaves(): raise SystemExit(9)\n"
        "if __name__ == '__main__': sys.exit(4)\n"
    )
    write_tree({"ends.py": program}, source)
    built(source, tmp_path, kind, "--main", main)
    done = python("app.bundle", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (status, "bye\n", errors)


def test_the_hook_may_be_there_already(sources: Path, kind: str, tmp_path: Path) -> None:
    """Where every interpreter installs it, `python FILE` starts the program all the same."""
    other = tmp_path / "other"
    write_tree({"sitecustomize.py": "import litebundle; litebundle.install()\n"}, other)
    packed(sources, tmp_path, kind, "--main", "app.cli:other")
    path = {"PYTHONPATH": f"{other}:{SOURCES}"}
    done = start(sys.executable, "app.bundle", "x", cwd=tmp_path, env=path)
    assert (done.stdout, done.stderr) == ("other ['x']\n", "")


def test_a_definition_names_the_program(sources: Path, kind: str, tmp_path: Path) -> None:
    """By the options' names."""
    definition = (
        f'src = ["{sources}"]\nformat = "{kind}"\nmain = "demo"\nexecutable = true\n'
        'python-args = "-X utf8"\ninherit-path = false\n'
    )
    (tmp_path / "bundle.toml").write_text(definition)
    done = bundle("build", tmp_path, "-q", "-o", "app.bundle", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    head = (tmp_path / "app.bundle").read_bytes()[:60]
    assert head.startswith(b"#!/usr/bin/env -S python3 -X utf8\n")
    assert start("./app.bundle", cwd=tmp_path).returncode == 3
    (tmp_path / "bundle.toml").write_text('src = ["."]\nlauncher = "no"\n')
    assert "expected true or false" in refusal(bundle("build", ".", "-o", "x", cwd=tmp_path))
