"""Names and paths: what may stand in a bundle, and which module a file name stands for.

A path in a bundle is Unicode text, relative, its components separated by "/". A backslash, a line
feed or a colon is a character like any other, as it is on Linux: a directory holding such files
packs. Whoever writes files to disk elsewhere (placing, unpacking) has to refuse what means
something else there.
"""

PYCACHE = "__pycache__"
"""Name of the directories where Python keeps its own compiled files (PEP 3147)."""

SOURCE = "source"
EXTENSION = "extension"
BYTECODE = "bytecode"

MAX_COMPONENT = 255
"""Longest component in UTF-8 bytes: what the file systems in use take."""

_STABLE_ABI = ("abi3", "abi3t")  # PEP 384, PEP 803
_FIRST_MINOR = 11


def problem(path: str) -> str | None:
    """Return why no bundle can hold the path, in words that follow it; None if one can."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "is not valid UTF-8"
    if "\0" in path:
        return "contains a NUL character"
    for component in path.split("/"):
        if not component:
            return "is absolute" if path.startswith("/") else "has an empty component"
        if component in (".", ".."):
            return f"has a component {component!r}"
        # No character is more than four bytes: most names need no second encoding.
        if len(component) * 4 > MAX_COMPONENT and len(component.encode()) > MAX_COMPONENT:
            return f"has a component longer than {MAX_COMPONENT} bytes"
    return None


def module_name(filename: str) -> tuple[str, str] | None:
    """Return the module that a file name stands for and how: SOURCE, EXTENSION or BYTECODE.

    These are FileFinder's rules with the suffixes of every CPython from 3.11 on, on every
    platform; None if none of them would import the file. It looks for the last component of a
    module's name followed by a suffix, so what stands before the first dot is the whole name.
    """
    stem, _, suffix = filename.partition(".")
    if not stem:
        return None
    if suffix == "py":
        return stem, SOURCE
    if suffix == "pyc":
        return stem, BYTECODE
    return (stem, EXTENSION) if _is_extension(suffix) else None


def _is_extension(suffix: str) -> bool:
    """Tell whether "so", "abi3.so", "cpython-313-x86_64-linux-gnu.so", "cp313-win_amd64.pyd"..."""
    tag, _, file_type = suffix.rpartition(".")
    if file_type == "so":
        return tag in ("", *_STABLE_ABI) or _is_abi(tag, "cpython-")
    # A debug build's "_d.pyd" is taken for a release's, whose module is called "name_d".
    return file_type == "pyd" and (not tag or _is_abi(tag, "cp"))


def _is_abi(tag: str, prefix: str) -> bool:
    """Tell whether the tag is `prefix`, the digits of 3.11 or newer, ABI flags, any platform."""
    if not tag.startswith(prefix):
        return False
    version = tag.removeprefix(prefix).partition("-")[0].rstrip("td")
    minor = version[1:]
    digits = minor.isascii() and minor.isdigit()
    return version.startswith("3") and digits and int(minor) >= _FIRST_MINOR
