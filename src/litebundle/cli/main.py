"""The command `bundle`: its subcommands, its exit codes, and how it words what went wrong."""

import contextlib
import importlib
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from litebundle import __version__
from litebundle.errors import BuildError, BundleError

_COMMANDS = (
    *("build", "run", "list", "cat", "info", "verify", "explain", "place", "cache", "link"),
    *("freeze", "diff", "patch", "deploy", "rollback", "keygen", "sign"),
)

DONE, FAILED, WRONG_USAGE = 0, 1, 2


class _Commands(click.Group):
    """The subcommands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"litebundle.cli.{cmd_name}").command
        return found


@click.group(
    cls=_Commands,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="litebundle %(version)s")
def _bundle() -> None:
    """Pack Python modules into one file and look into such files.

    \b
    bundle build src -o app.bundle          pack the modules and packages in src
    bundle run app.bundle -m module ...     run a program out of the file
    """  # noqa: D301 - click's mark for a paragraph not to be wrapped


def main() -> NoReturn:
    """Run the command line, and exit: 0 done, 1 the work failed, 2 wrong usage."""
    _set_up()
    try:
        sys.exit(_bundle.main(prog_name="bundle", standalone_mode=False, windows_expand_args=False))
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "bundle"
        _fail(WRONG_USAGE, error.format_message(), hint=f"`{path} --help` tells how it is used")
    except click.ClickException as error:
        _fail(FAILED, error.format_message())
    except (click.Abort, KeyboardInterrupt):
        _fail(128 + signal.SIGINT, "interrupted")
    except BundleError as error:
        problems = error.problems if isinstance(error, BuildError) else ()
        _fail(FAILED, error.cause, problems, error.hint)
    except MemoryError:
        _fail(FAILED, "out of memory", hint="give it more, or fewer --jobs to share it")
    except OSError as error:
        where = error.filename or ("" if _has_directory() else "the working directory")
        _fail(FAILED, f"{where}: {error.strerror}" if where else error.strerror or str(error))


def _set_up() -> None:
    # As an exception it undoes what is half done, as Ctrl-C does.
    with contextlib.suppress(ValueError):  # not the main thread: whoever calls has its own ways
        for name in ("SIGTERM", "SIGHUP"):  # Windows has no terminals that hang up
            if signal.getsignal(number := getattr(signal, name, signal.SIGTERM)) == signal.SIG_DFL:
                signal.signal(number, _terminate)
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is no reason to fail.
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _has_directory() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    sys.exit(128 + number)


def _fail(
    status: int, cause: str, problems: tuple[str, ...] = (), hint: str | None = None
) -> NoReturn:
    from litebundle.cli.output import shown

    # A single problem may be the cause already.
    lines = [f"error: {cause}", *(f"  {problem}" for problem in problems if problem != cause)]
    if hint:
        lines.append(f"hint: {hint}")
    # Names come from files that may be anybody's: they are not to command the terminal.
    click.echo("\n".join(map(shown, "\n".join(lines).split("\n"))), err=True)
    sys.exit(status)
