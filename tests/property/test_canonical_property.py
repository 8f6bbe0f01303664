"""Canonical marshal, for any values and any bytes."""

import copy
import marshal
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebundle.format.canonical import canonical, joined
from tests.unit.format.test_canonical import exact

_LEAVES = (
    st.none()
    | st.booleans()
    | st.just(...)
    | st.integers()
    | st.integers(-10, 1000)
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.binary(max_size=5)
    | st.text(max_size=5)
    | st.text("ab_1 ", max_size=3)
)


def _values(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    hashable = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4),
        max_leaves=20,
    )
    return st.recursive(
        hashable,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.lists(inner, max_size=4).map(tuple)
            | st.dictionaries(hashable, inner, max_size=3)
            | st.sets(hashable, max_size=4)
        ),
        max_leaves=20,
    )


_VALUES = _values(_LEAVES)


def _rebuilt(value: Any, memo: dict[object, Any] | None, order: random.Random) -> Any:
    """Return an equal value, its immutable parts new objects or, with a memo, shared ones.

    Sets are filled in another order.
    """
    match value:
        case tuple():
            result: Any = tuple([_rebuilt(member, memo, order) for member in value])
        case list():
            return [_rebuilt(member, memo, order) for member in value]
        case dict():
            return {_rebuilt(k, memo, order): _rebuilt(v, memo, order) for k, v in value.items()}
        case set() | frozenset():
            members = [_rebuilt(member, memo, order) for member in value]
            order.shuffle(members)
            result = type(value)(members)
            if isinstance(value, set):
                return result
        case str():
            result = "".join(list(value))
        case bytes():
            result = bytes(bytearray(value))
        case _:
            result = copy.copy(value)
    try:
        hash(result)
    except TypeError:  # it contains something whose identity can be told
        return result
    return result if memo is None else memo.setdefault((type(value), exact(value)), result)


@given(_values(_LEAVES | st.floats()))
@settings(deadline=None)
def test_value_survives(value: Any) -> None:
    """Types, bits and the identity of what is mutable come back; doing it again changes nothing."""
    encoded = canonical(marshal.dumps(value))
    assert exact(marshal.loads(encoded)) == exact(value)
    assert canonical(encoded) == encoded


@given(_VALUES, st.booleans(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_equal_values_give_equal_bytes(value: Any, shared: bool, order: random.Random) -> None:
    """Which of the equal parts are one object, and how sets were filled, leaves no trace."""
    rebuilt = _rebuilt(value, {} if shared else None, order)
    assert canonical(marshal.dumps(rebuilt)) == canonical(marshal.dumps(value))


@given(_VALUES, _VALUES)
@settings(deadline=None)
def test_different_values_give_different_bytes(one: Any, other: Any) -> None:
    """Two streams are the same only if the values are."""
    equal = canonical(marshal.dumps(one)) == canonical(marshal.dumps(other))
    assert equal == (exact(one) == exact(other))


@given(st.lists(_values(_LEAVES | st.floats()), max_size=5))
@settings(deadline=None)
def test_joined_is_the_tuple_of_the_values(values: list[Any]) -> None:
    """Joining streams gives what the tuple of their values gives, which nobody had to make."""
    streams = [canonical(marshal.dumps(value)) for value in values]
    found = joined(streams)
    assert exact(marshal.loads(found)) == exact(tuple(map(marshal.loads, streams)))
    assert canonical(found) == found
    # A tuple of mutable ones that are equal is none with the same one twice: both are made anew
    assert found == canonical(marshal.dumps(tuple(map(marshal.loads, streams))))


@given(_VALUES)
@settings(deadline=None)
def test_references_of_the_stream_leave_no_trace(value: Any) -> None:
    """A stream without any references has the canonical form of one with them.

    It has none for mutable objects either: only a value that shares none is the same.
    """
    plain = marshal.loads(marshal.dumps(value, 2))
    if exact(plain) == exact(value):
        assert canonical(marshal.dumps(plain)) == canonical(marshal.dumps(value))


_TYPES = b"0NTFS.igyslzZaAut()[{<>cr:?Ifx"
_PIECES = (
    st.sampled_from([bytes((code | flag,)) for code in _TYPES for flag in (0, 0x80)])
    | st.sampled_from([b"\0\0\0\0", b"\1\0\0\0", b"\2\0\0\0", b"\0", b"\1", b"\2"])
    | st.binary(max_size=4)
)


@given(st.lists(_PIECES, max_size=30).map(b"".join))
@settings(deadline=None, max_examples=500)
def test_any_bytes_are_canonical_or_refused(data: bytes) -> None:
    """Whatever the bytes, there is a canonical form, which stays, or a ValueError."""
    try:
        encoded = canonical(data)
    except ValueError as error:
        problem = str(error)
    else:
        problem = ""
        assert canonical(encoded) == encoded
        assert len(encoded) <= 5 * len(data)
    assert not problem or problem.startswith("bad marshal data at offset ")


@given(st.lists(st.lists(_PIECES, max_size=10).map(b"".join), max_size=3))
@settings(deadline=None, max_examples=300)
def test_any_bytes_are_joined_or_refused(streams: list[bytes]) -> None:
    """As one by one: joined they are what is canonical again, or a ValueError."""
    try:
        singles = [canonical(data) for data in streams]
    except ValueError:
        with pytest.raises(ValueError, match="bad marshal data at offset "):
            joined(streams)
    else:
        assert joined(streams) == joined(singles)


@given(_VALUES, st.data())
@settings(deadline=None)
def test_damage_never_passes_for_another_value(value: Any, data: st.DataObject) -> None:
    """A damaged stream that marshal still reads has the value that marshal reads, or is refused.

    Without references: marshal crashes if a set's element refers to a tuple yet to be filled.
    """
    stream = bytearray(marshal.dumps(value, 2))
    position = data.draw(st.integers(0, len(stream) - 1))
    stream[position] = data.draw(st.integers(0, 255))
    try:
        encoded = canonical(bytes(stream))
    except ValueError:
        return
    try:
        expected = exact(marshal.loads(stream))
    except (ValueError, TypeError, EOFError):
        with pytest.raises((ValueError, TypeError, EOFError)):
            marshal.loads(encoded)
    else:
        assert exact(marshal.loads(encoded)) == expected
