"""What may be handed any bytes at all, and what may come of it: shared by tests and tools/fuzz.

Each target has sound `seeds` to be changed, and a `run` that raises for what is no documented
outcome: another error than those of litebundle, a contradiction, or more reading than the size of
the input allows. What it returns is only for telling outcomes apart.
"""

import contextlib
import io
import marshal
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from litebundle.builder import Options, build
from litebundle.errors import BundleError
from litebundle.format.canonical import canonical
from litebundle.format.encode import encode_listing
from litebundle.format.listing import Listing, decode_ref
from litebundle.format.manifest import columns_text, parse_lines, roots, seal, targets, variants
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.verify import verify
from litebundle.runtime.archive import Archive
from litebundle.runtime.containers import FOOTER_MAGIC, MANIFEST_MEMBER, open_container
from litebundle.runtime.finder import BundleFinder, path_hook
from litebundle.runtime.mount import Mount, _mounts
from litebundle.runtime.target import fits_platform, fitting_target, nearest_target
from tests.rules.places import Tree, write_tree
from tests.unit.inspect.forge import reference
from tests.unit.runtime import databases, zips
from tests.unit.runtime.databases import Memory

_SMALL: Tree = {
    "pkg/__init__.py": "VALUE = 1\n",
    "pkg/sub.py": "def f(x: int = 3) -> 'str':\n    '''Doc'''\n    return {x, 'a', (1, 2.5)}\n",
    "pkg/data.txt": "data\n" * 60,
    "both.py": "",
    "both/__init__.py": "",
    "space/leaf.py": "",
    "broken.py": "def half(:\n",
    "reads/__init__.py": "import os\nopen(os.path.join(os.path.dirname(__file__), 'x.txt'))\n",
    "reads/x.txt": "x",
    "old.pyc": b"some bytecode",
    "d-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: d\nVersion: 1\n",
}
_NAMES = ("pkg", "pkg.sub", "both", "space", "broken", "reads", "old", "missing", "a b", "\ud800")
_REFUSALS = (BundleError, FileNotFoundError)
# What a source may do to the compiler, as in a directory (A7); and where a file is not, a listing
# that somebody made up may have anything
_UNLOADED = (SyntaxError, ValueError, ImportError, OSError)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Code to be handed any bytes; `most` is the longest input worth trying."""

    run: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]
    most: int


Splice = tuple[int, int | None, bytes]

SPLICES: st.SearchStrategy[list[Splice]] = st.lists(
    st.tuples(
        st.integers(0, 1 << 16),
        st.none() | st.integers(0, 600),  # None: as many as are put there
        st.binary(max_size=20),
    ),
    max_size=6,
)


def spliced(data: bytes, splices: list[Splice]) -> bytes:
    """Return the data with bytes put in at positions (counted around the end), and some removed."""
    for position, removed, inserted in splices:
        at = position % (len(data) + 1)
        end = at + (len(inserted) if removed is None else removed)
        data = data[:at] + inserted + data[end:]
    return data


@cache
def sample(container: str) -> bytes:
    """Return a small bundle with a bit of everything; without a launcher, which is most of one."""
    with tempfile.TemporaryDirectory() as directory:
        write_tree(_SMALL, Path(directory, "source"))
        path, trace = Path(directory, "app"), Path(directory, "trace")
        trace.write_text("".join(f"{name}\n" for name in _SMALL if name.endswith(".py")), "utf-8")
        options = Options(container=container, jobs=1, trace_file=trace)  # type: ignore[arg-type]
        build([Path(directory, "source")], path, options)
        return path.read_bytes()


def _small_database() -> bytes:
    connection = databases.connect(":memory:", page_size=512)
    databases.fill_small(connection)
    data = connection.serialize("main")
    connection.close()
    return data


def _small_zips() -> list[bytes]:
    plain = zips.crafted(
        zips.Entry(name=b"stored", stored=b"text"),
        zips.Entry(name=b"packed", stored=zips.deflate(b"text" * 9), method=8, raw_size=36),
        zips.Entry(name=b"wide", stored=b"x", offset=zips.FULL, extra=zips.zip64_extra(84)),
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("name", "text")
        archive.comment = b"comment"
    return [plain, b"in front" + file.getvalue()]


def read_listing(data: bytes) -> str:
    """Decode a listing and all that is in it."""
    try:
        listing = Listing(data)
    except ValueError:
        return "refused"
    for index in range(len(listing.modules)):
        listing.flags(index)
        for variant in range(min(listing.variants, 9)):
            decode_ref(listing.code(variant, index))
    flags, codes = listing.view("", 0 if listing.variants else None)[1:]
    assert len(flags) * 32 == len(codes)
    for index in listing.directories.values():
        listing.directory(index)
    for index in listing.placements.values():
        listing.placement(index)
    for name, index in listing.files.items():
        listing.file(index)
        listing.size(index)
        listing.mentions(name)
    return "read"


def read_manifest(data: bytes) -> str:
    """Take the lines of a manifest for sound ones, and ask what they say."""
    try:
        manifest = dict(parse_lines(data))
        variants(manifest)
        roots(manifest)
        found = targets(manifest)
    except ValueError:
        return "refused"
    for target in found:
        fits_platform(target.platform)
    fitting_target(found)
    nearest_target(found)
    return "read"


def read_marshal(data: bytes) -> str:
    """Bring a stream into canonical form, which is one and hardly longer.

    That it is its own canonical form is promised for values only; a stream may describe none, as
    sets of lists, and `marshal.loads` is not to be asked about crafted ones.
    """
    try:
        once = canonical(data)
    except ValueError:
        return "refused"
    canonical(once)
    assert len(once) <= 2 * len(data)
    return "read"


@cache
def _bundle_path() -> Path:
    """Return where bundles are tried; packages of theirs may be placed beside it."""
    directory = Path(tempfile.mkdtemp(prefix="litebundle-fuzz-"))
    directory.joinpath("cache").mkdir(0o700)
    return directory / "app"


def forget() -> None:
    """Remove what trying bundles has left on disk."""
    shutil.rmtree(_bundle_path().parent, ignore_errors=True)
    _bundle_path.cache_clear()


def read_bundle(data: bytes) -> str:
    """Open a bundle, look at all of it, verify it, and find and load modules of it."""
    path = _bundle_path()
    path.write_bytes(data)
    _mounts.clear()
    os.environ["LITEBUNDLE_CACHE"] = str(path.with_name("cache"))
    sound = "no bundle"
    with contextlib.suppress(BundleError):
        sound = "refused" if verify(path).problems else "sound"
    with contextlib.suppress(*_REFUSALS):
        look_into(Bundle(path))
    try:
        finder = path_hook(str(path))
    except (BundleError, ImportError):
        return sound
    load(finder)
    return sound


def look_into(bundle: Bundle) -> None:
    """Ask a bundle all that the reading commands ask."""
    list(bundle.modules())
    for file in bundle.files():
        with contextlib.suppress(BundleError):
            assert len(bundle.read(file.path)) == file.size
    bundle.levels()
    bundle.distributions()
    for name in _NAMES[:-1]:
        bundle.source_path(name)


def load(finder: BundleFinder) -> None:
    """Find modules of all kinds, get their code, their source and their data."""
    with contextlib.suppress(BundleError):
        list(finder.iter_modules())
    with contextlib.suppress(BundleError):
        list(finder.find_distributions())
    for name in _NAMES:
        with contextlib.suppress(BundleError):
            spec = finder.find_spec(name)
            if spec is None or spec.loader is None:
                continue
            loader: Any = spec.loader
            with contextlib.suppress(BundleError, *_UNLOADED):
                loader.get_code(name)
            with contextlib.suppress(BundleError, *_UNLOADED):
                loader.get_source(name)
                loader.get_data(spec.origin)


def forged(listing: bytes) -> bytes:
    """Return the zip bundle with another top listing, everything sealed as if it were sound."""
    data = sample("zip")
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        names = old.read(".litebundle/members").split(b"\0")
        lines = old.read(MANIFEST_MEMBER)
        contents = {name: old.read(name) for name in old.namelist()}
    manifest = parse_lines(lines[: lines.index(FOOTER_MAGIC)])[:-1]
    [root] = roots(dict(manifest))
    ref = reference(len(names) + 1, listing)
    pairs = [(k, v) for k, v in manifest if k != "root.0"]
    pairs.append(("root.0", f"{ref.hex()} {columns_text(root.columns)}"))
    text = "".join(f"{key}\t{value}\n" for key, value in seal(pairs)).encode()
    contents[".litebundle/top"] = listing
    contents[".litebundle/members"] = b"\0".join([*names, b".litebundle/top"])
    del contents[MANIFEST_MEMBER]
    contents[MANIFEST_MEMBER] = text + FOOTER_MAGIC + len(text).to_bytes(8, "little")
    return zips.crafted(
        *(zips.Entry(name=name.encode(), stored=body) for name, body in contents.items())
    )


def read_forged(data: bytes) -> str:
    """Look at a bundle whose top listing is the data, with checksums that fit."""
    file = Memory(forged(data), budget=1 << 24)
    try:
        container = open_container(file)
        assert container is not None
        archive = Archive(file, container)
    except BundleError:
        return "refused"
    bundle = Bundle.__new__(Bundle)
    bundle.archive = archive
    with contextlib.suppress(*_REFUSALS):
        look_into(bundle)
    os.environ["LITEBUNDLE_CACHE"] = str(_bundle_path().with_name("cache"))
    load(BundleFinder(Mount("memory", archive), "", "memory"))
    return "read"


def _top_listings() -> Iterator[bytes]:
    file = Memory(sample("zip"))
    container = open_container(file)
    assert container is not None
    archive = Archive(file, container)
    top = archive.listing("")
    assert top is not None
    yield top.data
    yield encode_listing(len(archive.variants), {"a": (1, [bytes(32)] * 1)}, {}, {}, {})


def _manifests() -> list[bytes]:
    data = sample("zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = archive.read(MANIFEST_MEMBER)
    return [text[: text.index(FOOTER_MAGIC)]]


def _streams() -> list[bytes]:
    source = str(_SMALL["pkg/sub.py"])
    return [
        marshal.dumps(compile(source, "pkg/sub.py", "exec")),
        marshal.dumps([{1: "a", 2.5: b"b"}, {frozenset({1, 2}), ("x", None)}, 1 << 70, ...]),
    ]


TARGETS = {
    "pages": Target(run=databases.read_damaged, seeds=lambda: [_small_database()], most=16 << 10),
    "zipfile": Target(run=zips.assert_agree, seeds=_small_zips, most=4 << 10),
    "listing": Target(run=read_listing, seeds=lambda: list(_top_listings()), most=4 << 10),
    "manifest": Target(run=read_manifest, seeds=_manifests, most=4 << 10),
    "canonical": Target(run=read_marshal, seeds=_streams, most=4 << 10),
    "sqlite": Target(run=read_bundle, seeds=lambda: [sample("sqlite")], most=96 << 10),
    "zip": Target(run=read_bundle, seeds=lambda: [sample("zip")], most=32 << 10),
    "forged": Target(run=read_forged, seeds=lambda: list(_top_listings()), most=4 << 10),
}
