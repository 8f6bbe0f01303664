"""Definitions: a bundle described in a file, by keys named as the options of `bundle build`."""

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from litebundle.collect.project import is_project, read_project
from litebundle.errors import BuildError
from litebundle.place.level import NAMES

NAME = "bundle.toml"
PROJECT = "pyproject.toml"

_VERSION = re.compile(r"3\.\d+(\.\d+)?")

_KEYS = "the keys are those of `bundle build --help`, and src, requirements, lock and check"
_PATHS = "paths are relative to the definition's directory"
_LOCKING = (
    "a lock is written by `uv pip compile --universal --generate-hashes`, `uv lock` or `uv export`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What is to be packed and how, as `file` has it; None where it leaves that open.

    Paths are those of the file's directory joined with what it says. `requirements` are what the
    `lock` was made of, and met by it. `check` is a script that tries what was built: the builder
    only sees to it that it is there.
    """

    file: Path
    src: tuple[Path, ...] = ()
    requirements: tuple[str, ...] = ()
    lock: Path | None = None
    check: Path | None = None
    output: Path | None = None
    format: str | None = None
    optimize: tuple[int, ...] | None = None
    sources: bool | None = None
    strict: bool | None = None
    overlay: bool | None = None
    deps: bool | None = None
    tests: bool | None = None
    exclude: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    python_version: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    stdlib: str | None = None
    place: Mapping[str, str] = field(default_factory=dict)
    main: str | None = None
    executable: bool | None = None
    inherit_path: bool | None = None
    defer_gc: bool | None = None
    python_args: str | None = None
    launcher: bool | None = None
    compress: str | None = None
    trace: str | None = None
    trace_file: Path | None = None


class _Fault(ValueError):
    """What is wrong with a value, and what to do about it."""

    def __init__(self, text: str, hint: str = _KEYS) -> None:
        super().__init__(text)
        self.hint = hint


def definition_in(source: Path) -> Path | None:
    """Return the file that defines a bundle, if the source is one or is a directory with one.

    That is bundle.toml, or a pyproject.toml with a table `tool.litebundle`; of a directory with
    both it is not clear what it is, so that it raises BuildError.
    """
    if source.name in (NAME, PROJECT) and source.is_file():
        return source
    file = source / NAME
    described = _own(read_project(source)) is not None
    if described and file.exists():
        raise BuildError(
            f"has both a {NAME} and a table tool.litebundle in its {PROJECT}",
            file=str(source),
            hint="remove one of them, or name the file that is meant",
        )
    if described:
        return source / PROJECT
    return file if file.exists() else None


def read_definition(file: Path) -> Definition:
    """Read and check a definition; raises one BuildError for all that is wrong with it."""
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise BuildError(
            f"cannot be read: {error.strerror}", file=str(file), hint="name a file that is there"
        ) from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise BuildError(f"is no TOML: {error}", file=str(file), hint="correct it") from error
    return _parsed(_completed(table, file) if file.name == PROJECT else table, file)


def _own(project: Mapping[str, Any]) -> Any:
    """Return what a pyproject.toml has as `tool.litebundle`, None if there is no such thing."""
    tool = project.get("tool")
    return tool.get("litebundle") if isinstance(tool, dict) else None


def _completed(table: Mapping[str, Any], file: Path) -> Mapping[str, Any]:
    """Return what a project says of its bundle, and what follows from its being a project."""
    own, project = _own(table), table.get("project")
    if not isinstance(own, dict):
        raise BuildError(
            "has no table tool.litebundle", file=str(file), hint="add it, or name the directory"
        )
    known = {"src": ["."]} if is_project(file.parent) else {}
    if "lock" in own and isinstance(project, dict):
        known["requirements"] = project.get("dependencies", [])
    return known | own


def _parsed(table: Mapping[str, Any], file: Path) -> Definition:
    values, faults = {}, []
    for key, value in table.items():
        try:
            values[key.replace("-", "_")] = _parser(key)(value, file.parent)
        except _Fault as fault:
            faults.append((key, fault))
    found = Definition(file=file, **values)
    if not {"src", "lock", "requirements"} & table.keys():
        faults.append(("src", _Fault("is missing, and there is no lock either")))
    if "lock" not in table and found.requirements:
        faults.append(("lock", _Fault("is missing: it pins the requirements", _LOCKING)))
    faults += (("lock", fault) for fault in _misfits(found))
    if faults:
        raise _refusal(file, faults)
    return found


def _refusal(file: Path, faults: Sequence[tuple[str, _Fault]]) -> BuildError:
    problems = [f"{key}: {fault}" for key, fault in faults]
    several = len(problems) > 1
    return BuildError(
        f"has {len(problems)} faults" if several else problems[0],
        file=str(file),
        problems=problems if several else (),
        hint="; ".join(dict.fromkeys(fault.hint for _, fault in faults)),
    )


def _misfits(definition: Definition) -> list[_Fault]:
    """Return what is wrong between the requirements and the lock."""
    if definition.lock is None:
        return []
    from packaging.requirements import Requirement

    from litebundle.collect.pins import misfits  # some 200 modules with it

    try:
        found = misfits(definition.lock, map(Requirement, definition.requirements))
    except OSError as error:
        found = [f"cannot be read: {error.strerror}"]
    except ValueError as error:
        found = [f"is no lock: {error}"]
    return [_Fault(f"{definition.lock} {text}", _LOCKING) for text in found]


def _text(value: object, base: Path) -> str:
    del base
    if not isinstance(value, str) or not value:
        raise _Fault(f"expected text in quotes, found {value!r}")
    return value


def _texts(value: object, base: Path) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _Fault(f"expected a list of texts, found {value!r}")
    return tuple(_text(one, base) for one in value)


def _flag(value: object, base: Path) -> bool:
    del base
    if not isinstance(value, bool):
        raise _Fault(f"expected true or false, found {value!r}")
    return value


def _path(value: object, base: Path) -> Path:
    return base / _text(value, base)


def _present(value: object, base: Path) -> Path:
    path = _path(value, base)
    if not path.exists():
        raise _Fault(f"there is no {path}", _PATHS)
    return path


def _file(value: object, base: Path) -> Path:
    path = _present(value, base)
    if not path.is_file():
        raise _Fault(f"{path} is no file", _PATHS)
    return path


def _sources(value: object, base: Path) -> tuple[Path, ...]:
    paths = tuple(_present(one, base) for one in _texts(value, base))
    for path in paths:
        # Its own directory is named on purpose.
        if (path / NAME).exists() and not path.samefile(base):
            raise _Fault(f"{path} is defined by a {NAME} of its own", "build each by itself")
    return paths


def _requirements(value: object, base: Path) -> tuple[str, ...]:
    from packaging.requirements import InvalidRequirement, Requirement

    texts = _texts(value, base)
    for text in texts:
        try:
            Requirement(text)
        except InvalidRequirement as error:
            raise _Fault(f"{text!r} is no requirement: {error}".partition("\n")[0]) from error
    return texts


def _levels(value: object, base: Path) -> tuple[int, ...]:
    del base
    levels = value if isinstance(value, list) else [value]
    # By type, since true is 1.
    if not levels or not all(type(level) is int and 0 <= level <= 2 for level in levels):
        raise _Fault(f"expected a list of levels like [0, 2], found {value!r}")
    return tuple(sorted(set(levels)))


def _one_of(*known: str) -> Callable[[object, Path], str]:
    def parse(value: object, base: Path) -> str:
        text = _text(value, base)
        if text not in known:
            raise _Fault(f"expected {' or '.join(known)}, found {value!r}")
        return text

    return parse


def _one_or_more(value: object, base: Path) -> tuple[str, ...]:
    return _texts(value if isinstance(value, list) else [value], base)


def _versions(value: object, base: Path) -> tuple[str, ...]:
    texts = _one_or_more(value, base)
    if not all(map(_VERSION.fullmatch, texts)):
        raise _Fault(f"expected versions like 3.12 as texts, found {value!r}")
    return texts


def _place(value: object, base: Path) -> Mapping[str, str]:
    del base
    if not isinstance(value, dict):
        raise _Fault(f"expected a table of PACKAGE = LEVEL, found {value!r}")
    for package, level in value.items():
        if level not in NAMES:
            raise _Fault(f"{package}: expected {', '.join(NAMES)}, found {level!r}")
    return value


_PARSERS: Mapping[str, Callable[[object, Path], Any]] = {
    "src": _sources,
    "requirements": _requirements,
    "lock": _file,
    "check": _file,
    "output": _path,
    "format": _one_of("sqlite", "zip"),
    "optimize": _levels,
    **dict.fromkeys(("sources", "strict", "overlay", "deps", "tests"), _flag),
    "exclude": _texts,
    "only": _texts,
    "python-version": _versions,
    "platform": _one_or_more,
    "stdlib": _one_of("used", "all"),
    "place": _place,
    **dict.fromkeys(("main", "python-args", "trace"), _text),
    "compress": _one_of("auto", "none", "zlib", "zstd"),
    "trace-file": _path,
    **dict.fromkeys(("executable", "inherit-path", "defer-gc", "launcher"), _flag),
}


def _parser(key: str) -> Callable[[object, Path], Any]:
    if key not in _PARSERS:
        near = difflib.get_close_matches(key, _PARSERS, n=1)
        raise _Fault(f"there is no such key{f'; is it {near[0]}?' if near else ''}")
    return _PARSERS[key]
