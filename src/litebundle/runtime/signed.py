"""A bundle of which nothing is used but what was signed (FORMAT.md, "Signature")."""

import sys
from _frozen_importlib_external import path_sep

from ..errors import BundleSignatureError
from ..format.listing import REF_SIZE, decode_ref
from ..format.signature import DIGEST_SIZE, RUN, SIGNATURE, Statement
from . import standard
from .archive import Archive, open_archive
from .containers import BLOBS, DIGESTS, LISTINGS
from .descriptor import Descriptor, absolute, kind_of
from .ed25519 import is_signature
from .mount import SYSTEM_TRUST
from .standard import is_standard, standard_module
from .trust import admit, load, remember, require_safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..format.listing import Ref
    from .containers import SqliteContainer
    from .trust import Trust
    from .zipfile import ZipContainer

_ENTRY = REF_SIZE + DIGEST_SIZE


class SignedArchive(Archive):
    """An archive whose signature was checked, and that gives out no byte without its digest's word.

    `statement` is what was signed. Raises BundleSignatureError unless all `trusts` agree.
    """

    signed = True

    __slots__ = ("_count", "_runs", "_sha256", "_top", "_trusts", "statement")

    def __init__(
        self,
        descriptor: Descriptor,
        container: "SqliteContainer | ZipContainer",
        root: int | None = None,
        *,
        trusts: "list[Trust]",
    ) -> None:
        self._trusts = trusts
        self._runs: dict[int, bytes] = {}
        self._sha256 = sha256()
        super().__init__(descriptor, container, root)

    def _authenticate(self) -> None:
        if not self._trusts:  # nobody would have been asked
            raise self._refused("no key is configured", hint=_UNSIGNED)
        if SIGNATURE not in self.manifest:
            raise self._refused("not signed, and a key is configured", hint=_UNSIGNED)
        try:
            self.statement = Statement(self.manifest)
            reference, digest, self._count = self.statement.digests
            ref = decode_ref(reference)
        except (LookupError, ValueError) as error:
            raise self._refused(f"damaged signature: {error}") from error
        blake2b = standard_module("_blake2").blake2b
        message = blake2b(self.statement.text).digest()
        for value in {trust.key(self.statement, self.path).value for trust in self._trusts}:
            if not is_signature(value, message, self.statement.signature.value):
                raise self._refused("the signature is not one of this manifest")
        if any(trust.strict for trust in self._trusts):
            require_safe(self.path)
        self._top = b"" if ref is None else super().blob(ref, DIGESTS)
        if self._sha256(self._top).digest() != digest:
            raise self._refused("the table of digests is not the one that was signed")
        admit(self._trusts, self.statement, self.path)

    def at(self, root: int) -> "SignedArchive":
        """Return the archive serving another of its roots."""
        return SignedArchive(self._descriptor, self._container, root, trusts=self._trusts)

    def _again(self) -> Archive | None:
        return open_signed(self.path, self._trusts)

    def _is_code(self, ref: bytes, data: bytes) -> bool:
        # One read as for any bundle, but of its digest
        return bool(self._sha256(data).digest() == self.digest(int.from_bytes(ref[8:12], "little")))

    def blob(self, ref: "Ref", table: str = BLOBS) -> bytes:
        """Return the raw bytes of a blob, as `Archive.blob`.

        Raises BundleSignatureError if they are not those that were signed.
        """
        data = super().blob(ref, table)
        number = ref.identifier + (self._count if table == LISTINGS else 0)
        if self._sha256(data).digest() != self.digest(number):
            raise self._refused("not what was signed", offset=self._base + ref.offset)
        return data

    def holds(self, ref: "Ref", data: bytes) -> bool:
        """Tell whether these are the raw bytes of a blob, by their digest."""
        return bool(self._sha256(data).digest() == self.digest(ref.identifier))

    def digest(self, number: int) -> bytes:
        """Return the signed SHA-256 of a blob's or listing's raw bytes, b"" if there is none."""
        index = number - 1
        run = self._runs.get(index // RUN)
        if run is None:
            run = self._runs[index // RUN] = self._run(index // RUN)
        start = index % RUN * DIGEST_SIZE
        return run[start : start + DIGEST_SIZE]

    def _run(self, index: int) -> bytes:
        entry = self._top[index * _ENTRY : (index + 1) * _ENTRY] if index >= 0 else b""
        ref = decode_ref(entry) if entry else None
        if ref is None:
            return b""
        data = super().blob(ref, DIGESTS)
        self._sha256 = sha256()  # the program may have loaded the faster one meanwhile
        if self._sha256(data).digest() != entry[REF_SIZE:]:
            raise self._refused("the digests are not those that were signed")
        return data

    def _refused(self, what: str, **fields: "Any") -> BundleSignatureError:
        return BundleSignatureError(
            what,
            file=self.path,
            build=self.manifest.get("identity", "")[:12],
            **{"hint": "deploy the file again from where it was signed", **fields},
        )


_UNSIGNED = "`bundle sign` signs it; TRUST.md tells where keys are configured"


def open_trusted(path: str, files: "list[str]") -> Archive | None:
    """Open the bundle in a file as `open_archive` does, if all of the trust files agree to it.

    Raises BundleSignatureError if they do not.
    """
    trusts = loaded(files)
    archive = open_signed(path, trusts)
    if archive is not None:
        remember(trusts, archive.statement)
    return archive


def open_signed(path: str, trusts: "list[Trust]") -> SignedArchive | None:
    """Open the bundle in a file likewise, to look at it: its version is not recorded."""
    found = open_archive(path, lambda *parts: SignedArchive(*parts, trusts=trusts))
    assert found is None or isinstance(found, SignedArchive)  # noqa: S101  # what was made
    return found


def checked(archives: "list[Archive]", files: "list[str]") -> "dict[Archive, SignedArchive]":
    """Return open archives again, which these trust files have to agree to as well."""
    trusts = loaded(files)
    found = {}
    for archive in archives:
        descriptor, container = archive._descriptor, archive._container  # noqa: SLF001  # our own
        both = [*getattr(archive, "_trusts", ()), *trusts]
        found[archive] = SignedArchive(descriptor, container, trusts=both)
    for archive in found.values():
        remember(trusts, archive.statement)
    return found


def refuse_other(path: str, files: "list[str]") -> None:
    """Raise BundleSignatureError if what stands at a path entry, no bundle, may not be there.

    That is a zip, which zipimport would be asked for next, and all that stands at a path where a
    trust file expects a bundle. Directories are not what this is about.
    """
    try:
        place = path = absolute(path)
    except OSError:  # the working directory was removed, and what was in it
        return
    while (kind := kind_of(place)) is None and place:
        place = place.rpartition(path_sep)[0]
    if not place or is_standard(place):
        return
    from .zipfile import find_end

    expected = any(trust.names(place) for trust in loaded(files))
    if expected or (kind == "file" and find_end(Descriptor(place)) is not None):
        raise BundleSignatureError(
            "not a signed bundle, and a key is configured", file=path, hint=_UNSIGNED
        )


def loaded(files: "list[str]") -> "list[Trust]":
    """Return what trust files say; raises BundleSignatureError if one says nothing."""
    return [load(file, system=file == SYSTEM_TRUST) for file in files]


def sha256() -> "Callable[[bytes], Any]":
    """Return the fastest SHA-256 that costs nothing to load.

    OpenSSL's uses the processor's own, and takes a fifth of the time: 5 us for 10 kB. But loading
    it takes 2 ms; so it is used once the program has it. Nobody gets into `sys.modules` whose
    code this could protect from.
    """
    openssl = sys.modules.get("_hashlib")
    if openssl is not None:
        try:
            openssl.openssl_sha256(b"")
        except (AttributeError, ValueError):  # ValueError: where only approved uses are allowed
            pass
        else:
            return openssl.openssl_sha256  # type: ignore[no-any-return]
    return standard.sha256()
