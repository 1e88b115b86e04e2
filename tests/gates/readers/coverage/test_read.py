from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from gates.readers.coverage import LineHits, put_together, read_coverage
from gates.results.artifacts import FileCoverage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COVERAGE_PY = b"""{"meta": {"format": 3}, "files": {
 "src/a.py": {"executed_lines": [1, 2, 4], "missing_lines": [5], "excluded_lines": [9]}}, "totals": {}}"""
COBERTURA = b"""<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM 'http://cobertura.sourceforge.net/xml/coverage-04.dtd'>
<coverage version="7" line-rate="0.75"><sources><source>/at/src</source><source>
  lib </source></sources><packages><package><classes>
<class name="a" filename="a.py"><methods><method><lines><line number="5" hits="0"/></lines></method></methods>
<lines><line number="1" hits="1"/><line number="2" hits="3" branch="true"/><line number="4" hits="1"/><line number="5" hits="0"/></lines></class>
<class name="a$Inner" filename="a.py"><lines><line number="7" hits="0"/></lines></class>
</classes></package></packages></coverage>"""
LCOV = b"TN:x\nSF:src/a.c\nFN:1,main\nDA:1,1\nDA:2,0,abc==\nBRDA:1,0,0,1\nLF:2\nend_of_record\nSF:b.c\nDA:1,0\nDA:1,2\nend_of_record\n"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (COVERAGE_PY, LineHits({"src/a.py": {1: True, 2: True, 4: True, 5: False}})),
        (
            COBERTURA,
            LineHits({"a.py": {1: True, 2: True, 4: True, 5: False, 7: False}}, ("/at/src", "lib")),
        ),
        (LCOV, LineHits({"src/a.c": {1: True, 2: False}, "b.c": {1: True}})),
    ],
    ids=["coverage.py", "cobertura", "lcov"],
)
def test_each_format_is_known_by_its_content(tmp_path: Path, content: bytes, found: LineHits) -> None:
    (tmp_path / "file").write_bytes(content)
    assert read_coverage(tmp_path / "file") == found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello", "is not JSON of coverage.py, Cobertura XML or LCOV"),
        (b"SQLite format 3\0", "is an SQLite database, not JSON of coverage.py"),
        (COVERAGE_PY[:-5], "is not JSON"),
        (b'{"version": 1}', "is JSON, but not the JSON of `coverage json`"),
        (b'{"files": {"a": {"executed_lines": ["x"], "missing_lines": []}}}', "not the JSON of `coverage json`"),
        (COBERTURA[:-30], "cannot be read as XML: line"),
        (b"<!DOCTYPE html>\n<html></html>", "is an HTML page, not a Cobertura report"),
        (b"<other/>", "is XML with the root element <other>, not a Cobertura report"),
        (b'<coverage clover="4"/>', "is a Clover report, not a Cobertura report"),
        (
            b'<coverage><class filename="a"><line number="1"/></class></coverage>',
            "is malformed: a <line> has no number or no hits",
        ),
        (b"<!DOCTYPE c [<!ENTITY e 'x'>]><coverage/>", "declares an entity"),
        (LCOV[:-15], "is cut off"),
        (b"TN:\nDA:1,1\n", "is malformed LCOV: line 2"),
        (b"SF:a\nDA:x,1\nend_of_record\n", "is malformed LCOV: line 2"),
    ],
)
def test_what_is_none_is_refused_with_the_reason(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(words)):
        read_coverage(tmp_path / "file")


def test_files_are_put_together_and_what_is_unclear_or_foreign_is_said() -> None:
    def find(name: str, _folders: Sequence[str]) -> tuple[str, ...]:
        known = {"a.py": ("src/a.py",), "/x/src/a.py": ("src/a.py",), "i.py": ("p/i.py", "q/i.py")}
        return known.get(name, ())

    one = LineHits({"a.py": {1: True, 2: False, 3: False}, "i.py": {1: True}})
    other = LineHits({"/x/src/a.py": {2: True}, "/usr/lib/os.py": {1: True}})
    found = put_together([one, other], find)
    assert found.files == {"src/a.py": FileCoverage(ran="1-2", missed="3")}
    assert (found.ran, found.lines, found.unknown) == (2, 3, "")
    assert found.notes == (
        "i.py may be any of p/i.py, q/i.py",
        "1 path outside the files of the project: /usr/lib/os.py",
    )
    assert put_together([other], lambda _name, _folders: ()).unknown
