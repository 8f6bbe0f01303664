"""Whether a bundle is what was built: every listing, every reference, every byte.

Nothing is unmarshalled or executed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from operator import lt

from litebundle.format import names
from litebundle.format.encode import SHARD, shards_of
from litebundle.format.listing import (
    ENCODING_NONE,
    INDEX_MAGIC,
    MOST_JOINED,
    PACKAGE,
    SOURCE,
    Listing,
    Ref,
    ShardedListing,
    decode_ref,
    misplaced,
)
from litebundle.format.manifest import JOINED, joined, variants
from litebundle.inspect.contents import DAMAGED, Contents
from litebundle.inspect.finding import Finding
from litebundle.inspect.structure import contradictions
from litebundle.runtime.archive import Archive
from litebundle.runtime.containers import LISTINGS
from litebundle.runtime.startup import split
from litebundle.write.content import (
    DIRECTORY,
    PLACEMENT,
    Blob,
    Directory,
    File,
    Module,
    Placement,
    Root,
    identity,
)
from litebundle.write.joined import encode_joined

_LEVELS = 3  # of optimization


def problems(archive: Archive) -> Iterator[Finding]:
    """Yield every fault of a bundle; none means that it is sound.

    That a blob is found by its number but not at its offset counts as one: an importing process
    would find its way, but a fresh bundle has no business being slow.
    """
    check = Check(archive)
    yield from check.run()
    if check.moved:
        yield Finding(
            where="index",
            what="blobs are not at the offsets of their references",
            found=check.moved,
        )


class Check(Contents):
    """One pass over a bundle; `run` fills the other attributes.

    `roots` is the content as found, `listings` what each is by its number; `placements`, and the
    modules (`units`) that each is of, are by the number of their listing. `complete` tells whether
    every listing could be read, whatever else is wrong.
    """

    def __init__(self, archive: Archive) -> None:
        super().__init__(archive)
        self.roots: list[Root] = []
        self.listings: dict[int, tuple[int, str, str]] = {}
        self.complete = True
        self._joined: dict[int, list[int]] = {}  # the code in streams, by their identifiers
        self._compared: set[int] = set()
        self._taken: Counter[int] = Counter()  # how often code was found in streams
        self._variants = [str(variant) for variant in variants(archive.manifest)]
        self._names: list[str] = []  # of the columns of the root at hand
        self.placements: dict[int, Placement] = {}
        self.units: dict[int, set[str]] = {}

    def run(self) -> list[Finding]:
        """Return every fault."""
        try:
            self._check()
        except ValueError as error:
            self.complete = False
            self._tell("index", str(error))
        return self._found

    def codes(self) -> Iterator[tuple[str, int, Blob]]:
        """Yield what `codes` yields, of all roots."""
        for root in self.roots:
            yield from codes(root)

    def hidden(self) -> set[str]:
        """Return the sources that a package of their name hides: no listing has their code."""
        return {
            f"{directory.path}/{name}.py".lstrip("/")
            for root in self.roots
            for directory in root.directories.values()
            for name, module in directory.modules.items()
            if module.flags & PACKAGE and module.flags & SOURCE
        }

    def _check(self) -> None:
        for found in self.archive.roots:
            self._names = [self._variants[number] for number in found.columns]
            root = Root(directories={}, columns=tuple(found.columns))
            self.roots.append(root)
            self._walk(found.ref, root)
            if self.complete:
                self._found += contradictions(root.directories)
        self._check_joined()
        if not self._found:
            self._compare_identity()

    def _walk(self, ref: Ref | None, root: Root) -> None:
        pending = [("", ref)]
        while pending:
            path, ref = pending.pop()
            inside = f"{path}/" if path else ""
            for listing in self._directory_listings(ref, path):
                self._claims.directory(path, listing)
                self._check_names(path, listing)
                self._enter(root.directories, path, listing)
                pending += [
                    (inside + name, listing.directory(index))
                    for name, index in listing.directories.items()
                ]

    def _directory_listings(self, ref: Ref | None, path: str) -> list[Listing]:
        """Return the listing of a directory, or those of its shards."""
        of = DIRECTORY, path
        data = self._data(ref, of)
        sharded = data is not None and data[:4] == INDEX_MAGIC
        if data is None or not sharded:
            listing = self._decoded(data, of)
            found = [] if listing is None else [listing]
        else:
            found = self._shards(data, path)
        expected = shards_of(sum(sum(listing.counts) for listing in found))
        if self.complete and expected != (len(found) if sharded else 0):
            self._tell(_what(of), "another number of shards than of so many names", expected)
        return found

    def _shards(self, data: bytes, path: str) -> list[Listing]:
        try:
            refs = ShardedListing(data, self.archive, path).shards()
        except ValueError as error:
            self._tell(_what((DIRECTORY, path)), f"damaged: {error}")
            self.complete = False
            return []
        found = []
        for number, ref in enumerate(refs):
            of = f"{SHARD}{number}", path
            listing = self._listing(ref, of)
            if listing is not None:
                found.append(listing)
                if name := misplaced(listing, number, len(refs)):
                    self._tell(_what(of), f"{name!r} is of another shard")
        return found

    def _listing(self, ref: Ref | None, of: tuple[str, str]) -> Listing | None:
        return self._decoded(self._data(ref, of), of)

    def _data(self, ref: Ref | None, of: tuple[str, str]) -> bytes | None:
        what = _what(of)
        data = None
        key = len(self.roots) - 1, *of
        if ref is None:
            self._tell(what, "missing")
        elif self.listings.setdefault(ref.identifier, key) != key:
            self._tell(what, "is another's too")
        elif ref.encoding:
            self._tell(what, "not stored as it is", ENCODING_NONE, ref.encoding)
        else:
            self._claim(ref, what)
            data = self._content(ref, LISTINGS, what)
        self.complete &= data is not None
        return data

    def _decoded(self, data: bytes | None, of: tuple[str, str]) -> Listing | None:
        if data is None:
            return None
        what = _what(of)
        try:
            listing = Listing(data)
            # Decoded when first asked for, which is here.
            _ = listing.directories, listing.placements, listing.files
        except ValueError as error:
            self.complete = False
            self._tell(what, f"damaged: {error}")
            return None
        if listing.variants == len(self._names):
            return listing
        self.complete = False
        self._tell(what, "another number of variants", len(self._names), listing.variants)
        return None

    def _check_names(self, path: str, listing: Listing) -> None:
        sections = (
            ("modules", listing.modules),
            ("directories", listing.directories),
            ("placed units", listing.placements),
            ("files", listing.files),
        )
        for (what, section), count in zip(sections, listing.counts, strict=True):
            where = f"{what} of {path!r}"
            if len(section) != count:
                self._tell(where, "a name is there twice")
            if list(section) != sorted(section):
                self._tell(where, "not sorted")
            for name in section:
                if reason := "has a slash" if "/" in name else names.problem(name):
                    self._tell(where, f"{name!r} {reason}")

    def _enter(self, found: dict[str, Directory], path: str, listing: Listing) -> None:
        """Enter what the listing, or one of its shards, tells of a directory."""
        inside = f"{path}/" if path else ""
        directory = found.setdefault(path, Directory(path=path, variants=len(self._names)))
        directory.modules |= {
            name: Module(
                flags=listing.flags(index), codes=self._codes(listing, index, inside + name)
            )
            for name, index in listing.modules.items()
        }
        directory.directories |= listing.directories.keys()
        directory.placements |= {
            name: placement
            for name, index in listing.placements.items()
            if (placement := self._placement(listing, index, inside + name))
        }
        directory.files |= {
            file.path.removeprefix(inside): file for file in self._files(listing, inside)
        }

    def _files(self, listing: Listing, inside: str) -> Iterable[File]:
        for name, index in listing.files.items():
            mode, ref = listing.file(index)
            path = inside + name
            blob = self._blob(ref, f"file {path}")
            if ref is None:
                self._tell(f"file {path}", "no content")
            if blob is not None:
                yield File(path=path, kind="", mode=mode, blob=blob)

    def _codes(self, listing: Listing, index: int, path: str) -> list[Blob | None]:
        return [
            self._blob(decode_ref(listing.code(number, index)), f"code of {path} for {variant}")
            for number, variant in enumerate(self._names)
        ]

    def _placement(self, listing: Listing, index: int, unit: str) -> Placement | None:
        level, key, ref = listing.placement(index)
        if ref is not None:
            self.units.setdefault(ref.identifier, set()).add(unit)
        # The modules of one distribution may be placed together.
        placement = self.placements.get(ref.identifier) if ref else None
        if placement is None:
            placed = self._listing(ref, (PLACEMENT, unit))
            if ref is None or placed is None:
                return None
            placement = Placement(unit=unit, level=level, files=tuple(self._files(placed, "")))
            self.placements[ref.identifier] = placement
        known = all(file.blob.digest for file in placement.files)
        if known and (placement.level, placement.key) != (level, key):
            self._tell(f"placed files of {unit}", "level or key are not theirs")
        return placement

    def _check_joined(self) -> None:
        """See that what start-up reads is the code that its modules have."""
        own: list[set[int]] = [set() for _ in self._variants]
        for _, number, code in self.codes():
            own[number].add(code.identifier)
        known = {f"{JOINED}.{number}" for number in range(len(self._variants))}
        for key in sorted(key for key in self.archive.manifest if key.startswith(f"{JOINED}.")):
            if key not in known:
                self._tell("manifest", f"{key}: no such variant")
        for number, variant in enumerate(self._variants):
            done = 0
            for last, text in joined(self.archive.manifest, number):
                what = f"joined code for {variant} up to blob {last}"
                blob = self._blob(decode_ref(bytes.fromhex(text)), what)
                if blob is not None and blob.digest != DAMAGED:
                    problem = self._joined_problem(blob, own[number], (done, last))
                    if problem is not None:
                        self._tell(what, problem)
                        return  # else one that names it a thousand times would be read as often
                done = last

    def _joined_problem(  # noqa: PLR0911  # a line for each way to be wrong
        self, blob: Blob, own: set[int], ends: tuple[int, int]
    ) -> str | None:
        """Return what is wrong with a stream of code that is among a variant's own.

        `ends` are the last identifier before it, and the last in it.
        """
        if blob.raw > MOST_JOINED:
            return "is too large"
        known = self._joined.get(blob.identifier)
        if known is None:
            data = self._known(blob)
            if int.from_bytes(data[:4], "little") > len(own):
                return "is of more modules than there are"
            known = [int.from_bytes(each, "little") for each in split(data)[0]]
            self._joined[blob.identifier] = known
        ids = [ends[0], *known]
        if not all(map(lt, ids, known)) or ids[-1] != ends[1] or not own.issuperset(known):
            return "is not of the modules that it says"
        if blob.identifier in self._compared:
            return None
        self._compared.add(blob.identifier)
        blobs = [self.blobs[number] for number in known]
        # Of the levels of an interpreter each may have the same code, and nobody else
        self._taken.update(known)
        if sum(each.raw for each in blobs) > MOST_JOINED or any(
            self._taken[number] > _LEVELS for number in known
        ):
            return "is too much to be joined"
        if any(each.digest == DAMAGED for each in blobs):
            return None  # nobody can tell any more, and that was told
        joined_code = encode_joined(known, [*map(self._known, blobs)])
        return None if self._known(blob) == joined_code else "is not what its modules have"

    def _compare_identity(self) -> None:
        found = identity(self.roots, self.archive.manifest.items())
        if found != self.archive.identity:
            self._tell("manifest", "the content has another identity", self.archive.identity, found)


def codes(root: Root) -> Iterator[tuple[str, int, Blob]]:
    """Yield all stored code of a root: the path of its source, the variant, and the blob."""
    for directory in root.directories.values():
        inside = f"{directory.path}/" if directory.path else ""
        for name, module in directory.modules.items():
            if module.flags & PACKAGE:  # told by the `__init__` of its own directory
                continue
            for variant, blob in zip(root.columns, module.codes, strict=True):
                if blob is not None:
                    yield f"{inside}{name}.py", variant, blob


def _what(of: tuple[str, str]) -> str:
    return "listing of {} {!r}".format(*of)
