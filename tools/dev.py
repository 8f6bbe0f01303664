"""Set up, check and show litebundle: `python3 tools/dev.py test|lint|demo|env`.

Runs on a stock Python >= 3.11 with nothing installed; what it needs, it makes under `.dev/`.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - any Python may run this file; this finds out which
    sys.stderr.write(
        "error: this is Python {}.{}, and litebundle needs 3.11 or newer\n"
        "hint: run it with a newer one, for example: python3.13 tools/dev.py\n".format(
            *sys.version_info[:2]
        )
    )
    sys.exit(1)

from pathlib import Path

# Everything here is imported as tools.*, the one name that mypy and the tests know it by.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.devtools.command import main

if __name__ == "__main__":
    sys.exit(main())
