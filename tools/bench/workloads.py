"""What is imported: each workload's distributions, or generated files, and its import statement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_SYMPY = ("sympy==1.14.0", "mpmath==1.3.0")
_DJANGO = ("django==5.2.8", "asgiref==3.13.0", "sqlparse==0.6.1")
_BOTOCORE = (
    "botocore==1.44.5",
    "jmespath==1.1.0",
    "python-dateutil==2.9.0.post0",
    "six==1.17.0",
    "urllib3==2.8.0",
)
_SQLALCHEMY = ("sqlalchemy==2.0.44", "typing_extensions==4.16.0")
_RICH = ("rich==15.0.0", "pygments==2.21.0", "markdown-it-py==4.3.0", "mdurl==0.1.2")


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """A tree of pure Python, from pinned distributions or given files, and what to import."""

    name: str
    statement: str
    requirements: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def module_files(tree: Path) -> dict[str, Path]:
    """Return the source file of every module in a tree, by the module's dotted name."""
    found: dict[str, Path] = {}
    for path in sorted(tree.rglob("*.py")):
        parts = path.relative_to(tree).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        # A package sorts, and counts, before a module of its name.
        found.setdefault(name, path)
    return found


_SOURCE = '''\
"""Module {0}."""

VALUE = {0}


def value():
    """Return the value."""
    return VALUE


class Item:
    """Hold a value."""

    def __init__(self, value=VALUE):
        self.value = value

    def doubled(self):
        return 2 * self.value
'''


def _tiny() -> dict[str, str]:
    """Return 2,000 modules: a hundred in each of twenty packages of the package `tiny`."""
    files = {"tiny/__init__.py": ""}
    for package in range(20):
        files[f"tiny/p{package:02}/__init__.py"] = ""
        for module in range(100):
            name = f"tiny/p{package:02}/m{module:02}.py"
            files[name] = _SOURCE.format(100 * package + module)
    return files


_TINY_STATEMENT = """\
for package in range(20):
    for module in range(100):
        __import__(f"tiny.p{package:02}.m{module:02}")
"""

# Unconfigured but for the defaults, no app installed: importing the admin is what is measured.
_DJANGO_STATEMENT = """\
from django.conf import settings
settings.configure()
import django
django.setup()
import django.contrib.admin
"""

_RICH_STATEMENT = """\
import rich.console, rich.live, rich.logging, rich.progress, rich.prompt, rich.table, rich.tree
"""

SYMPY = Workload(name="sympy", requirements=_SYMPY, statement="import sympy")
# One import out of 2,000 modules side by side: what it costs to open, by the number of entries.
FLAT = Workload(
    name="flat",
    files={f"m{number:04}.py": _SOURCE.format(number) for number in range(2000)},
    statement="import m1000",
)
WORKLOADS = (
    SYMPY,
    Workload(name="django", requirements=_DJANGO, statement=_DJANGO_STATEMENT),
    Workload(
        name="botocore",
        requirements=_BOTOCORE,
        statement="import botocore.session; botocore.session.get_session()",
    ),
    Workload(name="sqlalchemy", requirements=_SQLALCHEMY, statement="import sqlalchemy.orm"),
    Workload(name="rich", requirements=_RICH, statement=_RICH_STATEMENT),
    Workload(name="tiny", files=_tiny(), statement=_TINY_STATEMENT),
    FLAT,
)

# What is built when the builder is timed; nothing of it is imported.
EVERYTHING = Workload(
    name="everything",
    requirements=(*_SYMPY, *_DJANGO, *_SQLALCHEMY, *_BOTOCORE, *_RICH),
    statement="",
)
