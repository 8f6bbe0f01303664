"""What a run depends on beside the contestants: the machine, the Python, the commit, the peers."""

import importlib.metadata
import os
import platform
from pathlib import Path

from tools.devtools.process import DevError, quietly

_GIT = "this needs git, and a checkout"


def machine() -> dict[str, str]:
    """Return what the machine is, without its name."""
    facts = {"system": f"{platform.system()} {platform.release().partition('-')[0]}"}
    facts["processor"] = f"{os.cpu_count()} x {_processor()}"
    if hasattr(os, "sysconf"):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        facts["memory"] = f"{memory / (1 << 30):.0f} GiB"
    return facts


def python() -> str:
    """Return the running Python's name and version."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def versions(site: Path) -> dict[str, str]:
    """Return the versions of what is installed in a directory, but for its installers."""
    found = {each.name: each.version for each in importlib.metadata.distributions(path=[str(site)])}
    return {name: found[name] for name in sorted(found) if name not in ("pip", "setuptools")}


def commit(name: str = "HEAD") -> str:
    """Return a commit's name in twelve digits, a "+" behind it if HEAD's files were changed."""
    found = quietly(["git", "rev-parse", "--short=12", f"{name}^{{commit}}"], _GIT).strip()
    changed = name == "HEAD" and quietly(
        ["git", "status", "--porcelain", "--untracked-files=no"], _GIT
    )
    return found + ("+" if changed else "")


def named(text: str) -> str:
    """Return the commit that a name means to git, the text itself if it means nothing."""
    try:
        return commit(text)
    except DevError:
        return text


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
