"""Garbage collection is put off once, and left as it was."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from litebundle.runtime.collection import Deferred, defer_collection


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threshold, callbacks = gc.get_threshold(), list(gc.callbacks)
    yield
    gc.set_threshold(*threshold)
    gc.callbacks[:] = callbacks
    gc.enable()


def test_the_first_collection_ends_it() -> None:
    """From then on thresholds and callbacks are what they were; others miss nothing of it."""
    seen: list[str] = []

    def other(phase: str, info: dict[str, Any]) -> None:
        del info
        seen.append(phase)

    standard, callbacks = gc.get_threshold(), list(gc.callbacks)
    defer_collection()
    gc.callbacks.append(other)
    assert gc.get_threshold()[0] == 250_000
    gc.collect()
    assert seen == ["start", "stop"]
    assert gc.get_threshold() == standard
    assert gc.callbacks == [*callbacks, other]


def test_what_the_program_says_holds() -> None:
    """Thresholds that it sets meanwhile stay; where it collects nothing, there is nothing to do."""
    defer_collection()
    gc.set_threshold(5_000, 5, 5)
    gc.collect()
    assert gc.get_threshold() == (5_000, 5, 5)
    gc.set_threshold(0, 5, 5)
    defer_collection()
    assert gc.get_threshold() == (0, 5, 5)
    gc.set_threshold(5_000, 5, 5)
    gc.disable()
    defer_collection()
    assert gc.get_threshold() == (5_000, 5, 5)
    assert not any(isinstance(callback, Deferred) for callback in gc.callbacks)
