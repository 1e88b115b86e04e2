"""Small documents, and reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.readers.junit.read import parse_junit
from gates.readers.junit.rules import JUnitRules

if TYPE_CHECKING:
    from gates.readers.junit.report import JUnitReport


def read(text: str | bytes, gate: str = "", **rules: object) -> JUnitReport:
    return parse_junit([text if isinstance(text, bytes) else text.encode()], "x.xml", JUnitRules.of(rules), gate)


def case(inner: str, attributes: str = "") -> str:
    return (
        f'<testsuite name="s"><testcase name="t" classname="c" time="0.5" {attributes}>{inner}</testcase></testsuite>'
    )
