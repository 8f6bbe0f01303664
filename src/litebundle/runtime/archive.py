"""An open bundle: its manifest, its directories' listings and its blobs, each checked when read."""

import sys
from _frozen_importlib_external import MAGIC_NUMBER
from _imp import source_hash

from ..errors import BundleCorrupt, BundleError, BundleIOError, BundleVersionError
from ..format import CHECKSUM_KEY, PIECE, VERSION, checksum
from ..format.listing import (
    ENCODING_PART,
    ENCODING_ZSTD,
    INDEX_MAGIC,
    Listing,
    Ref,
    ShardedListing,
    decode_ref,
)
from ..format.manifest import JOINED, STARTUP, Variant, roots, startup, targets, variants
from .containers import BLOBS, LISTINGS, decode, open_container
from .descriptor import Descriptor, pread
from .target import fits_platform, fitting_target, nearest_target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from .containers import SqliteContainer
    from .groups import Groups
    from .startup import Joined
    from .zipfile import ZipContainer

_REBUILD = "copy the file again, or build it again"


class Archive:
    """A bundle that stays open: one descriptor, no lock, all state immutable or replaced whole.

    `stamp` is that of the file as it was opened (see `descriptor.stamp`), `identity` the digest of
    the logical content. Of the bundle's roots it serves one: `target` is whom that is for, None if
    none of the `targets` is the running interpreter; `variants` are its columns of code, `variant`
    that for this interpreter, None if there is none; `native` tells whether extension modules of
    it run on this platform; `joined` are the streams that have code of the variant together.
    """

    signed = False

    __slots__ = (
        "_base",
        "_container",
        "_descriptor",
        "_fd",
        "_groups",
        "_listings",
        "_most",
        "identity",
        "joined",
        "manifest",
        "native",
        "path",
        "root",
        "roots",
        "target",
        "targets",
        "variant",
        "variants",
    )

    def __init__(
        self,
        descriptor: Descriptor,
        container: "SqliteContainer | ZipContainer",
        root: int | None = None,
    ) -> None:
        self.path = descriptor.path
        self._use(descriptor, container)
        try:
            self.manifest = container.manifest()
            self._check_version()
            self._authenticate()
            self._read_ahead()
            self.identity = self.manifest["identity"]
            self.targets = targets(self.manifest)
            self.roots = roots(self.manifest)
            self.target = fitting_target(self.targets)
            chosen = self.target or nearest_target(self.targets)
            if chosen is None or max(t.root for t in self.targets) >= len(self.roots):
                raise ValueError("nobody whom it is for, or with a root that is not there")
            self.root = chosen.root if root is None else root
            stored = variants(self.manifest)
            columns = [[stored[number] for number in found.columns] for found in self.roots]
            self.variants = columns[self.root]
            self.variant = fitting(self.variants)
            self.joined = self._joined()
        except (LookupError, ValueError) as error:
            raise BundleCorrupt(
                f"damaged manifest: {error}", file=self.path, hint=_REBUILD
            ) from error
        self.native = self.target is not None or fits_platform(chosen.platform)
        self._listings = {"": self.directory(self.roots[self.root].ref, "")}

    def at(self, root: int) -> "Archive":
        """Return the archive serving another of its roots, for those who inspect it."""
        return Archive(self._descriptor, self._container, root)

    def _use(self, descriptor: Descriptor, container: "SqliteContainer | ZipContainer") -> None:
        self._descriptor = descriptor
        self._container = container
        self._base = container.base
        self._fd = descriptor.fd
        self._most = min(descriptor.size, PIECE)
        self._groups: Groups | None = None  # what blobs are parts of, once one is a part

    def _read_ahead(self) -> None:
        if STARTUP in self.manifest:
            from .startup import runs

            numbers = startup(self.manifest)
            self._descriptor.ahead = runs(numbers, self._base, self._descriptor.size)

    def _joined(self) -> "Joined | None":
        if self.variant is None:
            return None
        number = self.roots[self.root].columns[self.variant]
        if f"{JOINED}.{number}" not in self.manifest:
            return None
        from .startup import Joined

        return Joined(self.manifest, number)

    def __repr__(self) -> str:
        return f"<Archive {self.path!r}, build {self.identity[:12]}>"

    @property
    def stamp(self) -> tuple[int, int, int, int]:
        """What told this file from others when it was opened."""
        return self._descriptor.stamp

    @property
    def descriptor(self) -> Descriptor:
        """The open file, for those who inspect it."""
        return self._descriptor

    @property
    def container(self) -> "SqliteContainer | ZipContainer":
        """The container behind the archive, for those who inspect it."""
        return self._container

    def _check_version(self) -> None:
        found = self.manifest["format"]
        if found != str(VERSION):
            raise BundleVersionError(
                "the bundle is of another format",
                file=self.path,
                expected=f"format {VERSION}",
                found=f"format {found}",
                hint="use the litebundle that built it, or build it again with this one",
            )

    def _authenticate(self) -> None:
        """See that the manifest is what a trusted key has signed, where one is configured."""

    def code(self, ref: bytes) -> bytes:
        """Return the code bytes of an encoded reference, which must not be EMPTY_REF.

        This is the whole of what a module costs: one read, one checksum. Everything that can go
        wrong, or is not in one piece, is left to `blob`.
        """
        offset = int.from_bytes(ref[:8], "little")
        size = int.from_bytes(ref[12:16], "little")
        if offset and size <= self._most and ref[20:24] == b"\0\0\0\0":
            try:
                if self._descriptor.ahead:
                    data = self._descriptor.read(self._base + offset, size)
                else:
                    data = pread(self._fd, size, self._base + offset)
            except (BundleIOError, OSError, OverflowError):
                pass
            else:
                if self._is_code(ref, data):
                    return data
        found = decode_ref(ref)
        if found is None:  # not EMPTY_REF, and yet it refers to nothing
            raise BundleCorrupt("a reference to no code", file=self.path, hint=_REBUILD)
        return self.blob(found)

    def _is_code(self, ref: bytes, data: bytes) -> bool:
        return source_hash(CHECKSUM_KEY, data) == ref[24:]

    def blob(self, ref: Ref, table: str = BLOBS) -> bytes:
        """Return the checked raw bytes of a blob.

        Raises BundleCorrupt if no way leads to the bytes that were built, BundleIOError if the
        system refuses to read them; nothing is remembered of it, so that a retry may succeed.
        """
        try:
            if ref.offset:
                data = self.unpack(self._container.stored(ref), ref)
                if Archive.holds(self, ref, data):
                    return data
                self._groups = None  # one that is kept may be what is wrong: read it again
        except (BundleIOError, ValueError):
            pass  # the hint is old (VACUUM, zip -u), or the number means another file by now
        self._recover()
        try:
            data = self._container.find(table, ref, self.unpack)
        except BundleCorrupt as error:  # of the container's structure: it knows no reason
            raise self._damage(ref, error.message) from error
        except ValueError as error:
            raise self._damage(ref, str(error)) from error
        if not Archive.holds(self, ref, data):
            raise self._damage(ref, "checksum mismatch", checksum(data))
        return data

    def holds(self, ref: Ref, data: bytes) -> bool:
        """Tell whether these are the raw bytes of a blob."""
        return len(data) == ref.raw and checksum(data) == ref.checksum

    def group(self, ref: Ref) -> bytes:
        """Return the raw bytes of a blob that others are parts of, unchecked: the parts are.

        Raises as `blob`.
        """
        try:
            if ref.offset:
                return self.unpack(self._container.stored(ref), ref)
        except (BundleIOError, ValueError):
            pass
        return Archive.blob(self, ref)  # not the signed one's: what is signed are the parts, too

    def copy(self, ref: Ref, file: "BinaryIO") -> None:
        """Write the checked raw bytes of a blob to an empty file, a large one by and by.

        Raises as `blob`; what the file then has is nothing.
        """
        if ref.raw > PIECE and not self.signed:
            from .large import copied

            if copied(self._container, ref, file):
                return
            file.seek(0)
            file.truncate()
        file.write(self.blob(ref))

    def unpack(self, data: bytes, ref: Ref) -> bytes:
        """Return raw bytes from stored ones; raises ValueError if they do not decode to them.

        Raises BundleError if this Python cannot undo the encoding.
        """
        if ref.encoding == ENCODING_PART:
            groups = self._groups
            if groups is None:
                from .groups import Groups

                groups = self._groups = Groups()
            return groups.part(data, ref, self)
        if ref.encoding != ENCODING_ZSTD:
            return decode(data, ref)
        from .zstandard import expand

        try:
            return expand(data, ref.raw)
        except ModuleNotFoundError as error:
            raise BundleError(
                "compressed with zstd, which this Python cannot undo",
                file=self.path,
                expected="Python 3.14, or the module backports.zstd",
                found=str(error),
                hint="install backports.zstd for this Python, or build with --compress zlib",
            ) from error

    def _damage(self, ref: Ref, what: str, found: bytes | None = None) -> BundleCorrupt:
        touched = self._descriptor.touched()
        return BundleCorrupt(
            what,
            file=self.path,
            offset=self._base + ref.offset,
            expected=ref.checksum.hex(),
            found=None if found is None else found.hex(),
            build=self.identity[:12] if hasattr(self, "identity") else None,
            hint="the file was replaced in place: restart the program, and replace by renaming"
            if touched
            else _REBUILD,
        )

    def _recover(self) -> None:
        self._descriptor.ahead = []  # what was read ahead may be what is wrong: read it again
        # Fault 55: a daemonising program closes every descriptor, and ours may mean another file.
        if self._descriptor.is_own():
            return
        other = self._again()
        if other is None or not hasattr(self, "identity") or other.identity != self.identity:
            raise BundleIOError(
                "the program closed the bundle's descriptor, and another file stands at its path",
                errno=9,  # EBADF
                file=self.path,
                hint="restart the program",
            )
        # The number is not its any more, and may already be that of the new one: not to be closed
        self._descriptor.fd = -1
        self._use(other._descriptor, other._container)  # noqa: SLF001  # one of our own

    def _again(self) -> "Archive | None":
        return open_archive(self.path)

    def directory(self, ref: Ref, directory: str) -> Listing:
        """Return the listing of a directory by its reference."""
        return self._listing(ref, directory, whole=False)

    def part(self, ref: Ref, of: str) -> Listing:
        """Return the listing of a shard of a directory, or of the files placed for a unit."""
        return self._listing(ref, of, whole=True)

    def _listing(self, ref: Ref, of: str, *, whole: bool) -> Listing:
        try:
            if ref.encoding:  # they are read whole: no bombs among them
                raise ValueError("a listing is stored as it is")
            data = self.blob(ref, LISTINGS)
            if data[:4] == INDEX_MAGIC and not whole:
                listing: Listing = ShardedListing(data, self, of)
            else:
                listing = Listing(data)
        except ValueError as error:
            raise self.damaged(of, str(error)) from error
        if listing.variants != len(self.variants):
            raise self.damaged(of, "it is of another tree")
        return listing

    def damaged(self, of: str, what: str) -> BundleCorrupt:
        """Return the error for a listing that is none."""
        message = f"damaged listing of {of!r}: {what}"
        return BundleCorrupt(message, file=self.path, hint=_REBUILD)

    def listing(self, directory: str) -> Listing | None:
        """Return the listing of a directory ("" or "pkg/sub"), None if there is no such one."""
        listing = self._listings.get(directory)
        if listing is None:
            known, missing = directory, list[str]()
            while known not in self._listings:  # a loop: whoever asks may ask for any depth
                known, _, name = known.rpartition("/")
                missing.append(name)
            listing = self._listings[known]
            while missing:
                name = missing.pop()
                index = listing.find_directory(name)
                ref = None if index is None else listing.directory(index)
                if ref is None:
                    return None
                known = f"{known}/{name}" if known else name
                listing = self._listings[known] = self.directory(ref, known)
        return listing

    def normalized(self, parts: list[str]) -> str | None:
        """Return components as a path in the bundle, without `.` and `..`.

        None where a file system would refuse: `..` out of the bundle, or of what is no directory.
        """
        kept: list[str] = []
        for part in parts:
            if part == "..":
                if not kept or self.listing("/".join(kept)) is None:
                    return None
                kept.pop()
            elif part not in ("", "."):
                kept.append(part)
        return "/".join(kept)

    def missing(self, inside: str, path: str) -> OSError:
        """Return what opening a path raises where no file is, as a file system would put it."""
        if self.listing(inside) is not None:
            return IsADirectoryError(21, "Is a directory", path)
        while inside:
            inside = inside.rpartition("/")[0]
            if self.file(inside) is not None:
                return NotADirectoryError(20, "Not a directory", path)
        return FileNotFoundError(2, "No such file or directory", path)

    def file(self, path: str) -> tuple[int, Ref | None] | None:
        """Return mode and reference of a file by its path in the bundle, None if there is none."""
        directory, _, name = path.rpartition("/")
        listing = self.listing(directory)
        index = listing.find_file(name) if listing else None
        return None if listing is None or index is None else listing.file(index)

    def read(self, path: str) -> bytes | None:
        """Return the content of a file by its path in the bundle, None if there is none."""
        found = self.file(path)
        if found is None or found[1] is None:
            return None
        return self.blob(found[1])


def fitting(stored: list[Variant]) -> int | None:
    """Return the index of the variant that the running interpreter may execute, None if none."""
    for index, variant in enumerate(stored):
        if (
            variant.magic == MAGIC_NUMBER
            and variant.implementation == sys.implementation.name
            and variant.optimize == min(sys.flags.optimize, 2)
        ):
            return index
    return None


def open_archive(
    path: str,
    make: "Callable[[Descriptor, SqliteContainer | ZipContainer], Archive]" = Archive,
) -> Archive | None:
    """Open the bundle in a file as `make` does; None if it is not one of ours, by its magic.

    Raises BundleIOError if it cannot be read, BundleCorrupt if it is damaged, BundleVersionError
    if it is of another format: never an ImportError (F1).
    """
    descriptor = Descriptor(path)
    container = open_container(descriptor)
    return None if container is None else make(descriptor, container)
