"""Writing the zip: any Python can import from it, and ours finds its way by the index inside.

Beside each `name.py` stands its `name.pyc` for zipimport (an unchecked hash-based one, PEP 552);
other optimization levels and targets go to `__pycache__`, where zipimport does not look. The index
are the members below `.litebundle/`, a name that nothing imports.
"""

import zipfile
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from litebundle.format import checksum
from litebundle.format.listing import ENCODING_DEFLATE, ENCODING_NONE, Ref
from litebundle.format.manifest import Variant, columns_text, lines, seal
from litebundle.runtime.containers import FOOTER_MAGIC, MANIFEST_MEMBER, MARK_MEMBER, MEMBERS_MEMBER
from litebundle.write.content import (
    Addresses,
    Blob,
    Content,
    Directory,
    directory_listing,
    placement_listing,
)
from litebundle.write.encoding import Encoded, plain, pyc_header, zip_info
from litebundle.write.launcher import method


class ZipWriter:
    """Writes a zip bundle to `path`, an empty file; raises OSError as the disk does.

    `taken` are the paths of the files to come, which no `.pyc` of ours may take.
    """

    def __init__(self, path: Path, variants: Sequence[Variant], taken: Container[str]) -> None:
        self._variants = variants
        self._taken = taken
        self._names: list[str] = []
        self._offsets: dict[int, int] = {}
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, strict_timestamps=False)
        self._write(MARK_MEMBER, b"litebundle\n")

    @staticmethod
    def encode(data: bytes, packed: bytes | None = None) -> Encoded:
        """Encode nothing yet: the zip library does the deflating."""
        del packed
        return plain(data)

    def code(self, module: str, path: str, variant: int, content: Encoded) -> Blob:
        """Store the code of a module as a `.pyc`, whose source has that path."""
        del module
        header = pyc_header(self._variants[variant].magic, content.data)
        identifier, offset, _ = self._write(self._pyc(path, variant), header + content.data)
        self._offsets[identifier] = offset + len(header)
        return content.as_blob(identifier)

    def file(self, path: str, content: Encoded, mode: int) -> Blob:
        """Store a file under its path, deflated."""
        identifier, offset, size = self._write(path, content.data, zipfile.ZIP_DEFLATED, mode)
        self._offsets[identifier] = offset
        blob = content.as_blob(identifier)
        return replace(blob, stored=size, encoding=ENCODING_DEFLATE, seal=None)

    def launcher(self, members: Mapping[str, bytes]) -> list[tuple[str, str]]:
        """Store the members; the manifest has nothing to say of them."""
        for name, data in members.items():
            self._write(name, data, method(name))
        return []

    def finish(self, content: Content, distributions: list[tuple[str, str, str]]) -> None:
        """Write the index and close the zip; the manifest stands right before the directory."""
        del distributions  # their metadata are files
        [root] = content.roots  # the paths of the members are one tree's
        variants = len(root.columns)
        refs: dict[tuple[str, str], bytes] = {}
        at = Addresses(
            blob=lambda blob: blob.ref(self._offsets[blob.identifier]),
            listing=lambda path: refs["directory", path],
            placed=lambda unit: refs["placement", unit],
        )
        for placement in root.placements():
            data = placement_listing(placement, variants, at)
            refs["placement", placement.unit] = self._listing(len(refs), data)
        for directory in root.bottom_up():
            if has_entry(directory):
                self._zip.writestr(zip_info(directory.path + "/", 0o755), b"")
            data = directory_listing(directory, variants, at)
            refs["directory", directory.path] = self._listing(len(refs), data)
        self._write(MEMBERS_MEMBER, "\0".join(self._names).encode())
        text = f"{refs['directory', ''].hex()} {columns_text(root.columns)}"
        manifest = lines(seal([*content.manifest, ("root.0", text)]))
        footer = FOOTER_MAGIC + len(manifest).to_bytes(8, "little")
        self._write(MANIFEST_MEMBER, manifest + footer)
        self.close()

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
        self, name: str, data: bytes, method: int = zipfile.ZIP_STORED, mode: int = 0o644
    ) -> tuple[int, int, int]:
        """Add a member; return its number from 1, the offset of its bytes and their stored size."""
        info = zip_info(name, mode)
        info.compress_type = method
        info.file_size = len(data)  # decides whether the local header has room for zip64 sizes
        with self._zip.open(info, "w") as member:
            offset = self._zip.fp.tell()  # type: ignore[union-attr]  # open, since it is being written
            member.write(data)
        self._names.append(name)
        return len(self._names), offset, info.compress_size


def has_entry(directory: Directory) -> bool:
    """Tell whether the zip has an entry for the directory itself (FORMAT.md, "The zip").

    zipimport takes for a namespace package only what has one. Packages need none, and are most.
    """
    return bool(directory.path) and "__init__" not in directory.modules
