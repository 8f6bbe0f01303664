"""Source lines for those who know a file name only: warnings (A2).

linecache reads files, or asks the loader that it finds in a module's globals. The warnings module
formats a warning by file name and line number alone, so linecache has to find bundles by itself.
"""

from _frozen_importlib_external import decode_source, path_sep

from .mount import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def extend(linecache: "Any") -> None:
    """Have linecache look into bundles for files that are not on disk."""
    standard = getattr(linecache, "updatecache", None)
    if standard is None or standard.__module__ == __name__:
        return  # another module of that name, or extended already

    def updatecache(filename: str, module_globals: object = None) -> list[str]:
        lines: list[str] = standard(filename, module_globals)
        if lines or not filename.endswith(".py"):
            return lines
        source = _source(filename)
        if source is None:
            return lines
        # Not splitlines, which takes form feeds and others for ends of lines too
        lines = [line + "\n" for line in source.removesuffix("\n").split("\n")]
        linecache.cache[filename] = len(source), None, lines, filename
        return lines

    linecache.updatecache = updatecache


def _source(filename: str) -> str | None:
    directory, _, name = filename.rpartition(path_sep)
    try:
        found = resolve(directory)
        if found is None:
            return None
        mount, inside, _ = found
        data = mount.archive.read(f"{inside}/{name}" if inside else name)
        return None if data is None else decode_source(data)
    except Exception:  # noqa: BLE001  # linecache answers with no lines, whatever is wrong
        return None
