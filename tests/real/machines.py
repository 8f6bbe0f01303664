"""Machines that differ in one respect, or in all, to build the same bundles on."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import rich

import litebundle
from tests.native import Compiler

SRC = Path(litebundle.__file__).parents[1]
SITE = Path(rich.__file__).parents[1]

_NOBODY = 65534
_SECONDS = 300

_BUILD = """
import sys
import tempfile
from pathlib import Path
from litebundle.builder import Options, build
from litebundle.collect.inputs import Inputs
from litebundle.write.launcher import Launch

output, required, *sources = map(Path, sys.argv[1:])
inputs = Inputs(requirements=(required,)) if required.suffix else Inputs()
for container in ("sqlite", "zip"):
    launch = Launch(main="more.main:main", executable=True)
    options = Options(container=container, optimize=(0, 2), launch=launch, inputs=inputs)
    build(sources, output / f"app.{container}", options)
"""

SOURCES = {
    "more/__init__.py": "import os\nDATA = open(os.path.dirname(__file__) + '/data.txt').read()\n",
    "more/data.txt": "placed\n" * 300,
    "more/main.py": "def main(): print('ran')\n",
    "more/späť.py": "NAME = 'späť'\n",
    "top.py": "V = 1\n",
    # What hash seeds, memory and interning could change
    **{
        f"more/m{i}.py": f"S = {{'a', 'b', {i}}}\ndef f(x): return x in {{'q', b'w', 2.5}}\n"
        for i in range(6)
    },
    "space/inner/leaf.py": "V = frozenset({'x', 'y'})\n",
    "d-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: d\nVersion: 1\n",
    "d-1.dist-info/entry_points.txt": "[console_scripts]\nb = more.main:main\na = top:f\n",
}

_CLOCK = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#define LATER 1000000000
int clock_gettime(clockid_t clock, struct timespec *found) {
    int status = syscall(SYS_clock_gettime, clock, found);
    if (clock == CLOCK_REALTIME) found->tv_sec += LATER;
    return status;
}
time_t time(time_t *found) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (found) *found = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *found, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    found->tv_sec = now.tv_sec;
    found->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""


@dataclass
class Machine:
    """One on which to build: as plain as can be, until something makes it another."""

    base: Path
    sources: list[Path] = field(default_factory=list)
    output: Path = Path()
    environment: dict[str, str] = field(default_factory=dict)
    prefix: list[str] = field(default_factory=list)
    before: list[Callable[[], object]] = field(default_factory=list)
    after: list[Callable[[], object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Set up two sources and a place for the output."""
        self.sources = [copied(["mdurl"], self.base / "one"), self.base / "two"]
        _write(self.sources[1], SOURCES)
        self.output = self.base / "out"
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SRC),
            "XDG_CACHE_HOME": str(self.output / "cache"),
            "PYTHONHASHSEED": "1",
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
        }

    def build(self, requirements: Path = Path("none")) -> dict[str, bytes]:
        """Return both containers' bytes."""
        try:
            self.output.mkdir(parents=True, exist_ok=True)
            command = [*self.prefix, sys.executable, "-c", _BUILD]
            done = subprocess.run(
                [*command, self.output, requirements, *self.sources],
                cwd=self.output,
                env=self.environment,
                preexec_fn=lambda: [each() for each in self.before],  # no threads
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return {kind: (self.output / f"app.{kind}").read_bytes() for kind in ("sqlite", "zip")}
        finally:
            for each in self.after:
                each()


def _write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)


def _elsewhere(machine: Machine) -> None:
    """Have other and much longer paths, for the sources and for what is written."""
    target = machine.base / "a much longer place" / "ümläut ☃" / ("deep/" * 10)
    target.mkdir(parents=True)
    machine.sources = [Path(shutil.move(path, target / path.name)) for path in machine.sources]
    machine.output = target / "other output"


def _user(machine: Machine) -> None:
    """Build as another user, who may read what the test may read."""
    if os.geteuid():
        machine.prefix = ["unshare", "--user", "--map-root-user"]
    else:
        identity = ["--reuid", str(_NOBODY), "--regid", str(_NOBODY), "--clear-groups"]
        reads = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
        machine.prefix = ["setpriv", *identity, *reads]
    if shutil.which(machine.prefix[0]) is None:
        pytest.skip(f"there is no {machine.prefix[0]} here to become another user with")
    machine.output = Path(tempfile.mkdtemp())  # where another user gets to without privileges
    machine.after.append(lambda: shutil.rmtree(machine.output))
    if not os.geteuid():
        os.chown(machine.output, _NOBODY, _NOBODY)
    machine.environment["XDG_CACHE_HOME"] = str(machine.output / "cache")
    machine.environment |= {"HOME": "/nowhere", "USER": "somebody", "LOGNAME": "somebody"}


def _umask(machine: Machine) -> None:
    """Build, and have made the sources, with another umask."""
    machine.before.append(lambda: os.umask(0o077))
    for path in (path for source in machine.sources for path in source.rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)


def _order(machine: Machine) -> None:
    """Have the files created in another order, in other directories, of another file system."""
    memory = Path("/dev/shm")  # noqa: S108  # the tmpfs that Linux has: it lists the last one first
    home = memory / machine.base.name if memory.is_dir() else machine.base / "again"
    home.mkdir(exist_ok=True)
    machine.after.append(lambda: shutil.rmtree(home))
    for number, source in enumerate(machine.sources):
        for path in sorted(source.rglob("*"), reverse=True):
            if path.is_file():
                target = home / str(number) / path.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
    machine.sources = [home / "1", home / "0"]


def _time(machine: Machine, compiler: Compiler) -> None:
    """Build decades later, from sources of other times."""
    (machine.base / "clock.so").write_bytes(compiler.library("clock.so", _CLOCK))
    machine.environment["LD_PRELOAD"] = str(machine.base / "clock.so")
    machine.environment["SOURCE_DATE_EPOCH"] = "1"
    for number, path in enumerate(path for source in machine.sources for path in source.rglob("*")):
        os.utime(path, (number, 2**31 + number))
    told = subprocess.run(
        [sys.executable, "-c", "import time; print(time.gmtime().tm_year)"],
        env=machine.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(told.stdout) > 2050, "the clock is not the one made for this"


def _processors(machine: Machine) -> None:
    """Build on a single processor."""
    machine.before.append(lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}))


def _leftovers(machine: Machine) -> None:
    """Have sources that were run from, by another Python, and edited."""
    _write(machine.sources[1], {f"more/__pycache__/m1.cpython-{n}.pyc": "x" for n in (310, 399)})
    machine.environment |= {"PYTHONOPTIMIZE": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _setting(**variables: str) -> Callable[[Machine], None]:
    return lambda machine: machine.environment.update(variables)


DIFFERENCES: dict[str, Callable[[Machine], None]] = {
    "order": _order,  # first: it makes the sources anew
    "path": _elsewhere,
    "user": _user,
    "umask": _umask,
    "time zone": _setting(TZ="Asia/Kolkata"),
    "locale": _setting(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", LANG="tr_TR.UTF-8"),
    "hash seed": _setting(PYTHONHASHSEED="4294967295"),
    "processors": _processors,
    "leftovers": _leftovers,
}
TIME = "time"


def differing(base: Path, differences: list[str], compiler: Compiler) -> Machine:
    """Return a machine that differs so; the differences are in the order of DIFFERENCES."""
    machine = Machine(base)
    for name, make in DIFFERENCES.items():
        if name in differences:
            make(machine)
    if TIME in differences:
        _time(machine, compiler)
    return machine


def copied(names: list[str], target: Path) -> Path:
    """Copy packages that the tests stand on, as they were installed."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in names:
        shutil.copytree(SITE / name, target / name, ignore=ignored)
    return target
