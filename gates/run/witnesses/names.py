"""Names of the witnesses, as a result shows them."""

from __future__ import annotations

EXIT_CODE, NOX_REPORT, TESTS, JUNIT, REPORTS, OWN_WORD, CLOCK, LEDGER, INJECTION, IMPORTS, TREE, RUNNER, ROOM = (
    "exit code",
    "nox report",
    "test results",
    "junit",
    "reports",
    "gate's own word",
    "clock",
    "exclusions",
    "injection",
    "imports",
    "tree",
    "test runner",
    "room",
)
