"""Source lines, for linecache and all who ask it (A2).

It reads files, or asks the loader that it finds in a module's globals. The warnings module formats
a warning by file name and line number alone, so linecache has to find bundles by itself. And what
loaders give it splits at form feeds and others, which are no ends of lines in files.
"""

import sys
from _frozen_importlib_external import decode_source

from .descriptor import kind_of
from .mount import told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .archive import Archive


def extend(linecache: "Any") -> None:
    """Have linecache look into bundles for files that are not on disk."""
    standard = getattr(linecache, "updatecache", None)
    if standard is None or standard.__module__ == __name__:
        return  # another module of that name, or extended already

    def updatecache(filename: str, module_globals: object = None) -> list[str]:
        found = told(filename) if filename.endswith(".py") else None
        if found is None or kind_of(filename) is not None:
            lines: list[str] = standard(filename, module_globals)
            return lines
        # The loader knows best: an older file may be served than the one that stands there now
        source = None
        if linecache.lazycache(filename, module_globals):
            source = _called(linecache.cache.pop(filename)[0])
        if source is None:  # nobody to ask; or `__main__`, which loaders do not know by that name
            source = _source(filename, found[0].archive, found[1])
        if source is None:
            return []
        # Not splitlines, which takes form feeds and others for ends of lines too
        lines = [line + "\n" for line in source.removesuffix("\n").split("\n")]
        linecache.cache[filename] = len(source), None, lines, filename
        return lines

    linecache.updatecache = updatecache


def _called(get_source: "Callable[[], str | None]") -> str | None:
    try:
        return get_source()
    except Exception:  # noqa: BLE001  # linecache answers with no lines, whatever is wrong
        return None


def _source(filename: str, archive: "Archive", inside: str) -> str | None:
    # Whoever asks by name alone means the module of that name, if there is one
    try:
        for module in list(sys.modules.values()):
            # Not by getattr: a module that is loaded lazily would be loaded
            try:
                names = object.__getattribute__(module, "__dict__")
            except AttributeError:  # there may be anything, None too
                continue
            if names.get("__file__") == filename:
                name = getattr(names.get("__spec__"), "name", None) or names["__name__"]  # __main__
                source: str | None = names["__loader__"].get_source(name)
                return source
        data = archive.read(inside)
        return None if data is None else decode_source(data)
    except Exception:  # noqa: BLE001  # linecache answers with no lines, whatever is wrong
        return None
