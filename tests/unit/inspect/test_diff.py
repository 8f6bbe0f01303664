"""`Comparison`: everything that differs is told, by its name, and nothing else."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from litebundle.collect.inputs import Inputs
from litebundle.errors import BundleCorrupt, BundleError
from litebundle.inspect.diff import Change, Comparison
from litebundle.write.launcher import Launch
from tests.rules.places import Library, Tree
from tests.unit.inspect.content import TREE
from tests.unit.inspect.forge import execute

_METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"


def _changes(old: Path, new: Path) -> list[Change]:
    return list(Comparison(old, new).changes())


def _told(old: Path, new: Path) -> list[str]:
    """Return each change as "kind name", marked + or - where it came or went."""
    return [
        f"{change.what} {change.name}"
        + ("+" if change.before is None else "-" if change.after is None else "")
        for change in _changes(old, new)
    ]


@pytest.fixture(params=["sqlite", "zip"])
def kind(request: pytest.FixtureRequest) -> str:
    """Return the kind of both containers."""
    return str(request.param)


def test_equal_files_do_not_differ(packed: Path, tmp_path: Path) -> None:
    """Nor does a file from itself."""
    copy = Path(shutil.copy(packed, tmp_path / "copy"))
    assert _changes(packed, copy) == _changes(packed, packed) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"pkg/sub.py": "VALUE = 'else'\n"},
            ["module pkg.sub", "file pkg/sub.py"],
        ),
        ({"pkg/sub.py": None}, ["module pkg.sub-", "file pkg/sub.py-"]),
        (
            {"pkg/new.py": "", "new.txt": ""},
            ["module pkg.new+", "file new.txt+", "file pkg/new.py+"],
        ),
        ({"both/__init__.py": None}, ["module both", "file both/__init__.py-"]),
        ({"pkg/data.txt": "data"}, ["file pkg/data.txt", "placement pkg"]),
        ({"same.txt": "data"}, ["file same.txt"]),
        ({"fresh/": ""}, ["directory fresh+"]),
        (
            {"dist-1.dist-info/METADATA": _METADATA.format("dist", "2")},
            ["distribution dist", "file dist-1.dist-info/METADATA"],
        ),
        (
            {"more-1.dist-info/METADATA": _METADATA.format("more", "1")},
            ["distribution more+", "file more-1.dist-info/METADATA+"],
        ),
        (
            {"native.cpython-311-x86_64-linux-gnu.so": b"\x7fELF other"},
            [
                "file native.cpython-311-x86_64-linux-gnu.so",
                "placement native",
                "placement nativepkg",
            ],
        ),
    ],
    ids=lambda value: next(iter(value)).replace("/", ".") if isinstance(value, dict) else "",
)
def test_what_differs_is_told_by_its_name(
    library: Library, kind: str, changed: dict[str, Any], told: list[str]
) -> None:
    """And what came one way went the other way round."""
    new = {path: text for path, text in TREE.items() if path not in changed}
    for path, text in changed.items():
        if path.endswith("/"):
            new[path[:-1]] = None
        elif text is not None:
            new[path] = text
    old_file, new_file = (Path(library.place(tree, kind).entry) for tree in (TREE, new))
    found = _told(old_file, new_file)
    assert sorted(found) == sorted(told)
    swapped = str.maketrans("+-", "-+")
    back = _told(new_file, old_file)
    assert sorted(b[:-1] + b[-1].translate(swapped) for b in back) == sorted(told)


def test_modes_and_contents_are_told(library: Library) -> None:
    """A change says what was there before and what is there now."""
    old = Path(library.place({"a.py": "1\n"}, "sqlite").entry)
    new = Path(library.place({"a.py": "22\n"}, "sqlite").entry)
    module, file = _changes(old, new)
    assert (module.before or "").startswith("module, code ")
    assert (file.before or "").startswith("644, 2 bytes ")
    assert (file.after or "").startswith("644, 3 bytes ")
    assert file.roots == (0, 0)


@pytest.mark.parametrize("options", [{}, {"optimize": (0, 2)}, {"launch": Launch()}])
def test_containers_may_differ_alone(library: Library, options: dict[str, Any]) -> None:
    """A database and a zip of the same content differ in nothing that is in them."""
    database, zipped = (Path(library.place(TREE, c, **options).entry) for c in ("sqlite", "zip"))
    assert _told(database, zipped) == ["container kind", "container page size-"]


def test_a_file_that_was_only_stored_otherwise_differs(database: Path, tmp_path: Path) -> None:
    """A VACUUM changes no content; all the same the files are not equal."""
    copy = Path(shutil.copy(database, tmp_path / "copy"))
    execute(copy, "VACUUM")
    assert _told(database, copy) == ["container bytes"]
    execute(copy, "PRAGMA page_size = 8192", "VACUUM")
    assert _told(database, copy) == ["container page size"]


def test_what_the_bundle_starts_as_is_told(library: Library) -> None:
    """The program, its commands, and whether there is a launcher."""
    tree: Tree = {
        "app.py": "def main(): pass\n",
        "d-1.dist-info/METADATA": _METADATA.format("d", "1"),
    }
    scripts: Tree = {"d-1.dist-info/entry_points.txt": "[console_scripts]\nrun = app:main\n"}
    plain = Path(library.place(tree, "sqlite").entry)
    launch = Launch(main="app")
    started = Path(library.place({**tree, **scripts}, "sqlite", launch=launch).entry)
    assert _told(plain, started) == [
        "manifest main+",
        "launcher launcher+",
        "script run+",
        "file d-1.dist-info/entry_points.txt+",
    ]


def test_levels_of_code_are_told_once(library: Library) -> None:
    """Not for each module again; code that both have is compared."""
    one = Path(library.place(TREE, "sqlite").entry)
    two = Path(library.place(TREE, "sqlite", optimize=(0, 2)).entry)
    [change] = _changes(one, two)
    assert (change.what, change.before) == ("variant", None)
    assert change.name.startswith("cpython ")
    assert change.name.endswith(" 2")


def test_several_targets_are_compared_one_by_one(library: Library) -> None:
    """Those of the same name, and those that are left in their order."""
    trees: list[Tree] = [{"a.py": "x = 1\n"}, {"a.py": "x = 2\n"}]

    def packed(number: int, *platforms: str) -> Path:
        inputs = Inputs(platform=platforms)
        return Path(library.place(trees[number], "sqlite", inputs=inputs).entry)

    both, linux, mac = ("win_amd64", "linux_x86_64"), ("linux_x86_64",), ("macosx_11_0_arm64",)
    told = _told(packed(0, *both), packed(0, *linux))
    assert [name.partition(" ")[0] for name in told] == ["target"]
    assert "win_amd64" in told[0]
    told = _told(packed(0, *linux), packed(1, *mac))
    assert [name.partition(" ")[0] for name in told] == ["target", "target", "module", "file"]


def test_what_a_bundle_says_of_itself_is_not_taken_for_it(database: Path, tmp_path: Path) -> None:
    """Digests are computed here: another content under the old one's is damage, not equality."""
    copy = Path(shutil.copy(database, tmp_path / "copy"))
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("UPDATE blobs SET data = zeroblob(length(data))")
    with pytest.raises(BundleCorrupt, match="not sound, so it is not compared"):
        _changes(database, copy)


def test_what_is_no_bundle_is_not_compared(packed: Path, tmp_path: Path) -> None:
    """Each of the two is told by its name."""
    other = tmp_path / "other"
    other.write_text("no bundle")
    for pair in ((packed, other), (other, packed), (packed, tmp_path / "nowhere")):
        with pytest.raises(BundleError, match=r"other|nowhere"):
            _changes(*pair)


def test_nothing_is_unmarshalled(packed: Path, tmp_path: Path) -> None:
    """Code is bytes with a digest here."""
    script = tmp_path / "probe.py"
    script.write_text(
        "import sys\n"
        "from litebundle.inspect.diff import Comparison\n"
        "def hook(event, args):\n"
        "    if event.startswith(('marshal.', 'exec', 'compile')): print(event)\n"
        "list(Comparison(*sys.argv[1:]).changes())\n"  # what is imported late is, by now
        "sys.addaudithook(hook)\n"
        "list(Comparison(*sys.argv[1:]).changes())\n"
    )
    done = subprocess.run(
        [sys.executable, script, packed, packed],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == ""
