"""The manifest: pairs of text, sealed by a checksum, and what they say of the stored code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebundle.format import manifest
from litebundle.format.listing import Ref
from litebundle.format.manifest import Root, Target, Variant

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=20)
_KEY = _TEXT.filter(lambda key: "\t" not in key)
_PAIRS = st.lists(st.tuples(_KEY, _TEXT), max_size=8)
_SEALED = manifest.seal([("format", "1"), ("identity", "ab"), ("root", "\t tabs in \t values")])


@given(_PAIRS)
def test_lines_come_back(pairs: list[tuple[str, str]]) -> None:
    """Keys without tab and line feed, and values without line feed, are kept as they are."""
    assert manifest.parse_lines(manifest.lines(pairs)) == pairs


def test_lines_are_what_format_md_says() -> None:
    """A line is the key, a tab, the value and a line feed, in UTF-8."""
    assert manifest.lines([("format", "1"), ("builder", "ü")]) == "format\t1\nbuilder\tü\n".encode()


@pytest.mark.parametrize(
    "pair", [("a\tb", ""), ("a\nb", ""), ("a", "b\nc"), ("a", "\udcff"), ("\ud800", "")]
)
def test_pairs_that_cannot_be_lines(pair: tuple[str, str]) -> None:
    """What would read back as something else is not written."""
    with pytest.raises(ValueError):  # noqa: PT011  # UnicodeEncodeError is one too
        manifest.lines([pair])


@pytest.mark.parametrize(
    "text", [b"key", b"key\tvalue", b"key\tvalue\nrest", b"\n", b"key\n", b"k\tv\n\n", b"\xff\t\n"]
)
def test_malformed_lines(text: bytes) -> None:
    """A line without tab or end, or one that is not UTF-8, is no manifest."""
    with pytest.raises(ValueError):  # noqa: PT011
        manifest.parse_lines(text)


@given(st.binary(max_size=60))
def test_any_bytes_are_lines_or_refused(text: bytes) -> None:
    """What parses is what would be written; the rest is a ValueError."""
    try:
        pairs = manifest.parse_lines(text)
    except ValueError:
        return
    assert manifest.lines(pairs) == text


@given(_PAIRS)
def test_a_seal_holds(pairs: list[tuple[str, str]]) -> None:
    """Sealed pairs come back as a dict, without the checksum; the last of equal keys counts."""
    sealed = manifest.seal(pairs)
    assert [key for key, _ in sealed] == [*(key for key, _ in pairs), "checksum"]
    assert manifest.unseal(sealed) == dict(pairs)


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        _SEALED[:-1],
        _SEALED[1:],
        [*_SEALED[:-1], ("checksum", "")],
        [*_SEALED[:-1], ("checksum", "00" * 8)],
        [*_SEALED[:-1], ("checksum", _SEALED[-1][1].upper() + " ")],
        [*_SEALED[:-1], ("Checksum", _SEALED[-1][1])],
        [*_SEALED, ("late", "1")],
        [("format", "2"), *_SEALED[1:]],
        [_SEALED[1], _SEALED[0], *_SEALED[2:]],
        [("a\n", "b"), *_SEALED],
    ],
)
def test_a_broken_seal(pairs: list[tuple[str, str]]) -> None:
    """Nothing added, changed, removed or moved passes."""
    with pytest.raises(ValueError, match="manifest"):
        manifest.unseal(pairs)


@pytest.mark.fault(2)
def test_every_flipped_bit_breaks_the_seal() -> None:
    """No bit of a sealed manifest can change without being noticed."""
    text = bytearray(manifest.lines(_SEALED))
    for position in range(len(text)):
        for bit in range(8):
            text[position] ^= 1 << bit
            with pytest.raises(ValueError):  # noqa: PT011
                manifest.unseal(manifest.parse_lines(bytes(text)))
            text[position] ^= 1 << bit
    assert manifest.unseal(manifest.parse_lines(bytes(text)))


_WORD = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=12)


@given(_WORD, _WORD, st.binary(max_size=4), st.integers(0, 9))
def test_variants_come_back(name: str, tag: str, magic: bytes, optimize: int) -> None:
    """Implementation, cache tag, magic number and level are kept."""
    variant = manifest.parse_variant(Variant(name, tag, magic, optimize).text)
    assert (variant.implementation, variant.cache_tag) == (name, tag)
    assert (variant.magic, variant.optimize) == (magic, optimize)


def test_the_text_of_a_variant() -> None:
    """The text is the one in FORMAT.md; to people it is the cache tag, and the level if any."""
    variant = Variant("cpython", "cpython-313", bytes.fromhex("f30d0d0a"), 0)
    assert variant.text == "cpython cpython-313 f30d0d0a 0"
    assert str(variant) == "cpython-313"
    assert str(Variant("cpython", "cpython-313", b"", 2)) == "cpython-313 -O2"
    assert repr(variant) == "<Variant cpython cpython-313 f30d0d0a 0>"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cpython cpython-313 f30d0d0a",
        "cpython cpython-313 f30d0d0a 0 more",
        "cpython cpython-313 f30d0d0a zero",
        "cpython cpython-313 f30d0d0a ",
        "cpython cpython-313 f30d0d0a 00",
        "cpython cpython-313 f30d0d0a \N{ARABIC-INDIC DIGIT ONE}",
        "cpython cpython-313 f30d0d0a " + "9" * 5000,
        "cpython cpython-313 F30D0D0A 0",
        "cpython cpython-313 f30d0d0 0",
        "cpython cpython-313 magic 0",
    ],
)
def test_malformed_variants(text: str) -> None:
    """Whatever is not exactly a variant's text is a ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011
        manifest.parse_variant(text)


def test_variants_are_numbered_without_gaps() -> None:
    """The columns of the listings are the keys variant.0 and so on, up to the first missing."""
    texts = [Variant("cpython", f"cpython-31{n}", b"\1\2", n).text for n in range(3)]
    keys = {"variant.0": texts[0], "variant.1": texts[1], "variant.3": texts[2], "other": "1"}
    assert [variant.text for variant in manifest.variants(keys)] == texts[:2]
    assert manifest.variants({}) == []


def test_targets_and_roots_come_back() -> None:
    """Their texts are those in FORMAT.md; numbers without gaps, as for variants."""
    ref = Ref(identifier=1, at=(2, 0), sizes=(3, 4), encoding=0, checksum=bytes(8))
    target = Target("cpython-313t", "any", "manylinux_2_28_x86_64", 1)
    assert target.text == "cpython-313t any manylinux_2_28_x86_64 1"
    assert str(target) == "cpython-313t-manylinux_2_28_x86_64"
    assert str(Target("cpython-313", "3.13.0", "any", 0)) == "cpython-313-any-3.13.0"
    assert repr(target) == f"<Target {target.text}>"
    root = Root(ref, [0, 2])
    assert root.text == f"{ref.encode().hex()} 0,2"
    assert repr(root) == f"<Root {root.text}>"
    keys = {"target.0": target.text, "target.2": "-", "root.0": root.text, "root.1": root.text}
    assert [found.text for found in manifest.targets(keys)] == [target.text]
    assert [(found.text, found.columns) for found in manifest.roots(keys)] == [
        (root.text, [0, 2])
    ] * 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b c",
        "a b c d",
        "a b c 0 0",
        "a b c 00",
        "a b c -1",
        "a b c +1",
        "a b c \N{SUPERSCRIPT TWO}",
    ],
)
def test_malformed_targets(text: str) -> None:
    """Whatever is not exactly a target's text is a ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011
        manifest.parse_target(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", f"{bytes(32).hex()} 0", f"{'01' * 31} 0", f"{'01' * 32}", f"{'01' * 32} -1"),
        *(f"{'01' * 32} 0,", f"{'01' * 32} 00", f"{'01' * 32} 0 1", f"{'AB' * 32} 0"),
    ],
)
def test_malformed_roots(text: str) -> None:
    """Whatever is not exactly a root's text is a ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011
        manifest.parse_root(text)
