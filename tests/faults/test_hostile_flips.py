"""No bit of a bundle can be turned over unnoticed, but for those that nothing depends on."""

import pytest

from tests.property.flips import NAMED, NOTICED, flipped, tell_nothing


@pytest.mark.fault(2)
def test_every_byte_of_the_header_is_noticed() -> None:
    """Of the database's header, of its schema, and of the zip's last records."""
    _, silent = flipped("sqlite", [(at, 1 << at % 8) for at in range(0, 160, 2)])
    assert silent <= tell_nothing("sqlite")
    outcomes, silent = flipped("zip", [(-at, 1 << at % 8) for at in range(1, 140)])
    assert silent <= tell_nothing("zip")
    assert outcomes[NOTICED] > 100


@pytest.mark.fault(2)
@pytest.mark.parametrize(("kind", "step"), [("sqlite", 97), ("zip", 23)])
def test_bytes_anywhere_are_noticed_or_named_as_unused(kind: str, step: int) -> None:
    """A sample of what `tools/fuzz flips` does with each of them."""
    positions = [(at, 1 << at % 8) for at in range(0, 32 << 10 if step > 50 else 6700, step)]
    outcomes, silent = flipped(kind, positions)
    assert silent <= tell_nothing(kind)
    assert outcomes[NOTICED] > 20
    assert outcomes[NAMED] > 3
