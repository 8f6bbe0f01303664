"""Putting the hook where the import system looks."""

import sys
from _frozen_importlib_external import FileFinder, PathFinder
from _imp import acquire_lock, release_lock

from .descriptor import absolute
from .extend import BundleMetaFinder, extend_present
from .finder import BundleFinder, path_hook
from .foreign import extend_loaders
from .mount import look_for_trust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike


def install(trust: "str | PathLike[str] | None" = None) -> None:
    """Make `sys.path` entries that are bundles importable; doing it again changes nothing.

    The hook goes first, before zipimport's, which would take zip bundles. From bundles that a key
    named in the file `trust` did not sign nothing is imported (TRUST.md), in addition to what the
    system and the environment ask for. Raises BundleSignatureError if the file says nothing, or
    does not admit a bundle that is open already.
    """
    if trust is not None:
        path = trust if isinstance(trust, str) else getattr(trust, "__fspath__", lambda: None)()
        if not isinstance(path, str):
            kind = type(trust).__name__
            raise TypeError(f"trust is the path of a file, a str or os.PathLike, not {kind}")
        trust = absolute(path)
    trusted = look_for_trust(trust)
    if trusted:
        from .closed import close_names

        close_names()
    extend_loaders()
    if sys.version_info < (3, 13):
        from .tracebacks import extend_excepthook

        extend_excepthook()
    extend_present()  # the others when they come, by the BundleMetaFinder
    # Threads may be here at once. The import system's own lock is the one that fork waits for;
    # nothing is imported while it is held, as that would wait for the locks of modules.
    acquire_lock()
    try:
        fresh = path_hook not in sys.path_hooks
        if fresh:
            sys.path_hooks.insert(0, path_hook)
        if not any(isinstance(finder, BundleMetaFinder) for finder in sys.meta_path):
            # Before the finder of standard modules, some of which are to be extended
            index = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else 0
            sys.meta_path.insert(index, BundleMetaFinder())
    finally:
        release_lock()
    if fresh or trusted:
        _forget_others()


def _forget_others() -> None:
    # Entries that were looked at before, and found to be nobody's or a plain zip's, which may be a
    # bundle after all, or refused where a key is configured. Those of directories stay: the hook
    # refuses them, and their finders' caches are worth keeping.
    for path, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, (FileFinder, BundleFinder)):
            continue
        try:
            path_hook(path)
        except ImportError:
            continue
        except Exception:  # noqa: BLE001, S110  # a damaged bundle: let the import itself say so
            pass
        sys.path_importer_cache.pop(path, None)
