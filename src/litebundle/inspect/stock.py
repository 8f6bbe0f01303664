"""A zip bundle as stock Python sees it: sound in itself, and saying what the listings say."""

import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from litebundle.format.signature import SIGNATURE
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.check import Check
from litebundle.runtime.containers import (
    DIGESTS_MEMBER,
    MANIFEST_MEMBER,
    MARK_MEMBER,
    MEMBERS_MEMBER,
)
from litebundle.write.zip import has_entry

_CHUNK = 1 << 20

# APPNOTE.TXT 4.3.16, end of central directory record; ours has no comment behind it.
_END = b"PK\5\6"
_END_SIZE = 22
_LONGEST_END = _END_SIZE + 0xFFFF


def unsound(bundle: Bundle) -> Iterator[str]:
    """Yield what the standard library finds wrong with the zip, and what it would overlook."""
    yield from _trailing(bundle)
    try:
        with zipfile.ZipFile(bundle.path) as archive:
            for name, count in Counter(archive.namelist()).items():
                if count > 1:
                    yield f"member {name} is there {count} times"
            for member in archive.infolist():
                if reason := _damage(archive, member):
                    yield f"member {member.filename}: {reason}"
    except zipfile.BadZipFile as error:
        yield f"zipfile cannot read it: {error}"


def _trailing(bundle: Bundle) -> Iterator[str]:
    with Path(bundle.path).open("rb") as file:
        file.seek(max(bundle.size - _LONGEST_END, 0))
        tail = file.read()
    if trailing := len(tail) - tail.rfind(_END) - _END_SIZE:
        yield f"{trailing} bytes stand behind the end of the zip"


def _damage(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str | None:
    try:
        with archive.open(member) as file:
            while file.read(_CHUNK):
                pass
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        return str(error) or type(error).__name__
    return None


def contradictions(bundle: Bundle, check: Check) -> Iterator[str]:
    """Yield a sentence for every member that is not the listings', given a sound check.

    A file in the zip that is not in the index is one that zipimport would import, and we not.
    """
    with zipfile.ZipFile(bundle.path) as archive:
        present = set(archive.namelist())
        numbered = archive.read(MEMBERS_MEMBER).decode().split("\0")
    known = {*numbered, MANIFEST_MEMBER, MARK_MEMBER, MEMBERS_MEMBER}
    if SIGNATURE in bundle.manifest:
        known |= {name for name in present if name.startswith(f"{DIGESTS_MEMBER}.")}
    [root] = check.roots
    entries = {f"{each.path}/" for each in root.directories.values() if has_entry(each)}
    for name in sorted(present - known - entries):
        yield f"member {name} is not in the index"
    for name in sorted(entries - present):
        yield f"directory {name} has no entry, and is no namespace package for zipimport"
    for name in sorted(set(numbered) - present):
        yield f"member {name} of the index is missing"
    for directory in root.directories.values():
        for file in directory.files.values():
            if numbered[file.blob.identifier - 1 : file.blob.identifier] != [file.path]:
                yield f"file {file.path} is not the member of that name"
