"""The files of a unit as the bundle has them, and whether that is what may be put on disk.

A bundle may be anybody's (`bundle place`), and a directory of placed files is shared with others by
its key: so no name leads out of the directory, and the key is what the contents say it is.
"""

from _frozen_importlib_external import EXTENSION_SUFFIXES, path_separators

from ..errors import BundleCorrupt
from .standard import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..format.listing import Listing, Ref
    from .archive import Archive

_OWN = ".litebundle"  # as in a bundle: nobody's but ours
# On Windows: a second separator, and what ends a drive, or begins a stream of a file
_MARKS = [*(set(path_separators) - {"/"}), ":"] if len(path_separators) > 1 else []


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
