"""Plans: which trees there are, whom each is for, and who compiles what."""

from dataclasses import replace
from pathlib import Path

import pytest

from litebundle.collect.directory import walked
from litebundle.collect.inputs import Gathered
from litebundle.collect.stdlib import Library
from litebundle.collect.tree import Layer
from litebundle.compile.target import Target
from litebundle.errors import BuildError
from litebundle.plan import Plan, planned, require_one_tree, said
from tests.unit.collect.trees import make

OLD = Target(
    implementation="cpython",
    version="3.11.7",
    cache_tag="cpython-311",
    abiflags="",
    magic=b"\1\2\3\4",
    build="3.11.7 (main)",
    optimize=(0, 2),
)
NEW = replace(OLD, version="3.13.0", cache_tag="cpython-313", magic=b"\5\6\7\x08")
THREADED = replace(NEW, abiflags="t")
COMPILERS = {"old": OLD, "new": NEW}

PURE = {"a.py": "A = 1", "pkg/__init__.py": "", "data.txt": "data"}
NATIVE = PURE | {"fast.abi3.so": "machine code"}


def gathered(place: Path, files: dict[str, str], python: str, platform: str | None) -> Gathered:
    """Return what is for a target: one directory of those files."""
    return Gathered(layers=walked([make(place, files)]), python=python, platform=platform)


def plan(*found: Gathered, **compilers: Target) -> Plan:
    """Return the plan for what was gathered."""
    return planned(found, {**COMPILERS, **compilers}, overlay=False)


def targets(found: Plan) -> list[str]:
    """Return the texts of the targets."""
    return [target.text for target in found.targets]


def test_equal_trees_are_one_root(tmp_path: Path) -> None:
    """Wherever they lie; its columns are the code of all its Pythons."""
    found = plan(
        gathered(tmp_path / "one", PURE, "old", None),
        gathered(tmp_path / "two", PURE, "new", None),
    )
    assert targets(found) == ["cpython-311 any any 0", "cpython-313 any any 0"]
    assert [root.columns for root in found.roots] == [[0, 1, 2, 3]]
    assert [str(variant) for variant in found.variants] == [
        *("cpython-311", "cpython-311 -O2", "cpython-313", "cpython-313 -O2")
    ]
    assert found.compilers == {"old": [0, 1], "new": [2, 3]}
    assert len(found.entries) == 3


@pytest.mark.parametrize(
    "files",
    [PURE | {"a.py": "A = 2"}, PURE | {"a.py": "A"}, PURE | {"b.py": ""}, PURE | {"a.pyi": ""}],
)
def test_trees_that_differ_are_roots_of_their_own(tmp_path: Path, files: dict[str, str]) -> None:
    """By a byte, a size, or a file; each has its Python's code only."""
    found = plan(
        gathered(tmp_path / "one", PURE, "old", None),
        gathered(tmp_path / "two", files, "new", None),
    )
    assert targets(found) == ["cpython-311 any any 0", "cpython-313 any any 1"]
    assert [root.columns for root in found.roots] == [[0, 1], [2, 3]]


def test_trees_differ_by_modes_and_empty_directories_too(tmp_path: Path) -> None:
    """What a program could see."""
    trees = [make(tmp_path / name, PURE) for name in ("one", "two", "three")]
    (trees[1] / "data.txt").chmod(0o755)
    (trees[2] / "empty").mkdir()
    found = planned(
        [
            Gathered(layers=walked([tree]), python="new", platform=f"linux_{number}")
            for number, tree in enumerate(trees)
        ],
        COMPILERS,
        overlay=False,
    )
    assert [target.root for target in found.targets] == [0, 1, 2]


def test_each_compiles_what_its_targets_have(tmp_path: Path) -> None:
    """A file of two trees is compiled once by each; one of another Python's tree is not."""
    shared = gathered(tmp_path / "one", PURE, "old", "win_amd64")
    more = walked([make(tmp_path / "more", {"only.py": ""})])
    found = plan(
        shared,
        replace(shared, platform="linux_x86_64", layers=[*shared.layers, *more]),
        gathered(tmp_path / "new", {"a.py": "A = 2"}, "new", None),
    )
    assert [entry.path for entry in found.sources("old")] == ["a.py", "only.py", "pkg/__init__.py"]
    assert [entry.read() for entry in found.sources("new")] == [b"A = 2"]


@pytest.mark.parametrize(
    ("files", "asked", "platform"),
    [
        (PURE, None, "any"),
        (NATIVE, None, "amiga_4_2_68k"),
        (PURE | {"pkg/libx.so.1": ""}, None, "amiga_4_2_68k"),
        (PURE | {"pkg/x.dll": ""}, None, "amiga_4_2_68k"),
        (PURE | {"pkg/so.py": ""}, None, "any"),
        (PURE, "win_amd64", "win_amd64"),
        (NATIVE, "win_amd64", "win_amd64"),
    ],
)
def test_the_platform_is_the_one_that_matters(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    asked: str | None,
    platform: str,
) -> None:
    """As asked for; else this machine's where there is anything native, so that pure ones agree."""
    monkeypatch.setattr("sysconfig.get_platform", lambda: "amiga-4.2-68k")
    found = plan(gathered(tmp_path, files, "new", asked))
    assert [target.platform for target in found.targets] == [platform]


def test_a_target_is_there_once(tmp_path: Path) -> None:
    """Two releases of one Python are the same one, and the first is it; a free-threaded is not."""
    newer = replace(NEW, version="3.13.9")
    one = gathered(tmp_path, NATIVE, "new", "win_amd64")
    found = plan(
        *(one, replace(one, python="newer"), replace(one, python="threaded")),
        newer=newer,
        threaded=THREADED,
    )
    assert targets(found) == ["cpython-313 any win_amd64 0", "cpython-313t any win_amd64 0"]
    assert found.compilers["newer"] == found.compilers["new"] == found.compilers["threaded"]


def test_a_library_makes_a_root_for_its_release(tmp_path: Path) -> None:
    """It stands before the one without, and both share the program's files."""
    [layer] = walked([make(tmp_path / "lib", {"json.py": ""})])
    program = gathered(tmp_path / "one", PURE, "new", None)
    found = plan(replace(program, library=Library(release="3.13.0", layer=layer)))
    assert targets(found) == ["cpython-313 3.13.0 any 0", "cpython-313 any any 1"]
    assert [len(root.tree.entries) for root in found.roots] == [4, 3]
    assert len(found.entries) == 4
    assert dict(said(found))["target.1"] == "cpython-313 any any 1"
    with pytest.raises(BuildError, match=r"a zip holds one tree, and what .* makes 2"):
        require_one_tree(found)


def test_a_library_of_nothing_makes_none(tmp_path: Path) -> None:
    """A program that uses no standard module has one tree, which a zip may hold."""
    layer = Layer(source=tmp_path, entries=(), directories=())
    program = gathered(tmp_path / "one", PURE, "new", None)
    found = plan(replace(program, library=Library(release="3.13.0", layer=layer)))
    assert [target.root for target in found.targets] == [0, 0]
    require_one_tree(found)
