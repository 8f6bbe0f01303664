"""`bundle freeze`: a program with its interpreter, for where there is no Python."""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import backports.zstd
import pytest

from litebundle.freeze.folder import Choice, freeze
from litebundle.freeze.onefile import freeze_onefile
from tests.cli.command import TIMEOUT, Done, bundle, good, refusal
from tests.rules.places import Tree, write_tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bundle freeze is for Linux")

_PROGRAM: Tree = {
    "app/__init__.py": "",
    "app/__main__.py": "print('by -m', __file__)\n",
    "app/cli.py": (
        "import multiprocessing, os, subprocess, sys\n"
        "def main(): print('main', sys.argv[1:]); return 3\n"
        "def other(): print('other', sys.argv[1:])\n"
        "def facts():\n"
        "    import json, zlib\n"
        "    print(sys.argv[0], sys.flags.utf8_mode, sys.path, sys.executable, os.environ)\n"
        "def double(number): return 2 * number\n"
        "def workers():\n"
        "    for method in ('fork', 'spawn', 'forkserver'):\n"
        "        with multiprocessing.get_context(method).Pool(1) as pool:\n"
        "            print(method, pool.map(double, [1]), flush=True)\n"
        "    for options in ([], ['-I', '-S']):\n"
        "        subprocess.run([sys.executable, *options, '-m', 'json.tool'], input=b'[]')\n"
        "    subprocess.run([sys.executable, '-m', 'app'])\n"
        "def again():\n"
        "    if 'again' in sys.argv: print('again'); return\n"
        "    os.execv(sys.executable, [sys.executable, *sys.argv, 'again'])\n"
    ),
    "demo-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
    "demo-1.0.dist-info/entry_points.txt": "[console_scripts]\n"
    + "".join(f"{name} = app.cli:{name}\n" for name in ("main", "other", "facts", "workers"))
    + "again = app.cli:again\n",
}


def start(*command: str | Path, cwd: Path, **options: Any) -> Done:
    """Run a command with an empty environment."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=options.pop("env", {}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        **options,
    )


@contextlib.contextmanager
def _turn(home: Path) -> Iterator[None]:
    """Let one process of the tests after the other make what is not there yet."""
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle whose program is `main`, made once for all processes of the tests."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "frozen"
    with _turn(home):
        if not (home / "app.bundle").exists():
            write_tree(_PROGRAM, home / "source")
            good(bundle("build", "source", "-q", "-o", "app.bundle", "--main", "main", cwd=home))
    return home / "app.bundle"


@pytest.fixture(scope="module")
def frozen(packed: Path) -> Path:
    """Return the folder, at a place that is not where it was made.

    The name is UTF-8: CPython 3.12 and later load no extension module from another path.
    """
    made, moved = packed.with_name("made"), packed.with_name("moved tö")
    with _turn(packed.parent):
        if not moved.exists():
            assert freeze(packed, made, Choice(strip=True)).program == made / "main"
            made.rename(moved)
    return moved


@pytest.fixture(scope="module")
def onefile(packed: Path) -> Path:
    """Return the same in one file."""
    file = packed.with_name("one file")
    with _turn(packed.parent):
        if not file.exists():
            freeze_onefile(packed, file, Choice(strip=True))
    return file


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Path]:
    """Return a cache directory to be."""
    yield tmp_path / "the cache"
    shutil.rmtree(tmp_path / "the cache", ignore_errors=True)


def unpacked(file: Path, cache: Path, *arguments: str, **options: Any) -> Done:
    """Start a program in one file."""
    env = {"LITEBUNDLE_CACHE": str(cache), "PATH": os.defpath}
    return start(file, *arguments, cwd=cache.parent, env=env, **options)


def test_it_starts_with_nothing(frozen: Path, tmp_path: Path) -> None:
    """An empty environment; directly, through links, by its name on the PATH, from nowhere."""
    expected = ("main ['a b', '']\n", "", 3)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "direct").symlink_to(frozen / "main")
    (tmp_path / "program").symlink_to("links/direct")
    gone = tmp_path / "gone"
    gone.mkdir()
    nowhere = f'cd "{gone}" && rmdir "{gone}" && exec "$0" "$@"'
    for command, env in (
        ([frozen / "main"], {}),
        ([tmp_path / "program"], {}),
        (["./program"], {}),
        (["sh", "program"], {"PATH": os.defpath}),
        (["env", "direct"], {"PATH": f"{os.defpath}:{tmp_path}/links"}),
        (["sh", "-c", nowhere, frozen / "main"], {"PATH": os.defpath}),
    ):
        done = start(*command, "a b", "", cwd=tmp_path, env=env)
        # dash says at its start that there is no directory; it has to stay silent otherwise
        errors = "" if "getcwd() failed" in done.stderr else done.stderr
        assert (done.stdout, errors, done.returncode) == expected, command


def test_it_opens_nothing_of_the_installed_python(frozen: Path, tmp_path: Path) -> None:
    """Every file but the system's is its own, and nothing is written."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("there is no strace here")
    trace = tmp_path / "trace"
    command = (strace, "-f", "-qq", "-z", "-e", "trace=%file", "-o", trace)
    done = start(*command, frozen / "main", cwd=tmp_path)
    if "ptrace" in done.stderr.lower():
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    assert done.returncode == 3
    calls = trace.read_text(errors="replace").splitlines()
    foreign = {os.path.realpath(path) for path in (sys.prefix, sys.base_prefix)}
    foreign |= {str(sysconfig.get_path("stdlib"))}
    foreign -= {"/usr"}
    assert [call for call in calls if any(path in call for path in foreign)] == []
    assert any("lib-dynload" in call for call in calls) or "zlib" in sys.builtin_module_names
    writing = re.compile(r"O_CREAT|O_WRONLY|O_RDWR|\b(mk|rename|unlink|symlink|link)\w*\(")
    assert [call for call in calls if writing.search(call)] == []


def _libc() -> list[str]:
    """Return the files of the C library's family that a program gets here."""
    told = start("ldd", sys.executable, cwd=Path("/"), env={"PATH": os.defpath}).stdout
    found = re.findall(r"/\S*/(?:ld-|lib(?:c|m|dl|pthread|util|rt)\.)\S+", told)
    return [path for path in found if not path.startswith(sys.base_prefix)]


@pytest.mark.parametrize("kind", ["folder", "onefile"])
def test_it_runs_where_there_is_no_python(
    packed: Path, frozen: Path, onefile: Path, tmp_path: Path, kind: str
) -> None:
    """On a root directory of the C library, a shell, and the tools that unpacking takes.

    The folder on a read-only disk; so does a bundle that is not frozen, by the same interpreter.
    """
    if os.geteuid():
        pytest.skip("only root may change the root directory")
    root = tmp_path / "root"
    names = ["mkdir", "mktemp", "find", "tail", "head", "gzip", "tar", "rm", "id", "readlink"]
    tools = [shutil.which(name) for name in ("sh", *(names if kind == "onefile" else ()))]
    told = start("ldd", *filter(None, tools), cwd=tmp_path, env={"PATH": os.defpath}).stdout
    libraries = set(re.findall(r"(/\S+) \(0x", told)) if kind == "onefile" else set()
    places = {path: path for path in (*_libc(), *libraries)}
    places |= {path: f"/bin/{Path(path).name}" for path in filter(None, tools)}
    for path, place in places.items():
        target = root / place.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    if kind == "folder":
        shutil.copytree(frozen, root / "app")
    else:
        (root / "app").mkdir()
        shutil.copy(onefile, root / "app" / "main")
    for name in ("dev", "proc"):  # the loader finds $ORIGIN by /proc/self/exe
        (root / name).mkdir()
    script = 'mount --rbind /proc "$1/proc" || exit 77; exec chroot "$@"'
    if kind == "folder":  # which writes nothing, and has no directory for temporary files
        script = f'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && cd "$1" && {script}'
    env = {"LITEBUNDLE_CACHE": "/c", "PATH": f"{os.defpath}:/usr/sbin:/sbin"}
    commands: list[tuple[str, ...]] = [("/app/main", "a")]
    if kind == "folder":
        shutil.copy(packed, root / "app.bundle")
        python = f"/app/bin/python{sysconfig.get_python_version()}"
        commands.append((python, "/app.bundle", "a"))
    for command in commands:
        mounted = ("unshare", "-m", "sh", "-c", script, "sh", str(root), *command)
        done = start(*mounted, cwd=tmp_path, env=env)
        if done.returncode == 77 or "unshare" in done.stderr:
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
        assert (done.stdout, done.stderr, done.returncode) == ("main ['a']\n", "", 3)
    assert [*root.rglob("python3*")]


def test_a_user_who_may_only_read_may_run_it(packed: Path, frozen: Path, onefile: Path) -> None:
    """Folder, bundle and file are root's; what the file unpacks is the user's own."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory() as base:
        place = Path(base)
        place.chmod(0o755)
        shutil.copytree(frozen, place / "app")
        shutil.copy(packed, place / "app.bundle")
        shutil.copy(onefile, place / "one")
        (place / "cache").mkdir()
        os.chown(place / "cache", 65534, 65534)
        env = {"LITEBUNDLE_CACHE": str(place / "cache"), "PATH": os.defpath}
        python = next((place / "app").glob("bin/python*"))
        for command in ([place / "app" / "main"], [python, place / "app.bundle"], [place / "one"]):
            done = start(*command, cwd=place, env=env, user=65534, group=65534, extra_groups=())
            assert (done.stdout, done.stderr, done.returncode) == ("main []\n", "", 3), command
        assert {path.owner() for path in (place / "cache").iterdir()} == {"nobody"}


def test_its_children_are_as_it_is(frozen: Path, onefile: Path, cache: Path) -> None:
    """Workers, `sys.executable -m` with the library and the program's packages, itself again."""
    (cache.parent / "workers").symlink_to(frozen / "main")
    (cache.parent / "again").symlink_to(frozen / "main")
    expected = "fork [2]\nspawn [2]\nforkserver [2]\n[]\n[]\n"
    done = start("./workers", cwd=cache.parent)
    assert (done.stdout, done.stderr) == (
        f"{expected}by -m {cache.parent}/./workers/app/__main__.py\n",
        "",
    )
    assert start("./again", cwd=cache.parent).stdout == "again\n"
    done = unpacked(onefile, cache, "--litebundle-entry", "workers")
    assert (done.stdout, done.stderr) == (f"{expected}by -m {onefile}/app/__main__.py\n", "")


def test_the_environment_decides_nothing(frozen: Path, tmp_path: Path) -> None:
    """Another Python's home and path; `sys.argv` names what was started."""
    other = tmp_path / "other"
    write_tree({"json.py": "raise SystemError\n", "zlib.py": "raise SystemError\n"}, other)
    (tmp_path / "facts").symlink_to(frozen / "main")
    env = {"PYTHONHOME": "/nowhere", "PYTHONPATH": str(other), "LD_LIBRARY_PATH": "/nowhere"}
    done = start("./facts", cwd=tmp_path, env=env)
    assert done.stderr == ""
    assert done.stdout.startswith("./facts ")
    assert str(other) not in done.stdout.partition("environ")[0]
    assert "LD_LIBRARY_PATH" in done.stdout


def test_only_what_is_used_is_there(frozen: Path) -> None:
    """Of the extension modules, and no sources; its library is a bundle."""
    names = {path.name.partition(".")[0] for path in frozen.glob("lib/*/lib-dynload/*.so")}
    assert not {name for name in names if "test" in name or name in ("_sqlite3", "_tkinter")}
    assert {"zlib", "_struct"} <= names | {*sys.builtin_module_names}
    assert [path.name for path in frozen.iterdir() if path.is_file()] == ["main"]
    assert [*frozen.rglob("*.py")] == []
    [library] = frozen.glob("lib*/python3*.zip")
    good(bundle("verify", library, cwd=frozen))
    good(bundle("verify", frozen / "main", cwd=frozen))


def test_what_cannot_be_frozen_is_refused(packed: Path, tmp_path: Path) -> None:
    """Before any work: nothing is made, and what is there stays."""
    source = packed.with_name("source")
    good(bundle("build", source, "-q", "-o", "bare", cwd=tmp_path))
    good(bundle("build", source, "-q", "-o", "still", "--no-launcher", cwd=tmp_path))
    (tmp_path / "text").write_text("text")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    other = next(v for v in ("3.11", "3.12", "3.13") if v != "{}.{}".format(*sys.version_info))
    before = sorted(tmp_path.rglob("*"))
    for arguments, cause in (
        (["nothere"], "cannot open the bundle"),
        (["text"], "not a bundle"),
        (["bare"], "no program: nothing says what to run"),
        (["still"], "no program: "),
        ([packed, "-o", "mine"], "is there already"),
        ([packed, "-o", "mine", "--force"], "is no frozen program, and would be lost"),
        ([packed, "-o", "text", "--onefile"], "is there already"),
        ([packed, "-o", "text", "--onefile", "--force"], "is no frozen program"),
        ([packed, "-o", "no/where"], "the output's directory does not exist"),
        ([packed, "--python", "nopython"], "nopython is no program"),
        ([packed, "--python", "/bin/true"], "cannot use /bin/true"),
        ([packed, "--python", other], "3."),
        ([packed, "--include", "json", "--include", "nosuch", "--include", ""], "'nosuch', ''"),
        ([packed, "--include", "turtle", "--onefile"], "'turtle'"),
    ):
        given = arguments if "-o" in arguments else [*arguments, "-o", "out"]
        assert cause in refusal(bundle("freeze", *given, cwd=tmp_path)), arguments
        assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="zstd is in the standard library")
def test_zstd_that_nothing_would_undo_is_refused(tmp_path: Path) -> None:
    """The interpreter that goes along is known; with backports.zstd in the bundle it can."""
    write_tree(_PROGRAM, tmp_path / "source")
    made = ("-q", "-o", "app", "--main", "app.cli:main", "--compress", "zstd")
    good(bundle("build", "source", *made, cwd=tmp_path))
    told = refusal(bundle("freeze", "app", "-o", "out", cwd=tmp_path))
    assert told.startswith("app: compressed with zstd, which CPython 3.")
    assert not (tmp_path / "out").exists()
    home = Path(backports.zstd.__file__).parent
    shutil.copytree(home, tmp_path / "source/backports/zstd")
    if home.with_name("__init__.py").exists():
        shutil.copy(home.with_name("__init__.py"), tmp_path / "source/backports")
    good(bundle("build", "source", *made, "--no-sources", cwd=tmp_path))
    good(bundle("freeze", "app", "-o", "out", cwd=tmp_path))
    done = start(tmp_path / "out/main", "x", cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("main ['x']\n", 3), done.stderr


def test_a_frozen_program_can_be_replaced(frozen: Path, tmp_path: Path) -> None:
    """With `--force`, by one with options for its interpreter and a module that is not imported."""
    source, out = tmp_path / "source", tmp_path / "out"
    write_tree({"flags.py": "import sys\nprint(sys.flags.utf8_mode, sys.flags.optimize)\n"}, source)
    options = ("-o", "new", "--main", "flags", "--python-args", "-X utf8=0 -O", "--optimize", "1")
    good(bundle("build", source, "-q", *options, cwd=tmp_path))
    shutil.copytree(frozen, out)
    json = ("--include", "sqlite3", "--include", "sys", "--force", "--json")
    # From inside, by a path that leads through what is renamed
    done = good(bundle("freeze", "../new", "-o", "../out", *json, cwd=out))
    assert f'"program": "{out}/new"' in done.stdout
    assert '"_sqlite3"' in done.stdout
    env = {"PYTHONUTF8": "1"}
    assert start(out / "new", cwd=tmp_path, env=env).stdout == "0 1\n"
    assert sorted(path.name for path in out.iterdir()) == ["bin", "lib", "new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "out", "source"]


def _state(home: Path) -> dict[Path, tuple[int, int]]:
    facts = {path: path.lstat() for path in home.rglob("*")}
    return {path: (fact.st_ino, fact.st_mtime_ns) for path, fact in facts.items()}


def test_only_a_frozen_program_is_replaced(
    packed: Path, frozen: Path, onefile: Path, tmp_path: Path
) -> None:
    """By `--force`: no bundle, no folder's program, and never what is frozen."""
    executable = ("-o", "run.bundle", "--main", "main", "--executable")
    good(bundle("build", packed.with_name("source"), "-q", *executable, cwd=tmp_path))
    for name in ("own.bundle", "other.bundle"):
        shutil.copy(packed, tmp_path / name)
    shutil.copy(frozen / "main", tmp_path / "main")
    for name in ("one", "same"):
        shutil.copy(onefile, tmp_path / name)
    (tmp_path / "link").symlink_to("own.bundle")
    before = _state(tmp_path)
    for file, output, cause in (
        ("own.bundle", "own.bundle", "is what is to be frozen"),
        ("own.bundle", "link", "is what is to be frozen"),
        ("same", "same", "is what is to be frozen"),
        ("own.bundle", "other.bundle", "is no frozen program"),
        ("own.bundle", "run.bundle", "is no frozen program"),
        ("own.bundle", "main", "is no frozen program"),
    ):
        done = bundle("freeze", file, "-o", output, "--onefile", "--force", cwd=tmp_path)
        assert cause in refusal(done), (file, output)
        assert _state(tmp_path) == before
    options = ("--onefile", "--strip", "--force")  # stripped, it is compressed in half the time
    good(bundle("freeze", "own.bundle", "-o", "one", *options, cwd=tmp_path))
    assert {path for path, fact in _state(tmp_path).items() if fact != before[path]} == {
        tmp_path / "one"
    }


def test_files_of_others_in_a_folder_are_not_lost(packed: Path, frozen: Path) -> None:
    """Wherever they are in it, `--force` or not; so with what is frozen."""
    with tempfile.TemporaryDirectory() as base:
        home = Path(base)
        shutil.copytree(frozen, home / "app")
        dynload = next((home / "app").glob("lib*/*/lib-dynload")).relative_to(home / "app")
        names = ["mydata.db", "mine/x", "bin/tool", "lib/notes", f"{dynload}/x.txt", "script"]
        (home / "app" / "mine").mkdir()
        for name in names:
            (home / "app" / name).write_text("#!/bin/sh\n")
        (home / "app" / "link").symlink_to("bin", target_is_directory=True)
        before = _state(home)
        done = bundle("freeze", packed, "-o", "app", "--force", cwd=home)
        assert refusal(done) == f"{home}/app: has files in it that `bundle freeze` did not write"
        shown = [line.strip() for line in done.stderr.splitlines()[1:-1]]
        assert shown == [*sorted([*names, "link"])[:5], "and 2 more"]
        assert _state(home) == before
        for name in (*names, "link"):
            (home / "app" / name).unlink()
        shutil.copy(packed, home / "app" / "mine" / "app.bundle")
        before = _state(home)
        for force in ([], ["--force"]):
            done = bundle("freeze", "app/mine/app.bundle", "-o", "app", *force, cwd=home)
            assert refusal(done) == f"{home}/app: is where the bundle is that is to be frozen"
            assert _state(home) == before


def _times(cache: Path) -> dict[Path, int]:
    return {path: path.lstat().st_ctime_ns for path in cache.rglob("*")}


def test_one_file_unpacks_its_interpreter_once(onefile: Path, cache: Path) -> None:
    """Its own user's alone, known to `bundle cache`, without any code of the program."""
    strange = cache.parent / os.fsdecode(b"not UTF-8: \xff")
    shutil.copy(onefile, strange)
    for file in (strange, onefile):
        done = unpacked(file, cache, "a")
        assert (done.stdout, done.stderr, done.returncode) == ("main ['a']\n", "", 3)
        [home] = cache.iterdir()
        times = _times(cache)
        assert home.stat().st_mode & 0o777 == cache.stat().st_mode & 0o777 == 0o700
    unpacked(onefile, cache)
    assert _times(cache) == times
    assert not any(b"by -m" in path.read_bytes() for path in home.rglob("*") if path.is_file())
    env = {"LITEBUNDLE_CACHE": str(cache)}
    listed = good(bundle("cache", "list", cwd=cache.parent, env=env)).stdout
    assert f"python-{sys.version.split()[0]}" in listed
    (cache / home / "bin" / f"python{sysconfig.get_python_version()}").unlink()
    assert unpacked(onefile, cache).returncode == 3


def test_its_later_starts_run_nothing_else(onefile: Path, cache: Path) -> None:
    """One shell, and then the interpreter in the same process; no file is made."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("there is no strace here")
    unpacked(onefile, cache)
    trace = cache.parent / "trace"
    env = {"LITEBUNDLE_CACHE": str(cache)}
    options = ("-f", "-qq", "-e", "trace=execve,fork,vfork,clone,clone3,openat,mkdir", "-o", trace)
    done = start(strace, *options, onefile, cwd=cache.parent, env=env)
    if "ptrace" in done.stderr.lower():
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    calls = trace.read_text(errors="replace").splitlines()
    assert sum("execve(" in call for call in calls) == 2
    assert [call for call in calls if re.search(r"O_CREAT|fork\(|clone\w*\(|mkdir\(", call)] == []


def test_many_first_starts_at_once(onefile: Path, cache: Path) -> None:
    """All run, and one interpreter is left."""
    env = {"LITEBUNDLE_CACHE": str(cache), "PATH": os.defpath}
    processes = [
        subprocess.Popen([onefile], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    for process in processes:
        output, errors = process.communicate(timeout=TIMEOUT)
        assert (output, errors, process.returncode) == (b"main []\n", b"", 3)
    assert len([*cache.iterdir()]) == 1


def test_killed_first_starts_do_no_harm(onefile: Path, cache: Path) -> None:
    """Whenever they are; the next one starts, and what they left goes when it is old."""
    env = {"LITEBUNDLE_CACHE": str(cache), "PATH": os.defpath}
    aside: list[Path] = []
    for number in range(6):
        command = subprocess.Popen([onefile], env=env, stdout=subprocess.DEVNULL, process_group=0)
        time.sleep(0.02 + 0.06 * number)
        os.killpg(command.pid, signal.SIGKILL)
        command.wait()
        aside = [path for path in cache.glob("*") if "." in path.name] or aside
        shutil.rmtree(
            cache / aside[0].name.partition(".")[0] if aside else cache / "none", ignore_errors=True
        )
    assert aside
    assert unpacked(onefile, cache).returncode == 3


def test_a_damaged_file_is_not_unpacked(onefile: Path, cache: Path) -> None:
    """It says so, where, and leaves nothing."""
    damaged = cache.parent / "damaged"
    data = bytearray(onefile.read_bytes())
    data[len(data) // 4] ^= 1
    damaged.write_bytes(data)
    damaged.chmod(0o755)
    done = unpacked(damaged, cache)
    assert refusal(done) == f"{damaged}: its Python can be unpacked nowhere:"
    assert f"{cache}: not unpacked whole" in done.stderr
    assert [*cache.iterdir()] == []


def test_places_of_others_are_not_used(onefile: Path, tmp_path: Path) -> None:
    """Nor those that others can write; each is told with its reason."""
    if os.geteuid():
        pytest.skip("only root may give a directory away")
    for name, owner, mode, why in (
        ("foreign", 65534, 0o755, "belongs to another user"),
        ("open", 0, 0o777, "can be written by other users"),
    ):
        cache = tmp_path / name
        cache.mkdir()
        cache.chmod(mode)
        os.chown(cache, owner, owner)
        done = unpacked(onefile, cache)
        assert refusal(done).endswith("its Python can be unpacked nowhere:")
        assert f"{cache}: {why}" in done.stderr
        assert [*cache.iterdir()] == []
    (tmp_path / "file").write_text("")
    assert "file: cannot be made" in unpacked(onefile, tmp_path / "file").stderr


def test_a_disk_that_executes_nothing_is_refused(onefile: Path, cache: Path) -> None:
    """With the reason and what to set; nothing is left there."""
    cache.mkdir()
    script = (
        'mount -t tmpfs -o mode=700,noexec none "$LITEBUNDLE_CACHE" || exit 77\n'
        '"$0"; echo "$?" $(ls -A "$LITEBUNDLE_CACHE")'
    )
    env = {"LITEBUNDLE_CACHE": str(cache), "PATH": os.defpath}
    space = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-r", "-m"]
    done = start(*space, "sh", "-c", script, onefile, cwd=cache.parent, env=env)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    assert done.stdout == "1\n"
    assert f"{cache}: no program may be run there (noexec)" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("hint: set LITEBUNDLE_CACHE to ")
