"""Canonical marshal: equal values, equal bytes, and nothing lost."""

import itertools
import marshal
import math
import os
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import litebundle
from litebundle.format.canonical import MAX_DEPTH, canonical

_SOURCE_ROOT = Path(litebundle.__file__).parents[1]
_LIBRARY = Path(os.__file__).parent


def _reference(number: int) -> bytes:
    return b"r" + number.to_bytes(4, "little")


def _flagged(encoded: bytes) -> bytes:
    return bytes((encoded[0] | 0x80,)) + encoded[1:]


def _tuple(*members: bytes) -> bytes:
    return bytes((ord(")"), len(members))) + b"".join(members)


def _frozenset(*members: bytes) -> bytes:
    return b">" + len(members).to_bytes(4, "little") + b"".join(members)


def _list(*members: bytes) -> bytes:
    return b"[" + len(members).to_bytes(4, "little") + b"".join(members)


def _int(value: int) -> bytes:
    return b"i" + value.to_bytes(4, "little", signed=True)


def _nan() -> float:
    """Return a NaN that is an object of its own."""
    return float("nan")


def _compile(source: str) -> types.CodeType:
    return compile(source, "pkg/module.py", "exec", dont_inherit=True)


_CODE_ATTRIBUTES = sorted(
    name
    for name, attribute in vars(types.CodeType).items()
    if name.startswith("co_") and not callable(attribute) and name != "co_lnotab"  # deprecated
)


def exact(value: Any, seen: dict[int, int] | None = None) -> object:
    """Return what equals another value's only if types, bits and shared identities are the same.

    Identity counts where it can be told: for mutable objects and code.
    """
    seen = {} if seen is None else seen
    kind = type(value).__name__
    if isinstance(value, float):
        return kind, value.hex(), math.copysign(1, value)
    if isinstance(value, complex):
        return kind, exact(value.real), exact(value.imag)
    if not isinstance(value, tuple | frozenset | list | dict | set | types.CodeType):
        return kind, value
    if id(value) in seen:
        return kind, "again", seen[id(value)]
    seen[id(value)] = len(seen)
    result = kind, tuple(_members(value, seen))
    if isinstance(value, tuple | frozenset):
        del seen[id(value)]  # noted only while it might contain itself
    return result


def _members(value: Any, seen: dict[int, int]) -> Iterator[object]:
    match value:
        case list() | tuple():
            yield from (exact(member, seen) for member in value)
        case dict():
            yield from (exact(member, seen) for pair in value.items() for member in pair)
        case set() | frozenset():
            yield frozenset(exact(member, seen) for member in value), len(value)
        case types.CodeType():
            for name in _CODE_ATTRIBUTES:
                yield exact(getattr(value, name), seen)
            yield tuple(value.co_lines()), tuple(value.co_positions())


def _is_shared(*values: object) -> bool:
    return len({id(value) for value in values}) == 1


# What stays


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, ..., StopIteration),
        *(0, -5, -6, 256, 257, 2**31 - 1, -(2**31), 2**31, -(2**100), 10**4000),
        *(0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 5e-324),
        *(0j, complex(-0.0, 0.0), complex(math.nan, 1), complex(1, -math.inf)),
        *(b"", b"x", b"bytes" * 100),
        *("", "a", "é", "\xff", "Ā", "name", "two words", "a" * 255, "b" * 256, "ü" * 300),
        *("\udc80", "\U0001f600", "x\0y", "naïve"),
        *((), (1,), ((),), (1, (2, (3, "x", b"y"))), tuple(range(300))),
        *([], [1, [2]], {}, {"a": 1, None: [2]}, {(1, 2): {"x": {}}}),
        *(set(), {1}, {"x", "y", 1.5}, frozenset(), frozenset({1, "x", (2, b"z")})),
        frozenset({frozenset({1, 2}), frozenset({"x"}), ()}),
    ],
    ids=lambda value: type(value).__name__,  # a repr would follow the hash seed
)
def test_every_type_keeps_its_value(value: Any) -> None:
    """What marshal can write comes back the same, type and bits."""
    assert exact(marshal.loads(canonical(marshal.dumps(value)))) == exact(value)


@pytest.mark.parametrize(
    "value",
    [
        (1, True, 1.0, 1 + 0j),
        (0, False, 0.0, -0.0, 0j, complex(0.0, -0.0), complex(-0.0, 0.0)),
        ((1,), (True,), (1.0,), ((1,),)),
        ("ab", b"ab", ("a", "b"), frozenset({"a", "b"})),
        ((1, 2), frozenset({1, 2}), (2, 1)),
        (1000, 1000.0, "1000"),
        (frozenset({1000}), frozenset({1000.0}), (1000,)),
        ("s\0\0\0\0", b""),
        ("\U000f0000", b"\xf3\xb0\x80\x80"),
    ],
    ids=lambda value: type(value).__name__,  # a repr would follow the hash seed
)
def test_equal_is_not_same(value: Any) -> None:
    """Values of different type or bits are never merged, though they may be equal to Python."""
    assert exact(marshal.loads(canonical(marshal.dumps(value)))) == exact(value)


def test_nan_is_not_merged() -> None:
    """Two NaNs are two, in a set as well; one NaN in two places stays one."""
    one, other = _nan(), _nan()
    a, b, c = marshal.loads(canonical(marshal.dumps((one, other, one))))
    assert a is c
    assert a is not b
    assert len(marshal.loads(canonical(marshal.dumps(frozenset({one, other}))))) == 2
    encoded = marshal.dumps(complex(1, one))  # as elements of one set, marshal cannot write these
    assert len(marshal.loads(canonical(_frozenset(encoded, encoded)))) == 2


def test_neighbours_of_nan_are_merged() -> None:
    """Infinities, whose bits are almost a NaN's, and negative floats are numbers like any other."""
    for text in ("inf", "-inf", "-1.5"):
        a, b = marshal.loads(canonical(marshal.dumps((float(text), float(text)))))
        assert a is b


def test_mutable_objects_keep_their_identity() -> None:
    """Equal lists, dicts and sets stay apart, shared ones stay shared."""
    shared: list[object] = [1000]
    value = [shared, [1000], shared, {}, {}, {1000}, {1000}, (shared,), (shared,)]
    first, second, third, *rest, one, other = marshal.loads(canonical(marshal.dumps(value)))
    assert first is third
    assert first is not second
    assert len({id(each) for each in rest}) == len(rest)
    assert one[0] is first
    assert one is other


def test_recursive_objects_stay_recursive() -> None:
    """A list or dict that contains itself comes back as one."""
    loop: list[object] = []
    loop.append((loop, {"self": loop}))
    result = marshal.loads(canonical(marshal.dumps(loop)))
    assert result[0][0] is result
    assert result[0][1]["self"] is result


def test_tuple_in_itself() -> None:
    """A tuple may refer to itself from inside, be it through one that looks the same."""
    itself = _flagged(_tuple(_reference(0)))
    assert canonical(itself) == itself
    # The outer tuple has one member, the inner one; and so has the inner: they look equal.
    nested = _flagged(_tuple(_flagged(_tuple(_reference(1)))))
    stream = _tuple(nested, _reference(1), _reference(0), _reference(1))
    assert canonical(stream) == stream


def test_equal_code_objects_stay_apart() -> None:
    """Code objects keep their identity: equal ones two, a shared one one."""
    first = _compile("x = 1")
    second = _compile("x = 1")
    assert first == second
    assert first is not second
    a, b, c = marshal.loads(canonical(marshal.dumps((first, second, first))))
    assert a is c
    assert a is not b
    assert a == b


def test_no_interned_name_is_lost() -> None:
    """What a code object uses as names is interned, as the interpreter relies on."""
    source = "import os.path as é\ndef function(argument): argument.attribute = 'constant_1'"
    code = marshal.loads(canonical(marshal.dumps(_compile(source))))
    (function,) = (const for const in code.co_consts if isinstance(const, types.CodeType))
    names = [*code.co_names, *function.co_names, *function.co_varnames, function.co_name]
    assert {"os.path", "é", "function", "argument", "attribute"} <= set(names)
    for name in (*names, "constant_1"):
        assert sys.intern("".join(list(name))) is name


# What is canonical


def test_flags_are_dropped_and_references_renumbered() -> None:
    """Only what is referenced is marked, and references count the marked ones."""
    stream = _flagged(
        _tuple(
            _flagged(b"z\3a b"),
            _flagged(b"z\3c d"),
            _flagged(_tuple(_flagged(_int(1000)), _reference(2))),
            _reference(2),
            _reference(4),
        )
    )
    assert canonical(stream) == _tuple(
        b"z\3a b",
        _flagged(b"z\3c d"),
        _tuple(_flagged(_int(1000)), _reference(0)),
        _reference(0),
        _reference(1),
    )


def test_singletons_stand_in_place() -> None:
    """What the interpreter has only one of is neither marked nor referred to."""
    singletons = [b"z\0", b"z\1a", b"u\2\0\0\0\xc3\xa9", b")\0", b"s\0\0\0\0", _int(-5), _int(256)]
    for encoded in singletons:
        stream = _tuple(_flagged(encoded), _reference(0))
        assert canonical(stream) == _tuple(encoded, encoded)
        a, b = marshal.loads(_tuple(encoded, encoded))
        assert a is b
    others = [_int(-6), _int(257), b"s\1\0\0\0x", b"u\2\0\0\0\xc4\x80", b"Z\2ab"]
    for encoded in others:
        assert canonical(_tuple(encoded, encoded)) == _tuple(_flagged(encoded), _reference(0))


def test_equal_constants_are_one() -> None:
    """Equal immutable values are written once, containers too, wherever they were."""
    text = b"z\3a b"
    pair = _tuple(text, _int(1000))
    stream = _tuple(pair, text, _tuple(pair), _frozenset(_int(1000), text), _tuple(pair))
    value = marshal.loads(canonical(stream))
    assert value == marshal.loads(stream)
    assert _is_shared(value[0][0], value[1], *(set(value[3]) - {1000}))
    assert _is_shared(value[0], value[2][0])
    assert _is_shared(value[2], value[4])
    assert canonical(stream).count(text[1:]) == 1


def test_more_references_than_are_made_ahead() -> None:
    """References count on without end."""
    texts = [f"{number} text" for number in range(5000)]
    value = (tuple(texts), tuple(texts[::-1]))
    encoded = canonical(marshal.dumps(value))
    assert marshal.loads(encoded) == value
    assert canonical(marshal.dumps(marshal.loads(encoded), 2)) == canonical(marshal.dumps(value, 2))
    assert encoded.count(b"r") >= 5000


@pytest.mark.parametrize("text", ["plain", "two words", "a.b", "1" * 300, "x y" * 100, "été"])
def test_interned_or_not(text: str) -> None:
    """Whether somebody interned a string leaves no trace."""
    copy = "".join(list(text))
    assert sys.intern(text) is not copy
    assert marshal.dumps(copy) != marshal.dumps(sys.intern(text))
    assert canonical(marshal.dumps(copy)) == canonical(marshal.dumps(sys.intern(text)))
    value = (copy, sys.intern(text))
    assert canonical(marshal.dumps(value)) == canonical(marshal.dumps((copy, copy)))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((b"name", b"Z"), (b"two_words", b"Z"), (b"__", b"Z"), (b"1st", b"Z")),
        *((b"two words", b"z"), (b"os.path", b"z"), (b"<lambda>", b"z"), (b"a\xe9", b"z")),
    ],
)
def test_what_looks_like_a_name_is_interned(text: bytes, code: bytes) -> None:
    """Interned is what code objects intern of their constants: ASCII letters, digits, "_"."""
    encoded = bytes((len(text),)) + text
    assert canonical(b"z" + encoded) == canonical(b"Z" + encoded) == code + encoded


# Sets


@pytest.mark.parametrize("kind", [b"<", b">"])
@pytest.mark.parametrize(
    "members",
    [
        (_int(3), _int(1), _int(1000)),
        (b"z\2ab", b"Z\2ac", b"s\2\0\0\0ab", b"N", _int(5)),
        (_tuple(b"z\3a b", _int(1)), _tuple(b"z\3a b", _int(2)), b"z\3a b"),
        (b"z\xff" + b"x" * 254 + b"1", b"z\xff" + b"x" * 254 + b"2", b"N"),
        (_frozenset(_int(1), _int(2)), _frozenset(_int(2), _int(3)), _tuple(_int(1))),
    ],
)
def test_order_of_a_set_leaves_no_trace(kind: bytes, members: tuple[bytes, ...]) -> None:
    """However the elements come, they are written in one order."""
    streams = {
        kind + len(members).to_bytes(4, "little") + b"".join(order)
        for order in itertools.permutations(members)
    }
    (encoded,) = {canonical(stream) for stream in streams}
    assert len(streams) == 6 if len(members) == 3 else 120
    assert marshal.loads(encoded) == marshal.loads(streams.pop())


def test_definition_follows_the_order_of_a_set() -> None:
    """An object that elements share is written with the element that now comes first."""
    text = b"z\3a b"
    first, second = _tuple(_int(1), _int(1000)), _tuple(_int(2), text)
    ascending = _tuple(
        _frozenset(_tuple(_int(1), _flagged(text)), _tuple(_int(2), _reference(0))), _reference(0)
    )
    descending = _tuple(
        _frozenset(_tuple(_int(2), _flagged(text)), _tuple(_int(1), _reference(0))), _reference(0)
    )
    assert canonical(ascending) == canonical(descending) == ascending
    assert marshal.loads(descending) == marshal.loads(ascending)
    assert canonical(_frozenset(second, first)) == _frozenset(first, second)


def test_set_of_sets() -> None:
    """Sets are sorted inside out: how an inner one stands does not matter to the outer order."""
    inner = [
        [_frozenset(*order) for order in itertools.permutations(map(_int, values))]
        for values in ((1000, 4000), (2000, 3000))
    ]
    streams = {
        _frozenset(*order)
        for pair in itertools.product(*inner)
        for order in itertools.permutations(pair)
    }
    assert len(streams) == 8
    assert len({canonical(stream) for stream in streams}) == 1


def test_references_follow_the_order_of_a_set() -> None:
    """Elements referenced later are counted in the order in which they now stand."""
    first, second = b"z\3a a", b"z\3b b"
    ascending = _frozenset(_flagged(first), _flagged(second))
    descending = _frozenset(_flagged(second), _flagged(first))
    expected = _tuple(ascending, _reference(0), _reference(1))
    assert canonical(_tuple(descending, _reference(1), _reference(0))) == expected
    assert canonical(expected) == expected


def test_shared_members_of_sets_do_not_multiply() -> None:
    """Comparing elements takes no longer for all that they share: here 2**500 leaves."""
    value: tuple[Any, ...] = ("leaf",)
    for _ in range(500):
        value = (value, value)
    streams = {
        _frozenset(first, second)
        for first, second in itertools.permutations([marshal.dumps((value, 1)), _int(1)])
    }
    assert len({canonical(stream) for stream in streams}) == 1


def test_set_in_its_own_element() -> None:
    """A cycle through a set, which marshal writes though it cannot read it, is no endless loop."""
    stream = _flagged(b"<\2\0\0\0" + _tuple(_reference(0)) + _int(1))
    assert canonical(stream) == _flagged(b"<\2\0\0\0" + _tuple(_reference(0)) + _int(1))


# Code


_FUNCTION = '''
def function(argument: int, *rest, key="two words", **options) -> "text":
    """Doc string."""
    try:
        return [1.5, -0.0, 1 << 70, b"bytes", ..., argument in {"x", "y z", 3}, (rest, 1000, key)]
    finally:
        del options
class Class:
    """Doc string."""
    def method(self):
        return lambda: (__class__, self, 1000, "two words")
'''


def test_code_object_keeps_everything() -> None:
    """Every attribute of every code object is what the compiler made it."""
    code = _compile(_FUNCTION)
    result = marshal.loads(canonical(marshal.dumps(code)))
    assert exact(result) == exact(code)
    namespace: dict[str, Any] = {}
    exec(result, namespace)
    assert namespace["function"](3, 4)[-2:] == [True, ((4,), 1000, "two words")]
    assert namespace["Class"]().method()()[0] is namespace["Class"]


def _held(code: types.CodeType) -> bytes:
    return marshal.dumps(code)


def _held_inside(code: types.CodeType) -> bytes:
    inside = [*code.co_consts, *code.co_names, code.co_code, code.co_consts]
    encoded = marshal.dumps(code)
    assert inside
    return encoded


def _reloaded(code: types.CodeType) -> bytes:
    return marshal.dumps(marshal.loads(marshal.dumps(code)))


def _without_references(code: types.CodeType) -> bytes:
    return marshal.dumps(marshal.loads(marshal.dumps(code, 2)))


def _all_interned(code: types.CodeType) -> bytes:
    encoded = marshal.dumps(_with_interned_constants(code))
    assert encoded != marshal.dumps(code)
    return encoded


def _with_interned_constants(code: types.CodeType) -> types.CodeType:
    def interned(const: Any) -> Any:
        if isinstance(const, types.CodeType):
            return _with_interned_constants(const)
        return sys.intern(const) if isinstance(const, str) else const

    return code.replace(co_consts=tuple(map(interned, code.co_consts)))


@pytest.mark.parametrize(
    "encode", [_held, _held_inside, _reloaded, _without_references, _all_interned]
)
def test_how_code_is_held_leaves_no_trace(encode: Callable[[types.CodeType], bytes]) -> None:
    """References from elsewhere, a round trip, sharing, interning: equal code gives equal bytes."""
    expected = canonical(marshal.dumps(_compile(_FUNCTION)))
    assert canonical(encode(_compile(_FUNCTION))) == expected
    assert canonical(expected) == expected


@pytest.mark.fault(46)
def test_nested_code_up_to_the_limit_of_marshal() -> None:
    """Code in code in code goes as deep as marshal goes."""
    code = _compile("x = 1")
    for _ in range(998):
        code = code.replace(co_consts=(code,))
    stream = marshal.dumps(code)
    result = marshal.loads(canonical(stream))
    depth = 0
    while isinstance(result.co_consts[0], types.CodeType):
        result = result.co_consts[0]
        depth += 1
    assert depth == 998


# What is no marshal stream


@pytest.mark.fault(46)
@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH])
@pytest.mark.parametrize("opening", [b")\1", b"[\1\0\0\0", b"{N"])
def test_nesting_is_limited_as_in_marshal(opening: bytes, depth: int) -> None:
    """What marshal is too shallow to read is refused, and nothing else."""
    stream = opening * depth + b"N" + (b"0" * depth if opening == b"{N" else b"")
    if depth < MAX_DEPTH:
        marshal.loads(stream)
        assert canonical(stream) == stream
    else:
        with pytest.raises(ValueError, match="recursion limit"):
            marshal.loads(stream)
        with pytest.raises(ValueError, match=r"at offset \d+: too deeply nested"):
            canonical(stream)


@pytest.mark.parametrize("innermost", [b")\0", b"[\0\0\0\0", b">\0\0\0\0"])
def test_empty_container_may_be_the_innermost(innermost: bytes) -> None:
    """A container without members takes one level."""
    stream = b")\1" * (MAX_DEPTH - 1) + innermost
    marshal.loads(stream)
    assert canonical(stream) == stream


def test_empty_dict_may_not_be_the_innermost() -> None:
    """An empty dict takes two: only an object read inside it says that it is empty."""
    stream = b")\1" * (MAX_DEPTH - 1) + b"{0"
    with pytest.raises(ValueError, match="recursion limit"):
        marshal.loads(stream)
    with pytest.raises(ValueError, match="too deeply nested"):
        canonical(stream)


def test_truncated_stream_is_refused() -> None:
    """Wherever a stream is cut off, the error names an offset."""
    value: Any = (
        _compile(_FUNCTION),
        {"key": [1, 2.5, 3j]},
        frozenset({1, "x y"}),
        1 << 70,
        "é" * 3,
    )
    stream = marshal.dumps(value)
    for end in range(len(stream)):
        with pytest.raises(ValueError, match=r"^bad marshal data at offset \d+: "):
            canonical(stream[:end])


@pytest.mark.parametrize(
    ("stream", "offset", "problem"),
    [
        (b"", 0, "it ends too early"),
        (b"z\5abc", 5, "it ends too early"),
        (_int(1) + b"N", 5, "more follows"),
        (_tuple(b"N", b"?"), 3, "unexpected type b'?'"),
        (b"\xce", 0, "unexpected type b'\\xce'"),
        (b"0", 0, "unexpected type b'0'"),
        (_tuple(b"0"), 2, "unexpected type b'0'"),
        (b"{N00", 2, "unexpected type b'0'"),
        (b"{\xb0", 1, "unexpected type b'\\xb0'"),
        (_tuple(_flagged(_int(1)), _reference(1)), 7, "reference to nothing"),
        (_tuple(_int(1), _reference(0)), 7, "reference to nothing"),
        (_reference(0), 0, "reference to nothing"),
        (_flagged(_frozenset(_reference(0))), 5, "reference to nothing"),
        (_flagged(b":NN" + _reference(0)), 3, "reference to nothing"),
        (_flagged(b"c" + bytes(20)) + _reference(0), 21, "reference to nothing"),
        (b"[\xff\xff\xff\xff", 0, "negative size"),
        (b"(\xff\xff\xff\x7f", 5, "it ends too early"),
        (b"s\xff\xff\xff\x7f", 5, "it ends too early"),
        (b"l\0\0\0\x80", 5, "it ends too early"),
    ],
)
def test_malformed_stream_is_refused(stream: bytes, offset: int, problem: str) -> None:
    """Nonsense is a ValueError that says where and what, in no time and memory."""
    with pytest.raises(ValueError, match="bad marshal data") as caught:
        canonical(stream)
    assert str(caught.value) == f"bad marshal data at offset {offset}: {problem}"


def test_slices() -> None:
    """Slices, which Python 3.14 has as constants, are immutable like tuples."""
    piece = b":" + _int(1000) + b"N" + b"z\3a b"
    stream = _tuple(piece, _tuple(_int(1000), b"N", b"z\3a b"), _flagged(piece), _reference(0))
    assert canonical(stream) == _tuple(
        _flagged(b":" + _flagged(_int(1000)) + b"N" + _flagged(b"z\3a b")),
        _tuple(_reference(1), b"N", _reference(2)),
        _reference(0),
        _reference(0),
    )


# Where it runs


def test_it_runs_by_itself() -> None:
    """A bare interpreter of any version runs it by file name, and it loads nothing but builtins."""
    script = (
        "import sys, marshal\n"
        "before = set(sys.modules)\n"
        "namespace = {'__name__': 'canonical'}\n"
        "exec(compile(open(sys.argv[1], 'rb').read(), 'c', 'exec'), namespace)\n"
        "new = set(sys.modules) - before\n"
        "assert new <= set(sys.builtin_module_names), new\n"
        "sys.stdout.buffer.write(namespace['canonical'](marshal.dumps((1000, 1000, {2, 3}))))\n"
    )
    file = _SOURCE_ROOT / "litebundle" / "format" / "canonical.py"
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(file)], check=True, capture_output=True
    )
    assert result.stdout == canonical(marshal.dumps((1000, 1000, {2, 3})))


_DIGESTS = """
import hashlib, marshal, os, random, sys
from litebundle.format.canonical import canonical
order, *files = sys.argv[1:]
if order == "interned":
    for number in range(256):
        sys.intern(chr(number))
    import argparse, decimal, email.message, unittest.mock
keep = []
random.Random(order).shuffle(files)
digests = {}
for file in files:
    with open(file, "rb") as stream:
        code = compile(stream.read(), "lib/" + os.path.basename(file), "exec", dont_inherit=True)
    if order == "kept":
        keep += [code, *code.co_consts, *code.co_names]
    digests[file] = hashlib.sha256(canonical(marshal.dumps(code))).hexdigest()
for file in sorted(digests):
    print(digests[file], file)
"""

_SAMPLE = [
    str(path)
    for path in sorted(itertools.chain(_LIBRARY.glob("*.py"), _LIBRARY.glob("[a-m]*/*.py")))
    if "test" not in str(path.relative_to(_LIBRARY)) and "packages" not in str(path)
][::4]
"""Some hundred ordinary modules of the standard library."""


def _digests(order: str, hash_seed: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", _DIGESTS, order, *_SAMPLE],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(_SOURCE_ROOT)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.fixture(scope="module")
def digests() -> str:
    """Return the digests of real modules, compiled in a process of their own."""
    return _digests("0", "0")


@pytest.mark.parametrize(
    ("order", "hash_seed"),
    [("1", "0"), ("2", "1"), ("3", "random"), ("interned", "2"), ("kept", "3")],
)
def test_real_modules_come_out_the_same(digests: str, order: str, hash_seed: str) -> None:
    """Another process, hash seed, order of modules, other interned strings: the same bytes."""
    assert len(digests.splitlines()) == len(_SAMPLE) > 80
    assert _digests(order, hash_seed) == digests


def test_real_modules_lose_nothing() -> None:
    """Code of real modules comes back with all its attributes; it is no larger, and canonical."""
    for file in _SAMPLE:
        code = compile(Path(file).read_bytes(), file, "exec", dont_inherit=True)
        stream = marshal.dumps(code)
        encoded = canonical(stream)
        assert exact(marshal.loads(encoded)) == exact(code), file
        assert len(encoded) <= len(stream), file
        assert canonical(encoded) == encoded, file
