"""Loaders: from a reference to a code object. importlib does the bookkeeping (L1 to L11).

`BundleLoader` is a SourceFileLoader whose files are in a bundle: `exec_module`, `create_module`,
`load_module`, `get_filename`, `is_package` and `source_to_code` are importlib's own, so that its
rules hold and its frames are trimmed from tracebacks as they are for a directory.
"""

import marshal
import sys
from _frozen_importlib_external import (
    ExtensionFileLoader,
    FileLoader,
    SourceFileLoader,
    SourcelessFileLoader,
    decode_source,
    path_separators,
)
from _imp import _fix_co_filename  # type: ignore[attr-defined]

from ..errors import BundleError, BundleVersionError
from ..format.listing import EMPTY_REF
from ..format.manifest import ANY, variants
from .target import running_platform, running_python

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from importlib.resources.abc import TraversableResources
    from types import CodeType, ModuleType

    from _typeshed import ReadableBuffer

    from .archive import Archive
    from .files import Unit
    from .homeless import HomelessUnit


class _InBundle(FileLoader):
    """What loaders of modules in a bundle share: files are looked up in the archive first.

    `root` is the path at which the bundle, or its placed files, are served.
    """

    name: str
    path: str
    unit: "Unit | HomelessUnit | None" = (
        None  # of files that are placed before the module is executed
    )
    _archive: "Archive"
    _root: str

    def _inside(self, path: str) -> str | None:
        """Return the path within the bundle of a path below its roots, or of a relative one."""
        for root in (self._root, self._archive.path):
            if path.startswith(root) and path[len(root) :][:1] in ("", *path_separators):
                path = path[len(root) :]
                break
        else:
            if path[:1] in path_separators:
                return None
        for separator in path_separators:
            path = path.replace(separator, "/")
        return self._archive.normalized(path.split("/"))

    def get_data(self, path: str) -> bytes:
        """Return the bytes of a file (PEP 302): in the bundle, or on disk as for a directory.

        `path` is absolute or relative to the bundle; raises OSError if nothing is there.
        """
        path = _fspath(path)
        inside = self._inside(path)
        if inside is None:
            return super().get_data(path)
        data = self._archive.read(inside)
        if data is not None and path[-1:] in path_separators:
            raise NotADirectoryError(20, "Not a directory", path)
        if data is None:
            raise self._archive.missing(inside, path)
        return data

    def get_resource_reader(  # type: ignore[override]  # typeshed has one kind of reader only
        self, fullname: str
    ) -> "TraversableResources | None":
        """Return the reader of a package's resources, or of those beside a module."""
        if fullname != self.name:
            return None
        from .resources import BundleReader

        if self._root != self._archive.path:  # placed: real paths, as for a directory
            from .placed import PlacedPath

            if self.unit is not None:
                self.unit.place()
            return BundleReader(PlacedPath(self.path).parent)
        from .paths import BundlePath

        inside = self._inside(self.path)
        directory = "" if inside is None else inside.rpartition("/")[0]
        return BundleReader(BundlePath(self._archive, self._root, directory))

    def __reduce__(self) -> tuple[object, ...]:
        from .finder import loader_of

        return loader_of, (self.name, self.path)


class BundleLoader(_InBundle, SourceFileLoader):  # type: ignore[misc]  # typeshed: as importlib's own
    """Load one module from its stored code, or by compiling its stored source (A7).

    `path` is the module's `__file__`; `code` the encoded reference of its code.
    """

    def __init__(
        self, fullname: str, path: str, archive: "Archive", root: str, code: bytes
    ) -> None:
        self.name = fullname
        self.path = path
        self._archive = archive
        self._root = root
        self._code = code

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.path!r})"

    def get_code(self, fullname: str | None = None) -> "CodeType":
        """Return the module's code object; raises ImportError if `fullname` is another module."""
        path = self.path if fullname == self.name else self.get_filename(fullname)
        if self.unit is not None:
            # Not in create_module: a reload goes without (L5), and runpy asks for the code alone.
            self.unit.place()
        if self._code == EMPTY_REF:
            return self._compile(path)
        code: CodeType | None = None
        if self._archive.joined is not None:
            code = self._archive.joined.take(self._code, self._archive)
        if code is None:
            try:
                code = marshal.loads(self._archive.code(self._code))
            except BundleError as error:
                error.module = self.name
                raise
        # I2: stored code has a path relative to the bundle; nested code objects are renamed too
        _fix_co_filename(code, path)
        return code

    def _compile(self, path: str) -> "CodeType":
        # A7: no code for this interpreter
        inside = self._inside(path)
        source = None if inside is None else self._archive.read(inside)
        if source is None:
            raise self._no_code()
        try:
            return self.source_to_code(source, path)
        except SyntaxError as error:
            # L10: what the parser has not seen itself it looks up on disk, where there is nothing
            if error.text is None and error.filename == path:
                error.text = _line(source, error.lineno)
            raise

    def _no_code(self) -> BundleVersionError:
        level = f" -O{sys.flags.optimize}" if sys.flags.optimize else ""
        return BundleVersionError(
            "no code for this Python, and no source to compile",
            file=self._archive.path,
            module=self.name,
            expected=f"{sys.implementation.cache_tag}{level}",
            found=", ".join(map(str, variants(self._archive.manifest))) or "no code at all",
            build=self._archive.identity[:12],
            hint="build with this Python (and --optimize), or keep the sources in the bundle",
        )

    def get_source(self, fullname: str) -> str | None:
        """Return the decoded source (PEP 263, universal newlines), None if it was left out."""
        inside = self._inside(self.get_filename(fullname))
        source = None if inside is None else self._archive.read(inside)
        if source is None:
            return None
        return decode_source(source)

    def path_stats(self, path: str) -> dict[str, int]:
        """Return size (bytes) and mtime (the bundle's, whole seconds) of a source file."""
        inside = self._inside(path)
        found = None if inside is None else self._archive.file(inside)
        if found is None or found[1] is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        return {"mtime": self._archive.stamp[3] // 10**9, "size": found[1].raw}

    def set_data(self, path: str, data: "ReadableBuffer", *, _mode: int = 0o666) -> None:
        """Do nothing: a bundle is never written to, and no cache file is left beside it."""


class BundleBytecodeLoader(_InBundle, SourcelessFileLoader):
    """Load a module that was packed as a `.pyc` without its source."""

    def __init__(self, fullname: str, path: str, archive: "Archive", root: str) -> None:
        self.name = fullname
        self.path = path
        self._archive = archive
        self._root = root

    def get_code(self, fullname: str) -> "CodeType | None":
        """Place the unit's files, then return the module's code object."""
        if self.unit is not None:
            self.unit.place()
        return super().get_code(fullname)


class PlacedExtensionLoader(_InBundle, ExtensionFileLoader):
    """Load an extension module from the file that is placed for it first, or from memory."""

    def __init__(self, fullname: str, path: str, archive: "Archive", root: str) -> None:
        self.name = fullname
        self.path = path
        self._archive = archive
        self._root = root

    def create_module(self, spec: "ModuleSpec") -> "ModuleType":
        """Place the unit's files, then create the module from its own."""
        if self.unit is not None:
            self.unit.place()
        if self._root != self._archive.path:
            try:
                return super().create_module(spec)
            except ImportError:
                from .cache import executable

                if executable(self.path):
                    raise
        from .memory import create_module

        return create_module(self._archive, self._inside(self.path) or "", spec)


class ForeignExtensionLoader(ExtensionFileLoader):
    """Refuse an extension module that the bundle has for other Pythons or platforms only."""

    def __init__(self, name: str, path: str, archive: "Archive") -> None:
        super().__init__(name, path)
        self._archive = archive

    def create_module(self, spec: object) -> "ModuleType":
        """Raise BundleVersionError, naming whom there are extension modules for."""
        raise BundleVersionError(
            "no extension module for this Python and platform",
            file=self._archive.path,
            module=self.name,
            expected=f"{running_python()}-{running_platform()}",
            found=", ".join(str(t) for t in self._archive.targets if t.release == ANY),
            build=self._archive.identity[:12],
            hint="run one of these, or build with --python-version and --platform for this one",
        )


def _fspath(path: object) -> str:
    # os.fspath without os: importlib.resources and others hand paths over
    return path if isinstance(path, str) else path.__fspath__()  # type: ignore[attr-defined]


def _line(source: bytes, number: int | None) -> str | None:
    try:
        # Not splitlines, which takes form feeds and others for ends of lines too
        lines = decode_source(source).split("\n")
        return lines[(number or 0) - 1] + ("\n" if (number or 0) < len(lines) else "")
    except (IndexError, SyntaxError, UnicodeDecodeError):
        return None


def _trim() -> None:
    # L10: importlib leaves out of tracebacks what stands above a module's own lines, told by the
    # file name of its frames; these run below its frames and above `compile`.
    for function in (
        BundleLoader.get_code,
        BundleLoader._compile,  # noqa: SLF001  # our own
        BundleBytecodeLoader.get_code,
        PlacedExtensionLoader.create_module,
    ):
        function.__code__ = function.__code__.replace(
            co_filename="<frozen importlib._bootstrap_external>"
        )


_trim()
