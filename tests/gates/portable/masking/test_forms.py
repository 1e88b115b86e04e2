"""No form of a secret is left, whatever wrote it there."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gates.portable.masking import Mask

if TYPE_CHECKING:
    from collections.abc import Callable

SECRETS = (
    "ghp_4f7Zq81mNc0RtYuIoPaSdFgHjKlZxCvBnM12",
    "p\"ss\\wo/rd 'q' ä€😀</x>&;$`!#%+=?",
    "a b+c/d==",
    "hunter2",
    "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END KEY-----",
)


def csv_of(text: str) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([text])
    return out.getvalue().strip().removeprefix('"').removesuffix('"')


def go(text: str) -> str:
    """As Go's encoder and Rails write JSON: safe inside HTML."""
    return "".join(f"\\u{ord(letter):04x}" if letter in "<>&" else letter for letter in json.dumps(text)[1:-1])


WRITERS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "json": lambda text: json.dumps(text)[1:-1],
    "json of letters": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json with slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json for html": go,
    "json with capitals": lambda text: "".join(
        f"\\u{ord(c):04X}" if 0x7F < ord(c) < 0x10000 else c for c in json.dumps(text, ensure_ascii=False)[1:-1]
    ),
    "json in json": lambda text: json.dumps(json.dumps(text))[3:-3],
    "repr": lambda text: repr(text)[1:-1],
    "ascii": lambda text: ascii(text)[1:-1],
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "repr of a repr": lambda text: repr(repr(text)[1:-1])[1:-1],
    "shell": lambda text: shlex.quote(text).removeprefix("'").removesuffix("'"),
    "shell, another way": lambda text: text.replace("'", "'\\''"),
    "shell, word by word": lambda text: "".join(c if c.isalnum() else f"\\{c}" for c in text),
    "url": lambda text: quote(text, safe=""),
    "url with slashes": quote,
    "url in small letters": lambda text: "".join(
        f"%{byte:02x}" if not chr(byte).isalnum() or byte > 127 else chr(byte) for byte in text.encode()
    ),
    "form": quote_plus,
    "url of a url": lambda text: quote(quote(text, safe=""), safe=""),
    "url, every letter": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "html": html.escape,
    "html without quotes": lambda text: html.escape(text, quote=False),
    "html of html": lambda text: html.escape(html.escape(text)),
    "html of letters": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace").decode(),
    "html with numbers": lambda text: html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "xml": escape,
    "xml attribute": lambda text: quoteattr(text)[1:-1],
    "csv": csv_of,
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "base64 for urls": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode(),
}


@pytest.mark.slow
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("secret", SECRETS, ids=["token", "odd", "padded", "short", "key"])
def test_no_form_of_a_secret_is_left(secret: str, writer: str) -> None:
    written = WRITERS[writer](secret)
    masked = Mask({"MY_TOKEN": secret}).text(f"before {written} after")
    assert masked.replace("[masked: MY_TOKEN]", "").split() == ["before", "after"]


@pytest.mark.parametrize("before", ["", "u", "u:", "us:", "user:"])
@pytest.mark.parametrize("after", ["", "z", "zz", "zzz"])
@pytest.mark.parametrize("secret", SECRETS, ids=["token", "odd", "padded", "short", "key"])
def test_a_secret_inside_of_base64_is_not_left(secret: str, before: str, after: str) -> None:
    written = base64.b64encode(f"{before}{secret}{after}".encode())
    masked = Mask({"MY_TOKEN": secret}).data(written)
    left, *between, right = (part.rstrip(b"=") for part in masked.split(b"[masked: MY_TOKEN]"))
    assert not any(between)
    assert len(left) * 6 <= len(before) * 8
    assert (len(right) - 1) * 6 < len(after) * 8


@pytest.mark.parametrize("writer", [name for name in WRITERS if not name.startswith(("base64", "csv"))])
@settings(max_examples=25)
@example(secret="00000Ã")  # the first byte of its last letter is the number of the letter
@given(secret=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=6, max_size=20))
def test_no_form_of_any_secret_is_left(secret: str, writer: str) -> None:
    secret = secret.strip()
    if len(secret) < 6 or len(secret.splitlines()) > 1:
        return
    written = WRITERS[writer](secret)
    assert Mask({"MY_TOKEN": secret}).text(f"<{written}>") == "<[masked: MY_TOKEN]>"


@pytest.mark.parametrize("writer", [name for name in WRITERS if not name.startswith(("base64", "csv"))])
def test_no_way_to_write_a_letter_is_taken_for_the_beginning_of_another_way(writer: str) -> None:
    for letter in map(chr, range(0xC0, 0x100)):  # their numbers are bytes with which an encoded letter may begin
        secret = f"s3cr3t{letter}"
        assert Mask({"MY_TOKEN": secret}).text(f"<{WRITERS[writer](secret)}>") == "<[masked: MY_TOKEN]>", letter


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:hunter2@example.org/x", "https://me:[masked: URL password]@example.org/x"),
        ("https://:hunter2@example.org/x", "https://:[masked: URL password]@example.org/x"),
        ('"git+ssh:\\/\\/me:hunter2@host"', '"git+ssh:\\/\\/me:[masked: URL password]@host"'),
        (
            "https://ghp_4f7Zq81mNc0RtYuIoPaS@github.com/a/b",
            "https://[masked: URL password]@github.com/a/b",
        ),
        ("redis://me:[masked: X_TOKEN]@h", "redis://me:[masked: X_TOKEN]@h"),
        ("ssh://git@example.org and http://a:80/@b and git@github.com:a/b", None),
        ("https://example.org/?mail=me:you@example.org", None),
        ("http://localhost:8000 sent to me@example.org", None),
    ],
)
def test_a_password_in_a_url_is_masked_whatever_holds_it(text: str, shown: str | None) -> None:
    assert Mask().text(text) == (text if shown is None else shown)


def test_what_was_masked_stays_as_it_is() -> None:
    mask = Mask({"MY_TOKEN": "masked", "X_TOKEN": "MY_TOKEN"})
    once = mask.text("masked MY_TOKEN [masked: other]")
    assert once == "[masked: MY_TOKEN] [masked: X_TOKEN] [[masked: MY_TOKEN]: other]"
    assert mask.text(once) == once


def test_a_mask_learns() -> None:
    mask = Mask({"A_TOKEN": "abcdef-1"})
    assert mask.learn({"A_TOKEN": "abcdef-1", "B_TOKEN": "ghijkl-2", "C": "mnopqr-3"}) == {"B_TOKEN": "ghijkl-2"}
    assert mask.text("abcdef-1 ghijkl-2 mnopqr-3") == "[masked: A_TOKEN] [masked: B_TOKEN] mnopqr-3"
