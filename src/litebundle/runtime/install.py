"""Putting the hook where the import system looks."""

import sys
from _frozen_importlib_external import FileFinder, PathFinder

from .finder import path_hook
from .metadata import MetadataFinder
from .namespace import extend_loader


def install() -> None:
    """Make `sys.path` entries that are bundles importable; doing it again changes nothing.

    The hook goes first, before zipimport's, which would take zip bundles.
    """
    if path_hook not in sys.path_hooks:
        sys.path_hooks.insert(0, path_hook)
        _forget_others()
    extend_loader()
    if "linecache" in sys.modules:  # else it is extended when it comes, by the MetadataFinder
        from .lines import extend

        extend(sys.modules["linecache"])
    if not any(isinstance(finder, MetadataFinder) for finder in sys.meta_path):
        # Before the standard finder of distributions: the bundle in front of a directory counts.
        index = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else 0
        sys.meta_path.insert(index, MetadataFinder())


def _forget_others() -> None:
    # Entries that were looked at before, and found to be nobody's or a plain zip's. Those of
    # directories stay: the hook refuses them, and their finders' caches are worth keeping.
    for path, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, FileFinder):
            continue
        try:
            path_hook(path)
        except ImportError:
            continue
        except Exception:  # noqa: BLE001, S110  # a damaged bundle: let the import itself say so
            pass
        sys.path_importer_cache.pop(path, None)
