"""Run the rules suite: how many tests of each rule pass over a container."""

import re
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.conformance.names import SUITE, group_of
from tools.devtools.process import DevError, in_sight

CONTAINERS = {
    "directory": "directory",
    "sqlite": "litebundle SQLite",
    "zip": "litebundle zip",
    "zipimport": "zipimport",
    "sqliteimport": "sqliteimport",
}
_WORKERS = {"sqliteimport": "0"}  # some of its errors cannot be handed between processes
_TIMEOUTS = {"sqliteimport": "5"}  # seconds; many of its probes end in a deadlock


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tests of a rule passed, of how many that apply to the container."""

    passed: int
    total: int


def measure(python: Path, container: str) -> Mapping[str, Tally]:
    """Run the suite over one container; return the tally of each rule that it was tested for."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "-n", _WORKERS.get(container, "2"), "--tb=no", f"--junitxml={report}"]
        code, _ = in_sight(
            [python, "-m", "pytest", SUITE, "--container", container, *options, "-r", "N"],
            LITEBUNDLE_PROBE_TIMEOUT=_TIMEOUTS.get(container, "60"),
        )
        if code not in (0, 1) or not report.exists():
            raise DevError(f"pytest ended with {code}", "see its output above")
        return _tallies(ET.parse(report).getroot(), container)  # noqa: S314


def _tallies(report: ET.Element, container: str) -> dict[str, Tally]:
    passed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for case in report.iter("testcase"):
        name = case.get("name", "")
        if case.find("skipped") is not None or container not in re.split(r"[][-]", name):
            continue  # does not apply to the container, or is about none
        group = group_of(name)
        total[group] += 1
        passed[group] += case.find("failure") is None and case.find("error") is None
    return {group: Tally(passed[group], total[group]) for group in total}
