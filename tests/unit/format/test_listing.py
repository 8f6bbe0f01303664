"""Listings and references: what is encoded is what is decoded, and nothing else decodes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebundle.format import listing
from litebundle.format.encode import encode_listing, listing_size
from litebundle.format.listing import EMPTY_REF, Listing, Ref, decode_ref

_U16, _U32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
_U64 = st.integers(0, 2**64 - 1)
_REFS = st.builds(
    Ref,
    identifier=st.integers(1, 2**32 - 1),
    at=st.tuples(_U64, _U16),
    sizes=st.tuples(_U32, _U32),
    encoding=_U16,
    checksum=st.binary(min_size=8, max_size=8),
)
_ENCODED = _REFS.map(Ref.encode) | st.just(EMPTY_REF)
_NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12
) | st.sampled_from(["a", "b", "ab", "é", "\uffff", "\U0001f600"])


def _fields(ref: Ref | None) -> tuple[object, ...] | None:
    if ref is None:
        return None
    return ref.identifier, ref.offset, ref.local, ref.stored, ref.raw, ref.encoding, ref.checksum


def _ref(number: int) -> Ref:
    return Ref(
        identifier=number,
        at=(number * 1000, number),
        sizes=(number, 2 * number),
        encoding=0,
        checksum=number.to_bytes(8),
    )


def _sample(variants: int = 2) -> bytes:
    code = [_ref(n).encode() for n in range(1, variants + 1)]
    return encode_listing(
        variants,
        {"pkg": (listing.PACKAGE | listing.DIRECTORY, code), "mod": (listing.SOURCE, code[::-1])},
        {"pkg": _ref(3).encode()},
        {"pkg": (1, bytes(range(32)), _ref(4).encode())},
        {"mod.py": (0o644, _ref(5).encode()), "a.txt": (0o755, _ref(6).encode())},
    )


@given(_REFS, st.binary(max_size=40), st.binary(max_size=40))
def test_references_come_back(ref: Ref, before: bytes, behind: bytes) -> None:
    """A reference is 32 bytes that keep all its fields, wherever they stand."""
    encoded = ref.encode()
    assert len(encoded) == listing.REF_SIZE
    assert _fields(decode_ref(before + encoded + behind, len(before))) == _fields(ref)


def test_the_layout_of_a_reference() -> None:
    """The fields are where FORMAT.md says, little-endian."""
    ref = Ref(
        identifier=0x0B0A0908,
        at=(0x0706050403020100, 0x1716),
        sizes=(0x0F0E0D0C, 0x13121110),
        encoding=0x1514,
        checksum=bytes(range(24, 32)),
    )
    assert ref.encode() == bytes(range(32))


@pytest.mark.parametrize(
    "field",
    [
        {"identifier": 1 << 32},
        {"at": (1 << 64, 0)},
        {"at": (0, 1 << 16)},
        {"encoding": 1 << 16},
        {"sizes": (1 << 32, 0)},
        {"sizes": (0, 1 << 32)},
        {"at": (-1, 0)},
    ],
)
def test_references_to_what_is_too_large(field: dict[str, object]) -> None:
    """Numbers that do not fit are never cut down to some that do."""
    fields = {"identifier": 1, "at": (0, 0), "sizes": (0, 0), "encoding": 0, "checksum": bytes(8)}
    with pytest.raises(OverflowError):
        Ref(**{**fields, **field}).encode()  # type: ignore[arg-type]  # the fields' own types


def test_an_empty_reference_is_none() -> None:
    """Identifier 0 means that there is nothing, whatever else stands there."""
    assert decode_ref(EMPTY_REF) is None
    assert decode_ref(b"\xff" * 8 + bytes(4) + b"\xff" * 20) is None


@pytest.mark.parametrize("size", range(listing.REF_SIZE))
def test_a_reference_cut_short(size: int) -> None:
    """Fewer than 32 bytes are no reference, not one with smaller numbers."""
    with pytest.raises(ValueError, match="cut short"):
        decode_ref(_ref(7).encode()[:size])
    with pytest.raises(ValueError, match="cut short"):
        decode_ref(bytes(10) + _ref(7).encode()[:size], 10)


@st.composite
def _contents(draw: st.DrawFn) -> tuple[object, ...]:
    variants = draw(st.integers(0, 3))
    codes = st.lists(_ENCODED, min_size=variants, max_size=variants)
    key = st.binary(min_size=listing.KEY_SIZE, max_size=listing.KEY_SIZE)
    return (
        variants,
        draw(st.dictionaries(_NAMES, st.tuples(st.integers(0, 255), codes), max_size=6)),
        draw(st.dictionaries(_NAMES, _ENCODED, max_size=6)),
        draw(st.dictionaries(_NAMES, st.tuples(_U32, key, _ENCODED), max_size=4)),
        draw(st.dictionaries(_NAMES, st.tuples(_U32, _ENCODED), max_size=6)),
    )


def _decoded(data: bytes) -> tuple[object, ...]:
    """Return what `encode_listing` was given, from what it made."""
    found = Listing(data)
    columns = range(found.variants)
    return (
        found.variants,
        {
            name: (found.flags(index), [found.code(column, index) for column in columns])
            for name, index in found.modules.items()
        },
        {name: _encoded(found.directory(index)) for name, index in found.directories.items()},
        {
            name: (*found.placement(index)[:2], _encoded(found.placement(index)[2]))
            for name, index in found.placements.items()
        },
        {
            name: (found.file(index)[0], _encoded(found.file(index)[1]))
            for name, index in found.files.items()
        },
    )


def _encoded(ref: Ref | None) -> bytes:
    return EMPTY_REF if ref is None else ref.encode()


@settings(deadline=None)
@given(_contents())
def test_listings_come_back(contents: tuple[object, ...]) -> None:
    """Modules, directories, placements and files of any names are kept."""
    data = encode_listing(*contents)  # type: ignore[arg-type]
    assert _decoded(data) == contents
    assert listing_size(*contents) == len(data)  # type: ignore[arg-type]


@given(st.lists(_NAMES, unique=True, max_size=8), st.randoms())
def test_the_order_of_the_names_is_one(names: list[str], random: object) -> None:
    """Names are sorted by their UTF-8 bytes, however they came."""
    shuffled = names.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (dict.fromkeys(order, (0o644, EMPTY_REF)) for order in (names, shuffled))
    data = encode_listing(1, {}, {}, {}, one)
    assert data == encode_listing(1, {}, {}, {}, other)
    assert list(Listing(data).files) == sorted(names, key=str.encode)


def test_the_layout_of_a_listing() -> None:
    """The bytes are those of FORMAT.md, section by section."""
    one, two, three = (_ref(n).encode() for n in (1, 2, 3))
    data = encode_listing(
        2,
        {"b": (1, [one, two]), "a": (2, [three, EMPTY_REF])},
        {"d": one},
        {"p": (1, b"k" * 32, two)},
        {"f.py": (0o644, three)},
    )
    counts = (2, 2, 1, 1, 1, len(b"a\0b"), 1, 1, 4)
    assert data == b"".join(
        [
            b"LBls",
            *(count.to_bytes(4, "little") for count in counts),
            *(b"a\0b", b"\2\1", three, one, EMPTY_REF, two),
            *(b"d", one),
            *(b"p", (1).to_bytes(4, "little"), b"k" * 32, two),
            *(b"f.py", (0o644).to_bytes(4, "little"), three),
        ]
    )


def _refused(data: bytes) -> bool:
    """Tell whether the bytes are refused; any error but ValueError is a failure."""
    try:
        _decoded(data)
    except ValueError:
        return True
    return False


def test_every_length_but_its_own_is_refused() -> None:
    """A listing is exactly as long as its header says."""
    data = _sample()
    assert not _refused(data)
    assert all(_refused(data[:size]) for size in range(len(data)))
    assert _refused(data + b"\0")


@pytest.mark.fault(2)
def test_any_changed_byte_is_refused_or_read() -> None:
    """Changed bytes give other entries or a ValueError; those of the header never pass."""
    data = bytearray(_sample())
    for position in range(len(data)):
        for change in (0x01, 0x80, 0xFF):
            data[position] ^= change
            refused = _refused(bytes(data))
            assert refused or position >= 40
            data[position] ^= change


@given(st.binary(max_size=200), st.lists(st.integers(0, 3), min_size=9, max_size=9))
def test_any_bytes_are_a_listing_or_refused(body: bytes, counts: list[int]) -> None:
    """No bytes behind a well-formed header end in another error than ValueError."""
    _refused(body)
    _refused(b"LBls" + b"".join(n.to_bytes(4, "little") for n in counts) + body)


@pytest.mark.parametrize(
    "names",
    [b"a\0b", b"a", b"a\0b\0c", b"\xff\0b", b"\xed\xa0\x80\0b", b""],
    ids=["sound", "few", "many", "not-utf-8", "surrogate", "none"],
)
@pytest.mark.parametrize("section", range(4))
def test_names_that_do_not_fit(names: bytes, section: int) -> None:
    """Each section has as many names as it says, in UTF-8."""
    widths = (1, 32, 68, 36)
    counts = [0] * 9
    counts[1 + section], counts[5 + section] = 2, len(names)
    header = b"LBls" + b"".join(count.to_bytes(4, "little") for count in counts)
    assert _refused(header + names + bytes(2 * widths[section])) == (names != b"a\0b")
    counts[1 + section] = 0
    header = b"LBls" + b"".join(count.to_bytes(4, "little") for count in counts)
    assert _refused(header + names) == (names != b"")


def test_of_two_equal_names_the_later_counts() -> None:
    """Looking for twins would cost every process; `counts` lets a check of the file find them."""
    header = b"LBls" + b"".join(n.to_bytes(4, "little") for n in (0, 2, 0, 0, 0, 3, 0, 0, 0))
    listing = Listing(header + b"a\0a" + bytes((1, 2)))
    assert listing.modules == {"a": 1}
    assert listing.counts == [2, 0, 0, 0]


@pytest.mark.parametrize("position", range(9))
def test_absurd_counts(position: int) -> None:
    """Numbers up to the largest are compared with the listing's length before anything is done."""
    data = bytearray(_sample())
    data[4 + 4 * position : 8 + 4 * position] = b"\xff\xff\xff\xff"
    with pytest.raises(ValueError, match="its header says"):
        Listing(bytes(data))


def test_no_listing_at_all() -> None:
    """Other bytes are named for what they are not."""
    for data in (b"", b"LBls", b"LBl" + bytes(37), b"\0" + _sample()[1:]):
        with pytest.raises(ValueError, match="not a listing"):
            Listing(data)


def test_opening_decodes_the_modules_only() -> None:
    """The other names are decoded when they are asked for, once."""
    found = Listing(_sample())
    assert found._known == [None] * 4
    assert found.files is found.files
    assert list(found.files) == ["a.txt", "mod.py"]
    assert found._known[1] is None
    assert found.directories is found.directories
    assert found.placements is found.placements


def test_the_repr_of_a_reference_says_where() -> None:
    """Number, offset and sizes are what one looks for."""
    assert repr(_ref(5)) == "<Ref 5 at 5000: 5 of 10 bytes>"


def test_the_size_of_a_file_is_told_without_its_reference() -> None:
    """As the reference has it, and none for a file that has no content."""
    empty = encode_listing(0, {}, {}, {}, {"empty": (0o644, EMPTY_REF)})
    for found in (Listing(_sample()), Listing(empty)):
        for index in found.files.values():
            ref = found.file(index)[1]
            assert found.size(index) == (ref.raw if ref else 0)


@pytest.mark.parametrize("variant", [0, 1, None])
def test_a_view_has_what_imports_ask_for(variant: int | None) -> None:
    """What finds a module, and flags and code of all, as they are asked for one by one."""
    found = Listing(_sample())
    find, flags, codes = found.view("mod", variant)
    assert find("absent") is None
    for name, index in found.modules.items():
        assert find(name) == index
        assert flags[index] == found.flags(index)
        code = codes[index * listing.REF_SIZE : (index + 1) * listing.REF_SIZE]
        assert code == (EMPTY_REF if variant is None else found.code(variant, index))
