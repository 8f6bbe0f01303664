"""The command line of the fuzzer, and its campaigns."""

import argparse
import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.devtools import environments, interpreters
from tools.devtools.process import ROOT, STATE, DevError, environ, in_sight

NAMES = ("pages", "zipfile", "listing", "manifest", "canonical", "sqlite", "zip", "forged")
"""As tests/property/targets.py has them, which takes an environment to be imported."""

_FLIPS = "flips"
"""No target: every bit of a small bundle turned over, which takes its time and no chance."""

_WORK = STATE / "fuzz"
_SECONDS = 10  # of one input, before it counts as endless
_MEGABYTES = 1024  # of the process, before it counts as boundless
_SEEDS = """
import sys
from pathlib import Path
from tests.property.targets import TARGETS
target = TARGETS[sys.argv[1]]
for number, seed in enumerate(target.seeds()):
    Path(sys.argv[2], f"seed-{number}").write_bytes(seed)
print(target.most)
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one target; `finding` is the input that it fails with, `output` what it said."""

    target: str
    executions: int
    seconds: int
    finding: str | None
    output: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz the targets; return the exit code: 0 nothing found, 1 something, 2 wrong usage."""
    parser = _parser()
    options = parser.parse_args(arguments)
    unknown = set(options.target) - set(NAMES)
    if unknown and options.target != [_FLIPS]:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if options.input and len(options.target) != 1:
        parser.error("--input takes one TARGET")
    try:
        python = _environment(options.python)
        if options.target == [_FLIPS]:
            return in_sight([python, "-m", "tools.fuzz.flips"], PYTHONPATH=str(ROOT))[0]
        if options.input:
            return _reproduce(python, options.target[0], options.input)
        outcomes = [_fuzz(python, one, options.seconds) for one in options.target or NAMES]
        if options.json:
            found = json.dumps([asdict(one) for one in outcomes], indent=1)
            options.json.write_text(found + "\n", encoding="utf-8")
    except DevError as error:
        return error.tell()
    except KeyboardInterrupt:
        return 130
    return int(any(one.finding for one in outcomes))


def _environment(version: str | None) -> Path:
    findings = interpreters.find()
    chosen = interpreters.select(findings, [version] if version else [])[-1]
    return environments.make_group(chosen, "fuzz")


def _fuzz(python: Path, target: str, seconds: int) -> Outcome:
    corpus, found = _WORK / target / "corpus", _WORK / target / "found"
    for directory in (corpus, found):
        directory.mkdir(parents=True, exist_ok=True)
    most = _run(python, "-c", _SEEDS, target, corpus).stdout.strip()
    if not most.isdecimal():
        raise DevError(f"{target} has no seeds", "its code fails with what is sound", most)
    done = _run(
        *(python, "-m", "tools.fuzz.child", target, corpus),
        f"-max_total_time={seconds}",
        f"-max_len={most}",
        f"-timeout={_SECONDS}",
        f"-rss_limit_mb={_MEGABYTES}",
        f"-artifact_prefix={found}{os.sep}",
        "-print_final_stats=1",
    )
    finding = re.search(r"Test unit written to (\S+)", done.stdout)
    counts = re.findall(r"^(?:#|stat::number_of_executed_units: )(\d+)", done.stdout, re.MULTILINE)
    if done.returncode and not finding:
        raise DevError(f"{target} cannot be fuzzed", "see its output above", done.stdout)
    outcome = Outcome(
        target=target,
        executions=max(map(int, counts), default=0),
        seconds=seconds,
        finding=finding[1] if finding else None,
        output=done.stdout[-4000:] if finding else "",
    )
    said = f"{outcome.executions:,} executions, "
    print(f"{target}: {said}{'FOUND ' + outcome.finding if outcome.finding else 'nothing found'}")
    print(outcome.output, end="", flush=True)
    return outcome


def _reproduce(python: Path, target: str, path: Path) -> int:
    """Run one input again, in sight."""
    code = (
        "import sys; from pathlib import Path; from tests.property.targets import TARGETS;"
        "print(TARGETS[sys.argv[1]].run(Path(sys.argv[2]).read_bytes()))"
    )
    done = _run(python, "-c", code, target, path.resolve())
    print(done.stdout, end="")
    return int(done.returncode != 0)


def _run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=environ() | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/fuzz",
        allow_abbrev=False,
        description="Fuzz what reads bundles. What is needed is installed under .dev/.",
        epilog=f"{_FLIPS} turns over every bit of a small bundle, and takes an hour. What is"
        " interesting is kept under .dev/fuzz, and a later run goes on from there.",
    )
    parser.add_argument(
        "target",
        nargs="*",
        metavar="TARGET",
        help=f"{', '.join(NAMES)} (default: each in turn), or {_FLIPS} alone",
    )
    parser.add_argument(
        "--seconds", type=int, default=60, help="for each target (default: %(default)s)"
    )
    parser.add_argument("--input", type=Path, metavar="FILE", help="only run TARGET with this")
    parser.add_argument("--python", metavar="VERSION", help="the CPython to use (3.12)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures")
    return parser
