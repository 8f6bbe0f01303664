"""Files that somebody drops beside a bundle or into one: it is a closed index."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.faults.conftest import Program
from tests.rules.places import Library, Tree

TREE: Tree = {
    "app/__init__.py": "",
    "app/main.py": "import app.late\nprint('ours')\n",
    "app/late.py": "",
}

EVIL = "raise SystemExit('evil')\n"

START = "import sys, litebundle; litebundle.install(); sys.path.insert(0, sys.argv[1])\n"


def run(bundle: Path, code: str, *, cwd: Path) -> str:
    """Run code with the bundle first on the path; return what it prints, or how it ended."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", START + code, str(bundle)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


@pytest.mark.fault(52)
@pytest.mark.parametrize("kind", ["sqlite", "zip"])
def test_names_of_the_bundle_are_found_in_no_other_place(
    kind: str, library: Library, tmp_path: Path
) -> None:
    """With files of the same names beside it, and in the working directory."""
    bundle = Path(shutil.copy(library.place(TREE, kind).entry, tmp_path / "app.bundle"))
    for directory in (tmp_path, tmp_path / "app.bundle.d", tmp_path / "app"):
        directory.mkdir(exist_ok=True)
        for name in ("app.py", "late.py", "main.py", "__init__.py"):
            directory.joinpath(name).write_text(EVIL)
    assert run(bundle, "import app.main", cwd=tmp_path) == "ours\n"


@pytest.mark.fault(52)
def test_a_member_dropped_into_a_zip_is_no_module(library: Library, tmp_path: Path) -> None:
    """Zipimport would take it; the index has not got it, not even inside a package of its own."""
    bundle = Path(shutil.copy(library.place(TREE, "zip").entry, tmp_path / "app.bundle"))
    with zipfile.ZipFile(bundle, "a") as archive:
        for name in ("evil.py", "app/evil.py", "app/late/__init__.py"):
            archive.writestr(name, EVIL)
    assert run(bundle, "import app.main", cwd=tmp_path) == "ours\n"
    for name in ("evil", "app.evil"):
        said = run(bundle, f"import {name}", cwd=tmp_path).splitlines()[-1]
        assert said == f"ModuleNotFoundError: No module named '{name}'"


@pytest.mark.fault(52)
def test_a_module_dropped_among_placed_files_is_none(program: Program) -> None:
    """The directory of placed files is on the package's path, for its data only."""
    program.run()
    [placed] = program.placed()
    for name in ("evil.py", "late.py", "__init__.py"):
        (placed / "stuffed" / name).write_text(EVIL)
    script = (
        "import stuffed, stuffed.late\n"
        "try:\n"
        "    import stuffed.evil\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)\n"
    )
    assert program.run(script) == "No module named 'stuffed.evil'\n"
