"""The bundles defined under `bundles/`: each behaves as a directory with the same installed."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

import litebundle
from litebundle.collect import tools
from litebundle.collect.definition import Definition, definition_in, read_definition
from litebundle.collect.project import is_project
from tests.cli.command import bundle

BUNDLES = Path(__file__).parents[2] / "bundles"
SRC = Path(litebundle.__file__).parents[1]
DEFINED = sorted(path.name for path in BUNDLES.iterdir() if path.is_dir())
BOTH = ("black", "fastapi", "httpie")
"""Those that are also packed as a zip: they have data, native extensions and entry points."""
LAUNCHED = {
    "ansible": ("bin/ansible", "localhost", "-m", "ping"),
    "black": ("bin/black", "--diff", str(BUNDLES / "run.py"), "--line-length=40"),
    "django-sympy": ("manage.py", "check"),
    "fastapi": ("bin/uvicorn", "shelf:app", "--port=0"),
    "httpie": ("bin/http", "--ignore-stdin", "--offline", "POST", "example.org", "a=b"),
}
"""Those that are programs: what starts them where they are installed, and arguments."""
FROZEN = ("black", "httpie") if sys.version_info < (3, 13) else tuple(LAUNCHED)
"""Those that are frozen as well: what differs between Pythons shows in the first two."""
QUIET = ("ANSIBLE_LOCALHOST_WARNING", "ANSIBLE_INVENTORY_UNPARSED_WARNING")
TOOLS = ("sh", "chmod", "echo", "mkdir", "rm", "sleep", "uname")
"""What Ansible has a shell do on its way to a machine, be it this one."""

pytestmark = pytest.mark.skipif(tools.uv() is None, reason="uv is not here to install from locks")


@pytest.fixture(scope="session")
def cache(pytestconfig: pytest.Config) -> str:
    """Return where downloads stay from run to run: neither the user's cache nor temporary."""
    assert pytestconfig.cache is not None
    return str(pytestconfig.cache.mkdir("downloads"))


def uv(*arguments: str | Path, cache: str) -> None:
    """Run uv for the Python that runs the tests, with its settings as they are."""
    command = [str(tools.uv()), *map(str, arguments), "--quiet", "--python", sys.executable]
    settings = {"XDG_CACHE_HOME": cache, "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(
        command, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def installed(definition: Definition, top: Path, cache: str) -> Path:
    """Install by uv what the lock has, and beside it what is our own: the oracle."""
    assert definition.lock
    site = top / "site"
    uv("pip", "install", "--target", site, "--requirement", definition.lock, cache=cache)
    for source in definition.src:
        if is_project(source):
            uv("pip", "install", "--target", site, "--no-deps", source, cache=cache)
        else:
            shutil.copytree(source, site, dirs_exist_ok=True)
    return site


def checked(definition: Definition, entry: Path, *src: Path) -> str:
    """Run the check with the entry, by a Python that has nothing else; return what it prints."""
    home = entry.parent / f"home of {entry.name}"
    home.mkdir()
    python = sys._base_executable  # type: ignore[attr-defined]
    done = subprocess.run(
        [python, "-I", "-S", BUNDLES / "run.py", str(definition.check), entry, *src],
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "LITEBUNDLE_CACHE": str(home / "placed"),
            "COLUMNS": "80",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result, _, name = done.stdout.rstrip("\n").rpartition(" came from ")
    assert name == entry.name
    return result


@pytest.mark.parametrize("name", DEFINED)
def test_a_defined_bundle_behaves_as_a_directory(name: str, tmp_path: Path, cache: str) -> None:
    """What its check prints is equal, down to the number of modules that it imported."""
    file = definition_in(BUNDLES / name)
    assert file is not None
    definition = read_definition(file)
    expected = checked(definition, installed(definition, tmp_path, cache))
    for packing in ("sqlite", "zip") if name in BOTH else ("sqlite",):
        output = tmp_path / f"app.{packing}"
        options = ("-o", output, "--format", packing)
        env = {"XDG_CACHE_HOME": cache}
        done = bundle("build", BUNDLES / name, *options, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
        assert checked(definition, output, SRC) == expected
    if name in LAUNCHED:
        launches(name, tmp_path, frozen=name in FROZEN)


def launches(name: str, top: Path, *, frozen: bool) -> None:
    """Have the bundle started in every way do as the program does that is installed in `site`."""
    script, *arguments = LAUNCHED[name]
    python = sys._base_executable  # type: ignore[attr-defined]
    app = str(top / "app.sqlite")
    run = served if name == "fastapi" else launched
    expected = run([python, "-S", str(top / "site" / script), *arguments], top)
    assert run([python, app, *arguments], top) == expected
    assert run([app, *arguments], top) == expected
    if frozen:
        done = bundle("freeze", app, "-o", "frozen", "--python", python, cwd=top)
        assert done.returncode == 0, done.stderr
        [program] = (each for each in (top / "frozen").iterdir() if each.is_file())
        assert run([str(program), *arguments], top, bare(top)) == expected


def bare(top: Path) -> dict[str, str]:
    """Return an environment with nothing but a home, and a PATH that no Python is on."""
    tools = top / "tools"
    tools.mkdir()
    for name in TOOLS:
        place = shutil.which(name)
        assert place is not None, name
        (tools / name).symlink_to(place)
    quiet = {name: value for name, value in surroundings(top).items() if name in QUIET}
    return {"PATH": str(tools), "HOME": str(top / "home of the frozen"), **quiet}


def surroundings(top: Path) -> dict[str, str]:
    """Return an environment in which the installed program finds its packages."""
    home = str(top / "home of the program")
    path = top / "path"  # python3 is another one elsewhere, perhaps
    path.mkdir(exist_ok=True)
    python = path / "python3"
    if not python.is_symlink():
        python.symlink_to(sys._base_executable)  # type: ignore[attr-defined]
    return {
        "PATH": f"{path}:{os.environ['PATH']}",
        "HOME": home,
        "LANG": "C.UTF-8",
        "LITEBUNDLE_CACHE": f"{home}/placed",
        "PYTHONPATH": str(top / "site"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ANSIBLE_PYTHON_INTERPRETER": sys._base_executable,  # type: ignore[attr-defined]
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
    }


def launched(command: list[str], top: Path, env: dict[str, str] | None = None) -> tuple[str, str]:
    """Return what a program writes, which has to succeed."""
    done = subprocess.run(
        command,
        cwd=top,
        env=surroundings(top) if env is None else env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # black's has the time of day
    return re.sub(r"\d\d:\d\d:\d\d\.\d+", "TIME", done.stdout), done.stderr


def served(command: list[str], top: Path, env: dict[str, str] | None = None) -> tuple[str, str]:
    """Return what a server answers, and what it logs until it is asked to end."""
    with subprocess.Popen(
        command,
        cwd=top,
        env=surroundings(top) if env is None else env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        lines: list[str] = []
        for line in process.stderr:
            lines.append(line)
            if found := re.search(r"running on (http://\S+)", line):
                break
        assert found, lines
        with pytest.raises(HTTPError) as answer:
            urlopen(f"{found[1]}/books/1", timeout=60)  # noqa: S310  # of ours
        text = answer.value.read().decode()
        process.send_signal(signal.SIGINT)
        lines += process.stderr
        assert process.wait(60) in (0, -signal.SIGINT), lines
    return text, re.sub(r"\[\d+\]|:\d+", "", "".join(lines))
