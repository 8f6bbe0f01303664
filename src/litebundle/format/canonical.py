"""One encoding for equal code objects: marshal streams freed from how their objects were held.

`marshal.dumps` writes what it finds in memory, not only the value: an object is marked for later
references if anything at all holds it, a string as interned if some module before happened to
intern it, a set in the order of this process's hashes. Two compilations of one file seldom give
the same bytes (python/cpython gh-78274, gh-129724). The canonical form of a value:

- What CPython keeps only one of (None, small integers, Latin-1 characters, the empty tuple, string
  and bytes) is written wherever it occurs, without flag or reference.
- Other equal immutable objects are one: the first in place, those after it as references. Equal
  means the same type and the same bytes, so neither 1, True and 1.0 nor 0.0 and -0.0 are. A NaN
  equals nothing. Code objects and mutable ones keep the identity that they had.
- FLAG_REF stands on what is referenced later and nowhere else.
- The elements of sets are sorted by their content.
- Short ASCII strings that look like a name are interned and no others, whatever they were.
  Creating a code object interns these, and what names something in it, in any case.

The format is that of CPython's Python/marshal.c, versions 2 to 5 (Python 3.14). Speed matters, for
this is to cost a fraction of compiling: so there is no tree, and one long loop with few calls.
"""

from _imp import source_hash
from itertools import chain, count, repeat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    # Of a container that is being read: members to come, links of those before, itself, where it
    # begins in the layout, the reference to it.
    _Frame = tuple[repeat[None], list[int], int, int, bytes]

MAX_DEPTH = 2000
"""How deep objects may nest: MAX_MARSHAL_STACK_DEPTH of marshal.c, which is less on Windows."""

# How to find an object's end, by its type. Positive: it has that many bytes.
_UNKNOWN = 0
_SHORT = -1  # a string, one byte of length
_LONG = -2  # bytes or a string, four bytes of length
_NUMBER = -3  # a large int, a float or complex
_CONTAINER = -4

_FLAG = 0x80
_REF, _CODE, _DICT, _SLICE, _SET, _FROZENSET, _TUPLE, _SMALL_TUPLE = b"rc{:<>()"
_NULL, _INT, _FLOAT = b"0lg"
_RESUMED = (_CODE, _DICT)
_LATE = (_CODE, _SLICE, _FROZENSET)
"""What can be referred to only when it is complete: not by its own members."""


def canonical(data: bytes) -> bytes:
    """Return the canonical form of a marshalled value, which unmarshals to an equal value.

    Raise ValueError, naming the offset, if the data is not one whole value.
    """
    items = _Items()
    _take(data, items)
    return items.written()


def joined(streams: "Sequence[bytes]") -> bytes:
    """Return the canonical form of a tuple of the values of several streams; raise as `canonical`.

    What is equal in two of them is one in the result.
    """
    items = _Items()
    size = len(streams)
    head = (
        bytes((_SMALL_TUPLE, size)) if size < 256 else bytes((_TUPLE,)) + size.to_bytes(4, "little")
    )
    item = len(items.heads)
    items.heads.append(head)
    items.layout.append(item)
    links = items.members[item] = []
    for data in streams:
        start = len(items.layout)
        _take(data, items)
        found = items.layout[start]
        links.append(found if found < len(_FIXED) else ~found)
    return items.written()


def _take(data: bytes, items: "_Items") -> None:
    """Take the one whole value that a stream is."""
    try:
        end = _read(data, items)
    except IndexError:
        end = len(data) + 1
    if end > len(data):
        raise _bad(len(data), "it ends too early")
    if end < len(data):
        raise _bad(end, "more follows")


def _kinds() -> "Iterator[int]":
    kinds = {
        **dict.fromkeys(b"zZ", _SHORT),
        **dict.fromkeys(b"saAut", _LONG),
        **dict.fromkeys(b"()[{<>:c", _CONTAINER),
        **dict.fromkeys(b"lgy", _NUMBER),
        b"i"[0]: 5,
    }
    kinds |= {code | _FLAG: kind for code, kind in kinds.items()}
    kinds |= dict.fromkeys(b"NTF.S", 1)
    return (kinds.get(code, _UNKNOWN) for code in range(256))


def _types() -> "Iterator[bytes]":
    plain = {b"Z"[0]: b"z", b"A"[0]: b"a", b"t"[0]: b"u"}
    return (plain.get(code & ~_FLAG, bytes((code & ~_FLAG,))) for code in range(256))


_KIND = tuple(_kinds())
_TYPE = tuple(_types())
"""By type: its byte with neither the flag nor whether it is interned."""
_FLAGGED = tuple(bytes((code | _FLAG,)) for code in range(256))


def _reference(number: int) -> bytes:
    return b"r" + number.to_bytes(4, "little")


_REFERENCES = tuple(map(_reference, range(1024)))


def _references() -> "Iterator[bytes]":
    """Return the references from the first on, as they are written."""
    return chain(_REFERENCES, map(_reference, count(len(_REFERENCES))))


# What is always written in place, for `loads` finds the one object there is. An item below
# len(_FIXED) stands for one of these.
_NULL_ITEM, _EMPTY_TUPLE = 0, 1
_FIXED_OTHER = (
    *(b"0", b")\0", b"s\0\0\0\0"),
    *(b"N", b"T", b"F", b".", b"S"),
    *(b"i" + value.to_bytes(4, "little", signed=True) for value in range(-5, 257)),
    *(b"u\2\0\0\0" + chr(character).encode() for character in range(128, 256)),
)
_FIXED_SHORT = (b"\0", *(bytes((1, character)) for character in range(128)))
_FIXED = (*_FIXED_OTHER, *(b"z" + text for text in _FIXED_SHORT))
_OTHER_LINKS = {head: item for item, head in enumerate(_FIXED_OTHER)}
_SHORT_LINKS = {text: item for item, text in enumerate(_FIXED_SHORT, len(_FIXED_OTHER))}


class _Items:
    """The objects of a stream, numbered from len(_FIXED) on in the order in which they begin.

    A *link* is where an object occurs: `~item`, or the item itself for a fixed one. The layout is
    the stream to be: `item` where one is written in place, a link elsewhere.
    """

    __slots__ = ("composites", "heads", "layout", "members", "other", "sets", "short")

    def __init__(self) -> None:
        self.heads = list(_FIXED)  # by item: its bytes before those of its first member
        self.short = _SHORT_LINKS.copy()  # length and characters -> link
        self.other = _OTHER_LINKS.copy()  # type and what follows -> link
        self.composites: dict[object, int] = {(): _EMPTY_TUPLE}  # links of members -> link
        self.members: dict[int, list[int]] = {}  # container -> links
        self.sets: list[int] = []  # those of several elements
        self.layout: list[int] = []

    def resume(self, data: bytes, pos: int, item: int, links: list[int]) -> tuple[int, int]:
        """Return how many more objects a container has, and where they begin."""
        if self.heads[item][0] == _CODE:
            if len(links) != 8:
                return 0, pos
            # Here a number stands amid the objects.
            links.append(~len(self.heads))
            self.layout.append(len(self.heads))
            self.heads.append(data[pos : pos + 4])
            return 2, pos + 4
        if data[pos] != _NULL:
            return 2, pos
        links.append(_NULL_ITEM)
        self.layout.append(_NULL_ITEM)
        return 0, pos + 1

    def close(self, item: int, links: list[int], start: int) -> int:
        """Take a container that is complete, and return the link to it or to its equal.

        It begins at `start` in the layout.
        """
        self.members[item] = links
        kind = self.heads[item][0]
        key: object
        if kind in (_SMALL_TUPLE, _TUPLE):
            key = tuple(links)
        else:
            if kind in (_SET, _FROZENSET) and len(links) > 1:
                self.sets.append(item)
            if kind not in (_FROZENSET, _SLICE):
                return ~item
            # Not the set itself: its hash is a sum, which whoever wrote the stream may choose
            key = str(sorted({*links})) if kind == _FROZENSET else (b":", *links)
        link = self.composites.setdefault(key, ~item)
        # Complete but begun later: it is inside, in a tuple that contains itself. Both stay.
        if ~link > item:
            return ~item
        if ~link < item:
            del self.layout[start:]
            self.layout.append(link)
        return link

    def _sort_sets(self) -> None:
        """Put the elements of sets in order, and the layout with them."""
        members, layout = self.members, self.layout
        content: dict[int, bytes] = {}
        for item in self.sets:
            self._find_content(item, content)
            members[item].sort(key=lambda link: content[link if link >= 0 else ~link])
        todo = [~layout[0]]
        layout.clear()
        written = set()
        while todo:
            link = todo.pop()
            if link >= 0 or link in written:
                layout.append(link)
            else:
                written.add(link)
                layout.append(~link)
                if ~link in members:
                    todo += reversed(members[~link])

    def _find_content(self, item: int, content: dict[int, bytes]) -> None:
        """Find the bytes of an item, and of all it contains, with no references in them.

        Those of large ones are hashed: shared members would make them grow without bounds.
        """
        todo = [(item, False)]
        while todo:
            item, members_known = todo.pop()
            links = self.members.get(item, ())
            if members_known:
                parts = [content[link if link >= 0 else ~link] for link in links]
                if self.heads[item][0] in (_SET, _FROZENSET):
                    parts.sort()
                content[item] = _bounded(b"".join((self.heads[item], *parts)))
            elif item not in content:
                content[item] = b""  # for its own members, should they refer to it
                todo.append((item, True))
                todo.extend((link if link >= 0 else ~link, False) for link in links)

    def written(self) -> bytes:
        """Return the canonical stream."""
        if self.sets:
            self._sort_sets()
        links = {link for link in self.layout if link < 0}
        in_order: Iterable[int] = sorted(links, reverse=True)
        if self.sets:
            in_order = [~item for item in self.layout if ~item in links]
        table = self.heads * 2  # an item's bytes in place, and at ~item those of its reference
        for link, reference in zip(in_order, _references(), strict=False):
            head = table[~link]
            table[~link] = _FLAGGED[head[0]] + head[1:]
            table[link] = reference
        return b"".join(map(table.__getitem__, self.layout))


# The loop: as one function, for calls would be much of the time.
def _read(data: bytes, items: _Items) -> int:  # noqa: C901, PLR0912, PLR0915
    """Take the objects of a stream, in the order in which they stand there, and return its end."""
    heads, layout, short, other = items.heads, items.layout, items.short, items.other
    index: dict[bytes, int] = {}  # references as the stream has them -> links
    references = _references()
    todo, links, item, start, reference = repeat(None, 1), list[int](), -1, 0, b""
    stack: list[_Frame] = []  # of the containers around that one
    pos = 0
    while True:
        for _ in todo:
            code = data[pos]
            if code == _REF:  # nearly half of all
                end = pos + 5
                found = index.get(data[pos:end])
                if found is None:
                    raise _bad(pos, "reference to nothing")
                layout.append(found)
                links.append(found)
                pos = end
                continue
            kind = _KIND[code]
            if kind == _CONTAINER:
                stack.append((todo, links, item, start, reference))
                size, end = _opening(data, pos, len(stack))
                todo, links, item, start = repeat(None, size), [], len(heads), len(layout)
                heads.append(_TYPE[code] + data[pos + 1 : end])
                layout.append(item)
                reference = next(references) if code & _FLAG else b""
                if reference and code & ~_FLAG not in _LATE:
                    index[reference] = ~item
                pos = end
                break
            if kind == _SHORT:
                end = pos + 2 + data[pos + 1]
                equals, head = short, data[pos + 1 : end]
            else:
                end = pos + kind if kind > 0 else _end(data, pos, kind)
                equals, head = other, _TYPE[code] + data[pos + 1 : end]
            if head in equals:
                link = equals[head]
                layout.append(link)
            else:
                link = ~len(heads)
                layout.append(~link)
                if kind == _SHORT:
                    short[head] = link
                    # As all_name_chars() in CPython's Objects/codeobject.c
                    named = head[1:].replace(b"_", b"a").isalnum()
                    head = b"Z" + head if named else b"z" + head
                elif kind != _NUMBER or not _is_nan(head):
                    other[head] = link
                heads.append(head)
            links.append(link)
            if code & _FLAG:
                index[next(references)] = link
            pos = end
        else:
            if item < 0:
                return pos
            if heads[item][0] in _RESUMED:
                size, pos = items.resume(data, pos, item, links)
                if size:
                    todo = repeat(None, size)
                    continue
            link = items.close(item, links, start)
            if reference:
                index[reference] = link
            todo, links, item, start, reference = stack.pop()
            links.append(link)


def _opening(data: bytes, pos: int, depth: int) -> tuple[int, int]:
    """Return how many objects a container begins with, and where."""
    code = data[pos] & ~_FLAG
    if code == _SMALL_TUPLE:
        size, end = data[pos + 1], pos + 2
    elif code in _RESUMED:
        size, end = (0, pos + 1) if code == _DICT else (8, pos + 21)
    elif code == _SLICE:
        size, end = 3, pos + 1
    else:
        size, end = int.from_bytes(data[pos + 1 : pos + 5], "little"), pos + 5
        if size > 0x7FFFFFFF:
            raise _bad(pos, "negative size")
    if depth >= MAX_DEPTH and (size or code == _DICT):
        raise _bad(pos, "too deeply nested")
    return size, end


def _end(data: bytes, pos: int, kind: int) -> int:
    """Return the end of an object that has no members."""
    if kind == _LONG:
        return pos + 5 + int.from_bytes(data[pos + 1 : pos + 5], "little")
    if kind != _NUMBER:
        raise _bad(pos, f"unexpected type {data[pos : pos + 1]!r}")
    code = data[pos] & ~_FLAG
    if code == _INT:  # digits of 15 bits; the sign is the length's
        return pos + 5 + 2 * abs(int.from_bytes(data[pos + 1 : pos + 5], "little", signed=True))
    return pos + 9 if code == _FLOAT else pos + 17


def _bad(pos: int, problem: str) -> ValueError:
    return ValueError(f"bad marshal data at offset {pos}: {problem}")


def _is_nan(head: bytes) -> bool:
    """Tell whether it is a float or complex that equals nothing, so that two in a set stay two."""
    if head[0] == _INT:
        return False
    bits = (int.from_bytes(head[i : i + 8], "little") for i in range(1, len(head), 8))
    return any(each & ~(1 << 63) > 0x7FF << 52 for each in bits)


def _bounded(content: bytes) -> bytes:
    return content if len(content) <= 64 else source_hash(0, content) + source_hash(1, content)
