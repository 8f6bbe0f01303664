"""A bundle to look into: what the `list`, `cat` and `info` commands show, as an API."""

import os
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import Self

from litebundle.collect.tree import Kind
from litebundle.errors import BundleCorrupt, BundleError
from litebundle.format import listing as flag
from litebundle.format import names
from litebundle.format.listing import ENCODING_PART, ENCODING_ZSTD, Listing, Ref, decode_ref
from litebundle.format.manifest import JOINED, Target, Variant, joined
from litebundle.inspect.claims import Claims
from litebundle.runtime.archive import Archive, open_archive
from litebundle.runtime.containers import SqliteContainer

PACKAGE = "package"
MODULE = "module"
EXTENSION = "extension"
BYTECODE = "bytecode"
NAMESPACE = "namespace"

_PACKAGES = flag.PACKAGE | flag.EXTENSION_PACKAGE | flag.BYTECODE_PACKAGE
_METADATA = (".dist-info/METADATA", ".egg-info/PKG-INFO")


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """What can be imported: by its dotted name, as FileFinder's order decides.

    `kind` is PACKAGE, MODULE, EXTENSION, BYTECODE or NAMESPACE; `path` its file's in the bundle
    without the suffix (its directory's for the packages); `code` the bytes of its code for each
    variant of the bundle, None where none is stored.
    """

    name: str
    kind: str
    path: str
    code: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file by its path in the bundle; `size` in bytes, `mode` its permission bits."""

    path: str
    kind: Kind
    mode: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """An installed distribution, as its metadata at `path` in the bundle names it."""

    name: str
    version: str
    path: str


class Bundle:
    """A bundle opened for reading; nothing of it is executed or unmarshalled.

    Raises BundleError if the file is no bundle, and its subclasses if it cannot be read, is
    damaged or of another format; so do the methods for what they come across.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        name = os.fspath(path)
        archive = open_archive(name)
        if archive is None:
            raise BundleError(
                "not a bundle", file=name, hint="name a file that `bundle build` wrote"
            )
        self.archive: Archive = archive

    def at(self, root: int) -> Self:
        """Return the bundle as those see it that another of its roots is for."""
        other = copy(self)
        other.archive = self.archive.at(root)
        return other

    def seen_by(self, target: str) -> Self:
        """Return the bundle as a target sees it, named in full or by the beginning of its name.

        Of several the last is meant, which is for all releases. Raises BundleError if it is none.
        """
        for found in reversed(self.targets):
            if str(found).startswith(target):
                return self.at(found.root)
        raise BundleError(
            f"not for {target}",
            file=self.path,
            found=", ".join(map(str, self.targets)),
            hint="name one of these, or its beginning",
        )

    def __repr__(self) -> str:
        return f"<Bundle {self.path!r}, build {self.identity[:12]}>"

    @property
    def path(self) -> str:
        """The file, as it was named."""
        return self.archive.path

    @property
    def manifest(self) -> dict[str, str]:
        """What the bundle says of itself (FORMAT.md, "Manifest")."""
        return self.archive.manifest

    @property
    def identity(self) -> str:
        """The digest over the logical content, hexadecimal."""
        return self.archive.identity

    @property
    def targets(self) -> list[Target]:
        """Whom the bundle is for, preferred ones first."""
        return self.archive.targets

    @property
    def target(self) -> Target | None:
        """Which of them the running interpreter is, None if it is none."""
        return self.archive.target

    @property
    def variants(self) -> list[Variant]:
        """The interpreters and optimization levels that this root has code for."""
        return self.archive.variants

    @property
    def columns(self) -> list[int]:
        """Their numbers in the manifest."""
        return self.archive.roots[self.archive.root].columns

    def joined(self, number: int) -> list[tuple[int, Ref]]:
        """Return the joined streams of a variant, by its number in the manifest.

        Each with the highest identifier of the blobs that have the same code.
        """
        key = f"{JOINED}.{number}"
        try:
            found = [
                (last, decode_ref(bytes.fromhex(text)))
                for last, text in joined(self.manifest, number)
            ]
        except ValueError as error:
            raise self._damage(f"damaged manifest: {key}: {error}") from error
        return [(last, ref) for last, ref in found if ref is not None]

    @property
    def fitting(self) -> Variant | None:
        """The variant that the running interpreter uses, None if it has to compile."""
        index = self.archive.variant
        return None if index is None else self.variants[index]

    @property
    def container(self) -> str:
        """Kind of the container: "sqlite" or "zip"."""
        return self.archive.container.name

    @property
    def page_size(self) -> int | None:
        """Size of the database's pages in bytes, None if the container is no database."""
        container = self.archive.container
        return container.database.page_size if isinstance(container, SqliteContainer) else None

    @property
    def size(self) -> int:
        """Size of the file in bytes."""
        return self.archive.stamp[2]

    def modules(self) -> Iterator[Module]:
        """Yield what can be imported, sorted by path; of namespaces those that hold a module."""
        found: list[Module] = []
        inhabited: set[str] = set()
        for directory, content in self.listings():
            if "." in directory:  # no dotted name leads there
                continue
            for name, index in content.modules.items():
                module = _module(directory, name, content, index)
                if name == "__init__":
                    continue
                found.append(module)
                if module.kind != NAMESPACE:
                    inhabited.update(_above(module.path))
        found.sort(key=lambda module: module.path)
        for module in found:
            if module.kind != NAMESPACE or module.path in inhabited:
                yield module

    def files(self) -> Iterator[File]:
        """Yield the files, sorted by path."""
        found = []
        for directory, content in self.listings():
            for name, index in content.files.items():
                mode, ref = content.file(index)
                path = _join(directory, name)
                size = ref.raw if ref else 0
                found.append(File(path=path, kind=Kind.of(path), mode=mode, size=size))
        yield from sorted(found, key=lambda file: file.path)

    @property
    def is_zstd(self) -> bool:
        """Whether something of it is compressed with zstd."""
        variants = range(len(self.variants))
        for _, content in self.listings():
            refs = [content.file(index)[1] for index in content.files.values()]
            codes = [content.code(n, index) for n in variants for index in content.modules.values()]
            for ref in (*refs, *map(decode_ref, codes)):
                if ref is not None and ref.encoding in (ENCODING_ZSTD, ENCODING_PART):
                    return True
        return False

    def levels(self) -> dict[str, int]:
        """Return the levels of the packages that are placed, by dotted name."""
        return {
            _join(directory, name).replace("/", "."): content.placement(index)[0]
            for directory, content in self.listings()
            for name, index in content.placements.items()
        }

    def distributions(self) -> list[Distribution]:
        """Return the distributions that the bundle has metadata of, sorted by path."""
        found = []
        claims = Claims(self.size)
        for file in self.files():
            if file.kind is Kind.METADATA and file.path.endswith(_METADATA):
                self._claim(claims, file.path)
                headers = BytesHeaderParser().parsebytes(self.read(file.path))
                found.append(
                    Distribution(
                        name=str(headers.get("Name")),
                        version=str(headers.get("Version")),
                        path=file.path.rpartition("/")[0],
                    )
                )
        return found

    def read(self, path: str) -> bytes:
        """Return a file's content by its path in the bundle; raises FileNotFoundError."""
        data = self.archive.read(path)
        if data is None:
            raise FileNotFoundError(2, "No such file in the bundle", path)
        return data

    def source_path(self, module: str) -> str | None:
        """Return the path of a module's source by its dotted name, None if there is none."""
        base = module.replace(".", "/")
        # F4: the package before the module of its name
        for path in (f"{base}/__init__.py", f"{base}.py"):
            if self.archive.file(path) is not None:
                return path
        return None

    def listings(self) -> Iterator[tuple[str, Listing]]:
        """Yield every directory of the root with its listing, those above first.

        Raises BundleCorrupt if a name cannot be one, or if they are no tree.
        """
        pending = [""]
        seen: set[int] = set()
        claims = Claims(self.size)
        while pending:
            directory = pending.pop()
            content = self.archive.listing(directory)
            if content is None:
                raise self._damage(f"no listing of {directory!r}")
            try:
                claims.directory(directory, content)
                _check_names(content)
                yield directory, content
                for name, index in content.directories.items():
                    ref = content.directory(index)
                    # A listing that stood for two directories could make the tree endless.
                    if ref is None or ref.identifier in seen:
                        raise ValueError(f"no listing of its own for {name!r}")
                    seen.add(ref.identifier)
                    claims.content(ref)  # by other numbers it may be the same bytes
                    pending.append(_join(directory, name))
            except ValueError as error:
                raise self._damage(f"damaged listing of {directory!r}: {error}") from error

    def _claim(self, claims: Claims, path: str) -> None:
        stored = self.archive.file(path)
        try:
            claims.content(stored[1] if stored else None)
        except ValueError as error:
            raise self._damage(f"damaged metadata: {error}") from error

    def _damage(self, what: str) -> BundleCorrupt:
        return BundleCorrupt(what, file=self.path, hint="see what `bundle verify` says of it")


def _check_names(listing: Listing) -> None:
    for section in (listing.modules, listing.directories, listing.placements, listing.files):
        for name in section:
            reason = "has a slash" if "/" in name else names.problem(name)
            if reason is not None:
                raise ValueError(f"{name!r} {reason}")


def kind_of(flags: int) -> str:
    """Return which kind of module the flags in a listing tell of."""
    if flags & _PACKAGES:
        return PACKAGE
    if flags & flag.EXTENSION:
        return EXTENSION
    if flags & flag.SOURCE:
        return MODULE
    return BYTECODE if flags & flag.BYTECODE else NAMESPACE


def _module(directory: str, name: str, content: Listing, index: int) -> Module:
    refs = [decode_ref(content.code(variant, index)) for variant in range(content.variants)]
    path = _join(directory, name)
    return Module(
        name=path.replace("/", "."),
        kind=kind_of(content.flags(index)),
        path=path,
        code=tuple(ref.raw if ref else None for ref in refs),
    )


def _join(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name


def _above(path: str) -> Iterator[str]:
    """Yield the directories above a path."""
    at = path.rfind("/")
    while at >= 0:
        yield path[:at]
        at = path.rfind("/", 0, at)
