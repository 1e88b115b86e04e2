"""Read diagnostics from the output of linters and type checkers for people. Pure, except for checking files.

It recognises lines in common forms: `path:line[:column]: …` of ruff, flake8, pyflakes, pylint, mypy, gcc and clang,
`path:line:column - …` of pyright and tsc, `path(line,column): …` of tsc, the rows of eslint and stylelint below a file, the heading with ` --> path:line:column` below it of
ruff, ty and rustc, and `::error file=…::` of GitHub's annotations. A line counts only if its path is a file of the
project, so that other text does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote

from gates.portable.patterns import lazy_pattern
from gates.results.artifacts import Diagnostic

LONGEST = 4_000
"""Characters of a line that are looked at."""

_NOISE = lazy_pattern(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\)")
_PATH = r"(?P<path>(?:[A-Za-z]:[\\/])?[^\s:<>|][^:<>|()]*?)"

_COLONS = lazy_pattern(rf"{_PATH}:(?P<line>\d+)(?::(?P<column>\d+))?(?::\d+:\d+)?: (?P<rest>\S.*)\Z")
_PYRIGHT = lazy_pattern(
    rf"\s*{_PATH}:(?P<line>\d+):(?P<column>\d+) - (?P<rest>(?:error|warning|information)(?: TS\d+)?: .*)\Z"
)
_TSC = lazy_pattern(rf"{_PATH}\((?P<line>\d+),(?P<column>\d+)\): (?P<rest>(?:error|warning) .*)\Z")
_ARROW = lazy_pattern(rf"\s*--> {_PATH}:(?P<line>\d+):(?P<column>\d+)\s*\Z")
_ROW = lazy_pattern(r" +(?P<line>\d+):(?P<column>\d+) +(?P<severity>error|warning|[✖⚠]) +(?P<rest>\S.*)\Z")
"""A finding of eslint or stylelint, below the line that names the file."""
_RULE = lazy_pattern(r"[\w@/.-]+")
_ANNOTATION = lazy_pattern(r"::(?P<severity>error|warning|notice) (?P<fields>[^\n]*?)::(?P<message>.*)\Z")

_SEVERITY = lazy_pattern(r"(?P<severity>(?:fatal )?error|warning|note|information|info)(?:\[(?P<rule>[\w:.-]+)\])?:? +")
_CODE = lazy_pattern(r"\[?(?P<rule>[A-Z]{1,10}\d{1,6})(?:\([\w-]+\))?(?:, \w*)?\]?:?(?: \[\*\])? +")
_NAME = lazy_pattern(r"(?P<rule>[a-z][a-z0-9]*(?:-[a-z0-9]+)+):(?: \[\*\])? +")
_TAIL = lazy_pattern(r" +(?:\[(?P<name>-W[\w=+,-]+|[a-zA-Z][\w.,-]*)\]|\((?P<report>report[A-Z]\w*)\))\Z")
_HEADING = lazy_pattern(
    r"(?!(?:help|note|hint): )"
    r"(?:(?:error|warning|info)(?:\[[\w:.-]+\])?: |[A-Z]{1,10}\d{1,6}:?(?: \[\*\])? |[a-z][a-z0-9-]*: )\S"
)


def read_log(lines: Iterable[str], is_file: Callable[[str], bool]) -> Iterator[Diagnostic]:
    """The diagnostics in a log, each of them once; paths as the tool wrote them.

    Args:
        lines: of the log, in order.
        is_file: whether a path is a file of the project.
    """
    seen: set[Diagnostic] = set()
    heading = file = ""
    for raw in lines:
        line = _NOISE.sub("", raw[:LONGEST]).rstrip()
        arrow = _ARROW.match(line)
        row = _ROW.match(line) if file else None
        found = _under(heading, arrow) if arrow else _in_file(file, row) if row else _of_line(line)
        if line and not line[0].isspace():
            file = line
        if arrow or not line.strip():
            heading = ""
        elif _HEADING.match(line):
            heading = line
        # A tool that runs twice, or reports to people and to a CI system, has found it once.
        if found is not None and found not in seen and found.severity != "note" and is_file(found.path):
            seen.add(found)
            yield found


def _under(heading: str, arrow: re.Match[str]) -> Diagnostic | None:
    """Another arrow below the same heading shows a related place."""
    return _made(arrow, heading) if heading else None


def _in_file(file: str, row: re.Match[str]) -> Diagnostic:
    message, _, rule = row["rest"].rpartition("  ")  # a column of its own, which a few rows lack
    named = bool(message) and _RULE.fullmatch(rule) is not None
    return Diagnostic(
        path=file,
        line=int(row["line"]),
        column=int(row["column"]),
        rule=rule if named else "",
        severity="warning" if row["severity"] in ("warning", "⚠") else "error",
        message=" ".join((message if named else row["rest"]).split()),
    )


def _of_line(line: str) -> Diagnostic | None:
    if line.startswith("::"):
        return _annotation(line)
    match = _COLONS.match(line) or _PYRIGHT.match(line) or _TSC.match(line)
    return _made(match, match["rest"]) if match else None


def _made(match: re.Match[str], words: str) -> Diagnostic:
    severity, rule, message = "", "", words
    if told := _SEVERITY.match(message):
        severity, rule = told["severity"], told["rule"] or ""
        message = message[told.end() :]
    if not rule and (code := _CODE.match(message) or _NAME.match(message)):
        rule, message = code["rule"], message[code.end() :]
    # pylint prints number and name: the number is the rule, and the name stays in the message.
    if not rule and (tail := _TAIL.search(message)):
        rule, message = tail["name"] or tail["report"], message[: tail.start()]
    return Diagnostic(
        path=match["path"],
        line=int(match["line"]),
        column=int(match["column"] or 0),
        rule=rule,
        severity={"information": "note", "info": "note", "fatal error": "error"}.get(severity, severity),
        message=" ".join(message.split()),
    )


def _annotation(line: str) -> Diagnostic | None:
    match = _ANNOTATION.match(line)
    if match is None:
        return None
    fields = dict(part.strip().partition("=")[::2] for part in match["fields"].split(","))
    path, number = unquote(fields.get("file", "")), fields.get("line", "")
    if not path:
        return None
    title = unquote(fields.get("title", ""))
    message = unquote(match["message"]).strip().partition("\n")[0]
    # ruff and others repeat the place before the message, and put the rule in the title.
    message = re.sub(rf"\A\S+:{re.escape(number)}(?::\d+)?: ", "", message)
    code = re.search(r"\(([\w-]+)\)\Z", title) or re.fullmatch(r"()([\w-]+)", title)
    rule = code[code.lastindex or 0] if code else ""
    return Diagnostic(
        path=path,
        line=int(number) if number.isdigit() else 0,
        column=int(fields["col"]) if fields.get("col", "").isdigit() else 0,
        rule=rule,
        severity={"notice": "note"}.get(match["severity"], match["severity"]),
        message=message.removeprefix(f"{rule}: ").removeprefix(f"{rule} ") if rule else message,
    )
