"""Files too large for memory: encoded part by part, from where they lie or by way of a file."""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from litebundle.collect.tree import Entry, changed
from litebundle.format import Checksum
from litebundle.format.listing import ENCODING_DEFLATE, ENCODING_NONE
from litebundle.write.encoding import Encoded, Parts, deflater, pays

LARGE = 16 << 20
"""Bytes from which on a file is not read as a whole."""


def encoded_large(entry: Entry, beside: Path, *, deflate: bool) -> Encoded:
    """Encode a file that no archive holds, with no more than some MiB of it in memory.

    What is deflated waits in an unnamed file in the directory `beside`. Raises BuildError as
    reading the entry does, and OSError as the disk does.
    """
    raw, digest = Checksum(), hashlib.sha256()
    stored: _Spool | None = None
    for number, part in enumerate(entry.parts()):
        raw.update(part)
        digest.update(part)
        # The first part stands for all: else the whole would be deflated only to be dropped
        if not number and deflate and pays(part):
            stored = _Spool(beside)
        if stored is not None:
            stored.add(part)
    checksum = raw.digest()
    return Encoded(
        data=stored.parts() if stored else _again(entry, checksum, digest.digest()),
        raw=entry.size,
        encoding=ENCODING_DEFLATE if stored else ENCODING_NONE,
        checksum=checksum,
        digest=digest.digest(),
    )


def _again(entry: Entry, seal: bytes, digest: bytes) -> Parts:
    """Return the parts of the file itself, which has to be what it was."""

    def read() -> Iterator[bytes]:
        found, size = hashlib.sha256(), 0
        for part in entry.parts():
            found.update(part)
            size += len(part)
            if size > entry.size:
                break  # there is no room for more
            yield part
        if found.digest() != digest:
            raise changed(entry.location)

    return Parts(size=entry.size, seal=seal, read=read)


class _Spool:
    """A deflated stream in an unnamed file."""

    def __init__(self, directory: Path) -> None:
        self._file = _File(tempfile.TemporaryFile(dir=directory))  # noqa: SIM115  # closed with it
        self._stream = deflater()
        self._seal = Checksum()
        self._size = 0

    def add(self, part: bytes) -> None:
        """Deflate a part of the raw bytes."""
        self._write(self._stream.compress(part))

    def parts(self) -> Parts:
        """Return the stream, which is complete."""
        self._write(self._stream.flush())
        return Parts(size=self._size, seal=self._seal.digest(), read=self._file.read)

    def _write(self, packed: bytes) -> None:
        self._seal.update(packed)
        self._file.file.write(packed)
        self._size += len(packed)


class _File:
    """An unnamed file that is closed when nobody refers to it any more, used or not."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def __del__(self) -> None:
        self.file.close()

    def read(self) -> Iterator[bytes]:
        """Yield the content from the beginning."""
        self.file.seek(0)
        while part := self.file.read(1 << 20):
            yield part
