"""Loaders of others that are given a path in a bundle (A1, I4).

Import hooks put a loader of their own in the place of a module's, for the same path (typeguard's
does), and programs make modules of paths that they put together (`spec_from_file_location`). All of
them read by importlib's FileLoader, which learns here where else to look.
"""

from _frozen_importlib_external import FileLoader

from .mount import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_standard = FileLoader.get_data


def extend_file_loader() -> None:
    """Have FileLoader read from bundles what is not on disk."""
    FileLoader.get_data = _get_data  # type: ignore[method-assign]


def _get_data(self: FileLoader, path: "Any") -> bytes:
    try:
        return _standard(self, path)
    except (FileNotFoundError, NotADirectoryError):
        data = _stored(str(path))
        if data is None:
            raise
        return data


def _stored(path: str) -> bytes | None:
    found = resolve(path)
    if found is None or path[-1:] == "/":
        return None
    mount, inside, location = found
    data = mount.archive.read(inside)
    root = location[: -len(inside) - 1]
    if data is not None and root != mount.archive.path:
        from .files import unit_at

        unit = unit_at(root)
        if unit is not None:  # the module is about to run, and to open what is beside it
            unit.place()
    return data
