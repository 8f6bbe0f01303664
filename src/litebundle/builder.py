"""Sources to a bundle: collect, compile, write, check, put in place."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from litebundle import __version__
from litebundle.collect.distributions import distributions, scripts, unmet
from litebundle.collect.inputs import Inputs, gathered
from litebundle.collect.overlay import merged
from litebundle.collect.tree import Conflict, Entry, Kind, Skipped, Tree
from litebundle.compile.pool import Pool
from litebundle.compile.target import Target
from litebundle.errors import BuildError
from litebundle.format import VERSION
from litebundle.format.manifest import Variant
from litebundle.inspect.check import problems
from litebundle.place.analyser import Analyser
from litebundle.place.decide import Decision, check_chosen, decided
from litebundle.place.units import PlacedUnit, placed_units
from litebundle.runtime.archive import open_archive
from litebundle.write.ahead import Ahead
from litebundle.write.atomic import check_output, replacing
from litebundle.write.content import Blob, Content, File, Placement, identity
from litebundle.write.encoding import Encoded, plain
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
    `inputs` what else goes in, and what does not; `place` how much of a package is put on disk
    ("code", "data", "all" by its dotted name), which else the analyser decides.
    """

    container: Literal["sqlite", "zip"] = "sqlite"
    optimize: tuple[int, ...] = (0,)
    sources: bool = True
    strict: bool = False
    overlay: bool = False
    jobs: int | None = None
    inputs: Inputs = field(default_factory=Inputs)
    place: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncompiled:
    """A Python file that this interpreter cannot compile, kept as source; and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A package whose files go to the disk when it is imported: its level, and one reason why.

    `files` is their number, those of the packages that are placed together with it among them.
    """

    package: str
    level: str
    why: str
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was built: every file of the sources is in `counts` (by kind) or in `skipped`.

    `size` is the bundle's in bytes, `modules` how many have stored code, `stripped` how many
    sources were left out, `placed` the packages
    whose files go to the disk when they are imported, `seconds` how long it took.
    """

    output: Path
    container: str
    identity: str
    size: int
    counts: dict[str, int]
    modules: int
    stripped: int
    placed: tuple[Placed, ...]
    uncompiled: tuple[Uncompiled, ...]
    skipped: tuple[Skipped, ...]
    conflicts: tuple[Conflict, ...]
    warnings: tuple[str, ...]
    seconds: float


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
    with gathered(sources, options.inputs, output=output) as found:
        tree = merged(found.layers, overlay=options.overlay)
        _refuse_unfit(tree, options.container)
        with (
            Pool(found.python, optimize=options.optimize, jobs=options.jobs) as pool,
            replacing(output, lambda path: _read_back(path, work.written)) as aside,
        ):
            work = _Build(tree, options, pool.target, aside, progress)
            try:
                with Ahead(work.encode, work.kept()) as ahead:
                    work.compile(pool)
                    work.decide()
                    work.store(ahead)
                content = work.finish()
            finally:
                work.writer.close()
        needs = unmet(tree, found.environment.markers) if found.environment else ()
        warnings = (*tree.warnings, *needs)
    return Report(
        output=output,
        container=options.container,
        identity=dict(content.manifest)["identity"],
        size=output.stat().st_size,
        counts=dict(Counter(entry.kind.value for entry in tree.entries)),
        modules=work.compiled,
        stripped=len(tree.entries) - work.stored,
        placed=tuple(work.placed),
        uncompiled=tuple(work.uncompiled),
        skipped=tree.skipped,
        conflicts=tree.conflicts,
        warnings=warnings,
        seconds=time.monotonic() - started,
    )


class _Build:
    """One build underway: what has been stored so far, and the writer that stored it."""

    def __init__(
        self,
        tree: Tree,
        options: Options,
        target: Target,
        aside: Path,
        progress: Progress | None,
    ) -> None:
        self._tree = tree
        self._options = options
        self._progress = progress
        self._variants = [
            Variant(target.implementation, target.cache_tag, target.magic, level)
            for level in target.optimize
        ]
        self._directories = directories(tree, len(self._variants))
        self._digests: dict[str, bytes] = {}
        self._blobs: dict[str, Blob] = {}
        self._total = len(tree.entries) + sum(e.kind is Kind.SOURCE for e in tree.entries)
        self._done = 0
        self.written: dict[int, Blob] = {}
        self.compiled = 0
        self.stored = 0
        self.uncompiled: list[Uncompiled] = []
        self.placed: list[Placed] = []
        self._units: list[PlacedUnit] = []
        self._analyser = Analyser(tree, tuple(map(int, target.version.split("."))))
        check_chosen(options.place, self._analyser.ground)
        self.writer: SqliteWriter | ZipWriter
        if options.container == "zip":
            self.writer = ZipWriter(aside, self._variants, {e.path for e in tree.entries})
        else:
            self.writer = SqliteWriter(aside, expected=sum(e.size for e in tree.entries))

    def kept(self) -> Sequence[Entry]:
        """Return the files that are stored as such whatever compiling them says."""
        if self._options.sources:
            return self._tree.entries
        return [e for e in self._tree.entries if e.kind is not Kind.SOURCE]

    def encode(self, entry: Entry) -> Encoded:
        """Return a file as the writer stores it."""
        content = entry.packed()
        return self.writer.encode(content.raw, content.deflated)

    def compile(self, pool: Pool) -> None:
        """Store the code of every module: all code first, so that it stands together."""
        for result in pool.compile(e for e in self._tree.entries if e.kind is Kind.SOURCE):
            self._tell(result.path)
            self._digests[result.path] = hashlib.sha256(result.source).digest()
            self._analyser.see(result.path, result.source)
            if result.error is not None:
                self.uncompiled.append(Uncompiled(path=result.path, reason=result.error))
                continue
            module = result.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            blobs = [
                self.writer.code(module, result.path, variant, plain(code))
                for variant, code in enumerate(result.codes)
            ]
            self.written.update((blob.identifier, blob) for blob in blobs)
            add_code(self._directories, result.path, blobs)
            self.compiled += 1
        if self._options.strict and self.uncompiled:
            raise BuildError(
                f"{len(self.uncompiled)} files do not compile",
                problems=tuple(f"{u.path}: {u.reason}" for u in self.uncompiled),
                hint="mend or remove them, or build without --strict to keep them as source",
            )

    def decide(self) -> None:
        """Settle which packages have which of their files put on disk."""
        decisions = decided(self._analyser, self._options.place)
        self._units = placed_units(self._analyser.ground, decisions)
        self.placed = [
            _placed(decisions[path], unit) for unit in self._units for path in unit.modules
        ]

    def store(self, files: Iterable[tuple[Entry, Encoded]]) -> None:
        """Store sources and data, in the order given."""
        for entry, encoded in files:
            self._store(entry, encoded)
        # A source that does not compile is kept all the same: it is all there is of the module.
        left = {uncompiled.path for uncompiled in self.uncompiled}
        # Nor is a package of any use that is to have its sources on disk, and has none.
        left.update(entry.path for unit in self._units for entry in unit.entries)
        left -= self._blobs.keys()
        for entry in self._tree.entries:
            if entry.path in left:
                self._store(entry, self.encode(entry))

    def finish(self) -> Content:
        """Write index and manifest; return what the bundle holds."""
        for unit in self._units:
            files = tuple(self._file(entry) for entry in unit.entries)
            placement = Placement(unit=unit.modules[0], level=int(unit.level), files=files)
            for path in unit.modules:
                directory, _, name = path.rpartition("/")
                self._directories[directory].place(name, placement)
        variants = [(f"variant.{n}", v.text) for n, v in enumerate(self._variants)]
        manifest = [
            ("format", str(VERSION)),
            ("builder", f"litebundle {__version__}"),
            ("identity", identity(self._directories.values(), variants)),
            *variants,
            *((f"script.{name}", place) for name, place in sorted(scripts(self._tree).items())),
        ]
        content = Content(
            directories=self._directories, variants=len(self._variants), manifest=manifest
        )
        self.writer.finish(content, distributions(self._tree))
        return content

    def _store(self, entry: Entry, encoded: Encoded) -> None:
        self._tell(entry.path)
        self.stored += 1
        if self._digests.get(entry.path, encoded.digest) != encoded.digest:
            raise BuildError(
                "changed during the build",
                file=str(entry.location),
                hint="build again while nothing writes to the sources",
            )
        blob = self.writer.file(entry.path, encoded, entry.mode)
        self.written[blob.identifier] = blob
        self._blobs[entry.path] = blob
        directory, _, name = entry.path.rpartition("/")
        self._directories[directory].files[name] = self._file(entry)

    def _file(self, entry: Entry) -> File:
        return File(
            path=entry.path, kind=entry.kind.value, mode=entry.mode, blob=self._blobs[entry.path]
        )

    def _tell(self, path: str) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total, path)


def _placed(decision: Decision, unit: PlacedUnit) -> Placed:
    why = decision.reasons[0]
    if unit.level is not decision.level:
        why += "; and what is kept together has one level"
    files = len(unit.entries)
    return Placed(package=decision.package, level=str(unit.level), why=why, files=files)


def _refuse_unfit(tree: Tree, container: str) -> None:
    limit = _LARGEST[container]
    large = [f"{e.path}: {e.size:,} bytes" for e in tree.entries if e.size > limit]
    if large:
        raise BuildError(
            f"a file in a {container} bundle has at most {limit:,} bytes",
            problems=tuple(large),
            hint="ship the data beside the bundle",
        )
    reserved = [e.path for e in tree.entries if e.path.partition("/")[0] == ".litebundle"]
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
