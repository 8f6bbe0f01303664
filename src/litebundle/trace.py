"""What a program imports as it starts: found out by running it once, and kept in a text file."""

import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from litebundle.errors import BuildError
from litebundle.runtime.archive import open_archive
from litebundle.write.startup import Startup

_SCRIPT = Path(__file__).with_name("recording.py")
_HEAD = "# What `bundle build --trace` saw being read, in order: paths in the bundle.\n"
_FORMS = "-m MODULE, -c CODE, MODULE:FUNCTION or a command of the bundle, each with arguments"
_SHOWN = 10
"""Lines of a program's last words that are shown."""


def read_trace(file: Path) -> Startup:
    """Read what `write_trace` wrote: a path a line, `#` before a remark; raises BuildError."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or error
        raise BuildError(
            f"cannot be read: {cause}", file=str(file), hint="write it with --trace and this option"
        ) from error
    return Startup(line for line in text.splitlines() if line and not line.startswith("#"))


def require_trace(file: Path) -> None:
    """Raise BuildError if something stands where a trace is to be written that is none."""
    try:
        with file.open("rb") as found:
            first = found.readline(len(_HEAD))
    except OSError:
        return  # nothing is there; or writing will tell
    if first not in (b"", _HEAD.encode()):
        raise BuildError(
            "is no trace, and would be replaced by one", file=str(file), hint="name another file"
        )


def write_trace(file: Path, startup: Startup) -> None:
    """Write a trace for later builds; raises BuildError if that cannot be."""
    try:
        file.write_text(_HEAD + "".join(f"{path}\n" for path in startup.paths), "utf-8")
    except OSError as error:
        raise BuildError(
            f"cannot be written: {error.strerror}", file=str(file), hint="name another file"
        ) from error


def traced(command: str, python: str, pack: Callable[[Path], object]) -> Startup:
    """Run a program of the bundle that `pack` writes to a path; return what it read.

    Raises BuildError if the program fails, or reads nothing of the bundle.
    """
    with tempfile.TemporaryDirectory(prefix="litebundle-") as directory:
        bundle, record = Path(directory, "traced.bundle"), Path(directory, "record")
        bundle.touch()
        record.touch()
        pack(bundle)
        words = _words(command, bundle)
        done = subprocess.run(
            [python, _SCRIPT, record, bundle, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        paths = record.read_text("utf-8", "surrogateescape").splitlines()
    if done.returncode:
        raise BuildError(
            f"--trace {command!r}: the program ended with status {done.returncode}",
            problems=done.stdout.decode(errors="replace").splitlines()[-_SHOWN:],
            hint="let it do what it can do here, or record it elsewhere and give --trace-file",
        )
    if not paths:
        raise BuildError(
            f"--trace {command!r}: the program read nothing of the bundle", hint=_FORMS
        )
    return Startup(paths)


def unknown(startup: Startup, known: Iterable[str]) -> list[str]:
    """Return a warning if the trace has paths that the bundle has not."""
    missing = set(startup.paths).difference(known)
    if not missing:
        return []
    count = f"{len(missing)} of {len(startup.paths)} paths in the trace"
    return [f"{count} are not in the bundle: record it anew with --trace"]


def _words(command: str, bundle: Path) -> list[str]:
    """Return what runtime/main.py takes for a command."""
    try:
        first, *arguments = shlex.split(command) or [""]
    except ValueError as error:
        raise BuildError(f"--trace {command!r}: {error}", hint=_FORMS) from error
    scripts = _scripts(bundle)
    if ":" in first or (first in ("-m", "-c") and arguments):
        return [first, *arguments]
    if first in scripts:
        return [scripts[first], *arguments]
    raise BuildError(f"--trace {command!r}: no such program in the bundle", hint=_FORMS)


def _scripts(bundle: Path) -> Mapping[str, str]:
    archive = open_archive(str(bundle))
    assert archive is not None  # noqa: S101  # it was just written
    prefix = "script."
    return {k[len(prefix) :]: v for k, v in archive.manifest.items() if k.startswith(prefix)}
