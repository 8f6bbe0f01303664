"""Wheels: what they bring is what an installer would put there, and damage is told."""

import csv
import hashlib
import io
import threading
import zipfile
import zlib
from pathlib import Path

import installer
import pytest
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

from litebundle.collect.tree import Entry, Kind, Skipped
from litebundle.collect.wheel import wheel_layer
from litebundle.errors import BuildError
from tests.unit.collect.wheels import Wheel, row

INFO = "demo-1.0.dist-info"
EVERYTHING = Wheel(
    files={
        "demo/__init__.py": "VALUE = 1\n",
        "demo/data/text.txt": "text" * 1000,
        "demo/empty.py": "",
        "demo-1.0.data/purelib/more.py": "MORE = 1\n",
        "demo-1.0.data/platlib/other/__init__.py": "",
        "demo-1.0.data/scripts/tool": "#!python\nprint('tool')\n",
        "demo-1.0.data/data/share/demo/page.html": "<p>",
        "demo-1.0.data/headers/demo.h": "int demo;\n",
    },
    scripts={"demo": "demo:main", "other": "demo.cli:Group.run [extra]"},
    executable=["demo-1.0.data/scripts/tool"],
)


def entries(path: Path) -> dict[str, Entry]:
    """Return the entries of the wheel's layer by path."""
    return {entry.path: entry for entry in wheel_layer(path).entries}


def refusal(path: Path) -> BuildError:
    """Return the error that the wheel is refused with."""
    with pytest.raises(BuildError) as caught:
        wheel_layer(path)
    assert caught.value.file == str(path)
    assert caught.value.hint
    return caught.value


def test_files_are_where_an_installer_puts_them(tmp_path: Path) -> None:
    """The paths and contents are those that pypa/installer writes to disk, but for launchers."""
    path = EVERYTHING.write(tmp_path)
    top = tmp_path / "installed"
    schemes = {
        "purelib": str(top),
        "platlib": str(top),
        "scripts": str(top / "bin"),
        "data": str(top),
        "headers": str(top / "include/demo"),
    }
    # An interpreter called so has its script's first line as the wheel has it.
    target = SchemeDictionaryDestination(schemes, interpreter="python", script_kind="posix")
    with WheelFile.open(path) as source:
        installer.install(source, target, {})
    installed = {
        file.relative_to(top).as_posix(): file for file in top.rglob("*") if file.is_file()
    }
    for launcher in ("bin/demo", "bin/other"):
        del installed[launcher]
    found = entries(path)
    record = f"{INFO}/RECORD"
    assert {name for name in found if name != record} == {n for n in installed if n != record}
    assert {name: entry.read() for name, entry in found.items() if name != record} == {
        name: file.read_bytes() for name, file in installed.items() if name != record
    }
    assert found["bin/tool"].mode == 0o755
    assert {entry.mode for name, entry in found.items() if name != "bin/tool"} == {0o644}
    assert all(entry.size == len(entry.read()) for entry in found.values())
    assert all(entry.kind is Kind.of(entry.path) for entry in found.values())


def test_record_tells_where_the_files_are(tmp_path: Path) -> None:
    """RECORD lists each file by its path in the bundle, with hash and size; itself without."""
    found = entries(EVERYTHING.write(tmp_path))
    text = found[f"{INFO}/RECORD"].read().decode()
    rows = {path: rest for path, *rest in csv.reader(io.StringIO(text))}
    assert list(rows) == sorted(found)
    for name, entry in found.items():
        expected = ["", ""] if name.endswith("RECORD") else row(entry.read()).split(",")
        assert rows[name] == expected


def test_the_layer_names_its_distribution_and_directories(tmp_path: Path) -> None:
    """Every directory above a file is there, the name is normalized, locations are in the wheel."""
    path = Wheel(name="De_Mo", files={"a/b/c.py": ""}).write(tmp_path)
    layer = wheel_layer(path)
    assert layer.distribution == "de-mo"
    assert layer.directories == ("De_Mo-1.0.dist-info", "a", "a/b")
    assert layer.source == path
    assert {entry.location for entry in layer.entries} == {
        str(path / e.path) for e in layer.entries
    }


def test_what_is_deflated_stays_so(tmp_path: Path) -> None:
    """An entry also has the deflate stream that stands in the wheel; it need not be made again."""
    packed = entries(EVERYTHING.write(tmp_path))["demo/data/text.txt"].packed()
    assert packed.raw == b"text" * 1000
    assert packed.deflated is not None
    assert len(packed.deflated) < 100
    assert zlib.decompress(packed.deflated, -15) == packed.raw


def test_members_may_be_stored(tmp_path: Path) -> None:
    """A wheel that was not deflated reads as well."""
    packed = EVERYTHING.write(tmp_path)
    path = tmp_path / "stored" / packed.name
    path.parent.mkdir()
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(path, "w") as target:
        for info in source.infolist():
            target.writestr(info.filename, source.read(info))
    entry = entries(path)["demo/data/text.txt"]
    assert (entry.packed().raw, entry.packed().deflated) == (b"text" * 1000, None)


def test_entries_are_read_from_many_threads(tmp_path: Path) -> None:
    """Readers share the open wheel, and each gets its own bytes."""
    files = {f"m{number}.py": f"VALUE = {number}\n" * 500 for number in range(50)}
    found = entries(Wheel(files=files).write(tmp_path))
    wrong: list[str] = []

    def read() -> None:
        wrong.extend(n for n in files if found[n].read().decode() != files[n])

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_bytecode_and_signatures_are_left_out(tmp_path: Path) -> None:
    """`__pycache__` is left out as installers do, and said so; signatures are of another RECORD."""
    wheel = Wheel(
        files={"demo.py": "", "a/__pycache__/x.pyc": "", "a/__pycache__/y.pyc": "", "a/z.py": ""},
        dist_info={"RECORD.jws": "signature"},
        record={f"{INFO}/RECORD.jws": None},
    )
    layer = wheel_layer(wheel.write(tmp_path))
    assert layer.skipped == (Skipped(path="a/__pycache__", reason="bytecode cache"),)
    names = {entry.path for entry in layer.entries}
    assert names == {"demo.py", "a/z.py", *(f"{INFO}/{n}" for n in ("METADATA", "WHEEL", "RECORD"))}
    assert layer.directories == ("a", INFO)


@pytest.mark.parametrize(
    ("wheel", "problem"),
    [
        (Wheel(files={"../evil.py": ""}), "'../evil.py' has a component '..'"),
        (Wheel(files={"a/../../evil.py": ""}), "'a/../../evil.py' has a component '..'"),
        (Wheel(files={"/evil.py": ""}), "'/evil.py' is absolute"),
        (
            Wheel(files={"demo-1.0.data/data/../../evil": ""}),
            "'demo-1.0.data/data/../../evil' has a component '..'",
        ),
        (Wheel(files={"a\\..\\evil.py": ""}), "'a\\\\..\\\\evil.py' contains a backslash"),
        (Wheel(files={"a//b.py": ""}), "'a//b.py' has an empty component"),
        (Wheel(dist_info={"WHEEL": None}), "it has no WHEEL"),
        (Wheel(dist_info={"METADATA": None}), "it has no METADATA"),
        (Wheel(dist_info={"RECORD": None}), "it has no RECORD"),
        (Wheel(scripts={"demo": "not a place"}), "its entry_points.txt is malformed"),
        (Wheel(dist_info={"entry_points.txt": "[a"}), "its entry_points.txt is malformed"),
        (Wheel(record={"demo.py": None}), "demo.py is not mentioned in RECORD"),
        (Wheel(record={"demo.py": ","}), "hash / size of demo.py is not included in RECORD"),
        (Wheel(record={"gone.py": row(b"")}), "gone.py is listed in RECORD but not there"),
        (
            Wheel(record={"demo.py": "sha256=,many"}),
            "entry in RECORD file for demo.py is invalid: `size` cannot be non-integer",
        ),
        (Wheel(dist_info={"RECORD": "one\n"}), "expected 3 elements, got 1"),
        (
            Wheel(dist_info={"WHEEL": "Wheel-Version: 2.0\nRoot-Is-Purelib: true\n"}),
            "Incompatible Wheel-Version 2.0, only support version 1.x wheels.",
        ),
        (
            Wheel(files={"demo-1.0.data/nowhere/x": ""}),
            "demo-1.0.data/nowhere/x is not contained in a valid .data subdirectory.",
        ),
        (
            Wheel(files={"demo.py": "", "demo-1.0.data/purelib/demo.py": ""}),
            "two of its files are to be installed as demo.py",
        ),
        (
            Wheel(files={"x-1.dist-info/METADATA": ""}),
            "Wheel doesn't contain exactly one .dist-info directory",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unsound_wheel_is_refused(tmp_path: Path, wheel: Wheel, problem: str) -> None:
    """What no wheel may be, or an installer would be led astray by, is told by the fault."""
    error = refusal(wheel.write(tmp_path))
    assert error.message.startswith("is no sound wheel: ")
    assert problem in error.message
    assert error.problems == ()
    assert not (tmp_path.parent / "evil.py").exists()


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """Who has to mend a wheel sees everything that is wrong with it."""
    error = refusal(Wheel(files={"../a.py": "", "/b.py": "", "c.py": ""}).write(tmp_path))
    assert error.message == "is no sound wheel: 2 faults"
    assert error.problems == ("'../a.py' has a component '..'", "'/b.py' is absolute")


def test_names_may_be_there_once(tmp_path: Path) -> None:
    """Two members of one name: unpackers differ in which they take."""
    path = Wheel().write(tmp_path)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("demo.py", "other")
    assert refusal(path).message == "is no sound wheel: 'demo.py' is there 2 times"


def test_only_deflate_is_taken(tmp_path: Path) -> None:
    """Other methods, and encryption, are no wheel's."""
    path = Wheel().write(tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("packed.py", b"", zipfile.ZIP_BZIP2)
    message = refusal(path).message
    assert message.endswith("'packed.py' is compressed by a method that wheels do not use")
    data = bytearray(Wheel().write(tmp_path).read_bytes())
    data[data.rindex(b"PK\x01\x02", 0, data.index(b"demo.py", 60)) + 8] |= 1  # its flags
    path.write_bytes(data)
    assert "is encrypted" in str(refusal(path))


@pytest.mark.parametrize("keep", [0, 1, 100, 400, -1, -30])
def test_a_truncated_wheel_is_refused(tmp_path: Path, keep: int) -> None:
    """A download that broke off has no directory at its end."""
    path = Wheel().write(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    assert "is no sound wheel: " in refusal(path).message


def test_a_missing_wheel_is_told(tmp_path: Path) -> None:
    """The system's reason is passed on."""
    assert refusal(tmp_path / Wheel().filename).message == (
        "cannot be read: No such file or directory"
    )


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    """Whatever byte of a member's is another one, no entry ever reads as anything else."""
    path = Wheel(files={"demo.py": "VALUE = 1\n" * 20, "data.bin": bytes(range(200))}).write(
        tmp_path
    )
    whole = {name: entry.read() for name, entry in entries(path).items()}
    data = path.read_bytes()
    refused = 0
    for position in range(data.index(b"PK\x01\x02")):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :])
        try:
            found = {name: entry.read() for name, entry in entries(path).items()}
        except BuildError:
            refused += 1
        else:
            assert found == whole
    assert refused > len(data) // 3


@pytest.mark.parametrize(
    ("record", "how"),
    [(row(b"VALUE = 2\n"), "its hash is another"), (row(b""), "its size is another")],
)
def test_contents_are_checked_against_record(tmp_path: Path, record: str, how: str) -> None:
    """A file that is not what RECORD says is refused when it is read, by name."""
    path = Wheel(record={"demo.py": record}).write(tmp_path)
    with pytest.raises(BuildError) as caught:
        entries(path)["demo.py"].read()
    assert caught.value.message == f"demo.py is not what the wheel's RECORD says: {how}"
    assert caught.value.file == str(path)


@pytest.mark.parametrize(("algorithm", "known"), [("sha256", True), ("sha512", False)])
def test_a_hash_that_was_checked_is_not_made_again(
    tmp_path: Path, algorithm: str, known: bool
) -> None:
    """What RECORD has of a file, and was found right, is the digest that the bundle has of it."""
    data = b"VALUE = 1\n"
    path = Wheel(record={"demo.py": row(data, algorithm)}).write(tmp_path)
    content = entries(path)["demo.py"].packed()
    expected = hashlib.sha256(data).digest()
    assert content.digest == expected
    assert content.known == (expected if known else None)


def test_no_more_is_inflated_than_the_directory_says(tmp_path: Path) -> None:
    """A stream that swells beyond the size announced is cut there, not believed."""
    content = bytes(1 << 20)
    path = Wheel(files={"bomb": content}, record={"bomb": row(b"\0")}).write(tmp_path)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") - 1)
    assert data[at + 24 : at + 28] == (1 << 20).to_bytes(4, "little")
    data[at + 24 : at + 28] = (1).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(BuildError, match="does not end where it should"):
        entries(path)["bomb"].read()
