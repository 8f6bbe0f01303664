"""Placed files: what a package wants to open by path is put on disk, once, by content (decision 5).

A unit is a top-level package or module with the files it needs. Its directory mirrors the bundle
from the root, so that paths below it read as they would in site-packages:
`<cache>/<key>/django/templates/...`, where `key` is a digest over paths, modes and contents.

A bundle may be anybody's (`bundle place`), and a directory of placed files is shared with others by
its key: so no name leads out of the directory, and the key is what the contents say it is.
"""

import os  # every program that gets here has it; a bare interpreter never does
from _frozen_importlib_external import EXTENSION_SUFFIXES, path_separators
from time import monotonic

from ..errors import BundleCorrupt, BundleIOError
from ..format.listing import LEVEL_ALL
from .cache import candidates, choose
from .marker import Marker, open_marker
from .mount import Mount, alias
from .standard import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..format.listing import Listing, Ref
    from .archive import Archive
    from .homeless import HomelessUnit

_FEW = 64  # files that are looked at in every start: 0.1 ms
_TRUST = 0.05  # seconds for which a marker that was there is taken to be there still
_OWN = ".litebundle"  # as in a bundle: nobody's but ours
# On Windows: a second separator, and what ends a drive, or begins a stream of a file
_MARKS = [*(set(path_separators) - {"/"}), ":"] if len(path_separators) > 1 else []

_units: dict[str, "Unit"] = {}
_chosen: dict[tuple[str, ...], "Unit"] = {}  # by key, bundle and where it may be


class Unit:
    """The files of one placed package; `root` is the directory that mirrors the bundle.

    `sources` tells that its sources are among them (level `all`).
    """

    __slots__ = ("_directory", "_looked", "_marker", "name", "root", "sources")

    def __init__(self, directory: "PlacedDirectory", *, sources: bool) -> None:
        self.sources = sources
        self.name = directory.files.name
        self.root = directory.path
        self._directory = directory
        self._marker: Marker | None = None
        self._looked = 0.0

    def __repr__(self) -> str:
        return f"<Unit {self.name!r} at {self.root!r}>"

    def place(self) -> None:
        """See that the files are there, and stay as long as this process lives.

        Raises BundleIOError if the disk refuses.
        """
        if self._marker is not None:
            now = monotonic()
            if now - self._looked < _TRUST:  # else each of many modules cost a system call
                return
            if self._marker.is_own():
                self._looked = now
                return
        # Of two threads each has a marker; the one that is forgotten is closed.
        self._marker = self._directory.take(
            "set LITEBUNDLE_CACHE to a directory that can be written,"
            " or place the files ahead with `bundle place FILE --to DIR`"
        )


class PlacedDirectory:
    """The directory at `path` for the files of a unit; `mode` is that of new directories.

    What has a marker was complete. Later its files are known by size and time, as in git's index:
    placement gives all of them one time, kept in the marker, and one `stat` each (2 us; a digest
    would read them all at every start) tells those that somebody touched. Of these the content
    decides, and what differs is written again. So a file that was cut, altered, removed or lost
    with the power is put right at the next start; where there are many, within the hour (Django has
    4,000 files, and would start 7 ms later each time). Only who sets size and time back is
    believed: that takes the rights of the owner, against whom nothing here could be defended.
    """

    __slots__ = ("files", "mode", "path")

    def __init__(self, path: str, files: "UnitFiles") -> None:
        self.path = path
        self.mode = 0o700
        self.files = files

    def take(self, hint: str, *, thorough: bool = False) -> Marker:
        """Hold the directory, made if it is not there, and return its marker; see `enter`.

        Raises BundleIOError, with the hint, where the disk refuses.
        """
        try:
            return self.enter(thorough=thorough) or self._create()
        except BundleIOError:
            raise
        except OSError as error:
            raise BundleIOError(
                f"cannot place the files of {self.files.name}: {error.strerror}",
                errno=error.errno,
                file=error.filename or self.path,
                hint=hint,
            ) from error

    def enter(self, *, thorough: bool = False) -> Marker | None:
        """Hold the directory and return its marker, None if it is not there.

        Altered files have been put right; if `thorough`, those too that only look right. Raises
        OSError where the disk refuses.
        """
        marker = open_marker(self.path)
        while marker is not None:
            marker.share()
            if marker.stands():
                break
            marker = open_marker(self.path)  # it was just removed
        facts = None if marker is None else marker.read()
        if marker is None or facts is None:
            return None
        time, count = facts[:2]
        # Size and time are no proof of what was signed
        thorough = thorough or self.files.archive.signed
        # Whoever lets the record of the last use grow old looks at the files, too.
        if not thorough and count > _FEW and marker.is_recent():
            return marker
        suspects = [*self.files.listing.files] if thorough else self._touched(time)
        if suspects:
            from .placing import put_right

            put_right(self, suspects, time)
        marker.record_use()
        return marker

    def _create(self) -> Marker:
        from .placing import create  # most starts find all in place, and write nothing

        return create(self)

    def _touched(self, time: int) -> list[str]:
        """Return the files whose size or time is not that of their placement."""
        found = []
        files = self.files.stored  # it is only looked whether they are there
        for path, index in files.files.items():
            try:
                status = os.lstat(f"{self.path}/{path}")
            except (FileNotFoundError, NotADirectoryError):
                found.append(path)
            else:
                if status.st_size != files.size(index) or status.st_mtime_ns != time:
                    found.append(path)
        return found


class UnitFiles:
    """The files of the unit `name`, whose placement has that key; read when they are needed."""

    __slots__ = ("_listing", "_ref", "_stored", "archive", "key", "name")

    def __init__(self, archive: "Archive", ref: "Ref | None", key: bytes, name: str) -> None:
        if ref is None:
            raise BundleCorrupt(f"placed unit {name!r} without files", file=archive.path)
        self.archive = archive
        self.key = key
        self.name = name
        self._ref = ref
        self._listing: Listing | None = None
        self._stored: Listing | None = None

    @property
    def stored(self) -> "Listing":
        """The listing as the bundle has it: its files' names may lead anywhere."""
        if self._stored is None:
            self._stored = self.archive.part(self._ref, self.name)
        return self._stored

    @property
    def listing(self) -> "Listing":
        """The listing whose files' names are paths in the bundle; BundleCorrupt if one is not."""
        if self._listing is None:
            for path in self.stored.files:
                reason = misplaced(path, self.stored.files)
                if reason is not None:
                    raise self._damage(f"placed file {path!r} {reason}")
            self._listing = self.stored
        return self._listing

    def has_native(self) -> bool:
        """Tell whether the system's loader may be asked for one of them."""
        return any(map(self.listing.mentions, (".so", EXTENSION_SUFFIXES[-1])))

    def has_modules(self) -> bool:
        """Tell whether one of them is an extension module."""
        return any(path.endswith(tuple(EXTENSION_SUFFIXES)) for path in self.listing.files)

    def ref(self, path: str) -> "tuple[int, Ref]":
        """Return mode and reference of a file."""
        mode, ref = self.listing.file(self.listing.files[path])
        if ref is None:
            raise self._damage(f"placed file without content: {path!r}")
        return mode, ref

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        return self.archive.blob(self.ref(path)[1])

    def require_key(self, digests: "dict[str, str] | None" = None) -> None:
        """Raise BundleCorrupt unless the key is that of the files (FORMAT.md, "Listings").

        `digests` are SHA-256 of the contents, hexadecimal, by path, if they are known already.
        """
        key = sha256()()
        for path in self.listing.files:
            digest = digests[path] if digests else sha256()(self.read(path)).hexdigest()
            key.update(f"{self.ref(path)[0]:o} {digest} {path}\0".encode())
        if key.digest() != self.key:
            raise self._damage(
                "placed files of another key", expected=self.key.hex(), found=key.hexdigest()
            )

    def _damage(self, what: str, **fields: str) -> BundleCorrupt:
        return BundleCorrupt(
            f"{what}, of {self.name!r}",
            file=self.archive.path,
            hint="copy the file again, or build it again",
            **fields,  # type: ignore[arg-type]
        )


def unit_of(
    mount: Mount, archive: "Archive", listing: "Listing", name: str
) -> "Unit | HomelessUnit":
    """Return the unit that a module flagged PLACED belongs to; its files may not be there yet."""
    index = listing.find_placement(name)
    if index is None:
        raise BundleCorrupt(f"placed unit {name!r} without a placement", file=archive.path)
    level, key, ref = listing.placement(index)
    places = candidates()
    wanted = key.hex(), mount.path, *places
    known = _chosen.get(wanted)
    if known is not None:  # metadata asks for it once a file
        return known
    files = UnitFiles(archive, ref, key, name)
    root = ""
    # Two bundles in one process may have equal files but other code: each is served at its own.
    for directory in (key.hex(), f"{key.hex()}-{archive.identity[:16]}"):
        cache, refused = choose(places, directory, files.has_native)
        if cache is None:
            from .homeless import HomelessUnit

            return HomelessUnit(name, archive.path, refused, native=files.has_modules())
        root = os.path.join(cache, directory)
        if alias(root, mount) is mount:
            break
    unit = _units.setdefault(root, Unit(PlacedDirectory(root, files), sources=level == LEVEL_ALL))
    return _chosen.setdefault(wanted, unit)


def unit_at(path: str) -> Unit | None:
    """Return the unit that a path is below, None if there is none."""
    for root, unit in list(_units.items()):
        if path.startswith(root) and path[len(root) : len(root) + 1] in ("", os.sep):
            return unit
    return None


def misplaced(path: str, others: "dict[str, int]") -> str | None:
    """Return why a file cannot be placed under its name, None if it can."""
    from ..format.names import problem  # most starts find all in place, and follow no name

    reason = problem(path)
    if reason is not None:
        return reason
    if path.partition("/")[0] == _OWN:
        return "would take the place of the marker"
    if any(mark in path for mark in _MARKS):
        return "means something else on this system"
    above = path.rpartition("/")[0]
    while above:
        if above in others:
            return f"is below the file {above!r}"
        above = above.rpartition("/")[0]
    return None
