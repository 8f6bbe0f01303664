"""Key files: minisign's own, read and written."""

import base64
import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from litebundle.errors import BuildError
from litebundle.format.signature import parse_key, parse_signature
from litebundle.runtime.ed25519 import is_signature
from litebundle.write import keys
from litebundle.write.keys import SecretKey, new_key, read_secret, signature_file, write_keys
from tests.signing import KEY


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take passwords that cost nothing to check."""
    monkeypatch.setattr(keys, "_OPERATIONS", 32768)
    monkeypatch.setattr(keys, "_MEMORY", 1 << 20)


def _no_password() -> str:
    raise AssertionError("asked for a password")


def test_a_key_without_a_password_is_read_back(tmp_path: Path) -> None:
    """And nobody is asked for one; the file is its owner's alone."""
    public = write_keys(tmp_path / "team", KEY, None)
    secret = tmp_path / "team.key"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert read_secret(secret, _no_password) == KEY
    assert public == tmp_path / "team.pub"
    assert parse_key(public.read_text().splitlines()[1]).value == KEY.public.value


@pytest.mark.usefixtures("cheap")
def test_a_key_with_a_password_takes_that_password(tmp_path: Path) -> None:
    """With another one it is not even told whether the file is sound."""
    write_keys(tmp_path / "team", KEY, "right")
    assert KEY.seed not in base64.b64decode((tmp_path / "team.key").read_text().split("\n")[1])
    assert read_secret(tmp_path / "team.key", lambda: "right") == KEY
    with pytest.raises(BuildError, match="wrong password"):
        read_secret(tmp_path / "team.key", lambda: "wrong")


def test_no_key_is_ever_overwritten(tmp_path: Path) -> None:
    """Neither file, and neither is written if the other is there."""
    (tmp_path / "team.pub").write_text("mine")
    with pytest.raises(BuildError, match="is there already"):
        write_keys(tmp_path / "team", KEY, None)
    assert [path.name for path in tmp_path.iterdir()] == ["team.pub"]
    with pytest.raises(BuildError, match="cannot be written"):
        write_keys(tmp_path / "missing" / "team", KEY, None)


@pytest.mark.usefixtures("cheap")
def test_a_password_that_is_no_text_is_not_told_as_memory(tmp_path: Path) -> None:
    """As Python makes it of bytes that are not UTF-8."""
    with pytest.raises(UnicodeEncodeError):
        write_keys(tmp_path / "team", KEY, "\udcff")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("which", [1, 2])
def test_a_full_disk_leaves_no_half_of_a_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    """So that the same name can be used again, once there is room."""
    calls = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == which:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "others.pub").write_text("kept")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(BuildError, match="cannot be written: No space"):
            write_keys(tmp_path / "team", KEY, None)
    assert [path.name for path in tmp_path.iterdir()] == ["others.pub"]
    write_keys(tmp_path / "team", KEY, None)


def test_what_another_made_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not ours to remove, and ours is not left beside it."""
    (tmp_path / "team.key").write_text("another's")
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    with pytest.raises(BuildError, match=r"team\.key: cannot be written: File exists"):
        write_keys(tmp_path / "team", KEY, None)
    assert [path.name for path in tmp_path.iterdir()] == ["team.key"]
    assert (tmp_path / "team.key").read_text() == "another's"


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a/.."])
def test_what_names_no_file_names_no_key(name: str) -> None:
    """Least of all one whose files begin with a dot."""
    with pytest.raises(BuildError, match="names no key"):
        write_keys(Path(name), KEY, None)


@pytest.mark.parametrize(
    "content",
    ["", "untrusted comment: x\n", "untrusted comment: x\nRWQ\n", "x\n" + "A" * 212 + "\n", "\xff"],
    ids=["empty", "a line", "short", "no comment", "no base64"],
)
def test_nothing_else_is_a_key(tmp_path: Path, content: str) -> None:
    """The message names the file, and what makes one."""
    file = tmp_path / "team.key"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(BuildError, match="not a secret key") as caught:
        read_secret(file, _no_password)
    assert "keygen" in str(caught.value)


@pytest.mark.usefixtures("cheap")
def test_a_damaged_key_signs_nothing(tmp_path: Path) -> None:
    """Any byte of it; of one without a password what minisign can tell of it."""
    write_keys(tmp_path / "open", KEY, None)
    data = bytearray(base64.b64decode((tmp_path / "open.key").read_text().splitlines()[1]))
    data[62] ^= 1
    text = f"untrusted comment: \n{base64.b64encode(data).decode()}\n"
    (tmp_path / "open.key").write_text(text)
    with pytest.raises(BuildError):
        read_secret(tmp_path / "open.key", _no_password)
    write_keys(tmp_path / "team", KEY, "password")
    comment, line = (tmp_path / "team.key").read_text().splitlines()
    data = bytearray(base64.b64decode(line))
    for position in (0, 2, 4, 54, 62, 70, 94, 126, 157):
        damaged = bytearray(data)
        damaged[position] ^= 1
        text = f"{comment}\n{base64.b64encode(damaged).decode()}\n"
        (tmp_path / "team.key").write_text(text)
        with pytest.raises(BuildError):
            read_secret(tmp_path / "team.key", lambda: "password")


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((33554432, 1073741824), (20, 8, 1)),  # SENSITIVE
        ((524288, 16777216), (14, 8, 1)),  # INTERACTIVE
        ((33554432, 16777216), (14, 8, 64)),  # more time than memory
        ((1 << 20, 1 << 30), (15, 8, 1)),  # more memory than time
        ((0, 1 << 30), (10, 8, 1)),  # the least
    ],
)
def test_the_costs_are_those_that_libsodium_picks(
    limits: tuple[int, int], expected: tuple[int, int, int]
) -> None:
    """Computed by its pickparams, with N as a power of two."""
    assert keys._parameters(*limits) == expected


def test_keys_are_new() -> None:
    """Each time."""
    first, second = new_key(), new_key()
    assert first.seed != second.seed
    assert first.identifier != second.identifier
    assert first.seed.hex() not in repr(first)


def test_without_cryptography_the_message_tells_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is an extra: whoever only runs bundles need not have it."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(BuildError, match="cryptography") as caught:
        new_key()
    assert 'pip install "litebundle[sign]"' in str(caught.value)


def _minisign(*arguments: str | Path, cwd: Path, stdin: str = "") -> str:
    minisign = shutil.which("minisign")
    if minisign is None:
        pytest.skip("there is no minisign here")
    done = subprocess.run(
        [minisign, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_minisign_takes_our_signatures(tmp_path: Path) -> None:
    """By our own public key file, comment included."""
    write_keys(tmp_path / "team", KEY, None)
    (tmp_path / "text").write_text("what is signed\n")
    signature = KEY.sign(b"what is signed\n", "demo 5")
    (tmp_path / "text.minisig").write_text(signature_file(signature, "demo 5"))
    told = _minisign("-V", "-p", "team.pub", "-m", "text", cwd=tmp_path)
    assert "Signature and comment signature verified" in told
    assert "Trusted comment: demo 5" in told


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("password", [None, "a password"])
def test_minisign_signs_with_our_keys(tmp_path: Path, password: str | None) -> None:
    """And we take its signatures."""
    write_keys(tmp_path / "team", KEY, password)
    (tmp_path / "text").write_text("what is signed\n")
    given = f"{password}\n" if password else ""
    _minisign("-S", "-s", "team.key", "-m", "text", cwd=tmp_path, stdin=given)
    lines = (tmp_path / "text.minisig").read_text().splitlines()
    found = parse_signature(f"{lines[1]} {lines[3]}")
    message = hashlib.blake2b(b"what is signed\n").digest()
    assert found.identifier == KEY.identifier
    assert is_signature(KEY.public.value, message, found.value)
    comment = lines[2].removeprefix("trusted comment: ").encode()
    assert is_signature(KEY.public.value, found.value + comment, found.comment_value)


def test_we_sign_with_minisigns_keys(tmp_path: Path) -> None:
    """Of `minisign -G -W`, one without a password."""
    _minisign("-G", "-W", "-p", "own.pub", "-s", "own.key", cwd=tmp_path)
    key = read_secret(tmp_path / "own.key", _no_password)
    assert isinstance(key, SecretKey)
    public = (tmp_path / "own.pub").read_text()
    assert key.public.line == public.splitlines()[1]
    # Minisign leaves out leading zeros: one key in sixteen has a shorter name in its comment.
    name = re.search("key ([0-9A-F]+)$", public.splitlines()[0])
    assert name is not None
    assert repr(key.public) == f"<PublicKey {name[1]:0>16}>"
