"""Documents in any encoding are read, and what is wrong with one is said with its place and with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.readers.junit.read import JUnitError, parse_junit
from gates.readers.safexml import BadEncoding, Document, read_xml

if TYPE_CHECKING:
    from pathlib import Path

SUITE = "<testsuite name='größe'><testcase name='wächst 漢'/></testsuite>"


def declared(encoding: str, text: str = SUITE) -> str:
    return f"<?xml version='1.0' encoding='{encoding}'?>\n{text}"


@pytest.mark.parametrize(
    "content",
    [
        SUITE.encode(),
        SUITE.encode("utf-8-sig"),
        SUITE.encode("utf-16"),
        SUITE.encode("utf-16-le"),
        SUITE.encode("utf-16-be"),
        SUITE.encode("utf-32"),
        SUITE.encode("utf-32-le"),
        SUITE.encode("utf-32-be"),
        declared("utf8").encode(),
        declared("UTF8").encode(),
        declared("utf_8").encode(),
        declared("utf-16").encode(),
        declared("utf-32").encode(),
        declared("latin-1").encode("utf-8-sig"),
        declared("utf-8").encode("utf-16"),
        declared("klingon").encode("utf-8-sig"),
        declared("gb18030").encode("gb18030"),
    ],
    ids=range(17),
)
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_a_document_in_any_encoding_is_read(content: bytes, size: int) -> None:
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    assert [result.id for result in parse_junit(pieces, "x").results] == ["größe::wächst 漢"]


@pytest.mark.parametrize("encoding", ["latin-1", "ISO-8859-1", "cp1252", "windows-1252", "ISO-8859-15", "L1"])
def test_encodings_of_one_byte_are_read(encoding: str) -> None:
    (result,) = parse_junit([declared(encoding, SUITE.replace("漢", "")).encode(encoding)], "x").results
    assert result.id == "größe::wächst "


LATIN = "<testsuite name='größe'/>".encode("latin-1")

WHOLE = (
    "byte 20 is 0xF6, which is not UTF-8 (it declares no encoding, which means UTF-8; in ISO-8859-1 it is 'ö'): let the "
    "runner write UTF-8, or declare the encoding: <?xml version='1.0' encoding='ISO-8859-1'?>"
)

MESSAGES = (
    (
        LATIN,
        "x:1: is not an XML file",
        WHOLE,
    ),
    (
        b"<testsuite><testcase name='t'/>\n" + LATIN,
        "x:2: is malformed",
        "byte 52 is 0xF6, which is not UTF-8 (it declares no encoding",
    ),
    (
        declared("ascii", "<testsuite name='ö'/>").encode(),
        "x:2: is not an XML file",
        "which is not ASCII (it declares 'ascii'",
    ),
    (
        b"<testsuite><testcase name='\x1b[31mt'/></testsuite>",
        "x:1: is malformed",
        "byte 28 is 0x1B, a control character, which XML cannot hold: let the runner escape or drop it",
    ),
    (
        b"Running 3 tests\n\n<?xml version='1.0'?>\n<testsuite/>",
        "x: does not begin with XML",
        "'Running 3 tests' before the XML, which begins at byte 18, in line 3",
    ),
    (
        b"warming up <testsuites/>",
        "x: does not begin with XML",
        "'warming up' before the XML, which begins at byte 12",
    ),
    (
        b"\n<?xml version='1.0'?><testsuite/>",
        "x: does not begin with XML",
        "white space before the XML, which begins",
    ),
    (b"<!-- a log --><?xml version='1.0'?><testsuite/>", "x: does not begin with XML", "begins at byte 15, in line 1"),
    (
        b"<testsuite><testcase name='t'/></testsuite>\nDone.",
        "x:2: is malformed",
        "after the end of its root, at byte 45, there is more text: did two programs write to it?",
    ),
    (declared("klingon").encode(), "x: cannot be decoded", "it declares the encoding 'klingon', which is unknown"),
    (declared("base64").encode(), "x: cannot be decoded", "it declares the encoding 'base64', which is unknown"),
    (
        declared("cp932", "<testsuite><testcase name='t'/>").encode() + b"\x82",
        "x:2: cannot be decoded",
        "it is not in cp932, as it declares",
    ),
    (
        b"<testsuite><testcase name=t/></testsuite>",
        "x:1: is malformed",
        "not well-formed (invalid token); 0 test cases",
    ),
)


@pytest.mark.parametrize(("content", "what", "got"), MESSAGES)
@pytest.mark.parametrize("size", [5, 1 << 20])
def test_what_is_wrong_with_a_document_is_said_with_its_place(content: bytes, what: str, got: str, size: int) -> None:
    with pytest.raises(JUnitError) as caught:
        parse_junit([content[at : at + size] for at in range(0, len(content), size)], "x")
    assert f"{caught.value.place}: {caught.value.what}" == what
    assert got in caught.value.got


def test_errors_of_our_own_are_never_taken_for_those_of_a_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    from gates.readers.junit import build

    def broken(*_: object) -> None:
        raise LookupError("of our own")

    monkeypatch.setattr(build, "read_case", broken)
    with pytest.raises(LookupError, match="of our own"):
        parse_junit([b"<testsuite><testcase name='t' status='x'/></testsuite>"], "x")


@pytest.mark.parametrize("inner", ["<testcase/>", "<testcase></testcase>", "<testcase><failure/></testcase>"])
@pytest.mark.parametrize("before", ["", "<testcase name='a' time='1'/>"])
def test_a_case_without_attributes_is_a_case(before: str, inner: str) -> None:
    report = parse_junit([f"<testsuite name='s'>{before}{inner}</testsuite>".encode()], "x")
    assert report.results[-1].id == "s::"
    assert report.consistent


def test_every_reader_of_xml_knows_the_encodings(tmp_path: Path) -> None:
    file = tmp_path / "x.xml"
    names: list[str] = []
    file.write_bytes(declared("utf8", "<checkstyle><file name='ä'/></checkstyle>").encode())
    read_xml(file, "checkstyle", "it", lambda _tag, attributes: names.append(attributes.get("name", "")))
    assert names == ["", "ä"]
    for content, said in (
        (declared("klingon"), "cannot be read as XML: it declares the encoding 'klingon'"),
        ("<checkstyle>\udce4</checkstyle>", "cannot be read as XML: line 1: byte 13 is 0xE4, which is not UTF-8"),
    ):
        file.write_bytes(content.encode(errors="surrogateescape"))
        with pytest.raises(ValueError, match=said):
            read_xml(file, "checkstyle", "it", lambda *_: None)


def test_a_document_is_not_opened_twice() -> None:
    with pytest.raises(BadEncoding):
        Document([b"<?xml version='1.0' encoding='x\0y'?>"])
    assert b"".join(Document(iter([b"<a>", b"x" * 300, b"</a>"]))) == b"<a>" + b"x" * 300 + b"</a>"
