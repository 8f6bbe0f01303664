"""Breakpoints by file and line in modules of bundles, for pdb (A2), which looks for files."""

import sys
from _frozen_importlib_external import decode_source, path_sep

from .descriptor import absolute
from .paths import path_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def extend(pdb: "Any") -> None:
    """Have `Pdb.lookupmodule` find what it would find if bundles were directories."""
    standard = getattr(getattr(pdb, "Pdb", None), "lookupmodule", None)
    if standard is None or standard.__module__ == __name__:
        return  # another module of that name, or extended already

    def lookupmodule(self: object, filename: str) -> str | None:
        found: str | None = standard(self, filename)
        if found is not None:
            return found
        if not filename.endswith(".py"):
            filename = filename.replace(".", path_sep) + ".py"
        for entry in ("", *sys.path):
            name = filename if not entry else f"{absolute(entry)}{path_sep}{filename}"
            path = path_at(name)
            if path is not None and path.is_file():
                return name
        return None

    pdb.Pdb.lookupmodule = lookupmodule
    if sys.version_info < (3, 13):  # since then it asks linecache for what it cannot open
        pdb.tokenize = _Tokenize(pdb.tokenize)


class _Tokenize:
    """Stand in for the tokenize module, by which pdb opens sources to look for functions."""

    def __init__(self, standard: "Any") -> None:
        self._standard = standard

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._standard, name)

    def open(self, filename: str) -> "Any":
        """Open a source, decoded."""
        path = path_at(filename)
        if path is None or not path.is_file():
            return self._standard.open(filename)
        from io import StringIO

        return StringIO(decode_source(path.read_bytes()))
