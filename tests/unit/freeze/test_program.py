"""The script in front of a frozen program: what it is called, and with which options it starts."""

import os
import subprocess
from pathlib import Path

import pytest

from litebundle.builder import Options, build
from litebundle.errors import BuildError
from litebundle.freeze.program import HEAD, arguments, name, write_program
from litebundle.inspect.bundle import Bundle
from litebundle.runtime.archive import open_archive
from litebundle.write.launcher import Launch
from tests.rules.places import write_tree


def packed(home: Path, launch: Launch | None, kind: str = "sqlite") -> Bundle:
    """Return a bundle of one module with two commands."""
    entry_points = "[console_scripts]\nzero = m:one\none = m:one\ntwo = m:two\n"
    tree = {
        "m.py": "def one(): print('one')\ndef two(): pass\n",
        "d-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: d\nVersion: 1\n",
        "d-1.dist-info/entry_points.txt": entry_points,
    }
    write_tree(tree, home / "source")
    options = Options(container=kind, jobs=1, launch=launch)  # type: ignore[arg-type]
    build([home / "source"], home / "app.bundle", options)
    return Bundle(home / "app.bundle")


@pytest.mark.parametrize(("main", "expected"), [("two", "two"), ("zero", "one"), ("m", "app")])
def test_it_is_called_as_its_command(tmp_path: Path, main: str, expected: str) -> None:
    """Of several the first in the alphabet; without one, as the bundle is."""
    assert name(packed(tmp_path, Launch(main=main))) == expected


@pytest.mark.parametrize("kind", ["sqlite", "zip"])
def test_its_interpreter_has_the_options_of_the_bundle(tmp_path: Path, kind: str) -> None:
    """As the shell takes them."""
    launch = Launch(main="two", python_args=("-X", "a b", "-O"))
    assert arguments(packed(tmp_path, launch, kind)) == "-X 'a b' -O -s"


@pytest.mark.parametrize("launch", [None, Launch()])
def test_what_starts_nothing_is_refused(tmp_path: Path, launch: Launch | None) -> None:
    """A bundle to import from, and one that is an interpreter."""
    with pytest.raises(BuildError, match="no program"):
        arguments(packed(tmp_path, launch))


@pytest.mark.parametrize("kind", ["sqlite", "zip"])
@pytest.mark.parametrize("executable", [False, True])
def test_the_bundle_stands_behind_script_and_payload(
    tmp_path: Path, kind: str, executable: bool
) -> None:
    """Its own first line is replaced; what reads bundles finds it where the second line says."""
    launch = Launch(main="one", executable=executable)
    bundle = packed(tmp_path, launch, kind)
    payload = tmp_path / "payload"
    payload.write_bytes(b"\0" * 5000)
    write_program(bundle, tmp_path / "out", HEAD % 0 + b"echo $0; exit\n", payload)
    text = (tmp_path / "out").read_bytes()
    assert text.startswith(b"#!/bin/sh\n#@")
    assert text.count(b"#!/usr/bin/env") == 0
    assert Bundle(tmp_path / "out").read("m.py") == bundle.read("m.py")
    assert os.access(tmp_path / "out", os.X_OK)
    done = subprocess.run([tmp_path / "out"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path}/out\n"


@pytest.mark.parametrize("second", [b"#@", b"#@12x", b"#@999999999999", b"#@-1", b"#@0", b"#"])
def test_a_prefix_that_leads_nowhere_is_no_bundles(tmp_path: Path, second: bytes) -> None:
    """Whatever the second line says; no more of the file is looked at than the lines may have."""
    bundle = packed(tmp_path, None)
    data = Path(bundle.path).read_bytes()
    (tmp_path / "out").write_bytes(b"#!/bin/sh\n" + second + b"\n" + data)
    assert open_archive(str(tmp_path / "out")) is None
