"""What checking a signature costs: `python tools/bench/signature.py`, in CPU time.

A bundle of the packages that the tests' environment has is opened, and all its code fetched, in
processes of their own: unsigned, signed, and signed where the program has loaded OpenSSL.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from litebundle.builder import Options, build
from litebundle.signer import Seal, sign
from litebundle.write.keys import new_key

_PACKAGES = ("click", "hypothesis", "mypy", "pygments", "rich")
_RUNS = 5

_PROBE = """
import json, marshal, sys
from time import process_time_ns
file, key, kind = sys.argv[1:]
if kind == "openssl":
    import _hashlib
from litebundle.runtime.archive import open_archive
begun = process_time_ns()
if key:
    from litebundle.runtime.signed import open_signed
    from litebundle.runtime.trust import load
imported = process_time_ns()
archive = open_signed(file, [load(key)]) if key else open_archive(file)
opened = process_time_ns()

def refs(directory):
    listing = archive.listing(directory)
    for index in listing.modules.values():
        if any(ref := listing.code(archive.variant, index)):
            yield ref
    for name in listing.directories:
        yield from refs(f"{directory}/{name}".lstrip("/"))

def least(work):
    times = []
    for _ in range(5):
        start = process_time_ns()
        work()
        times.append(process_time_ns() - start)
    return min(times) / 1000 / len(found)

found = list(refs(""))
codes = [archive.code(ref) for ref in found]
print(json.dumps({
    "modules": len(found),
    "bytes a module": sum(map(len, codes)) // len(codes),
    "import of the checks, ms": (imported - begun) / 1e6,
    "opening, ms": (opened - imported) / 1e6,
    "fetching a module, us": least(lambda: [archive.code(ref) for ref in found]),
    "unmarshalling it, us": least(lambda: [marshal.loads(code) for code in codes]),
}))
"""


def main() -> None:
    """Print the table."""
    site = Path(json.__file__).parents[1] / "site-packages"
    site = next((Path(p) for p in sys.path if p.endswith("site-packages")), site)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        source = home / "source"
        source.mkdir()
        for package in _PACKAGES:
            (source / package).symlink_to(site / package)
        key = new_key()
        (home / "key.pub").write_text(key.public.line + "\n")
        for container in ("sqlite", "zip"):
            plain, signed = home / f"{container}.bundle", home / f"{container}.signed"
            build([source], plain, Options(container=container))
            sign(plain, signed, Seal(app="bench", version=1, key=key))
            growth = signed.stat().st_size - plain.stat().st_size
            print(f"{container}: {growth:,} bytes more, of {plain.stat().st_size:,}")
            for title, arguments in (
                ("unsigned", (plain, "", "")),
                ("signed", (signed, home / "key.pub", "")),
                ("signed, OpenSSL loaded", (signed, home / "key.pub", "openssl")),
            ):
                results = [_measured(*arguments) for _ in range(_RUNS)]
                least = {name: min(result[name] for result in results) for name in results[0]}
                shown = ", ".join(f"{name} {value:.5g}" for name, value in least.items())
                print(f"  {title}: {shown}")


def _measured(*arguments: object) -> dict[str, float]:
    command = [sys.executable, "-c", _PROBE, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
