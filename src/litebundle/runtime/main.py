"""What a fresh interpreter does to run a program out of a bundle; `bundle run` starts this file.

    python main.py FILE -m MODULE ARGS    as `python -m MODULE ARGS`
    python main.py FILE -c CODE ARGS      as `python -c CODE ARGS`
    python main.py FILE MODULE:NAME ARGS  as the script of that entry point would

As for `python DIRECTORY`, the bundle takes the place of the working directory in front of
`sys.path`, and everything else on it stays: the environment's packages are behind the bundle's.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    from .finder import BundleFinder


def run(path: str, target: str, arguments: list[str]) -> None:
    """Run a program of a bundle as `__main__`, and raise what it raises.

    Raises SystemExit, after a message, if the file is no bundle or the target is not in it.
    """
    _serve(path)
    main = _fresh_main()
    if target == "-m":
        import runpy

        sys.argv[:] = ["-m", *arguments[1:]]
        # Private, but what the interpreter itself calls for -m: messages, `__main__` and the end
        # of the process are Python's. run_module(alter_sys=True) would take `__main__` away from
        # the threads and exit handlers that outlive it.
        runpy._run_module_as_main(arguments[0])  # type: ignore[attr-defined]  # noqa: SLF001
    elif target == "-c":
        sys.argv[:] = ["-c", *arguments[1:]]
        exec(_compiled(arguments[0]), main)
    else:
        sys.argv[:] = [path, *arguments]
        sys.exit(_entry_point(path, target)())


def _entry_point(path: str, target: str) -> "Any":
    """Import what "module:name.name" means; a target that is not there is the user's mistake."""
    module, _, names = target.partition(":")
    try:
        __import__(module)
    except ModuleNotFoundError as error:
        if not _is_above(error.name, module):
            raise
        _fail(str(error), f"`bundle list {path} --modules` shows what can be imported")
    found: Any = sys.modules[module]
    for name in names.split("."):
        if not hasattr(found, name):
            _fail(f"module {module!r} has no {names!r}", "name a function: MODULE:NAME")
        found = getattr(found, name)
    return found


def _serve(path: str) -> None:
    """Install the hook, and put the bundle first on `sys.path`."""
    from ..errors import BundleError
    from .install import install

    install()
    try:
        finder = _finder(path)
    except BundleError as error:
        _fail(error.cause, error.hint)
    sys.path.insert(0, finder.path)
    sys.path_importer_cache[finder.path] = finder


def _finder(path: str) -> "BundleFinder":
    from ..errors import BundleError
    from .archive import open_archive
    from .finder import path_hook

    try:
        return path_hook(path)
    except ImportError:
        open_archive(path)  # tells of a file that is not there or cannot be read
        raise BundleError(
            "not a bundle", file=path, hint="name a file that `bundle build` wrote"
        ) from None


def _fresh_main() -> dict[str, object]:
    """Replace `__main__`, which is this file, by the module that `python -c` starts with."""
    import builtins
    from _frozen_importlib import BuiltinImporter

    main = type(sys)("__main__")
    main.__dict__.update(__annotations__={}, __builtins__=builtins, __loader__=BuiltinImporter)
    sys.modules["__main__"] = main
    return main.__dict__


def _compiled(source: str) -> "CodeType":
    if sys.version_info >= (3, 13):  # since then tracebacks show the lines of -c
        import linecache

        lines = source.splitlines(keepends=True)
        linecache.cache["<string>"] = len(source), None, lines, "<string>"
    return compile(source, "<string>", "exec", dont_inherit=True)


def _is_above(name: str | None, module: str) -> bool:
    """Tell whether it is the module itself, or a package it is in, that was not found."""
    return name is not None and f"{module}.".startswith(f"{name}.")


def _fail(cause: str, hint: str | None) -> None:
    text = f"error: {cause}\n" + (f"hint: {hint}\n" if hint else "")
    sys.stderr.write(text)
    sys.exit(1)


def _trim(error: BaseException, files: set[str]) -> None:
    """Take the outermost frames, those of the files, out of an exception's traceback."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename in files:
        frames = frames.tb_next
    error.__traceback__ = frames


if __name__ == "__main__":
    # The directory of a script comes first on the path, and this one's modules are named like the
    # standard library's: it has to go before anything is imported.
    if not sys.flags.safe_path:
        del sys.path[0]
    from _frozen_importlib_external import path_sep

    sys.path.insert(0, __file__.rsplit(path_sep, 3)[0])
    from litebundle.runtime.main import run

    del sys.path[0]
    try:
        run(sys.argv[1], sys.argv[2], sys.argv[3:])
    except BaseException as error:
        _trim(error, {__file__, run.__code__.co_filename})
        raise  # adds no frame again
