"""Writing the zip: any Python can import from it, and ours finds its way by the index inside.

Beside each `name.py` stands its `name.pyc` for zipimport (an unchecked hash-based one, PEP 552);
other optimization levels and targets go to `__pycache__`, where zipimport does not look. The index
are the members below `.litebundle/`, a name that nothing imports.
"""

import contextlib
import zipfile
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from litebundle.collect.tree import Packed
from litebundle.errors import BuildError
from litebundle.format import checksum
from litebundle.format.listing import ENCODING_DEFLATE, ENCODING_NONE, ENCODING_PYC, Ref, decode_ref
from litebundle.format.manifest import STARTUP, Variant, columns_text, lines, seal, startup_text
from litebundle.runtime.containers import (
    DIGESTS_MEMBER,
    FOOTER_MAGIC,
    JOINED_MEMBER,
    MANIFEST_MEMBER,
    MARK_MEMBER,
    MEMBERS_MEMBER,
)
from litebundle.write.compression import Compression
from litebundle.write.content import DIRECTORY, Addresses, Blob, Content, Directory, listings
from litebundle.write.digests import Complete, digests_reference, digests_table
from litebundle.write.encoding import Encoded, plain, pyc_header, zip_info
from litebundle.write.launcher import method
from litebundle.write.readback import Wrote
from litebundle.write.startup import extent


class ZipWriter:
    """Writes a zip bundle to `path`, an empty file; raises OSError as the disk does.

    `taken` are the paths of the files to come, which no `.pyc` of ours may take.
    """

    def __init__(
        self,
        path: Path,
        compression: Compression,
        variants: Sequence[Variant],
        taken: Container[str],
    ) -> None:
        self._compression = compression
        self._variants = variants
        self._taken = taken
        self._names: list[str] = []
        self._offsets: dict[int, int] = {}
        self._blobs: list[Blob] = []
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, strict_timestamps=False)
        try:
            self._write(MARK_MEMBER, b"litebundle\n")
        except BaseException:
            with contextlib.suppress(OSError):  # else the zip would complain when it goes
                self._zip.close()
            raise

    @staticmethod
    def encode_code(code: Encoded) -> Encoded:
        """Encode nothing yet: the zip library does the deflating."""
        return code

    @staticmethod
    def encode_file(path: str, content: Packed) -> Encoded:
        """Encode nothing yet: the zip library does the deflating."""
        del path
        return plain(content.raw, content.digest)

    def code(self, module: str, path: str, variant: int, content: Encoded) -> Blob:
        """Store the code of a module as a `.pyc`, whose source has that path."""
        del module
        data = content.whole
        name = self._pyc(path, variant)
        header = pyc_header(self._variants[variant].magic, data)
        if self._compression.packs_code:
            return self._deflated(zip_info(name), header, content)
        identifier, offset, _ = self._write(name, header + data)
        return self._blob(content.as_blob(identifier), offset + len(header))

    def joined(self, variant: int, number: int, content: Encoded) -> Blob:
        """Store a joined stream of a variant."""
        info = zip_info(f"{JOINED_MEMBER}.{variant}.{number}")
        if self._compression.packs_joined:
            return self._deflated(info, b"", content)
        info.file_size = content.raw
        identifier, offset, _ = self._add(info, content.parts())
        return self._blob(content.as_blob(identifier), offset)

    def file(self, path: str, content: Encoded, mode: int) -> Blob:
        """Store a file under its path."""
        info = zip_info(path, mode)
        if self._compression.packs_file(path):
            return self._deflated(info, b"", content)
        info.file_size = content.raw
        identifier, offset, _ = self._add(info, content.parts())
        return self._blob(content.as_blob(identifier), offset)

    def _deflated(self, info: zipfile.ZipInfo, header: bytes, content: Encoded) -> Blob:
        info.compress_type = zipfile.ZIP_DEFLATED
        info.file_size = len(header) + content.raw
        identifier, offset, size = self._add(info, chain((header,), content.parts()))
        encoding = ENCODING_PYC if header else ENCODING_DEFLATE
        blob = content.as_blob(identifier)
        return self._blob(replace(blob, stored=size, encoding=encoding, seal=None), offset)

    def _blob(self, blob: Blob, offset: int) -> Blob:
        self._offsets[blob.identifier] = offset
        self._blobs.append(blob)
        return blob

    def launcher(self, members: Mapping[str, bytes]) -> list[tuple[str, str]]:
        """Store the members; the manifest has nothing to say of them."""
        for name, data in members.items():
            self._write(name, data, method(name, small=self._compression.is_for_size))
        return []

    def finish(self, content: Content, distributions: list[tuple[str, str, str]]) -> Wrote:
        """Write the index, close the zip, and return what is there.

        The manifest stands right before the zip's directory.
        """
        del distributions  # their metadata are files
        [root] = content.roots  # the paths of the members are one tree's
        refs: dict[tuple[str, str], bytes] = {}
        written = []
        at = Addresses(
            blob=lambda blob: blob.ref(self._offsets[blob.identifier]),
            listing=lambda kind, path: refs[kind, path],
        )
        # Those that start-up reads together: no directory is above them that it does not read
        for kind, path, data in listings(root, at, last=content.first[::-1]):
            if kind == DIRECTORY and has_entry(root.directories[path]):
                self._zip.writestr(zip_info(path + "/", 0o755), b"")
            ref = refs[kind, path] = self._listing(len(refs), data)
            written.append((ref, data))
        known = [(STARTUP, startup_text(self._runs(content, refs)))] if content.first else []
        self._write(MEMBERS_MEMBER, "\0".join(self._names).encode())
        known += content.joined_pairs(at.blob)
        text = f"{refs[DIRECTORY, ''].hex()} {columns_text(root.columns)}"
        pairs = [*content.manifest, *known, ("root.0", text)]
        manifest = lines(seal(pairs))
        footer = FOOTER_MAGIC + len(manifest).to_bytes(8, "little")
        self._write(MANIFEST_MEMBER, manifest + footer)
        self.close()
        return Wrote(
            manifest=dict(pairs),
            listings=written,
            blobs=[(at.blob(blob), blob) for blob in self._blobs],
        )

    def _runs(
        self, content: Content, refs: Mapping[tuple[str, str], bytes]
    ) -> Iterator[tuple[int, int, int]]:
        """Yield the runs that start-up reads, see `extent`."""
        places = [(self._offsets[blob.identifier], blob.stored) for blob in content.run]
        if places:
            yield extent([(offset, offset + size) for offset, size in places], places[-1][0])
        found = (decode_ref(refs[DIRECTORY, path]) for path in content.first)
        parts = [(ref.offset, ref.offset + ref.stored) for ref in found if ref]
        yield extent(parts, parts[-1][0])

    def close(self) -> None:
        """Close the zip, finished or not."""
        self._zip.close()

    def _pyc(self, path: str, variant: int) -> str:
        kind = self._variants[variant]
        beside = path + "c"
        first = next((v for v in self._variants if not v.optimize), None)
        if kind is first and beside not in self._taken:
            return beside
        directory, slash, name = path.rpartition("/")
        level = f".opt-{kind.optimize}" if kind.optimize else ""
        return (
            f"{directory}{slash}__pycache__/{name.removesuffix('.py')}.{kind.cache_tag}{level}.pyc"
        )

    def _listing(self, number: int, data: bytes) -> bytes:
        identifier, offset, size = self._write(f".litebundle/{number}", data)
        return Ref(
            identifier=identifier,
            at=(offset, 0),
            sizes=(size, size),
            encoding=ENCODING_NONE,
            checksum=checksum(data),
        ).encode()

    def _write(
        self, name: str, data: bytes, method: int = zipfile.ZIP_STORED
    ) -> tuple[int, int, int]:
        info = zip_info(name)
        info.compress_type = method
        info.file_size = len(data)
        return self._add(info, [data])

    def _add(self, info: zipfile.ZipInfo, parts: Iterable[bytes]) -> tuple[int, int, int]:
        """Add a member; return its number from 1, the offset of its bytes and their stored size.

        `info.file_size` decides whether the local header has room for zip64 sizes.
        """
        with self._zip.open(info, "w") as member:
            offset = self._zip.fp.tell()  # type: ignore[union-attr]  # open, since it is being written
            for part in parts:
                member.write(part)
        self._names.append(info.filename)
        return len(self._names), offset, info.compress_size


def add_digests(path: Path, runs: Sequence[bytes], complete: Complete) -> None:
    """Add the digests of what is in a finished zip to it, and have the manifest say so.

    They are members where the manifest was, which is again the last. Raises OSError as the disk
    does, BuildError if another tool has changed the order.
    """
    with zipfile.ZipFile(path, "a") as archive:
        _drop_end(archive)
        places = {number: _add_run(archive, number, data) for number, data in enumerate(runs, 1)}
        table = digests_table(runs, places)
        number = len(runs) + 1
        reference = digests_reference(table, number, _add_run(archive, number, table))
        manifest = lines(complete(reference))
        footer = FOOTER_MAGIC + len(manifest).to_bytes(8, "little")
        archive.writestr(zip_info(MANIFEST_MEMBER), manifest + footer)


def _drop_end(archive: zipfile.ZipFile) -> None:
    """Forget the manifest, and the digests of an earlier signature: what comes is written there."""
    own = [
        member
        for member in archive.infolist()
        if member.filename == MANIFEST_MEMBER or member.filename.startswith(DIGESTS_MEMBER)
    ]
    start = min(member.header_offset for member in own)
    if any(m.header_offset > start and m not in own for m in archive.infolist()):
        raise BuildError(
            "members stand behind the zip's manifest, as after a zip tool",
            file=str(archive.filename),
            hint="sign it as it was built",
        )
    for member in own:
        archive.filelist.remove(member)
        del archive.NameToInfo[member.filename]
    archive.start_dir = start


def _add_run(archive: zipfile.ZipFile, number: int, data: bytes) -> tuple[int, int]:
    """Add a member of digests; return where its bytes begin."""
    name = f"{DIGESTS_MEMBER}.{number}"
    start = archive.start_dir
    archive.writestr(zip_info(name), data)
    return start + 30 + len(name), 0  # behind the local header (APPNOTE 4.3.7)


def has_entry(directory: Directory) -> bool:
    """Tell whether the zip has an entry for the directory itself (FORMAT.md, "The zip").

    zipimport takes for a namespace package only what has one. Packages need none, and are most.
    """
    return bool(directory.path) and "__init__" not in directory.modules
