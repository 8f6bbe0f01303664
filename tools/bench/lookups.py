"""What an entry of the path costs by the step: opened, searched in vain, and for a module."""

import ast
import sys
from functools import partial
from pathlib import Path

from tools.bench.contestants import CONTESTANTS, DIRECTORY, Contestant, artefact
from tools.bench.environment import Environment
from tools.bench.frame import Entrant, Table, Wanted, in_turn
from tools.bench.results import COUNT, SECONDS, VALUE, Goal, Result
from tools.bench.workloads import FLAT, module_files
from tools.devtools.process import Command

_PROBE = Path(__file__).with_name("probe.py")
_CONTESTANTS = (
    DIRECTORY,
    *(one for one in CONTESTANTS if one is not DIRECTORY and one.access != "sqliteimport"),
)
_STEPS = {
    "install": "import the loader, and install its hook",
    "install, modules": "modules that come with it",
    "open": "open an entry of 2,000 modules, and look one up in vain",
    "absent": "look up in vain",
    "spec": "find a module's spec",
    "code": "read, check and unmarshal its code",
    "unmarshal": "of this unmarshal",
    "execute": "execute it",
    "import": "import it: all of this, and what Python adds",
}
_CASES = tuple(_STEPS)
_GOALS = {"absent": (Goal(kind=VALUE, at_most=1e-6),)}


def measure(environment: Environment, wanted: Wanted) -> list[Result]:
    """Take the entries of the contestants apart, each in processes of its own."""
    entrants: list[Entrant] = []
    for contestant in _CONTESTANTS:
        if contestant is DIRECTORY or wanted.contestant(contestant.name):
            ours = contestant.access == "litebundle"
            results = [
                Result(
                    case=step,
                    contestant=contestant.name,
                    unit=COUNT if step == "install, modules" else SECONDS,
                    goals=_GOALS.get(step, ()) if ours else (),
                )
                for step in _steps(contestant)
            ]
            entrants.append((results, partial(_probe, environment, contestant)))
    found = in_turn(entrants, wanted.runs)
    # By the step, not by the contestant: they are compared in each.
    found.sort(key=lambda result: _CASES.index(result.case))
    return [result for result in found if wanted.case(result.case)]


def _steps(contestant: Contestant) -> list[str]:
    own = [] if contestant.access == "litebundle" else ["install", "install, modules"]
    if contestant.access == "floor":
        own.append("code")
    return [step for step in _STEPS if step not in own]


def _probe(environment: Environment, contestant: Contestant) -> list[float]:
    entry = artefact(environment, contestant, FLAT)
    names = sorted(module_files(environment.tree(FLAT)))
    python: Command = [sys.executable, "-P", "-s", "-S", _PROBE]
    output = environment.run([*python, contestant.access, entry, environment.site, *names])
    found = ast.literal_eval(output.splitlines()[-1])
    return [found[step] for step in _steps(contestant)]


TABLE = Table(
    name="lookups",
    help="take what an entry of the path costs apart, by the step",
    about="\n".join(
        [
            "What an entry of `sys.path` with 2,000 small modules side by side costs, by the step:",
            "",
            *(f"- {step}: {text}" for step, text in _STEPS.items()),
        ]
    ),
    runs=5,
    cases=_CASES,
    contestants=tuple(contestant.name for contestant in _CONTESTANTS),
    measure=measure,
)
