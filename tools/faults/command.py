"""The command line of `tools/faults`."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.devtools import environments, interpreters
from tools.devtools.process import ROOT, DevError, quietly
from tools.faults import document, measure, names

TARGET = ROOT / "tests" / "faults" / "README.md"
CAMPAIGNS = ("io", "flips", "kills", "forks", "builders")


def main(arguments: Sequence[str] | None = None) -> int:
    """Inject, and write the page; return 0 when done, 1 if a step failed, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        if options.campaign:
            measure.campaign([*_pythons(options).values()][-1], options.campaign)
            return 0
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
    marks = names.collect()
    latest = [*pythons.values()][-1]
    lines = [line for name in CAMPAIGNS for line in measure.campaign(latest, name)]
    results = {version: measure.suite(python, marks) for version, python in pythons.items()}
    return document.render(marks, results, lines)


def _with_names() -> str:
    hint = "inject them first: run it without --names"
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
        prog="tools/faults",
        description="Inject every fault of the catalogue, and write tests/faults/README.md.",
    )
    parser.add_argument(
        "campaign",
        nargs="?",
        choices=CAMPAIGNS,
        help="what takes too long for the suite: this alone, with the last Python, and no page",
    )
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="VERSION",
        help="on this version only (3.12); may be repeated",
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
        help="inject nothing: only bring the lists of rows and tests up to date",
    )
    return parser
