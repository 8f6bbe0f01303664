"""Walking directories: what is found, followed, left out and refused."""

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from litebundle.collect.directory import collect
from litebundle.collect.tree import Kind, Skipped, Tree
from litebundle.errors import BuildError
from litebundle.format import APPLICATION_ID
from tests.unit.collect.trees import make

_DAMAGED = b"SQLite format 3\0".ljust(68, b"\0") + APPLICATION_ID.to_bytes(4) + bytes(28)
"""What says that it is a bundle, and nothing more."""


def _paths(tree: Tree) -> list[str]:
    return [entry.path for entry in tree.entries]


def test_every_file_is_an_entry(tmp_path: Path) -> None:
    """An entry says where the file is, how large, whether executable, and what it is to Python."""
    make(tmp_path, {"pkg/__init__.py": "", "pkg/data.bin": "12345", "bin/tool": "#!"})
    (tmp_path / "bin/tool").chmod(0o700)
    (tmp_path / "pkg/data.bin").chmod(0o617)
    tree = collect([tmp_path])
    assert [(e.path, e.location, e.mode, e.size, e.kind) for e in tree.entries] == [
        ("bin/tool", str(tmp_path / "bin/tool"), 0o755, 2, Kind.DATA),
        ("pkg/__init__.py", str(tmp_path / "pkg/__init__.py"), 0o644, 0, Kind.SOURCE),
        ("pkg/data.bin", str(tmp_path / "pkg/data.bin"), 0o644, 5, Kind.DATA),
    ]
    assert tree.directories == ("bin", "pkg")
    assert (tree.skipped, tree.conflicts, tree.warnings) == ((), (), ())


def test_order_is_that_of_the_utf8_bytes(tmp_path: Path) -> None:
    """Whatever order the file system lists, entries are sorted by the bytes of their paths."""
    paths = ["a.py", "a/b.py", "a-b.py", "B.py", "é.py", "\uff5e.py", "\U0001f600.py", "a/b/c.py"]
    make(tmp_path, dict.fromkeys(paths, ""))
    assert _paths(collect([tmp_path])) == sorted(paths, key=str.encode)


def test_sources_are_sorted_together(tmp_path: Path) -> None:
    """Which source an entry or directory is from does not show in the order."""
    make(tmp_path, {"1/b/b.py": "", "1/d.py": "", "2/a/a.py": "", "2/c.py": "", "2/b/a.py": ""})
    tree = collect([tmp_path / "1", tmp_path / "2"])
    assert _paths(tree) == ["a/a.py", "b/a.py", "b/b.py", "c.py", "d.py"]
    assert tree.directories == ("a", "b")


def test_empty_directories_are_kept(tmp_path: Path) -> None:
    """A directory without files is a namespace portion, so it is part of the tree."""
    make(tmp_path, {"empty/nested/": "", "cache/__pycache__/m.cpython-311.pyc": ""})
    tree = collect([tmp_path])
    assert tree.directories == ("cache", "empty", "empty/nested")
    assert tree.entries == ()


def test_relative_sources_have_absolute_locations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locations stay right when the current directory changes afterwards."""
    make(tmp_path, {"src/m.py": ""})
    monkeypatch.chdir(tmp_path)
    (entry,) = collect([Path("src")]).entries
    assert entry.location == str(tmp_path / "src/m.py")


@pytest.mark.fault(25)
def test_symbolic_links_are_followed(tmp_path: Path) -> None:
    """A link is what it points to, under its own name, be the target in the source or not."""
    make(tmp_path, {"src/real/m.py": "m", "outside/n.py": "n"})
    (tmp_path / "src/link.py").symlink_to("real/m.py")
    (tmp_path / "src/linked").symlink_to("real")
    (tmp_path / "src/out").symlink_to(tmp_path / "outside")
    tree = collect([tmp_path / "src"])
    assert [(entry.path, entry.read()) for entry in tree.entries] == [
        ("link.py", b"m"),
        ("linked/m.py", b"m"),
        ("out/n.py", b"n"),
        ("real/m.py", b"m"),
    ]
    assert tree.directories == ("linked", "out", "real")


@pytest.mark.fault(25)
def test_link_loops_are_cut(tmp_path: Path) -> None:
    """A link to a directory above itself is left out; the same directory elsewhere is not."""
    make(tmp_path, {"src/a/m.py": "", "src/b/n.py": ""})
    (tmp_path / "src/self").symlink_to(".")
    (tmp_path / "src/a/up").symlink_to("..")
    (tmp_path / "src/a/to_b").symlink_to("../b")
    (tmp_path / "src/b/to_a").symlink_to("../a")
    tree = collect([tmp_path / "src"])
    reason = "link to a directory it lies in"
    assert _paths(tree) == ["a/m.py", "a/to_b/n.py", "b/n.py", "b/to_a/m.py"]
    assert [item.path for item in tree.skipped] == [
        "a/to_b/to_a",
        "a/up",
        "b/to_a/to_b",
        "b/to_a/up",
        "self",
    ]
    assert {item.reason for item in tree.skipped} == {reason}


def test_a_listing_need_not_say_who_its_files_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows it has no inodes: no directory is taken for one above it, and loops are cut."""
    source = make(tmp_path / "source", {"a/b/c/d.py": "", "a/e.py": ""})
    (source / "a/b/loop").symlink_to(source / "a")
    scan = os.scandir

    class Item:
        def __init__(self, item: "os.DirEntry[str]") -> None:
            self.name, self.path, self.is_symlink = item.name, item.path, item.is_symlink
            self._stat = item.stat

        def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
            found = self._stat(follow_symlinks=follow_symlinks)
            return os.stat_result((found.st_mode, 0, 0, *found[3:]))

    class Scan(contextlib.ExitStack):
        def __init__(self, path: str) -> None:
            super().__init__()
            self._items = self.enter_context(scan(path))

        def __iter__(self) -> Iterator[Item]:
            return map(Item, self._items)

    monkeypatch.setattr(os, "scandir", Scan)
    tree = collect([source])
    assert [entry.path for entry in tree.entries] == ["a/b/c/d.py", "a/e.py"]
    assert [skipped.path for skipped in tree.skipped] == ["a/b/loop"]


@pytest.mark.fault(25)
def test_what_is_left_out_is_reported(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Caches, version control, dead links and what is no file are skipped, each with a reason."""
    make(
        tmp_path,
        {
            "m.py": "",
            "__pycache__/m.cpython-311.pyc": "",
            "pkg/__pycache__/x.py": "",
            ".git/config": "",
            "sub/.git": "gitdir: elsewhere",
            ".hg/store": "",
            ".svn/entries": "",
            ".gitignore": "",
        },
    )
    (tmp_path / "dangling.py").symlink_to("nowhere.py")
    (tmp_path / "itself.py").symlink_to("itself.py")
    (tmp_path / "through.py").symlink_to("m.py/inside")
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "null").symlink_to(os.devnull)
    server = socket.socket(socket.AF_UNIX)
    request.addfinalizer(server.close)
    server.bind(os.path.relpath(tmp_path / "socket"))  # absolute ones are often too long for it
    tree = collect([tmp_path])
    assert _paths(tree) == [".gitignore", "m.py"]
    assert [(item.path, item.reason) for item in tree.skipped] == [
        (".git", "version control"),
        (".hg", "version control"),
        (".svn", "version control"),
        ("__pycache__", "bytecode cache"),
        ("dangling.py", "broken link"),
        ("itself.py", "broken link"),
        ("null", "device"),
        ("pipe.py", "named pipe"),
        ("pkg/__pycache__", "bytecode cache"),
        ("socket", "socket"),
        ("sub/.git", "version control"),
        ("through.py", "broken link"),
    ]


def test_the_output_is_not_packed_into_itself(tmp_path: Path) -> None:
    """A former build inside a source is left out, by whatever name the source is reached."""
    make(tmp_path, {"src/m.py": "", "src/dist/app.bundle": ""})
    (tmp_path / "src/dist/app.bundle").write_bytes(_DAMAGED)
    (tmp_path / "alias").symlink_to("src")
    tree = collect([tmp_path / "alias"], exclude=tmp_path / "src/dist/app.bundle")
    assert _paths(tree) == ["m.py"]
    assert tree.skipped == (Skipped(path="dist/app.bundle", reason="the file being built"),)


@pytest.mark.parametrize("link", [False, True])
def test_a_source_is_not_replaced(tmp_path: Path, link: bool) -> None:
    """What stands inside a source and is no bundle is kept, a link like a file."""
    make(tmp_path, {"src/m.py": "", "src/notes.txt": "mine"})
    if link:
        (tmp_path / "src/notes.txt").rename(tmp_path / "notes")
        (tmp_path / "src/notes.txt").symlink_to("../notes")
    with pytest.raises(BuildError) as caught:
        collect([tmp_path / "src"], exclude=tmp_path / "src/notes.txt")
    assert caught.value.message == "is one of the sources, and would be replaced by the bundle"
    assert caught.value.file == str(tmp_path / "src/notes.txt")
    assert caught.value.hint


def test_what_a_link_leads_to_is_packed(tmp_path: Path) -> None:
    """An output that is a link is replaced itself: the source behind it has to be in the bundle."""
    make(tmp_path, {"src/m.py": ""})
    (tmp_path / "app.bundle").symlink_to("src/m.py")
    assert _paths(collect([tmp_path / "src"], exclude=tmp_path / "app.bundle")) == ["m.py"]


def test_an_output_yet_to_be_built_excludes_nothing(tmp_path: Path) -> None:
    """The first build has no former one to leave out."""
    make(tmp_path, {"m.py": ""})
    assert _paths(collect([tmp_path], exclude=tmp_path / "app.bundle")) == ["m.py"]


@pytest.mark.fault(41)
def test_unusual_names_are_packed(tmp_path: Path) -> None:
    """Backslashes, line feeds and blanks are characters of a file name as others."""
    paths = ["a\\b.txt", "c\nd.txt", " ", "é ü.py", "con:"]
    make(tmp_path, dict.fromkeys(paths, ""))
    assert _paths(collect([tmp_path])) == sorted(paths)


@pytest.mark.fault(41)
def test_names_that_cannot_be_packed_are_refused_together(tmp_path: Path) -> None:
    """All of them, over all sources, in one error that can be printed."""
    for path in (b"a/caf\xe9.py", b"a/dir\xff/m.py", b"b/\x80"):
        make(tmp_path, {os.fsdecode(path): ""})
    with pytest.raises(BuildError) as caught:
        collect([tmp_path / "a", tmp_path / "b"])
    assert caught.value.message == "3 paths of the sources cannot be packed"
    assert caught.value.problems == (
        f"'{tmp_path}/a/caf\\udce9.py' is not valid UTF-8",
        f"'{tmp_path}/a/dir\\udcff' is not valid UTF-8",
        f"'{tmp_path}/b/\\udc80' is not valid UTF-8",
    )


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("sub",), "{0}/sub cannot be read: Permission denied"),
        (("sub", "sub/deep"), "{0}/sub cannot be read: Permission denied"),
    ],
)
def test_directories_that_cannot_be_listed_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], reason: str
) -> None:
    """A directory that is there but cannot be listed is no empty one."""
    make(tmp_path, {"m.py": "", "sub/deep/n.py": ""})
    locked = {str(tmp_path / name) for name in names}
    real = os.scandir

    def scandir(path: str) -> object:  # root may list everything: chmod proves nothing
        if path in locked:
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(BuildError) as caught:
        collect([tmp_path])
    assert caught.value.problems == (reason.format(tmp_path),)


def test_a_source_has_to_be_a_directory(tmp_path: Path) -> None:
    """Files and missing sources are refused before anything is walked, all at once."""
    make(tmp_path, {"src/m.py": "", "file.py": ""})
    with pytest.raises(BuildError) as caught:
        collect([tmp_path / "src", tmp_path / "file.py", tmp_path / "gone"])
    assert caught.value.problems == (
        f"{tmp_path}/file.py is not a directory",
        f"{tmp_path}/gone cannot be read: No such file or directory",
    )
    assert caught.value.hint == (
        "name directories that hold modules and packages, as sys.path would; projects;"
        " wheels; or packages with a version, as NAME==1.2"
    )
    with pytest.raises(BuildError, match=r"/file\.py is not a directory"):
        collect([tmp_path / "file.py"])


@pytest.mark.fault(42)
def test_names_that_other_platforms_confuse_are_warned_about(tmp_path: Path) -> None:
    """They are packed, as Linux tells them apart, be they files, directories or one of each."""
    make(tmp_path, {"Foo.py": "1", "foo.py": "2", "Dir/x": "", "dir": "", "other/foo.py": ""})
    tree = collect([tmp_path])
    assert _paths(tree) == ["Dir/x", "Foo.py", "dir", "foo.py", "other/foo.py"]
    assert tree.warnings == (
        "Dir and dir differ only in case",
        "Foo.py and foo.py differ only in case",
    )


@pytest.mark.fault(46)
def test_depth_is_not_limited_by_the_stack(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Nesting ends where the operating system's paths do, not where Python's recursion does."""
    depth = 600  # more would be too deep for pytest to remove
    top = tmp_path
    for _ in range(depth):
        top /= "p"
        top.mkdir()
    (top / "m.py").touch()
    request.addfinalizer(partial(sys.setrecursionlimit, sys.getrecursionlimit()))
    sys.setrecursionlimit(depth // 2)
    tree = collect([tmp_path])
    assert _paths(tree) == ["p/" * depth + "m.py"]
    assert len(tree.directories) == depth
