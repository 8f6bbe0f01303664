"""Decisions: what was chosen goes before what is known, and that before what is seen."""

from pathlib import Path
from typing import Any

import pytest

from litebundle.errors import BuildError
from litebundle.place import decide
from litebundle.place.decide import Rule, check_chosen, rules
from litebundle.place.level import Level
from tests.unit.place.trees import analysed, decisions

FILES = {"pkg/__init__.py": "", "pkg/x.json": "", "ns/inner/__init__.py": ""}


def test_every_rule_has_its_reason() -> None:
    """A rule that nobody can explain nobody can take back."""
    found = rules()
    assert found
    for package, rule in found.items():
        assert all(part.isidentifier() for part in package.split("."))
        assert len(rule.reason.split()) >= 5, package


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('[pkg]\nlevel = "data"', KeyError),
        ('[pkg]\nlevel = "data"\nreason = ""', ValueError),
        ('[pkg]\nlevel = "some"\nreason = "it is so"', ValueError),
    ],
)
def test_a_rule_without_reason_or_level_is_refused(text: str, error: type[Exception]) -> None:
    """By the reader itself, whoever wrote it."""
    with pytest.raises(error):
        decide.parse_rules(text)


LIKE = {
    "tzdata": {
        "tzdata/__init__.py": 'IANA_VERSION = "2025b"\n',
        "tzdata/zoneinfo/__init__.py": "",
        "tzdata/zoneinfo/UTC": "TZif2",
        "tzdata/zones": "UTC\n",
    },
}
"""Of each package that there is a rule for: files like its own."""


def test_every_rule_is_needed(tmp_path: Path) -> None:
    """The analyser by itself decides otherwise, on files like the package's."""
    assert LIKE.keys() == rules().keys()
    for package, rule in rules().items():
        decision = decisions(tmp_path / package, LIKE[package])[package]
        assert (decision.by, decision.level) == ("rule", rule.level)
        assert decision.seen is not rule.level
        assert decision.reasons == (rule.reason,)


def test_a_choice_goes_before_a_rule(tmp_path: Path, monkeypatch: Any) -> None:
    """And a rule before what is seen; all three stay visible."""
    monkeypatch.setattr(decide, "rules", lambda: {"pkg": Rule(level=Level.ALL, reason="why")})
    by_rule = decisions(tmp_path / "rule", FILES)["pkg"]
    assert (by_rule.level, by_rule.by, by_rule.seen) == (Level.ALL, "rule", Level.DATA)
    chosen = decisions(tmp_path / "chosen", FILES, {"pkg": "code"})["pkg"]
    assert (chosen.level, chosen.by, chosen.seen) == (Level.CODE, "choice", Level.DATA)


def test_packages_are_chosen_by_dotted_name(tmp_path: Path) -> None:
    """One inside a namespace too."""
    found = decisions(tmp_path, FILES, {"ns.inner": "all"})
    assert str(found["ns/inner"].level) == "all"


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        ({"pkg": "some"}, "pkg: 'some' is not a level"),
        ({"other": "data"}, "other: not there"),
        ({"pkg.sub": "data"}, "pkg.sub: no level of its own, only pkg has"),
        ({"native": "code"}, "native: has native files, which must be on disk to be loaded"),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    tmp_path: Path, chosen: dict[str, str], problem: str
) -> None:
    """With the levels there are, and where to see the packages."""
    files = {**FILES, "pkg/sub/__init__.py": "", "native.cpython-313-x86_64-linux-gnu.so": ""}
    with pytest.raises(BuildError, match="cannot be placed so") as caught:
        check_chosen(chosen, [analysed(tmp_path, files).ground])
    assert problem in caught.value.message
    assert caught.value.hint is not None
    assert "bundle explain" in caught.value.hint


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """Nobody wants to be told one at a time."""
    with pytest.raises(BuildError) as caught:
        check_chosen({"a": "data", "b": "x"}, [analysed(tmp_path, FILES).ground])
    assert caught.value.problems == ("a: not there", "b: 'x' is not a level")


def test_enough_is_as_good_as_thorough(tmp_path: Path) -> None:
    """A build stops looking where the level is settled; the levels are those of `explain`."""
    code = "import os\nopen(os.path.join(os.path.dirname(__file__), 'x.json'))\n"
    files = {**FILES, "pkg/__init__.py": code, "pkg/tests/__init__.py": "", "pkg/tests/t.py": code}
    quick = analysed(tmp_path / "quick", files).evidence(thorough=False)
    thorough = analysed(tmp_path / "thorough", files).evidence(thorough=True)
    assert {unit: one.level for unit, one in quick.items()} == {
        unit: one.level for unit, one in thorough.items()
    }
