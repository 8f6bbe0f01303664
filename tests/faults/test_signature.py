"""A key is configured: nothing runs but what its owner has signed (TRUST.md)."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

import pytest

import litebundle
from litebundle.builder import Options, build
from litebundle.errors import BundleError, BundleSignatureError
from litebundle.format.signature import APP, DIGESTS, PREFIX, SIGNATURE, VERSION, Statement
from litebundle.inspect.bundle import Bundle
from litebundle.runtime import trust as trusting
from litebundle.runtime.archive import Archive, open_archive
from litebundle.runtime.containers import LISTINGS, MANIFEST_MEMBER
from litebundle.runtime.descriptor import Descriptor
from litebundle.runtime.signed import SignedArchive, open_signed
from litebundle.runtime.trust import Trust
from litebundle.write.keys import SecretKey
from litebundle.write.launcher import Launch
from tests.rules.places import Tree, write_tree
from tests.signing import KEY, OTHER, signed, trust_file
from tests.unit.inspect import forge

pytestmark = pytest.mark.fault(51)

_Container = Literal["sqlite", "zip"]

_TREE: Tree = {
    "app/__init__.py": "print('app runs')\n",
    "app/__main__.py": "import app.deep.er, sys\nprint('main runs', sys.argv[1:])\n",
    "app/deep/__init__.py": "",
    "app/deep/er.py": "VALUE = 'er'\n" + "# a comment worth deflating\n" * 30,
    "app/data.txt": "data\n" * 100,
    "plain.py": "import sys\nVALUE = 'plain'\nprint('plain runs')\n",
    "fails.py": "def fail():\n    1 / 0\n",
    "space/inner.py": "VALUE = 'inner'\n",
}
_SIGNED = (APP, VERSION, DIGESTS, SIGNATURE)
_HOOK = """
import sys, litebundle
litebundle.install()
sys.path.insert(0, sys.argv[1])
import plain
import app.deep.er
assert app.__loader__.get_data("app/data.txt")
"""


def _built(base: Path, container: _Container, launch: Launch | None) -> Path:
    output = base / f"{container}.bundle"
    build([base / "source"], output, Options(container=container, jobs=1, launch=launch))
    return output


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return programs in both containers, as built, and signed as demo 5; `prefix` has a line."""
    base = tmp_path_factory.mktemp("signature")
    base.chmod(0o700)
    write_tree(_TREE, base / "source")
    found = {}
    for kind in get_args(_Container):
        found[kind] = _built(base, kind, Launch(main="app"))
        found[f"{kind} signed"] = signed(found[kind], base / f"{kind}.signed")
    found["prefix"] = _built(base, "sqlite", Launch(main="app", executable=True))
    found["prefix signed"] = signed(found["prefix"], base / "prefix.signed")
    return found


@pytest.fixture(params=get_args(_Container))
def kind(request: pytest.FixtureRequest) -> str:
    """Return what the bundle is kept in."""
    return str(request.param)


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    """Return a trust file: the key, which may sign demo from version 3 on."""
    return trust_file(tmp_path / "trust", "app demo 3")


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Forget what other tests have loaded and opened."""
    yield
    trusting._loaded.clear()
    trusting._served.clear()


def _environment(trust: Path | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    kept |= {"PYTHONPATH": str(Path(litebundle.__file__).parents[1])}
    return kept if trust is None else kept | {"LITEBUNDLE_TRUST": str(trust)}


def _run(*command: object, trust: Path | None, cwd: Path | None = None) -> Any:
    return subprocess.run(
        [sys.executable, "-B", *map(str, command)],
        env=_environment(trust),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _ways(bundle: Path, trust: Path | None) -> Iterator[Any]:
    """Yield what comes of importing from a bundle, starting it, and having it started."""
    yield _run("-c", _HOOK, bundle, trust=trust)
    yield _run(bundle, "x", trust=trust)
    option = [] if trust is None else ["--trust", trust]
    yield _run("-m", "litebundle", "run", *option, bundle, "--", "x", trust=None)


def _refused(bundle: Path, trust: Path, what: str, ways: int = 1) -> None:
    """Check that nothing of a bundle runs, and that the error says why."""
    for done in islice(_ways(bundle, trust), ways):
        assert done.returncode == 1
        assert done.stdout == ""
        assert what in done.stderr


def _accepted(bundle: Path, trust: Path | None, ways: int = 1) -> None:
    for done in islice(_ways(bundle, trust), ways):
        # Of a file that others can write root is warned, signed or not
        warned = "" if "RuntimeWarning" in done.stderr else done.stderr
        assert (done.returncode, warned) == (0, "")
        assert "runs" in done.stdout


def test_what_was_signed_runs(bundles: dict[str, Path], kind: str, trust: Path) -> None:
    """Imported from, started by itself and by `bundle run`, with a key and without."""
    _accepted(bundles[f"{kind} signed"], trust, ways=3)
    _accepted(bundles[f"{kind} signed"], None, ways=3)


def test_with_a_line_in_front_too(bundles: dict[str, Path], trust: Path) -> None:
    """The container starts behind the line, the signature is the same."""
    _accepted(bundles["prefix signed"], trust, ways=3)
    assert Bundle(bundles["prefix signed"]).manifest[PREFIX] == "#!/usr/bin/env python3"


def test_an_unsigned_bundle_is_refused(bundles: dict[str, Path], kind: str, trust: Path) -> None:
    """Where a key is configured; it is a BundleSignatureError, and no ImportError."""
    _refused(bundles[kind], trust, "not signed, and a key is configured", ways=3)
    code = _HOOK.replace("import plain", "try:\n import plain\nexcept ImportError: print('fell')")
    done = _run("-c", code, bundles[kind], trust=trust)
    assert (done.stdout, "BundleSignatureError" in done.stderr) == ("", True)


def test_a_stripped_signature_is_none(
    bundles: dict[str, Path], trust: Path, tmp_path: Path
) -> None:
    """Taken out of the manifest, whose checksum was put right."""
    stripped = Path(shutil.copy(bundles["sqlite signed"], tmp_path / "app.bundle"))
    with closing(sqlite3.connect(stripped)) as database, database:
        pairs = dict(database.execute("SELECT key, value FROM manifest ORDER BY id"))
        pairs = {key: value for key, value in pairs.items() if key not in _SIGNED}
        database.executemany("DELETE FROM manifest WHERE key = ?", [(k,) for k in _SIGNED])
        forge.write_manifest(database, pairs)
    _accepted(stripped, None)
    _refused(stripped, trust, "not signed, and a key is configured")


def test_an_unknown_key_is_refused(bundles: dict[str, Path], kind: str, tmp_path: Path) -> None:
    """Nor does it help to call itself the known one."""
    _refused(bundles[f"{kind} signed"], trust_file(tmp_path / "other", key=OTHER), "unknown key")
    pretender = SecretKey(identifier=KEY.identifier, seed=OTHER.seed)
    fake = signed(bundles[kind], tmp_path / "fake.bundle", key=pretender)
    trust = trust_file(tmp_path / "trust")
    _refused(fake, trust, "the signature is not one of this manifest", ways=3)


def test_another_application_is_refused(
    bundles: dict[str, Path], trust: Path, tmp_path: Path
) -> None:
    """By the same key: what may be anywhere, and what may be at a path."""
    foreign = signed(bundles["sqlite"], tmp_path / "foreign.bundle", app="foreign", version=9)
    _refused(foreign, trust, "signed as another application")
    rules = ("app demo 0", f"app guest 0 {foreign}", "app foreign")
    _refused(foreign, trust_file(tmp_path / "named", *rules), "signed as another application")
    _accepted(foreign, trust_file(tmp_path / "any"))


def test_an_older_version_is_refused(bundles: dict[str, Path], tmp_path: Path) -> None:
    """Than the trust file says; the same version is not older."""
    bundle = bundles["sqlite signed"]
    _refused(bundle, trust_file(tmp_path / "six", "app demo 6"), "an older version of demo")
    _accepted(bundle, trust_file(tmp_path / "five", "app demo 5"))


def test_the_highest_version_seen_is_the_oldest(bundles: dict[str, Path], tmp_path: Path) -> None:
    """Where the trust file has it recorded; what was refused is not."""
    seen = tmp_path / "seen"
    seen.mkdir()
    trust = trust_file(tmp_path / "trust", f"record {seen}", "app demo 3")
    older = signed(bundles["zip"], tmp_path / "older.bundle", version=4)
    _accepted(older, trust)
    assert (seen / "demo").read_text() == "4\n"
    _accepted(bundles["zip signed"], trust)
    _refused(older, trust, "an older version of demo")
    newer = signed(bundles["zip"], tmp_path / "newer.bundle", version=9, key=OTHER)
    _refused(newer, trust, "unknown key")
    assert {path.name: path.read_text() for path in seen.iterdir()} == {"demo": "5\n"}
    (seen / "demo").write_text("five")
    _refused(bundles["zip signed"], trust, "the highest version seen cannot be recorded")


class _Altered:
    """A container of which one pair of the manifest, or one piece of data, is another."""

    def __init__(self, container: Any, manifest: dict[str, str] | None = None) -> None:
        self._container = container
        self._manifest = manifest or container.manifest()
        self.flip: tuple[int, int] = (0, 0)
        self.pieces: list[tuple[int, bool]] = []  # size, and whether it is deflated

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def manifest(self) -> dict[str, str]:
        return self._manifest

    def stored(self, ref: Any) -> bytes:
        return self._flipped(self._container.stored(ref), packed=bool(ref.encoding))

    def find(self, table: str, ref: Any, unpack: Any) -> bytes:
        return self._flipped(self._container.find(table, ref, unpack), packed=False)

    def _flipped(self, data: bytes, *, packed: bool) -> bytes:
        """Flip a bit of the n-th piece that is read, where there is one."""
        self.pieces.append((len(data), packed))
        number, position = self.flip
        if number != len(self.pieces):
            return data
        flipped = bytearray(data)
        flipped[position] ^= 1
        return bytes(flipped)


def test_every_character_that_was_signed_counts(bundles: dict[str, Path]) -> None:
    """Each of the manifest, with its checksum put right, the signature itself among them."""
    path = str(bundles["prefix signed"])
    archive = open_archive(path)
    assert archive is not None
    trust = Trust("the key", KEY.public.line)
    manifest = archive.manifest
    assert list(manifest)[-1] == SIGNATURE
    descriptor = Descriptor(path)

    def opened(pairs: dict[str, str]) -> None:
        container: Any = _Altered(archive.container, pairs)
        SignedArchive(descriptor, container, trusts=[trust])

    opened(manifest)
    count = 0
    for key, value in manifest.items():
        signed_part = value.partition(" ")[0] if key == SIGNATURE else value  # the rest: minisign's
        # Of the long ones that are none of ours every eighth: each takes a check of 1.5 ms
        step = 1 if key in (APP, VERSION, DIGESTS, SIGNATURE) else 8
        for position in range(0, len(signed_part), step):
            letter = "0" if value[position] != "0" else "1"
            altered = value[:position] + letter + value[position + 1 :]
            with pytest.raises(BundleError):
                opened(manifest | {key: altered})
            count += 1
        renamed = [(name + "x" if name == key else name, text) for name, text in manifest.items()]
        with pytest.raises(BundleError):
            opened(dict(renamed))
        if key not in ("format", SIGNATURE):
            with pytest.raises(BundleSignatureError):
                opened({name: text for name, text in manifest.items() if name != key})
    assert count > 200
    with pytest.raises(BundleSignatureError):
        opened(manifest | {"behind": "it"})


def _used(archive: Archive) -> list[bytes]:
    """Return all that a program uses of a bundle: names, code, sources and data."""
    found = []
    for directory in ("", "app", "app/deep", "space"):
        listing = archive.listing(directory)
        assert listing is not None
        found.append(listing.data)
        for index in listing.modules.values():
            ref = listing.code(0, index)
            if any(ref):
                found.append(archive.code(ref))
        for name in listing.files:
            data = archive.read(f"{directory}/{name}".lstrip("/"))
            assert data is not None
            found.append(data)
    return found


def test_every_byte_that_is_used_counts(
    bundles: dict[str, Path], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flipped where it is read, by one who puts all checksums right, since they have no key.

    That is the table of digests, each run of digests, each listing, and each blob. Only bits that
    mean nothing, as the last ones of deflated data, make no difference.
    """
    monkeypatch.setattr(Archive, "holds", lambda *_: True)
    # Code is read from the file itself; here as all else is
    monkeypatch.setattr(SignedArchive, "code", lambda self, ref: self.blob(_decoded(ref)))
    path = str(bundles[f"{kind} signed"])
    plain = open_archive(path)
    assert plain is not None
    trusts = [Trust("the key", KEY.public.line)]
    descriptor = Descriptor(path)
    container: Any = _Altered(plain.container)
    expected = _used(SignedArchive(descriptor, container, trusts=trusts))
    pieces = container.pieces
    assert len(pieces) > 15
    # The signature itself is another test's, and 1.5 ms each time
    monkeypatch.setattr("litebundle.runtime.signed.is_signature", lambda *_: True)
    for number, (size, packed) in enumerate(pieces, 1):
        refused = 0
        positions = {*range(0, size, 1 + size // 40), size - 1} if size else set()
        for position in positions:
            container = _Altered(plain.container)
            container.flip = number, position
            try:
                assert _used(SignedArchive(descriptor, container, trusts=trusts)) == expected
            except BundleSignatureError:
                refused += 1
        # What does not inflate is looked for by its number, and found
        assert refused == len(positions) or packed


def _decoded(ref: bytes) -> Any:
    from litebundle.format.listing import decode_ref

    return decode_ref(ref)


def test_every_altered_file_is_refused_or_makes_no_difference(
    kind: _Container, tmp_path: Path
) -> None:
    """Bits flipped all over the file never make other code of it."""
    write_tree(_TREE, tmp_path / "source")
    original = signed(_built(tmp_path, kind, None), tmp_path / "app.signed").read_bytes()
    trusts = [Trust("the key", KEY.public.line)]
    altered = tmp_path / "altered.bundle"
    altered.write_bytes(original)
    sound = open_signed(str(altered), trusts)
    assert sound is not None
    expected = _used(sound)
    refused = 0
    step = len(original) // 120
    for position in range(7, len(original), step):
        with altered.open("r+b") as file:
            file.seek(position)
            file.write(bytes([original[position] ^ 0x10]))
        try:
            archive = open_signed(str(altered), trusts)
            assert archive is None or _used(archive) == expected
        except BundleError:
            refused += 1
        with altered.open("r+b") as file:
            file.seek(position)
            file.write(original[position : position + 1])
    assert refused


def _evil_code(parts: forge.Parts) -> None:
    """Let the module `plain` have the code of the package `app`."""
    modules = parts[0]
    modules["plain"] = (modules["plain"][0], modules["app"][1])


def test_a_forged_index_is_refused(bundles: dict[str, Path], trust: Path, tmp_path: Path) -> None:
    """A listing with other code, all checksums up to the manifest's right, runs only unchecked."""
    forged = Path(shutil.copy(bundles["sqlite signed"], tmp_path / "forged.bundle"))
    forge.change_root(forged, _evil_code)
    done = _run("-c", _HOOK.replace("import app.deep.er", "sys.exit()"), forged, trust=None)
    assert done.stdout == "app runs\n"
    _refused(forged, trust, "the signature is not one of this manifest")


def test_forged_code_is_refused(bundles: dict[str, Path], tmp_path: Path) -> None:
    """Where the manifest is the signed one, and the listing it points at is not."""
    forged = Path(shutil.copy(bundles["sqlite signed"], tmp_path / "forged.bundle"))
    archive = open_archive(str(forged))
    assert archive is not None
    old = archive.listing("")
    assert old is not None
    data = bytearray(old.data)
    data[data.index(b"plain") + 4] = ord("m")
    forged.write_bytes(forged.read_bytes().replace(old.data, bytes(data)))
    with pytest.MonkeyPatch.context() as patch:
        # 8 bytes of SipHash with a known key are found for any content by who tries long enough
        patch.setattr(Archive, "holds", lambda *_: True)
        with pytest.raises(BundleSignatureError, match="not what was signed"):
            open_signed(str(forged), [Trust("the key", KEY.public.line)])


def test_a_plain_zip_or_directory_in_its_place_is_refused(
    bundles: dict[str, Path], tmp_path: Path
) -> None:
    """What is no bundle at all has no signature either, and zipimport would take it."""
    place = tmp_path / "app.bundle"
    trust = trust_file(tmp_path / "trust", f"app demo 0 {place}")
    signed(bundles["sqlite"], place)
    _accepted(place, trust)
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("plain.py", "print('zip runs')")
        archive.writestr("lib/plain.py", "print('zip runs')")
    done = _run("-c", _HOOK, place, trust=None)
    assert done.stdout == "zip runs\n"
    for entry in (place, place / "lib"):
        done = _run("-c", _HOOK, entry, trust=trust)
        assert (done.stdout, "not a signed bundle" in done.stderr) == ("", True)
    place.unlink()
    write_tree({"plain.py": "print('directory runs')\n"}, place)
    done = _run("-c", _HOOK, place, trust=trust)
    assert (done.stdout, "not a signed bundle" in done.stderr) == ("", True)


def test_a_plain_zip_is_refused_though_it_was_looked_at(trust: Path, tmp_path: Path) -> None:
    """Before a key was configured."""
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("first.py", "print('first runs')")
        archive.writestr("second.py", "print('second runs')")
    code = (
        "import sys, litebundle\nlitebundle.install()\nsys.path.insert(0, sys.argv[1])\n"
        f"import first\nlitebundle.install(trust={str(trust)!r})\nimport second"
    )
    done = _run("-c", code, tmp_path / "app.zip", trust=None)
    assert (done.stdout, "not a signed bundle" in done.stderr) == ("first runs\n", True)


def test_a_zip_has_no_unlisted_directories(
    bundles: dict[str, Path], trust: Path, tmp_path: Path
) -> None:
    """A member that was added is not found by zipimport instead, in a directory of its own."""
    added = Path(shutil.copy(bundles["zip signed"], tmp_path / "app.bundle"))
    with zipfile.ZipFile(added, "a") as archive:
        archive.writestr("vendor/evil.py", "print('evil runs')")
    code = "import sys, litebundle; litebundle.install(); sys.path.insert(0, sys.argv[1])\n"
    code += "import evil"
    assert _run("-c", code, added / "vendor", trust=None).stdout == "evil runs\n"
    done = _run("-c", code, added / "vendor", trust=trust)
    assert (done.stdout, "ModuleNotFoundError" in done.stderr) == ("", True)


def test_after_vacuum_it_still_verifies(
    bundles: dict[str, Path], trust: Path, tmp_path: Path
) -> None:
    """All is found by its number: nothing that was signed has changed, and the launcher is gone."""
    moved = Path(shutil.copy(bundles["sqlite signed"], tmp_path / "app.bundle"))
    forge.execute(moved, "PRAGMA page_size=8192", "VACUUM")
    done = _run("-c", _HOOK, moved, trust=trust)
    assert (done.returncode, done.stdout) == (0, "plain runs\napp runs\n")


def test_a_zip_written_anew_still_verifies(
    bundles: dict[str, Path], trust: Path, tmp_path: Path
) -> None:
    """In another order, packed otherwise: all is found by its name."""
    moved = tmp_path / "app.bundle"
    with (
        zipfile.ZipFile(bundles["zip signed"]) as source,
        zipfile.ZipFile(moved, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for member in reversed(source.infolist()):
            last = member.filename == MANIFEST_MEMBER
            method = zipfile.ZIP_STORED if last else zipfile.ZIP_DEFLATED
            target.writestr(member.filename, source.read(member), method)
    _accepted(moved, trust, ways=3)


def test_every_trust_has_to_agree(bundles: dict[str, Path], trust: Path, tmp_path: Path) -> None:
    """What the program names is added to what the environment does, and cannot loosen it."""
    bundle = bundles["sqlite signed"]
    for first, second in ((trust, "stricter"), (None, "stricter"), ("stricter", trust)):
        stricter = trust_file(tmp_path / "stricter", "app demo 6")
        environment = stricter if first == "stricter" else trust if first else None
        named = stricter if second == "stricter" else trust
        code = _HOOK.replace("install()", f"install(trust={str(named)!r})")
        done = _run("-c", code, bundle, trust=environment)
        assert (done.stdout, "an older version" in done.stderr) == ("", True)
    code = _HOOK.replace("install()", f"install(trust={str(trust)!r})")
    assert _run("-c", code, bundle, trust=trust).returncode == 0


def test_what_is_open_already_has_to_be_admitted(bundles: dict[str, Path], trust: Path) -> None:
    """A trust file that is named later holds for it, too."""
    code = f"{_HOOK}\nlitebundle.install(trust={str(trust)!r})\nprint('admitted')"
    assert "admitted" in _run("-c", code, bundles["zip signed"], trust=None).stdout
    done = _run("-c", code, bundles["zip"], trust=None)
    assert "admitted" not in done.stdout
    assert "not signed, and a key is configured" in done.stderr


@pytest.mark.parametrize("content", [None, "", "RWQ", "app demo\n", "strict\n"], ids=str)
def test_a_trust_file_that_says_nothing_trusts_nothing(
    bundles: dict[str, Path], tmp_path: Path, content: str | None
) -> None:
    """Missing, empty, damaged: nothing is imported, whether it is signed or not."""
    trust = tmp_path / "trust"
    if content is not None:
        trust.write_text(content)
    for name in ("sqlite", "sqlite signed"):
        done = _run("-c", _HOOK, bundles[name], trust=trust)
        assert (done.stdout, done.returncode) == ("", 1)
        assert "BundleSignatureError" in done.stderr


@pytest.mark.parametrize("value", ["", "relative.pub", ":"])
def test_a_variable_that_names_no_file_trusts_nothing(bundles: dict[str, Path], value: str) -> None:
    """As a mistake in a unit file or a shell: set, and empty."""
    env = _environment(None) | {"LITEBUNDLE_TRUST": value}
    command = [sys.executable, "-c", _HOOK, str(bundles["sqlite signed"])]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, "BundleSignatureError" in done.stderr) == ("", True)
    bundle = str(bundles["sqlite signed"])
    for program in ([bundle], ["-m", "litebundle", "run", bundle, "-m", "app"]):
        command = [sys.executable, *program]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert (done.stdout, done.returncode) == ("", 1)
        assert done.stderr.startswith("error: LITEBUNDLE_TRUST says nothing that could be trusted")
        assert "Traceback" not in done.stderr


_CAUGHT = """
import linecache, sys, tokenize, litebundle
from litebundle.runtime.tracebacks import extend_excepthook
litebundle.install()
extend_excepthook()  # as before 3.13
try:
    litebundle.install(trust="missing")
except litebundle.BundleSignatureError:
    print(linecache.getline(sys.argv[0], 4))
raise ValueError("of the program's own")
"""


def test_errors_are_told_where_nothing_is_trusted(bundles: dict[str, Path], tmp_path: Path) -> None:
    """Those of a program that has caught the refusal and goes on; bundles stay refused."""
    (tmp_path / "script.py").write_text(_CAUGHT)
    done = _run(tmp_path / "script.py", trust=None)
    assert done.stdout == "litebundle.install()\n\n"
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.endswith("ValueError: of the program's own\n")
    line = f"sys.path.insert(0, {str(bundles['sqlite'])!r})\n"
    done = _run("-c", _CAUGHT.replace("raise", f"{line}import plain\nraise"), trust=None)
    assert "plain runs" not in done.stdout
    assert "BundleSignatureError" in done.stderr
    code = _CAUGHT.replace(" linecache,", "").replace(" tokenize,", "").replace("print(", "#")
    code = code.replace("    #", "    pass  #").replace("try:", f"{line}import fails\ntry:")
    done = _run("-c", code.replace("raise", "fails.fail()\nraise"), trust=None)
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    assert done.stderr.endswith("\nZeroDivisionError: division by zero\n")


@pytest.mark.parametrize("trust", [3, b"/trust", ["/trust"]])
def test_a_trust_file_is_named_by_a_path(trust: Any) -> None:
    """As `open` has it, but for descriptors and bytes."""
    with pytest.raises(TypeError, match=r"a str or os\.PathLike, not "):
        litebundle.install(trust=trust)


_CHILD = """
import multiprocessing, sys
if __name__ == "__main__":
    import litebundle
    litebundle.install(trust=sys.argv[1])
    sys.path.insert(0, sys.argv[2])
def child(path, module):
    sys.path.insert(0, path)
    __import__(module)
if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=child, args=sys.argv[3:])
    process.start()
    process.join()
    print("exit", process.exitcode)
"""


def test_children_trust_no_more_than_their_parent(
    bundles: dict[str, Path], trust: Path, tmp_path: Path
) -> None:
    """A spawned process gets the hook, and the trust file that the program has named."""
    script = tmp_path / "script.py"
    script.write_text(_CHILD)
    good, bad = bundles["zip signed"], bundles["sqlite"]
    done = _run(script, trust, good, good, "plain", trust=None)
    assert (done.stdout, done.stderr) == ("plain runs\nexit 0\n", "")
    done = _run(script, trust, good, bad, "nowhere", trust=None)
    assert done.stdout == "exit 1\n"
    assert "not signed, and a key is configured" in done.stderr


def test_a_replaced_file_is_served_only_if_it_follows(
    bundles: dict[str, Path], trust: Path, tmp_path: Path
) -> None:
    """A running process keeps its file if an older one, or an unsigned one, takes its place."""
    write_tree({"plain.py": "print('new runs')\n"}, tmp_path / "new")
    options = Options(jobs=1)
    fresh = tmp_path / "fresh.bundle"
    build([tmp_path / "new"], fresh, options)
    place = signed(bundles["sqlite"], tmp_path / "app.bundle")
    code = (
        f"{_HOOK}\nimport importlib, os\nos.replace(sys.argv[2], sys.argv[1])\n"
        "importlib.invalidate_caches()\ndel sys.modules['plain']\nimport plain"
    )
    results = []
    for version in (4, 5, 6):
        other = signed(fresh, tmp_path / "other.bundle", version=version)
        signed(bundles["sqlite"], place)
        results.append(_run("-c", code, place, other, trust=trust).stdout.splitlines()[-1])
    assert results == ["plain runs", "new runs", "new runs"]
    signed(bundles["sqlite"], place)
    assert _run("-c", code, place, fresh, trust=trust).stdout.endswith("plain runs\n")


def test_the_hook_starts_a_signed_bundle_by_its_own_runtime(
    bundles: dict[str, Path], trust: Path, tmp_path: Path
) -> None:
    """Where the hook is there first, nothing of the file's launcher runs, nor has to be there."""
    code = (
        "import runpy, sys, litebundle\nlitebundle.install()\ndel sys.argv[0]\n"
        "sys.path.insert(0, sys.argv[0])\nrunpy._run_module_as_main('__main__', 0)"
    )
    cut = Path(shutil.copy(bundles["sqlite signed"], tmp_path / "cut.bundle"))
    os.truncate(cut, cut.stat().st_size - int(Bundle(cut).manifest["tail"].split(" ")[0]))
    for bundle in (cut, bundles["zip signed"]):
        done = _run("-c", code, bundle, "x", trust=trust)
        assert (done.stdout, done.stderr) == ("app runs\nmain runs ['x']\n", "")
    assert "__main__" in _run("-c", code, cut, "x", trust=None).stderr


@pytest.mark.fault(52)
@pytest.mark.parametrize("name", ["plain.py", "app.py", "app/__init__.py", "space/__init__.py"])
def test_names_of_the_bundle_are_the_bundles(
    bundles: dict[str, Path], kind: str, trust: Path, tmp_path: Path, name: str
) -> None:
    """A file dropped into the working directory, which comes first on the path, changes nothing."""
    write_tree({name: "print('evil runs')\n"}, tmp_path / "cwd")
    code = (
        "import sys, litebundle\nlitebundle.install()\nsys.path.append(sys.argv[1])\n"
        "import plain, app, space.inner\nassert sys.path[0] == ''\n"
    )
    bundle = bundles[f"{kind} signed"]
    done = _run("-c", code, bundle, trust=None, cwd=tmp_path / "cwd")
    assert "evil runs" in done.stdout
    done = _run("-c", code, bundle, trust=trust, cwd=tmp_path / "cwd")
    assert (done.stdout, done.stderr) == ("plain runs\napp runs\n", "")


@pytest.mark.fault(52)
def test_a_namespace_has_portions_elsewhere(
    bundles: dict[str, Path], trust: Path, tmp_path: Path
) -> None:
    """What the bundle has not is nobody's, but what it has comes from there."""
    tree: Tree = {"space/other.py": "VALUE = 'other'\n", "space/inner.py": "VALUE = 'evil'\n"}
    write_tree(tree, tmp_path / "cwd")
    code = (
        "import sys, litebundle\nlitebundle.install()\nsys.path.append(sys.argv[1])\n"
        "import space.inner, space.other\nprint(space.inner.VALUE, space.other.VALUE)\n"
    )
    for found, value in ((None, "evil other\n"), (trust, "inner other\n")):
        done = _run("-c", code, bundles["sqlite signed"], trust=found, cwd=tmp_path / "cwd")
        assert (done.stdout, done.stderr) == (value, "")


@pytest.mark.fault(52)
def test_standard_modules_are_extended_in_a_bundle_too(trust: Path, tmp_path: Path) -> None:
    """A bundle that brings linecache serves its own, which finds lines in bundles as ever."""
    linecache = Path(os.__file__).with_name("linecache.py").read_text()
    write_tree({"linecache.py": linecache, "lines.py": "VALUE = 1\n"}, tmp_path / "source")
    build([tmp_path / "source"], tmp_path / "app.bundle", Options(jobs=1))
    bundle = signed(tmp_path / "app.bundle", tmp_path / "app.signed")
    code = (
        "import sys, litebundle\nlitebundle.install()\nsys.path.append(sys.argv[1])\n"
        "sys.modules.pop('linecache', None)\nimport linecache, lines\n"
        "print(linecache.__file__.startswith(sys.argv[1]), linecache.getline(lines.__file__, 1))"
    )
    done = _run("-c", code, bundle, trust=trust)
    assert (done.stdout, done.stderr) == ("True VALUE = 1\n\n", "")


@pytest.mark.fault(21)
def test_strict_refuses_what_others_could_replace(bundles: dict[str, Path], tmp_path: Path) -> None:
    """The file or a directory above it, as ssh does; without `strict` the signature is enough."""
    strict = trust_file(tmp_path / "trust", "strict", "app demo")
    place = tmp_path / "home" / "app.bundle"
    place.parent.mkdir(mode=0o700)
    signed(bundles["sqlite"], place)
    place.chmod(0o644)
    _accepted(place, strict)
    for path, mode in ((place, 0o666), (place, 0o664), (place.parent, 0o777)):
        before = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode)
        _refused(place, strict, "can be replaced by other users")
        _accepted(place, trust_file(tmp_path / "lax", "app demo"))
        path.chmod(before)
    link = tmp_path / "link.bundle"
    (tmp_path / "open").mkdir()
    target = Path(shutil.copy(place, tmp_path / "open" / "app.bundle"))
    link.symlink_to(target)
    (tmp_path / "open").chmod(0o777)
    _refused(link, strict, "can be replaced by other users")
    (tmp_path / "open").chmod(0o1777)
    _accepted(link, strict)


_SYSTEM = """
import litebundle.runtime.mount as mount
mount.SYSTEM_TRUST = {path!r}
"""


@pytest.mark.fault(21)
def test_the_systems_trust_file_is_roots(bundles: dict[str, Path], tmp_path: Path) -> None:
    """It is taken if root alone can write it, and stops everything if not."""
    home = tmp_path / "etc"
    home.mkdir(mode=0o755)
    system = trust_file(home / "trust", "app demo")
    code = _SYSTEM.format(path=str(system)) + _HOOK
    good, bad = bundles["sqlite signed"], bundles["sqlite"]
    if os.geteuid() == 0:
        system.chmod(0o644)
        assert _run("-c", code, good, trust=None).returncode == 0
        done = _run("-c", code, bad, trust=None)
        assert (done.stdout, "not signed" in done.stderr) == ("", True)
        system.chmod(0o664)
    for name in (good, bad):
        done = _run("-c", code, name, trust=None)
        assert (done.stdout, "can be replaced by other users" in done.stderr) == ("", True)
    if os.geteuid() == 0:
        system.chmod(0o644)
        os.chown(system, 12345, 12345)
        done = _run("-c", code, good, trust=None)
        assert "can be replaced by other users" in done.stderr


def test_placed_files_are_compared_by_what_was_signed(trust: Path, tmp_path: Path) -> None:
    """A file altered on disk, size and time as they were, is put right before it is used."""
    tree: Tree = {
        "stuffed/__init__.py": (
            "import os\nprint(open(os.path.join(os.path.dirname(__file__), 'data.txt')).read())\n"
        ),
        "stuffed/data.txt": "right",
    }
    write_tree(tree, tmp_path / "source")
    options = Options(jobs=1, place={"stuffed": "data"})
    build([tmp_path / "source"], tmp_path / "app.bundle", options)
    bundle = signed(tmp_path / "app.bundle", tmp_path / "app.signed")
    code = "import sys, litebundle; litebundle.install(); sys.path.insert(0, sys.argv[1])\n"
    code += "import stuffed"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITEBUNDLE_CACHE", str(tmp_path / "cache"))
        assert _run("-c", code, bundle, trust=trust).stdout == "right\n"
        [placed] = (tmp_path / "cache").glob("*/stuffed/data.txt")
        before = placed.stat()
        placed.write_text("wrong")
        os.utime(placed, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert _run("-c", code, bundle, trust=None).stdout == "wrong\n"
        assert _run("-c", code, bundle, trust=trust).stdout == "right\n"


def test_a_statement_names_what_was_signed(bundles: dict[str, Path], kind: str) -> None:
    """Format, application, version, targets, and the digest of the digests of all there is."""
    statement = Statement(Bundle(bundles[f"{kind} signed"]).manifest)
    keys = [line.split("\t")[0] for line in statement.text.decode().splitlines()]
    assert {"format", "identity", "target.0", "root.0", APP, VERSION, DIGESTS} <= set(keys)
    assert keys[0] == "format"


def test_listings_and_blobs_have_digests_of_their_own(bundles: dict[str, Path]) -> None:
    """In a database both are numbered from 1: one does not stand for the other."""
    archive = open_signed(str(bundles["sqlite signed"]), [Trust("the key", KEY.public.line)])
    assert isinstance(archive, SignedArchive)
    listing = archive.listing("")
    assert listing is not None
    ref = archive.roots[0].ref
    assert ref.identifier == 1
    assert archive.blob(ref, LISTINGS) == listing.data
    with pytest.raises(BundleSignatureError):
        archive.blob(ref)
    assert archive.digest(0) == archive.digest(10**9) == b""


@pytest.mark.parametrize("kind", get_args(_Container))
def test_each_shard_of_a_large_directory_has_a_digest(tmp_path: Path, kind: _Container) -> None:
    """None is used but what was signed, as for any listing."""
    write_tree({f"m{number:03}.py": f"VALUE = {number}\n" for number in range(600)}, tmp_path / "s")
    build([tmp_path / "s"], tmp_path / "plain", Options(container=kind, jobs=1))
    bundle = signed(tmp_path / "plain", tmp_path / "signed")
    archive = open_signed(str(bundle), [Trust("the key", KEY.public.line)])
    assert isinstance(archive, SignedArchive)
    listing = archive.listing("")
    assert listing is not None
    assert len(listing.modules) == 600
    shards = [ref for ref in listing.shards() if ref is not None]
    assert len(shards) > 1
    first = shards[0].identifier + (archive.statement.digests[2] if kind == "sqlite" else 0)
    run = bytearray(archive._runs[(first - 1) // 128])
    run[(first - 1) % 128 * 32] ^= 1
    archive._runs[(first - 1) // 128] = bytes(run)
    with pytest.raises(BundleSignatureError):
        archive.part(shards[0], "")
    archive.part(shards[1], "")
