"""Small wheels for the tests, sound or damaged in one way."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Content = str | bytes


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """What a wheel is made of; `record` and `dist_info` replace or remove (None) what is usual."""

    name: str = "demo"
    version: str = "1.0"
    tag: str = "py3-none-any"
    files: Mapping[str, Content] = field(default_factory=lambda: {"demo.py": "VALUE = 1\n"})
    requires: Sequence[str] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)
    dist_info: Mapping[str, Content | None] = field(default_factory=dict)
    record: Mapping[str, str | None] = field(default_factory=dict)
    executable: Sequence[str] = ()

    @property
    def filename(self) -> str:
        """Return the wheel's file name."""
        return f"{self.name}-{self.version}-{self.tag}.whl"

    def write(self, directory: Path) -> Path:
        """Write the wheel into a directory, which is created."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / self.filename
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self._members().items():
                info = zipfile.ZipInfo(name)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = (0o100755 if name in self.executable else 0o100644) << 16
                archive.writestr(info, content)
        return path

    def _members(self) -> dict[str, bytes]:
        info = f"{self.name}-{self.version}.dist-info"
        requires = "".join(f"Requires-Dist: {requirement}\n" for requirement in self.requires)
        usual: dict[str, Content | None] = {
            "METADATA": "Metadata-Version: 2.1\n"
            f"Name: {self.name}\nVersion: {self.version}\n{requires}",
            "WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {self.tag}\n",
        }
        if self.scripts:
            lines = "".join(f"{name} = {value}\n" for name, value in self.scripts.items())
            usual["entry_points.txt"] = f"[console_scripts]\n{lines}"
        described = usual | dict(self.dist_info)
        found = dict(self.files) | {f"{info}/{name}": text for name, text in described.items()}
        members = {
            name: text.encode() if isinstance(text, str) else text
            for name, text in found.items()
            if text is not None
        }
        record = f"{info}/RECORD"
        if record not in found:  # else it is given, or left out
            rows: dict[str, str | None] = {name: row(data) for name, data in members.items()}
            rows |= {record: ",", **self.record}
            lines = "".join(f"{name},{rest}\n" for name, rest in rows.items() if rest is not None)
            members[record] = lines.encode()
        return members


def row(data: bytes, algorithm: str = "sha256") -> str:
    """Return what RECORD has of a file's content."""
    digest = hashlib.new(algorithm, data).digest()
    text = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return f"{algorithm}={text},{len(data)}"
