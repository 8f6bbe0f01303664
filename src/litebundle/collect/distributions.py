"""Which distributions a tree holds, read from their metadata, and what they offer and need."""

import configparser
import csv
import io
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, cast

from litebundle.collect.tree import Entry, Kind, Tree

if TYPE_CHECKING:
    from packaging.markers import Environment as Markers

COMMANDS = "bin/"
_SCRIPT = re.compile(rb"#!.*python")  # `#!python` in a wheel (PEP 427)
_METADATA = (".dist-info/METADATA", ".egg-info/PKG-INFO")
_ENTRY_POINTS = (".dist-info/entry_points.txt", ".egg-info/entry_points.txt")


def distributions(tree: Tree) -> list[tuple[str, str, str]]:
    """Return (name, version, path of the metadata directory) of each, in the order of the paths."""
    return [
        (str(headers.get("Name")), str(headers.get("Version")), path)
        for path, headers in _metadata(tree)
    ]


def scripts(tree: Tree) -> dict[str, str]:
    """Return the commands of the distributions by name.

    They are declared, as "module:function", or scripts of Python, by their paths ("bin/name"). Of
    two commands of one name it is the declared one, or that of the first path. Declarations that
    cannot be read are passed over, as they are by everyone who looks for other ones.
    """
    found: dict[str, str] = {}
    for entry in tree.entries:
        if entry.kind is Kind.METADATA and entry.path.endswith(_ENTRY_POINTS):
            parser = configparser.ConfigParser(delimiters="=", interpolation=None, strict=False)
            parser.optionxform = str  # type: ignore[assignment, method-assign]  # keeps the case
            try:
                parser.read_string(entry.read().decode())
            except (configparser.Error, UnicodeDecodeError):
                continue
            for group in ("console_scripts", "gui_scripts"):
                for name, value in parser.items(group) if parser.has_section(group) else ():
                    point = EntryPoint(name, value, group)
                    if name.isprintable() and point.pattern.match(value) and point.attr:
                        found.setdefault(name, f"{point.module}:{point.attr}")
    for entry in tree.entries:
        if is_command(entry) and _SCRIPT.match(entry.packed().raw):
            found.setdefault(entry.path.removeprefix(COMMANDS), entry.path)
    return found


def is_command(entry: Entry) -> bool:
    """Tell whether a file is where installers put commands, and may be executed."""
    name = entry.path.removeprefix(COMMANDS)
    return name != entry.path and "/" not in name and bool(entry.mode & 0o111)


def recorded(tree: Tree) -> Iterator[set[str]]:
    """Yield for each distribution the paths it installed (PEP 376, RECORD)."""
    for entry in tree.entries:
        if entry.path.endswith(".dist-info/RECORD"):
            rows = csv.reader(io.StringIO(entry.read().decode("utf-8", "replace")))
            # What `pip --target` has put beside the packages it records as if it were elsewhere
            yield {row[0].removeprefix("../../") for row in rows if row}


def unmet(tree: Tree, markers: "Markers") -> Iterator[str]:
    """Yield a sentence for each requirement of a distribution that the tree does not meet."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    there = {canonicalize_name(name): version for name, version, _ in distributions(tree)}
    for _, headers in _metadata(tree):
        for text in headers.get_all("Requires-Dist", []):
            try:
                needed = Requirement(text)
            except InvalidRequirement:
                continue
            if needed.marker and not needed.marker.evaluate(
                cast("dict[str, str]", {**markers, "extra": ""})
            ):
                continue
            version = there.get(canonicalize_name(needed.name))
            if version is None:
                yield f"{headers.get('Name')} needs {needed.name}, which is not in the bundle"
            elif not needed.specifier.contains(version, prereleases=True):
                yield (
                    f"{headers.get('Name')} needs {needed.name}{needed.specifier},"
                    f" and {version} is in the bundle"
                )


def _metadata(tree: Tree) -> Iterator[tuple[str, Message]]:
    """Yield the path of each metadata directory, and its headers."""
    for entry in tree.entries:
        if entry.kind is Kind.METADATA and entry.path.endswith(_METADATA):
            yield entry.path.rpartition("/")[0], BytesHeaderParser().parsebytes(entry.read())
