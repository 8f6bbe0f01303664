"""Start a tool with a Python that is new enough; whatever Python 3 may read this file."""

import sys
from importlib import import_module


def start(tool: str) -> int:
    """Run the tool of that directory, as `tools/bench`, by its module `command`; return its exit.

    The root has to be on `sys.path`.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - the very thing to find out
        sys.stderr.write(
            "error: this is Python " + sys.version.split()[0] + ", and 3.11 or newer is needed\n"
            "hint: run it with a newer one, for example: python3.13 " + tool + "\n"
        )
        return 1
    code: int = import_module(tool.replace("/", ".") + ".command").main()
    return code
