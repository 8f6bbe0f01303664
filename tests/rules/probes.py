"""Run one script over a place in a process of its own, and see what a directory makes of it."""

import difflib
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.rules.places import Library, Place, Tree

# Seconds; a deadlock ends here. tools/conformance waits less for those that have many.
TIMEOUT = float(os.environ.get("LITEBUNDLE_PROBE_TIMEOUT", "60"))

# The same line whatever the container: tracebacks show the script.
_PRELUDE = "import sys; ROOT, PREPARE = sys.argv[1:]; exec(PREPARE); sys.path.insert(0, ROOT)\n"
_INSTALL = "import litebundle; litebundle.install()"
_PREPARE = {"sqliteimport": "import sqliteimport; sqliteimport.load(ROOT)"}


@dataclass(frozen=True)
class Outcome:
    """What a probe left behind, with `<root>` for its place, and no object addresses."""

    status: int
    stdout: str
    stderr: str


def run(
    place: Place, probe: str, *, flags: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> Outcome:
    """Run `probe` in a fresh interpreter with `place` first on `sys.path`."""
    prepare = _INSTALL if place.ours else _PREPARE.get(place.container, "")
    done = subprocess.run(
        [sys.executable, "-P", *flags, "-c", _PRELUDE + probe, place.entry, prepare],
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
        env=_environment() | {"LITEBUNDLE_CACHE": _placed(place)} | dict(env or {}),
        cwd=Path(place.entry).parent,
    )
    return Outcome(done.returncode, _neutral(done.stdout, place), _neutral(done.stderr, place))


def difference(expected: Outcome, found: Outcome) -> str:
    """Return what the container does otherwise than the directory, as a diff."""
    before, after = (
        f"exit {each.status}\n{each.stdout}\n{each.stderr}".splitlines()
        for each in (expected, found)
    )
    return "\n".join(difflib.unified_diff(before, after, "directory", "container", n=0))


class Compare:
    """Run probes over one tree in one container and hold them against the plain directory."""

    def __init__(self, library: Library, tree: Tree, place: Place) -> None:
        self.library = library
        self.place = place
        self.oracle = library.source(tree)

    def __call__(self, probe: str, *, flags: Sequence[str] = (), status: int = 0) -> Outcome:
        """Assert that `probe` ends as it does over the directory, there with `status`."""
        expected, found = self.both(probe, flags=flags)
        # A probe that breaks down on both sides would prove nothing.
        assert expected.status == status, expected.stderr
        assert found == expected, difference(expected, found)
        return found

    def both(self, probe: str, *, flags: Sequence[str] = ()) -> tuple[Outcome, Outcome]:
        """Return the outcomes over the directory and over the container, each run once only."""
        return self._run(self.oracle, probe, tuple(flags)), self._run(
            self.place, probe, tuple(flags)
        )

    def _run(self, place: Place, probe: str, flags: tuple[str, ...]) -> Outcome:
        key = (place, probe, flags)
        if key not in self.library.outcomes:
            self.library.outcomes[key] = run(place, probe, flags=flags)
        outcome = self.library.outcomes[key]
        assert isinstance(outcome, Outcome)
        return outcome


def _environment() -> dict[str, str]:
    """Return an environment that finds this litebundle and decides nothing else about Python."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") and name not in {"FORCE_COLOR", "COLUMNS"}
    }
    import litebundle

    package = Path(str(litebundle.__file__)).parent
    return kept | {
        "PYTHONPATH": str(package.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }


def _neutral(output: bytes, place: Place) -> str:
    text = output.decode(errors="surrogateescape")
    # Packages with data are served from a directory of placed files, one for each content.
    text = re.sub(re.escape(_placed(place)) + r"/[0-9a-f]{64}", "<root>", text)
    return re.sub(r"0x[0-9a-f]{6,}", "0x<address>", text.replace(place.entry, "<root>"))


def _placed(place: Place) -> str:
    return place.entry + ".placed"
