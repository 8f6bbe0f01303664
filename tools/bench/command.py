"""The command line of the benchmark."""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.bench import building, imports, launching, syscalls
from tools.bench.contestants import CONTESTANTS
from tools.bench.environment import Environment
from tools.bench.programs import PACKERS, PROGRAMS
from tools.bench.results import Report
from tools.bench.workloads import WORKLOADS
from tools.devtools.process import ROOT, DevError

_IMPORTS, _SYSCALLS, _BUILD, _LAUNCH = "imports", "syscalls", "build", "launch"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 something failed, 2 wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in (_IMPORTS, _SYSCALLS, _BUILD, _LAUNCH, "-h", "--help"):
        given.insert(0, _IMPORTS)
    options = _parser().parse_args(given)
    try:
        if options.python:
            return _in_other_python(options.python, given)
        report = _dispatch(options)
        print(f"{_python()}, {platform.system()}, {os.cpu_count()} cores\n\n{report.table}")
        if options.json:
            _write(options.json, report)
    except DevError as error:
        if error.output:
            print(error.output.rstrip(), file=sys.stderr)
        print(f"error: {error}\nhint: {error.hint}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error}\nhint: --work must be a writable directory", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return int(report.failed)


def _dispatch(options: argparse.Namespace) -> Report:
    environment = Environment(options.work)
    if options.command == _SYSCALLS:
        return syscalls.measure(environment)
    if options.command == _BUILD:
        return building.measure(environment, options.runs)
    if options.command == _LAUNCH:
        return launching.measure(
            environment,
            [one for one in PROGRAMS if one.name in options.program or not options.program],
            # The first is what the others' ratios are to.
            [PACKERS[0]]
            + [
                one
                for one in PACKERS[1:]
                if one.name in options.contestant or not options.contestant
            ],
            options.runs,
        )
    return imports.measure(
        environment,
        [one for one in WORKLOADS if one.name in options.workload or not options.workload],
        # The first is what the others' ratios are to.
        [CONTESTANTS[0]]
        + [
            one
            for one in CONTESTANTS[1:]
            if one.name in options.contestant or not options.contestant
        ],
        options.runs,
    )


def _in_other_python(python: str, given: Sequence[str]) -> int:
    """Run all of this in another Python: what is compiled, marshalled and imported is its."""
    taker = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    taker.add_argument("--python")
    _, rest = taker.parse_known_args(given)
    try:
        return subprocess.call([python, Path(__file__).parent, *rest])
    except OSError as error:
        raise DevError(f"cannot run {python}: {error}", "name a Python 3.11 or newer") from error


def _write(path: Path, report: Report) -> None:
    facts = {"python": _python(), "system": platform.system(), "figures": report.figures}
    try:
        path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise DevError(f"cannot write {path}: {error}", "give --json a writable file") from error


def _python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        allow_abbrev=False,
        description="Measure litebundle. What is needed is installed under .bench/.",
        epilog=f"Without a command: {_IMPORTS}. On a busy machine only the ratios hold.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    time_imports = commands.add_parser(
        _IMPORTS,
        allow_abbrev=False,
        help="time imports from everything that holds modules, as ratios to the floor",
    )
    count = commands.add_parser(
        _SYSCALLS, allow_abbrev=False, help="count the system calls of `import sympy` (Linux)"
    )
    build = commands.add_parser(
        _BUILD, allow_abbrev=False, help="time `bundle build` against compileall with two workers"
    )
    time_imports.add_argument(
        "--workload",
        action="append",
        default=[],
        choices=[one.name for one in WORKLOADS],
        help="only this one; may be repeated",
    )
    time_imports.add_argument(
        "--contestant",
        action="append",
        default=[],
        choices=[one.name for one in CONTESTANTS],
        help="only this one and the floor; may be repeated",
    )
    launch = commands.add_parser(
        _LAUNCH,
        allow_abbrev=False,
        help="time whole programs, started from all that they can be shipped as (Linux)",
    )
    for option, known in (("--program", PROGRAMS), ("--contestant", PACKERS)):
        launch.add_argument(
            option,
            action="append",
            default=[],
            choices=[one.name for one in known],
            help="only this one; may be repeated",
        )
    for command, runs in ((time_imports, 9), (build, 3), (launch, 15)):
        command.add_argument(
            "--runs", type=_positive, default=runs, help="runs of each (default: %(default)s)"
        )
    for command in (time_imports, count, build, launch):
        command.add_argument("--python", help="the Python to measure with (default: this one)")
        command.add_argument("--json", type=Path, metavar="FILE", help="keep the raw figures")
        command.add_argument(
            "--work",
            type=Path,
            default=ROOT / ".bench",
            metavar="DIR",
            help="what is installed and built is kept here (default: .bench in the checkout)",
        )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
