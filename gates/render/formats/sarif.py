"""A run as SARIF 2.1.0, for code scanning of hosting services (OASIS standard, sections 3.13 to 3.28)."""

from __future__ import annotations

from collections.abc import Sequence

from gates import __version__
from gates.compare.values import Comparison
from gates.render.formats.document import json_text
from gates.render.formats.places import Remark, placed
from gates.render.summary import summarise
from gates.results import Run, TestResult

MOST = 25_000
"""GitHub refuses a file with more results, and shows 5,000 of them: the most important are first."""

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None, folder: str = "") -> str:
    """The whole file; results without a file are left out, because no service can show them.

    Args:
        run: the run.
        tests: its tests.
        comparison: with its base.
        folder: of the project in the repository.
    """
    found = placed(run, tests, comparison, folder)
    rules = {rule: number for number, rule in enumerate(dict.fromkeys(one.rule for one in found[:MOST]))}
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
                "invocations": [
                    {
                        # Whether gates did its work, not what it found; the reason for a failure may have no place.
                        "executionSuccessful": run.complete,
                        "exitCode": run.exit_code,
                        "exitCodeDescription": summarise(run, tests, comparison).verdict.sentence,
                    }
                ],
                "results": [_result(one, rules[one.rule]) for one in found[:MOST]],
                "properties": {"leftOut": max(0, len(found) - MOST)},
            }
        ],
    }
    return json_text(whole)


def _result(one: Remark, number: int) -> dict[str, object]:
    return {
        "ruleId": one.rule,
        "ruleIndex": number,
        "level": one.level,
        "message": {"text": one.text},
        # Code scanning demands a line: that of a whole file is its first.
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(one.path), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": one.line or 1},
                }
            }
        ],
        "partialFingerprints": {"gates/v1": one.fingerprint},
    }


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path.encode("utf-8", "surrogatepass"))
