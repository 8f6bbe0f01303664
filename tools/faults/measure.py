"""Run the marked tests and the campaigns with a Python, and return what they tell."""

import tempfile
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from tools.devtools.process import DevError, in_sight
from tools.faults.document import Tally
from tools.faults.names import Marks


def suite(python: Path, marks: Marks) -> Mapping[int, Tally]:
    """Run the tests that are marked with a fault; return the tally of each row."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "-n", "2", "--tb=short", f"--junitxml={report}"]
        code, _ = in_sight([python, "-m", "pytest", "-m", "fault", *options])
        if code not in (0, 1) or not report.exists():
            raise DevError(f"pytest ended with {code}", "see its output above")
        return _tallies(ET.parse(report).getroot(), marks)  # noqa: S314


def campaign(python: Path, name: str) -> list[str]:
    """Run a campaign and return its lines of the page."""
    code, lines = in_sight([python, "-m", "tools.faults.campaigns", name])
    if code:
        raise DevError(f"the campaign {name} found a fault", "see its output above")
    return lines


def _tallies(report: ET.Element, marks: Marks) -> dict[int, Tally]:
    found: defaultdict[int, Tally] = defaultdict(Tally)
    for case in report.iter("testcase"):
        file = case.get("classname", "").removeprefix("tests.").replace(".", "/")
        test = f"{file}.py::{case.get('name', '').partition('[')[0]}"
        for row in marks.get(test, ()):
            if case.find("skipped") is not None:
                found[row].skipped += 1
            elif case.find("failure") is None and case.find("error") is None:
                found[row].passed += 1
            else:
                found[row].failed += 1
    return dict(found)
