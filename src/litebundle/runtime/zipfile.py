"""The zip, read-only: the part of PKWARE's APPNOTE.TXT that bundles and stock tools use.

Read are stored and deflated members, zip64, bytes in front of the archive and a comment behind it;
encrypted members and other methods are refused by name. Chapters in brackets are APPNOTE's.
"""

from ..errors import BundleCorrupt
from ..format import VERSION
from ..format.listing import Ref
from ..format.manifest import parse_lines, unseal
from .containers import DIGESTS, DIGESTS_MEMBER, MEMBERS_MEMBER, inflate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .containers import Unpack
    from .descriptor import Descriptor

STORED, DEFLATED = 0, 8

_END = b"PK\5\6"  # [4.3.16] End of central directory record, 22 bytes and a comment
_END64 = b"PK\6\6"  # [4.3.14]
_LOCATOR64 = b"PK\6\7"  # [4.3.15]
_ENTRY = b"PK\1\2"  # [4.3.12] Central directory header
_LOCAL = b"PK\3\4"  # [4.3.7] Local file header
_UTF8 = 0x800  # [4.4.4] bit 11
_UNREADABLE = 0x61  # bits 0 and 6: encrypted, bit 5: a patch


class Member:
    """One entry of the central directory; `header` is the offset of its local header."""

    __slots__ = ("flags", "header", "method", "name", "raw", "stored")

    def __init__(
        self, name: str, header: int, sizes: tuple[int, int], kind: tuple[int, int]
    ) -> None:
        self.name = name
        self.header = header
        self.stored, self.raw = sizes
        self.flags, self.method = kind


class Zip:
    """A zip file; raises BundleCorrupt if its end or its directory is damaged.

    `base` is how many bytes stand in front of it, `directory` where its central directory starts,
    `end` where that ends, all in bytes from the start of the file.
    """

    __slots__ = ("_members", "_source", "base", "directory", "end")

    def __init__(self, source: "Descriptor") -> None:
        self._source = source
        self._members: dict[str, Member] | None = None
        end, at = _find_end(source)
        if end is None:
            raise self._corrupt("not a zip file")
        size, offset, at = self._end64(_number(end, 12, 4), _number(end, 16, 4), at)
        self.end = at
        self.directory = at - size
        self.base = self.directory - offset
        if self.base < 0:
            raise self._corrupt("the zip is cut short", expected=f"{size} bytes of directory")

    def _end64(self, size: int, offset: int, at: int) -> tuple[int, int, int]:
        # It may be there although nothing in the end record is full: zipfile writes it from 2 GiB
        # on. Bytes in front of the archive shift it, so it is expected right here, as in zipfile.
        record = self._source.read(at - 76, 76) if at >= 76 else b""
        if record[56:60] != _LOCATOR64:
            return size, offset, at
        if record[:4] != _END64:
            raise self._corrupt("the zip64 record is not where it should be", offset=at - 76)
        return _number(record, 40, 8), _number(record, 48, 8), at - 76

    @property
    def members(self) -> dict[str, Member]:
        """All members by name; of two with one name the later counts, as in zipfile."""
        if self._members is None:
            self._members = {member.name: member for member, _ in self.entries()}
        return self._members

    def entries(self) -> "Iterator[tuple[Member, bytes]]":
        """Yield all members in the order of the directory, with what stands there of each."""
        data = self._source.read(self.directory, self.end - self.directory)
        position = 0
        try:
            while position < len(data):
                member, end = self._entry(data, position)
                yield member, data[position:end]
                position = end
        except (IndexError, ValueError) as error:
            raise self._corrupt(f"damaged zip directory: {error}") from error

    def _entry(self, data: bytes, position: int) -> tuple[Member, int]:
        head = data[position : position + 46]
        if head[:4] != _ENTRY or len(head) < 46:
            raise ValueError(f"no entry at byte {position}")
        name_end = position + 46 + _number(head, 28, 2)
        extra_end = name_end + _number(head, 30, 2)
        flags = _number(head, 8, 2)
        name = _decode(data[position + 46 : name_end], flags)
        raw, stored, header = _wide(
            (_number(head, 24, 4), _number(head, 20, 4), _number(head, 42, 4)),
            data[name_end:extra_end],
        )
        member = Member(name, self.base + header, (stored, raw), (flags, _number(head, 10, 2)))
        end = extra_end + _number(head, 32, 2)
        if end > len(data):
            raise ValueError(f"the entry of {name!r} is cut short")
        return member, end

    def start(self, member: Member) -> int:
        """Return where the member's stored bytes begin, in bytes from the start of the file."""
        inside = member.header < self.directory
        head = self._source.read(member.header, 30) if inside else b""
        if head[:4] != _LOCAL or len(head) < 30:
            raise self._corrupt(
                f"no member {member.name!r} where it should be", offset=member.header
            )
        return member.header + 30 + _number(head, 26, 2) + _number(head, 28, 2)

    def read(self, member: Member) -> bytes:
        """Return the member's content, never more than the directory says it has."""
        if member.flags & _UNREADABLE or member.method not in (STORED, DEFLATED):
            raise self._corrupt(f"{member.name!r} is encrypted or packed by another method")
        start = self.start(member)
        if start + member.stored > self.directory:
            raise self._corrupt(f"{member.name!r} reaches past the end", offset=start)
        if member.method == STORED and member.raw != member.stored:
            raise self._corrupt(f"{member.name!r} cannot be {member.raw} bytes", offset=start)
        data = self._source.read(start, member.stored)
        if len(data) != member.stored:
            raise self._corrupt(f"{member.name!r} ends early", offset=start)
        if member.method == DEFLATED:
            try:
                data = inflate(data, member.raw)
            except ValueError as error:
                raise self._corrupt(f"damaged member {member.name!r}: {error}") from error
        return data

    def _corrupt(self, message: str, **fields: "Any") -> BundleCorrupt:
        hint = "copy the file again, or build it again"
        return BundleCorrupt(message, file=self._source.path, hint=hint, **fields)


class ZipContainer:
    """A zip: blobs are members, or the last part of one (the code within a `.pyc`)."""

    name = "zip"

    def __init__(self, source: "Descriptor", archive: Zip, start: int, length: int) -> None:
        self._source = source
        self.archive = archive
        self.base = archive.base
        self._manifest = (start, length)
        self._names: list[str] = []

    def manifest(self) -> dict[str, str]:
        """Return the manifest; raises ValueError or BundleCorrupt for damage."""
        start, length = self._manifest
        if start < 0 or not 0 <= length <= self.archive.directory - start:
            raise ValueError("the footer points outside of the file")
        pairs = parse_lines(self._source.read(start, length))
        version = dict(pairs[:1]).get("format", "")
        return unseal(pairs) if version == str(VERSION) else {"format": version}

    def stored(self, ref: Ref) -> bytes:
        """Return the bytes to which the hint leads; raises ValueError if it cannot be right."""
        if ref.offset + ref.stored > self._source.size:  # a lie, which memory would pay for
            raise ValueError(f"{ref.stored} bytes at {ref.offset} of {self._source.size}")
        return self._source.read(self.base + ref.offset, ref.stored)

    def parts(self, ref: Ref) -> "Iterator[bytes]":
        """Yield what `stored` returns, in parts of some MiB at most."""
        return self._source.parts(self.base + ref.offset, ref.stored)

    def find(self, table: str, ref: Ref, unpack: "Unpack") -> bytes:
        """Return raw bytes by way of the zip's directory; raises ValueError if not there."""
        del unpack  # members say themselves how they are stored
        try:
            name = (
                f"{DIGESTS_MEMBER}.{ref.identifier}"
                if table == DIGESTS
                else self.names()[ref.identifier - 1]  # one numbering for all others
            )
            data = self.archive.read(self.archive.members[name])
        except LookupError:
            raise ValueError(f"no member {ref.identifier}") from None
        return data[len(data) - ref.raw :]

    def names(self) -> list[str]:
        """Return the names of the members that have numbers, from 1 on; raises ValueError."""
        listed = self.archive.members.get(MEMBERS_MEMBER)
        if not self._names and listed is not None:
            # The directory has each of the names, and more: what is larger is a bomb
            if listed.raw > self.archive.end - self.archive.directory:
                raise ValueError("more names than members")
            self._names = self.archive.read(listed).decode().split("\0")
        return self._names


def find_end(source: "Descriptor") -> int | None:
    """Return where the end record of a zip stands in the file, None if it is no zip."""
    record, at = _find_end(source)
    return None if record is None else at


def _find_end(source: "Descriptor") -> tuple[bytes | None, int]:
    at = source.size - 22
    record = source.read(at, 22) if at >= 0 else b""
    if record[:4] == _END and record[20:22] == b"\0\0":
        return record, at
    # Behind the record stands a comment of at most 65,535 bytes [4.4.12]
    start = max(source.size - 22 - 0xFFFF, 0)
    tail = source.read(start, source.size - start)
    position = tail.rfind(_END)
    if position < 0 or len(tail) - position < 22:
        return None, 0
    return tail[position : position + 22], start + position


def _number(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "little")


def _decode(name: bytes, flags: int) -> str:
    if name.isascii():  # the codec of other names is a module more
        return name.decode("ascii")
    return name.decode("utf-8" if flags & _UTF8 else "cp437")


def _wide(fields: tuple[int, int, int], extra: bytes) -> "tuple[int, int, int]":
    # [4.5.3] Zip64 Extended Information: those of the fields that are full, in this order
    if 0xFFFFFFFF not in fields:
        return fields
    position = 0
    while position + 4 <= len(extra):
        end = position + 4 + _number(extra, position + 2, 2)
        if end > len(extra):
            break
        if _number(extra, position, 2) == 1:
            position += 4
            wide = []
            for field in fields:
                if field == 0xFFFFFFFF:
                    if position + 8 > end:
                        raise ValueError("zip64 field missing")
                    field = _number(extra, position, 8)  # noqa: PLW2901
                    position += 8
                wide.append(field)
            return wide[0], wide[1], wide[2]
        position = end
    raise ValueError("zip64 field missing")
