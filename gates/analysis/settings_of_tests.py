"""Put the settings of tests from one version of a file into another: those of pytest, of gates, and what only tests install."""

from __future__ import annotations

import configparser
import copy
import json
import re
import tomllib
from typing import Any

from gates.portable.patterns import lazy_pattern

_EXTRAS = ("test", "tests", "testing", "dev", "develop", "development")
"""Names of extras that only tests need."""

_TABLES = ("tool.pytest", "tool.gates", "tool.coverage", "dependency-groups")
_SECTIONS = ("tool:pytest", "coverage:run", "coverage:report")
_HEADER = lazy_pattern(r"^[ \t]*\[\[?([^\[\]\n]+)\]\]?[ \t]*(?:#.*)?$", re.MULTILINE)
_OPTIONAL = "project.optional-dependencies"


def merged_settings(name: str, code: str, head: str) -> str | None:
    """The text of `code` with the settings of tests of `head`; None if they cannot be told from the others.

    Args:
        name: of the file.
        code: its text without the change.
        head: its text with the change.
    """
    try:
        if name.endswith(".toml"):
            return _merged_toml(code, head)
        return _merged_ini(code, head)
    except (ValueError, RecursionError, configparser.Error):
        return None


def _merged_toml(code: str, head: str) -> str | None:
    before, after = tomllib.loads(code), tomllib.loads(head)
    wanted = _with_tests_of(before, after)
    if wanted == before:
        return code
    if wanted == after:
        return head
    extras = wanted.get("project", {}).get("optional-dependencies")
    mine = [block for title, block in _blocks(code) if not _is_of_tests(title)]
    theirs = [block for title, block in _blocks(head) if _is_of_tests(title) and title != _OPTIONAL]
    more = [_table_of(extras)] if extras else []
    text = _joined([*mine, *theirs, *more])
    # Tables may be written in other ways, inline or in a text of several lines: then the result is not what is wanted.
    return text if tomllib.loads(text) == wanted else None


def _with_tests_of(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The content of one file with the settings of tests of another."""
    wanted = copy.deepcopy(before)
    for table in _TABLES:
        *above, name = table.split(".")
        here, there = wanted, after
        for key in above:
            here, there = here.setdefault(key, {}), there.get(key, {})
        here.pop(name, None)
        if name in there:
            here[name] = there[name]
    project = wanted.get("project", {})
    extras, theirs = project.get("optional-dependencies", {}), after.get("project", {}).get("optional-dependencies", {})
    kept = {name: packages for name, packages in extras.items() if name not in _EXTRAS}
    kept |= {name: packages for name, packages in theirs.items() if name in _EXTRAS}
    project.pop("optional-dependencies", None)
    if kept:
        project["optional-dependencies"] = kept
    if not wanted.get("tool", True):
        del wanted["tool"]
    return wanted


def _blocks(text: str) -> list[tuple[str, str]]:
    """The title of each table, and its text with its header; what comes before the first has no title."""
    headers = list(_HEADER.finditer(text))
    ends = [*(match.start() for match in headers), len(text)]
    blocks = [("", text[: ends[0]])]
    for match, end in zip(headers, ends[1:], strict=True):
        blocks.append((re.sub(r"[\s\"']", "", match[1]), text[match.start() : end]))
    return blocks


def _is_of_tests(title: str) -> bool:
    return title == _OPTIONAL or any(title == table or title.startswith(f"{table}.") for table in _TABLES)


def _table_of(extras: dict[str, list[str]]) -> str:
    lines = [f"{json.dumps(name)} = {json.dumps(packages)}" for name, packages in extras.items()]
    return "\n".join([f"[{_OPTIONAL}]", *lines])


def _merged_ini(code: str, head: str) -> str | None:
    before, after = _ini(code), _ini(head)
    wanted = {title: values for title, values in before.items() if title not in _SECTIONS}
    wanted |= {title: values for title, values in after.items() if title in _SECTIONS}
    if wanted == before:
        return code
    if wanted == after:
        return head
    mine = [block for title, block in _sections(code) if title not in _SECTIONS]
    theirs = [block for title, block in _sections(head) if title in _SECTIONS]
    text = _joined([*mine, *theirs])
    return text if _ini(text) == wanted else None


def _sections(text: str) -> list[tuple[str, str]]:
    headers = list(re.finditer(r"^\[([^\]\n]+)\].*$", text, re.MULTILINE))
    ends = [*(match.start() for match in headers), len(text)]
    return [
        ("", text[: ends[0]]),
        *((match[1], text[match.start() : end]) for match, end in zip(headers, ends[1:], strict=True)),
    ]


def _ini(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    parser.read_string(text)
    return {title: dict(parser.items(title)) for title in parser.sections()}


def _joined(blocks: list[str]) -> str:
    return "".join(f"{block.rstrip()}\n\n" for block in blocks if block.strip())
