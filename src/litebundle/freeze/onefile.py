"""A program in one file: a script, the interpreter that it unpacks, and the bundle."""

import gzip
import hashlib
import tarfile
import tempfile
from pathlib import Path

from litebundle.errors import BuildError
from litebundle.freeze.folder import Choice, Frozen, check_output, opened, write_runtime
from litebundle.freeze.program import begins, script, write_program
from litebundle.runtime.archive import open_archive
from litebundle.runtime.unpacked import digest
from litebundle.write.atomic import replacing

_TIME = 315_619_200  # 1980-01-02, which no tar complains of
_WIDTH = 12  # of a number that is written in where the length of the text is known already


def freeze_onefile(file: Path, output: Path, choice: Choice) -> Frozen:
    """Write a bundle's program and its interpreter into one executable file, as a whole.

    Raises BuildError for what cannot be frozen and for what the disk refuses; what stood at
    `output` is then untouched.
    """
    bundle, python = opened(file, choice)
    output = output.absolute()
    # Before the work: the script says whether the bundle is a program
    text = script("onefile.sh", bundle, python, start="@START@".ljust(_WIDTH))
    check_output(output, file, _is_ours, force=choice.force)
    with tempfile.TemporaryDirectory(prefix="litebundle-") as work:
        home, payload = Path(work) / "home", Path(work) / "payload"
        home.mkdir()
        found = write_runtime(bundle, python, home, choice, program=None)
        _pack(home, payload)
        facts = {
            "KEY": hashlib.sha256(payload.read_bytes()).hexdigest(),
            "SIZE": str(payload.stat().st_size),
            "CHECKSUM": digest(str(home)),
        }
        for fact, value in facts.items():
            text = text.replace(f"@{fact}@".encode(), value.encode())
        # `tail -c` counts from one
        text = text.replace(b"@START@".ljust(_WIDTH), b"%-*d" % (_WIDTH, len(text) + 1))
        with replacing(output, _check) as aside:
            write_program(bundle, aside, text, payload)
    return Frozen(
        output=output,
        program=output,
        python=python.release,
        size=output.stat().st_size,
        extensions=found.extensions,
        libraries=found.libraries,
        missing=found.missing,
    )


def _pack(home: Path, payload: Path) -> None:
    """Write what is in a directory as a compressed archive, equal for equal files."""
    with (
        payload.open("wb") as file,
        gzip.GzipFile("", "wb", 9, file, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path in sorted(home.rglob("*")):
            member = archive.gettarinfo(path, path.relative_to(home).as_posix())
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = _TIME
            member.mode = 0o755 if path.is_dir() or member.mode & 0o100 else 0o644
            if member.isfile():
                with path.open("rb") as content:
                    archive.addfile(member, content)
            else:
                archive.addfile(member)


def _is_ours(path: Path) -> bool:
    return begins(path, rb"key=[0-9a-f]{64}") and open_archive(str(path)) is not None


def _check(path: Path) -> None:
    if not _is_ours(path):
        raise BuildError(
            "what was written reads back differently",
            file=str(path),
            hint="check the disk and the memory of this machine",
        )
