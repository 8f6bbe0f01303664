"""A3: the resources of packages and modules, through importlib.resources and pkgutil."""

import copy
import importlib
import pickle
import pkgutil
import sys
from importlib import resources
from importlib.resources.abc import Traversable, TraversableResources
from pathlib import Path
from typing import Any

import pytest

from tests.rules.places import Library, Place, Tree
from tests.rules.probes import Compare

TREE: Tree = {
    "top.py": "VALUE = 'top'\n",
    "root data.txt": "at the root\n",
    # No data: served from within the bundle
    "pure/__init__.py": "VALUE = 'pure'\n",
    "pure/module.py": "VALUE = 'm\u00f6dule'\n",
    "pure/inner/__init__.py": "",
    "pure/inner/leaf.py": "VALUE = 'leaf'\n",
    # Data: placed on disk, its sources are not
    "stuffed/__init__.py": "import importlib.resources\n",
    "stuffed/module.py": "VALUE = 'module'\n",
    "stuffed/data.txt": "d\u00e4ta\r\nsecond\rthird\n",
    "stuffed/bytes.bin": bytes(range(256)),
    "stuffed/empty.txt": "",
    "stuffed/latin.txt": "caf\u00e9".encode("latin-1"),
    "stuffed/with space.txt": "space\n",
    "stuffed/caf\u00e9 \u65e5\u672c.txt": "unicode\n",
    "stuffed/.hidden": "hidden\n",
    "stuffed/folder/more.txt": "more\n",
    "stuffed/folder/deep er/leaf.txt": "leaf\n",
    "stuffed/folder/script.py": "print('script')\n",
    "stuffed/sources/only.py": "VALUE = 'only'\n",
    "stuffed/inner/__init__.py": "",
    "stuffed/inner/note.txt": "inner\n",
    # In a namespace: data that is not placed
    "space/data.txt": "d\u00e4ta\r\nsecond\rthird\n",
    "space/bytes.bin": bytes(range(256)),
    "space/folder/more.txt": "more\n",
    "space/folder/deep er/leaf.txt": "leaf\n",
    "space/folder/script.py": "print('script')\n",
    "space/module.py": "VALUE = 'module'\n",
    "space/own/__init__.py": "",
    "space/own/note.txt": "own\n",
}

PACKAGES = ["pure", "pure.inner", "stuffed", "stuffed.inner", "space", "space.own"]

WALK = """
from importlib import import_module, resources
def walk(path, depth=1):
    for child in sorted(path.iterdir(), key=lambda child: child.name):
        print(" " * depth, child.name, child.is_file(), child.is_dir())
        if child.is_dir():
            walk(child, depth + 1)
        else:
            print(" " * depth, child.read_bytes())
for name in %r:
    files = resources.files(name)
    print(name, files.name, files.is_dir(), files.is_file())
    print(resources.files(import_module(name)) == files)
    walk(files)
"""


@pytest.mark.fault(48)
def test_rule_A3_traversal_sees_everything_a_directory_has(compare: Compare) -> None:
    """Names, kinds and contents of all files of packages, sources included, at every depth."""
    outcome = compare(WALK % [name for name in PACKAGES if name != "space"])
    assert "script.py True False" in outcome.stdout
    assert "only.py True False" in outcome.stdout


READ = """
from importlib import resources
def opened(*args, **kwargs):
    with path.open(*args, **kwargs) as file:
        return file.readlines()
for package, name in %r:
    path = resources.files(package).joinpath(name)
    for read in (
        lambda: path.read_bytes(),
        lambda: path.read_text(encoding="utf-8"),
        lambda: path.read_text(encoding="latin-1"),
        lambda: path.read_text("utf-8", "replace"),
        lambda: opened(),
        lambda: opened("r", encoding="utf-8", newline=""),
        lambda: opened(encoding="ascii", errors="replace"),
        lambda: opened("rb"),
        lambda: opened("rt", -1, "utf-8"),
        lambda: opened("xyz"),
        lambda: [path.name, path.exists(), path.is_file(), path.is_dir(), path.suffix, path.stem],
        lambda: [child.name for child in path.iterdir()] and "a directory",
        lambda: path.parent.name,
        lambda: str(path),
        lambda: hash(path) == hash(resources.files(package) / name),
    ):
        try:
            print(package, name, repr(read()))
        except Exception as error:
            print(package, name, type(error), error)
"""
NAMES = ["data.txt", "bytes.bin", "folder/more.txt", "folder", "nothing", "data.txt/below"]
NAMES += ["folder/../data.txt", "nothing/../data.txt", "./data.txt", "module.py", "../top.py"]
NAMES += ["folder/deep er/leaf.txt", "../space/data.txt", "nothing/at/all"]


@pytest.mark.parametrize("flags", [[], ["-X", "dev"]], ids=["plain", "dev"])
def test_rule_A3_reading_is_as_from_a_directory(compare: Compare, flags: list[str]) -> None:
    """Bytes, text in any encoding, line endings, open files, and the errors of what is missing."""
    asked = [("stuffed", name) for name in [*NAMES, "empty.txt", "latin.txt", ".hidden"]]
    asked += [("stuffed", "with space.txt"), ("stuffed", "caf\u00e9 \u65e5\u672c.txt")]
    asked += [
        ("pure", "module.py"),
        ("pure", "inner"),
        ("pure", "nothing"),
        ("space.own", "note.txt"),
    ]
    outcome = compare(READ % asked, flags=flags)
    assert outcome.stdout.count("FileNotFoundError") > 20
    assert "stuffed data.txt 'd\u00e4ta\\nsecond\\nthird\\n'" in outcome.stdout


SPACE = READ.replace("lambda: str(path),", "").replace("lambda: path.parent.name,", "")


def test_rule_A3_reading_in_a_namespace_is_as_from_a_directory(compare: Compare) -> None:
    """The same where nothing is on disk, and everything is read from the bundle."""
    names = [name for name in NAMES if not name.startswith((".", "../"))]
    outcome = compare(SPACE % [("space", name) for name in names])
    assert "space folder/../data.txt 'd\u00e4ta\\nsecond\\nthird\\n'" in outcome.stdout
    assert "NotADirectoryError" in outcome.stdout


ANCHOR = """
from importlib import resources
import top, pure.module, stuffed.module
for anchor in (top, "top", "pure.module", stuffed.module, "stuffed"):
    try:
        files = resources.files(anchor)
        print(anchor, sorted(child.name for child in files.iterdir()))
    except Exception as error:
        print(type(error), error)
"""


def test_rule_A3_a_module_may_be_the_anchor(compare: Compare) -> None:
    """Since 3.12 a module stands for its directory; before, and for the rest, the same errors."""
    outcome = compare(ANCHOR)
    modules = "<module 'pure.module'" if sys.version_info < (3, 12) else "pure.module"
    assert modules in outcome.stdout or "is not a package" in outcome.stdout
    assert ("root data.txt" in outcome.stdout) == (sys.version_info >= (3, 12))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="files() takes an anchor until then")
def test_rule_A3_without_an_anchor_it_is_the_caller(library: Library, container: str) -> None:
    """`files()` called by a module of the bundle gives that module's own directory."""
    tree: Tree = {
        "asker/__init__.py": "import importlib.resources\nHERE = importlib.resources.files()\n",
        "asker/sub.py": "import importlib.resources\nHERE = importlib.resources.files()\n",
        "asker/data.txt": "data\n",
    }
    place = library.place(tree, container)
    place.prepare()
    sys.path.insert(0, place.entry)
    for name in ("asker", "asker.sub"):
        here = importlib.import_module(name).HERE
        assert here.joinpath("data.txt").read_text() == "data\n"


AS_FILE = """
import os, stat
from importlib import resources
def show(path):
    print(path.name, path.suffix, os.path.basename(path), os.path.exists(path), path.is_dir())
    if path.is_dir():
        for base, directories, files in sorted(os.walk(path)):
            print(os.path.relpath(base, path), sorted(directories), sorted(files))
            for name in sorted(files):
                print(open(os.path.join(base, name), "rb").read())
    elif path.exists():
        print(open(path, "rb").read())
for package, name in %r:
    try:
        with resources.as_file(resources.files(package).joinpath(name)) as path:
            show(path)
    except Exception as error:
        print(package, name, type(error), error)
"""


def test_rule_A3_as_file_gives_paths_of_the_same_name_and_content(compare: Compare) -> None:
    """For files and directories, on every version, with the sources in them."""
    asked = [(each, name) for each in ("stuffed", "space") for name in ("data.txt", "folder")]
    asked += [("stuffed", "sources"), ("stuffed", "nothing"), ("space", "nothing")]
    asked += [("stuffed", "inner"), ("pure", "inner"), ("pure", "module.py")]
    asked += [("stuffed", "with space.txt"), ("stuffed", "caf\u00e9 \u65e5\u672c.txt")]
    outcome = compare(AS_FILE % asked)
    assert "folder  folder True True" in outcome.stdout
    assert "['more.txt', 'script.py']" in outcome.stdout


def test_rule_A3_as_file_leaves_nothing_behind(place: Place, tmp_path: Path) -> None:
    """Copies are gone after the `with`; what is on disk anyway is not copied, and stays."""
    for package, name in ("space", "data.txt"), ("space", "folder"), ("stuffed", "data.txt"):
        with resources.as_file(resources.files(package) / name) as path:
            assert path.exists()
            copied = not str(path).startswith((place.entry, str(tmp_path / "placed")))
        assert path.exists() != copied
        assert copied == (place.ours and package == "space")


def test_rule_A3_as_file_keeps_the_permission_to_execute(library: Library, packed: str) -> None:
    """A program among the resources can be run from the path that `as_file` gives."""
    tree: Tree = {"kit/data.txt": "", "kit/run": "#!/bin/sh\necho ran\n"}
    source = Path(library.source(tree).entry)
    (source / "kit" / "run").chmod(0o755)
    place = library.place(tree, packed)
    place.prepare()
    sys.path.insert(0, place.entry)
    for name, expected in (("run", True), ("data.txt", False)):
        with resources.as_file(resources.files("kit") / name) as path:
            assert bool(path.stat().st_mode & 0o100) is expected


FUNCTIONAL = """
import warnings
from importlib import resources
warnings.simplefilter("ignore", DeprecationWarning)
def closing(file):
    with file:
        return file.readlines()
for package, name in %r:
    for call in (
        lambda: resources.read_text(package, name, encoding="utf-8"),
        lambda: resources.read_binary(package, name),
        lambda: closing(resources.open_binary(package, name)),
        lambda: closing(resources.open_text(package, name, encoding="utf-8")),
        lambda: resources.is_resource(package, name),
        lambda: resources.path(package, name).__enter__().name,
    ):
        try:
            print(package, name, repr(call()))
        except Exception as error:
            print(package, name, type(error), error)
    print(sorted(resources.contents(package)))
if sys.version_info >= (3, 13):
    print(resources.read_text("stuffed", "folder", "deep er", "leaf.txt", encoding="utf-8"))
    print(sorted(resources.contents("stuffed", "folder")))
    print(resources.is_resource("stuffed", "folder", "more.txt"))
    with resources.path("stuffed", "folder", "more.txt") as path:
        print(path.name, path.read_text())
"""


def test_rule_A3_the_functional_api_answers_as_for_a_directory(compare: Compare) -> None:
    """The functions of importlib.resources: deprecated, gone in parts, and back in 3.13."""
    asked = [("stuffed", "data.txt"), ("stuffed", "with space.txt"), ("stuffed", "folder")]
    asked += [("stuffed", "nothing"), ("stuffed", "module.py"), ("stuffed.inner", "note.txt")]
    asked += [("pure", "module.py"), ("pure", "inner"), ("pure", "nothing")]
    asked += [("space", "data.txt"), ("space", "nothing"), ("space", "folder")]
    outcome = compare(FUNCTIONAL % asked)
    assert "stuffed folder False" in outcome.stdout
    assert "space data.txt True" in outcome.stdout


READER = """
import importlib
from importlib.resources.abc import ResourceReader, TraversableResources
for name in ("pure", "stuffed", "space.own", "space", "top"):
    spec = importlib.util.find_spec(name)
    reader = spec.loader.get_resource_reader(name)
    print(name, isinstance(reader, TraversableResources), isinstance(reader, ResourceReader))
    for resource in ("module.py", "nothing", "data.txt"):
        for call in (reader.is_resource, lambda name: reader.open_resource(name).read()):
            try:
                print(name, resource, call(resource))
            except OSError as error:
                print(name, resource, type(error), error.errno)
    print(sorted(reader.contents()))
"""


def test_rule_A3_the_loaders_reader_is_complete(compare: Compare) -> None:
    """The reader that loaders give has all methods of the abstract class."""
    assert "stuffed True True" in compare("import importlib.util\n" + READER).stdout


@pytest.mark.usefixtures("place")
def test_rule_A3_a_readers_resource_path_is_a_file_that_can_be_opened() -> None:
    """Where there is one; elsewhere FileNotFoundError sends the caller to `open_resource`."""
    loader: Any = importlib.import_module("stuffed").__loader__
    path = loader.get_resource_reader("stuffed").resource_path("with space.txt")
    assert Path(path).read_text() == "space\n"


def test_rule_A3_without_a_file_on_disk_there_is_no_resource_path(archive: Place) -> None:
    """FileNotFoundError is how a reader says that the resource has to be copied."""
    loader: Any = importlib.import_module("pure").__loader__
    assert archive.ours
    reader = loader.get_resource_reader("pure")
    assert reader.is_resource("module.py")
    with pytest.raises(FileNotFoundError):
        reader.resource_path("module.py")


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("package", ["pure", "stuffed", "space.own"])
def test_rule_A3_paths_are_traversables(package: str) -> None:
    """`files()` and what it leads to implement the abstract class."""
    loader: Any = importlib.import_module(package).__loader__
    assert isinstance(loader.get_resource_reader(package), TraversableResources)
    for path in [resources.files(package), *resources.files(package).iterdir()]:
        assert isinstance(path, Traversable)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))],  # noqa: S301  # its own
)
@pytest.mark.parametrize("package", ["pure", "stuffed"])
def test_rule_A3_paths_are_copied_and_pickled(package: str, again: Any) -> None:
    """As those of a directory; the copy reads the same, and letting it go closes nothing."""
    path: Any = resources.files(package) / "module.py"
    same = again(path)
    assert (same, hash(same), same.read_bytes()) == (path, hash(path), path.read_bytes())
    del same
    importlib.import_module(f"{package}.inner")
    assert path.read_bytes() == str(TREE[f"{package}/module.py"]).encode()


@pytest.mark.usefixtures("place")
def test_rule_A3_open_files_are_what_open_gives() -> None:
    """Buffered, named, for reading only, to be closed by `with`."""
    path: Any = resources.files("space").joinpath("bytes.bin")
    with path.open("rb") as file:
        assert (file.peek(2)[:2], file.read(4), file.seek(-1, 2), file.read()) == (
            b"\0\1",
            b"\0\1\2\3",
            255,
            b"\xff",
        )
        assert (file.name, file.mode, file.readable(), file.writable()) == (
            str(path),
            "rb",
            True,
            False,
        )
    assert file.closed
    with path.parent.joinpath("data.txt").open(encoding="utf-8") as text:
        assert (text.name, text.mode, text.encoding) == (
            str(path.parent / "data.txt"),
            "r",
            "utf-8",
        )
        assert next(text) == "d\u00e4ta\n"


def test_rule_A3_a_resource_in_a_bundle_cannot_be_written(archive: Place) -> None:
    """Opening one to write fails as on a file system that is mounted read-only."""
    path: Any = resources.files("space").joinpath("data.txt")
    assert archive.ours
    for mode in ("w", "ab", "r+", "x"):
        with pytest.raises(OSError, match="Read-only file system"):
            path.open(mode)
    assert path.read_bytes() == str(TREE["space/data.txt"]).encode()


@pytest.mark.usefixtures("place")
def test_rule_A3_an_absolute_path_replaces_what_it_is_joined_to(tmp_path: Path) -> None:
    """As in pathlib: settings may name a file of the program or one of the user's."""
    (tmp_path / "own.txt").write_text("own\n")
    for package in ("pure", "stuffed"):
        path: Any = resources.files(package) / str(tmp_path / "own.txt")
        assert path.read_text() == "own\n"


GET_DATA = """
import pkgutil
for package, name in %r:
    try:
        print(package, name, pkgutil.get_data(package, name))
    except Exception as error:
        print(package, name, type(error), error)
"""


def test_rule_A3_get_data_reads_what_a_directory_has(compare: Compare) -> None:
    """`pkgutil.get_data` with spaces, unicode, sources, subdirectories; missing things raise."""
    names = ["with space.txt", "caf\u00e9 \u65e5\u672c.txt", "folder/deep er/leaf.txt", "module.py"]
    asked = [("stuffed", name) for name in [*names, "folder", "nothing", "inner/note.txt"]]
    asked += [("space", "data.txt"), ("top", "root data.txt"), ("pure.module", "module.py")]
    assert "stuffed module.py b\"VALUE = 'module'" in compare(GET_DATA % asked).stdout


# Constant time: what a lookup reads does not depend on how much there is


@pytest.fixture(scope="session")
def zones(library: Library, container: str) -> dict[int, Place]:
    """Return trees of 600 zones as pytz has them: alone, and among ten times as much else."""
    wanted = {f"zones/info/Area_{n % 12}/City_{n}": f"zone {n}\n" for n in range(600)}
    wanted |= {f"space_zones/Area_{n % 12}/City_{n}": f"zone {n}\n" for n in range(600)}
    wanted["zones/__init__.py"] = ""
    others = {f"other_{n % 40}/data_{n}.txt": f"other {n}\n" for n in range(6000)}
    return {1: library.place(wanted, container), 10: library.place(wanted | others, container)}


class Reads:
    """Count what is read of bundles."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from litebundle.runtime import archive, descriptor

        self.calls = self.bytes = 0
        standard = descriptor.pread

        def pread(fd: int, size: int, offset: int) -> bytes:
            data = standard(fd, size, offset)
            self.calls += 1
            self.bytes += len(data)
            return data

        for module in (archive, descriptor):
            monkeypatch.setattr(module, "pread", pread)


def lookups(place: Place, monkeypatch: pytest.MonkeyPatch, cache: Path) -> list[tuple[int, int]]:
    """Return (reads, bytes) of opening, and of 600 lookups each by three ways."""
    from litebundle.runtime import files, mount

    monkeypatch.setattr(mount, "_mounts", {})
    monkeypatch.setattr(files, "_units", {})
    monkeypatch.setenv("LITEBUNDLE_CACHE", str(cache))
    for name in [n for n in sys.modules if n.partition(".")[0] in ("zones", "space_zones")]:
        del sys.modules[name]
    sys.path.insert(0, place.entry)
    sys.path_importer_cache.clear()
    reads = Reads(monkeypatch)
    monkeypatch.setattr("litebundle.runtime.paths.BundlePath.iterdir", None)  # nothing is listed
    importlib.import_module("zones")
    importlib.import_module("space_zones")
    counts = [(reads.calls, reads.bytes)]
    ways: list[Any] = [
        lambda name: pkgutil.get_data("zones", f"info/{name}"),
        lambda name: resources.files("zones").joinpath("info", *name.split("/")).read_bytes(),
        lambda name: resources.files("space_zones").joinpath(name).read_bytes(),
    ]
    for way in ways:
        for number in range(600):
            assert way(f"Area_{number % 12}/City_{number}") == b"zone %d\n" % number
        counts.append((reads.calls, reads.bytes))
    sys.path.remove(place.entry)
    return counts


@pytest.mark.fault(47)
def test_rule_A3_a_lookup_costs_the_same_in_a_large_bundle(
    zones: dict[int, Place], packed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """600 lookups read each directory once and each file once, whatever else the bundle holds."""
    assert {place.container for place in zones.values()} == {packed}
    zones[1].prepare()
    small, large = (lookups(zones[size], monkeypatch, tmp_path / str(size)) for size in (1, 10))
    assert large[0][0] <= small[0][0] + 2  # opening: the listing of the top has more names
    for (calls, size), (more_calls, more_size) in zip(small, large, strict=True):
        assert abs(more_calls - calls) <= 2
        assert abs(more_size - size) < 8192
    by_loader = large[1][0] - large[0][0]
    assert 600 <= by_loader <= 600 + 2 * 14  # a file; once a directory, and what leads to it
    assert large[3][0] - large[2][0] <= 600 + 2 * 14
