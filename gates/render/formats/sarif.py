"""A run as SARIF 2.1.0, for code scanning of hosting services (OASIS standard, sections 3.13 to 3.28)."""

from __future__ import annotations

from collections.abc import Sequence

from gates import __version__
from gates.compare.values import Comparison
from gates.render.formats.document import json_text
from gates.render.formats.places import Remark, remarks
from gates.results import Run, TestResult

MOST = 25_000
"""GitHub refuses a file with more results, and shows 5,000 of them: the most important are first."""

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None) -> str:
    """The whole file; results without a file are left out, because no service can show them."""
    placed = [one for one in remarks(run, tests, comparison) if one.path and not one.path.startswith(("/", ".."))]
    rules = list(dict.fromkeys(one.rule for one in placed[:MOST]))
    tool = {
        "name": "gates",
        "version": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": rule.replace("-", " ")}} for rule in rules],
    }
    whole = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": tool},
                "automationDetails": {"id": f"gates/{run.profile}/"},
                "results": [_result(one, rules.index(one.rule)) for one in placed[:MOST]],
                "properties": {"leftOut": max(0, len(placed) - MOST)},
            }
        ],
    }
    return json_text(whole)


def _result(one: Remark, number: int) -> dict[str, object]:
    region = {"region": {"startLine": one.line}} if one.line else {}
    return {
        "ruleId": one.rule,
        "ruleIndex": number,
        "level": one.level,
        "message": {"text": one.text},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(one.path)}, **region}}],
        "partialFingerprints": {"gates/v1": one.fingerprint},
    }


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path.encode("utf-8", "surrogatepass"))
