"""Extension modules without a file that could be mapped: loaded from memory (memfd, Linux).

For machines where nothing can be written, or nothing that was written be executed. The libraries
that an extension needs beside it are loaded before it in the same way: the dynamic linker then
finds them by name. What a module loads by a path of its own making is beyond this.
"""

import os
import sys
from _frozen_importlib import ModuleSpec
from _imp import create_dynamic

from ..errors import BundleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from .archive import Archive

_paths: dict[tuple[str, str], str] = {}  # by identity and path in the bundle
_libraries: list[object] = []  # which are never unloaded


def create_module(archive: "Archive", inside: str, spec: ModuleSpec) -> "ModuleType":
    """Create the extension module that is in a bundle; raises what importing it from a file does.

    Raises BundleError where the system has no files in memory.
    """
    tried: set[str] = set()
    while True:
        path = _path_of(archive, inside)
        stand_in = ModuleSpec(spec.name, spec.loader, origin=path)
        stand_in.submodule_search_locations = spec.submodule_search_locations
        try:
            module: ModuleType = create_dynamic(stand_in)
        except ImportError as error:
            if not _load_library(archive, inside, str(error), tried):
                error.path = spec.origin
                raise
        else:
            # Modules of one phase, and those of Cython, have taken it from the spec.
            module.__file__ = spec.origin
            return module


def _load_library(archive: "Archive", inside: str, message: str, tried: set[str]) -> bool:
    """Load the library that the linker has missed, by its message; tell whether that was new."""
    name = message.partition(":")[0]  # "libname.so.1: cannot open shared object file: ..."
    top = inside.partition("/")[0]
    found = _find(archive, top, name) or _find(archive, "", name)
    if not name or found is None or found in tried:
        return False
    tried.add(found)  # once: it may be known by another name than its file's, or need itself
    from ctypes import CDLL

    while True:
        try:
            _libraries.append(CDLL(_path_of(archive, found)))
        except OSError as error:
            if not _load_library(archive, found, str(error), tried):
                return False
        else:
            return True


def _find(archive: "Archive", directory: str, name: str) -> str | None:
    listing = archive.listing(directory)
    if listing is None:
        return None
    prefix = f"{directory}/" if directory else ""
    if name in listing.files:
        return prefix + name
    inner = (_find(archive, prefix + child, name) for child in listing.directories)
    return next((path for path in inner if path is not None), None)


def _path_of(archive: "Archive", inside: str) -> str:
    """Return a path that leads to a file's content in memory, always the same for one file."""
    key = archive.identity, inside
    path = _paths.get(key)
    if path is None:
        data = archive.read(inside)
        if data is None:
            raise archive.missing(inside, inside)
        if not hasattr(os, "memfd_create"):
            raise BundleError(
                f"{sys.platform} loads no extension module without a file: {inside}",
                file=archive.path,
                hint="set LITEBUNDLE_CACHE to a directory of your own that can be written",
            )
        fd = os.memfd_create(inside.rpartition("/")[2][:200])
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        # Unique even if the program closes all descriptors: the linker knows files by their names.
        path = _paths.setdefault(key, f"/proc/self/fd/{'/' * len(_paths)}{fd}")
    return path
