"""Measure litebundle against the floor and its peers: `python3 tools/bench --help`.

Runs on a stock Python >= 3.11 with nothing installed; what it needs is kept under `.dev/bench/`.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the very thing to find out: any Python may run this file
    sys.stderr.write(
        "error: this is Python " + sys.version.split()[0] + ", and 3.11 or newer is needed\n"
        "hint: run it with a newer one, for example: python3.13 tools/bench\n"
    )
    sys.exit(1)

from pathlib import Path

# This directory gives way to the root, so that tools.* has the one name mypy knows it by.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from tools.bench.command import main  # noqa: E402 - needs the path set just above

if __name__ == "__main__":
    sys.exit(main())
