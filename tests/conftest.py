"""What the suites share: the containers a test body runs over, and one store of what they build."""

import os
import signal
from collections.abc import Sequence

import pytest

from tests.native import Compiler
from tests.rules.places import CONTAINERS, DIRECTORY, OURS, Library

# As pip does: uv has authorities of its own, and this machine's may be others.
os.environ.setdefault("UV_SYSTEM_CERTS", "1")

# What a shell starts in the background ignores Ctrl-C, and so would all that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run choose its containers; `zipimport` is stock Python, for comparison."""
    parser.addoption(
        "--container",
        action="append",
        choices=CONTAINERS,
        help="run the tests over this container only (may be given several times)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once per container; one that is about archives not over the directory."""
    if "container" not in metafunc.fixturenames:
        return
    chosen: Sequence[str] = metafunc.config.getoption("--container") or (DIRECTORY, *OURS)
    if {"archive", "packed"} & set(metafunc.fixturenames):
        chosen = [container for container in chosen if container != DIRECTORY]
    metafunc.parametrize("container", chosen, scope="session")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Return the run's store of built trees: what is built once is built for every test."""
    return Library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="session")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    """Return the system's C compiler."""
    return Compiler(tmp_path_factory.mktemp("native"))
