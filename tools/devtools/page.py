"""A tool that measures with each Python, and writes a page of it with lists of tests."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.devtools import environments, interpreters
from tools.devtools.process import ROOT, DevError, quietly


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page at `path`.

    `measure` returns it whole, given the Pythons by their versions; `renew` returns its text with
    its lists brought up to date, and raises ValueError for the text of another page.
    """

    path: Path
    measure: Callable[[Mapping[str, Path]], str]
    renew: Callable[[str], str]

    def write(self, options: argparse.Namespace) -> int:
        """Write it as the options of `parser` say, and return the exit code; raises DevError."""
        text = self._renewed() if options.names else self.measure(pythons(options))
        self.path.write_text(text, encoding="utf-8")
        print(f"wrote {self.path.relative_to(ROOT)}")
        return 0

    def _renewed(self) -> str:
        hint = "run it without --names first"
        try:
            return self.renew(self.path.read_text("utf-8"))
        except OSError as error:
            raise DevError(f"cannot read {self.path.name}: {error.strerror}", hint) from error
        except ValueError:
            raise DevError(f"{self.path.name} was not written by this tool", hint) from None


def parser(tool: str, description: str) -> argparse.ArgumentParser:
    """Return a parser of the options that such tools have."""
    found = argparse.ArgumentParser(prog=tool, description=description)
    found.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="VERSION",
        help="on this version only (3.12); may be repeated",
    )
    found.add_argument(
        "--environment",
        action="append",
        default=[],
        type=Path,
        metavar="PYTHON",
        help="use this Python, with the dev group installed, as it is; may be repeated",
    )
    found.add_argument(
        "--names",
        action="store_true",
        help="measure nothing: only bring the lists of tests up to date",
    )
    return found


def pythons(options: argparse.Namespace) -> Mapping[str, Path]:
    """Return the Pythons that the options of `parser` ask for by their versions, oldest first."""
    if options.environment:
        return {_version(python): python for python in options.environment}
    chosen = interpreters.select(interpreters.find(), options.python)
    return {_version(python): python for python in environments.make_all(chosen).values()}


def _version(python: Path) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return quietly([python, "-I", "-c", code], f"{python} must be a Python").strip()
