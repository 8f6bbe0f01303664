"""What makes a bundle a program: a small zip that a stock Python runs, with the runtime in it.

Behind a database it is a zip of its own, in a zip bundle some members more. Python runs its
`__main__.py`, which finds the rest below `.litebundle/`, a name that nothing imports:
`litebundle/__init__.py` (runtime/boot.py) and `runtime/` with the runtime's modules in one piece,
as code for each Python that the bundle has code for, and as sources for the others.
"""

import functools
import io
import marshal
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import litebundle
from litebundle.collect.tree import Entry, Kind, Packed
from litebundle.compile.compiler import Compiler
from litebundle.errors import BuildError
from litebundle.format import checksum
from litebundle.write.atomic import let_run
from litebundle.write.encoding import pyc_header, zip_info

MAIN_MEMBER = "__main__.py"
RUNTIME = ".litebundle/runtime/"
SOURCE = RUNTIME + "source"

_HOME = Path(litebundle.__file__).parent
_OWN = ("__init__.py", "errors.py", "format/*.py", "runtime/*.py")
_ELSEWHERE = ("format/canonical.py", "runtime/boot.py", "runtime/start.py")

_START = """
if __name__ == "__main__":
    file = __file__[: __file__.rindex("__main__.py") - 1]
    ensure_fitting(file, {pythons!r}, {arguments!r}, needed={needed!r})
    sys.path.insert(0, file + __file__[len(file)] + ".litebundle")
    from litebundle.runtime.launch import launch

    launch(file, inherit={inherit!r}, defer_gc={defer_gc!r})
"""
_BOOT = "\n\nboot(__name__)\n"

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a bundle starts.

    `main` is its program: a command of a distribution in it, "module:function", "module" or a
    file "path.py" of it; None is an interpreter with the bundle on its path. `executable` lets the
    system run the file itself; `inherit_path` keeps the interpreter's packages and PYTHONPATH on
    `sys.path`; `defer_gc` puts garbage collection off until it is up; `python_args` are options
    that the interpreter is to have. `library` is for the standard library of a frozen interpreter,
    which has no program: the sources, by their paths, of what that interpreter imports before it
    has the hook (freeze/library.py).
    """

    main: str | None = None
    executable: bool = False
    inherit_path: bool = False
    defer_gc: bool = True
    python_args: tuple[str, ...] = ()
    library: Mapping[str, bytes] | None = None

    @property
    def shebang(self) -> bytes:
        """The line in front of the file, by which the system finds the interpreter."""
        if not self.executable:
            return b""
        split = " ".join(("-S python3", *self.python_args)) if self.python_args else "python3"
        return f"#!/usr/bin/env {split}\n".encode()


def program(launch: Launch, paths: Collection[str], scripts: Mapping[str, str]) -> str | None:
    """Return the `main` of the manifest: "module:function", "module" or "path.py".

    Raises BuildError if there is no such thing among the paths and commands of the bundle.
    """
    name = launch.main
    if name in scripts.values():
        return name
    if name is None:
        return "__main__" if MAIN_MEMBER in paths else None
    if name in scripts:
        return scripts[name]
    if name.endswith(".py"):
        found = name in paths
    else:
        stem = name.partition(":")[0].replace(".", "/")
        found = f"{stem}/__main__.py" in paths or any(_is_at(path, stem) for path in paths)
    if not found:
        raise BuildError(
            f"--main {name}: no such command, module or file in the bundle",
            hint=f"its commands are {', '.join(sorted(scripts))}"
            if scripts
            else "name MODULE:FUNCTION, a MODULE or a PATH.py in one of the sources",
        )
    return name


def _is_at(path: str, stem: str) -> bool:
    """Tell whether a file makes the module at the stem: source, native or bytecode."""
    importable = Kind.of(path) in (Kind.SOURCE, Kind.EXTENSION, Kind.BYTECODE)
    return importable and path.startswith((f"{stem}.", f"{stem}/__init__."))


def has_room(launch: Launch, paths: Collection[str]) -> bool:
    """Tell whether a zip with these files has room for a launcher; without, Python runs theirs.

    Raises BuildError if it was asked for more than that.
    """
    if MAIN_MEMBER not in paths and MAIN_MEMBER + "c" not in paths:
        return True
    if launch != Launch():
        raise BuildError(
            f"the sources have a {MAIN_MEMBER}, which is what a zip starts with",
            hint="rename it, or build without --format zip",
        )
    return False


def is_bound(entry: Entry) -> bool:
    """Tell whether a file is of use to certain Pythons only."""
    if entry.kind is Kind.EXTENSION:
        return ".abi3." not in entry.path  # PEP 384
    return entry.kind is Kind.BYTECODE


def members(launch: Launch, compilers: Sequence[Compiler], *, needed: bool) -> dict[str, bytes]:
    """Return the launcher's files by their names in the zip.

    `compilers` compile for the Pythons of the bundle; `needed` tells that no other one can run it.
    """
    start = _START.format(
        pythons=tuple(dict.fromkeys(each.target.version.rpartition(".")[0] for each in compilers)),
        arguments=launch.python_args,
        needed=needed,
        inherit=launch.inherit_path,
        defer_gc=launch.defer_gc,
    )
    texts = {
        **(launch.library or {MAIN_MEMBER: _text("runtime/start.py") + start.encode()}),
        ".litebundle/litebundle/__init__.py": _text("runtime/boot.py") + _BOOT.encode(),
    }
    found = {**texts, SOURCE: _sealed(runtime_sources())}
    for compiler in compilers:
        compiled = compiler.compile([*_entries(), *map(_entry, texts, texts.values())])
        codes = {result.path: result.codes[0].whole for result in compiled}
        for name in texts:  # for one Python, by what zipimport looks at first
            code = codes.pop(name)
            found.setdefault(name + "c", pyc_header(compiler.target.magic, code) + code)
        found[f"{RUNTIME}{compiler.target.magic.hex()}"] = _sealed(codes)
    return found


def tail(found: Mapping[str, bytes], *, small: bool = False) -> bytes:
    """Return a zip of the members, stored as `method` says."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for name, data in found.items():
            archive.writestr(zip_info(name), data, compress_type=method(name, small=small))
    return output.getvalue()


def method(name: str, *, small: bool) -> int:
    """Return how the zip stores a member of the launcher.

    Code as it is, since every start reads it, unless the file is to be small: then the runtime is
    worth the 2 ms that inflating it takes.
    """
    deflated = name.startswith(RUNTIME) and (small or name == SOURCE)
    return zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED


def put_in_front(line: bytes, path: Path) -> None:
    """Insert a line, if any, at the beginning of a file, and let those run it who may read it."""
    if not line:
        return
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        while end:
            start = max(end - _BLOCK, 0)
            file.seek(start)
            data = file.read(end - start)
            file.seek(start + len(line))
            file.write(data)
            end = start
        file.seek(0)
        file.write(line)
    let_run(path)


def _sealed(contents: Mapping[str, bytes]) -> bytes:
    # Version 2 has no references, which would depend on who else holds the objects
    data = marshal.dumps(dict(contents), 2)
    return checksum(data) + data


@functools.cache
def _entries() -> tuple[Entry, ...]:
    left_out = {_HOME / name for name in _ELSEWHERE}
    return tuple(
        Entry(
            path=f"litebundle/{path.relative_to(_HOME).as_posix()}",
            location=str(path),
            mode=0o644,
            size=path.stat().st_size,
            kind=Kind.SOURCE,
        )
        for pattern in _OWN
        for path in sorted(_HOME.glob(pattern))
        if path not in left_out
    )


def runtime_sources() -> dict[str, bytes]:
    """Return the sources of what runs inside a deployed app, by their paths."""
    return {entry.path: entry.read() for entry in _entries()}


def _text(name: str) -> bytes:
    return (_HOME / name).read_bytes()


def _entry(name: str, text: bytes) -> Entry:
    return Entry(
        path=name,
        location=str(_HOME),
        mode=0o644,
        size=len(text),
        kind=Kind.SOURCE,
        archived=lambda: Packed(text),
    )
