"""Definitions: where one is found, what it says, and everything that is wrong with it."""

from pathlib import Path

import pytest

from litebundle.collect.definition import Definition, definition_in, read_definition
from litebundle.errors import BuildError
from tests.unit.collect.trees import make

LOCK = f"lib==1.0 --hash=sha256:{'0' * 64}\n"


def defined(top: Path, text: str, name: str = "bundle.toml") -> Definition:
    """Read a definition with these lines, beside a source, a lock and a check."""
    make(top, {"src/app.py": "", "lock.txt": LOCK, "main.py": "", name: text})
    return read_definition(top / name)


def refused(top: Path, text: str, name: str = "bundle.toml") -> BuildError:
    """Return the error that a definition is refused with; it names the file and has a hint."""
    with pytest.raises(BuildError) as caught:
        defined(top, text, name)
    assert caught.value.file == str(top / name)
    assert caught.value.hint
    return caught.value


def test_every_key_is_read(tmp_path: Path) -> None:
    """Into what the builder takes; paths are relative to the file."""
    text = """
        src = ["src"]
        requirements = ["lib>=1"]
        lock = "lock.txt"
        check = "main.py"
        output = "out/app.bundle"
        format = "zip"
        optimize = [2, 0]
        sources = false
        strict = true
        overlay = true
        deps = false
        tests = false
        exclude = ["*.txt"]
        only = ["app", "lib"]
        python-version = "3.12"
        platform = ["win_amd64", "manylinux_2_28_x86_64"]
        stdlib = "used"
        place = {lib = "all", "app.data" = "code"}
    """
    assert defined(tmp_path, text) == Definition(
        file=tmp_path / "bundle.toml",
        src=(tmp_path / "src",),
        requirements=("lib>=1",),
        lock=tmp_path / "lock.txt",
        check=tmp_path / "main.py",
        output=tmp_path / "out/app.bundle",
        format="zip",
        optimize=(0, 2),
        sources=False,
        strict=True,
        overlay=True,
        deps=False,
        tests=False,
        exclude=("*.txt",),
        only=("app", "lib"),
        python_version=("3.12",),
        platform=("win_amd64", "manylinux_2_28_x86_64"),
        stdlib="used",
        place={"lib": "all", "app.data": "code"},
    )


def test_what_is_not_said_is_left_open(tmp_path: Path) -> None:
    """To the options of the command, and their defaults."""
    expected = Definition(file=tmp_path / "bundle.toml", src=(tmp_path / "src",))
    assert defined(tmp_path, 'src = ["src"]') == expected
    assert (expected.sources, expected.format, expected.lock) == (None, None, None)


PROJECT = '[project]\nname = "app"\nversion = "1"\ndependencies = ["lib"]\n'


def test_a_project_describes_itself(tmp_path: Path) -> None:
    """Its own code is the source, its dependencies what a lock has to pin, unless it says else."""
    name = "pyproject.toml"
    own = defined(tmp_path, f'{PROJECT}[tool.litebundle]\nlock = "lock.txt"\n', name)
    assert (own.src, own.requirements) == ((tmp_path,), ("lib",))
    unlocked = defined(tmp_path, f"{PROJECT}[tool.litebundle]\nformat = 'zip'\n", name)
    assert (unlocked.src, unlocked.requirements) == ((tmp_path,), ())
    other = defined(tmp_path, f"{PROJECT}[tool.litebundle]\nsrc = ['src']\n", name)
    assert other.src == (tmp_path / "src",)
    none = defined(tmp_path, "[tool.litebundle]\nlock = 'lock.txt'\n", name)
    assert none.src == ()


def test_a_definition_is_found(tmp_path: Path) -> None:
    """By its name, or in a directory; a project without the table is none."""
    make(
        tmp_path,
        {
            "one/bundle.toml": "",
            "two/pyproject.toml": "[tool.litebundle]\n",
            "three/pyproject.toml": PROJECT,
            "four/app.py": "",
            "site/pyproject.toml": "[tool.litebundle]\n",
            "site/lib-1.dist-info/METADATA": "",
        },
    )
    one, two = tmp_path / "one/bundle.toml", tmp_path / "two/pyproject.toml"
    given = (one, one.parent, two, two.parent)
    assert [definition_in(path) for path in given] == [one, one, two, two]
    others = ("three", "four", "four/app.py", "site", "nowhere", "nowhere/bundle.toml")
    assert [definition_in(tmp_path / name) for name in others] == [None] * len(others)


def test_two_definitions_in_a_directory_are_one_too_many(tmp_path: Path) -> None:
    """Which of them is meant is for the user to say."""
    make(tmp_path, {"bundle.toml": "", "pyproject.toml": "[tool.litebundle]\n"})
    with pytest.raises(BuildError, match=r"has both a bundle\.toml and a table tool\.litebundle"):
        definition_in(tmp_path)
    assert definition_in(tmp_path / "bundle.toml") == tmp_path / "bundle.toml"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("src = [", "is no TOML: "),
        ("", "src: is missing, and there is no lock either"),
        ("src = 'src'", "src: expected a list of texts, found 'src'"),
        ("src = ['src', '']", "src: expected text in quotes, found ''"),
        ("src = ['gone']", "src: there is no "),
        ("src = ['nested']", "nested is defined by a bundle.toml of its own"),
        ("lock = 'gone.txt'", "lock: there is no "),
        ("lock = 'src'", "src is no file"),
        ("requirements = ['lib']", "lock: is missing: it pins the requirements"),
        (
            "lock = 'lock.txt'\nrequirements = ['lib ==']",
            "requirements: 'lib ==' is no requirement",
        ),
        ("lock = 'lock.txt'\nrequirements = ['lib>1']", "lock.txt pins lib 1.0, not lib>1"),
        ("lock = 'lock.txt'\nrequirements = ['other']", "lock.txt does not pin other"),
        ("lock = 'loose.txt'", "lock: {top}/loose.txt is no lock: lib>=1 is not pinned"),
        ("lock = 'pylock.toml'", "lock: {top}/pylock.toml is no lock: "),
        ("src = ['src']\ncheck = 'gone.py'", "check: there is no "),
        ("src = ['src']\noutput = 1", "output: expected text in quotes, found 1"),
        ("src = ['src']\nformat = 'tar'", "format: expected sqlite or zip, found 'tar'"),
        ("src = ['src']\noptimize = 3", "optimize: expected a list of levels like [0, 2], found 3"),
        ("src = ['src']\noptimize = true", "optimize: expected a list of levels"),
        ("src = ['src']\noptimize = []", "optimize: expected a list of levels"),
        ("src = ['src']\nsources = 'no'", "sources: expected true or false, found 'no'"),
        ("src = ['src']\nexclude = 'x'", "exclude: expected a list of texts, found 'x'"),
        (
            "src = ['src']\npython-version = 3.12",
            "python-version: expected text in quotes, found 3.12",
        ),
        ("src = ['src']\npython-version = 'new'", "python-version: expected versions like 3.12"),
        ("src = ['src']\nplace = 'all'", "place: expected a table of PACKAGE = LEVEL, found 'all'"),
        ("src = ['src']\nplace.lib = 'some'", "place: lib: expected code, data, all, found 'some'"),
        ("src = ['src']\npython_version = '3.12'", "no such key; is it python-version?"),
        ("src = ['src']\njobs = 2", "jobs: there is no such key"),
    ],
)
def test_each_fault_is_told(tmp_path: Path, text: str, cause: str) -> None:
    """With the key that it is in, and what was expected there."""
    make(tmp_path, {"loose.txt": "lib>=1\n", "pylock.toml": "x = 1", "nested/bundle.toml": ""})
    assert cause.format(top=tmp_path) in refused(tmp_path, text).message


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """One error lists them, with what can be done about each kind."""
    error = refused(tmp_path, "sorces = true\nstrict = 1\nrequirements = ['lib']\nlock = 'gone'\n")
    assert error.message == "has 3 faults"
    assert [problem.partition(":")[0] for problem in error.problems] == ["sorces", "strict", "lock"]
    assert "is it sources?" in error.problems[0]
    assert error.hint
    assert "bundle build --help" in error.hint
    assert "relative to the definition" in error.hint


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """As is one that is not UTF-8, and a project without the table."""
    with pytest.raises(BuildError, match="cannot be read: No such file"):
        read_definition(tmp_path / "bundle.toml")
    (tmp_path / "bundle.toml").write_bytes(b"\xff")
    with pytest.raises(BuildError, match="is no TOML: 'utf-8' codec"):
        read_definition(tmp_path / "bundle.toml")
    for text in (PROJECT, "tool = 'litebundle'\n", "[tool]\nlitebundle = 1\n"):
        cause = refused(tmp_path, text, "pyproject.toml").message
        assert cause == "has no table tool.litebundle"
