"""Keep secrets out of logs and results: values of variables that look secret are replaced before anything is written."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:TOKEN|SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|APIKEY|AUTH|PAT|(?:API|ACCESS|PRIVATE|SIGNING|ENCRYPTION)_?KEY)(?:_|$|\d)",
    re.IGNORECASE,
)
_SHORTEST = 6
"""Shorter values (`1`, `true`, `main`) stand everywhere; masking them would hide the log and no secret."""

_OUR_WORDS = frozenset({"type", "outcome", "kind"})
"""Fields that hold nothing but words of our own: who has such a word as a password must still get readable results."""

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


def looks_secret(name: str) -> bool:
    """Whether a variable of this name may hold a secret."""
    return _SECRET_NAME.search(name) is not None


class Mask:
    """Replaces secret values by `[masked: NAME]`.

    Attributes:
        longest: bytes of the longest form of a secret; 0 without secrets.
    """

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
        forms: dict[bytes, bytes] = {}
        for text, name in secrets.items():
            for form in _forms(text):
                forms.setdefault(_encode(form), _encode(f"[masked: {name}]"))
        self._forms = forms
        self.longest = max(map(len, forms), default=0)
        # Longest first: a secret that contains another one must not leave its rest behind.
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(re.escape(form) for form in ordered)) if ordered else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def data(self, data: bytes) -> bytes:
        """`data` without secrets, in plain or escaped form."""
        if self._pattern is None:
            return data
        return self._pattern.sub(lambda match: self._forms[match[0]], data)

    def text(self, text: str) -> str:
        """`text` without secrets."""
        if self._pattern is None:
            return text
        try:
            return self.data(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # lone surrogates that stand for no byte
            return self.data(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def value(self, value: Any) -> Any:
        """`value`, built of lists and dicts, without secrets in its texts.

        Texts one by one, not their JSON: a secret of digits would hit a number there, and make it unreadable.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: item if key in _OUR_WORDS else self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def struct(self, struct: _Struct) -> _Struct:
        """`struct` without secrets."""
        if self._pattern is None:
            return struct
        return msgspec.convert(self.value(msgspec.to_builtins(struct)), type(struct))

    def safe_end(self, data: bytes) -> int:
        """Up to where `data` can be masked and written alone: no secret lies across that place, or begins behind it."""
        end = max(0, len(data) - max(0, self.longest - 1))
        if self._pattern is not None:
            for match in self._pattern.finditer(data):
                if match.start() < end < match.end():
                    return match.end()
        return end


def _forms(text: str) -> tuple[str, ...]:
    """A secret as it is, as JSON in both spellings, and as an assertion shows it."""
    return text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # as the system hands it out
