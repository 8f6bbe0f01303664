"""A place to get packages from that is no network, for both resolvers."""

import os
from pathlib import Path

import pytest

from litebundle.collect import tools


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory that is the only place to get packages from; the cache is empty."""
    directory = tmp_path / "links"
    directory.mkdir()
    config = tmp_path / "uv.toml"
    config.write_text(f"no-index = true\nfind-links = ['{directory}']\n")
    for name, value in {
        "UV_CONFIG_FILE": str(config),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(directory),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return directory


@pytest.fixture(params=["uv", "pip"])
def resolver(request: pytest.FixtureRequest) -> str:
    """Return the name of a resolver that is here."""
    name: str = request.param
    if name == "uv" and tools.uv() is None:
        pytest.skip("uv is not here")
    return name
