"""`bundle keygen`, `sign` and `verify --key`, and what building does to signed files."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from litebundle.inspect.bundle import Bundle
from litebundle.write.keys import write_keys
from tests.cli.command import bundle, good, python, refusal
from tests.cli.conftest import PROGRAM
from tests.rules.places import Library
from tests.signing import KEY, OTHER
from tests.unit.inspect.forge import change_manifest


@pytest.fixture
def one(library: Library) -> Path:
    """Return the program in a database, for what does not depend on the container."""
    return Path(library.place(PROGRAM, "sqlite").entry)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a directory of one's own, with keys in it."""
    tmp_path.chmod(0o700)
    write_keys(tmp_path / "team", KEY, None)
    write_keys(tmp_path / "other", OTHER, None)
    return tmp_path


def _sign(file: Path, *options: str | Path, home: Path, version: int = 5) -> Any:
    said = ("--app", "demo", "--version", str(version))
    return bundle("sign", file, "--key", "team.key", *said, *options, cwd=home)


def test_a_pair_of_keys_is_made(tmp_path: Path) -> None:
    """With a password or expressly without one; a second time nothing is overwritten."""
    done = good(bundle("keygen", "team", "--no-password", cwd=tmp_path))
    assert done.stdout.startswith("team.pub: key ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["team.key", "team.pub"]
    before = (tmp_path / "team.key").read_bytes()
    assert "is there already" in refusal(bundle("keygen", "team", "--no-password", cwd=tmp_path))
    assert (tmp_path / "team.key").read_bytes() == before
    refusal(bundle("keygen", "more", cwd=tmp_path), status=2)  # nothing was piped in
    assert not (tmp_path / "more.key").exists()


def test_a_bundle_is_signed_and_verified(packed: Path, home: Path) -> None:
    """A new file; the old one is as it was, and `info` tells of both."""
    before = packed.read_bytes()
    signed = home / "app.signed"
    done = good(_sign(packed, "-o", signed, home=home))
    assert "demo 5, signed by 747365746574696C" in done.stdout
    assert packed.read_bytes() == before
    told = good(bundle("verify", signed, "--key", "team.pub", cwd=home)).stdout
    assert "sound, signed by team.pub" in told
    assert "--key" in good(bundle("verify", signed, cwd=home)).stdout
    info = json.loads(good(bundle("info", signed, "--json", cwd=home)).stdout)
    assert info["signature"] == {"key": "747365746574696C", "app": "demo", "version": 5}
    assert json.loads(bundle("info", packed, "--json", cwd=home).stdout)["signature"] is None
    assert "747365746574696C" in good(bundle("info", signed, cwd=home)).stdout


def test_what_is_not_signed_is_told(one: Path, home: Path) -> None:
    """No signature, another key's, or one for an older version than is asked for."""
    done = bundle("verify", one, "--key", "team.pub", cwd=home)
    assert done.returncode == 1
    assert "not signed" in done.stdout
    signed = home / "app.signed"
    good(_sign(one, "-o", signed, home=home))
    assert "unknown key" in bundle("verify", signed, "--key", "other.pub", cwd=home).stdout
    trust = (home / "team.pub").read_text() + "app demo 6\n"
    (home / "trust").write_text(trust)
    assert "an older version" in bundle("verify", signed, "--key", "trust", cwd=home).stdout
    done = bundle("verify", signed, "--key", "missing.pub", cwd=home)
    assert "missing.pub: the trust file says nothing" in refusal(done)
    assert done.stdout == ""


def test_looking_is_not_running(one: Path, home: Path) -> None:
    """What `verify` has seen is not recorded; what is recorded it knows."""
    (home / "seen").mkdir()
    (home / "trust").write_text(f"{KEY.public.line}\nrecord {home / 'seen'}\n")
    good(_sign(one, "-o", home / "app.signed", home=home))
    good(bundle("verify", "app.signed", "--key", "trust", cwd=home))
    assert list((home / "seen").iterdir()) == []
    (home / "seen" / "demo").write_text("6\n")
    assert "older version" in bundle("verify", "app.signed", "--key", "trust", cwd=home).stdout


def test_signing_twice_leaves_one_signature(packed: Path, home: Path) -> None:
    """In the same file, which is replaced as a whole."""
    signed = home / "app.signed"
    good(_sign(packed, "-o", signed, home=home))
    good(_sign(signed, home=home, version=6))
    good(bundle("verify", signed, "--key", "team.pub", cwd=home))
    info = json.loads(good(bundle("info", signed, "--json", cwd=home)).stdout)
    assert info["signature"]["version"] == 6


def test_the_version_only_goes_up(one: Path, home: Path) -> None:
    """What stands there is not replaced by an older one, or another application."""
    signed = home / "app.signed"
    good(_sign(one, "-o", signed, home=home))
    before = signed.read_bytes()
    assert "does not follow" in refusal(_sign(one, "-o", signed, home=home, version=4))
    done = bundle("sign", one, "--key", "team.key", "--app", "tool", "-o", signed, cwd=home)
    assert "does not follow" in refusal(done)
    assert signed.read_bytes() == before
    good(_sign(one, "-o", signed, "--force", home=home, version=4))


def test_the_version_is_the_time_unless_it_is_said(packed: Path, home: Path) -> None:
    """Or what reproducible builds take for it."""
    command = ("sign", packed, "--key", "team.key", "--app", "demo", "--json", "-o")
    done = bundle(*command, "a", cwd=home, env={"SOURCE_DATE_EPOCH": "1700000000"})
    assert json.loads(good(done).stdout)["version"] == 1700000000
    good(bundle(*command, "b", cwd=home, env={"SOURCE_DATE_EPOCH": "1700000000"}))
    assert (home / "a").read_bytes() == (home / "b").read_bytes()
    assert json.loads(good(bundle(*command, "c", cwd=home)).stdout)["version"] > 1700000000


def test_an_unsound_bundle_is_not_signed(packed: Path, home: Path) -> None:
    """What one signs one has looked at."""
    damaged = Path(shutil.copy(packed, home / "damaged"))
    damaged.write_bytes(packed.read_bytes().replace(b"surely_not_there", b"surely_not_here_"))
    assert "not sound" in refusal(_sign(damaged, "-o", home / "signed", home=home))
    assert not (home / "signed").exists()


@pytest.mark.fault(20)
def test_nothing_is_signed_where_others_write(one: Path, home: Path) -> None:
    """They could replace it before it is deployed."""
    for mode in (0o777, 0o770, 0o775):
        (home / "open").mkdir(exist_ok=True)
        (home / "open").chmod(mode)
        assert "can write" in refusal(_sign(one, "-o", home / "open" / "app", home=home))
    assert list((home / "open").iterdir()) == []
    (home / "open").chmod(0o1777)  # as /tmp is: nobody replaces what is another's
    good(_sign(one, "-o", home / "open" / "app", home=home))


@pytest.mark.fault(20)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives directories away")
def test_whoever_owns_a_sticky_directory_replaces_what_is_in_it(one: Path, home: Path) -> None:
    """So it has to be one's own, or root's."""
    (home / "open").mkdir()
    os.chown(home / "open", 65534, 65534)
    (home / "open").chmod(0o1777)
    assert "can write" in refusal(_sign(one, "-o", home / "open" / "app", home=home))


@pytest.mark.fault(51)
def test_a_signed_file_is_not_replaced_by_an_unsigned_one(one: Path, home: Path) -> None:
    """By a build, unless it is told to."""
    (home / "src").mkdir()
    (home / "src" / "app.py").write_text("")
    signed = home / "app.signed"
    good(_sign(one, "-o", signed, home=home))
    before = signed.read_bytes()
    build = ("build", "src", "-q", "-o", signed)
    assert "signed bundle would be replaced" in refusal(bundle(*build, cwd=home))
    assert signed.read_bytes() == before
    good(bundle(*build, "--force", cwd=home))
    good(bundle(*build, cwd=home))


def test_what_is_only_for_people_is_verified_too(home: Path) -> None:
    """The tables that no reader needs, the launcher, and the line in front."""
    (home / "src").mkdir()
    (home / "src" / "app.py").write_text("")
    build = ("build", "src", "-q", "-o", "app.bundle", "--executable")
    good(bundle(*build, cwd=home))
    good(_sign(home / "app.bundle", "-o", home / "app.signed", home=home))
    data = (home / "app.signed").read_bytes()
    for old, new in (
        (b"#!/usr/bin/env python3\n", b"#!/usr/bin/env python4\n"),
        (b"ensure_fitting", b"ensure_fattinG"),
    ):
        assert data.count(old)
        (home / "altered").write_bytes(data.replace(old, new))
        done = bundle("verify", "altered", "--key", "team.pub", cwd=home)
        assert done.returncode == 1, old
        assert "sound, signed" not in done.stdout
    good(bundle("build", "src", "-q", "-o", "plain.bundle", cwd=home))
    good(_sign(home / "plain.bundle", "-o", home / "plain.signed", home=home))
    with closing(sqlite3.connect(home / "plain.signed")) as database, database:
        database.execute("UPDATE code SET module = 'other'")
    assert bundle("verify", "plain.signed", "--key", "team.pub", cwd=home).returncode == 1


def test_what_was_signed_is_written_out(one: Path, home: Path) -> None:
    """For `minisign -V`, which is another test's; nothing where nothing was signed."""
    good(_sign(one, "-o", home / "app.signed", home=home))
    good(bundle("verify", "app.signed", "--statement", "said", cwd=home))
    assert "\napp\tdemo\nversion\t5\n" in (home / "said").read_text()
    lines = (home / "said.minisig").read_text().splitlines()
    assert lines[2] == "trusted comment: demo 5"
    assert "not signed" in refusal(bundle("verify", one, "--statement", "none", cwd=home))
    for name in ("app.signed", "team.pub", "said", "."):
        before = (home / name).read_bytes() if name != "." else b""
        done = bundle("verify", "app.signed", "--statement", name, cwd=home)
        assert "cannot be written" in refusal(done)
        assert name == "." or (home / name).read_bytes() == before


def test_a_key_is_not_replaced_by_what_it_signs(one: Path, home: Path) -> None:
    """As wrong usage, and before anything is read."""
    before = (home / "team.key").read_bytes()
    done = _sign(one, "-o", home / "team.key", home=home)
    assert "name another file with -o" in refusal(done, 2)
    assert (home / "team.key").read_bytes() == before


def test_bundle_run_takes_what_is_trusted(one: Path, home: Path) -> None:
    """In all its forms; a trust file that is none is told before anything runs."""
    good(_sign(one, "-o", home / "app.signed", home=home))
    forms = (("-m", "app.deep"), ("-c", "import app"), ("app.cli:main",))
    done = bundle("run", "--trust", "team.pub", "app.signed", *forms[1], cwd=home)
    assert good(done).stdout == ""
    for form in forms:
        done = bundle("run", "--trust", "team.pub", one, *form, cwd=home)
        assert "not signed, and a key is configured" in refusal(done)
    done = bundle("run", "--trust", "missing", "app.signed", "-c", "print(1)", cwd=home)
    assert "trust file" in refusal(done)
    done = bundle("run", "--trust", "a:b", "app.signed", "-c", "print(1)", cwd=home)
    refusal(done, status=2)


def test_a_key_that_is_none_signs_nothing(one: Path, home: Path) -> None:
    """And a name that is none names nothing."""
    said = ("--app", "demo", "-o", home / "signed")
    done = bundle("sign", one, "--key", "team.pub", *said, cwd=home)
    assert "not a secret key" in refusal(done)
    done = bundle("sign", one, "--key", "missing", *said, cwd=home)
    assert "cannot be read" in refusal(done)
    done = bundle("sign", one, "--key", "team.key", "--app", "../x", "-o", "signed", cwd=home)
    assert "no name and version" in refusal(done)
    assert not (home / "signed").exists()


def test_a_password_is_piped_in(one: Path, home: Path) -> None:
    """The first line; an empty one is none."""
    code = (
        "from litebundle.write import keys\n"
        "keys._OPERATIONS, keys._MEMORY = 32768, 1 << 20\n"
        "import sys\nsys.argv[1:] = ['keygen', 'locked']\n"
        "from litebundle.cli.main import main\nmain()\n"
    )
    good(python("-c", code, cwd=home, stdin="open sesame\n"))
    command = ("sign", one, "--key", "locked.key", "--app", "demo", "-o", "signed")
    assert "wrong password" in refusal(bundle(*command, cwd=home, stdin="sesame\n"))
    refusal(bundle(*command, cwd=home), status=2)
    good(bundle(*command, cwd=home, stdin="open sesame\n"))
    good(bundle("verify", "signed", "--key", "locked.pub", cwd=home))


@pytest.mark.parametrize("mode", ["0", "1"])
def test_a_password_is_text(home: Path, mode: str) -> None:
    """What is not UTF-8 is said to be that, whatever Python makes of it."""
    code = (
        "import subprocess, sys\n"
        "command = [sys.executable, '-m', 'litebundle', 'keygen', 'latin']\n"
        "sys.exit(subprocess.run(command, input=b'\\xff\\xfe\\n').returncode)\n"
    )
    env = {"PYTHONUTF8": mode, "LC_ALL": "C.UTF-8", "PYTHONCOERCECLOCALE": "0"}
    assert "not UTF-8" in refusal(python("-c", code, cwd=home, env=env), status=2)
    env["LC_ALL"] = "C"
    assert "not UTF-8" in refusal(python("-c", code, cwd=home, env=env), status=2)
    assert not (home / "latin.key").exists()


def test_minisigns_comment_is_verified_too(one: Path, home: Path) -> None:
    """Its signature is the one thing that no process looks at."""
    good(_sign(one, "-o", home / "app.signed", home=home))
    first, second = Bundle(home / "app.signed").manifest["signature"].split(" ")
    other = ("B" if second[0] == "A" else "A") + second[1:]
    change_manifest(home / "app.signed", signature=f"{first} {other}")
    done = bundle("verify", "app.signed", "--key", "team.pub", cwd=home)
    assert done.returncode == 1
    assert "minisign's comment" in done.stdout
