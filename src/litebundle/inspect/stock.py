"""A zip bundle as stock Python sees it: sound in itself, and saying what the listings say.

Before the standard library is let at the file, our own reader has seen that its members do not
overlap, so that what is unpacked is bounded by the file's size, and that each is told of once.
"""

import re
import zipfile
from collections import Counter
from collections.abc import Iterator

from litebundle.errors import BundleCorrupt
from litebundle.format import names
from litebundle.format.signature import SIGNATURE
from litebundle.inspect import launcher
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.check import Check
from litebundle.inspect.finding import Finding
from litebundle.inspect.spare import Spare
from litebundle.runtime.containers import (
    DIGESTS_MEMBER,
    MANIFEST_MEMBER,
    MARK_MEMBER,
    MEMBERS_MEMBER,
)
from litebundle.runtime.zipfile import DEFLATED, STORED, Zip, ZipContainer
from litebundle.write.zip import has_entry

_CHUNK = 1 << 20

# APPNOTE.TXT: 4.3.16 end of central directory record, ours has no comment behind it; 4.3.12 central
# directory header; 4.3.7 local file header, which says the same from its 4th byte on
_END_SIZE = 22
_CENTRAL = 46
_LOCAL = 30
_PYC_HEADER = 16
# Of the central header: version and system, time and date, attributes within and without
_MADE = re.compile(
    rb"[\x14\x2d]\x03" + b"\0\0\x21\0" + b"\0\0" + b"\0\0" + rb"(\xa4\x81|\xed\x81|\xed\x41)",
    re.DOTALL,
)
_DESCRIPTOR = 8  # of the flags: sizes and checksum stand behind the member


def unsound(bundle: Bundle) -> Iterator[Finding]:
    """Yield what is wrong with the zip in itself, and what the standard library would overlook."""
    archive = _archive(bundle)
    try:
        found = [*_end(bundle, archive), *_directory(bundle, archive)]
        yield from found
        if found:
            return
        with zipfile.ZipFile(bundle.path) as stock:
            for info in stock.infolist():
                if reason := _damage(stock, info):
                    yield _member(info.filename, reason)
    except BundleCorrupt as error:
        yield Finding(where="zip", what=error.message)
    except Exception as error:  # noqa: BLE001 - zipfile has many: struct.error, UnicodeDecodeError...
        yield Finding(where="zip", what=f"zipfile cannot read it: {error!r}")


def contradictions(bundle: Bundle, check: Check) -> Iterator[Finding]:
    """Yield a finding for every member that is not the listings', given all of them.

    A file in the zip that is not in the index is one that zipimport would import, and we not.
    """
    container = bundle.archive.container
    assert isinstance(container, ZipContainer)  # noqa: S101  # the caller's promise
    present = set(container.archive.members)
    directories = [each for root in check.roots for each in root.directories.values()]
    entries = {f"{each.path}/" for each in directories if has_entry(each)}
    if len(check.roots) > 1:
        yield Finding(where="zip", what="more than one root")
    try:
        numbered = container.names()
    except (ValueError, BundleCorrupt) as error:
        yield _member(MEMBERS_MEMBER, f"cannot be read: {error}")
        return
    yield from _misnumbered(container.archive, numbered, check)
    known = {MANIFEST_MEMBER, MARK_MEMBER, MEMBERS_MEMBER, *entries}
    for number in (*check.blobs, *check.listings):
        known.update(numbered[number - 1 : number])
    if SIGNATURE in bundle.manifest:
        known |= {name for name in present if name.startswith(f"{DIGESTS_MEMBER}.")}
    hidden = "|".join(map(_pyc, check.hidden()))
    for name in sorted(present - known):
        if not launcher.MEMBER.fullmatch(name) and not re.fullmatch(hidden, name):
            yield _member(name, "not in the index")
    for name in sorted(entries - present):
        yield _member(name, "missing: the directory is no namespace package for zipimport")
    for name in sorted(set(numbered) - present):
        yield _member(name, "of the index, but missing")
    yield from launcher.members(container.archive)


def _misnumbered(archive: Zip, numbered: list[str], check: Check) -> Iterator[Finding]:
    """Yield the members that stock Python would take for other than they are by their numbers.

    Of a `.pyc` it takes what is behind the header, and of that the first object: there is no more.
    """
    wanted = {
        blob.identifier: (_pyc(path), blob.raw + _PYC_HEADER) for path, _, blob in check.codes()
    }
    for root in check.roots:
        wanted.update((f.blob.identifier, (re.escape(f.path), f.blob.raw)) for f in root.files())
    for number, (pattern, size) in wanted.items():
        [name] = numbered[number - 1 : number] or [""]
        member = archive.members.get(name)
        if member is None or not re.fullmatch(pattern, name) or member.raw != size:
            yield _member(name, f"not the one that blob {number} is")


def unused(bundle: Bundle) -> Spare:
    """Measure what nothing uses: between the members, and in headers what readers pass over."""
    archive = _archive(bundle)
    size = filled = 0
    at = archive.base
    for start, end, _ in [*_ranges(bundle, archive), (archive.directory, 0, "")]:
        data = bundle.archive.descriptor.read(at, start - at)
        size += len(data)
        filled += len(data) - data.count(0)
        at = end
    for _, entry in archive.entries():
        extra = len(entry) - _CENTRAL - _number(entry, 28)  # times and owners, for who unpacks
        odd = not _MADE.fullmatch(entry[4:6] + entry[12:16] + entry[36:42])
        size += extra + 12
        filled += extra + 12 * odd
    return Spare(size=size, filled=filled)


def _archive(bundle: Bundle) -> Zip:
    container = bundle.archive.container
    assert isinstance(container, ZipContainer)  # noqa: S101  # the caller's promise
    return container.archive


def _member(name: str, what: str) -> Finding:
    return Finding(where=f"member {name}", what=what)


def _number(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + 2], "little")


def _end(bundle: Bundle, archive: Zip) -> Iterator[Finding]:
    """Yield what is wrong with the end record, and what stands behind it."""
    at = bundle.size - _END_SIZE
    record = bundle.archive.descriptor.read(at, _END_SIZE)
    if record[:4] != b"PK\5\6" or record[20:] != b"\0\0":
        yield Finding(where="file", what="bytes stand behind the end of the zip")
        return
    count = sum(1 for _ in archive.entries())
    counts = {_number(record, 8), _number(record, 10)}
    if record[4:8] != bytes(4) or counts not in ({min(count, 0xFFFF)}, {count}):
        yield Finding(where="end of the zip", what="another number of members", expected=count)


def _directory(bundle: Bundle, archive: Zip) -> Iterator[Finding]:
    """Yield what is wrong with the members, but for their contents."""
    for name, count in Counter(member.name for member, _ in archive.entries()).items():
        if count > 1:
            yield _member(name, f"is there {count} times")
        if reason := names.problem(name.removesuffix("/")):
            yield _member(ascii(name), reason)
    for member, entry in archive.entries():
        if member.method not in (STORED, DEFLATED):
            yield _member(member.name, f"packed by another method ({member.method})")
        length = _number(entry, 28)
        local = bundle.archive.descriptor.read(member.header, _LOCAL + length)
        same = [(6, 16), (28, 30)] if member.flags & _DESCRIPTOR else [(6, 30)]
        if (
            local[:4] != b"PK\3\4"
            or any(local[a - 2 : b - 2] != entry[a:b] for a, b in same)
            or local[_LOCAL:] != entry[_CENTRAL : _CENTRAL + length]
            or entry[34:36] != b"\0\0"
        ):
            yield _member(member.name, "its two headers differ")
    at, before = archive.base, ""
    for start, end, name in _ranges(bundle, archive):
        if start < at:
            yield _member(name, f"overlaps {before or 'what stands in front'}")
        at, before = end, name
    if at > archive.directory:
        yield _member(before, "reaches into the directory")


def _ranges(bundle: Bundle, archive: Zip) -> list[tuple[int, int, str]]:
    """Return where the members begin and end, in this order, and their names."""
    found = []
    for member, _ in archive.entries():
        start = archive.start(member)
        end = start + member.stored
        if member.flags & _DESCRIPTOR:  # 4.3.9: 12 or 16 bytes, whether it is marked
            marked = bundle.archive.descriptor.read(end, 4) == b"PK\7\x08"
            end += 16 if marked else 12
        found.append((member.header, end, member.name))
    return sorted(found)


def _damage(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str | None:
    try:
        with archive.open(member) as file:
            while file.read(_CHUNK):
                pass
    except Exception as error:  # noqa: BLE001 - BadZipFile, zlib.error, EOFError, RuntimeError...
        return str(error) or type(error).__name__
    return None


def _pyc(path: str) -> str:
    """Return a pattern of the names that the code of a source may have."""
    directory, slash, name = path.rpartition("/")
    stem = re.escape(name.removesuffix(".py"))
    return rf"{re.escape(directory + slash)}({stem}|__pycache__/{stem}\.[^./]+(\.opt-\d)?)\.pyc"
