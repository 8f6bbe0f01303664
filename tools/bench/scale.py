"""Whether anything grows with the size of a bundle, or the number of bundles and of processes."""

import ast
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tools.bench import imports
from tools.bench.contestants import install_litebundle
from tools.bench.environment import Environment, litebundle_key
from tools.bench.frame import Entrant, Table, Wanted, in_turn
from tools.bench.results import BYTES, MORE, RATIO, VALUE, Goal, Result
from tools.bench.workloads import tiny_source
from tools.devtools.process import Command

SMALL, LARGE = "small", "large"
_PACKAGE = 20  # modules
_STATEMENT = "import p0002.m05"
_NESTED = "import g00.p0002.m05"
_LOADERS = {"sqlite": "litebundle", "zip": "litebundle", "zipimport": "path", "directory": "path"}
_CASES = ("modules", "nested", "blob", "file", "path", "processes")
_FLAT = (Goal(kind=RATIO, at_most=1.2), Goal(kind=VALUE, at_most=1e-3))
_MEMORY = (Goal(kind=MORE, at_most=16 << 20),)
# The most memory of the command, or of the processes that it started.
_PEAK = """
import resource, subprocess, sys, time
started = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
seconds = time.perf_counter() - started
print(repr((seconds, 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)))
sys.exit(code)
"""
_ALIVE = "import litebundle, sys; litebundle.install(); sys.path.insert(0, sys.argv[1])\n"
_ALIVE += f"{_STATEMENT}\nprint(flush=True)\nsys.stdin.read()"
_BEHIND = """\
import posix, sys
last = sys.path.pop(0)
sys.path[:0] = [*sorted({directory!r} + "/" + name for name in posix.listdir({directory!r})), last]
import p0002.m05
"""


def measure(environment: Environment, wanted: Wanted) -> list[Result]:
    """Compare a small with a large one, in each respect."""
    install_litebundle(environment)
    measures: dict[str, Callable[[Environment], Iterator[Entrant]]] = {
        "modules": _modules,
        "nested": _nested,
        "blob": _blob,
        "file": _file,
        "path": _path,
        "processes": _processes,
    }
    return [
        result
        for case, entrants in measures.items()
        if wanted.case(case)
        for result in in_turn([*entrants(environment)], _often(case, wanted.runs))
    ]


def _often(case: str, runs: int) -> int:
    # Half a minute each, for figures that hardly differ
    return min(runs, 2) if case in ("blob", "processes") else runs


def _modules(environment: Environment) -> Iterator[Entrant]:
    for name, access in _LOADERS.items():
        for size, modules in ((SMALL, 100), (LARGE, 100_000)):
            case = f"modules (100 and 100,000, {name})"
            source = _tree(environment, f"modules-{modules}", modules // _PACKAGE, "")
            entry = source if name == "directory" else _bundle(environment, source, name)
            yield _first(environment, (case, size), (access, entry), _STATEMENT)


def _nested(environment: Environment) -> Iterator[Entrant]:
    for size, modules in ((SMALL, 100), (LARGE, 100_000)):
        source = _tree(environment, f"nested-{modules}", modules // _PACKAGE, "g{:02}/")
        entry = _bundle(environment, source, "sqlite")
        case = "nested (100 and 100,000 in 50 packages, sqlite)"
        yield _first(environment, (case, size), ("litebundle", entry), _NESTED)


def _blob(environment: Environment) -> Iterator[Entrant]:
    # What it adds to a first import, and to building
    for size, number in ((SMALL, 0), (LARGE, 300 << 20)):
        source = _tree(environment, f"blob-{number}", 5, "")
        with (source / "p0001" / "model.bin").open("wb") as file:
            file.write(b"\x1f\x8b")  # said to be compressed: it is stored as it is
            file.truncate(number)
        entry = _bundle(environment, source, "sqlite")
        case = "blob (none and 300 MB, sqlite)"
        yield _first(environment, (case, size), ("litebundle", entry), _STATEMENT)
        results = [Result(case=case, contestant=size, what="build")]
        results.append(Result(case=case, contestant=size, what="build, memory", unit=BYTES))
        yield results, partial(_built, environment, source)


def _file(environment: Environment) -> Iterator[Entrant]:
    source = _tree(environment, "modules-100", 5, "")
    for size, number in ((SMALL, 1 << 20), (LARGE, 5 << 30)):
        script = Path(__file__).with_name("sparse.py")
        key = litebundle_key() + script.read_text("utf-8")
        command = partial(_sparse, environment, script, source, number)
        entry = environment.made(f"scale/sparse-{number}.bundle", key, command)
        case = "file (1 MB and 5 GB, sqlite)"
        yield _first(environment, (case, size), ("litebundle", entry), _STATEMENT)


def _path(environment: Environment) -> Iterator[Entrant]:
    # What each costs the first import that passes it
    source = _tree(environment, "modules-100", 5, "")
    entry = _bundle(environment, source, "sqlite")
    other = _bundle(environment, _tree(environment, "other", 1, "other/"), "sqlite")
    for size, number in ((SMALL, 1), (LARGE, 1000)):
        make = partial(_copies, other, number)
        directory = environment.made(f"scale/path-{number}", litebundle_key(), make)
        take = _first(
            environment,
            ("path (1 and 1,000 bundles, each)", size),
            ("litebundle", entry),
            _BEHIND.format(directory=str(directory)),
        )
        yield take[0], partial(_each, take[1], number)


def _each(take: Callable[[], list[float]], number: int) -> list[float]:
    seconds, resident = take()
    return [seconds / number, resident / number]


def _processes(environment: Environment) -> Iterator[Entrant]:
    entry = _bundle(environment, _tree(environment, "modules-100", 5, ""), "sqlite")
    case = "processes (1 and 500 at once, each)"
    for size, number in ((SMALL, 1), (LARGE, 500)):
        results = [Result(case=case, contestant=size, what="start")]
        results.append(Result(case=case, contestant=size, what="memory of its own", unit=BYTES))
        yield results, partial(_crowd, environment, entry, number)


def _first(
    environment: Environment, of: tuple[str, str], where: tuple[str, Path], statement: str
) -> tuple[list[Result], Callable[[], list[float]]]:
    """Return what measures a first import in a fresh process."""
    case, size = of
    ours = where[0] == "litebundle" and size == LARGE and "each" not in case
    results = [
        Result(case=case, contestant=size, what="first import", goals=_FLAT if ours else ()),
        Result(
            case=case, contestant=size, what="memory", unit=BYTES, goals=_MEMORY if ours else ()
        ),
    ]
    child: Command = [sys.executable, "-P", "-s", "-S", imports.CHILD, *where]
    command = [*child, environment.site, "", statement]
    return results, partial(_import, environment, command)


def _import(environment: Environment, command: Command) -> list[float]:
    found = imports.sample(environment, command)
    return [found.seconds, found.resident]


def _built(environment: Environment, source: Path) -> list[float]:
    out = environment.scratch.with_name("built.bundle")
    build: Command = ["-m", "litebundle", "build", source, "-o", out]
    python = environment.python
    return [*ast.literal_eval(environment.run([python, "-c", _PEAK, python, *build]))]


def _crowd(environment: Environment, entry: Path, number: int) -> list[float]:
    script = Path(__file__).with_name("crowd.py")
    python = environment.python
    found = environment.run([python, script, str(number), python, "-c", _ALIVE, entry])
    return [*ast.literal_eval(found)]


def _bundle(environment: Environment, source: Path, name: str) -> Path:
    container = "sqlite" if name == "sqlite" else "zip"
    build: Command = [environment.python, "-m", "litebundle", "build", source]
    return environment.made(
        f"scale/{source.name}.{container}",
        litebundle_key(),
        partial(_build, environment, [*build, "--format", container, "-o"]),
    )


def _sparse(environment: Environment, script: Path, source: Path, size: int, out: Path) -> None:
    environment.run([environment.python, script, source, out, str(size)])


def _build(environment: Environment, command: Command, out: Path) -> None:
    environment.run([*command, out])


def _tree(environment: Environment, name: str, packages: int, above: str) -> Path:
    """Return a tree of packages of twenty modules each, a hundred of them in each one above."""
    key = f"{packages} {above} {tiny_source(0)}"
    return environment.made(f"scale/{name}", key, partial(_make_tree, packages, above))


def _make_tree(packages: int, above: str, out: Path) -> None:
    for package in range(packages):
        directory = out / f"{above.format(package // 100)}p{package:04}"
        directory.mkdir(parents=True)
        (directory / "__init__.py").touch()
        if above:
            (directory.parent / "__init__.py").touch()
        for module in range(1, _PACKAGE):
            source = tiny_source(package * _PACKAGE + module)
            (directory / f"m{module:02}.py").write_text(source, "utf-8")


def _copies(bundle: Path, number: int, out: Path) -> None:
    out.mkdir()
    for each in range(number):
        shutil.copyfile(bundle, out / f"{each:04}.bundle")


TABLE = Table(
    name="scale",
    help="see whether anything grows with the size, or with the number of bundles or processes",
    about="""\
A small one beside a large one, in all respects the same else; each in processes of its own. "First
import" is opening and importing one module. Nested: the 5,000 packages are not side by side on top.
The file of 5 GB is a database with a hole in front of all that is read; of a thousand bundles on
`sys.path`, and of 500 processes alive at once, the figures are for each.""",
    runs=7,
    cases=_CASES,
    contestants=(SMALL, LARGE),
    measure=measure,
)
