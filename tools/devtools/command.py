"""The command line of `tools/dev.py`."""

import argparse
import sys
from collections.abc import Sequence

from tools.devtools import checks, demo, environments, interpreters
from tools.devtools.process import DevError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 something failed, 2 wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Everything after `--` is pytest's; argparse would take its options for ours.
    cut = given.index("--") if "--" in given else len(given)
    options = _parser().parse_args(given[:cut])
    if given[cut + 1 :] and options.command != "test":
        _parser().error("only `test` takes arguments after --")
    try:
        return _dispatch(options, given[cut + 1 :])
    except DevError as error:
        return error.tell()
    except KeyboardInterrupt:
        return 130


def _dispatch(options: argparse.Namespace, for_pytest: Sequence[str]) -> int:
    if options.command == "demo":
        return demo.run()
    findings = interpreters.find()
    chosen = interpreters.select(findings, options.python)
    if options.command == "lint":
        python = environments.make_all(chosen[-1:])[chosen[-1]]
        return checks.report(checks.lint(python, fix=options.fix))
    _say_which(findings, chosen)
    pythons = environments.make_all(chosen)
    if options.command == "env":
        for python in pythons.values():
            print(python)
        return 0
    results = checks.lint(pythons[chosen[-1]], fix=False)
    return checks.report(results + checks.test(pythons, for_pytest))


def _say_which(findings: interpreters.Findings, chosen: Sequence[interpreters.Interpreter]) -> None:
    for found in findings.used:
        use = "used" if found in chosen else "left out: not asked for"
        print(f"CPython {found.name:8} {found.executable}: {use}")
    for path, reason in findings.left_out:
        print(f"{path}: left out: {reason}")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/dev.py",
        description="Set up, check and show litebundle. What is needed is made under .dev/.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    test = commands.add_parser(
        "test",
        help="lint, then run the tests on every CPython >= 3.11 found",
        epilog="Arguments after -- are pytest's: test -- -k rules",
    )
    lint = commands.add_parser("lint", help="ruff check, ruff format --check and mypy")
    lint.add_argument("--fix", action="store_true", help="let ruff mend and format first")
    env = commands.add_parser("env", help="only make the environments, and print their Pythons")
    commands.add_parser("demo", help="bundle Django and SymPy into one file and run from it")
    for command in (test, lint, env):
        command.add_argument(
            "--python",
            action="append",
            default=[],
            metavar="VERSION",
            help="use only this version (3.12); may be repeated",
        )
    return parser
