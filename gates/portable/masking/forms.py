"""The forms in which a secret may appear: plain, quoted, escaped, encoded; and patterns that find them.

A pattern allows each character to be written in each of its ways, so it also finds texts that were escaped twice, or
half.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..patterns import lazy_pattern

_PLAIN = lazy_pattern(r"[A-Za-z0-9]")
_RUN = lazy_pattern(rb"[A-Za-z0-9]+")
_SHORT = {0: "0", 7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 27: "e"}
_NAMED = {'"': "quot", "&": "amp", "<": "lt", ">": "gt", "'": "apos"}
_LETTER, _FURTHER = rb"[A-Za-z0-9+/_-]", 48
"""Of base64; and bytes from which on its lines are broken."""


class Form(NamedTuple):
    """One pattern that finds a secret.

    Attributes:
        pattern: finds it.
        anchors: every match contains one of these; empty if none is known.
        longest: maximum length of a match in bytes.
    """

    pattern: bytes
    anchors: tuple[bytes, ...]
    longest: int


def forms_of(text: str) -> Iterator[Form]:
    """How to find a secret in bytes."""
    from binascii import hexlify

    data = encode(text)
    parts = [_character(letter) for letter in text]
    run = max(_RUN.findall(re.sub(rb"[^\x00-\x7f]", b" ", data)), key=len, default=b"")
    yield Form(
        b"".join(pattern for pattern, _ in parts), (run,) if len(run) > 2 else (), sum(most for _, most in parts)
    )
    for core, edge in _base64(data):
        letters = rb"".join(_BASE64.get(letter, bytes([letter])) for letter in core)
        anchor = max(_RUN.findall(core), key=len, default=b"")
        around = (_LETTER + b"?", _LETTER + b"?={0,2}") if edge else (b"", b"")
        yield Form(around[0] + letters + around[1], (anchor,) if len(anchor) > 2 else (), len(letters) + 4)
    lower = hexlify(data)
    yield Form(b"(?i:" + lower + b")", (lower, lower.upper()), len(lower))
    for mark in (b"%", b"\\x"):
        pairs = [lower[at : at + 2] for at in range(0, len(lower), 2)]
        whole = mark + mark.join(pairs)
        upper = mark + mark.join(pair.upper() for pair in pairs)
        yield Form(b"(?i:" + re.escape(whole) + b")", (whole, upper), len(whole))


def pieces_of(text: str) -> Iterator[bytes]:
    """A secret in the forms that may have been cut."""
    from binascii import hexlify

    from ..originals import json

    data = encode(text)
    yield data
    for written in (json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text), repr(data)[1:]):
        yield encode(written[1:-1])
    yield b"".join(bytes([byte]) if re.match(rb"[A-Za-z0-9_.~-]", bytes([byte])) else b"%%%02X" % byte for byte in data)
    for core, _ in _base64(data):
        yield core
        yield core.translate(bytes.maketrans(b"+/", b"-_"))
    yield hexlify(data)


def encode(text: str) -> bytes:
    """The bytes of a text from the system, including lone surrogates that represent no byte."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


_BASE64 = {
    ord("+"): rb"(?:[+-]|%2[Bb]|\\{1,8}u002[Bb])",
    ord("/"): rb"(?:\\{0,8}/|_|%2[Ff])",
}


def _base64(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """The base64 of some bytes at any offset, and whether the adjacent characters contain bits of them."""
    from binascii import b2a_base64

    for offset in range(3):
        whole = b2a_base64(b"\0" * offset + data, newline=False).rstrip(b"=")
        first, ragged = (0, 2, 3)[offset], bool((offset + len(data)) % 3)
        yield whole[first : len(whole) - ragged], bool(offset) or ragged
    if len(data) >= _FURTHER:
        whole = b2a_base64(data, newline=False).rstrip(b"=")
        for width in (76, 64):  # longer ones first, because they begin alike
            for start in range(0, len(whole), width):
                if len(line := whole[start : start + width]) >= 8:
                    yield line, False


def _character(letter: str) -> tuple[bytes, int]:
    """A pattern for all ways to write a character, and the length in bytes of the longest."""
    if _PLAIN.match(letter):
        return re.escape(letter).encode(), 1
    code, data = ord(letter), encode(letter)
    hexes = "".join(f"%(?:25){{0,3}}{byte:02x}" for byte in data)
    ways = [  # longer ones before their prefixes
        rf"(?i:{hexes})".encode(),
        rf"(?i:&(?:amp;){{0,3}}#0{{0,6}}(?:{code}|x0{{0,6}}{code:x});)".encode(),
        "".join(rf"\\{{1,8}}(?i:x{byte:02x})" for byte in data).encode(),
        rf"\\{{1,8}}(?i:{_unicode(code)})".encode(),
        "".join(rf"\\{{1,8}}0?{byte:03o}" for byte in data).encode(),
    ]
    if code in _SHORT:
        ways.append(rf"\\{{1,8}}{_SHORT[code]}".encode())
    if letter in _NAMED:
        ways.append(f"&(?:amp;){{0,3}}{_NAMED[letter]};".encode())
    if letter == "'":
        ways += [rb"""'"'"'""", rb"""'\\{1,8}''"""]
    if letter == '"':
        ways.append(b'""')  # in CSV
    if letter == "\\":
        ways.insert(0, rb"\\{1,16}")
    if letter.isspace():
        ways += [rb"""['"]\s{0,40}\n[ \t>]{0,40}['"]""", rb"\s{1,40}", rb"\+"]
    ways += [rb"\\{1,8}" + re.escape(data), re.escape(data)]
    return b"(?:" + b"|".join(ways) + b")", max(16, 12 * len(data))


def _unicode(code: int) -> str:
    if code <= 0xFFFF:
        return f"u{{?0{{0,4}}{code:04x}}}?" if code > 0xFF else f"(?:u{{?0{{0,4}}{code:04x}}}?|x{code:02x})"
    high, low = 0xD800 + (code - 0x10000 >> 10), 0xDC00 + (code - 0x10000 & 0x3FF)
    return rf"(?:u{high:04x}\\{{1,8}}u{low:04x}|u{{?0{{0,4}}{code:08x}|u{{0{{0,4}}{code:x}}})"
