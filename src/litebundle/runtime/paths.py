"""Paths into a bundle: what importlib.resources and importlib.metadata walk."""

import io
from _frozen_importlib_external import path_sep, path_separators

from .mount import mount_join, resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike
    from pathlib import Path, PurePath
    from typing import Any

    from .archive import Archive


class BundlePath:
    """A file or directory of a bundle, existing or not: importlib.resources.abc.Traversable.

    Missing things raise what pathlib's do. It is no os.PathLike: `open` could do nothing with it.
    """

    __slots__ = ("_archive", "_inside", "_root")

    def __init__(self, archive: "Archive", root: str, inside: str) -> None:
        self._archive = archive
        self._root = root
        self._inside = inside  # with `..` as given, which only means something below a directory

    def __str__(self) -> str:
        return mount_join(self._root, self._inside)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BundlePath):
            return NotImplemented
        return self._archive is other._archive and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> tuple[object, ...]:
        # By its name: an archive, with its descriptor, is neither pickled nor copied
        return _again, (self._root, self._inside)

    @property
    def root(self) -> str:
        """The path at which the bundle, or its placed files, are served."""
        return self._root

    @property
    def placed(self) -> bool:
        """Tell whether that is a directory on disk, where not all of its files have to be."""
        return self._root != self._archive.path

    @property
    def name(self) -> str:
        """The last component; the bundle's own name at its top."""
        return str(self).rpartition(path_sep)[2]

    @property
    def suffix(self) -> str:
        """What follows the last dot of the name, with it."""
        stem, dot, suffix = self.name.rpartition(".")
        return dot + suffix if stem else ""

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return self.name[: -len(self.suffix)] if self.suffix else self.name

    @property
    def parent(self) -> "BundlePath":
        """The directory above; the top's is the top."""
        return BundlePath(self._archive, self._root, self._inside.rpartition("/")[0])

    @property
    def mode(self) -> int:
        """The permission bits that the file was built with; 0 if it is none."""
        inside = self._stored()
        found = None if inside is None else self._archive.file(inside)
        return found[0] if found else 0

    def joinpath(self, *descendants: "str | PathLike[str]") -> "BundlePath | Path":
        """Return the path below this one; an absolute one replaces it, as in pathlib."""
        parts = self._inside.split("/") if self._inside else []
        for descendant in descendants:
            text = str(descendant)
            if text[:1] in path_separators and text:
                from .placed import PlacedPath

                return PlacedPath(self._root, *parts, *descendants)
            for separator in path_separators:
                text = text.replace(separator, "/")
            parts += [part for part in text.split("/") if part not in ("", ".")]
        return BundlePath(self._archive, self._root, "/".join(parts))

    def __truediv__(self, child: "str | PathLike[str]") -> "BundlePath | Path":
        return self.joinpath(child)

    def resolve(self) -> "BundlePath":
        """Return the path without `..`, where that leads anywhere."""
        inside = self._stored()
        return self if inside is None else BundlePath(self._archive, self._root, inside)

    def relative_to(self, other: "str | BundlePath", **options: "Any") -> "PurePath":
        """Return the way from another path to this one, as pathlib does."""
        from pathlib import PurePath

        return PurePath(str(self)).relative_to(str(other), **options)

    def exists(self) -> bool:
        """Tell whether there is a file or directory."""
        return self.is_file() or self.is_dir()

    def is_file(self) -> bool:
        """Tell whether it is a file."""
        inside = self._stored()
        return inside is not None and self._archive.file(inside) is not None

    def is_dir(self) -> bool:
        """Tell whether it is a directory."""
        inside = self._stored()
        return inside is not None and self._archive.listing(inside) is not None

    def iterdir(self) -> "Iterator[BundlePath]":
        """Yield what is in the directory; raises NotADirectoryError or FileNotFoundError."""
        inside = self._stored()
        listing = None if inside is None else self._archive.listing(inside)
        if listing is None:
            if self.is_file():
                raise NotADirectoryError(20, "Not a directory", str(self))
            raise self._archive.missing(self._inside, str(self))
        prefix = f"{self._inside}/" if self._inside else ""
        return (
            BundlePath(self._archive, self._root, prefix + name)
            for names in (listing.directories, listing.files)
            for name in names
        )

    def read_bytes(self) -> bytes:
        """Return the content; raises FileNotFoundError or IsADirectoryError."""
        inside = self._stored()
        data = None if inside is None else self._archive.read(inside)
        if data is None:
            raise self._archive.missing(inside or self._inside, str(self))
        return data

    def read_text(
        self, encoding: str | None = None, errors: str | None = None, newline: str | None = None
    ) -> str:
        """Return the decoded content, line endings made LF unless `newline` says otherwise."""
        encoding = io.text_encoding(encoding)
        with self.open("r", -1, encoding, errors, newline) as file:
            text: str = file.read()
        return text

    def open(
        self,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> "Any":
        """Return a file object to read from, as pathlib's `open`.

        Raises OSError (EROFS) for modes that would write.
        """
        if set(mode) & set("wax+") and set(mode) <= set("rwaxbt+"):
            raise OSError(30, "Read-only file system", str(self))
        if mode not in ("r", "rb", "br", "rt", "tr"):
            raise ValueError(f"invalid mode: {mode!r}")
        raw = _Content(self.read_bytes())
        raw.name, raw.mode = str(self), "rb"
        if "b" in mode:
            return io.BufferedReader(raw) if buffering else raw
        stream = io.TextIOWrapper(
            io.BufferedReader(raw), io.text_encoding(encoding), errors, newline
        )
        stream.mode = mode  # type: ignore[misc]  # as `io.open` does
        return stream

    def _stored(self) -> str | None:
        """Return where in the bundle that is; None where a file system would find nothing."""
        if ".." not in self._inside:
            return self._inside
        return self._archive.normalized(self._inside.split("/"))


class _Content(io.BytesIO):
    """What a file object of `open` reads from: it has a name, and is not for writing."""

    name: str
    mode: str

    def writable(self) -> bool:
        return False


def path_at(path: str) -> BundlePath | None:
    """Return a path of the file system as one in a bundle, None if it is not there."""
    found = resolve(path)
    if found is None:
        return None
    mount, directory, location = found
    root = location[: -len(directory) - 1] if directory else location
    return BundlePath(mount.archive, root, directory)


def _again(root: str, inside: str) -> BundlePath:
    """Return the path that was pickled; raises FileNotFoundError if its bundle is gone."""
    found = resolve(root)
    if found is None:
        raise FileNotFoundError(2, "No such file or directory", root)
    return BundlePath(found[0].archive, root, inside)
