"""Which of a bundle's targets the running interpreter is (PEP 425, 513, 600 and 656)."""

import sys

from ..format.manifest import ANY, Target

try:
    import posix as _os
except ImportError:  # Windows
    import nt as _os  # type: ignore[no-redef]

_LINUX = ("linux_", "manylinux", "musllinux_")
_LEGACY = {"1": 5, "2010": 12, "2014": 17}  # PEP 600: the C library of manylinux1 and so on


def fitting_target(targets: list[Target]) -> Target | None:
    """Return the first target that the running interpreter is, None if there is none."""
    for target in targets:
        if (
            target.python == running_python()
            and target.release in (ANY, running_release())
            and fits_platform(target.platform)
        ):
            return target
    return None


def nearest_target(targets: list[Target]) -> Target | None:
    """Return whose tree to use if no target fits: of this platform, if there is one.

    The trees of other releases are out of the question: they have a standard library in them.
    """
    general = [target for target in targets if target.release == ANY]
    here = [target for target in general if fits_platform(target.platform)]
    return (here or general or [None])[0]  # type: ignore[list-item]


def running_python() -> str:
    """Return the cache tag and ABI flags: "cpython-313", and "cpython-313t" free-threaded."""
    return f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}"


def running_release() -> str:
    """Return the exact version: "3.13.0", "3.14.0rc1", "3.14.0+" for what is in between."""
    return sys.version.partition(" ")[0]


def running_platform() -> str:
    """Return the platform for people: a tag, and the C library, which a tag has in other words."""
    system: str = sys.platform
    if system == "win32":
        return _windows()
    if system == "darwin":
        return f"macosx_{_machine()}"
    libc = "musl" if _is_musl() else f"glibc 2.{_glibc()}"
    return f"{system}_{_machine()} ({libc})" if system == "linux" else f"{system}_{_machine()}"


def fits_platform(tag: str) -> bool:
    """Tell whether what is built for the platform runs here, as far as the tag tells.

    Of the system's versions only glibc's is compared; loading tells about the others.
    """
    system: str = sys.platform
    if tag == ANY:
        return True
    if system == "win32":
        return tag == _windows()
    if system == "darwin":
        return tag.startswith("macosx_") and tag.endswith((f"_{_machine()}", "_universal2"))
    if system == "linux":
        return tag.startswith(_LINUX) and tag.endswith(f"_{_machine()}") and _fits_libc(tag)
    return not tag.startswith((*_LINUX, "macosx_", "win"))


def _fits_libc(tag: str) -> bool:
    if tag.startswith("linux_"):
        return True
    if tag.startswith("musllinux_") or _is_musl():
        return tag.startswith("musllinux_") and _is_musl()
    kind, _, rest = tag.removeprefix("manylinux").partition("_")
    needed = _LEGACY.get(kind) or int("0" + rest.partition("_")[2].partition("_")[0])
    return needed <= _glibc()


def _machine() -> str:
    # A 32-bit Python on a 64-bit kernel is not what the kernel says.
    machine: str = _os.uname().machine
    if sys.maxsize < 2**32:
        return {"x86_64": "i686", "aarch64": "armv7l", "armv8l": "armv7l"}.get(machine, machine)
    return machine


def _is_musl() -> bool:
    return "musl" in getattr(sys.implementation, "_multiarch", "")


def _glibc() -> int:
    """Return the minor version of glibc 2; 0 if it is not that."""
    try:
        name, _, version = (_os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (OSError, ValueError):
        return 0
    minor = version.partition(".")[2].partition(".")[0]
    return int(minor) if name == "glibc" and minor.isdecimal() else 0


def _windows() -> str:
    # As sysconfig.get_platform() tells it.
    version = sys.version.lower()
    if "amd64" in version:
        return "win_amd64"
    return "win_arm64" if "(arm64)" in version else "win32"
