"""A run as a Code Quality report of GitLab: what it shows at lines of a merge request.

Format: https://docs.gitlab.com/ci/testing/code_quality/ (each fingerprint once, paths relative to the repository).
"""

from __future__ import annotations

from collections.abc import Sequence

from gates.compare.values import Comparison
from gates.render.formats.document import json_text
from gates.render.formats.places import placed
from gates.results import Run, TestResult

_SEVERITY = {"error": "major", "warning": "minor", "note": "info"}


def render_gitlab(run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None, folder: str = "") -> str:
    """The whole file; `folder` is that of the project in the repository."""
    entries: dict[str, dict[str, object]] = {}
    for one in placed(run, tests, comparison, folder):
        entries.setdefault(
            one.fingerprint,
            {
                "description": one.text,
                "check_name": one.rule,
                "fingerprint": one.fingerprint,
                "severity": _SEVERITY[one.level],
                "location": {"path": one.path, "lines": {"begin": max(1, one.line)}},
            },
        )
    return json_text(list(entries.values()))
