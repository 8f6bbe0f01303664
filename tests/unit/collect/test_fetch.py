"""Fetching: the wheels of what was settled on, from a server of our own or this machine."""

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from litebundle.collect.environment import environment
from litebundle.collect.fetch import fetched, wheel_cache
from litebundle.collect.locks import Pinned
from litebundle.errors import BuildError
from tests.unit.collect.projects import project
from tests.unit.collect.wheels import Wheel


class _Handler(http.server.SimpleHTTPRequestHandler):
    asked_for: list[str] = []  # noqa: RUF012  # the class is the server's

    def log_message(self, *_: object) -> None:
        self.asked_for.append(self.path)


@pytest.fixture
def server(links: Path) -> Iterator[str]:
    """Return the address of a server of the directory `links`."""
    _Handler.asked_for.clear()
    handler = functools.partial(_Handler, directory=str(links))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return an empty directory."""
    directory = tmp_path / "work"
    directory.mkdir()
    return directory


def pinned(wheel: Path, url: str) -> Pinned:
    """Return the wheel settled on, with its hash."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return Pinned(name=wheel.name.partition("-")[0], url=url, hashes={"sha256": digest})


def test_wheels_are_downloaded_once(links: Path, server: str, work: Path) -> None:
    """They go to the cache by their hash; the next build asks for nothing."""
    wheels = [Wheel(name=name).write(links) for name in ("b", "a")]
    packages = [pinned(wheel, f"{server}/{wheel.name}") for wheel in wheels]
    found = fetched(packages, environment(), work)
    assert found == [wheel_cache() / p.hashes["sha256"] / p.filename for p in packages]
    assert [path.read_bytes() for path in found] == [wheel.read_bytes() for wheel in wheels]
    assert len(_Handler.asked_for) == 2
    assert fetched(packages, environment(), work) == found
    assert len(_Handler.asked_for) == 2
    assert not list(work.iterdir())
    assert sorted(p.name for p in wheel_cache().iterdir()) == sorted(
        package.hashes["sha256"] for package in packages
    )


def test_what_was_damaged_in_the_cache_is_downloaded_again(
    links: Path, server: str, work: Path
) -> None:
    """The cache is checked like a download."""
    wheel = Wheel().write(links)
    package = pinned(wheel, f"{server}/{wheel.name}")
    [path] = fetched([package], environment(), work)
    path.write_bytes(b"damaged")
    assert fetched([package], environment(), work) == [path]
    assert path.read_bytes() == wheel.read_bytes()


def test_another_file_than_was_locked_is_refused(links: Path, server: str, work: Path) -> None:
    """Downloaded or here already; nothing of it is kept."""
    wheel = Wheel().write(links)
    package = pinned(wheel, f"{server}/{wheel.name}")
    Wheel(files={"demo.py": "VALUE = 'evil'\n"}).write(links)
    with pytest.raises(BuildError, match="what was downloaded is not what was locked") as caught:
        fetched([package], environment(), work)
    assert package.hashes["sha256"] in "".join(caught.value.problems)
    assert not list(wheel_cache().iterdir())
    here = Pinned(name="demo", url=wheel.as_uri(), hashes={"sha256": "0" * 64, "md5": "no"})
    with pytest.raises(BuildError, match="is not the file that was locked as demo") as caught:
        fetched([here], environment(), work)
    assert caught.value.file == str(wheel)
    assert caught.value.problems[0].startswith(f"sha256: expected {'0' * 64}, found ")
    assert len(caught.value.problems) == 2


def test_a_cache_that_cannot_be_written_is_done_without(
    links: Path, server: str, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel is downloaded for this build only."""
    (links / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(links / "file"))
    wheel = Wheel().write(links)
    [path] = fetched([pinned(wheel, f"{server}/{wheel.name}")], environment(), work)
    assert path.is_relative_to(work)
    assert path.read_bytes() == wheel.read_bytes()


def test_without_a_hash_nothing_is_cached(links: Path, server: str, work: Path) -> None:
    """There is nothing to know it by."""
    wheel = Wheel().write(links)
    [path] = fetched([Pinned(name="demo", url=f"{server}/{wheel.name}")], environment(), work)
    assert path.is_relative_to(work)
    assert path.read_bytes() == wheel.read_bytes()


def test_a_download_that_fails_is_told(server: str, work: Path) -> None:
    """With the reason, and what was asked for."""
    package = Pinned(name="demo", url=f"{server}/demo-1.0-py3-none-any.whl")
    with pytest.raises(BuildError, match="a download failed") as caught:
        fetched([package], environment(), work)
    assert "404" in "".join(caught.value.problems)


def test_what_is_here_is_used_where_it_is(links: Path, work: Path, tmp_path: Path) -> None:
    """Wheels as they are; directories by their wheel, which is built."""
    wheel = Wheel().write(links)
    top = project(tmp_path / "top")
    found = fetched(
        [pinned(wheel, wheel.as_uri()), Pinned(name="proj", url=top.as_uri())], environment(), work
    )
    assert found[0] == wheel
    assert found[1].name == "proj-1.0-py3-none-any.whl"
    assert found[1].is_relative_to(work)


def test_source_distributions_are_built(tmp_path: Path, links: Path, work: Path) -> None:
    """By pip; for a machine that is not here there is no building."""
    import tarfile

    top = project(tmp_path / "proj-1.0", requires=())
    (top / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: proj\nVersion: 1.0\n")
    sdist = links / "proj-1.0.tar.gz"
    with tarfile.open(sdist, "w:gz") as archive:
        archive.add(top, "proj-1.0")
    package = pinned(sdist, sdist.as_uri())
    [path] = fetched([package], environment(), work)
    assert path.name == "proj-1.0-py3-none-any.whl"
    with pytest.raises(BuildError, match=r"^there is no wheel for CPython .* of proj\n"):
        fetched([package], environment(platform="win_amd64"), work)


def test_a_place_that_is_gone_is_told(tmp_path: Path, work: Path) -> None:
    """A lock may name what another machine had."""
    path = tmp_path / "gone-1.0-py3-none-any.whl"
    with pytest.raises(BuildError, match="there is no such file or directory") as caught:
        fetched([Pinned(name="gone", url=path.as_uri())], environment(), work)
    assert caught.value.file == str(path)
