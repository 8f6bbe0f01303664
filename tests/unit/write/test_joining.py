"""How much code a joined stream has."""

import marshal

import pytest

from litebundle.format.canonical import canonical
from litebundle.write import joined as joining
from litebundle.write.content import Blob
from litebundle.write.encoding import Encoded, plain
from litebundle.write.joined import Joining

_CODE = canonical(marshal.dumps(compile("1", "<m>", "exec")))


def test_streams_grow_with_what_is_read_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first module waits for few others, and many modules take few reads."""
    monkeypatch.setattr(joining, "SIZES", (2 * len(_CODE), 8 * len(_CODE)))
    stored: list[Encoded] = []

    def store(number: int, stream: Encoded) -> Blob:
        assert number == len(stored)
        stored.append(stream)
        return stream.as_blob(1000 + number)

    joined = Joining(store)
    for number in range(1, 32):
        joined.add(plain(_CODE).as_blob(number), _CODE)
    assert [last for last, _ in joined.finish()] == [2, 4, 8, 16, 24, 31]
    assert [int.from_bytes(each.whole[:4], "little") for each in stored] == [2, 2, 4, 8, 8, 7]
