"""Wheels to layers: checked as an installer checks them, and read in place instead of unpacked."""

import configparser
import struct
import warnings
import zipfile
import zlib
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import BinaryIO

import installer
from installer.destinations import WheelDestination
from installer.exceptions import InstallerError
from installer.records import RecordEntry, parse_record_file
from installer.sources import WheelFile
from installer.utils import Scheme, construct_record_file, parse_entrypoints
from packaging.utils import canonicalize_name

from litebundle.collect.tree import Entry, Kind, Layer, Packed, Skipped, parents, unreadable
from litebundle.errors import BuildError, BundleIOError
from litebundle.format import names
from litebundle.runtime.descriptor import Descriptor

_PREFIXES = {"scripts": "bin/", "headers": "include/{distribution}/"}
"""Where `pip install --target` has the schemes that it does not merge with the modules."""

_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
_ENCRYPTED = 1  # a general purpose bit flag (APPNOTE.TXT, 4.4.4)
_LOCAL_SIGNATURE = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # 4.3.7: signature, ..., sizes of name and extra field
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError)
"""What zipfile raises; NotImplementedError about features that no wheel has."""


def wheel_layer(path: Path) -> Layer:
    """Return what an installer would make of the wheel, its entries read out of the wheel itself.

    Files go where `pip install --target` puts them, RECORD tells so, and there are no launchers.
    Names, structure and RECORD's list are checked here, contents against RECORD's hashes whenever
    an entry is read. Raises BuildError. (packaging.python.org, "Binary distribution format")
    """
    path = path.absolute()
    try:
        with zipfile.ZipFile(path) as archive:
            return _layer(path, archive)
    except _DAMAGED as error:
        raise _unsound(path, [str(error)]) from error
    except InstallerError as error:
        raise _unsound(path, [str(error.args[-1] if error.args else error)]) from error
    except BundleIOError as error:
        raise unreadable(path, error) from error
    except OSError as error:
        raise unreadable(path, error) from error


def _layer(path: Path, archive: zipfile.ZipFile) -> Layer:
    problems = list(_problems(archive))
    if not problems:
        source = WheelFile(archive)
        problems = list(_structure_problems(source) or _record_problems(source, archive))
    if problems:
        raise _unsound(path, problems)
    destination = _Destination(path, source, archive)
    # About bytecode that it leaves out: the layer says so itself.
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        installer.install(source, destination, {})
    return destination.layer()


def _unsound(path: Path, problems: Sequence[str]) -> BuildError:
    cause = problems[0] if len(problems) == 1 else f"{len(problems)} faults"
    return BuildError(
        f"is no sound wheel: {cause}",
        file=str(path),
        problems=problems[1:] and problems,
        hint="download or build it again",
    )


def _problems(archive: zipfile.ZipFile) -> Iterator[str]:
    """Yield what keeps members from being packed under their names."""
    for name, count in Counter(archive.namelist()).items():
        if count > 1:
            yield f"{name!a} is there {count} times"
    for info in archive.infolist():
        reason = names.problem(info.filename.removesuffix("/"))
        if "\\" in info.filename:
            reason = "contains a backslash"  # a separator to some unpackers
        elif info.flag_bits & _ENCRYPTED:
            reason = "is encrypted"
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            reason = "is compressed by a method that wheels do not use"
        if reason:
            yield f"{info.filename!a} {reason}"


def _structure_problems(source: WheelFile) -> list[str]:
    there = source.dist_info_filenames
    required = ("METADATA", "WHEEL", "RECORD")
    problems = [f"it has no {name}" for name in required if name not in there]
    if "entry_points.txt" in there:
        try:
            list(parse_entrypoints(source.read_dist_info("entry_points.txt")))
        except (configparser.Error, AssertionError, AttributeError):  # the last under -O
            problems.append("its entry_points.txt is malformed")
    return problems


def _record_problems(source: WheelFile, archive: zipfile.ZipFile) -> Iterator[str]:
    """Yield how RECORD's list differs from what is there; contents are for later."""
    try:
        source.validate_record(validate_contents=False)
    except WheelFile.validation_error as error:
        prefix = f"In {archive.filename}, "
        yield from (issue.removeprefix(prefix) for issue in getattr(error, "issues", [str(error)]))
        return
    there = set(archive.namelist())
    for path in _records(source):
        if path not in there:
            yield f"{path} is listed in RECORD but not there"


def _records(source: WheelFile) -> dict[str, RecordEntry]:
    rows = parse_record_file(source.read_dist_info("RECORD").splitlines())
    return {row[0]: RecordEntry.from_elements(*row) for row in rows}


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of an open wheel, and what RECORD says of it."""

    wheel: Descriptor
    info: zipfile.ZipInfo
    record: RecordEntry

    def packed(self) -> Packed:
        """Return the content; raises BuildError if it is not what RECORD says."""
        try:
            stored = self._stored()
            deflated = self.info.compress_type == zipfile.ZIP_DEFLATED
            raw = _inflated(stored, self.info.file_size) if deflated else stored
        except zlib.error as error:
            raise self._differs(str(error)) from error
        except BundleIOError as error:
            raise unreadable(self.wheel.path, error) from error
        if len(raw) != self.record.size:
            raise self._differs("its size is another")
        recorded = self.record.hash_
        if recorded is None or not recorded.validate(raw):
            raise self._differs("its hash is another")
        known = urlsafe_b64decode(f"{recorded.value}=") if recorded.name == "sha256" else None
        return Packed(raw, stored if deflated else None, known)

    def _stored(self) -> bytes:
        """Read the bytes as they stand in the archive, from any thread."""
        # zipfile would do it, but give only the inflated ones.
        at = self.info.header_offset
        header = self.wheel.read(at, _LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or header[:4] != _LOCAL_SIGNATURE:
            raise self._differs("it is not where the archive's directory says")
        _, *sizes = _LOCAL_HEADER.unpack(header)
        return self.wheel.read(at + _LOCAL_HEADER.size + sum(sizes), self.info.compress_size)

    def _differs(self, how: str) -> BuildError:
        return BuildError(
            f"{self.info.filename} is not what the wheel's RECORD says: {how}",
            file=self.wheel.path,
            hint="download or build the wheel again",
        )


def _inflated(stored: bytes, size: int) -> bytes:
    """Inflate, whatever the stream may hold not much more than the size."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    raw = stream.decompress(stored, size + 1)
    if not stream.eof or stream.unused_data:
        raise zlib.error("its stream does not end where it should")
    return raw


@dataclass(slots=True)
class _Destination(WheelDestination):
    """Takes note of where an installer would put each file, and writes none."""

    path: Path
    source: WheelFile
    archive: zipfile.ZipFile
    entries: dict[str, Entry] = field(default_factory=dict)
    _file: Descriptor = field(init=False)
    _record: dict[str, RecordEntry] = field(init=False)
    _signatures: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self._file = Descriptor(str(self.path))
        self._record = _records(self.source)
        # Of a RECORD that will not be there.
        self._signatures = {f"{self.source.dist_info_dir}/{name}" for name in _SIGNATURES}

    def write_script(self, name: str, module: str, attr: str, section: str) -> RecordEntry:
        """Do nothing: a launcher would hold the path of an interpreter; entry points stay."""
        del name, module, attr, section
        return RecordEntry("", None, None)

    def write_file(
        self,
        scheme: Scheme,
        path: str | PathLike[str],
        stream: BinaryIO,
        is_executable: bool,  # noqa: FBT001  # the interface
    ) -> RecordEntry:
        """Enter the member that the stream reads under its path in the bundle."""
        prefix = _PREFIXES.get(scheme, "").format(distribution=self.source.distribution)
        target = prefix + fspath(path)
        info = self.archive.getinfo(stream.name)
        record = self._record.get(info.filename, RecordEntry(info.filename, None, None))
        if target in self._signatures:
            return RecordEntry("", None, None)
        if target in self.entries:
            raise InstallerError(f"two of its files are to be installed as {target}")
        member = _Member(self._file, info, record)
        self._enter(target, info.file_size, member.packed, executable=is_executable)
        return RecordEntry(target, record.hash_, record.size)

    def finalize_installation(
        self, scheme: Scheme, record_file_path: str, records: Iterable[tuple[Scheme, RecordEntry]]
    ) -> None:
        """Enter RECORD, telling where the files are in the bundle."""
        del scheme
        with construct_record_file([(s, record) for s, record in records if record.path]) as file:
            data = file.read()
        self._enter(record_file_path, len(data), lambda: Packed(data), executable=False)

    def layer(self) -> Layer:
        """Return what was entered, once everything is."""
        return Layer(
            source=self.path,
            entries=tuple(self.entries.values()),
            directories=tuple(sorted(parents(self.entries))),
            skipped=tuple(Skipped(path=path, reason="bytecode cache") for path in self._caches()),
            distribution=canonicalize_name(self.source.distribution),
        )

    def _caches(self) -> list[str]:
        """Return the directories of bytecode, which installers leave out."""
        splits = [name.split("/")[:-1] for name in self.archive.namelist()]
        found = [
            parts[: parts.index(names.PYCACHE) + 1] for parts in splits if names.PYCACHE in parts
        ]
        return sorted({"/".join(parts) for parts in found})

    def _enter(
        self, target: str, size: int, archived: Callable[[], Packed], *, executable: bool
    ) -> None:
        self.entries[target] = Entry(
            path=target,
            location=str(self.path / target),
            mode=0o755 if executable else 0o644,
            size=size,
            kind=Kind.of(target),
            archived=archived,
        )
