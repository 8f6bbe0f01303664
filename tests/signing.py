"""Keys, trust files and signed bundles for the tests."""

from pathlib import Path

from litebundle.signer import Seal, sign
from litebundle.write.keys import SecretKey

KEY = SecretKey(identifier=b"litetest", seed=bytes(range(32)))
OTHER = SecretKey(identifier=b"other key"[:8], seed=bytes(32))


def trust_file(path: Path, *rules: str, key: SecretKey = KEY) -> Path:
    """Write a trust file of one key and what is said of it; return its path."""
    path.write_text("\n".join(["# for the tests", key.public.line, *rules]) + "\n")
    return path


def signed(
    bundle: Path, output: Path, app: str = "demo", version: int = 5, key: SecretKey = KEY
) -> Path:
    """Sign a copy of a bundle; return it."""
    output.parent.chmod(0o700)
    sign(bundle, output, Seal(app=app, version=version, key=key), force=True)
    return output
