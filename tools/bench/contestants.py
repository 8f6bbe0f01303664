"""Who is measured: how each contestant's artefact is made of a tree, and how child.py opens it."""

import compileall
import marshal
import py_compile
import shlex
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.bench.child import FLOOR
from tools.bench.environment import Environment, litebundle_key, remove
from tools.bench.workloads import Workload, module_files
from tools.devtools.process import ROOT, Command

_SQLITEIMPORT = "sqliteimport[cli]==0.14.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contestant:
    """One way of importing a workload; `make(environment, workload, out)` makes what from."""

    name: str
    access: str
    suffix: str
    make: Callable[[Environment, Workload, Path], None]


def artefact(environment: Environment, contestant: Contestant, workload: Workload) -> Path:
    """Return what the contestant imports the workload from, made anew if anything changed."""
    environment.tree(workload)  # made anew as well
    key = [repr((workload.requirements, workload.files)), Path(__file__).read_text("utf-8")]
    if contestant.access == "litebundle":
        key.append(litebundle_key())
    return environment.made(
        f"artefacts/{workload.name}/{contestant.name}{contestant.suffix}",
        "\n".join(key),
        lambda out: contestant.make(environment, workload, out),
    )


def _floor(environment: Environment, workload: Workload, out: Path) -> None:
    modules: dict[str, tuple[bool, bytes]] = {}
    for name, path in module_files(environment.tree(workload)).items():
        try:
            code = compile(path.read_bytes(), f"{FLOOR}/{name}", "exec", dont_inherit=True)
        except SyntaxError:
            continue  # as compileall does: a workload that needs it fails
        modules[name] = (path.name == "__init__.py", marshal.dumps(code))
    out.write_bytes(marshal.dumps(modules))


def _directory(environment: Environment, workload: Workload, out: Path) -> None:
    shutil.copytree(environment.tree(workload), out)
    # As pip writes them, whatever SOURCE_DATE_EPOCH says.
    mode = py_compile.PycInvalidationMode.TIMESTAMP
    compileall.compile_dir(out, quiet=2, invalidation_mode=mode)


def _zip(environment: Environment, workload: Workload, out: Path, *, compression: int) -> None:
    # zipimport's best case: unchecked bytecode beside the source spares it a look at the times.
    beside = environment.scratch / "zip"
    remove(beside)
    shutil.copytree(environment.tree(workload), beside)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(beside, quiet=2, legacy=True, invalidation_mode=mode)
    with zipfile.ZipFile(out, "w", compression) as archive:
        for path in sorted(beside.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(beside))
    remove(beside)


def _sqliteimport(environment: Environment, workload: Workload, out: Path) -> None:
    environment.install("sqliteimport", _SQLITEIMPORT)
    command: Command = [environment.python, "-m", "sqliteimport"]
    environment.run([*command, "bundle", environment.tree(workload), out])
    environment.run([*command, "compile", out])


def _litebundle(
    environment: Environment,
    workload: Workload,
    out: Path,
    *,
    options: Sequence[str] = (),
    traced: bool = False,
) -> None:
    install_litebundle(environment)
    if "zstd" in options:
        environment.install("zstd", "backports.zstd; python_version < '3.14'")
    build: Command = [environment.python, "-m", "litebundle", "build"]
    trace = ("--trace", shlex.join(("-c", workload.statement))) if traced else ()
    environment.run([*build, environment.tree(workload), "-o", out, *options, *trace])


def install_litebundle(environment: Environment) -> None:
    """Install the checkout's litebundle if it is not the one that is installed."""
    environment.install("litebundle", str(ROOT), litebundle_key())


DIRECTORY = Contestant(name="directory", access="path", suffix="", make=_directory)
LITEBUNDLE_SQLITE = Contestant(
    name="litebundle-sqlite",
    access="litebundle",
    suffix=".bundle",
    make=_litebundle,
)
LITEBUNDLE_ZIP = Contestant(
    name="litebundle-zip",
    access="litebundle",
    suffix=".zip",
    make=partial(_litebundle, options=("--format", "zip")),
)
LITEBUNDLE_ZLIB = Contestant(
    name="litebundle-zlib",
    access="litebundle",
    suffix=".zlib",
    make=partial(_litebundle, options=("--compress", "zlib")),
)
LITEBUNDLE_ZSTD = Contestant(
    name="litebundle-zstd",
    access="litebundle",
    suffix=".zstd",
    make=partial(_litebundle, options=("--compress", "zstd")),
)
LITEBUNDLE_TRACED = Contestant(
    name="litebundle-traced",
    access="litebundle",
    suffix=".traced",
    make=partial(_litebundle, traced=True),
)
LITEBUNDLE_TRACED_ZIP = Contestant(
    name="litebundle-traced-zip",
    access="litebundle",
    suffix=".traced.zip",
    make=partial(_litebundle, options=("--format", "zip"), traced=True),
)
LITEBUNDLE_TRACED_ZSTD = Contestant(
    name="litebundle-traced-zstd",
    access="litebundle",
    suffix=".traced.zstd",
    make=partial(_litebundle, options=("--compress", "zstd"), traced=True),
)
ZIP_DEFLATED = Contestant(
    name="zip-deflated",
    access="path",
    suffix=".zip",
    make=partial(_zip, compression=zipfile.ZIP_DEFLATED),
)
# The ratios are to the first of them.
CONTESTANTS = (
    Contestant(name="floor", access="floor", suffix=".marshal", make=_floor),
    DIRECTORY,
    Contestant(
        name="zip-stored",
        access="path",
        suffix=".zip",
        make=partial(_zip, compression=zipfile.ZIP_STORED),
    ),
    ZIP_DEFLATED,
    Contestant(name="sqliteimport", access="sqliteimport", suffix=".sqlite3", make=_sqliteimport),
    LITEBUNDLE_SQLITE,
    LITEBUNDLE_ZIP,
)
