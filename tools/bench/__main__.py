"""Measure litebundle against the floor and its peers: `python3 tools/bench --help`.

Runs on a stock Python >= 3.11 with nothing installed; what it needs is kept under `.dev/bench/`.
"""

import sys
from pathlib import Path

# This directory gives way to the root, so that tools.* has the one name mypy knows it by.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from tools.devtools.start import start  # noqa: E402 - needs the path set just above

if __name__ == "__main__":
    sys.exit(start("tools/bench"))
