"""Paths into a bundle: what importlib.resources and importlib.metadata walk."""

import io
from _frozen_importlib_external import path_sep, path_separators

from .mount import mount_join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike
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
        self._inside = inside

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

    def joinpath(self, *descendants: "str | PathLike[str]") -> "BundlePath":
        """Return the path below this one; `..` leads up, as far as the bundle reaches."""
        parts = self._inside.split("/") if self._inside else []
        for descendant in descendants:
            text = str(descendant)
            for separator in path_separators:
                text = text.replace(separator, "/")
            for part in text.split("/"):
                if part == "..":
                    del parts[-1:]
                elif part not in ("", "."):
                    parts.append(part)
        return BundlePath(self._archive, self._root, "/".join(parts))

    def __truediv__(self, child: "str | PathLike[str]") -> "BundlePath":
        return self.joinpath(child)

    def exists(self) -> bool:
        """Tell whether there is a file or directory."""
        return self.is_file() or self.is_dir()

    def is_file(self) -> bool:
        """Tell whether it is a file."""
        return self._archive.file(self._inside) is not None

    def is_dir(self) -> bool:
        """Tell whether it is a directory."""
        return self._archive.listing(self._inside) is not None

    def iterdir(self) -> "Iterator[BundlePath]":
        """Yield what is in the directory; raises NotADirectoryError or FileNotFoundError."""
        listing = self._archive.listing(self._inside)
        if listing is None:
            if self.is_file():
                raise NotADirectoryError(20, "Not a directory", str(self))
            raise FileNotFoundError(2, "No such file or directory", str(self))
        return (self.joinpath(name) for name in [*listing.directories, *listing.files])

    def read_bytes(self) -> bytes:
        """Return the content; raises FileNotFoundError or IsADirectoryError."""
        data = self._archive.read(self._inside)
        if data is None:
            raise self._archive.missing(self._inside, str(self))
        return data

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
        """Return the decoded content, line endings made LF."""
        with self.open("r", encoding=encoding, errors=errors) as file:
            text: str = file.read()
        return text

    def open(self, mode: str = "r", *args: "Any", **kwargs: "Any") -> "Any":
        """Return a file object to read from; further arguments are io.TextIOWrapper's."""
        if mode not in ("r", "rb", "rt"):
            raise ValueError(f"Invalid mode value {mode!r}, only 'r' and 'rb' are supported")
        stream = io.BytesIO(self.read_bytes())
        if mode == "rb":
            return stream
        if not args or args[0] is None:
            kwargs["encoding"] = io.text_encoding(kwargs.get("encoding"))
        return io.TextIOWrapper(stream, *args, **kwargs)
