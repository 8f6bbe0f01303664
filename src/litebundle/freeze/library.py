"""The standard library of a frozen program: a bundle that its interpreter begins with."""

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from litebundle.builder import Options, build
from litebundle.collect.inputs import Inputs
from litebundle.collect.stdlib import imported
from litebundle.collect.tree import Kind
from litebundle.errors import BuildError
from litebundle.freeze.interpreter import Interpreter
from litebundle.inspect.bundle import Bundle
from litebundle.write.launcher import Launch, runtime_sources

_LEFT_OUT = {
    "__hello__": "is an example",
    "__phello__": "is an example",
    "antigravity": "opens a browser",
    "ensurepip": "has wheels beside it",
    "idlelib": "is a program",
    "lib2to3": "has its grammars beside it",
    "pydoc_data": "is documentation",
    "sitecustomize": "is the installation's",
    "test": "is no library",
    "this": "is an example",
    "turtle": "is for lessons",
    "turtledemo": "is an example",
    "usercustomize": "is the user's",
    "venv": "has its scripts beside it",
}
_TESTS = {"test", "tests", "idle_test"}
_TK = ("tkinter", "_tkinter")

_BEGIN = """

def _begin(file):
    import sys
    home = file + "/.litebundle"
    sys.path.insert(0, home)
    try:
        from litebundle.runtime.library import begin
    finally:
        sys.path.remove(home)
    begin(file, {program!r})


_begin(__file__.rpartition("/encodings/")[0])
"""
"""Behind the text of `encodings`, the first thing that every interpreter imports."""


def build_library(python: Interpreter, output: Path, work: Path, *, program: str | None) -> None:
    """Write the interpreter's standard library, without its sources, as a bundle.

    `work` is a directory to make; `program` is what `runtime.library.begin` takes. Raises
    BuildError.
    """
    paths = _library(python)
    for path, location in paths.items():
        target = work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(location, target)
    license_text = python.library / "LICENSE.txt"
    if license_text.is_file():  # it asks to be kept with what is under it
        shutil.copyfile(license_text, work / f"python-{python.release}-LICENSE.txt")
    first = "encodings/__init__.py"
    begin = _BEGIN.format(program=program).encode()
    texts = {
        first: paths[first].read_bytes() + begin,
        "encodings/aliases.py": paths["encodings/aliases.py"].read_bytes(),
    }
    options = Options(
        sources=False,
        place=None,  # nothing is beside its modules that they could look for
        inputs=Inputs(python_version=(str(python.executable),)),
        launch=Launch(library=texts),
    )
    build([work], output, options)


def require_modules(python: Interpreter, names: Iterable[str]) -> None:
    """Raise BuildError if some of the names are no modules of what `build_library` takes along."""
    there = {*python.extensions, *python.builtins}
    for path in _library(python):
        there.add(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    unknown = [name for name in names if name not in there]
    if unknown:
        raise BuildError(
            f"not in a frozen standard library: {', '.join(map(repr, unknown))}",
            file=str(python.executable),
            hint="--include is for standard modules; the program's own are all in the bundle",
        )


def used_extensions(bundle: Bundle, python: Interpreter, include: Iterable[str]) -> dict[str, Path]:
    """Return the interpreter's extension modules that the program may come to import.

    That is what its sources import anywhere, what the modules imported so do, and so on; what its
    native modules name; every codec; and the modules to `include`. Without sources it is all.
    """
    files = [file for file in bundle.files() if file.kind in (Kind.SOURCE, Kind.EXTENSION)]
    sources = [file.path for file in files if file.kind is Kind.SOURCE]
    if not sources:
        return {name: path for name, path in python.extensions.items() if "_test" not in name}
    there = dict(_modules(python.library, tkinter=True))
    found: set[str] = {name.replace(".", "/") for name in include}
    if bundle.is_zstd:
        found.add("_zstd")  # which the runtime does not import by a statement
    found.update(f"encodings/{path.stem}" for path in (python.library / "encodings").glob("*.py"))
    for file in files:
        if file.kind is Kind.SOURCE:
            found |= imported(file.path, bundle.read(file.path), deep=True)
        else:
            found |= _named(bundle.read(file.path), there, python.extensions)
    for path, source in runtime_sources().items():
        found |= imported(path, source, deep=True)
    pending = list(found)
    while pending:
        name = pending.pop()
        for path in (f"{name}/__init__.py", f"{name}.py"):
            if path in there:
                more = imported(path, there[path].read_bytes(), deep=True) - found
                found |= more
                pending += more
    return {name: path for name, path in python.extensions.items() if name in found}


def _library(python: Interpreter) -> dict[str, Path]:
    return dict(_modules(python.library, tkinter=_TK[1] in python.extensions))


def _modules(library: Path, *, tkinter: bool) -> Iterator[tuple[str, Path]]:
    """Yield path and location of the modules that a program may use, tests and tools left out."""
    for top in sorted(library.iterdir()):
        name = top.name.partition(".")[0]
        if name in _LEFT_OUT or (name == _TK[0] and not tkinter):
            continue
        if top.suffix == ".py":
            yield top.name, top
        elif (top / "__init__.py").is_file():
            for path in sorted(top.rglob("*.py")):
                inside = path.relative_to(library)
                if _TESTS.isdisjoint(inside.parts):
                    yield inside.as_posix(), path


def _named(data: bytes, there: Iterable[str], extensions: Iterable[str]) -> set[str]:
    """Return the standard modules whose names a native module has as strings of C."""
    names = {path.partition("/")[0].removesuffix(".py") for path in there} | {*extensions}
    strings = {match.decode() for match in re.findall(rb"(?<=\0)[a-z_0-9]+(?=\0)", data)}
    return names & strings
