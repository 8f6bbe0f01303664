"""Locks: what they settle for an environment, and when they are refused."""

import hashlib
from pathlib import Path

import pytest

from litebundle.collect import tools
from litebundle.collect.environment import environment
from litebundle.collect.locks import Pinned, is_lock, locked
from litebundle.errors import BuildError

HEAD = 'lock-version = "1.0"\ncreated-by = "a test"\n'
OLD = "https://example.org/x-1-cp27-none-any.whl"
SHA = hashlib.sha256(b"").hexdigest()


def lock(directory: Path, text: str, name: str = "pylock.toml") -> Path:
    """Write a lock with these packages."""
    path = directory / name
    path.write_text(HEAD + text)
    return path


def archive(name: str, url: str, kind: str = "archive") -> str:
    """Return the table of a package that is an archive."""
    return f'[[packages]]\nname = "{name}"\n{kind} = {{{url}, hashes = {{sha256 = "{SHA}"}}}}\n'


def test_the_name_says_that_it_is_a_lock() -> None:
    """Other files are requirements for a resolver."""
    names = ("pylock.toml", "pylock.prod.toml", "uv.lock", "requirements.txt", "poetry.lock")
    assert [is_lock(Path(name)) for name in names] == [True, True, True, False, False]


def test_each_kind_of_source_has_its_url(tmp_path: Path) -> None:
    """Archives with their hashes; paths are relative to the lock."""
    path = lock(
        tmp_path,
        archive("far", 'url = "https://example.org/far-1.tar.gz"')
        + archive("near", 'path = "dist/near-1.0.zip", subdirectory = "in side"')
        + '[[packages]]\nname = "local"\ndirectory = {path = "../local", editable = true}\n'
        + '[[packages]]\nname = "repo"\nvcs = {type = "git", url = "https://example.org/repo",'
        ' commit-id = "abc"}\n',
    )
    assert locked(path, environment()) == [
        Pinned(name="far", url="https://example.org/far-1.tar.gz", hashes={"sha256": SHA}),
        Pinned(
            name="near",
            url=f"{tmp_path.as_uri()}/dist/near-1.0.zip#subdirectory=in%20side",
            hashes={"sha256": SHA},
        ),
        Pinned(name="local", url=f"{tmp_path.as_uri()}/../local"),
        Pinned(name="repo", url="git+https://example.org/repo@abc"),
    ]


def test_wheels_are_chosen_by_tag_and_packages_by_marker(tmp_path: Path) -> None:
    """For the environment asked for, whichever this machine is."""
    hashes = f'hashes = {{sha256 = "{SHA}"}}'
    wheels = ", ".join(
        f'{{url = "https://example.org/demo-1.0-{tag}.whl", {hashes}}}'
        for tag in ("py3-none-any", "cp313-cp313-win_amd64", "py3-none-win_amd64")
    )
    text = f'[[packages]]\nname = "demo"\nversion = "1.0"\nwheels = [{wheels}]\n' + archive(
        "other", "url = 'https://example.org/o.zip'"
    ).replace("archive", "marker = \"sys_platform == 'win32'\"\narchive")
    path = lock(tmp_path, text)
    here, there = (locked(path, environment(platform=name)) for name in (None, "win_amd64"))
    assert [package.filename for package in here] == ["demo-1.0-py3-none-any.whl"]
    assert [package.name for package in there] == ["demo", "other"]
    assert there[0].filename.endswith("-win_amd64.whl")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("[[packages]\n", "is no lock file: Expected ']]'"),
        ("", "is no lock file: Missing required value in 'packages'"),
        (
            '[[packages]]\nname = "x"\n',
            "is no lock file: Exactly one of vcs, directory, archive must be set",
        ),
        ('requires-python = ">=4"\npackages = []\n', "is not for CPython 3"),
        ("environments = [\"sys_platform == 'amiga'\"]\npackages = []\n", "is not for CPython 3"),
        (
            f"[[packages]]\nname = 'x'\nwheels = [{{url = '{OLD}', hashes = {{x = 'y'}}}}]\n",
            "No wheel found matching the provided tags",
        ),
    ],
)
def test_a_lock_that_does_not_serve_is_refused(tmp_path: Path, text: str, cause: str) -> None:
    """Because of what is wrong with it, or because it is not for the environment."""
    path = lock(tmp_path, text)
    with pytest.raises(BuildError) as caught:
        locked(path, environment())
    assert cause in caught.value.message
    assert caught.value.file == str(path)
    assert caught.value.hint


def test_a_lock_has_to_be_text_that_is_there(tmp_path: Path) -> None:
    """The system's reason is passed on."""
    with pytest.raises(BuildError, match="No such file"):
        locked(tmp_path / "pylock.toml", environment())
    (tmp_path / "pylock.toml").write_bytes(b"\xff")
    with pytest.raises(BuildError, match="is no lock file: 'utf-8' codec"):
        locked(tmp_path / "pylock.toml", environment())


UV_LOCK = f"""version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "demo"
version = "1.0"
source = {{ url = "https://example.org/demo-1.0-py3-none-any.whl" }}
wheels = [{{ url = "https://example.org/demo-1.0-py3-none-any.whl", hash = "sha256:{SHA}" }}]

[[package]]
name = "dev"
version = "1.0"
source = {{ url = "https://example.org/dev-1.0-py3-none-any.whl" }}
wheels = [{{ url = "https://example.org/dev-1.0-py3-none-any.whl", hash = "sha256:{SHA}" }}]

[[package]]
name = "proj"
version = "1.0"
source = {{ virtual = "." }}
dependencies = [{{ name = "demo" }}]

[package.dev-dependencies]
dev = [{{ name = "dev" }}]

[package.metadata]
requires-dist = [{{ name = "demo", url = "https://example.org/demo-1.0-py3-none-any.whl" }}]
"""


@pytest.mark.skipif(tools.uv() is None, reason="uv is not here")
def test_uvs_lock_is_exported_by_uv(tmp_path: Path) -> None:
    """Without what only developers install, and from wherever the build is run."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "proj"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
        'dependencies = ["demo"]\n[dependency-groups]\ndev = ["dev"]\n'
    )
    (tmp_path / "uv.lock").write_text(UV_LOCK)
    url = "https://example.org/demo-1.0-py3-none-any.whl"
    assert Pinned(name="demo", url=url, hashes={"sha256": SHA}) in locked(
        tmp_path / "uv.lock", environment()
    )
    assert "dev" not in {package.name for package in locked(tmp_path / "uv.lock", environment())}
    (tmp_path / "uv.lock").write_text("version = what\n")
    with pytest.raises(BuildError, match="uv cannot read the lock") as caught:
        locked(tmp_path / "uv.lock", environment())
    assert "uv.lock" in "".join(caught.value.problems)


def test_uvs_lock_needs_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else reads it, and pip must not take it for requirements."""
    monkeypatch.setattr(tools, "uv", lambda: None)
    with pytest.raises(BuildError, match="only uv reads its lock files"):
        locked(tmp_path / "uv.lock", environment())
    monkeypatch.undo()
    if tools.uv():
        with pytest.raises(BuildError, match="there is no such file"):
            locked(tmp_path / "uv.lock", environment())
