"""What differs between two bundles, told by what people know them by.

Compared are digests of the contents, computed here: nothing that a bundle says of itself is taken
for it, and nothing of it is executed or unmarshalled.
"""

import filecmp
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from litebundle.errors import BundleCorrupt
from litebundle.format.manifest import JOINED
from litebundle.inspect.bundle import NAMESPACE, Bundle, kind_of
from litebundle.inspect.check import Check
from litebundle.write.content import Blob, Directory, File, Module, Placement, Root

MODULE, FILE = "module", "file"

_SCRIPT = "script."
_SAID_OTHERWISE = ("identity", "tail", "root.", "variant.", "target.", f"{JOINED}.", _SCRIPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A thing that differs: as it is in the old bundle and in the new, None where it is not there.

    `what` is container, manifest, launcher, script, target, variant, distribution, module, file,
    directory or placement. `roots` are the numbers of the trees it is in, in the old bundle and
    in the new, None for what is the whole bundle's.
    """

    what: str
    name: str
    before: str | None
    after: str | None
    roots: tuple[int, int] | None = None


class Comparison:
    """Two bundles that were read whole; raises BundleCorrupt if one is not sound."""

    def __init__(self, old: str | os.PathLike[str], new: str | os.PathLike[str]) -> None:
        self.old, self.new = Bundle(old), Bundle(new)
        self._roots = _content(self.old), _content(self.new)

    def changes(self) -> Iterator[Change]:
        """Yield what differs; nothing only if the files are equal, byte for byte."""
        found = False
        for change in self._changes():
            found = True
            yield change
        if not found and not filecmp.cmp(self.old.path, self.new.path, shallow=False):
            digests = (_digest(bundle.path) for bundle in (self.old, self.new))
            yield Change(what="container", name="bytes", before=next(digests), after=next(digests))

    def trees(self) -> Iterator[tuple[int, int]]:
        """Yield the numbers of the roots that belong together: those of the same target.

        Those that have no counterpart are compared in the order in which they stand.
        """
        old, new = ({str(t): t.root for t in bundle.targets} for bundle in (self.old, self.new))
        pairs = [(old[name], new[name]) for name in old if name in new]
        gone = [root for name, root in old.items() if name not in new]
        come = [root for name, root in new.items() if name not in old]
        yield from dict.fromkeys([*pairs, *zip(gone, come, strict=False)])

    def _changes(self) -> Iterator[Change]:
        manifests = [bundle.manifest for bundle in self._bundles]
        yield from _of("container", map(_facts, self._bundles))
        yield from _of("manifest", map(_plain, manifests))
        if self.old.container == self.new.container:
            yield from _of("launcher", map(_launcher, manifests))
        yield from _of("script", map(_scripts, manifests))
        yield from _of("target", map(_targets, self._bundles))
        yield from _of("variant", map(_variants, manifests))
        for roots in self.trees():
            yield from self._tree(roots)

    @property
    def _bundles(self) -> tuple[Bundle, Bundle]:
        return self.old, self.new

    def _tree(self, numbers: tuple[int, int]) -> Iterator[Change]:
        seen = [bundle.at(n) for bundle, n in zip(self._bundles, numbers, strict=True)]
        roots = [found[n] for found, n in zip(self._roots, numbers, strict=True)]
        columns = [[variant.text for variant in bundle.variants] for bundle in seen]
        common = [name for name in columns[0] if name in columns[1]]
        modules = [
            _modules(root, [names.index(name) for name in common])
            for root, names in zip(roots, columns, strict=True)
        ]
        yield from _of("distribution", map(_distributions, seen), numbers)
        yield from _of(MODULE, modules, numbers)
        yield from _of(FILE, map(_files, roots), numbers)
        yield from _of("directory", map(_empty, roots), numbers)
        yield from _of("placement", map(_placements, roots), numbers)


def _of(
    what: str, tables: Iterable[Mapping[str, str]], roots: tuple[int, int] | None = None
) -> Iterator[Change]:
    """Yield where two tables of names and what is to be said of them differ."""
    old, new = tables
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield Change(what=what, name=name, before=before, after=after, roots=roots)


def _content(bundle: Bundle) -> list[Root]:
    check = Check(bundle.archive)
    if problems := check.run():
        raise BundleCorrupt(
            f"not sound, so it is not compared: {problems[0]}",
            file=bundle.path,
            hint=f"`bundle verify {bundle.path}` tells what is wrong",
        )
    return check.roots


def _digest(path: str) -> str:
    with Path(path).open("rb") as file:
        return f"SHA-256 {hashlib.file_digest(file, 'sha256').hexdigest()}"


def _facts(bundle: Bundle) -> dict[str, str]:
    pages = {"page size": str(bundle.page_size)} if bundle.page_size else {}
    return {"kind": bundle.container, **pages}


def _plain(manifest: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in manifest.items() if not k.startswith(_SAID_OTHERWISE)}


def _launcher(manifest: Mapping[str, str]) -> dict[str, str]:
    return {"launcher": _short(*manifest["tail"].split(" "))} if "tail" in manifest else {}


def _scripts(manifest: Mapping[str, str]) -> dict[str, str]:
    return {k.removeprefix(_SCRIPT): v for k, v in manifest.items() if k.startswith(_SCRIPT)}


def _targets(bundle: Bundle) -> dict[str, str]:
    return {str(target): "there" for target in bundle.targets}


def _variants(manifest: Mapping[str, str]) -> dict[str, str]:
    return {value: "there" for key, value in manifest.items() if key.startswith("variant.")}


def _distributions(bundle: Bundle) -> dict[str, str]:
    return {found.name: found.version for found in bundle.distributions()}


def _short(size: object, digest: str) -> str:
    return f"{size} bytes {digest[:12]}"


def _blob(blob: Blob | None) -> str:
    return _short(blob.raw, blob.digest.hex()) if blob else "none"


def _named(root: Root, take: Callable[[Directory], Mapping[str, str]]) -> dict[str, str]:
    """Return what is taken of each directory, by the path in the bundle."""
    return {
        f"{path}/{name}" if path else name: said
        for path, directory in root.directories.items()
        for name, said in take(directory).items()
    }


def _modules(root: Root, columns: list[int]) -> dict[str, str]:
    def said(module: Module) -> str:
        codes = ", ".join(_blob(module.codes[column]) for column in columns)
        return f"{kind_of(module.flags)}, code {codes}"

    def take(directory: Directory) -> dict[str, str]:
        return {
            # A package's code is listed in its own directory, too; and of directories that may be
            # namespace packages, the modules in them tell
            name: said(module)
            for name, module in directory.modules.items()
            if name != "__init__" and kind_of(module.flags) != NAMESPACE
        }

    return {path.replace("/", "."): text for path, text in _named(root, take).items()}


def _files(root: Root) -> dict[str, str]:
    def said(file: File) -> str:
        return f"{file.mode:o}, {_blob(file.blob)}"

    return _named(root, lambda directory: {n: said(f) for n, f in directory.files.items()})


def _empty(root: Root) -> dict[str, str]:
    """Return the directories of which no file tells."""
    return {p: "empty" for p, d in root.directories.items() if not (d.files or d.directories)}


def _placements(root: Root) -> dict[str, str]:
    def said(placement: Placement) -> str:
        files = f"{len(placement.files)} files {placement.key.hex()[:12]}"
        return f"level {placement.level}, {files}"

    return _named(root, lambda directory: {n: said(p) for n, p in directory.placements.items()})
