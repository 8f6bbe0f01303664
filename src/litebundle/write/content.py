"""What a writer is given: the content of a bundle, independent of the container it goes into."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from litebundle.format.encode import (
    SHARD,
    encode_index,
    encode_listing,
    index_size,
    listing_size,
    shards_of,
)
from litebundle.format.listing import EMPTY_REF, PLACED, Ref, shard_of
from litebundle.format.manifest import JOINED, columns_text, joined_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Bytes that a writer has stored; `stored` and `raw` are sizes in bytes, `digest` SHA-256.

    `seal` is the checksum over the bytes as stored, if the writer that made them knows it.
    """

    identifier: int
    stored: int
    raw: int
    encoding: int
    checksum: bytes
    digest: bytes
    seal: bytes | None = None

    def ref(self, offset: int, local: int = 0) -> bytes:
        """Return the encoded reference to the blob; `offset` and `local` as in `Ref`."""
        return Ref(
            identifier=self.identifier,
            at=(offset, local),
            sizes=(self.stored, self.raw),
            encoding=self.encoding,
            checksum=self.checksum,
        ).encode()


@dataclass(slots=True, kw_only=True)
class Module:
    """A module name of a directory: `flags` as in format/listing.py, code for each variant."""

    flags: int
    codes: list[Blob | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a directory, by its path in the bundle."""

    path: str
    kind: str
    mode: int
    blob: Blob


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A unit whose `files` are put on disk, keyed by a digest over all of them.

    `unit` is the path of its first module; several modules may share a placement.
    """

    unit: str
    level: int
    files: tuple[File, ...]

    @property
    def key(self) -> bytes:
        """SHA-256 over paths, modes and contents: what stands on disk for it."""
        lines = (f"{file.mode:o} {file.blob.digest.hex()} {file.path}\0" for file in self.files)
        return hashlib.sha256("".join(lines).encode()).digest()


@dataclass(slots=True, kw_only=True)
class Directory:
    """One directory of the bundle; `path` is "" for the top. Names are keys, without the path."""

    path: str
    variants: int
    modules: dict[str, Module] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)
    placements: dict[str, Placement] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)

    def shards(self) -> "list[Directory]":
        """Return the parts of it that have listings of their own, none if it has one itself."""
        sections = self.modules, self.directories, self.placements, self.files
        count = shards_of(sum(map(len, sections)))
        found = [Directory(path=self.path, variants=self.variants) for _ in range(count)]
        if found:
            for name, module in self.modules.items():
                found[shard_of(name, count)].modules[name] = module
            for name in self.directories:
                found[shard_of(name, count)].directories.add(name)
            for name, placement in self.placements.items():
                found[shard_of(name, count)].placements[name] = placement
            for name, file in self.files.items():
                found[shard_of(name, count)].files[name] = file
        return found

    def module(self, name: str) -> Module:
        """Return the module of that name, entered if it was not yet."""
        return self.modules.setdefault(name, Module(flags=0, codes=[None] * self.variants))

    def place(self, name: str, placement: Placement) -> None:
        """Have the files of the module put on disk before it is imported."""
        self.module(name).flags |= PLACED
        self.placements[name] = placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """One tree of a bundle: its directories by path, and which variants their columns are."""

    directories: dict[str, Directory]
    columns: tuple[int, ...]

    def bottom_up(self) -> Iterator[Directory]:
        """Yield every directory after those inside it."""
        yield from sorted(
            self.directories.values(), key=lambda d: (-d.path.count("/"), d.path == "", d.path)
        )

    def placements(self) -> Iterator[Placement]:
        """Yield every placement once, by the name of its unit."""
        found = {p.unit: p for d in self.directories.values() for p in d.placements.values()}
        return iter([found[unit] for unit in sorted(found)])

    def files(self) -> Iterator[File]:
        """Yield every file, by its path."""
        everything = (f for d in self.directories.values() for f in d.files.values())
        return iter(sorted(everything, key=lambda file: file.path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The whole bundle, ready to be finished: `manifest` lacks what the writer adds (the roots).

    Start-up reads the files of `run`, which were stored one after the other, and the
    listings of the directories `first`; `joined` are the streams of code that it reads, by variant.
    """

    roots: tuple[Root, ...]
    manifest: list[tuple[str, str]]
    run: tuple[Blob, ...] = ()
    first: tuple[str, ...] = ()
    joined: Mapping[int, Sequence[tuple[int, Blob]]] = field(default_factory=dict)

    def joined_pairs(self, ref: Callable[[Blob], bytes]) -> list[tuple[str, str]]:
        """Return what the manifest says of the joined streams, given where blobs are."""
        return [
            (f"{JOINED}.{variant}", joined_text((last, ref(blob)) for last, blob in streams))
            for variant, streams in sorted(self.joined.items())
        ]

    def placements(self) -> list[Placement]:
        """Return every placement once, by the name of its unit."""
        found = {(p.unit, p.key): p for root in self.roots for p in root.placements()}
        return [found[key] for key in sorted(found)]

    def files(self) -> list[File]:
        """Return every file once, by its path, those of the first root first."""
        found: dict[tuple[str, str, int, int], File] = {}
        for root in self.roots:
            for file in root.files():
                found.setdefault((file.path, file.kind, file.mode, file.blob.identifier), file)
        return sorted(found.values(), key=lambda file: file.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Encoded references, as far as a writer knows by now where things stand."""

    blob: Callable[[Blob], bytes]
    listing: Callable[[str, str], bytes]  # by kind and path


DIRECTORY, PLACEMENT = "directory", "placement"
"""Kinds of listings, besides that of shards; their paths are those of directories and units."""


def listings(
    root: Root, at: Addresses, last: Sequence[str] = ()
) -> Iterator[tuple[str, str, bytes]]:
    """Yield kind, path and bytes of a root's listings, each after those that it refers to.

    The directories `last`, which none may be below that is not among them, come at the end, in
    that order.
    """
    rank = {path: number for number, path in enumerate(last, 1)}
    variants = len(root.columns)
    for placement in root.placements():
        yield PLACEMENT, placement.unit, _placement_listing(placement, variants, at)
    for directory in sorted(root.bottom_up(), key=lambda each: rank.get(each.path, 0)):
        yield from _directory_listings(directory, variants, at)


def sizes(root: Root) -> Iterator[tuple[str, str, int]]:
    """Yield kind, path and size in bytes of what `listings` yields, from the top down."""
    for directory in [*root.bottom_up()][::-1]:
        shards = directory.shards()
        size = index_size(len(shards)) if shards else _directory_size(directory)
        yield DIRECTORY, directory.path, size
        for number, shard in enumerate(shards):
            yield f"{SHARD}{number}", directory.path, _directory_size(shard)
    variants = len(root.columns)
    for placement in root.placements():
        paths = [file.path for file in placement.files]
        yield PLACEMENT, placement.unit, listing_size(variants, (), (), (), paths)


def _directory_size(directory: Directory) -> int:
    d = directory
    return listing_size(d.variants, d.modules, d.directories, d.placements, d.files)


def _directory_listings(
    directory: Directory, variants: int, at: Addresses
) -> Iterator[tuple[str, str, bytes]]:
    path = directory.path
    shards = directory.shards()
    for number, shard in enumerate(shards):
        yield f"{SHARD}{number}", path, _directory_listing(shard, variants, at)
    if shards:
        refs = [at.listing(f"{SHARD}{number}", path) for number in range(len(shards))]
        yield DIRECTORY, path, encode_index(variants, refs)
    else:
        yield DIRECTORY, path, _directory_listing(directory, variants, at)


def _directory_listing(directory: Directory, variants: int, at: Addresses) -> bytes:
    inside = f"{directory.path}/" if directory.path else ""
    return encode_listing(
        variants,
        {
            name: (module.flags, [at.blob(code) if code else EMPTY_REF for code in module.codes])
            for name, module in directory.modules.items()
        },
        {name: at.listing(DIRECTORY, inside + name) for name in directory.directories},
        {
            name: (placement.level, placement.key, at.listing(PLACEMENT, placement.unit))
            for name, placement in directory.placements.items()
        },
        {name: (file.mode, at.blob(file.blob)) for name, file in directory.files.items()},
    )


def _placement_listing(placement: Placement, variants: int, at: Addresses) -> bytes:
    # Its names are paths in the bundle
    files = {file.path: (file.mode, at.blob(file.blob)) for file in placement.files}
    return encode_listing(variants, {}, {}, {}, files)


_LOGICAL = ("variant.", "target.", "script.", "main")  # keys of the manifest


def identity(roots: Iterable[Root], manifest: Iterable[tuple[str, str]]) -> str:
    """Return the digest (SHA-256, hexadecimal) over the logical content.

    Addresses, encodings and the container do not count: the same content in a database and in a
    zip, or compressed by another zlib, has the same identity (FORMAT.md, "Identity").
    """
    digest = hashlib.sha256()

    def add(lines: Iterable[str]) -> None:
        digest.update("".join([f"{line}\n" for line in lines]).encode())

    add("\0".join(("manifest", *each)) for each in manifest if each[0].startswith(_LOGICAL))
    for number, root in enumerate(roots):
        add([f"root\0{number}\0{columns_text(root.columns)}"])
        for directory in sorted(root.directories.values(), key=lambda d: d.path):
            add(_lines(directory))
    return digest.hexdigest()


def _lines(directory: Directory) -> Iterator[str]:
    """Yield what the identity has of a directory, line by line: fields that NULs part."""
    yield f"directory\0{directory.path}"
    for name, module in sorted(directory.modules.items()):
        codes = "".join([f"\0{code.digest.hex() if code else '-'}" for code in module.codes])
        yield f"module\0{name}\0{module.flags}{codes}"
    for name, file in sorted(directory.files.items()):
        yield f"file\0{name}\0{file.mode}\0{file.blob.digest.hex()}"
    for name, placement in sorted(directory.placements.items()):
        yield f"placement\0{name}\0{placement.level}\0{placement.key.hex()}"
