"""Whatever bytes stand in a file: documented outcomes only. tools/fuzz goes on where this ends."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.targets import SPLICES, TARGETS, Splice, forget, spliced

_EXAMPLES = {"sqlite": 25, "zip": 25, "forged": 60}


@pytest.fixture(scope="module", autouse=True)
def _clean() -> Iterator[None]:
    """Leave nothing on disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITEBUNDLE_CACHE", "")  # given back when the targets have changed it
        yield
    forget()


@pytest.mark.parametrize("name", TARGETS)
def test_a_sound_seed_is_read(name: str) -> None:
    """What is changed below is something to begin with."""
    target = TARGETS[name]
    outcomes = {str(target.run(seed)) for seed in target.seeds()}
    assert not outcomes & {"refused", "no bundle"}


@pytest.mark.parametrize("name", TARGETS)
def test_any_change_has_a_documented_outcome(name: str) -> None:
    """Bytes removed, added and changed anywhere in what was sound."""
    target = TARGETS[name]
    seeds = target.seeds()

    @settings(deadline=None, max_examples=_EXAMPLES.get(name, 150))
    @given(st.sampled_from(range(len(seeds))), SPLICES)
    def changed(number: int, splices: list[Splice]) -> None:
        target.run(spliced(seeds[number], splices))

    changed()
