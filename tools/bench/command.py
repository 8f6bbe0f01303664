"""The command line of the benchmark."""

import argparse
import datetime as dt
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from tools.bench import compare, document, machine
from tools.bench.environment import Environment
from tools.bench.frame import Table, Wanted
from tools.bench.results import Run
from tools.bench.table import figures
from tools.bench.tables import TABLES
from tools.devtools.process import ROOT, STATE, DevError

_ALL, _COMPARE, _REPORT = "all", "compare", "report"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 something failed, 2 wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    try:
        return _dispatch(options, given)
    except DevError as error:
        return error.tell()
    except OSError as error:
        print(f"error: {error}\nhint: --work must be a writable directory", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _dispatch(options: argparse.Namespace, given: Sequence[str]) -> int:
    results: Path = options.work / "results"
    if options.command == _COMPARE:
        return _compare(results, options.before, options.after)
    if options.command == _REPORT:
        return _report(results, options.output)
    if options.python:
        return _in_other_python(options.python, given)
    environment = Environment(options.work)
    if options.command == _ALL:
        # One that cannot be measured here does not keep the others from it.
        return max([_measure(table, environment, Wanted(runs=table.runs)) for table in TABLES])
    [table] = (each for each in TABLES if each.name == options.command)
    wanted = Wanted(runs=options.runs, cases=options.case, contestants=options.contestant)
    return _measure(table, environment, wanted)


def _measure(table: Table, environment: Environment, wanted: Wanted) -> int:
    print(f"measuring {table.name} ...", file=sys.stderr, flush=True)
    # Before anything is measured: a commit that is made meanwhile is not what was.
    commit = machine.commit()
    date = dt.datetime.now(dt.UTC)
    try:
        found = table.measure(environment, wanted)
    except DevError as error:
        print(f"error: {table.name}: {error}\nhint: {error.hint}", file=sys.stderr)
        return 1
    run = Run(
        table=table.name,
        base=table.contestants[0],
        commit=commit,
        date=date.isoformat(timespec="seconds"),
        python=machine.python(),
        machine=machine.machine(),
        versions=machine.versions(environment.site),
        results=found,
    )
    path = environment.results / commit / f"{table.name}-{environment.home.name}.json"
    _keep(run, path, table)
    print(f"{table.name}: {run.python}, {', '.join(run.machine.values())}\n\n{figures(run)}\n")
    print(f"kept in {path}", file=sys.stderr)
    return int(run.failed)


def _keep(run: Run, path: Path, table: Table) -> None:
    """Keep a run, and with it what was measured before of the same commit in other cases."""
    cases = {result.case for result in run.results}
    before = Run.read(path).results if path.exists() else ()
    both = [*(old for old in before if old.case not in cases), *run.results]
    both.sort(key=lambda result: table.cases.index(result.case.partition(" (")[0]))
    replace(run, results=both).write(path)


def _compare(results: Path, before: str, after: str) -> int:
    runs = [compare.kept(results, machine.named(each)) for each in (before, after)]
    found = compare.all_changes(*runs)
    print(compare.report(found))
    return int(any(change.verdict == "worse" for change in found))


def _report(results: Path, output: Path) -> int:
    runs = document.newest(results)
    if not runs:
        raise DevError("nothing is kept", "measure first: python3 tools/bench all")
    output.write_text(document.document(TABLES, runs), encoding="utf-8")
    print(f"wrote {output}")
    return 0


def _in_other_python(python: str, given: Sequence[str]) -> int:
    """Run all of this in another Python: what is compiled, marshalled and imported is its."""
    taker = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    taker.add_argument("--python")
    _, rest = taker.parse_known_args(given)
    try:
        return subprocess.call([python, Path(__file__).parent, *rest])
    except OSError as error:
        raise DevError(f"cannot run {python}: {error}", "name a Python 3.11 or newer") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        allow_abbrev=False,
        description="Measure litebundle beside its peers, and keep the figures by commit.",
        epilog="On a busy machine only the ratios hold: the contestants take turns.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    measuring = [_add_table(commands, table) for table in TABLES]
    measuring.append(_add(commands, _ALL, "measure every table"))
    for command in measuring:
        command.add_argument("--python", help="the Python to measure with (default: this one)")
    two = _add(commands, _COMPARE, "tell what changed from one commit to another, beyond noise")
    two.epilog = "Exit code 1 if anything became worse."
    for name in ("before", "after"):
        two.add_argument(name, help="a commit that was measured, or a file of figures")
    page = _add(commands, _REPORT, "write BENCHMARKS.md from the figures kept last")
    page.add_argument(
        "--output",
        type=Path,
        default=ROOT / "BENCHMARKS.md",
        metavar="FILE",
        help="the page (default: BENCHMARKS.md in the checkout)",
    )
    for command in (*measuring, two, page):
        command.add_argument(
            "--work",
            type=Path,
            default=STATE / "bench",
            metavar="DIR",
            help="what is installed, built and measured is kept here (default: .dev/bench)",
        )
    return parser


# What add_subparsers returns has no public name.
_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def _add(commands: _Commands, name: str, text: str) -> argparse.ArgumentParser:
    return commands.add_parser(name, allow_abbrev=False, help=text, description=f"{text}.")


def _add_table(commands: _Commands, table: Table) -> argparse.ArgumentParser:
    command = _add(commands, table.name, table.help)
    command.epilog = table.about
    for option, names in (("--case", table.cases), ("--contestant", table.contestants[1:])):
        command.add_argument(
            option,
            action="append",
            default=[],
            choices=names,
            metavar="NAME",
            help=f"only this one, of {', '.join(names)}; may be repeated",
        )
    command.add_argument(
        "--runs", type=_positive, default=table.runs, help="runs of each (default: %(default)s)"
    )
    return command


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
