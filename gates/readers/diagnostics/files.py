"""Read diagnostics from a file, whose content shows its format.

- SARIF 2.1.0 (OASIS): results of kind `fail` (the default), `open` and `review`, without those that are suppressed or
  of baseline state `absent`;
- the output of `mypy --output json`: one object per line; notes are not separate diagnostics;
- GitLab's code quality report, a subset of Code Climate's: a list of objects with `description` and `location`;
- Checkstyle's XML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from gates.readers.formats import beginning_of, unexpected, whole
from gates.readers.safexml import read_xml
from gates.results.artifacts import Diagnostic

_KINDS = frozenset({"fail", "open", "review"})
_UNACCEPTED = frozenset({"underReview", "rejected"})


def read_diagnostics(path: Path) -> list[Diagnostic]:
    """The diagnostics of a file; paths as the tool wrote them.

    Raises:
        ValueError: it is empty, cut off, malformed, or has another format; the message tells which.
        OSError: it cannot be read.
    """
    head = beginning_of(path)
    if head.startswith(b"<"):
        return _checkstyle(path)
    if not head.startswith((b"{", b"[")):
        raise unexpected(head, "SARIF, JSON of mypy, code quality JSON or Checkstyle XML")
    data = whole(path)
    try:
        return list(_of_json(data))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"is not JSON: {error}") from None
    except (AttributeError, KeyError, TypeError, IndexError):
        raise ValueError("is malformed: a member has the wrong type") from None


def _of_json(data: bytes) -> Iterator[Diagnostic]:
    if data.lstrip().startswith(b"["):
        return _code_quality(msgspec.json.decode(data))
    first = data.strip().partition(b"\n")[0]
    try:
        looks_whole = isinstance(msgspec.json.decode(first), dict)
    except msgspec.MsgspecError:
        looks_whole = False
    if looks_whole and b'"runs"' not in first:
        return _mypy([msgspec.json.decode(line) for line in data.splitlines() if line.strip()])
    return _sarif(msgspec.json.decode(data))


def _code_quality(entries: Any) -> Iterator[Diagnostic]:
    for entry in entries:
        if not {"description", "location"} <= entry.keys():
            raise ValueError("is a list of JSON objects, but not a code quality report: no `description`, `location`")
        where = entry["location"]
        begin = where.get("lines", {}).get("begin") or where.get("positions", {}).get("begin", {})
        rule = str(entry.get("check_name") or "")
        yield Diagnostic(
            path=str(where["path"]),
            line=_number(begin.get("line") if isinstance(begin, dict) else begin),
            column=_number(begin.get("column") if isinstance(begin, dict) else 0),
            rule=rule,
            severity=_severity(entry.get("severity")),
            message=_line(entry["description"]).removeprefix(f"{rule}: "),
        )


def _mypy(entries: list[dict[str, Any]]) -> Iterator[Diagnostic]:
    for entry in entries:
        if not {"file", "line", "message"} <= entry.keys():
            raise ValueError("is JSON Lines, but not those of mypy: no `file`, `line`, `message`")
        if entry.get("severity") == "note":
            continue
        yield Diagnostic(
            path=str(entry["file"]),
            line=_number(entry["line"]),
            column=_number(entry.get("column"), 1),  # counted from 0
            rule=str(entry.get("code") or ""),
            severity=_severity(entry.get("severity")),
            message=_line(entry["message"]),
            tool="mypy",
        )


def _sarif(log: Any) -> Iterator[Diagnostic]:
    if "runs" not in log:
        raise ValueError("is a JSON object, but not SARIF: it has no `runs`")
    version = str(log.get("version", ""))
    if not version.startswith("2.1"):
        raise ValueError(f"is SARIF of version {version or 'unknown'}, not 2.1.0")
    for run in log["runs"]:
        if any(call.get("executionSuccessful") is False for call in run.get("invocations") or ()):
            raise ValueError("reports that its tool did not succeed (executionSuccessful)")
        if run.get("results") is None:
            raise ValueError("has a run without `results`: its tool did not look for any")
        driver = run.get("tool", {}).get("driver", {})
        bases = run.get("originalUriBaseIds") or {}
        for result in run["results"]:
            if _counts(result):
                yield _of_sarif(result, driver, bases)


def _counts(result: dict[str, Any]) -> bool:
    if result.get("kind", "fail") not in _KINDS or result.get("baselineState") == "absent":
        return False
    return all(one.get("status") in _UNACCEPTED for one in result.get("suppressions") or ())


def _of_sarif(result: dict[str, Any], driver: dict[str, Any], bases: dict[str, Any]) -> Diagnostic:
    rules = driver.get("rules") or []
    told = result.get("rule") or {}
    index = result.get("ruleIndex", told.get("index", -1))
    about = rules[index] if 0 <= index < len(rules) else {}
    rule = result.get("ruleId") or told.get("id") or about.get("id") or ""
    place = (result.get("locations") or [{}])[0].get("physicalLocation", {})
    artifact, region = place.get("artifactLocation", {}), place.get("region", {})
    level = result.get("level") or about.get("defaultConfiguration", {}).get("level") or "warning"
    return Diagnostic(
        path=_base(artifact.get("uriBaseId", ""), bases) + str(artifact.get("uri", "")),
        line=_number(region.get("startLine")),
        column=_number(region.get("startColumn")),
        rule=str(rule),
        severity=_severity(level),
        message=_line(_words(result["message"], about)),
        tool=str(driver.get("name") or ""),
    )


def _words(message: dict[str, Any], rule: dict[str, Any]) -> str:
    text = message.get("text") or rule.get("messageStrings", {}).get(message.get("id"), {}).get("text") or ""
    values = message.get("arguments") or []
    return re.sub(r"\{(\d+)\}", lambda match: str(values[int(match[1])]), text) if values else str(text)


def _base(name: str, bases: dict[str, Any], depth: int = 8) -> str:
    """The URI of a base, which may be relative to another one."""
    about = bases.get(name)
    if not about or not depth:
        return ""
    return _base(about.get("uriBaseId", ""), bases, depth - 1) + str(about.get("uri", ""))


def _checkstyle(path: Path) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    file = ""

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal file
        if name == "file":
            file = attributes.get("name", "")
        elif name == "error":
            found.append(
                Diagnostic(
                    path=file,
                    line=_number(attributes.get("line")),
                    column=_number(attributes.get("column")),
                    rule=attributes.get("source", ""),
                    severity=_severity(attributes.get("severity")),
                    message=_line(attributes.get("message", "")),
                )
            )

    read_xml(path, "checkstyle", "a Checkstyle report", start)
    return [each for each in found if each.severity != "ignore"]


def _number(value: Any, more: int = 0) -> int:
    """A line or a column; 0 for anything else."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        return 0
    return max(0, number + more)


_SEVERITIES = {
    **dict.fromkeys(("error", "blocker", "critical", "major"), "error"),
    **dict.fromkeys(("warning", "minor"), "warning"),
    **dict.fromkeys(("note", "info", "none"), "note"),
    "ignore": "ignore",
}


def _severity(word: Any) -> str:
    return _SEVERITIES.get(str(word or "").lower(), "")


def _line(text: Any) -> str:
    return " ".join(str(text).split())
