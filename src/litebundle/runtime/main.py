"""Running a program out of a bundle, as a program; `bundle run` starts this file for it.

    python main.py FILE -m MODULE ARGS    as `python -m MODULE ARGS`
    python main.py FILE -c CODE ARGS      as `python -c CODE ARGS`
    python main.py FILE MODULE:NAME ARGS  as the script of that entry point would
    python main.py FILE -- ARGS           as `python FILE ARGS`, but by this runtime

As for `python DIRECTORY`, the bundle takes the place of the working directory in front of
`sys.path`, and everything else on it stays: the environment's packages are behind the bundle's.
A bundle that is started itself comes here by way of launch.py.
"""

import sys
from _frozen_importlib_external import path_sep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, TracebackType
    from typing import Any, NoReturn

    from .finder import BundleFinder


class EndOfProgram:
    """A context whose end is the program's: what it does not catch is told without our frames.

    The frames of those who called are only there once it is told, so it is done in the hook. It is
    that of the program, if it has put its own there.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: "TracebackType | None",
    ) -> None:
        if error is None or isinstance(error, SystemExit):
            return
        home = __file__.rpartition(path_sep)[0]
        while frames is not None and frames.tb_frame.f_code.co_filename.startswith(home):
            frames = frames.tb_next
        hook = sys.excepthook

        def excepthook(
            kind: type[BaseException], value: BaseException, traceback: "TracebackType | None"
        ) -> None:
            if value is error:
                traceback = frames
                value = value.with_traceback(frames)
            hook(kind, value, traceback)

        sys.excepthook = excepthook


def open_bundle(path: str) -> "BundleFinder":
    """Install the hook, and put the bundle first on `sys.path`; return its finder.

    Raises SystemExit, after a message, if the file is no sound bundle, or a configured trust file
    says nothing.
    """
    from ..errors import BundleError
    from .install import install

    try:
        install()
        finder = _finder(path)
    except BundleError as error:
        fail(error.cause, error.hint)
    sys.path.insert(0, finder.path)
    sys.path_importer_cache[finder.path] = finder
    return finder


def run_module(name: str) -> None:
    """Run a module as `python -m` does."""
    import runpy

    fresh_main()
    # Private, but what the interpreter itself calls for -m: messages, `__main__` and the end of
    # the process are Python's. run_module(alter_sys=True) would take `__main__` away from the
    # threads and exit handlers that outlive it. `python DIRECTORY` says False.
    runpy._run_module_as_main(name, name != "__main__")  # type: ignore[attr-defined]  # noqa: SLF001


def run_code(source: str) -> None:
    """Run a program as `python -c` does."""
    main = fresh_main()
    exec(_compiled(source), main)


def run_entry_point(path: str, target: str) -> None:
    """Run the script of an entry point "module:name.name", as installers write it.

    Raises SystemExit with what it returns, or after a message if it is not there.
    """
    fresh_main(__file__=path)
    sys.exit(_entry_point(path, target)())


def run_script(finder: "BundleFinder", script: str, path: str) -> None:
    """Run a file of the bundle as `python FILE` does, its directory being first on `sys.path`.

    `sys.argv[0]` stays what was started, so that a program can start itself again with it.
    """
    from .finder import path_hook
    from .mount import mount_join

    directory, _, filename = script.rpartition("/")
    if directory:
        finder = path_hook(mount_join(finder.path, directory))
        sys.path.insert(0, finder.path)
    name = filename.removesuffix(".py")
    spec = finder.find_spec(name) if name != filename else None
    if spec is not None and spec.loader is not None:
        loader: Any = spec.loader
        loader.name = "__main__"  # as for a file, so that it is asked for the source of `__main__`
        code = loader.get_code("__main__")
        exec(code, fresh_main(__file__=spec.origin, __cached__=None, __loader__=loader))
        return
    source = finder.place[0].read(script)
    if source is None:
        fail(f"{path}: no script {script!r} in it", f"`bundle list {path}` shows what is")
    origin = mount_join(finder.root, script)
    exec(compile(source, origin, "exec", dont_inherit=True), fresh_main(__file__=origin))


def run_path(path: str) -> None:
    """Run a file as `python FILE` does, also one in a bundle.

    "" is a dialogue with whoever types, "-" what is piped.
    """
    if path in ("", "-"):
        main = fresh_main()
        if path or not sys.stdin.isatty():
            exec(compile(sys.stdin.read(), "<stdin>", "exec", dont_inherit=True), main)
            return
        import code
        from contextlib import suppress

        with suppress(ImportError):
            import readline  # noqa: F401  # what edits the lines typed
        code.interact(local=main, exitmsg="")
        return
    import io
    import os

    try:
        with io.open_code(os.path.abspath(path)) as file:
            source = file.read()
    except OSError as error:
        from .finder import path_hook
        from .mount import resolve

        found = resolve(path)
        if found is not None and found[0].archive.file(found[1]) is not None:
            run_script(path_hook(found[0].path), found[1], path)
            return
        fail(f"cannot open {path}: {error.strerror}", "name a script, -m MODULE or -c CODE")
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    exec(compile(source, path, "exec", dont_inherit=True), fresh_main(__file__=path))


def _entry_point(path: str, target: str) -> "Any":
    """Import what "module:name.name" means; a target that is not there is the user's mistake."""
    module, _, names = target.partition(":")
    try:
        __import__(module)
    except ModuleNotFoundError as error:
        if not _is_above(error.name, module):
            raise
        fail(str(error), f"`bundle list {path} --modules` shows what can be imported")
    found: Any = sys.modules[module]
    for name in names.split("."):
        if not hasattr(found, name):
            fail(f"module {module!r} has no {names!r}", "name a function: MODULE:NAME")
        found = getattr(found, name)
    return found


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


def fresh_main(**attributes: object) -> dict[str, object]:
    """Replace `__main__` by the module that `python -c` starts with; return its namespace."""
    import builtins
    from _frozen_importlib import BuiltinImporter

    main = type(sys)("__main__")
    main.__dict__.update(__annotations__={}, __builtins__=builtins, __loader__=BuiltinImporter)
    main.__dict__.update(attributes)
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


def fail(cause: str, hint: str | None, status: int = 1) -> "NoReturn":
    """End the process with a message for the user; raises SystemExit."""
    text = f"error: {cause}\n" + (f"hint: {hint}\n" if hint else "")
    sys.stderr.write(text)
    sys.exit(status)


def main(path: str, target: str, arguments: list[str]) -> None:
    """Do what the command line says, and raise what the program raises."""
    if target == "--":
        from .launch import launch

        sys.argv[:] = [path, *arguments]
        launch(path, inherit=True)
        return
    open_bundle(path)
    with EndOfProgram():
        if target in ("-m", "-c"):
            sys.argv[:] = [target, *arguments[1:]]
            (run_module if target == "-m" else run_code)(arguments[0])
        else:
            sys.argv[:] = [path, *arguments]
            run_entry_point(path, target)


if __name__ == "__main__":
    # The directory of a script comes first on the path, and this one's modules are named like the
    # standard library's: it has to go before anything is imported.
    if not sys.flags.safe_path:
        del sys.path[0]
    sys.path.insert(0, __file__.rsplit(path_sep, 3)[0])
    from litebundle.runtime.main import main

    del sys.path[0]
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
