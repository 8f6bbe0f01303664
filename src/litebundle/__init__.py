"""Ship Python programs as one file and import straight out of it.

In a deployed app::

    import sys
    import litebundle

    litebundle.install()
    sys.path.insert(0, "app.bundle")

The names below are imported when they are first used: a process that only imports from a bundle
never loads the builder.
"""

__version__ = "0.1.0"

_HOMES = {
    "BuildError": ".errors",
    "BundleCorrupt": ".errors",
    "BundleError": ".errors",
    "BundleIOError": ".errors",
    "BundleVersionError": ".errors",
    "Options": ".builder",
    "Report": ".builder",
    "build": ".builder",
    "install": ".runtime.install",
    "path_hook": ".runtime.finder",
}

__all__ = ["__version__", *_HOMES]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .builder import Options, Report, build
    from .errors import BuildError, BundleCorrupt, BundleError, BundleIOError, BundleVersionError
    from .runtime.finder import path_hook
    from .runtime.install import install


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # `__import__` and not importlib.import_module: importlib is a module more.
    module = __import__(__name__ + home, None, None, [name])
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
