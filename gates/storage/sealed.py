"""Files that are read back later: each contains a digest of its content and its name, and is trusted only if it matches.

The digest reveals files that were changed, cut off, or moved. It is not a signature: a program that runs as the
same user can write another one; see docs/explanation/honesty.md.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from gates.portable.patterns import lazy_pattern
from gates.portable.regular import read_bytes
from gates.results.files import write_whole

_SEALED = lazy_pattern(rb'\{"seal":"(?P<seal>sha256:[0-9a-f]{64})","kept":(?P<kept>.*)\}\n', re.DOTALL)


def write_sealed(path: Path, kept: bytes, about: str = "") -> None:
    """Write JSON with its seal.

    Args:
        path: of the file; its name and that of its folder are sealed, too.
        kept: JSON.
        about: something else that the reader must also give.

    Raises:
        EnvironmentProblem: it cannot be written.
    """
    write_whole(path, b'{"seal":"%s","kept":%s}\n' % (_seal(path, kept, about).encode(), kept))


def read_sealed(path: Path, about: str = "") -> bytes:
    """The JSON in a sealed file.

    Raises:
        OSError: it cannot be read.
        ValueError: it changed, or was written for something else.
    """
    found = _SEALED.fullmatch(read_bytes(path))
    if found is None or found["seal"].decode() != _seal(path, found["kept"], about):
        raise ValueError(f"changed since gates wrote it: {path}")
    return found["kept"]


def _seal(path: Path, kept: bytes, about: str) -> str:
    digest = hashlib.sha256(f"gates 1\0{path.parent.name}\0{path.name}\0{about}\0".encode("utf-8", "surrogateescape"))
    digest.update(kept)
    return f"sha256:{digest.hexdigest()}"
