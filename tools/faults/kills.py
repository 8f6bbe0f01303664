"""Kill what writes, at random moments, and see that the old or the new stands there whole."""

import contextlib
import hashlib
import importlib
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from litebundle.builder import Options, build
from litebundle.cli.main import main

OLD, NEW = "old", "new"

_INTERRUPTS = {signal.SIGINT, signal.SIGTERM}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that replaces or makes what stands in a directory, by one command.

    `prepare` puts the old state there; `arguments` are the command's; `state` is a digest of what
    a user of the directory gets, whatever was left aside; `aside` the pattern of such leftovers.
    """

    name: str
    prepare: Callable[[], None]
    arguments: tuple[str, ...]
    state: Callable[[], str]
    directory: Path
    aside: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What came of a subject's kills: `states` afterwards, exit `statuses`, how often aside."""

    name: str
    kills: int
    states: Counter[str]
    statuses: Counter[int]
    aside: int

    @property
    def intact(self) -> int:
        """How many left the old or the new; all have to."""
        return self.states[OLD] + self.states[NEW]


def killed(subject: Subject, kills: int, *, number: int = signal.SIGKILL, seed: int = 7) -> Tally:
    """Start the command as often, end it by the signal at a random moment, and look.

    Raises AssertionError if anything but the old or the new stands there, or if the next run
    leaves something aside.
    """
    choice = random.Random(seed)  # noqa: S311  # moments, no secrets
    importlib.import_module(f"litebundle.cli.{subject.arguments[0]}")  # not in each child
    subject.prepare()
    old = subject.state()
    for _ in range(2):  # the first time takes longer
        subject.prepare()
        began = time.monotonic()
        _wait(_start(subject))
        longest = time.monotonic() - began
    new = subject.state()
    assert old != new, "the command does nothing"
    states: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    aside = 0
    for _ in range(kills):
        subject.prepare()
        child = _start(subject)
        time.sleep(choice.random() * longest)
        os.kill(child, number)
        statuses[_wait(child)] += 1
        found = subject.state()
        states[{old: OLD, new: NEW}.get(found, found)] += 1
        aside += bool(_aside(subject))
    _wait(_start(subject))
    assert subject.state() == new, f"{subject.name} does not go on after its kills"
    assert not _aside(subject), f"{subject.name} left {_aside(subject)}"
    return Tally(name=subject.name, kills=kills, states=states, statuses=statuses, aside=aside)


def _aside(subject: Subject) -> list[str]:
    return [path.name for path in subject.directory.glob(subject.aside)]


def _start(subject: Subject) -> int:
    """Run the command in a forked child: in an interpreter of its own most kills came too early."""
    # An interrupt in the middle of the fork would be swallowed by whoever prepares the child
    signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
        return child
    status = 1
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for number in (1, 2):
            os.dup2(null, number)
        sys.argv = ["bundle", *subject.arguments]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
            main()
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:  # before the command was at work, or after
        status = 130
    finally:
        os._exit(status)


def _wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def replaced(
    name: str, directory: Path, target: Path, old: bytes, arguments: tuple[str, ...]
) -> Subject:
    """Return a subject whose command replaces one file, as build, deploy and patch do."""
    return Subject(
        name=name,
        prepare=lambda: _leave(directory, target, old),
        arguments=arguments,
        state=lambda: hashlib.sha256(target.read_bytes()).hexdigest(),
        directory=directory,
        aside=".*.tmp",
    )


def _leave(directory: Path, target: Path, old: bytes) -> None:
    directory.mkdir(exist_ok=True)
    if not target.exists() or target.read_bytes() != old:
        target.write_bytes(old)


def building(base: Path, container: str) -> Subject:
    """Return the build of a few modules over an older bundle."""
    source = _source(base)
    target = base / container / "app.bundle"
    options = ("--format", container, "--no-launcher", "-q", "-j", "1")
    arguments = ("build", str(source), "-o", str(target), *options)
    return replaced(f"build {container}", target.parent, target, b"old\n", arguments)


def placing(base: Path) -> Subject:
    """Return the placing of a package's files, where nothing was."""
    bundle, directory = base / "placed.bundle", base / "placed"
    if not bundle.exists():
        build([_source(base)], bundle, Options(jobs=1))
    return Subject(
        name="place",
        prepare=lambda: _clear(directory),
        arguments=("place", str(bundle), "--to", str(directory)),
        state=lambda: _tree(directory),
        directory=directory,
        aside="*.tmp",
    )


def _clear(directory: Path) -> None:
    # What was left aside stays: the next one has to remove it
    directory.mkdir(mode=0o700, exist_ok=True)
    for path in directory.iterdir():
        if path.suffix != ".tmp":
            shutil.rmtree(path)


def _tree(directory: Path) -> str:
    """Return a digest over the placed files, without those aside."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        inside = path.relative_to(directory)
        if inside.parts[0].endswith(".tmp") or path.name == ".litebundle" or not path.is_file():
            continue
        digest.update(str(inside).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _source(base: Path) -> Path:
    source = base / "source"
    with contextlib.suppress(FileExistsError):
        (source / "pkg").mkdir(parents=True)
        (source / "pkg" / "__init__.py").write_text("open(__path__[0] + '/0.bin').close()\n")
        for number in range(30):
            (source / f"m{number}.py").write_text(f"VALUE = {[*range(number, 3000)]}\n")
            (source / "pkg" / f"{number}.bin").write_bytes(bytes([number]) * 20_000)
    return source
