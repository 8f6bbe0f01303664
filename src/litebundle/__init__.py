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
    "Bundle": ".inspect.bundle",
    "BuildError": ".errors",
    "BundleCorrupt": ".errors",
    "BundleError": ".errors",
    "BundleIOError": ".errors",
    "BundleSignatureError": ".errors",
    "BundleVersionError": ".errors",
    "Inputs": ".collect.inputs",
    "Options": ".builder",
    "Report": ".report",
    "Selection": ".collect.selection",
    "build": ".builder",
    "install": ".runtime.install",
    "path_hook": ".runtime.finder",
}

TYPE_CHECKING = False
if TYPE_CHECKING:  # for type checkers and editors
    from .builder import Options as Options
    from .builder import build as build
    from .collect.inputs import Inputs as Inputs
    from .collect.selection import Selection as Selection
    from .errors import BuildError as BuildError
    from .errors import BundleCorrupt as BundleCorrupt
    from .errors import BundleError as BundleError
    from .errors import BundleIOError as BundleIOError
    from .errors import BundleSignatureError as BundleSignatureError
    from .errors import BundleVersionError as BundleVersionError
    from .inspect.bundle import Bundle as Bundle
    from .report import Report as Report
    from .runtime.finder import path_hook as path_hook
    from .runtime.install import install as install


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
