"""Which packages need files on disk: found out by reading their code, never by running it."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from litebundle.collect.tree import Entry, Kind, Tree
from litebundle.place.ground import Ground, directories, is_native, is_test
from litebundle.place.judge import Finding, judge
from litebundle.place.level import Level
from litebundle.place.syntax import Syntax
from litebundle.place.trace import Locations, Trace
from litebundle.place.uses import Act, Use, Uses

_Hints = tuple[tuple[bytes, tuple[bytes, ...]], ...]
_ANY = (b"",)
_PATHS: _Hints = (
    (b"__file__", _ANY),
    (b"__path__", _ANY),
    (b"inspect", (b"getfile", b"getsourcefile", b"getabsfile")),
    (b"find_spec", (b"origin", b"submodule_search_locations")),
    (b"__spec__", (b"origin", b"submodule_search_locations")),
)
_RESOURCES: _Hints = (
    (
        b"resources",
        (b"importlib.resources", b"import resources", b"importlib_resources", b"pkg_resources"),
    ),
    (b"get_data", (b"pkgutil", b"__loader__", b"__spec__")),
)
"""Words in a source that is looked at: a first one, and one of several others."""

_BY_NAME = ("templates", "static", "locale", "locales", "fixtures", "jinja2")
_ALEMBIC = ("env.py", "script.py.mako")


@dataclass(slots=True)
class Evidence:
    """What is known of one unit: reasons for a level, and what reads its resources in place."""

    findings: list[Finding] = field(default_factory=list)
    served: list[tuple[str, str]] = field(default_factory=list)
    """Directories whose resources are read in place, and a sentence about it."""

    @property
    def level(self) -> Level:
        """The level that the reasons take."""
        return max((finding.level for finding in self.findings), default=Level.CODE)


class Analyser:
    """Looks at sources one by one, as they come by, and then at what they have in common.

    `version` is that of the Python that will run them. Only what mentions its location, or
    resources where there are any, is parsed: some sources of a hundred, `sources`. `exports` are
    by unit what brings others in: names that stand for paths, and the modules that have them.
    """

    def __init__(self, tree: Tree, version: tuple[int, ...]) -> None:
        self.ground = Ground(tree)
        self.version = version
        self._parsed: dict[str, tuple[Syntax, Trace] | None] = {}
        self.sources: dict[str, bytes] = {}
        self.exports: dict[str, list[tuple[bytes, bytes]]] = {}
        self._data = {
            unit
            for unit, entries in self.ground.members.items()
            if not self.ground.data.isdisjoint(entry.path for entry in entries)
        }

    def see(self, path: str, source: bytes) -> None:
        """Remember a source if it says anything about paths."""
        if self.says(path, source):
            self.sources[path] = source

    def says(self, path: str, source: bytes) -> bool:
        """Tell whether a source says anything about paths."""
        hints = _PATHS
        if self.ground.unit(path) in self._data:
            hints += _RESOURCES
        return _hinted(source, hints) and (
            path.endswith("__main__.py") or _hinted(_head(source), hints)
        )

    def see_all(self) -> None:
        """Read all sources; raises BuildError for one that cannot be read."""
        for entry in self.ground.entries.values():
            if entry.kind is Kind.SOURCE:
                self.see(entry.path, entry.read())

    def evidence(self, *, thorough: bool) -> dict[str, Evidence]:
        """Return what was found about each unit, not `thorough`: enough to know its level."""
        found = {unit: Evidence() for unit in sorted(self.ground.members)}
        for unit, evidence in found.items():
            evidence.findings += self._by_shape(unit)
        tests = sorted(filter(is_test, self.sources))
        seen = sorted(self.sources.keys() - tests)
        self._follow(seen, found)
        while seen := list(dict.fromkeys(self._importers(seen, found))):
            for path in seen:
                self.sources[path] = self.ground.entries[path].read()
            self._follow(seen, found)
        # Whatever tests do, it takes no more than data.
        needed = (path for path in tests if thorough or not found[self._unit(path)].level)
        self._follow(needed, found)
        for unit, evidence in found.items():
            if evidence.level is Level.CODE:
                evidence.findings += self._undecided(unit, evidence)
        return found

    def _unit(self, path: str) -> str:
        unit = self.ground.unit(path)
        assert unit is not None  # noqa: S101  # every source is of one
        return unit

    def _follow(self, paths: Iterable[str], found: Mapping[str, Evidence]) -> None:
        for path in paths:
            for use in self._uses(path):
                if use.act is Act.SERVE:
                    unit = self.ground.unit(use.location.path) or ""
                    if unit in found:
                        sentence = f"{use.path}:{use.line}: read with {use.by}"
                        found[unit].served.append((use.location.path, sentence))
                elif judged := judge(use, self.ground):
                    unit, finding = judged
                    found[unit].findings.append(finding)

    def _uses(self, path: str) -> list[Use]:
        parsed = self._parse(path)
        try:
            return list(Uses(*parsed)) if parsed else []
        except RecursionError:  # expressions of a depth that nobody writes by hand
            return []

    def _parse(self, path: str) -> tuple[Syntax, Trace] | None:
        if path not in self._parsed:
            self._parsed[path] = None
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # they are about code that is not the user's
                    syntax = Syntax(path, self.sources[path], self.version, self._offers)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return None  # it cannot run either
            trace = Trace(syntax, self.ground.source, self._exported)
            self._parsed[path] = syntax, trace
        return self._parsed[path]

    def _exported(self, name: str) -> Locations:
        """Return what a name of a module stands for, through modules that pass it on."""
        for _ in range(4):
            module, _, attribute = name.rpartition(".")
            path = self.ground.source(module)
            parsed = self._parse(path) if path in self.sources else None
            if parsed is None:
                break
            syntax, trace = parsed
            if attribute not in syntax.imports:
                return trace.module(attribute)
            name = syntax.imports[attribute]
        return frozenset()

    def _offers(self, name: str) -> Iterator[str]:
        """Yield what to look for in a source that imports something of that dotted name."""
        if self._exported(name):
            yield ""
        elif (path := self.ground.source(name)) in self.sources and (parsed := self._parse(path)):
            yield from parsed[1].exports()

    def _importers(self, seen: Iterable[str], found: Mapping[str, Evidence]) -> Iterator[str]:
        """Yield sources that may use paths which others of their unit have put into names."""
        exports: dict[str, list[tuple[bytes, bytes]]] = {}
        for path in seen:
            parsed = self._parse(path)
            unit = self._unit(path)
            if parsed is None or found[unit].level is Level.ALL:
                continue
            stem = path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2].encode()
            names = [name.encode() for name in parsed[1].exports()]
            exports.setdefault(unit, []).extend((name, stem) for name in names)
        for unit, pairs in exports.items():
            self.exports.setdefault(unit, []).extend(pairs)
            for entry in self.ground.members[unit] if pairs else ():
                if (
                    entry.kind is Kind.SOURCE
                    and entry.path not in self.sources
                    and not is_test(entry.path)
                ):
                    source = entry.read()
                    if any(name in source and stem in source for name, stem in pairs):
                        yield entry.path

    def _by_shape(self, unit: str) -> Iterator[Finding]:
        """Yield what the files say without any code."""
        entries = self.ground.members[unit]
        native = [entry.path for entry in entries if is_native(entry)]
        if native:
            sentence = "is native, and the system's loader takes only files"
            yield _about(native, Level.DATA, sentence)
        programs = self.ground.programs.get(unit)
        if programs:
            sentence = "is a program that comes with it, and the system runs only files"
            yield _about(programs, Level.DATA, sentence, reach=programs)
        paths = [entry.path for entry in entries]
        for directory in directories(paths):
            if directory.rpartition("/")[2] in _BY_NAME:
                below = [path for path in self.ground.below(directory) if self._counts(path)]
                if below:
                    sentence = f"{directory}: frameworks look for directories of that name by path"
                    yield Finding(level=Level.DATA, path=below[0], line=0, sentence=sentence)
            if all(f"{directory}/{file}" in self.ground.entries for file in _ALEMBIC):
                sentence = f"{directory}: Alembic lists and executes the sources of migrations"
                path = f"{directory}/{_ALEMBIC[0]}"
                yield Finding(level=Level.ALL, path=path, line=0, sentence=sentence)

    def _counts(self, path: str) -> bool:
        return path in self.ground.data and not is_test(path)

    def _undecided(self, unit: str, evidence: Evidence) -> Iterator[Finding]:
        """Yield the data of which nothing is known but that somebody packed them."""
        open_ = [
            entry.path
            for entry in self.ground.members[unit]
            if self._counts(entry.path) and not _within(entry, evidence.served)
        ]
        if open_:
            yield _about(open_, Level.DATA, "is data, and nothing seen tells who reads it")


def _hinted(source: bytes, hints: _Hints) -> bool:
    return any(word in source and any(map(source.__contains__, more)) for word, more in hints)


def _head(source: bytes) -> bytes:
    """Return a source without the script that it ends with."""
    head, _, script = source.partition(b"\nif __name__ == ")
    rest = script.split(b"\n")[1:]
    return head if all(line[:1] in b" \t#\r" for line in rest) else source


def _within(entry: Entry, served: Iterable[tuple[str, str]]) -> bool:
    return any(f"{entry.path}/".startswith(f"{path}/") for path, _ in served)


def _about(paths: list[str], level: Level, what: str, reach: Iterable[str] = ()) -> Finding:
    more = f" (so are {len(paths) - 1:,} more)" if len(paths) > 1 else ""
    sentence = f"{paths[0]} {what}{more}"
    return Finding(level=level, path=paths[0], line=0, sentence=sentence, reach=(*reach,))


def module_name(unit: str) -> str:
    """Return the dotted name of a unit."""
    return unit.replace("/", ".")
