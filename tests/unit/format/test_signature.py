"""Minisign's lines, and the statement in a manifest."""

import base64 as standard

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebundle.format import signature as form
from tests.signing import KEY


@given(st.binary(max_size=200))
def test_base64_is_the_standard_one(data: bytes) -> None:
    """Both ways."""
    text = standard.b64encode(data).decode()
    assert form.base64(data) == text
    assert form.unbase64(text) == data


@pytest.mark.parametrize(
    "text", ["A", "AA", "AA=", "AB==", "A A=", "AAAA=", "====", "é===", "-_=="]
)
def test_nothing_else_is_base64(text: str) -> None:
    """There is one text for each piece of data: no missing padding, no bits to spare."""
    with pytest.raises(ValueError):  # noqa: PT011  # of several kinds
        form.unbase64(text)


def test_a_key_is_its_line() -> None:
    """And goes by the name that minisign shows."""
    key = form.parse_key(KEY.public.line)
    assert (key.identifier, key.value) == (KEY.identifier, KEY.public.value)
    assert form.key_name(key.identifier) == "747365746574696C"


@pytest.mark.parametrize(
    "line",
    ["", "RWQ", form.base64(b"ED" + bytes(40)), form.base64(b"Ed" + bytes(41))],
    ids=["nothing", "a beginning", "a signature's tag", "too long"],
)
def test_nothing_else_is_a_key(line: str) -> None:
    """Of another kind or size."""
    with pytest.raises(ValueError):  # noqa: PT011  # of several kinds
        form.parse_key(line)


def test_a_signature_is_its_text() -> None:
    """Signatures of the data itself, minisign's older kind, are not taken."""
    text = KEY.sign(b"data", "comment").text
    assert form.parse_signature(text).text == text
    legacy = form.base64(b"Ed" + form.unbase64(text.split(" ")[0])[2:])
    for other in (legacy + " " + text.split(" ")[1], text.split(" ")[0], text + " ", ""):
        with pytest.raises(ValueError):  # noqa: PT011  # of several kinds
            form.parse_signature(other)


def _manifest(**changed: str) -> dict[str, str]:
    pairs = {"format": "1", "app": "demo", "version": "7", "digests": f"{'00' * 32} {'11' * 32} 3"}
    return pairs | {"signature": KEY.sign(b"", "").text} | changed


def test_a_statement_is_all_that_stands_before_the_signature() -> None:
    """In the order of the manifest."""
    found = form.Statement(_manifest())
    expected = f"format\t1\napp\tdemo\nversion\t7\ndigests\t{'00' * 32} {'11' * 32} 3\n"
    assert found.text.decode() == expected
    assert (found.app, found.version, found.digests[2]) == ("demo", 7, 3)


@pytest.mark.parametrize(
    "changed",
    [
        {"behind": "the signature"},
        {"app": "../demo"},
        {"app": ""},
        {"version": "-1"},
        {"version": "07"},
        {"version": "1" * 19},
        {"version": "٣"},
        {"digests": "00 11"},
        {"signature": "none"},
    ],
    ids=str,
)
def test_a_damaged_statement_is_none(changed: dict[str, str]) -> None:
    """Nothing may stand behind the signature; names and numbers are what they are elsewhere."""
    with pytest.raises(ValueError):  # noqa: PT011  # of several kinds
        form.Statement(_manifest(**changed))


def test_a_signature_has_one_place() -> None:
    """A second one behind the first is no other's."""
    manifest = _manifest()
    with pytest.raises(ValueError, match="behind the signature"):
        form.Statement(manifest | {"second": manifest["signature"]})


def test_signing_replaces_an_earlier_signature() -> None:
    """And nothing else of the manifest."""
    assert form.without_signature(_manifest().items()) == [("format", "1")]
