"""The digest of a file, by which its content is recognised later."""

from __future__ import annotations

import msgspec


class FileDigest(msgspec.Struct, frozen=True, kw_only=True):
    """Size and digest of a file.

    Attributes:
        size: bytes.
        sha256: `sha256:HEX` of its content.
    """

    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> FileDigest:
        """The digest of a file with these bytes."""
        import hashlib  # loads OpenSSL, some 3 MiB that no reader of results needs

        return cls(size=len(data), sha256="sha256:" + hashlib.sha256(data).hexdigest())
