"""nox's own report of a session as a witness."""

from __future__ import annotations

from typing import Any

from gates.portable.patterns import lazy_pattern
from gates.portable.values import GateOutcome
from gates.results import Witness
from gates.run.witnesses.installs import install_trouble
from gates.run.witnesses.names import NOX_REPORT

_NO_PROGRAM = lazy_pattern(
    r"nox > Program (?P<name>.+) not found\.[^\n]*\n[^\n]*nox > Session [^\n]+ failed\.[^\n]*\s*\Z"
)


def nox_witness(report: Any, signature: str, tail: str = "") -> Witness:
    """The witness of nox's own report: it must exist, or the session left nox before its end.

    Its number 0 means *failed*, so only its words are read.

    Args:
        report: the file that nox wrote, decoded.
        signature: the session.
        tail: the last lines of the log. Only there does nox report a missing program, between the session's last
            output and its own closing line, where no program that did run can print.
    """
    words = [_of_session(entry, tail) for entry in _entries(report, signature)]
    if not words:
        return Witness(name=NOX_REPORT, outcome=GateOutcome.FAILED, detail="nox wrote no report of this session")
    return next((word for word in words if word.outcome is not GateOutcome.PASSED), words[0])


def _entries(report: Any, signature: str) -> list[dict[str, Any]]:
    """The report's entry for the session; empty if it cannot be read."""
    try:
        found = [entry for entry in report["sessions"] if signature in (entry["name"], *entry["signatures"])]
        return [entry for entry in found if isinstance(entry["result"], str)]
    except (TypeError, KeyError):
        return []


def _of_session(entry: dict[str, Any], tail: str) -> Witness:
    word, reason = entry["result"], str(entry.get("reason") or "")
    if word == "failed" and reason.startswith("Python interpreter") and reason.endswith("not found"):
        return Witness(name=NOX_REPORT, outcome=GateOutcome.COULD_NOT_RUN, detail=reason)
    missing = _NO_PROGRAM.search(tail)
    if word == "failed" and not reason and missing:
        return Witness(
            name=NOX_REPORT, outcome=GateOutcome.COULD_NOT_RUN, detail=f"{missing['name']}: program not found"
        )
    trouble = install_trouble(tail) if word == "failed" and not reason else ""
    if trouble:
        detail = f"packages cannot be installed: {trouble}"
        return Witness(name=NOX_REPORT, outcome=GateOutcome.COULD_NOT_RUN, detail=detail)
    # `aborted` comes from session.error. An interrupted session leaves no report, and an unknown word does
    # not mean success.
    outcome = {"success": GateOutcome.PASSED, "skipped": GateOutcome.SKIPPED}.get(word, GateOutcome.FAILED)
    return Witness(name=NOX_REPORT, outcome=outcome, detail=f"{word}: {reason}" if reason else word)
