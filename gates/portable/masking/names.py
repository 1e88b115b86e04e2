"""Find variables with secrets, by their names and by their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from ..patterns import lazy_pattern

SHORTEST = 6
"""Shorter values (`1`, `true`, `main`) occur everywhere; masking them would hide the log and no secret."""

_WORDS = (
    # Anywhere in a name, if the word ends there: PGPASSWORD, dbPassword, GHTOKEN, SECRETKEY.
    r"(?:PASSWORD|PASSWD|PASSPHRASE|PASSWRD|PSWD|SECRET|CREDENTIAL|TOKEN|APIKEY)S?(?:KEY)?(?=_|$|\d)",
    # As a separate word.
    r"(?:^|_)(?:PASS|PW|CREDS?|AUTH|AUTHORIZATION|BEARER|PAT|JWTS?|COOKIES?|DSNS?|WEBHOOK|DATABASE_URLS?)(?=_|$|\d)",
    r"(?:^|_)(?:CONNECTION_STRINGS?|CONN_STR(?:ING)?S?)(?=_|$|\d)",
    r"(?:^|_)(?:API|ACCESS|PRIVATE|SIGNING|ENCRYPTION)_?KEYS?(?=_|$|\d)",
    r"(?:_PWD|(?:^|_)KEYS?|(?:SIGNING|ENCRYPTION|ACCESS|PRIVATE)KEYS?)\d*$",
)
_SECRET = lazy_pattern("|".join(_WORDS), re.IGNORECASE)
_HARMLESS = lazy_pattern(
    r"^(?:OLD_?PWD|INIT_PWD)$"
    r"|_(?:FILES?|PATHS?|DIRS?|DIRECTORY|SOCK|SOCKET|HELPER|TTL|TIMEOUT|LENGTH|LEN|TYPE|METHOD|LIMIT|COUNT)$"
    r"|(?:^|_)(?:MAX|MIN|NUM|N|TOTAL|COUNT|PROMPT|OUTPUT|INPUT)_(?:[A-Z]+_)?TOKENS?$"
    r"|(?:^|_)(?:PUBLIC|CACHE|SORT|PRIMARY|FOREIGN|PARTITION|GROUP|LOOKUP|ROUTING|HOT|SHORTCUT)_?KEYS?$",
    re.IGNORECASE,
)
_URL = lazy_pattern(r"://([^\s/?#@:]*):([^\s/?#]+)@")


def looks_secret(name: str) -> bool:
    """Whether a variable of this name may contain a secret."""
    return _SECRET.search(name) is not None and _HARMLESS.search(name) is None


def secrets_of(environment: Mapping[str, str], names: Iterable[str], shown: Iterable[str]) -> dict[str, str]:
    """Secret text → its variable.

    Args:
        environment: variables and values.
        names: variables that are always secret.
        shown: variables that are never secret.
    """
    also = set(names)
    never = set(shown) - also
    found: dict[str, str] = {}
    for name, value in environment.items():
        if name in never:
            continue
        for text in _texts(value, whole=name in also or looks_secret(name)):
            if len(text) >= SHORTEST:
                found.setdefault(text, name)
    return found


def _texts(value: str, *, whole: bool) -> Iterator[str]:
    if whole:
        # A log shows a multi-line value (a private key) line by line.
        for part in (value, *value.splitlines()):
            yield part.strip()
    for match in _URL.finditer(value):
        user, password = match[1], match[2]
        if password != user:  # postgres:postgres is not a secret, but a common word
            yield password
            yield _unquoted(password)


def _unquoted(text: str) -> str:
    data = re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), text.encode("utf-8", "surrogateescape")
    )
    return data.decode("utf-8", "surrogateescape")
