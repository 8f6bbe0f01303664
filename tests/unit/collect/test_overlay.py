"""Several sources laid over each other: what merges, what conflicts, who wins."""

import importlib.machinery
import os
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebundle.collect.directory import collect
from litebundle.errors import BuildError
from tests.unit.collect.trees import make

Files = dict[str, str]
TAGGED = EXTENSION_SUFFIXES[0]


def _merged(tmp_path: Path, *sources: Files, overlay: bool = True) -> tuple[Files, list[str]]:
    """Return the merged files with their contents, and the conflicts as "path: reason"."""
    tops = [tmp_path / "abc"[number] for number in range(len(sources))]
    for top, files in zip(tops, sources, strict=True):
        top.mkdir()
        make(top, files)
    tree = collect(tops, overlay=overlay)
    conflicts = [f"{conflict.path}: {conflict.reason}" for conflict in tree.conflicts]
    return {entry.path: entry.read().decode() for entry in tree.entries}, conflicts


def test_sources_merge(tmp_path: Path) -> None:
    """Namespace portions and equal files of several sources become one tree."""
    files, conflicts = _merged(
        tmp_path,
        {"ns/one.py": "1", "same.py": "=", "pkg/__init__.py": ""},
        {"ns/two.py": "2", "same.py": "=", "pkg/__init__.py": "", "pkg/more.py": "m"},
        {"ns/sub/three.py": "3", "empty/": ""},
        overlay=False,
    )
    assert conflicts == []
    assert files == {
        "ns/one.py": "1",
        "ns/two.py": "2",
        "ns/sub/three.py": "3",
        "same.py": "=",
        "pkg/__init__.py": "",
        "pkg/more.py": "m",
    }


def test_one_source_may_have_a_module_in_several_ways(tmp_path: Path) -> None:
    """Within a source FileFinder's order decides, as it does for the directory itself."""
    source = {"m.py": "s", f"m{TAGGED}": "x", "m/__init__.py": "p", "m/data": "", "m.pyc": "b"}
    assert _merged(tmp_path, source, source, overlay=False) == (source, [])


def test_extensions_for_several_pythons_merge(tmp_path: Path) -> None:
    """One module's extensions that no interpreter takes both of stand beside each other."""
    files, conflicts = _merged(
        tmp_path,
        {"m.cpython-311-x86_64-linux-gnu.so": "11", "m.py": "", "n.abi3.so": "linux"},
        {"m.cpython-313-x86_64-linux-gnu.so": "13", "m.py": "", "n.pyd": "windows"},
        overlay=False,
    )
    assert conflicts == []
    assert len(files) == 5


@pytest.mark.parametrize(
    ("first", "second", "merged", "conflict"),
    [
        (
            {"pkg/m.py": "one"},
            {"pkg/m.py": "two", "pkg/n.py": ""},
            {"pkg/m.py": "one", "pkg/n.py": ""},
            "pkg/m.py: different contents",
        ),
        (
            {"thing": "file"},
            {"thing/a.txt": "", "thing/sub/b.txt": "", "thing.txt": ""},
            {"thing": "file", "thing.txt": ""},
            "thing: file and directory",
        ),
        (
            {"thing/a.txt": ""},
            {"thing": "file"},
            {"thing/a.txt": ""},
            "thing: directory and file",
        ),
        (
            {"foo.py": "module"},
            {"foo/__init__.py": "package", "foo/sub/data.txt": "", "foo2/x.py": ""},
            {"foo.py": "module", "foo2/x.py": ""},
            "foo: one module in two ways",
        ),
        (
            {"foo/__init__.py": "package"},
            {"foo.py": "module", "bar.py": ""},
            {"foo/__init__.py": "package", "bar.py": ""},
            "foo.py: one module in two ways",
        ),
        (
            {"foo.py": "source"},
            {"foo.abi3.so": "extension"},
            {"foo.py": "source"},
            "foo.abi3.so: one module in two ways",
        ),
        (
            {"p/foo.so": "extension"},
            {"p/foo.py": "source"},
            {"p/foo.so": "extension"},
            "p/foo.py: one module in two ways",
        ),
        (
            {"foo.abi3.so": "stable"},
            {"foo.cpython-313-x86_64-linux-gnu.so": "exact"},
            {"foo.abi3.so": "stable"},
            "foo.cpython-313-x86_64-linux-gnu.so: one module in two ways",
        ),
        (
            {"foo/__init__.py": "source"},
            {"foo/__init__.pyc": "bytecode", "foo/n.py": ""},
            {"foo/__init__.py": "source", "foo/n.py": ""},
            "foo/__init__.pyc: one module in two ways",
        ),
    ],
)
def test_conflicts_are_refused_or_the_earlier_source_wins(
    tmp_path: Path, first: Files, second: Files, merged: Files, conflict: str
) -> None:
    """Without overlay an error names both places; with it the earlier source wins wholly."""
    assert _merged(tmp_path, first, second) == (merged, [conflict])
    with pytest.raises(BuildError) as caught:
        collect([tmp_path / "a", tmp_path / "b"])
    assert caught.value.message == "the sources contradict each other in 1 place"
    assert caught.value.hint is not None
    assert "--overlay" in caught.value.hint
    (problem,) = caught.value.problems
    path = conflict.partition(":")[0]
    assert problem.startswith(f"{conflict}: {tmp_path}/a/")
    assert problem.endswith(f" and {tmp_path}/b/{path}")


@pytest.mark.fault(44)
def test_contents_are_compared_whatever_the_times_say(tmp_path: Path) -> None:
    """Equal size and modification time do not make files equal."""
    for source in "ab":
        make(tmp_path / source, {"m.py": source})
        os.utime(tmp_path / source / "m.py", (0, 0))
    with pytest.raises(BuildError, match="contradict each other in 1 place"):
        collect([tmp_path / "a", tmp_path / "b"])


def test_all_conflicts_are_listed_at_once(tmp_path: Path) -> None:
    """Every contradiction of every pair of sources is in the one error."""
    with pytest.raises(BuildError) as caught:
        _merged(
            tmp_path,
            {"m.py": "1", "n.py": "1"},
            {"m.py": "2", "n/__init__.py": "", "o.py": "2"},
            {"m.py": "3", "o.py": "3"},
            overlay=False,
        )
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "n",
        "m.py",
        "m.py",
        "o.py",
    ]


def test_what_a_dropped_package_held_does_not_come_back(tmp_path: Path) -> None:
    """The third source is judged by what was kept of the first two."""
    files, conflicts = _merged(
        tmp_path,
        {"foo.py": "1"},
        {"foo/__init__.py": "2", "foo/bar.py": "2"},
        {"foo/bar.py": "3"},
    )
    assert files == {"foo.py": "1", "foo/bar.py": "3"}
    assert conflicts == ["foo: one module in two ways"]


_VARIANTS = ("foo.py", "foo.pyc", f"foo{TAGGED}", "foo.so", "foo/__init__.py", "foo/bar.py")
_SOURCES = st.lists(st.sets(st.sampled_from(_VARIANTS)), min_size=1, max_size=3)


@given(_SOURCES)
def test_merged_tree_imports_what_the_search_path_would(sources: list[set[str]]) -> None:
    """A module comes from the source that sys.path, with the sources in order, takes it from."""
    with TemporaryDirectory() as name:
        tops = [Path(name, str(number)) for number in range(len(sources))]
        for top, paths in zip(tops, sources, strict=True):
            top.mkdir()
            make(top, {path: f"{top.name} {path}" for path in paths})
        merged = Path(name, "merged")
        merged.mkdir()
        for entry in collect(tops, overlay=True).entries:
            make(merged, {entry.path: entry.read().decode()})
        find = importlib.machinery.PathFinder.find_spec
        expected = find("foo", [str(top) for top in tops])
        actual = find("foo", [str(merged)])
        assert _content(actual) == _content(expected)


def _content(spec: importlib.machinery.ModuleSpec | None) -> str | None:
    if spec is None:
        return None
    return Path(spec.origin).read_text() if spec.origin else "namespace"
