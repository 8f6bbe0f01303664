"""Paths of placed packages: on disk, together with the sources that stay in the bundle (A3)."""

import sys
from io import text_encoding
from pathlib import Path

from .paths import BundlePath, path_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    _Base = Path
else:
    _Base = type(Path())  # only since 3.12 can Path itself be a base

# What `Path(path)` takes from another path: it does not ask for the string.
_state: "Any" = getattr(_Base, "_raw_paths" if sys.version_info >= (3, 12) else "_parts")


class PlacedPath(_Base):
    """A path below a placed unit; the files are put there when someone takes it for a string.

    What is not on disk, since only `data` is placed, is read from the bundle: sources, and
    directories with nothing else in them.
    """

    __slots__ = ()

    def _taken(self) -> "Any":
        _place(self._text())
        return _state.__get__(self)

    if sys.version_info >= (3, 12):
        _raw_paths = property(_taken, _state.__set__)
    else:
        _parts = property(_taken, _state.__set__)

    def _text(self) -> str:
        """Return the string, and place nothing for it."""
        from os.path import join

        text: str = join(*_state.__get__(self))
        return text

    def __fspath__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        _place(self._text())
        return super().__str__()

    def exists(self, **options: "Any") -> bool:
        """Tell whether there is a file or directory."""
        stored = self.stored()
        return (stored is not None and stored.exists()) or super().exists(**options)

    def is_file(self, **options: "Any") -> bool:
        """Tell whether it is a file."""
        stored = self.stored()
        return (stored is not None and stored.is_file()) or super().is_file(**options)

    def is_dir(self, **options: "Any") -> bool:
        """Tell whether it is a directory."""
        stored = self.stored()
        return (stored is not None and stored.is_dir()) or super().is_dir(**options)

    def iterdir(self) -> "Iterator[PlacedPath]":  # type: ignore[override]  # a generator there
        """Yield what is in the directory, on disk or only in the bundle."""
        stored = self.stored()
        if stored is None or not stored.exists():
            return super().iterdir()
        if not stored.is_dir():
            raise NotADirectoryError(20, "Not a directory", str(self))
        names = {child.name: None for child in stored.iterdir()}
        if super().is_dir():  # what the program has written beside them is there too
            names.update((child.name, None) for child in super().iterdir())
        return (self / name for name in names)

    def open(self, *args: "Any", **kwargs: "Any") -> "Any":
        """Open the file, on disk if it is there."""
        try:
            return super().open(*args, **kwargs)
        except FileNotFoundError:
            stored = self.stored()
            if stored is None or not stored.exists():
                raise
        return stored.open(*args, **kwargs)

    def read_bytes(self) -> bytes:
        """Return the content."""
        with self.open("rb", 0) as file:
            data: bytes = file.read()
        return data

    def read_text(self, encoding: str | None = None, *args: "Any", **kwargs: "Any") -> str:
        """Return the decoded content."""
        encoding = text_encoding(encoding)
        with self.open("r", -1, encoding, *args, **kwargs) as file:
            text: str = file.read()
        return text

    def relative_to(self, *other: "Any", **options: "Any") -> "Any":
        """Return the way from another path, which may be one in a bundle."""
        return super().relative_to(*map(str, other), **options)

    def stored(self) -> BundlePath | None:
        """Return the path as one in the bundle."""
        return path_at(self._text())

    def on_disk(self) -> bool:
        """Tell whether it is there for those who know a string only, with all that is below."""
        stored = self.stored()
        if stored is not None and stored.is_dir() and super().is_dir():
            return all(child.on_disk() for child in self.iterdir())
        return super().exists()


def _place(path: str) -> None:
    from .files import unit_at

    unit = unit_at(path)
    if unit is not None:
        unit.place()
