"""The path entry finder: one for each directory of a bundle (F2 to F8)."""

import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    FileFinder,
    path_sep,
    spec_from_file_location,
)

from ..format import listing as kinds
from ..format.listing import NOTHING, REF_SIZE, Listing
from .loader import (
    BundleBytecodeLoader,
    BundleLoader,
    ForeignExtensionLoader,
    PlacedExtensionLoader,
)
from .mount import Mount, mount_join, resolve, trust_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .archive import Archive
    from .files import Unit
    from .homeless import HomelessUnit

    Find = Callable[[str], int | None]
    View = tuple[Archive, Find, bytes, bytes]

_HOME = __file__.rsplit(path_sep, 2)[0] + path_sep
_SUFFIXES = [*SOURCE_SUFFIXES, *BYTECODE_SUFFIXES, *EXTENSION_SUFFIXES]
_DIRECTORY = kinds.DIRECTORY
_PACKAGE = kinds.PACKAGE
_PLAIN = kinds.SOURCE | kinds.PACKAGE | kinds.DIRECTORY
_ANY_PACKAGE = kinds.PACKAGE | kinds.EXTENSION_PACKAGE | kinds.BYTECODE_PACKAGE
_ANY_EXTENSION = kinds.EXTENSION | kinds.EXTENSION_PACKAGE
_GONE = Listing(NOTHING)  # of a directory that the new file has not
_UNSEEN = None, *_GONE.view("", None)


def path_hook(path: object) -> "BundleFinder":
    """Return the finder of a path entry: a bundle or a directory inside one (F1, F2).

    Raises ImportError if the entry is nothing of ours, BundleError (no ImportError) if a bundle
    stands there that is damaged, unreadable or of another format.
    """
    if not isinstance(path, str):
        raise ImportError("only str path entries can be bundles", path=path)  # type: ignore[arg-type]
    finder = _finder(path)
    if finder.shows_sources:
        raise ImportError("a directory with sources, as good as any", path=path)
    return finder


def _finder(path: str) -> "BundleFinder":
    found = resolve(path)
    if found is None:
        # Not of our own modules, by whose import it would be asked for ever
        if not (path + path_sep).startswith(_HOME) and (files := trust_files()):
            from .signed import refuse_other

            refuse_other(path, files)
        raise ImportError("not a bundle, nor a directory inside one", path=path)
    mount, directory, location = found
    if mount.archive.listing(directory) is None and not mount.archive.signed:
        # F2: zipimport, asked next, takes any location in a zip; it finds nothing in this one,
        # unless it was altered: in a signed one nothing is found by us
        raise ImportError("no such directory in the bundle", path=path)
    unit = None
    if _above(location, directory) != mount.path:
        from .files import unit_at

        unit = unit_at(location)
    return BundleFinder(mount, directory, location, unit)


def loader_of(fullname: str, path: str) -> object:
    """Return the loader of a module again, by its `__file__`; what pickled loaders come back as.

    Raises ImportError if it is not there any more.
    """
    directory, _, filename = path.rpartition(path_sep)
    if filename.startswith("__init__.") and fullname.rpartition(".")[2] != "__init__":
        directory = directory.rpartition(path_sep)[0]
    spec = _finder(directory).find_spec(fullname)
    if spec is None:
        raise ImportError(f"no module {fullname!r} in {directory!r}", name=fullname, path=path)
    return spec.loader


class BundleFinder:
    """Find the modules of one directory of a bundle.

    `path` is the absolute path entry: the bundle, a directory inside it, or a directory on disk
    where the files of `unit` are placed.
    """

    __slots__ = (
        "_directory",
        "_mount",
        "_prefix",
        "_pyc",
        "_pycache",
        "_root",
        "_unit",
        "_view",
        "path",
    )

    def __init__(
        self,
        mount: Mount,
        directory: str,
        path: str,
        unit: "Unit | HomelessUnit | None" = None,
    ) -> None:
        self.path = path
        self._mount = mount
        self._unit = unit
        self._directory = directory
        self._root = _above(path, directory)
        self._prefix = path + path_sep
        self._pycache = f"{path}{path_sep}__pycache__{path_sep}"
        self._pyc = _pyc_suffix()
        # What the listing has for `find_spec`, and whose it is: replaced together, so that no
        # thread sees one without the other.
        self._view: View | tuple[None, Find, bytes, bytes] = _UNSEEN

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return path_hook, (self.path,)

    def invalidate_caches(self) -> None:
        """Look at the file again; `Mount.refresh` says what happens then (F6)."""
        self._mount.refresh()

    def find_spec(self, fullname: str, target: object = None) -> ModuleSpec | None:
        """Return the spec of a module in this directory, None if it is not here (F3).

        Reads nothing but this directory's listing, once. Raises BundleError for a damaged one.
        """
        archive, find, flags, codes = self._view
        name = fullname.rpartition(".")[2]
        if archive is not self._mount.archive:
            archive, find, flags, codes = self._look(name)
        index = find(name)
        if index is None:
            return self._launcher() if fullname == "__main__" else None
        code = codes[index * REF_SIZE : (index + 1) * REF_SIZE]
        kind = flags[index]
        if kind > _PLAIN:
            return self._find_special(fullname, archive, kind, code)
        if kind == _DIRECTORY:
            return self._portion(fullname, name)
        return self._source_spec(fullname, name, archive, code, kind)

    # F3 by the names that preceded find_spec, as long as the running Python has them: until 3.11
    if hasattr(FileFinder, "find_loader"):
        find_loader, find_module = FileFinder.find_loader, FileFinder.find_module

    def iter_modules(self, prefix: str = "") -> "Iterator[tuple[str, bool]]":
        """Yield (name, is a package) of what is here, as pkgutil does for a directory (F7)."""
        archive, listing = self._current()
        # A source that was left out counts as if it were there.
        filenames = {name + ".py" for name in listing.modules if self._has_source(listing, name)}
        seen = {"__init__"}
        for filename in sorted(filenames.union(listing.directories, listing.files)):
            name = _module_name(filename)
            package = False
            if not name and filename in listing.modules and filename in listing.directories:
                name = filename
                package = self._is_package(archive, name, listing.flags(listing.modules[name]))
            if name and "." not in name and name not in seen and (package or name != filename):
                seen.add(name)
                yield prefix + name, package

    def find_distributions(self, context: object = None) -> "Iterator[object]":
        """Yield the distributions whose metadata lie in this directory (F7)."""
        from .metadata import find_distributions

        return find_distributions(self, getattr(context, "name", None))

    @property
    def root(self) -> str:
        """The path at which the bundle's top is served, see `path`."""
        return self._root

    @property
    def shows_sources(self) -> bool:
        """Tell whether that is where the sources of a placed unit are, for those who look."""
        return self._unit is not None and self._unit.sources and not self._directory

    @property
    def place(self) -> "tuple[Archive, str]":
        """The bundle being served, and the directory in it."""
        return self._mount.archive, self._directory

    def _current(self) -> "tuple[Archive, Listing]":
        archive = self._mount.archive
        return archive, archive.listing(self._directory) or _GONE

    def _look(self, name: str) -> "View":
        archive, listing = self._current()
        view = archive, *listing.view(name, archive.variant)
        if not listing.sharded:  # else it is that of a part, and others are for other names
            self._view = view
        return view

    def _launcher(self) -> ModuleSpec | None:
        # Where the hook is there before a bundle is started, Python asks us for what it is to run:
        # that is the launcher, which stands in no listing
        archive = self._mount.archive
        if archive.signed:  # not by code of the file, which zipimport would read unchecked
            from .trusted import launcher_spec

            return launcher_spec(archive)
        from zipimport import ZipImportError, zipimporter

        try:
            return zipimporter(self.path).find_spec("__main__")
        except ZipImportError:
            return None

    def _portion(self, fullname: str, name: str) -> ModuleSpec:
        # F5: no loader; the import system joins the portions of all entries
        spec = ModuleSpec(fullname, None)
        spec.submodule_search_locations = [self._prefix + name]
        return spec

    def _source_spec(
        self, fullname: str, name: str, archive: "Archive", code: bytes, kind: int
    ) -> ModuleSpec:
        package = kind & _PACKAGE
        location = self._prefix + name
        origin = f"{location}{path_sep}__init__.py" if package else f"{location}.py"
        loader = BundleLoader(fullname, origin, archive, self._root, code)
        if self._unit is not None:
            loader.unit = self._unit
        spec = ModuleSpec(fullname, loader, origin=origin)
        spec.has_location = True
        if package:
            spec.submodule_search_locations = [location]
        if self._pyc and not sys.pycache_prefix:  # I3, without the 5 us of cache_from_source
            base = (
                f"{location}{path_sep}__pycache__{path_sep}__init__"
                if package
                else self._pycache + name
            )
            spec.cached = base + self._pyc
        return spec

    def _find_special(  # noqa: PLR0911  # the order of F4, a line each
        self, fullname: str, archive: "Archive", flags: int, code: bytes
    ) -> ModuleSpec | None:
        # F4 where native modules, bytecode without source or placed files are involved
        listing = archive.listing(self._directory) or _GONE
        name = fullname.rpartition(".")[2]
        where: BundleFinder = self
        if flags & kinds.PLACED:
            unit = _unit(self._mount, archive, listing, name)
            at = mount_join(unit.root, self._directory)
            where = BundleFinder(self._mount, self._directory, at, unit)
        if flags & _ANY_PACKAGE:
            inside = f"{self._directory}/{name}".lstrip("/")
            inner = (archive.listing(inside) if archive.native else None) or _GONE
            spec = where._native_spec(fullname, archive, inner, "__init__")
            if spec is not None:
                return spec
            if flags & kinds.PACKAGE:
                return where._source_spec(fullname, name, archive, code, _PACKAGE)
            if flags & kinds.BYTECODE_PACKAGE:
                return where._bytecode_spec(fullname, archive, f"{name}{path_sep}__init__.pyc")
        if flags & kinds.EXTENSION and archive.native:
            spec = where._native_spec(fullname, archive, listing, name)
            if spec is not None:
                return spec
        if flags & kinds.SOURCE:
            return where._source_spec(fullname, name, archive, code, 0)
        if flags & kinds.BYTECODE:
            return where._bytecode_spec(fullname, archive, f"{name}.pyc")
        return where._unfit_spec(fullname, archive, flags)

    def _unfit_spec(self, fullname: str, archive: "Archive", flags: int) -> ModuleSpec | None:
        name = fullname.rpartition(".")[2]
        if archive.target is None and flags & _ANY_EXTENSION:
            # A7: a directory would say that there is no such module, and hide why
            path = self._prefix + name + EXTENSION_SUFFIXES[0]
            return spec_from_file_location(
                fullname, path, loader=ForeignExtensionLoader(fullname, path, archive)
            )
        return self._portion(fullname, name) if flags & _DIRECTORY else None

    def _native_spec(
        self, fullname: str, archive: "Archive", listing: Listing, stem: str
    ) -> ModuleSpec | None:
        filename = self._extension(listing, stem)
        if filename is None:
            return None
        location = self._prefix + fullname.rpartition(".")[2]
        package = stem == "__init__" and location != self._prefix + stem
        path = f"{location}{path_sep}{filename}" if package else self._prefix + filename
        loader = PlacedExtensionLoader(fullname, path, archive, self._root)
        loader.unit = self._unit
        return spec_from_file_location(
            fullname,
            path,
            loader=loader,
            submodule_search_locations=[location] if package else None,
        )

    def _bytecode_spec(self, fullname: str, archive: "Archive", filename: str) -> ModuleSpec | None:
        path = self._prefix + filename
        loader = BundleBytecodeLoader(fullname, path, archive, self._root)
        loader.unit = self._unit
        return spec_from_file_location(fullname, path, loader=loader)

    def _extension(self, listing: Listing, stem: str) -> str | None:
        for suffix in EXTENSION_SUFFIXES:
            if listing.find_file(stem + suffix) is not None:
                return stem + suffix
        return None

    def _has_source(self, listing: Listing, name: str) -> bool:
        return bool(listing.flags(listing.modules[name]) & kinds.SOURCE)

    def _is_package(self, archive: "Archive", name: str, flags: int) -> bool:
        if flags & (kinds.PACKAGE | kinds.BYTECODE_PACKAGE):
            return True
        inner = archive.listing(f"{self._directory}/{name}".lstrip("/")) or _GONE
        return self._extension(inner, "__init__") is not None


def _unit(mount: Mount, archive: "Archive", listing: Listing, name: str) -> "Unit | HomelessUnit":
    from .files import unit_of

    unit = unit_of(mount, archive, listing, name)
    index = listing.find_placement(name)
    if index is not None and listing.placement(index)[0] == kinds.LEVEL_ALL:
        unit.place()  # those who want its sources as files may only ask where they are
        if unit.sources and unit.root not in sys.path:
            # Last, where nothing is looked for that is in the bundle: there are programs that tell
            # a file's module by the entry it is below (pylint)
            sys.path.append(unit.root)
    return unit


def _above(path: str, directory: str) -> str:
    """Return the path at which the bundle's top is, of which `path` is a directory."""
    return path[: -len(directory) - 1] if directory else path


def _module_name(filename: str) -> str:
    # inspect.getmodulename, whose module is a large one
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if filename.endswith(suffix):
            return filename[: -len(suffix)]
    return ""


def _pyc_suffix() -> str | None:
    tag: str | None = sys.implementation.cache_tag
    if tag is None:
        return None
    level = f".opt-{sys.flags.optimize}" if sys.flags.optimize else ""
    return f".{tag}{level}.pyc"
