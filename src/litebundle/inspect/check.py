"""Whether a bundle is what was built: every listing, every reference, every byte.

Nothing is unmarshalled or executed.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from litebundle.errors import BundleError
from litebundle.format import checksum, names
from litebundle.format.listing import Listing, Ref, decode_ref
from litebundle.format.manifest import DICTIONARY, variants
from litebundle.inspect.structure import contradictions
from litebundle.runtime.archive import Archive
from litebundle.runtime.containers import BLOBS, LISTINGS
from litebundle.write.content import Blob, Directory, File, Module, Placement, Root, identity

NOTHING: Mapping[int, Blob] = MappingProxyType({})


def problems(archive: Archive, written: Mapping[int, Blob] = NOTHING) -> Iterator[str]:
    """Yield a sentence for every fault of a bundle; none means that it is sound.

    `written` are blobs as their writer knows them. That a blob is found by its number but not at
    its offset counts as one: an importing process would find its way, but a fresh bundle has no
    business being slow.
    """
    check = Check(archive, written)
    yield from check.run()
    if check.moved:
        yield f"{check.moved} blobs are not at the offsets that their references name"


class Check:
    """One pass over a bundle; `run` fills the other attributes.

    `roots` is the content as found, `listings` their numbers, `blobs` what is referred to by
    number, `read` the bytes that went through a checksum, `moved` how many blobs and listings were
    not where their references say. What is stored as `written` says needs no decoding.
    """

    def __init__(self, archive: Archive, written: Mapping[int, Blob] = NOTHING) -> None:
        self.archive = archive
        self._written = written
        self.roots: list[Root] = []
        self.listings: dict[int, tuple[int, str, str]] = {}
        self.blobs: dict[int, Blob] = {}
        self.read = 0
        self.moved = 0
        self._variants = [str(variant) for variant in variants(archive.manifest)]
        self._names: list[str] = []  # of the columns of the root at hand
        self._base = archive.container.base
        self._refs: dict[int, tuple[object, ...]] = {}
        self._placements: dict[int, Placement] = {}
        self._found: list[str] = []

    def run(self) -> list[str]:
        """Return a sentence for every fault."""
        if not self._has_dictionary():
            return self._found
        for found in self.archive.roots:
            self._names = [self._variants[number] for number in found.columns]
            root = Root(directories={}, columns=tuple(found.columns))
            self.roots.append(root)
            self._walk(found.ref, root)
            self._found += contradictions(root.directories)
        if not self._found:
            self._compare_identity()
        return self._found

    def _has_dictionary(self) -> bool:
        """Tell whether what zstd needs is there, or no need; without, nothing could be told."""
        text = self.archive.manifest.get(DICTIONARY)
        if text is None:
            return True
        try:
            ref = decode_ref(bytes.fromhex(text))
        except ValueError as error:
            self._found.append(f"the dictionary's reference is damaged: {error}")
            return False
        return ref is None or self._content(ref, BLOBS, "the dictionary") is not None

    def _walk(self, ref: Ref | None, root: Root) -> None:
        pending = [("", ref)]
        while pending:
            path, ref = pending.pop()
            listing = self._listing(ref, ("directory", path))
            if listing is None:
                continue
            self._check_names(path, listing)
            root.directories[path] = self._directory(path, listing)
            inside = f"{path}/" if path else ""
            pending += [
                (inside + name, listing.directory(index))
                for name, index in listing.directories.items()
            ]

    def _listing(self, ref: Ref | None, of: tuple[str, str]) -> Listing | None:
        what = "listing of {} {!r}".format(*of)
        if ref is None:
            self._found.append(f"{what} is missing")
            return None
        key = len(self.roots) - 1, *of
        if self.listings.setdefault(ref.identifier, key) != key:
            self._found.append(f"{what} is another's too")
            return None
        data = self._content(ref, LISTINGS, what)
        if data is None:
            return None
        try:
            listing = Listing(data)
            # Decoded when first asked for, which is here.
            _ = listing.directories, listing.placements, listing.files
        except ValueError as error:
            self._found.append(f"{what} is damaged: {error}")
            return None
        if listing.variants != len(self._names):
            self._found.append(f"{what} has {listing.variants} variants, not {len(self._names)}")
            return None
        return listing

    def _check_names(self, path: str, listing: Listing) -> None:
        sections = (
            ("modules", listing.modules),
            ("directories", listing.directories),
            ("placed units", listing.placements),
            ("files", listing.files),
        )
        for (what, section), count in zip(sections, listing.counts, strict=True):
            if len(section) != count:
                self._found.append(f"the {what} of {path!r} have a name twice")
            if list(section) != sorted(section):
                self._found.append(f"the {what} of {path!r} are not sorted")
            self._found += [
                f"{what} of {path!r}: {name!r} {reason}"
                for name in section
                if (reason := "has a slash" if "/" in name else names.problem(name))
            ]

    def _directory(self, path: str, listing: Listing) -> Directory:
        inside = f"{path}/" if path else ""
        files = self._files(listing, inside)
        return Directory(
            path=path,
            variants=len(self._names),
            modules={
                name: Module(
                    flags=listing.flags(index), codes=self._codes(listing, index, inside + name)
                )
                for name, index in listing.modules.items()
            },
            directories=set(listing.directories),
            placements={
                name: placement
                for name, index in listing.placements.items()
                if (placement := self._placement(listing, index, inside + name))
            },
            files={file.path.removeprefix(inside): file for file in files},
        )

    def _files(self, listing: Listing, inside: str) -> Iterable[File]:
        for name, index in listing.files.items():
            mode, ref = listing.file(index)
            path = inside + name
            blob = self._blob(ref, f"file {path}")
            if ref is None:
                self._found.append(f"file {path} has no content")
            if blob is not None:
                yield File(path=path, kind="", mode=mode, blob=blob)

    def _codes(self, listing: Listing, index: int, path: str) -> list[Blob | None]:
        return [
            self._blob(decode_ref(listing.code(number, index)), f"code of {path} for {variant}")
            for number, variant in enumerate(self._names)
        ]

    def _placement(self, listing: Listing, index: int, unit: str) -> Placement | None:
        level, key, ref = listing.placement(index)
        # The modules of one distribution may be placed together.
        placement = self._placements.get(ref.identifier) if ref else None
        if placement is None:
            placed = self._listing(ref, ("placement", unit))
            if ref is None or placed is None:
                return None
            placement = Placement(unit=unit, level=level, files=tuple(self._files(placed, "")))
            self._placements[ref.identifier] = placement
        if (placement.level, placement.key) != (level, key):
            self._found.append(f"level or key of the placed files of {unit} are not theirs")
        return placement

    def _blob(self, ref: Ref | None, what: str) -> Blob | None:
        """Return what a reference leads to, read and checked at the first of equal references."""
        if ref is None:
            return None
        known = self._refs.setdefault(ref.identifier, _fields(ref))
        blob = self.blobs.get(ref.identifier)
        if known != _fields(ref):
            self._found.append(f"{what}: another reference to blob {ref.identifier} differs")
            return None
        if blob is not None:
            return blob
        blob = self._as_written(ref)
        if blob is not None:
            self.blobs[ref.identifier] = blob
            return blob
        data = self._content(ref, BLOBS, what)
        if data is None:
            return None
        blob = Blob(
            identifier=ref.identifier,
            stored=ref.stored,
            raw=ref.raw,
            encoding=ref.encoding,
            checksum=ref.checksum,
            digest=hashlib.sha256(data).digest(),
        )
        self.blobs[ref.identifier] = blob
        return blob

    def _as_written(self, ref: Ref) -> Blob | None:
        blob = self._written.get(ref.identifier)
        if blob is None or blob.seal is None or blob.ref(ref.offset, ref.local) != ref.encode():
            return None
        data = self._hinted(ref, decoded=False)
        if data is None or checksum(data) != blob.seal:
            return None
        self.read += ref.raw
        return blob

    def _content(self, ref: Ref, table: str, what: str) -> bytes | None:
        data = self._hinted(ref, decoded=True)
        if data is None or checksum(data) != ref.checksum:
            try:
                data = self.archive.container.find(table, ref, self.archive.unpack)
            except BundleError as error:
                error.file = error.build = None  # whoever asked knows which file it is about
                self._found.append(f"{what}: {error.cause}")
                return None
            except ValueError as error:
                self._found.append(f"{what}: {error}")
                return None
            if checksum(data) != ref.checksum:
                where = f" at byte {self._base + ref.offset}" if ref.offset else ""
                self._found.append(f"{what}: checksum mismatch{where}")
                return None
            self.moved += ref.offset != 0
        self.read += len(data)
        if len(data) == ref.raw:
            return data
        self._found.append(f"{what} has {len(data)} bytes, its reference says {ref.raw}")
        return None

    def _hinted(self, ref: Ref, *, decoded: bool) -> bytes | None:
        """Return what stands at a reference's offset, None if it can be no such blob."""
        if not ref.offset:
            return None
        try:
            data = self.archive.container.stored(ref)
            return self.archive.unpack(data, ref) if decoded else data
        except ValueError:
            return None

    def _compare_identity(self) -> None:
        said = [
            (key, value)
            for key, value in self.archive.manifest.items()
            if key.startswith(("variant.", "target."))
        ]
        found = identity(self.roots, said)
        if found != self.archive.identity:
            self._found.append(
                f"the content has another identity than the manifest says: "
                f"{found}, not {self.archive.identity}"
            )


def _fields(ref: Ref) -> tuple[object, ...]:
    return ref.offset, ref.stored, ref.raw, ref.encoding, ref.checksum
