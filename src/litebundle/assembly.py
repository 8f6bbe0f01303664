"""The making of a bundle: what compiles, analyses, encodes and writes, and in which order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from litebundle import __version__
from litebundle.cache.cache import Cache
from litebundle.collect.distributions import distributions, scripts
from litebundle.collect.tree import Entry, Kind, Tree, batches
from litebundle.compile.compiler import Compiled, Compiler
from litebundle.errors import BuildError
from litebundle.format import VERSION
from litebundle.format.listing import PACKAGE
from litebundle.options import Options, Progress
from litebundle.place.analyser import Analyser
from litebundle.place.decide import decided, rules
from litebundle.place.memory import evidence
from litebundle.place.units import PlacedUnit, placed_units
from litebundle.plan import Plan, key, said
from litebundle.report import Uncompiled
from litebundle.trace import unknown
from litebundle.write.ahead import Ahead, mapped
from litebundle.write.atomic import flushing
from litebundle.write.compression import FILES, Compression, is_border
from litebundle.write.content import Blob, Content, File, Placement, Root, identity
from litebundle.write.encoding import Encoded
from litebundle.write.joined import Joining
from litebundle.write.large import LARGE, encoded_large
from litebundle.write.launcher import has_room, is_bound, members, program
from litebundle.write.modules import add_code, directories
from litebundle.write.sqlite import SqliteWriter
from litebundle.write.startup import Startup
from litebundle.write.zip import ZipWriter

if TYPE_CHECKING:
    from litebundle.write.readback import Wrote


@dataclass(frozen=True, slots=True)
class Means:
    """A plan, and what carries it out: compilers by interpreter, an analyser for each root."""

    plan: Plan
    compilers: Mapping[str, Compiler]
    analysers: Sequence[Analyser]
    cache: Cache


class Assembly:
    """One build underway: what has been stored so far, and the writer that stored it."""

    def __init__(
        self,
        means: Means,
        options: Options,
        aside: Path,
        startup: Startup,
        progress: Progress | None,
    ) -> None:
        self._startup = startup
        self._compression = Compression(options.compress, startup, means.cache)
        self._run: list[Blob] = []
        self._joined: dict[int, Sequence[tuple[int, Blob]]] = {}
        self._plan = plan = means.plan
        self._options = options
        self.aside = aside
        self._progress = progress
        self._cache = means.cache
        self._entries = plan.entries
        self._roots = tuple(
            Root(directories=directories(root.tree, len(root.columns)), columns=(*root.columns,))
            for root in plan.roots
        )
        self._keys = [{key(entry) for entry in root.tree.entries} for root in plan.roots]
        self._digests: dict[tuple[str, str], bytes] = {}
        self._blobs: dict[tuple[str, str], Blob] = {}
        self._sources = {
            python: startup.first(plan.sources(python), code=True) for python in plan.compilers
        }
        self._total = len(self._entries) + sum(map(len, self._sources.values()))
        self._done = 0
        self.units: list[list[PlacedUnit]] = [[] for _ in plan.roots]
        self.compiled: set[tuple[str, str]] = set()
        self.uncompiled: list[Uncompiled] = []
        self._left: set[tuple[str, str]] = set()
        self.wrote: Wrote  # by the writer, once all is finished
        self.writer: SqliteWriter | ZipWriter
        if options.container == "zip":
            taken = {e.path for e in self._entries}
            self.writer = ZipWriter(aside, self._compression, plan.variants, taken)
        else:
            expected = sum(e.size for e in self._entries)
            self.writer = SqliteWriter(aside, self._compression, expected)

    def kept(self) -> Sequence[Entry]:
        """Return the files that are stored as such whatever compiling them says."""
        kept = [e for e in self._entries if self._options.sources or e.kind is not Kind.SOURCE]
        return self._startup.first(kept, code=False)

    def unknown(self) -> list[str]:
        """Return a warning if the trace has what the bundle has not."""
        return unknown(self._startup, (entry.path for entry in self._entries))

    def encode(self, entries: Sequence[Entry]) -> list[Encoded]:
        """Return files that stand side by side as the writer stores them."""
        encoded = [(entry.path, self._encode(entry)) for entry in entries]
        return self._compression.together(encoded, FILES)

    def _encode(self, entry: Entry) -> Encoded:
        if entry.size > LARGE and entry.archived is None:
            # The zip library does it itself
            deflate = isinstance(self.writer, SqliteWriter)
            deflate &= self._compression.packs_file(entry.path)
            return encoded_large(entry, self.aside.parent, deflate=deflate)
        if self._deflates(entry):
            return self._cache.deflated(entry)
        return self.writer.encode_file(entry.path, entry.packed())

    def is_kept(self, entry: Entry) -> bool:
        """Tell whether the cache has what a file is encoded to."""
        return self._deflates(entry) and self._cache.has_deflated(entry)

    def _deflates(self, entry: Entry) -> bool:
        """Tell whether it is for us to deflate a file."""
        deflates = self._compression.kind != "zstd" and self._compression.packs_file(entry.path)
        return entry.archived is None and deflates and isinstance(self.writer, SqliteWriter)

    def _encode_codes(self, batch: Sequence[Compiled]) -> Iterator[tuple[Compiled, list[Encoded]]]:
        """Yield what was compiled, and its code as the writer stores it."""
        codes: list[list[Encoded]] = [[] for _ in batch]
        for level in range(max(len(result.codes) for result in batch)):
            fresh: list[tuple[str, Encoded]] = []
            places = []
            for result, found in zip(batch, codes, strict=True):
                if not result.codes:
                    continue
                code = result.codes[level]
                known = next((each for each in found if each.digest == code.digest), None)
                if known is not None:  # as most code is at all levels
                    found.append(known)
                    continue
                fresh.append((result.path, self.writer.encode_code(code)))
                places.append(found)
            # What is of one level by itself, for a program runs but one
            packed = self._compression.together(fresh, self._compression.codes)
            for found, code in zip(places, packed, strict=True):
                found.append(code)
        return zip(batch, codes, strict=True)

    def compile(self, python: str, compiler: Compiler) -> None:
        """Store an interpreter's code of every module, which stands together before all files."""
        sources = self._sources[python]
        joining = {
            variant: Joining(partial(self.writer.joined, variant))
            for variant in self._plan.compilers[python]
        }
        uncompiled = []
        size = self._compression.codes
        batched = batches(
            compiler.compile(sources),
            size=size,
            weight=_weight,
            ends=lambda result: is_border(result.path),
        )
        spread = mapped if self._compression.packs_code else map
        results = chain.from_iterable(spread(self._encode_codes, batched))
        for entry, (result, codes) in zip(sources, results, strict=True):
            self._tell(result.path)
            self._require_at_rest(entry, result.digest)
            if result.error is not None:
                self._left.add(key(entry))
                told = f"{compiler.target.cache_tag}: " if len(self._plan.compilers) > 1 else ""
                uncompiled.append(Uncompiled(path=result.path, reason=told + result.error))
                continue
            module = result.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            blobs = {
                variant: self.writer.code(module, result.path, variant, code)
                for variant, code in zip(self._plan.compilers[python], codes, strict=True)
            }
            if result.path in self._startup and not self._is_hidden(entry):
                for each, blob, code in zip(
                    joining.values(), blobs.values(), result.codes, strict=True
                ):
                    each.add(blob, code.whole)
            self._add_code(entry, blobs)
        for variant, each in joining.items():
            if streams := each.finish():
                self._joined[variant] = streams
        self.uncompiled += sorted(uncompiled, key=lambda each: each.path)
        if self._options.strict and self.uncompiled:
            raise BuildError(
                f"{len(self.uncompiled)} files do not compile",
                problems=tuple(f"{u.path}: {u.reason}" for u in self.uncompiled),
                hint="mend or remove them, or build without --strict to keep them as source",
            )

    def _is_hidden(self, entry: Entry) -> bool:
        """Tell whether a package has the name of a source, so that no listing has its code (F4)."""
        directory, _, filename = entry.path.rpartition("/")
        name = filename.removesuffix(".py")
        found = [root.directories.get(directory) for root in self._roots]
        return any(
            each.modules[name].flags & PACKAGE for each in found if each and name in each.modules
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
                self._store(entry, *self.encode([entry]))

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
            *said(self._plan),
            *((f"script.{name}", place) for name, place in sorted(commands.items())),
            *self._launcher(compilers, commands),
        ]
        manifest[:0] = [
            ("format", str(VERSION)),
            ("builder", f"litebundle {__version__}"),
            ("identity", identity(self._roots, manifest)),
        ]
        content = Content(
            roots=self._roots,
            manifest=manifest,
            run=tuple(self._run),
            first=tuple(path for path in self._startup.directories() if self._has(path)),
            joined=self._joined,
        )
        found = dict.fromkeys(each for tree in trees for each in distributions(tree))
        self.wrote = self.writer.finish(content, list(found))
        return content

    def _has(self, directory: str) -> bool:
        return any(directory in root.directories for root in self._roots)

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
        if launch.inherit_path:
            yield "inherit", "path"
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
        self._blobs[key(entry)] = blob
        if entry.kind is not Kind.SOURCE and entry.path in self._startup:
            self._run.append(blob)

    def _require_at_rest(self, entry: Entry, digest: bytes) -> None:
        if self._digests.setdefault(key(entry), digest) != digest:
            raise BuildError(
                "changed during the build",
                file=entry.location,
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


def packed(work: Assembly, means: Means, options: Options) -> Content:
    """Compile, store and finish all of a build."""
    with ThreadPoolExecutor(1) as beside:
        # Which files go on disk is needed at the end only: found out while code is compiled
        rules()  # read here: a thread that imports waits for ever if our caller is an import
        units = [
            beside.submit(_units, number, each, options.place, means.cache)
            for number, each in enumerate(means.analysers)
        ]
        try:
            with Ahead(work.encode, work.kept(), work.is_kept) as ahead:
                for python, compiler in means.compilers.items():
                    work.compile(python, compiler)
                work.units = [each.result() for each in units]
                work.store(ahead)
            with flushing(work.aside):
                return work.finish([*means.compilers.values()])
        finally:
            work.writer.close()


def _weight(compiled: Compiled) -> int:
    return max((code.raw for code in compiled.codes), default=0)


def _units(
    number: int, analyser: Analyser, chosen: Mapping[str, str] | None, cache: Cache
) -> list[PlacedUnit]:
    """Return what a tree's packages need on disk; `number` is the tree's."""
    if chosen is None:
        return []
    seen = evidence(analyser, cache, f"evidence {number}")
    return placed_units(analyser.ground, decided(seen, chosen))
