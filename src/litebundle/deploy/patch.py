"""Patches: the steps from one bundle to another as a file (PATCH.md), written and applied."""

import errno
import hashlib
import lzma
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from litebundle.deploy.delta import COPY, INSERTION, Step, script
from litebundle.errors import BuildError
from litebundle.format import checksum
from litebundle.inspect.signature import refuse_unsigning, standing_at
from litebundle.write.atomic import check_output, let_run, replacing

_MAGIC = b"LBpatch1"
_HEADER = struct.Struct("<8sQ32sQ32s")
_CHECKSUM_SIZE = 8
_STEP = struct.Struct("<BQq")
_CHUNK = 1 << 16
_MEMORY = 64 << 20
"""Bytes that decompressing may take, whatever the patch asks for; ours need 9 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """What was written: `size` is the patch's in bytes, `of` the new bundle's."""

    path: str
    size: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    size: int
    digest: bytes


class _DamagedError(Exception):
    """The patch does not say what a patch says."""


def make_patch(old: Path, new: Path, output: Path) -> Patch:
    """Write what makes the new bundle from the old one, having tried that it does.

    Raises BundleError for what is no sound bundle, BuildError for what the disk refuses.
    """
    output = output.absolute()
    check_output(output)
    files = _described(old), _described(new)

    def check(path: Path) -> None:
        digest = hashlib.sha256()
        with _reading(path) as patch, _reading(old) as source:
            for data in _applied(patch, source, _read_header(patch)[1]):
                digest.update(data)
        if digest.digest() != files[1].digest:
            raise BuildError(
                "does not make the new bundle", file=str(output), hint="do not change the bundles"
            )

    with replacing(output, check) as aside:
        _write(aside, files, script(old, new))
    return Patch(path=str(output), size=output.stat().st_size, of=files[1].size)


def apply_patch(old: Path, patch: Path, output: Path, *, force: bool = False) -> int:
    """Write the new bundle, byte for byte the one that the patch was made with; return its size.

    Raises BuildError if the patch is damaged or for another bundle, if a signed bundle would be
    replaced by an unsigned one and it is not to be done by `force`, and for what the disk refuses;
    what stood at `output` is then untouched.
    """
    output = output.absolute()
    check_output(output)

    def check(aside: Path) -> None:
        _require(aside, after)
        if not force and standing_at(aside) is None:
            refuse_unsigning(output, "write it to another file with -o, or use --force")

    with _reading(patch) as file, _reading(old) as source:
        try:
            before, after = _read_header(file)
            _require_old(old, before)
            _require_room(output, after)
            with replacing(output, check) as aside:
                with aside.open("wb") as target:
                    for data in _applied(file, source, after):
                        target.write(data)
                let_run(aside)
        except _DamagedError as error:
            raise BuildError(
                f"the patch is damaged: {error}", file=str(patch), hint="copy it again"
            ) from error
    return after.size


def _write(path: Path, files: tuple[_File, _File], steps: Iterator[Step]) -> None:
    old, new = files
    header = _HEADER.pack(_MAGIC, old.size, old.digest, new.size, new.digest)
    at = 0
    with path.open("wb") as file:
        file.write(header + checksum(header))
        with lzma.open(file, "wb", check=lzma.CHECK_CRC64) as stream:
            for step in steps:
                reads = step.kind != INSERTION
                stream.write(_STEP.pack(step.kind, step.size, step.start - at if reads else 0))
                stream.write(step.data)
                if reads:
                    at = step.start + step.size


def _read_header(file: BufferedReader) -> tuple[_File, _File]:
    header = file.read(_HEADER.size)
    if header[: len(_MAGIC)] != _MAGIC:
        raise _DamagedError("it does not begin like one")
    if checksum(header) != file.read(_CHECKSUM_SIZE):
        raise _DamagedError("its header has another checksum")
    _, size, digest, new_size, new_digest = _HEADER.unpack(header)
    return _File(size=size, digest=digest), _File(size=new_size, digest=new_digest)


def _applied(patch: BufferedReader, old: BufferedReader, new: _File) -> Iterator[bytes]:
    """Yield the new file's bytes, in pieces; raises _DamagedError where there are others."""
    stream = _Stream(patch)
    left, at = new.size, 0
    while left:
        kind, size, distance = _STEP.unpack(stream.read(_STEP.size))
        if kind > INSERTION or not 0 < size <= left:
            raise _DamagedError("a step that is none, or too long")
        left -= size
        at += distance
        for piece in range(0, size, _CHUNK):
            length = min(_CHUNK, size - piece)
            if kind == INSERTION:
                yield stream.read(length)
                continue
            data = _read_old(old, at, length)
            at += length
            yield data if kind == COPY else _added(data, stream.read(length))
    stream.require_end()


def _read_old(old: BufferedReader, at: int, size: int) -> bytes:
    end = os.fstat(old.fileno()).st_size
    data = b""
    if 0 <= at <= end - size:
        old.seek(at)
        data = old.read(size)
    if len(data) != size:
        raise _DamagedError("a step leads out of the old bundle")
    return data


def _added(data: bytes, more: bytes) -> bytes:
    return bytes((byte + change) & 0xFF for byte, change in zip(data, more, strict=True))


class _Stream:
    """The compressed part of a patch, read in bounded memory whatever it holds."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self._unpacked = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)

    def read(self, size: int) -> bytes:
        """Return so many bytes."""
        data = b""
        while len(data) < size:
            data += self._more(size - len(data))
        return data

    def require_end(self) -> None:
        """Raise _DamagedError if there is more."""
        while not self._unpacked.eof:
            if self._more(1):
                raise _DamagedError("it goes on behind its end")
        if self._unpacked.unused_data or self._file.read(1):
            raise _DamagedError("it goes on behind its end")

    def _more(self, size: int) -> bytes:
        wanted = self._unpacked.needs_input
        packed = self._file.read(_CHUNK) if wanted else b""
        if self._unpacked.eof or (wanted and not packed):
            raise _DamagedError("it is cut short")
        try:
            return self._unpacked.decompress(packed, size)
        except lzma.LZMAError as error:
            raise _DamagedError(str(error)) from error


@contextmanager
def _reading(path: Path) -> Iterator[BufferedReader]:
    """Open a file that has to be there."""
    try:
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "not a file")
        file = path.open("rb")
    except OSError as error:
        raise BuildError(
            f"cannot be read: {error.strerror}", file=str(path), hint="check the path"
        ) from error
    with file:
        yield file


def _described(path: Path) -> _File:
    with _reading(path) as file:
        digest = hashlib.file_digest(file, "sha256").digest()
        return _File(size=file.tell(), digest=digest)


def _require(path: Path, expected: _File) -> None:
    if _described(path) != expected:
        raise _DamagedError("what it makes is not the bundle that it was made with")


def _require_old(old: Path, expected: _File) -> None:
    found = _described(old)
    if found != expected:
        raise BuildError(
            "is not the bundle that the patch changes",
            file=str(old),
            expected=f"{expected.size:,} bytes, SHA-256 {expected.digest.hex()[:12]}",
            found=f"{found.size:,} bytes, SHA-256 {found.digest.hex()[:12]}",
            hint="apply it to the version that it was made from",
        )


def _require_room(output: Path, new: _File) -> None:
    # A patch of some bytes may speak of any size: better told than found out.
    free = shutil.disk_usage(output.parent).free
    if new.size > free:
        raise BuildError(
            f"no room for the {new.size:,} bytes that the patch makes",
            file=str(output),
            found=f"{free:,} bytes free",
            hint="make room there, or write it elsewhere with -o",
        )
