"""Keep secrets out of logs and results: values of variables that look secret are replaced before anything is written."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:TOKEN|SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|APIKEY|AUTH|PAT|(?:API|ACCESS|PRIVATE|SIGNING|ENCRYPTION)_?KEY)(?:_|$|\d)",
    re.IGNORECASE,
)
_SHORTEST = 6
"""Shorter values (`1`, `true`, `main`) stand everywhere; masking them would hide the log and no secret."""


def looks_secret(name: str) -> bool:
    """Whether a variable of this name may hold a secret."""
    return _SECRET_NAME.search(name) is not None


class Mask:
    """Replaces secret values by `[masked: NAME]`."""

    def __init__(self, environment: Mapping[str, str], names: Iterable[str] = (), shown: Iterable[str] = ()) -> None:
        """Collect the secrets.

        Args:
            environment: variables and values.
            names: variables that are secret whatever they are called.
            shown: variables that the config wants recorded, whatever they are called.
        """
        also, never = set(names), set(shown) - set(names)
        secrets: dict[str, str] = {}
        for name, value in environment.items():
            if name in never or not (name in also or looks_secret(name)):
                continue
            # A log shows a value of several lines (a private key) line by line.
            for part in (value, *value.splitlines()):
                text = part.strip()
                if len(text) >= _SHORTEST:
                    secrets.setdefault(text, name)
        forms = {}
        for text, name in secrets.items():
            for form in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
                forms[form.encode("utf-8", "surrogateescape")] = f"[masked: {name}]".encode()
        self._forms = forms
        # Longest first: a secret that contains another one must not leave its rest behind.
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(re.escape(form) for form in ordered)) if ordered else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def data(self, data: bytes) -> bytes:
        """`data` without secrets, in plain or JSON-escaped form."""
        if self._pattern is None:
            return data
        return self._pattern.sub(lambda match: self._forms[match[0]], data)

    def text(self, text: str) -> str:
        """`text` without secrets."""
        if self._pattern is None:
            return text
        return self.data(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
