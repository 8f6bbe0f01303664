"""Modules of others that have to know of bundles: extended when they come, not imported for it.

They are the standard library's and a few that everybody has. Each has a module of ours that says
how: its `extend` is given the other one, once executed; its `prepare`, if it has one, before.
"""

import sys
from _frozen_importlib_external import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

_EXTENSIONS = {
    "coverage.python": "coverage",
    "cv2": "opencv",
    "importlib.metadata": "metadata",
    "importlib_metadata": "metadata",  # the backport
    "joblib.externals.loky.backend.spawn": "children",
    "linecache": "lines",
    "loky.backend.spawn": "children",
    "multiprocess.spawn": "children",  # pathos'
    "multiprocessing.spawn": "children",
    "pdb": "debugger",
    "pkg_resources": "workingset",
}
if sys.version_info < (3, 13):
    _EXTENSIONS["threading"] = "tracebacks"


class BundleMetaFinder:
    """An entry of `sys.meta_path` by which standard modules are extended when they come."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def invalidate_caches(self) -> None:
        """Look at every bundle's file again (F6).

        PathFinder asks the finders of absolute path entries, and forgets those of relative ones.
        """
        from .mount import refresh_all

        refresh_all()

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> "ModuleSpec | None":
        """Leave modules to the path hook, but for the standard ones of the table above."""
        return find_extended(fullname, path)


def add(name: str, home: str) -> None:
    """Extend one more module, by ours of the name `home`: now, or when it comes."""
    _EXTENSIONS[name] = home
    if name in sys.modules:
        _call(name, "extend", sys.modules[name])


def extend_present() -> None:
    """Extend those that are imported already; doing it again changes nothing."""
    for name in _EXTENSIONS:
        if name in sys.modules:
            _call(name, "extend", sys.modules[name])


def find_extended(fullname: str, path: "Any") -> "ModuleSpec | None":
    """Return the standard spec of a module that is to be extended, None for all others."""
    if fullname not in _EXTENSIONS:
        return None
    return extended(fullname, PathFinder.find_spec(fullname, path))


def extended(fullname: str, spec: "ModuleSpec | None") -> "ModuleSpec | None":
    """Return the spec, by which the module is extended once executed if it is one of the table."""
    if fullname in _EXTENSIONS and spec is not None and hasattr(spec.loader, "exec_module"):
        spec.loader = _ExtendingLoader(spec.loader)  # type: ignore[assignment]  # by __getattr__
    return spec


class _ExtendingLoader:
    """Stand in for a module's loader, of whatever kind, until the module is executed."""

    def __init__(self, loader: "Any") -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._loader, name)

    def __reduce__(self) -> "tuple[Any, ...]":
        return _itself, (self._loader,)

    def exec_module(self, module: "ModuleType") -> None:
        """Give the module its own loader back, load it as ever, and extend it."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        name = module.__name__
        _call(name, "prepare", module)
        self._loader.exec_module(module)
        _call(name, "extend", module)


def _nothing(module: "ModuleType") -> None:
    """Do what most have to do before: nothing."""


def _itself(loader: "Any") -> "Any":
    return loader


def _call(name: str, what: str, module: "ModuleType") -> None:
    home = __import__(f"{__package__}.{_EXTENSIONS[name]}", None, None, ["extend"])
    try:
        getattr(home, what, _nothing)(module)
    except (AttributeError, TypeError):
        pass  # of a shape that is not known here: as it is, it is better than not at all
