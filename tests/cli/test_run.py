"""`bundle run`: a program in a bundle behaves as it does in the directory it was built from."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.command import SOURCES, Done, bundle, environment, python, refusal


def both(
    directory: Path, packed: Path, *target: str, flags: tuple[str, ...] = (), stdin: str = ""
) -> tuple[Done, Done]:
    """Run a target from the directory and from the bundle; return what each left behind.

    The directory is what Python has it be: the working directory. The bundle's is elsewhere.
    """
    expected = python(*flags, *target, cwd=directory, stdin=stdin)
    found = bundle("run", packed, *target, cwd=packed.parent, flags=flags, stdin=stdin)
    return neutral(expected, directory), neutral(found, packed)


def neutral(done: Done, root: Path) -> Done:
    """Return the outcome with the root's path replaced."""
    done.args = None
    done.stdout = done.stdout.replace(str(root), "<root>")
    done.stderr = done.stderr.replace(str(root), "<root>")
    # Where runpy asks a loader for the code of a module that does not compile, importlib's frames
    # are not trimmed; their lines and number are the loader's own affair.
    done.stderr = "".join(
        line
        for line in done.stderr.splitlines(keepends=True)
        if "<frozen importlib._bootstrap_external>" not in line
    )
    return done


def assert_same(
    directory: Path, packed: Path, *target: str, status: int = 0, flags: tuple[str, ...] = ()
) -> Done:
    """Assert that both end alike, there with `status`; return the outcome."""
    expected, found = both(directory, packed, *target, flags=flags)
    assert expected.returncode == status, expected.stderr
    assert found.returncode == expected.returncode, found.stderr
    assert found.stdout == expected.stdout
    assert found.stderr == expected.stderr
    return found


def test_a_module_runs_as_with_python_m(directory: Path, packed: Path) -> None:
    """`__main__`, `sys.argv`, `sys.path`, flags: all as `python -m` sets them in the directory."""
    done = assert_same(directory, packed, "-m", "app", "one", "--help", "--", "-c", "*")
    facts = json.loads(done.stdout)
    assert facts["argv"] == ["<root>/app/__main__.py", "one", "--help", "--", "-c", "*"]
    assert facts["path"][0] == "<root>"


@pytest.mark.fault(53)
@pytest.mark.parametrize(
    "flags",
    [
        ("-O",),
        ("-OO",),
        ("-s",),
        ("-b", "-B", "-q"),
        ("-W", "error::UserWarning", "-W", "ignore::ImportWarning"),
        ("-X", "dev"),
        ("-X", "int_max_str_digits=5000", "-X", "utf8=0"),
        ("-X", "pycache_prefix=nowhere"),
    ],
)
def test_the_options_of_the_interpreter_are_passed_on(
    directory: Path, packed: Path, flags: tuple[str, ...]
) -> None:
    """What `python` was told before `-m litebundle`, the program's interpreter is told too."""
    assert_same(directory, packed, "-m", "app", flags=flags)


def test_a_safe_path_has_the_bundle_too(packed: Path) -> None:
    """`-P` keeps off the path what nobody named; the bundle was named."""
    done = bundle("run", packed, "-m", "app", cwd=packed.parent, flags=["-P"])
    facts = json.loads(done.stdout)
    assert facts["path"][:2] == [str(packed), SOURCES]
    code = "import sys; print(sys.flags.safe_path)"
    done = bundle("run", packed, "-c", code, cwd=packed.parent, flags=["-P"])
    assert done.stdout == "True\n"


def test_unbuffered_output_is_passed_on(packed: Path) -> None:
    """`-u` is no flag that a running interpreter shows, but it is passed on too."""
    code = "import sys; print(type(sys.stdout.buffer).__name__)"
    plain = bundle("run", packed, "-c", code, cwd=packed.parent)
    unbuffered = bundle("run", packed, "-c", code, cwd=packed.parent, flags=["-u"])
    assert (plain.stdout, unbuffered.stdout) == ("BufferedWriter\n", "FileIO\n")


def test_code_runs_as_with_python_c(directory: Path, packed: Path) -> None:
    """`-c` has the arguments behind it, an empty `__main__`, and the bundle to import from."""
    code = (
        "import sys; print(sys.argv, sorted(globals()), __name__, __doc__, __spec__, __loader__);"
        "import app.other; print(app.other.__file__, app.other.VALUE)"
    )
    assert_same(directory, packed, "-c", code, "-m", "-c", "--help")


def test_only_the_loader_is_imported_beside_what_python_imports(
    directory: Path, packed: Path
) -> None:
    """Nothing of the command is in the program's process: neither click nor our own folders."""
    code = "import sys; print('\\n'.join(sys.modules))"
    expected, found = both(directory, packed, "-c", code)
    surplus = set(found.stdout.split()) - set(expected.stdout.split())
    assert {name.split(".")[0] for name in surplus} == {"litebundle"}
    folders = {name.split(".")[1] for name in surplus if "." in name}
    assert folders == {"errors", "format", "runtime"}


@pytest.mark.fault(52)
def test_the_working_directory_is_not_on_the_path(packed: Path, tmp_path: Path) -> None:
    """A module in the working directory, or in litebundle's own, cannot take the place of one."""
    (tmp_path / "zipfile.py").write_text("raise SystemExit('imported from the working directory')")
    code = "import sys, zipfile; print(zipfile.__file__, sys.path)"
    done = bundle("run", packed, "-c", code, cwd=tmp_path, flags=["-P"])
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) not in done.stdout
    assert "runtime" not in done.stdout


def test_a_relative_name_survives_a_change_of_directory(packed: Path) -> None:
    """The path entry is absolute, however the file was named."""
    code = "import os; os.chdir('/'); import app.other; print(app.other.__file__)"
    done = bundle("run", packed.name, "-c", code, cwd=packed.parent)
    assert done.stdout == f"{packed}/app/other.py\n"


def test_a_module_in_a_namespace_package_runs(directory: Path, packed: Path) -> None:
    """Directories without `__init__` lead to their modules."""
    assert assert_same(directory, packed, "-m", "space.only.deep").stdout == "deep\n"


def test_threads_and_exit_handlers_see_the_same_main(directory: Path, packed: Path) -> None:
    """What outlives the module's last line still finds it as `__main__`."""
    done = assert_same(directory, packed, "-m", "app.leaves")
    assert "thread app.leaves True True" in done.stdout
    assert "atexit app.leaves True True" in done.stdout


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (("-m", "app.raises"), 1),
        (("-m", "app.broken"), 1),
        (("-m", "app.wants"), 1),
        (("-m", "nothere"), 1),
        (("-m", "app.nothere"), 1),
        (("-m", "app.other.deeper"), 1),
        (("-m", "space"), 1),
        (("-c", "1/0"), 1),
        (("-c", "import app.raises\napp.raises.fail()"), 1),
        (("-c", "def half(:"), 1),
        (("-c", "import app.broken"), 1),
        (("-c", "raise SystemExit(7)"), 7),
        (("-c", "raise SystemExit"), 0),
        (("-c", "raise SystemExit('farewell')"), 1),
        (("-c", "import sys; sys.excepthook = lambda *e: print('own', e[0]); 1/0"), 1),
        (("-c", "import os; os._exit(9)"), 9),
        (("-c", "raise KeyboardInterrupt"), -signal.SIGINT),
        (("-c", "import os; os.kill(os.getpid(), 15)"), -signal.SIGTERM),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else str(value),
)
def test_the_end_is_pythons(
    directory: Path, packed: Path, target: tuple[str, ...], status: int
) -> None:
    """Exit status, messages and tracebacks are those of the directory: no frame of ours."""
    assert_same(directory, packed, *target, status=status)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_program(packed: Path, number: signal.Signals) -> None:
    """The program has the command's process to itself: it dies of a signal as Python does."""
    code = "import time; print('ready', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-m", "litebundle", "run", packed, "-c", code],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(timeout=10) == -number


def test_standard_input_is_the_programs(packed: Path) -> None:
    """Nothing of it is read before."""
    done = bundle("run", packed, "-c", "print(input())", cwd=packed.parent, stdin="a line\n")
    assert done.stdout == "a line\n"


def test_an_entry_point_runs_as_its_script(packed: Path) -> None:
    """The function's result is the exit status; `sys.argv[0]` names what was run: the bundle."""
    done = bundle("run", packed, "app.cli:main", "--version", "x", cwd=packed.parent)
    assert done.returncode == 3
    assert done.stdout == f"{[str(packed), '--version', 'x']} True\n"


def test_an_entry_point_may_be_an_attribute_of_an_attribute(packed: Path) -> None:
    """As in entry_points.txt: `module:Class.method`."""
    assert bundle("run", packed, "app.cli:Group.run", cwd=packed.parent).stdout == "run\n"


def test_an_entry_point_fails_with_its_own_traceback(packed: Path) -> None:
    """From the function's own frame on."""
    done = bundle("run", packed, "app.raises:fail", cwd=packed.parent)
    assert done.returncode == 1
    assert 'raises.py", line 5, in fail' in done.stderr
    assert "runtime" not in done.stderr


def test_an_entry_point_that_is_not_there_is_named(packed: Path) -> None:
    """A missing module or function is the user's mistake: a message, no traceback."""
    for target, cause in (
        ("nothere:main", "No module named 'nothere'"),
        ("app.nothere:main", "No module named 'app.nothere'"),
        ("app.cli:nothere", "module 'app.cli' has no 'nothere'"),
    ):
        assert refusal(bundle("run", packed, target, cwd=packed.parent)) == cause
    # But one that the module itself fails to import is the program's.
    done = bundle("run", packed, "app.wants:main", cwd=packed.parent)
    assert "Traceback" in done.stderr
    assert done.stderr.endswith("ModuleNotFoundError: No module named 'surely_not_there'\n")


@pytest.mark.parametrize(
    "target",
    [(), ("-m",), ("-c",), ("-x", "app"), ("app",), ("app:",), (":main",), ("--help",)],
    ids=" ".join,
)
def test_what_names_no_program_is_wrong_usage(packed: Path, target: tuple[str, ...]) -> None:
    """One of the three forms has to follow the file."""
    refusal(bundle("run", packed, *target, cwd=packed.parent), status=2)


def test_options_before_the_file_are_the_commands(packed: Path) -> None:
    """`bundle run --help` is help about `run`; `-m` before the file is a mistake."""
    assert "MODULE:FUNCTION" in bundle("run", "--help", cwd=packed.parent).stdout
    refusal(bundle("run", "-m", "app", packed, cwd=packed.parent), status=2)


def test_a_file_that_is_no_bundle_is_refused(packed: Path, tmp_path: Path) -> None:
    """Nothing is run, and the message says what is wrong with it."""
    text = tmp_path / "text.bundle"
    text.write_text("print('executed')")
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE t(x)")
    short = tmp_path / "short.bundle"
    short.write_bytes(packed.read_bytes()[:-100])
    for file, cause in (
        (text, "not a bundle"),
        (other, "not a bundle"),
        (tmp_path, "Is a directory"),
        (tmp_path / "missing", "No such file or directory"),
        (tmp_path / "missing" / "deep", "No such file or directory"),
    ):
        done = bundle("run", file, "-c", "print('executed')", cwd=tmp_path)
        message = refusal(done)
        assert str(file) in message
        assert cause in message
        assert done.stdout == ""
    done = bundle("run", short, "-c", "print('executed')", cwd=tmp_path)
    assert "short.bundle" in refusal(done)
    assert done.stdout == ""


@pytest.mark.fault(20)
def test_an_unreadable_file_is_refused(packed: Path, tmp_path: Path) -> None:
    """The system's reason is told."""
    copy = tmp_path / "secret.bundle"
    copy.write_bytes(packed.read_bytes())
    copy.chmod(0)
    if os.access(copy, os.R_OK):
        pytest.skip("whoever runs this reads everything")
    done = bundle("run", copy, "-c", "print('executed')", cwd=tmp_path)
    assert "Permission denied" in refusal(done)
