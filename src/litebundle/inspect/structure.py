"""Whether the directories of a bundle agree with each other and with their files."""

from collections.abc import Iterator, Mapping

from litebundle.collect.tree import Entry, Kind, Tree
from litebundle.format import listing as flag
from litebundle.inspect.finding import Finding
from litebundle.place.level import NEVER
from litebundle.runtime.files import misplaced
from litebundle.write.content import Directory, Module
from litebundle.write.modules import directories as entered

_STORED = flag.SOURCE | flag.PACKAGE
"""What may stand behind a module without a file: its source was left out."""

_ABSENT = Module(flags=0, codes=[])


def contradictions(directories: Mapping[str, Directory]) -> Iterator[Finding]:
    """Yield a finding for each name whose flags, code, files and directories do not agree."""
    # What the files alone make of each directory, by the builder's own rules.
    expected = entered(_tree(directories), 0)
    for path, directory in directories.items():
        inside = f"{path}/" if path else ""
        for name in directory.modules.keys() | expected[path].modules.keys():
            module = directory.modules.get(name, _ABSENT)
            by_files = expected[path].modules.get(name, _ABSENT).flags
            for problem in _module(module, by_files):
                yield Finding(where=f"module {inside}{name}", what=problem)
            if module.flags & flag.PACKAGE and "__init__" in _modules(directories, inside + name):
                own = directories[inside + name].modules["__init__"]
                if own.codes != module.codes:
                    yield Finding(
                        where=f"module {inside}{name}", what="has other code than its __init__"
                    )
        yield from _placements(directory, directories)
        for name in sorted(directory.files.keys() & directory.directories):
            yield Finding(where=f"file {inside}{name}", what="is a directory too")


def _tree(directories: Mapping[str, Directory]) -> Tree:
    return Tree(
        entries=tuple(
            Entry(
                path=file.path,
                location="",
                mode=file.mode,
                size=file.blob.raw,
                kind=Kind.of(file.path),
            )
            for directory in directories.values()
            for file in directory.files.values()
        ),
        directories=tuple(path for path in directories if path),
    )


def _modules(directories: Mapping[str, Directory], path: str) -> Mapping[str, Module]:
    directory = directories.get(path)
    return {} if directory is None else directory.modules


def _module(module: Module, by_files: int) -> Iterator[str]:
    flags = module.flags & ~flag.PLACED
    stored = any(module.codes)
    if by_files & ~flags:
        yield f"has files that its flags do not tell of ({by_files & ~flags:#x})"
    if flags & ~by_files & ~_STORED:
        yield f"has flags without a file ({flags & ~by_files & ~_STORED:#x})"
    if flags & ~by_files & _STORED and not stored:
        yield "has neither source nor code"
    if stored and not flags & _STORED:
        yield "has code, but no source ever made it"


def _placements(directory: Directory, directories: Mapping[str, Directory]) -> Iterator[Finding]:
    inside = f"{directory.path}/" if directory.path else ""
    flagged = {name for name, module in directory.modules.items() if module.flags & flag.PLACED}
    for name in sorted(flagged ^ directory.placements.keys()):
        yield Finding(
            where=f"module {inside}{name}",
            what="is flagged as placed, or has placed files, but not both",
        )
    for name, placement in directory.placements.items():
        where = f"placed files of {inside}{name}"
        never = NEVER.get(placement.level)  # type: ignore[call-overload]  # an int enumeration
        if never is None:
            yield Finding(where=where, what="unknown level", found=placement.level)
        paths = {placed.path: 0 for placed in placement.files}
        for placed in placement.files:
            if reason := misplaced(placed.path, paths):
                yield Finding(where=where, what=f"{placed.path!r} {reason}")
            if never and Kind.of(placed.path) in never:
                yield Finding(where=where, what=f"{placed.path} is not placed at its level")
            above, _, filename = placed.path.rpartition("/")
            home = directories.get(above)
            file = home.files.get(filename) if home else None
            if file is None or (file.mode, file.blob) != (placed.mode, placed.blob):
                yield Finding(where=where, what=f"{placed.path} is not the bundle's")
