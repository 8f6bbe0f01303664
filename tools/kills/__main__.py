"""`python -m tools.kills`: kill deploy, rollback and patch at every step and at random moments."""

import argparse
import tempfile
from pathlib import Path

from tools.kills.loop import Work, at_every_step, at_random
from tools.kills.works import Bench

_TIMES = 200


def main() -> None:
    """Print a line for each kind of work; an AssertionError is what must never be seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="*", help="deploy, rollback, patch (default: all)")
    parser.add_argument("--times", type=int, default=_TIMES, help="kills at random moments")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--container", choices=["sqlite", "zip"], default="sqlite")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        works = Bench(Path(directory), chosen.container).works()
        for name in chosen.works or works:
            _report(name, works[name], chosen.times, chosen.seed)


def _report(name: str, work: Work, times: int, seed: int) -> None:
    steps = at_every_step(work)
    found = at_random(work, times, seed)
    print(
        f"{name}: killed at each of {steps.killed} steps, and {found.killed} times at random"
        f" ({found.done} were done before): the old or the new every time",
        flush=True,
    )


if __name__ == "__main__":
    main()
