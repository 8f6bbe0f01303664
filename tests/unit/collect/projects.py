"""Small projects that build without any package from an index: they bring their own backend."""

from pathlib import Path

from tests.unit.collect.trees import make

BACKEND = """
import base64, hashlib, io, tarfile, zipfile
from pathlib import Path

NAME = {name!r}
REQUIRES = {requires!r}
FAILS = {fails!r}

def build_sdist(directory, config_settings=None):
    with tarfile.open(Path(directory) / f"{{NAME}}-1.0.tar.gz", "w:gz") as archive:
        for path in sorted(Path().iterdir()):
            if path.suffix in (".py", ".toml"):
                archive.add(path, f"{{NAME}}-1.0/{{path.name}}")
        data = b"Metadata-Version: 2.1\\nName: %s\\nVersion: 1.0\\n" % NAME.encode()
        info = tarfile.TarInfo(f"{{NAME}}-1.0/PKG-INFO")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return f"{{NAME}}-1.0.tar.gz"

def build_wheel(directory, config_settings=None, metadata_directory=None):
    if FAILS:
        raise SystemExit(FAILS)
    info = f"{{NAME}}-1.0.dist-info"
    files = {{f"{{NAME}}.py": Path(f"{{NAME}}.py").read_text()}}
    files[f"{{info}}/METADATA"] = (
        f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: 1.0\\n"
        + "".join(f"Requires-Dist: {{one}}\\n" for one in REQUIRES)
    )
    files[f"{{info}}/WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    record = f"{{info}}/RECORD,,\\n"
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{{name}},sha256={{digest.decode()}},{{len(text)}}\\n"
    with zipfile.ZipFile(Path(directory) / f"{{NAME}}-1.0-py3-none-any.whl", "w") as archive:
        for name, text in {{**files, f"{{info}}/RECORD": record}}.items():
            archive.writestr(name, text)
    return f"{{NAME}}-1.0-py3-none-any.whl"
"""


def project(
    top: Path, *, name: str = "proj", requires: tuple[str, ...] = (), fails: str = ""
) -> Path:
    """Create a project of one module, in whose wheel are these requirements."""
    return make(
        top,
        {
            "pyproject.toml": (
                "[build-system]\nrequires = []\n"
                'build-backend = "backend"\nbackend-path = ["."]\n'
                f'[project]\nname = "{name}"\nversion = "1.0"\n'
                f"dependencies = {list(requires)}\n"
            ),
            "backend.py": BACKEND.format(name=name, requires=requires, fails=fails),
            f"{name}.py": f"NAME = {name!r}\n",
        },
    )
