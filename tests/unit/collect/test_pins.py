"""Pins: what a lock says of versions, whatever it is for, and whether requirements fit it."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from litebundle.collect.pins import misfits

SHA = "0" * 64

REQUIREMENTS = f"""\
# a comment
--index-url https://example.org
Demo.App==1.5 ; python_version < '3.12' \\
    --hash=sha256:{SHA} \\
    --hash=sha256:{SHA}
    # via something
demo-app==2.0 ; python_version >= '3.12' --hash=sha256:{SHA}  # and another
far @ https://example.org/far-1.zip --hash=sha256:{SHA}
"""
PYLOCK = """\
lock-version = "1.0"
created-by = "a test"
""" + "".join(
    f'[[packages]]\nname = "{name}"\n{version}'
    f'archive = {{url = "https://example.org/x.zip", hashes = {{sha256 = "{SHA}"}}}}\n'
    for name, version in (
        ("demo-app", 'version = "1.5"\n'),
        ("demo-app", 'version = "2.0"\n'),
        ("far", ""),
    )
)
UV_LOCK = """\
version = 1
package = [
    {name = "demo-app", version = "1.5"}, {name = "demo-app", version = "2.0"}, {name = "far"},
]
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [("requirements.txt", REQUIREMENTS), ("pylock.toml", PYLOCK), ("uv.lock", UV_LOCK)],
)
def test_requirements_have_to_fit_the_lock(tmp_path: Path, name: str, text: str) -> None:
    """Every version of a package, unless the requirement is itself for some environments only."""
    path = tmp_path / name
    path.write_text(text)
    fit = ["demo_app>=1", "far", "demo-app<2; python_version<'3.12'", "gone; os_name=='nt'"]
    assert misfits(path, map(Requirement, fit)) == []
    unfit = ["demo-app>=2", "gone", "demo-app>2; os_name=='posix'"]
    assert misfits(path, map(Requirement, unfit)) == [
        "pins demo-app 1.5 and 2.0, not demo-app>=2",
        "does not pin gone",
        'pins demo-app 1.5 and 2.0, not demo-app>2; os_name == "posix"',
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "demo==1.0\n"),
        ("requirements.txt", f"demo>=1.0 --hash=sha256:{SHA}\n"),
        ("requirements.txt", f"demo==1.* --hash=sha256:{SHA}\n"),
        ("requirements.txt", "demo = 1.0\n"),
        ("requirements.txt", b"\xff"),
        ("pylock.toml", "packages = 1\n"),
        ("pylock.toml", "packages = [\n"),
        ("uv.lock", "version = 1\n"),
        ("uv.lock", "package = 1\n"),
        ("uv.lock", "package = [1]\n"),
        ("uv.lock", "package = [{name = 'x', version = 'y'}]\n"),
        ("uv.lock", "package = [{name = 1}]\n"),
    ],
)
def test_what_is_no_lock_is_refused(tmp_path: Path, name: str, text: str | bytes) -> None:
    """Because of what it is written as, or because it leaves a choice."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=r"\w"):
        misfits(path, [Requirement("x")])
