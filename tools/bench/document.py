"""The text of BENCHMARKS.md, from what is kept."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tools.bench.frame import Table
from tools.bench.results import Run, reached
from tools.bench.table import figures

_HEAD = """\
# Benchmarks

What litebundle costs, beside its peers, as ratios: each table's contestants took turns on one
machine, so that a ratio holds where milliseconds do not. Written by `python3 tools/bench report`
from the figures that its tables kept; not to be edited.
"""

_REPEAT = """\
## Repeat it

```console
$ python3 tools/bench all           # every table; some twenty minutes on two cores
$ python3 tools/bench {name}{spaces}# one of them; --help has its cases and contestants
$ python3 tools/bench report        # writes this page
$ python3 tools/bench compare A B   # two commits that were measured: what changed beyond the noise
```

A stock Python 3.11 or newer and the package index are all it needs: everything is installed and
kept in `.dev/bench/`, the figures by commit in `.dev/bench/results/`. `--python` names another
Python to measure with. The least of all runs is the figure that other processes disturb least; the
median of the ratios of neighbouring runs is the one beside it. `--runs` makes both steadier.
"""


def newest(results: Path) -> list[Run]:
    """Return the last run of each table on each Python."""
    runs = [Run.read(path) for path in sorted(results.glob("*/*.json"))]
    by_date = {(run.table, run.python): run for run in sorted(runs, key=lambda run: run.date)}
    return list(by_date.values())


def document(tables: Sequence[Table], runs: Iterable[Run]) -> str:
    """Return the page: every table that was measured, in the order of the tables."""
    found = sorted(runs, key=lambda run: run.python)
    parts = [_HEAD]
    for table in tables:
        mine = [run for run in found if run.table == table.name]
        if mine:
            parts += [f"## {table.name}\n", f"{table.about}\n"]
            parts += [part for run in mine for part in _section(run)]
    name = tables[0].name
    return "\n".join([*parts, _REPEAT.format(name=name, spaces=" " * (14 - len(name)))])


def _section(run: Run) -> Iterator[str]:
    peers = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    machine = ", ".join(run.machine.values())
    yield f"{run.python}, {run.date[:10]}, commit {run.commit}; {machine}; {peers}\n"
    yield f"{figures(run)}\n"
    missed = [
        " ".join(filter(None, result.key))
        for result, base in run.compared()
        if any(reached(goal, result, base) is False for goal in result.goals)
    ]
    if missed:
        yield f"Missed: {'; '.join(missed)}.\n"
