"""Several sources laid over each other: what merges, what contradicts."""

import filecmp
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from litebundle.collect.clash import clashes
from litebundle.collect.tree import Conflict, Entry, Layer, Tree, unreadable
from litebundle.errors import BuildError
from litebundle.format import names

_CONTENTS = "different contents"


def merged(layers: Sequence[Layer], *, overlay: bool) -> Tree:
    """Return the layers laid over each other, earlier ones on top.

    Raises BuildError for conflicts unless `overlay` is set. Distributions may differ in the
    contents of a file: every installer lets one overwrite another's README.
    """
    laid = Overlay()
    for layer in layers:
        laid.add(layer.source, layer.entries, layer.directories)
    wheels = {layer.source for layer in layers if layer.distribution is not None}
    fatal = [conflict for conflict in laid.conflicts if not _usual(conflict, wheels)]
    if fatal and not overlay:
        raise BuildError(
            f"the sources contradict each other in {counted(fatal, 'place')}",
            problems=tuple(map(str, fatal)),
            hint="use --overlay to let the earlier source win, or remove one of each two",
        )
    # Code points sort as their UTF-8 bytes do.
    entries = tuple(laid.entries[path] for path in sorted(laid.entries))
    directories = tuple(sorted(laid.directories))
    return Tree(
        entries=entries,
        directories=directories,
        skipped=tuple(skipped for layer in layers for skipped in layer.skipped),
        conflicts=tuple(laid.conflicts),
        warnings=tuple(clashes([*directories, *(entry.path for entry in entries)])),
    )


def counted(things: Sequence[object], noun: str) -> str:
    """Return "1 place", "2 places"."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _usual(conflict: Conflict, wheels: set[Path]) -> bool:
    return conflict.reason == _CONTENTS and all(
        not wheels.isdisjoint(location.parents) for location in (conflict.kept, conflict.dropped)
    )


class _Way(NamedTuple):
    """How a file makes a module: as a package or not, from what, and with which suffix."""

    package: bool
    kind: str
    suffix: str


@dataclass(slots=True)
class Overlay:
    """The merged tree; the source added first wins every conflict.

    Directories merge, so namespace packages gather their portions. In conflict are a path with
    different contents, a file and a directory, and a module that two sources bring in two ways
    (foo.py, foo/__init__.py, foo.so): FileFinder's order might pick another one than sys.path.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    directories: dict[str, Path] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    _modules: dict[str, dict[_Way, Entry]] = field(default_factory=dict)

    def add(self, source: Path, entries: Iterable[Entry], directories: Iterable[str]) -> None:
        """Lay a source below those added before."""
        entries = sorted(entries, key=lambda entry: entry.path)
        packages = _packages(entries) if self._modules else set()  # the first has none above it
        dropped = self._add_directories(source, packages, directories)
        added = [
            entry
            for entry in entries
            if entry.path.rpartition("/")[0] not in dropped and self._accepts(entry)
        ]
        # Only now: the files of one source do not contradict each other.
        for entry in added:
            self.entries[entry.path] = entry
            if module := _module(entry.path):
                self._modules.setdefault(module[0], {})[module[1]] = entry

    def _add_directories(
        self, source: Path, packages: set[str], directories: Iterable[str]
    ) -> set[str]:
        """Take the directories that fit; return the others, which nothing is taken from."""
        dropped: set[str] = set()
        for path in sorted(directories):
            if path.rpartition("/")[0] in dropped:
                dropped.add(path)
            elif other := self.entries.get(path):
                dropped.add(path)
                self._conflict(path, other.location, source / path, "file and directory")
            elif path in packages and (other := self._plain_module(path)):
                dropped.add(path)
                self._conflict(path, other.location, source / path, "one module in two ways")
            else:
                self.directories.setdefault(path, source / path)
        return dropped

    def _plain_module(self, path: str) -> Entry | None:
        """Return what an earlier source has of the module, if it is no package there."""
        ways = self._modules.get(path, {})
        if any(way.package for way in ways):
            return None
        return next(iter(ways.values()), None)

    def _accepts(self, entry: Entry) -> bool:
        if directory := self.directories.get(entry.path):
            self._conflict(entry.path, directory, entry.location, "directory and file")
            return False
        if same := self.entries.get(entry.path):
            if not equal(same, entry):
                self._conflict(entry.path, same.location, entry.location, _CONTENTS)
            return False
        if other := self._other_way(entry):
            self._conflict(entry.path, other.location, entry.location, "one module in two ways")
            return False
        return True

    def _other_way(self, entry: Entry) -> Entry | None:
        """Return what an earlier source has of the entry's module that this one contradicts."""
        module = _module(entry.path) if self._modules else None
        ways = self._modules.get(module[0]) if module else None
        if not module or not ways:
            return None
        alike = [way for way in ways if way[:2] == module[1][:2]]
        if not alike:
            return next(iter(ways.values()))
        return next((ways[way] for way in alike if _compete(way.suffix, module[1].suffix)), None)

    def _conflict(self, path: str, kept: str | Path, dropped: str | Path, reason: str) -> None:
        self.conflicts.append(
            Conflict(path=path, kept=Path(kept), dropped=Path(dropped), reason=reason)
        )


def _module(path: str) -> tuple[str, _Way] | None:
    """Return where the module is (its package's directory, or its path without suffix) and how."""
    directory, _, filename = path.rpartition("/")
    named = names.module_name(filename)
    if named is None:
        return None
    name, kind = named
    suffix = filename.removeprefix(name)
    if name == "__init__":
        return directory, _Way(package=True, kind=kind, suffix=suffix)
    path = f"{directory}/{name}" if directory else name
    return path, _Way(package=False, kind=kind, suffix=suffix)


def _compete(one: str, other: str) -> bool:
    """Tell whether one interpreter may take both of two different suffixes of a kind."""
    # "cpython-311-..." and "cpython-313-..." are for two Pythons; "abi3" is for any.
    tagged = one.startswith(".cp") and other.startswith(".cp")
    return not tagged and one.rpartition(".")[2] == other.rpartition(".")[2]


def _packages(entries: Iterable[Entry]) -> set[str]:
    modules = (_module(entry.path) for entry in entries)
    return {module[0] for module in modules if module and module[1].package}


def equal(one: Entry, other: Entry) -> bool:
    """Tell whether two files have the same content; raises BuildError if one cannot be read."""
    if one.archived or other.archived:
        return one.size == other.size and one.read() == other.read()
    try:
        return filecmp.cmp(one.location, other.location, shallow=False)
    except OSError as error:
        raise unreadable(error.filename, error) from error
