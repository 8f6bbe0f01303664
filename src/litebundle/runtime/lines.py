"""Source lines for those who know a file name only: warnings (A2).

linecache reads files, or asks the loader that it finds in a module's globals. The warnings module
formats a warning by file name and line number alone, so linecache has to find bundles by itself.
"""

from _frozen_importlib_external import PathFinder, SourceFileLoader, decode_source, path_sep

from .mount import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


class _LinecacheLoader(SourceFileLoader):
    """Load linecache as ever, and extend it."""

    def exec_module(self, module: "ModuleType") -> None:
        super().exec_module(module)
        extend(module)


def find_linecache() -> "ModuleSpec | None":
    """Return linecache's own spec, its loader exchanged for one that extends it."""
    spec = PathFinder.find_spec("linecache")
    if spec is not None and type(spec.loader) is SourceFileLoader:
        spec.loader = _LinecacheLoader(spec.name, spec.loader.path)
    return spec


def extend(linecache: "Any") -> None:
    """Have linecache look into bundles for files that are not on disk."""
    if hasattr(linecache.updatecache, "bundles"):
        return
    standard = linecache.updatecache

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

    updatecache.bundles = True  # type: ignore[attr-defined]
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
