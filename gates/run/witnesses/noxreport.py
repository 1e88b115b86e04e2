"""What nox's own report says of a session."""

from __future__ import annotations

import re
from typing import Any

from gates.results import Witness
from gates.run.witnesses.names import NOX_REPORT
from gates.values import GateOutcome

_NO_PROGRAM = re.compile(
    r"nox > Program (?P<name>.+) not found\.[^\n]*\n[^\n]*nox > Session [^\n]+ failed\.[^\n]*\s*\Z"
)


def nox_witness(report: Any, signature: str, tail: str = "") -> Witness:
    """What nox's own report says of the session. Its number 0 means *failed*, so only its words are read.

    Args:
        report: the file that nox wrote, decoded.
        signature: the session.
        tail: the last lines of the log. Only there nox says that a program is missing, between the session's last
            output and its own closing line: no program that did run can have the last word but one.
    """
    try:
        entry = next(
            item for item in report["sessions"] if item["name"] == signature or signature in item["signatures"]
        )
        word, reason = entry["result"], entry.get("reason") or ""
    except (TypeError, KeyError, StopIteration):
        return Witness(name=NOX_REPORT, detail="nox wrote no report of this session")
    if word == "failed" and reason.startswith("Python interpreter") and reason.endswith("not found"):
        return Witness(name=NOX_REPORT, outcome=GateOutcome.COULD_NOT_RUN, detail=reason)
    missing = _NO_PROGRAM.search(tail)
    if word == "failed" and not reason and missing:
        return Witness(
            name=NOX_REPORT, outcome=GateOutcome.COULD_NOT_RUN, detail=f"{missing['name']}: program not found"
        )
    outcome = {
        "success": GateOutcome.PASSED,
        "failed": GateOutcome.FAILED,
        "skipped": GateOutcome.SKIPPED,
        "aborted": GateOutcome.FAILED,  # by session.error; a session that is interrupted leaves no report
    }.get(word)
    return Witness(name=NOX_REPORT, outcome=outcome, detail=f"{word}: {reason}" if reason else word)
