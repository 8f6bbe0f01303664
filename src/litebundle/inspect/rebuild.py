"""Code against source: the modules of a bundle compiled again, and compared byte by byte.

The interpreters are this machine's; the sources are compiled by worker processes, and neither they
nor the stored code are executed or unmarshalled. That stored code is what its source says can be
told in no other way: a checksum is right for whatever was put there.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from litebundle.collect.tree import Entry, Kind, Packed
from litebundle.compile import interpreters
from litebundle.compile.pool import Pool
from litebundle.errors import BuildError
from litebundle.format.manifest import ANY, Variant, variants
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.check import Check, codes
from litebundle.inspect.finding import Finding
from litebundle.write.content import File, Root

_Code = dict[tuple[str, int], bytes]
"""Digests of stored code by the path of its source and its variant."""


class Rebuild:
    """One comparison of a sound bundle; `compared` counts the pieces of code that are equal."""

    def __init__(self, bundle: Bundle, check: Check) -> None:
        self._bundle = bundle
        self._check = check
        self._variants = variants(bundle.manifest)
        self.compared = 0

    def problems(self) -> Iterator[Finding]:
        """Yield what is not as its source says, and what cannot be told.

        That is a problem too: who asks wants to know. So are modules whose sources were left out.
        """
        for number, root in enumerate(self._check.roots):
            stored = {(path, variant): blob.digest for path, variant, blob in codes(root)}
            sources = [*_sources(root, self._check.hidden())]
            for path in sorted({path for path, _ in stored} - {file.path for file in sources}):
                yield Finding(where=f"code of {path}", what="its source is not in the bundle")
            by_python: dict[tuple[str, bytes], list[int]] = defaultdict(list)
            for column in root.columns:
                variant = self._variants[column]
                by_python[self._wanted(variant, number), variant.magic].append(column)
            entries = [self._entry(number, file) for file in sources]
            for (version, magic), columns in by_python.items():
                yield from self._compare(version, magic, columns, (entries, stored))

    def _compare(
        self, version: str, magic: bytes, columns: list[int], work: tuple[list[Entry], _Code]
    ) -> Iterator[Finding]:
        entries, stored = work
        where = f"code for Python {version}"
        levels = tuple(self._variants[column].optimize for column in columns)
        try:
            with Pool(interpreters.find(version), optimize=levels) as pool:
                if pool.target.magic != magic:
                    yield Finding(
                        where=where,
                        what="cannot be compiled again: this Python's is of another kind",
                        expected=magic.hex(),
                        found=pool.target.magic.hex(),
                    )
                    return
                for result in pool.compile(entries):
                    digests = [hashlib.sha256(code).digest() for code in result.codes]
                    for place, column in enumerate(columns):
                        found = digests[place] if digests else None
                        if stored.get((result.path, column)) == found:
                            self.compared += found is not None
                        else:
                            yield _differs(result.path, self._variants[column], result.error)
        except BuildError as error:
            yield Finding(where=where, what=f"cannot be compiled again: {error.message}")

    def _wanted(self, variant: Variant, root: int) -> str:
        """Return the version of the Python that a column of a root was compiled by."""
        digits = variant.cache_tag.rpartition("-")[2]
        for target in self._bundle.targets:
            if target.root == root and target.release != ANY:
                return target.release
        return f"{digits[:1]}.{digits[1:]}"

    def _entry(self, root: int, file: File) -> Entry:
        seen = self._bundle.at(root)
        return Entry(
            path=file.path,
            location=str(Path(self._bundle.path, file.path)),
            mode=file.mode,
            size=file.blob.raw,
            kind=Kind.SOURCE,
            archived=lambda: Packed(seen.read(file.path)),
        )


def _sources(root: Root, hidden: set[str]) -> Iterator[File]:
    for file in root.files():
        if Kind.of(file.path) is Kind.SOURCE and file.path not in hidden:
            yield file


def _differs(path: str, variant: Variant, error: str | None) -> Finding:
    what = "not what its source compiles to" if error is None else f"its source: {error}"
    return Finding(where=f"code of {path} for {variant}", what=what)
