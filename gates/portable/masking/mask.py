"""Replace secrets in bytes, texts and values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..patterns import lazy_pattern
from .cuts import Pieces, replaced
from .forms import encode, forms_of, pieces_of
from .names import secrets_of

if TYPE_CHECKING:
    from .forms import Form

OUR_WORDS = frozenset({"type", "outcome", "kind"})
"""Fields that contain only words of gates: results must stay readable even if such a word is a password."""

IN_URL = "URL password"
"""The replacement for a password that is not in a variable."""

_URL = lazy_pattern(
    rb"(:\\?/\\?/)"
    rb"(?:([^\s/?#@:\"'<>\\\[\]]*:)(?!\[masked: )[^\s/?#\"'<>\\]+"  # user:password
    rb"|[A-Za-z0-9_-]{20,}(?:%3[Dd]|=)*)"  # a token instead of the user
    rb"(?=@)"
)


def _may_be_url(data: bytes) -> bool:
    return b"@" in data and (b"://" in data or b":\\/" in data)


class Mask:
    """Replaces secret values by `[masked: NAME]`; masking a masked text again changes nothing.

    It may learn more secrets while it is used.
    """

    def __init__(
        self, environment: Mapping[str, str] | None = None, names: Iterable[str] = (), shown: Iterable[str] = ()
    ) -> None:
        """Collect the secrets.

        Args:
            environment: variables and values.
            names: variables that are always secret.
            shown: variables that the config records, even if their names look secret.
        """
        self.names, self.shown = frozenset(names), frozenset(shown)
        self._secrets: dict[str, str] = {}
        self._forms: list[tuple[Form, str]] = []
        self._anchors: tuple[bytes, ...] = ()
        self._always = False
        self._pieces: Pieces | None = None
        self._patterns: dict[tuple[int, ...], tuple[re.Pattern[bytes], list[str]]] = {}
        self.longest = 0
        self.learn(environment or {})

    def learn(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Add variables; return those with a secret that was not known before."""
        found = secrets_of(environment, self.names, self.shown)
        fresh = {text: name for text, name in found.items() if text not in self._secrets}
        if fresh:
            self._secrets.update(fresh)
            self._prepare()
        held = set(fresh.values())
        return {name: value for name, value in environment.items() if name in held}

    def holding(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The variables that contain a known secret."""
        found = secrets_of(environment, self.names, self.shown)
        held = {name for text, name in found.items() if text in self._secrets}
        return {name: value for name, value in environment.items() if name in held}

    def _prepare(self) -> None:
        # Longest first: a secret that contains another one must not leave its rest behind.
        ordered = sorted(self._secrets, key=len, reverse=True)
        known: dict[bytes, tuple[Form, str]] = {}
        pieces: dict[bytes, str] = {}
        for text in ordered:
            said = f"[masked: {self._secrets[text]}]"
            for form in forms_of(text):
                known.setdefault(form.pattern, (form, said))
            for piece in pieces_of(text):
                pieces.setdefault(piece, said)
        self._forms = list(known.values())
        self._anchors = tuple(dict.fromkeys(anchor for form, _ in self._forms for anchor in form.anchors))
        self._always = any(not form.anchors for form, _ in self._forms)
        self._pieces = Pieces(pieces)
        self._patterns = {}
        self.longest = max(form.longest for form, _ in self._forms)

    def touches(self, data: bytes) -> bool:
        """Whether `data`, plain or as JSON, may contain a secret; quick, with false positives."""
        return (
            _may_be_url(data)
            or self._always
            or self._anchored(data)
            or (self._pieces is not None and bool(self._pieces.find(data)))
        )

    def _anchored(self, data: bytes) -> bool:
        return any(anchor in data for anchor in self._anchors)

    def data(self, data: bytes) -> bytes:
        """`data` without secrets."""
        found = self._pattern_for(data)
        if found is not None:
            pattern, words = found
            data = pattern.sub(lambda match: encode(words[(match.lastindex or 1) - 1]) or match[0], data)
        if _may_be_url(data):
            said = f"[masked: {IN_URL}]".encode()
            data = _URL.sub(lambda match: match[1] + (match[2] or b"") + said, data)
        if self._pieces is not None:
            spans = self._pieces.find(data)
            if spans:
                data = replaced(data, spans)
        return data

    def _pattern_for(self, data: bytes) -> tuple[re.Pattern[bytes], list[str]] | None:
        """A pattern for the forms that may be in `data`, and the replacement for each of its groups; None if there are none."""
        if not (self._always or self._anchored(data)):
            return None
        found = tuple(
            number
            for number, (form, _) in enumerate(self._forms)
            if not form.anchors or any(anchor in data for anchor in form.anchors)
        )
        if found not in self._patterns:
            names = b"|".join(re.escape(encode(name)) for name in (*dict.fromkeys(self._secrets.values()), IN_URL))
            own = rb"(\[masked: (?:" + names + rb")\])"  # not replaced
            parts = [self._forms[number][0].pattern for number in found]
            pattern = re.compile(b"|".join([own, *(b"(" + part + b")" for part in parts)]))
            self._patterns[found] = pattern, ["", *(self._forms[number][1] for number in found)]
        return self._patterns[found]

    def text(self, text: str) -> str:
        """`text` without secrets."""
        try:
            data = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # lone surrogates that represent no byte
            return self.data(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        masked = self.data(data)
        return text if masked is data else masked.decode("utf-8", "surrogateescape")

    def value(self, value: Any) -> Any:
        """`value`, made of lists and dicts, without secrets in its strings.

        Masks each string, not the JSON: there, a secret of digits would match a number and make it unreadable.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: item if key in OUR_WORDS else self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return value

    def safe_end(self, data: bytes) -> int:
        """The position up to which `data` can be masked and written: no secret crosses it."""
        end = max(0, len(data) - max(0, self.longest - 1))
        found = self._pattern_for(data)
        if found is not None:
            # A match that begins earlier cannot reach this position.
            for match in found[0].finditer(data, max(0, end - self.longest)):
                if match.start() < end < match.end():
                    return match.end()
        return end


def distinct(ids: Iterable[str], mask: Mask) -> dict[str, str]:
    """Ids that contain a secret → the masked id; two that look the same get numbers.

    The numbers follow the order of the ids, not of the collection, so they are stable.
    """
    ids = list(dict.fromkeys(ids))
    if not mask.touches(b"\n".join(map(encode, ids))):
        return {}
    shown = {one: mask.text(one) for one in ids}
    taken = {one for one in ids if shown[one] == one}
    names: dict[str, str] = {}
    for one in sorted(name for name in ids if name not in taken):
        number, name = 1, shown[one]
        while name in taken:
            number += 1
            name = f"{shown[one]}~{number}"
        taken.add(name)
        names[one] = name
    return names
