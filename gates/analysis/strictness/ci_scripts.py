"""Find the scripts that a CI system, a Makefile or a shell script runs, and when they run. Reads lines of text, as no reader of YAML is at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gates.portable.patterns import lazy_pattern

_WORKFLOWS = lazy_pattern(
    r"(^|.*/)(\.github/(workflows|actions)/.*\.ya?ml|\.gitlab-ci\.ya?ml|azure-pipelines\.ya?ml|\.circleci/config\.ya?ml|\.travis\.yml"
    r"|\.buildkite/[^/]+\.ya?ml)"
)
_KEY = lazy_pattern(r"(-\s+)?(run|script|command|commands|bash|before_script|after_script)\s*:(.*)")
_ITEM = lazy_pattern(r"-\s+(.*)")
_BLOCK = lazy_pattern(r"[|>][+-]?\d?\s*(#.*)?")
_RECIPES = lazy_pattern(r"(^|.*/)([Mm]akefile|justfile)")
_RECIPE = lazy_pattern(r"[\t ]+[@+-]*(.*)")
_SHELL = lazy_pattern(r"(^|.*/)(\.ci/[^/.]+|[^/]+\.sh)")
_VERSION = lazy_pattern(r"\b3\.\d+\b")
_PYTHON = lazy_pattern(r"(-\s+)?[\w-]*python[\w-]*\s*:(.*)")
_STRICT = "set -e\n"
"""What these systems do for a script: it ends at the first command that fails."""


class Script(NamedTuple):
    """Lines that a shell runs.

    Attributes:
        text: the lines.
        line: of the first one in its file.
    """

    text: str
    line: int


def is_workflow_file(path: str) -> bool:
    """Whether a file says what a CI system runs."""
    return _WORKFLOWS.fullmatch(path) is not None


def has_scripts(path: str) -> bool:
    """Whether scripts are looked for in a file."""
    return any(kind.fullmatch(path) for kind in (_WORKFLOWS, _RECIPES, _SHELL))


def scripts_of(path: str, text: str) -> Iterator[Script]:
    """The scripts in a file, in order; none in a file of another kind."""
    rows = text.split("\n")
    if is_workflow_file(path):
        yield from _in_workflow(rows)
    elif _RECIPES.fullmatch(path):
        yield from (Script(found[1], number) for number, row in enumerate(rows, 1) if (found := _RECIPE.fullmatch(row)))
    elif _SHELL.fullmatch(path):
        yield Script(text, 1)


def pythons_of(path: str, text: str) -> frozenset[tuple[int, ...]]:
    """The versions of Python that a workflow names."""
    if not is_workflow_file(path):
        return frozenset()
    found = set[str]()
    rows = text.split("\n")
    for number, row in enumerate(rows):
        key = _PYTHON.fullmatch(plain(row))
        if key is not None:
            found.update(_VERSION.findall(key[2]))
            below = [] if key[2].strip() else block_of(rows, number, _indent(row))
            found.update(version for item in below for version in _VERSION.findall(plain(item)))
    return frozenset(tuple(map(int, version.split("."))) for version in found)


def triggers_of(path: str, text: str) -> frozenset[str]:
    """The events that start a workflow of GitHub."""
    if ".github/workflows/" not in path:
        return frozenset()
    rows = text.split("\n")
    for number, row in enumerate(rows):
        found = re.fullmatch(r"(?:on|\"on\"|'on')\s*:(.*)", row.split(" #")[0].rstrip())
        if found is not None:
            named = found[1].strip()
            below = [] if named else block_of(rows, number, 0)
            depth = min((_indent(item) for item in below if item.strip()), default=0)
            names = re.findall(r"\w+", named) or [
                name[1] for item in below if _indent(item) == depth and (name := re.match(r"[\s-]*(\w+)", item))
            ]
            return frozenset(names)
    return frozenset()


def _in_workflow(rows: Sequence[str]) -> Iterator[Script]:
    skipped = 0
    for number, row in enumerate(rows):
        key = _KEY.fullmatch(plain(row)) if number >= skipped else None
        if key is None:
            continue
        value = key[3].strip()
        indent = _indent(row) + len(key[1] or "")
        if _BLOCK.fullmatch(value):
            block = block_of(rows, number, indent)
            skipped = number + 1 + len(block)
            joined = " " if value.startswith(">") else "\n"
            yield Script(
                _STRICT + joined.join(each.strip() for each in block if not each.lstrip().startswith("#")), number + 2
            )
        elif value:
            yield Script(_STRICT + "\n".join(items_of(value, ())), number + 1)
        else:
            yield from _listed(rows, number, _indent(row))


def _listed(rows: Sequence[str], number: int, indent: int) -> Iterator[Script]:
    """The items of a list below a key, one script: a job runs them one after the other."""
    block = [*block_of(rows, number, indent - 1)]
    lines: list[str] = []
    for row in block:
        if not row.strip() or _indent(row) > indent or row.lstrip().startswith("-"):
            item = _ITEM.fullmatch(plain(row))
            text = item[1] if item else plain(row)
            if text and not _BLOCK.fullmatch(text):
                lines.append(_unquoted(text))
        else:
            break
    if lines:
        yield Script(_STRICT + "\n".join(lines), number + 2)


def items_of(value: str, below: Sequence[str]) -> Iterator[str]:
    """The texts of a value: of a list in its line or in the rows below it, or its own."""
    if value.startswith("["):
        yield from (item for item in map(_unquoted, value.strip("[]").split(",")) if item)
    elif value and not _BLOCK.fullmatch(value):
        yield _unquoted(value)
    else:
        rows = [plain(row) for row in below]
        yield from (_unquoted(found[1] if (found := _ITEM.fullmatch(row)) else row) for row in rows if row)


def block_of(rows: Sequence[str], number: int, indent: int) -> list[str]:
    """The rows behind one that are further in."""
    found: list[str] = []
    for row in rows[number + 1 :]:
        if row.strip() and _indent(row) <= indent:
            break
        found.append(row)
    return found


def _indent(row: str) -> int:
    return len(row) - len(row.lstrip())


def plain(row: str) -> str:
    """A row without what stands around it."""
    text = row.strip()
    return "" if text.startswith("#") else text.split(" #")[0].rstrip()


def _unquoted(text: str) -> str:
    plain = text.strip()
    return plain[1:-1] if len(plain) > 1 and plain[0] == plain[-1] and plain[0] in "\"'" else plain
