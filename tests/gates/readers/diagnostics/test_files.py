from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from gates.readers.diagnostics import read_diagnostics
from gates.results import Diagnostic

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, content: Any) -> list[Diagnostic]:
    path = folder / "found"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content, indent=1).encode())
    return read_diagnostics(path)


def sarif(*results: dict[str, Any], driver: dict[str, Any] | None = None, **run: Any) -> dict[str, Any]:
    tool = {"driver": {"name": "ruff"} | (driver or {})}
    return {"version": "2.1.0", "runs": [{"tool": tool, "results": list(results)} | run]}


RESULT = {
    "ruleId": "F401",
    "level": "error",
    "message": {"text": "`os` unused"},
    "locations": [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "file:///at/a.py"},
                "region": {"startLine": 1, "startColumn": 8},
            }
        }
    ],
}
FOUND = Diagnostic(path="file:///at/a.py", line=1, column=8, rule="F401", severity="error", message="`os` unused", tool="ruff")  # fmt: skip


@pytest.mark.parametrize("indent", [None, 2])
def test_sarif_is_read(tmp_path: Path, indent: int | None) -> None:
    assert read(tmp_path, json.dumps(sarif(RESULT), indent=indent).encode()) == [FOUND]
    assert read(tmp_path, b"\xef\xbb\xbf" + json.dumps(sarif(RESULT)).encode()) == [FOUND]
    assert read(tmp_path, sarif()) == []


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({"kind": "pass"}, 0),
        ({"kind": "notApplicable"}, 0),
        ({"kind": "fail"}, 1),
        ({"kind": "review"}, 1),
        ({"baselineState": "absent"}, 0),
        ({"baselineState": "unchanged"}, 1),
        ({"suppressions": []}, 1),
        ({"suppressions": [{"kind": "inSource"}]}, 0),
        ({"suppressions": [{"kind": "external", "status": "rejected"}]}, 1),
    ],
)
def test_of_sarif_only_what_holds_counts(tmp_path: Path, more: dict[str, Any], count: int) -> None:
    assert len(read(tmp_path, sarif(RESULT | more))) == count


def test_rules_messages_and_paths_of_sarif_may_stand_elsewhere(tmp_path: Path) -> None:
    rule = {"id": "X1", "messageStrings": {"m": {"text": "{0} is no {1}"}}, "defaultConfiguration": {"level": "note"}}
    result = {
        "ruleIndex": 0,
        "message": {"id": "m", "arguments": ["a", "b"]},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.py", "uriBaseId": "SRC"}}}],
    }
    bases = {"SRC": {"uri": "src/", "uriBaseId": "ROOT"}, "ROOT": {"uri": "file:///at/"}}
    (each,) = read(tmp_path, sarif(result, driver={"rules": [rule]}, originalUriBaseIds=bases))
    assert (each.path, each.rule, each.message, each.severity) == ("file:///at/src/a.py", "X1", "a is no b", "note")


def test_json_of_mypy_is_read_without_its_notes(tmp_path: Path) -> None:
    line = {"file": "a.py", "line": 6, "column": 13, "message": 'no "runs"', "hint": None, "code": "misc", "severity": "error"}  # fmt: skip
    text = "\n".join(json.dumps(each) for each in (line, line | {"severity": "note"}, line | {"line": 7})) + "\n"
    assert [(each.line, each.column, each.rule) for each in read(tmp_path, text.encode())] == [
        (6, 14, "misc"),
        (7, 14, "misc"),
    ]


def test_code_quality_is_read_with_lines_or_positions(tmp_path: Path) -> None:
    entries = [
        {"check_name": "F401", "description": "F401: bad", "severity": "major", "location": {"path": "a.py", "positions": {"begin": {"line": 1, "column": 8}}}},
        {"description": "bad", "severity": "minor", "location": {"path": "b.py", "lines": {"begin": 2}}},
    ]  # fmt: skip
    assert read(tmp_path, entries) == [
        Diagnostic(path="a.py", line=1, column=8, rule="F401", severity="error", message="bad"),
        Diagnostic(path="b.py", line=2, severity="warning", message="bad"),
    ]
    assert read(tmp_path, []) == []


def test_checkstyle_is_read(tmp_path: Path) -> None:
    text = b"""<?xml version="1.0"?><checkstyle version="4.3"><file name="a.py">
        <error line="3" column="2" severity="warning" message="a &lt; b" source="eslint.rules.no-undef"/>
        <error line="4" severity="ignore" message="x"/></file><file name="b.py"/></checkstyle>"""
    (each,) = read(tmp_path, text)
    assert each == Diagnostic(
        path="a.py", line=3, column=2, rule="eslint.rules.no-undef", severity="warning", message="a < b"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"a.py:1:1: E1 bad", "is not SARIF"),
        (b'{"version": "2.1.0", "runs": [', "is not JSON"),
        (b'{"file": "a.py", "line": 1, "message": "x"}\n{"file": "a.py", "li', "is not JSON"),
        (b'{"version": "2.1.0"}', "no `file`"),
        (b'{\n"version": "2.1.0"}', "no `runs`"),
        (b'{"version": "2.0.0", "runs": []}', "SARIF of version 2.0.0"),
        (b'{"version": "2.1.0", "runs": [{"tool": {}}]}', "a run without `results`"),
        (b'{"version": "2.1.0", "runs": [{"results": [], "invocations": [{"executionSuccessful": false}]}]}', "did not succeed"),
        (b'{"version": "2.1.0", "runs": [{"results": [{}]}]}', "is malformed"),
        (b'{"version": "2.1.0", "runs": [1]}', "is malformed"),
        (b'[{"code": "F401", "filename": "a.py"}]', "not a code quality report"),
        (b"[1]", "is malformed"),
        (b"[" * 100_000, "is not JSON"),
        (b"<testsuite/>", "is a JUnit file, not a Checkstyle report"),
        (b"<checkstyle><file name='a'>", "cannot be read as XML: line 1"),
        (b"<!DOCTYPE c [<!ENTITY e 'x'>]><checkstyle/>", "declares an entity"),
        (b"<?xml version='1.0' encoding='nope'?><checkstyle/>", "cannot be read as XML"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_with_the_reason(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        read(tmp_path, content)
