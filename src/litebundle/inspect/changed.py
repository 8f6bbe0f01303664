"""The lines in which a module or a file differs: of its source, and of its disassembled code."""

import difflib
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.util import decode_source
from pathlib import Path

from litebundle.compile.interpreters import ask, find
from litebundle.errors import BuildError
from litebundle.format.listing import decode_ref
from litebundle.inspect import disassembler
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.diff import FILE, MODULE, Change, Comparison

_SECONDS = 30
_MAGIC = "import json; from importlib.util import MAGIC_NUMBER as m; print(json.dumps(m.hex()))"


def changed_lines(comparison: Comparison, change: Change) -> Iterator[str]:
    """Yield a unified diff of what a change of a file or of a module's code consists of.

    Code is unmarshalled by a process of its own, of the Python that it is for.
    """
    if change.roots is None or change.what not in (FILE, MODULE):
        return
    sides = [
        (bundle.at(number), said is not None)
        for bundle, number, said in zip(
            (comparison.old, comparison.new),
            change.roots,
            (change.before, change.after),
            strict=True,
        )
    ]
    if change.what == FILE:
        texts = [_text(bundle, change.name) if there else [] for bundle, there in sides]
        yield from _unified(change.name, texts)
        return
    old, new = (_codes(bundle, change.name) if there else {} for bundle, there in sides)
    for variant in sorted(old.keys() | new.keys()):
        if old.get(variant) != new.get(variant):
            texts = [_disassembled(codes.get(variant), variant) for codes in (old, new)]
            yield from _unified(f"{change.name}, code for {variant}", texts)


def _unified(name: str, texts: list[list[str] | None]) -> Iterator[str]:
    old, new = texts
    if old is None or new is None:
        yield f"{name}: no lines to compare"
        return
    if old == new:
        yield f"{name}: the same lines"  # which end otherwise, or are encoded otherwise
        return
    yield from difflib.unified_diff(old, new, f"old {name}", f"new {name}", lineterm="")


def _text(bundle: Bundle, path: str) -> list[str] | None:
    """Return the lines of a file, None if it is no text."""
    data = bundle.read(path)
    try:
        text = decode_source(data) if path.endswith(".py") else data.decode()
    except (UnicodeDecodeError, SyntaxError):  # PEP 263: an encoding that is none
        return None
    return text.splitlines()


def _codes(bundle: Bundle, module: str) -> dict[str, bytes]:
    """Return the code of a module by the variant that it is for."""
    directory, _, name = module.replace(".", "/").rpartition("/")
    listing = bundle.archive.listing(directory)
    index = listing.find_module(name) if listing else None
    if listing is None or index is None:
        return {}
    refs = {v.text: decode_ref(listing.code(n, index)) for n, v in enumerate(bundle.variants)}
    return {variant: bundle.archive.blob(ref) for variant, ref in refs.items() if ref}


def _disassembled(code: bytes | None, variant: str) -> list[str] | None:
    """Return the instructions, None if no interpreter here can tell them."""
    if code is None:
        return []
    python = _python(variant)
    if python is None:
        return None
    try:
        done = subprocess.run(
            [python, "-I", "-S", str(Path(disassembler.__file__).absolute())],
            input=code,
            capture_output=True,
            check=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").splitlines()


@cache
def _python(variant: str) -> str | None:
    """Return an interpreter of the magic number that a variant names, None if there is none."""
    _, tag, magic, _ = variant.split(" ")
    digits = tag.rpartition("-")[2]
    try:
        python = find(f"{digits[:1]}.{digits[1:]}")
        return python if ask(python, _MAGIC) == magic else None
    except BuildError:
        return None
