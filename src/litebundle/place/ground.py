"""The files that a bundle gets, as the analyser looks at them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator

from litebundle.collect.distributions import is_command, recorded
from litebundle.collect.tree import Entry, Kind, Tree

_CODE = (Kind.SOURCE, Kind.BYTECODE, Kind.EXTENSION)
_LIBRARY = (".so", ".dll", ".dylib", ".pyd")
_PROGRAMS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")  # Linux; macOS, one kind or more
_ASIDE_NAMES = ("license", "licence", "copying", "notice", "authors", "readme", "changelog")
_ASIDE_SUFFIXES = (".pyx", ".pxd", ".pxi", ".c", ".cc", ".cpp", ".h", ".hpp", ".cu", ".pyi")
_ASIDE_FILES = ("py.typed", "meson.build", "makefile", "cmakelists.txt", "build.bazel")
_TESTS = ("tests", "test")


class Ground:
    """Files by path, and by the unit whose they are.

    A unit is a topmost package, by its path ("google/cloud/storage"), or a module outside of any
    package. `members` has the units' files, `programs` the machine's programs that came with them;
    `loose` are data files of nobody; `data` those that somebody may want to read.
    """

    def __init__(self, tree: Tree) -> None:
        self.entries = {entry.path: entry for entry in tree.entries}
        self.packages = {
            entry.path.rpartition("/")[0]
            for entry in tree.entries
            if entry.path.rpartition("/")[2].startswith("__init__.") and entry.kind in _CODE
        }
        self.packages.discard("")
        self.members: dict[str, list[Entry]] = defaultdict(list)
        self.records = list(recorded(tree))
        self.programs: dict[str, list[str]] = {}
        owned: set[str] = set().union(*self.records) if self.records else set()
        self.loose: list[str] = []
        for entry in tree.entries:
            unit = self.unit(entry.path)
            if unit is not None:
                self.members[unit].append(entry)
            elif entry.kind is Kind.DATA and entry.path not in owned:
                self.loose.append(entry.path)
        for record in self.records:
            programs = [path for path in sorted(record) if self._is_program(path)]
            if programs:
                self.programs |= {u: programs for path in record if (u := self.unit(path))}
        self.data = {entry.path for entry in tree.entries if is_data(entry)}
        self._paths = sorted(self.entries)

    def unit(self, path: str) -> str | None:
        """Return the unit that a file or directory is in; data outside of packages is in none."""
        top = next((above for above in _above(f"{path}/") if above in self.packages), None)
        if top is not None:
            return top
        entry = self.entries.get(path)
        if entry is None or entry.kind not in _CODE:
            return None
        directory, slash, name = path.rpartition("/")
        return directory + slash + name.partition(".")[0]

    def _is_program(self, path: str) -> bool:
        entry = self.entries.get(path)
        return entry is not None and is_command(entry) and entry.read()[:4] in _PROGRAMS

    def below(self, directory: str) -> Iterator[str]:
        """Yield the files in a directory, those of its directories too."""
        prefix = f"{directory}/" if directory else ""
        for number in range(bisect_left(self._paths, prefix), len(self._paths)):
            if not self._paths[number].startswith(prefix):
                return
            yield self._paths[number]

    def own(self, unit: str, directory: str) -> list[str]:
        """Return the files of a unit in a directory, and those of nobody if it is no package."""
        prefix = f"{directory}/" if directory else ""
        paths = [entry.path for entry in self.members[unit]]
        if unit not in self.packages:
            paths += self.loose
        return [path for path in paths if path.startswith(prefix)]

    def source(self, module: str) -> str | None:
        """Return the source of a module by its dotted name."""
        path = module.replace(".", "/")
        return next(
            (file for file in (f"{path}/__init__.py", f"{path}.py") if file in self.entries), None
        )


def is_native(entry: Entry) -> bool:
    """Tell whether the system's loader is to open the file, which takes one on disk."""
    name = entry.path.rpartition("/")[2]
    return entry.kind is Kind.EXTENSION or name.endswith(_LIBRARY) or ".so." in name


def is_data(entry: Entry) -> bool:
    """Tell whether somebody may want to read the file while the program runs.

    Not markers of typing, licences, and what an extension was made from.
    """
    if entry.kind is not Kind.DATA:
        return False
    *directories, name = entry.path.lower().split("/")
    return not (
        name.startswith((".", *_ASIDE_NAMES))
        or name.endswith(_ASIDE_SUFFIXES)
        or name in _ASIDE_FILES
        or any(directory.startswith(".") for directory in directories)
    )


def is_test(path: str) -> bool:
    """Tell whether that belongs to the tests that a package brings."""
    *directories, name = path.split("/")
    return name == "conftest.py" or any(part in _TESTS for part in directories)


def directories(paths: Iterable[str]) -> Iterator[str]:
    """Yield the directories that the files are in, each once, from the top down."""
    seen = set()
    for path in paths:
        for above in _above(path):
            if above not in seen:
                seen.add(above)
                yield above


def _above(path: str) -> Iterator[str]:
    """Yield the directories above a path, topmost first."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)
