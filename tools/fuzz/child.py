"""Fuzz one target, coverage-guided by atheris: in the environment of the tool, one process each.

Not for people: `python3 tools/fuzz` starts it, with what libFuzzer is to be told behind the target.
"""

import sys

import atheris

with atheris.instrument_imports(include=["litebundle"]):
    from tests.property.targets import TARGETS


def main() -> None:
    """Run the target named first over inputs that libFuzzer makes up, until it has enough."""
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, lambda data: _none(target.run(data)))
    atheris.Fuzz()


def _none(outcome: object) -> None:
    """Forget what came of it: libFuzzer wants nothing."""
    del outcome


if __name__ == "__main__":
    main()
