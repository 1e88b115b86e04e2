"""Tell a test process which secrets its runner knows, without revealing them: a test can read everything in its process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..originals import hashlib
from .forms import encode
from .mask import Mask


def handed_over(mask: Mask, environment: Mapping[str, str], salt: str) -> dict[str, Any]:
    """The message to the test process, as JSON.

    Args:
        mask: the runner's mask.
        environment: of the test process.
        salt: random letters, so that the digests are useless to others.
    """
    known = mask.holding(environment)
    return {
        "names": sorted(mask.names),
        "shown": sorted(mask.shown),
        "salt": salt,
        "known": sorted(_digest(salt, value) for value in known.values()),
    }


def taken_over(told: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[Mask, dict[str, str]]:
    """The mask of a test process, and the variables with secrets that its runner does not know."""
    mask = Mask(names=told.get("names", ()), shown=told.get("shown", ()))
    salt, known = str(told.get("salt", "")), frozenset(told.get("known", ()))
    held = mask.learn(environment)
    return mask, {name: value for name, value in held.items() if _digest(salt, value) not in known}


def _digest(salt: str, value: str) -> str:
    return hashlib.sha256(salt.encode() + encode(value)).hexdigest()[:16]
