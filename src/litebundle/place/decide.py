"""The level of every package: what its user says, what is known of it, what its code shows."""

import functools
import pkgutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from litebundle.errors import BuildError
from litebundle.place.analyser import Evidence, module_name
from litebundle.place.ground import Ground, is_native
from litebundle.place.judge import Finding
from litebundle.place.level import NAMES, Level

_CHOSEN = "chosen by whoever built it"
_NOTHING = "nothing in it has to be a file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is known of a package that its code does not show."""

    level: Level
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The level of a package and why, a sentence each; `seen` is what its code alone would say.

    `by` is "analysis", "rule" or "choice".
    """

    package: str
    level: Level
    by: str
    seen: Level
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...]


@functools.cache
def rules() -> dict[str, Rule]:
    """Return the rules that come with litebundle, by dotted package name."""
    # Not by importlib.resources, which imports when it is asked: who builds may be an import hook.
    data = pkgutil.get_data(__package__, "rules.toml")
    assert data is not None  # noqa: S101  # its loader has get_data
    return parse_rules(data.decode())


def parse_rules(text: str) -> dict[str, Rule]:
    """Return the rules of a file; raises KeyError or ValueError if one lacks level or reason."""
    found = {}
    for package, entry in tomllib.loads(text).items():
        if not entry["reason"].strip():
            raise ValueError(f"a rule without a reason: {package}")
        found[package] = Rule(level=Level.named(entry["level"]), reason=entry["reason"])
    return found


def decided(seen: Mapping[str, Evidence], chosen: Mapping[str, str]) -> dict[str, Decision]:
    """Return the decision about each unit, by its path; `chosen` are levels by dotted name."""
    known = rules()
    found = {}
    for unit, evidence in seen.items():
        package = module_name(unit)
        level, by, reasons = evidence.level, "analysis", tuple(_reasons(evidence))
        if package in known:
            level, by, reasons = known[package].level, "rule", (known[package].reason,)
        if package in chosen:
            level, by, reasons = Level.named(chosen[package]), "choice", (_CHOSEN,)
        findings = sorted(evidence.findings, key=lambda one: (-one.level, one.path, one.line))
        found[unit] = Decision(
            package=package,
            level=level,
            by=by,
            seen=evidence.level,
            reasons=reasons,
            findings=tuple(dict.fromkeys(findings)),
        )
    return found


def _reasons(evidence: Evidence) -> Iterator[str]:
    """Yield what led to the level; for none, what its resources are read with."""
    deciding = {str(one): None for one in evidence.findings if one.level is evidence.level}
    yield from deciding
    if not evidence.findings:
        yield from dict.fromkeys(sentence for _, sentence in evidence.served)
        if not evidence.served:
            yield _NOTHING


def check_chosen(chosen: Mapping[str, str], grounds: Sequence[Ground]) -> None:
    """Raise BuildError if a level was chosen that is none, or for what no target has."""
    problems = []
    for package, level in chosen.items():
        unit = package.replace(".", "/")
        if level not in NAMES:
            problems.append(f"{package}: {level!r} is not a level")
        elif not any(unit in ground.members for ground in grounds):
            top = next(filter(None, (ground.unit(unit) for ground in grounds)), None)
            where = f"no level of its own, only {module_name(top)} has" if top else "not there"
            problems.append(f"{package}: {where}")
        elif level == str(Level.CODE) and any(
            is_native(entry) for ground in grounds for entry in ground.members.get(unit, ())
        ):
            problems.append(f"{package}: has native files, which must be on disk to be loaded")
    if problems:
        raise BuildError(
            f"cannot be placed so: {problems[0]}" if len(problems) == 1 else "cannot be placed so",
            problems=problems if len(problems) > 1 else (),
            hint=f"levels are {', '.join(NAMES)}, and are those of topmost packages;"
            " `bundle explain` lists them",
        )
