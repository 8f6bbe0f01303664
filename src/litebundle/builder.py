"""Sources to a bundle: collect, compile, write, check, put in place."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from litebundle import __version__
from litebundle.cache.cache import Cache, opened
from litebundle.collect.distributions import distributions, scripts, unmet
from litebundle.collect.inputs import Gathered, Inputs, gathered
from litebundle.collect.tree import Entry, Kind, Tree
from litebundle.compile.compiler import Compiler
from litebundle.errors import BuildError
from litebundle.format import VERSION
from litebundle.inspect.check import problems
from litebundle.place.analyser import Analyser
from litebundle.place.decide import check_chosen, decided, rules
from litebundle.place.memory import evidence
from litebundle.place.units import PlacedUnit, placed_units
from litebundle.plan import Plan, key, planned, require_one_tree, said
from litebundle.report import Report, Uncompiled, reported
from litebundle.runtime.archive import open_archive
from litebundle.write.ahead import Ahead
from litebundle.write.atomic import check_output, replacing
from litebundle.write.content import Blob, Content, File, Placement, Root, identity
from litebundle.write.encoding import Encoded
from litebundle.write.launcher import Launch, has_room, is_bound, members, program, put_in_front
from litebundle.write.modules import add_code, directories
from litebundle.write.sqlite import SqliteWriter
from litebundle.write.zip import ZipWriter

Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and the path at hand."""

_LARGEST = {"sqlite": 1_000_000_000 - 4096, "zip": 0xFFFF_FFFF}
"""Of a file, in bytes: SQLite's limit of a row, and that of a reference's sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a bundle is built.

    `optimize` are the levels of `-O` to store code for, `sources` whether `.py` files are kept,
    `strict` whether a file that does not compile fails the build, `overlay` whether the earlier of
    two contradicting sources wins; `jobs` compiler processes, by default one a usable processor;
    `cache` whether results of earlier builds are used and kept in the user's cache directory;
    `inputs` what else goes in, and what does not; `place` how much of a package is put on disk
    ("code", "data", "all" by its dotted name), which else the analyser decides;
    `launch` how it starts as a program, None if it is only imported from.
    """

    container: Literal["sqlite", "zip"] = "sqlite"
    optimize: tuple[int, ...] = (0,)
    sources: bool = True
    strict: bool = False
    overlay: bool = False
    jobs: int | None = None
    cache: bool = False
    inputs: Inputs = field(default_factory=Inputs)
    place: Mapping[str, str] = field(default_factory=dict)
    launch: Launch | None = None


def build(
    sources: Sequence[str | os.PathLike[str]],
    output: Path,
    options: Options = Options(),  # frozen
    progress: Progress | None = None,
) -> Report:
    """Build a bundle of sources laid over each other, and put it in place as a whole.

    Sources are directories, projects, wheels and requirements (collect/inputs.py). Raises
    BuildError for input that cannot be had or packed and for what the disk refuses; what stood at
    `output` is then untouched.
    """
    started = time.monotonic()
    output = output.absolute()
    check_output(output)
    with (
        gathered(sources, options.inputs, output=output) as found,
        opened(_places(found), used=options.cache) as cache,
        ExitStack() as stack,
    ):
        compilers = {
            python: stack.enter_context(Compiler(python, options.optimize, options.jobs, cache))
            for python in dict.fromkeys(each.python for each in found)
        }
        targets = {python: compiler.target for python, compiler in compilers.items()}
        plan = planned(found, targets, overlay=options.overlay)
        _refuse_unfit(plan, options.container)
        analysers = [Analyser(root.tree, root.version) for root in plan.roots]
        check_chosen(options.place, [analyser.ground for analyser in analysers])
        with (
            ThreadPoolExecutor(1) as beside,
            replacing(output, lambda path: _read_back(path, work.written)) as aside,
        ):
            # Which files go on disk is needed at the end only: found out while code is compiled
            rules()  # read here: a thread that imports waits for ever if our caller is an import
            units = [
                beside.submit(_units, number, each, options.place, cache)
                for number, each in enumerate(analysers)
            ]
            work = _Build(plan, options, aside, progress, cache)
            try:
                with Ahead(work.encode, work.kept()) as ahead:
                    for python, compiler in compilers.items():
                        work.compile(python, compiler)
                    work.units = [each.result() for each in units]
                    work.store(ahead)
                content = work.finish([*compilers.values()])
            finally:
                work.writer.close()
            if options.launch is not None:
                put_in_front(options.launch.shebang, aside)
        warnings = dict.fromkeys(_warnings(found, plan, cache))
    return Report(
        output=output,
        container=options.container,
        identity=dict(content.manifest)["identity"],
        size=output.stat().st_size,
        targets=tuple(map(str, plan.targets)),
        counts=dict(Counter(entry.kind.value for entry in plan.entries)),
        modules=len(work.compiled),
        stripped=len(plan.entries) - work.stored,
        placed=tuple(dict.fromkeys(one for units in work.units for one in reported(units))),
        uncompiled=tuple(work.uncompiled),
        skipped=tuple(dict.fromkeys(one for tree in plan.trees for one in tree.skipped)),
        conflicts=tuple(dict.fromkeys(one for tree in plan.trees for one in tree.conflicts)),
        warnings=tuple(warnings),
        seconds=time.monotonic() - started,
    )


class _Build:
    """One build underway: what has been stored so far, and the writer that stored it."""

    def __init__(
        self,
        plan: Plan,
        options: Options,
        aside: Path,
        progress: Progress | None,
        cache: Cache,
    ) -> None:
        self._plan = plan
        self._options = options
        self._progress = progress
        self._cache = cache
        self._entries = plan.entries
        self._roots = tuple(
            Root(directories=directories(root.tree, len(root.columns)), columns=(*root.columns,))
            for root in plan.roots
        )
        self._keys = [{key(entry) for entry in root.tree.entries} for root in plan.roots]
        self._digests: dict[tuple[str, str], bytes] = {}
        self._blobs: dict[tuple[str, str], Blob] = {}
        self._sources = {python: plan.sources(python) for python in plan.compilers}
        self._total = len(self._entries) + sum(map(len, self._sources.values()))
        self._done = 0
        self.written: dict[int, Blob] = {}
        self.units: list[list[PlacedUnit]] = [[] for _ in plan.roots]
        self.compiled: set[tuple[str, str]] = set()
        self.uncompiled: list[Uncompiled] = []
        self._left: set[tuple[str, str]] = set()
        self.writer: SqliteWriter | ZipWriter
        if options.container == "zip":
            self.writer = ZipWriter(aside, plan.variants, {e.path for e in self._entries})
        else:
            self.writer = SqliteWriter(aside, expected=sum(e.size for e in self._entries))

    def kept(self) -> Sequence[Entry]:
        """Return the files that are stored as such whatever compiling them says."""
        if self._options.sources:
            return self._entries
        return [e for e in self._entries if e.kind is not Kind.SOURCE]

    def encode(self, entry: Entry) -> Encoded:
        """Return a file as the writer stores it."""
        if entry.archived is None and isinstance(self.writer, SqliteWriter):
            return self._cache.deflated(entry)
        content = entry.packed()
        return self.writer.encode(content.raw, content.deflated)

    def compile(self, python: str, compiler: Compiler) -> None:
        """Store an interpreter's code of every module, which stands together before all files."""
        sources = self._sources[python]
        for entry, result in zip(sources, compiler.compile(sources), strict=True):
            self._tell(result.path)
            self._require_at_rest(entry, result.digest)
            if result.error is not None:
                self._left.add(key(entry))
                told = f"{compiler.target.cache_tag}: " if len(self._plan.compilers) > 1 else ""
                self.uncompiled.append(Uncompiled(path=result.path, reason=told + result.error))
                continue
            module = result.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            blobs = {
                variant: self.writer.code(module, result.path, variant, code)
                for variant, code in zip(self._plan.compilers[python], result.codes, strict=True)
            }
            self.written.update((blob.identifier, blob) for blob in blobs.values())
            self._add_code(entry, blobs)
        if self._options.strict and self.uncompiled:
            raise BuildError(
                f"{len(self.uncompiled)} files do not compile",
                problems=tuple(f"{u.path}: {u.reason}" for u in self.uncompiled),
                hint="mend or remove them, or build without --strict to keep them as source",
            )

    def store(self, files: Iterable[tuple[Entry, Encoded]]) -> None:
        """Store sources and data, in the order given."""
        for entry, encoded in files:
            self._store(entry, encoded)
        # A source that does not compile is kept all the same: it is all there is of the module.
        # Nor is a package of any use that is to have its sources on disk, and has none.
        left = self._left.union(
            key(entry) for units in self.units for unit in units for entry in unit.entries
        )
        left -= self._blobs.keys()
        for entry in self._entries:
            if key(entry) in left:
                self._store(entry, self.encode(entry))

    def finish(self, compilers: Sequence[Compiler]) -> Content:
        """Write launcher, index and manifest; return what the bundle holds."""
        for planned_root, root, units in zip(
            self._plan.roots, self._roots, self.units, strict=True
        ):
            self._enter(planned_root.tree, root, units)
        trees = [root.tree for root in self._plan.roots]
        commands = {
            name: place for tree in reversed(trees) for name, place in scripts(tree).items()
        }
        manifest = [
            ("format", str(VERSION)),
            ("builder", f"litebundle {__version__}"),
            ("identity", identity(self._roots, list(said(self._plan)))),
            *said(self._plan),
            *((f"script.{name}", place) for name, place in sorted(commands.items())),
            *self._launcher(compilers, commands),
        ]
        content = Content(roots=self._roots, manifest=manifest)
        found = dict.fromkeys(each for tree in trees for each in distributions(tree))
        self.writer.finish(content, list(found))
        return content

    def _launcher(
        self, compilers: Sequence[Compiler], scripts: Mapping[str, str]
    ) -> Iterator[tuple[str, str]]:
        """Store what makes the bundle a program; yield what the manifest says of it."""
        launch = self._options.launch
        if launch is None:
            return
        paths = {entry.path for entry in self._entries}
        if main := program(launch, paths, scripts):
            yield "main", main
        if self._options.container != "zip" or has_room(launch, paths):
            needed = not self._options.sources or any(map(is_bound, self._entries))
            yield from self.writer.launcher(members(launch, compilers, needed=needed))

    def _add_code(self, entry: Entry, blobs: Mapping[int, Blob]) -> None:
        self.compiled.add(key(entry))
        for root, there in zip(self._roots, self._keys, strict=True):
            if key(entry) in there:
                columns = {root.columns.index(n): blobs[n] for n in blobs if n in root.columns}
                add_code(root.directories, entry.path, columns)

    @property
    def stored(self) -> int:
        """How many files are stored as such."""
        return len(self._blobs)

    def _enter(self, tree: Tree, root: Root, units: Iterable[PlacedUnit]) -> None:
        """Enter the files of a tree into its directories, and what is placed of them."""
        for entry in tree.entries:
            if key(entry) in self._blobs:
                directory, _, name = entry.path.rpartition("/")
                root.directories[directory].files[name] = self._file(entry)
        for unit in units:
            files = tuple(self._file(entry) for entry in unit.entries)
            placement = Placement(unit=unit.modules[0], level=int(unit.level), files=files)
            for path in unit.modules:
                directory, _, name = path.rpartition("/")
                root.directories[directory].place(name, placement)

    def _store(self, entry: Entry, encoded: Encoded) -> None:
        self._tell(entry.path)
        self._require_at_rest(entry, encoded.digest)
        blob = self.writer.file(entry.path, encoded, entry.mode)
        self.written[blob.identifier] = blob
        self._blobs[key(entry)] = blob

    def _require_at_rest(self, entry: Entry, digest: bytes) -> None:
        if self._digests.setdefault(key(entry), digest) != digest:
            raise BuildError(
                "changed during the build",
                file=str(entry.location),
                hint="build again while nothing writes to the sources",
            )

    def _file(self, entry: Entry) -> File:
        return File(
            path=entry.path,
            kind=entry.kind.value,
            mode=entry.mode,
            blob=self._blobs[key(entry)],
        )

    def _tell(self, path: str) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total, path)


def _units(
    number: int, analyser: Analyser, chosen: Mapping[str, str], cache: Cache
) -> list[PlacedUnit]:
    """Return what a tree's packages need on disk; `number` is the tree's."""
    seen = evidence(analyser, cache, f"evidence {number}")
    return placed_units(analyser.ground, decided(seen, chosen))


def _places(found: Sequence[Gathered]) -> Iterator[Path]:
    """Yield what tells these sources from others."""
    return (layer.source for each in found for layer in each.layers)


def _warnings(found: Sequence[Gathered], plan: Plan, cache: Cache) -> Iterator[str]:
    if cache.refused is not None:
        yield f"the cache is not used: {cache.refused.file} {cache.refused.message}"
    for each, tree in zip(found, plan.trees, strict=True):
        yield from tree.warnings
        if each.environment is not None:
            yield from unmet(tree, each.environment.markers)


def _refuse_unfit(plan: Plan, container: str) -> None:
    if container == "zip":
        require_one_tree(plan)
    entries = plan.entries
    limit = _LARGEST[container]
    large = [f"{e.path}: {e.size:,} bytes" for e in entries if e.size > limit]
    if large:
        raise BuildError(
            f"a file in a {container} bundle has at most {limit:,} bytes",
            problems=tuple(large),
            hint="ship the data beside the bundle",
        )
    reserved = [e.path for e in entries if e.path.partition("/")[0] == ".litebundle"]
    if reserved:
        raise BuildError(
            "a source has files where a bundle keeps its index",
            problems=tuple(reserved),
            hint="remove the directory .litebundle from it",
        )


def _read_back(path: Path, written: Mapping[int, Blob]) -> None:
    archive = open_archive(str(path))
    found = ["not a bundle"] if archive is None else list(problems(archive, written))
    if found:
        raise BuildError(
            "what was written reads back differently",
            problems=tuple(found),
            hint="check the disk and the memory of this machine",
        )
