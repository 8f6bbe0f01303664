"""The command line of `tools/conformance`."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.conformance import document, measure, names
from tools.devtools import environments, interpreters
from tools.devtools.process import ROOT, DevError, quietly

TARGET = ROOT / "CONFORMANCE.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; return 0 when done, 1 if a step failed, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        text = _with_names() if options.names else _measured(_pythons(options))
    except DevError as error:
        if error.output:
            print(error.output.rstrip(), file=sys.stderr)
        print(f"error: {error}\nhint: {error.hint}", file=sys.stderr)
        return 1
    TARGET.write_text(text, encoding="utf-8")
    print(f"wrote {TARGET.relative_to(ROOT)}")
    return 0


def _measured(pythons: Mapping[str, Path]) -> str:
    measured = {
        version: {name: measure.measure(python, name) for name in measure.CONTAINERS}
        for version, python in pythons.items()
    }
    return document.render(names.collect(), measured)


def _with_names() -> str:
    hint = "measure first: run it without --names"
    try:
        return document.with_names(TARGET.read_text("utf-8"), names.collect())
    except OSError as error:
        raise DevError(f"cannot read {TARGET.name}: {error.strerror}", hint) from error
    except ValueError:
        raise DevError(f"{TARGET.name} was not written by this tool", hint) from None


def _pythons(options: argparse.Namespace) -> Mapping[str, Path]:
    if options.environment:
        return {_version(python): python for python in options.environment}
    chosen = interpreters.select(interpreters.find(), options.python)
    return {_version(python): python for python in environments.make_all(chosen).values()}


def _version(python: Path) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return quietly([python, "-I", "-c", code], f"{python} must be a Python").strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/conformance",
        description="Run the rules suite over each container, and write CONFORMANCE.md.",
    )
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="VERSION",
        help="measure on this version only (3.12); may be repeated",
    )
    parser.add_argument(
        "--environment",
        action="append",
        default=[],
        type=Path,
        metavar="PYTHON",
        help="use this Python, with the dev group installed, as it is; may be repeated",
    )
    parser.add_argument(
        "--names",
        action="store_true",
        help="measure nothing: only bring the lists of rules and tests up to date",
    )
    return parser
