"""Projects to wheels, by pypa/build."""

import tempfile
import tomllib
from pathlib import Path
from typing import Any

from litebundle.collect import tools
from litebundle.errors import BuildError


def is_project(directory: Path) -> bool:
    """Tell whether a directory is what a wheel is built from, and not one to put on `sys.path`.

    It is if its pyproject.toml says so, by a table `build-system` or `project` (PEP 518, 621).
    """
    return not read_project(directory).keys().isdisjoint(("build-system", "project"))


def read_project(directory: Path) -> dict[str, Any]:
    """Return what the directory's pyproject.toml says; nothing if it has none of its own.

    Where distributions are installed it has not: some leave a pyproject.toml of theirs there.
    Raises BuildError for one that cannot be read.
    """
    path = directory / "pyproject.toml"
    if not path.is_file() or next(directory.glob("*.dist-info"), None):
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BuildError(
            f"cannot be read: {error}", file=str(path), hint="correct it, or name its src directory"
        ) from error


def build_wheel(directory: Path, work: Path) -> Path:
    """Build a project's wheel below `work`, by way of its source distribution.

    That leaves nothing in the project, and takes nothing from what earlier builds left there.
    Raises BuildError if it does not build.
    """
    output = Path(tempfile.mkdtemp(dir=work))
    installer = "uv" if tools.uv() else "pip"
    tools.run(
        [*tools.module("build"), "--installer", installer, "--outdir", str(output), str(directory)],
        f"{directory}: the project does not build",
        hint="correct it until `python -m build` builds it",
        env={"PYTHONDONTWRITEBYTECODE": "1"},  # a backend may be a module of the project's own
    )
    return next(output.glob("*.whl"))
