"""`gates exclusions`: what the ledgers contain, and whether it still holds."""

from __future__ import annotations

import datetime as dt
import sys
from collections import Counter
from pathlib import Path

from gates.compare.recorded import CheckedEntry, Finding, check_entries
from gates.config import Config, load_config
from gates.pipeline.execute import execute
from gates.planning.plan import Request
from gates.planning.prepare import prepare
from gates.planning.pytest_gates import pytest_gates
from gates.portable.errors import GatesError, NothingSelected
from gates.portable.exclusions import Exclusion, union
from gates.portable.filters import Matcher, Or, Predicate, to_text
from gates.portable.settings.declare import replace
from gates.portable.values import ExitCode, TestOutcome
from gates.render.text import plural
from gates.results import TestResult
from gates.results.files import RUN_FILE
from gates.run.progress import StartsOnly
from gates.storage.evidence import load_evidence

WORDS: dict[Finding, str] = {
    "as recorded": "as recorded",
    "passes": "pass now",
    "differs": "fail for another reason",
    "unknown": "unknown",
}

FOLDER = "exclusions"
"""Below the reports: verifying must not replace the summary of a run."""

SHORT = 2.0
"""Time limit in seconds for an excluded test: one that hangs would take forever, and the others are short."""


def exclusions_listing(root: Path, today: dt.date | None = None) -> str:
    """Both ledgers, one entry per line, with the tests that each matched in the last run."""
    config = load_config(root)
    today = today or dt.datetime.now(dt.UTC).date()
    if not config.exclusions and not config.quarantine:
        return "no exclusions, no quarantine\n"
    counts = _counts(root, config)
    rows = [
        (kind, entry.name, counts.get((kind, entry.name), "?"), entry.category, entry.owner, _due(entry, today), entry)
        for kind, entries in (("exclusion", config.exclusions), ("quarantine", config.quarantine))
        for entry in entries
    ]
    widths = [max(len(str(row[column])) for row in rows) for column in range(6)]
    lines = []
    for *cells, entry in rows:
        padded = "  ".join(f"{cell!s:<{width}}" for cell, width in zip(cells, widths, strict=True))
        issue = f" ({entry.issue})" if entry.issue else ""
        lines += [f"{padded}  {entry.reason}{issue}", f"    {entry.filter}"]
    return "\n".join(lines) + "\n"


def _due(entry: Exclusion, today: dt.date) -> str:
    days = (entry.expires - today).days
    return f"expired {entry.expires}" if days < 0 else f"{entry.expires} ({plural(days, 'day')} left)"


def _counts(root: Path, config: Config) -> dict[tuple[str, str], str]:
    try:
        run = load_evidence(root / config.reports / RUN_FILE).run
    except GatesError:
        return {}
    if run.filter or not run.whole:  # that run did not have every test
        return {}
    found = {("exclusion", record.name): plural(record.tests, "test") for record in run.exclusions}
    # The quarantine may match a test without forgiving a failure; the run records only the latter.
    found |= {("quarantine", record.name): plural(record.tests, "failure") for record in run.quarantine}
    return found


def verify(root: Path, request: Request, command_line: str) -> tuple[str, ExitCode]:
    """Run the excluded tests, each for a short time only, and report those that do not behave as recorded.

    Raises:
        NothingSelected: there are no exclusions.
        GatesError: the tests cannot be run.
    """
    config = load_config(root)
    if not config.exclusions:
        raise NothingSelected("there are no exclusions to verify")
    wanted = replace(
        request,
        filter=to_text(union(config.exclusions)),
        include_excluded=True,
        ignore_default_filter=True,
        test_timeout=request.test_timeout or SHORT,
        no_tests="pass",
    )
    gates = None
    if not wanted.gates:
        prepared = prepare(root, wanted)
        gates, wanted = prepared.gates, replace(wanted, gates=pytest_gates(prepared))
    results: dict[str, TestResult] = {}
    while True:
        prepared = prepare(root, wanted, reports=root / config.reports / FOLDER, gates=gates)
        gates = prepared.gates
        finished = execute(prepared, command_line, StartsOnly(prepared.plan, sys.stderr), aside=True)
        if finished.run.exit_code == ExitCode.INTERRUPTED:
            return "interrupted\n", ExitCode.INTERRUPTED
        results |= {test.id: test for test in finished.tests}
        # Without xdist, a test that hangs or crashes ends its session: the tests after it get a new session.
        lost = [test.id for test in finished.tests if test.outcome is TestOutcome.NOT_RUN and test.exclusion]
        if not lost or len(lost) == len(finished.tests):
            break
        again = Or(tuple(Predicate("test", (Matcher("=", name),)) for name in lost))
        wanted = replace(wanted, filter=to_text(again if len(lost) > 1 else again.operands[0]))
    checked = check_entries(config.exclusions, results.values())
    holds = all(entry.holds for entry in checked)
    return "".join(map(_shown, checked)), ExitCode.PASSED if holds else ExitCode.GATE_FAILED


def _shown(checked: CheckedEntry) -> str:
    entry = checked.entry
    counts = Counter(test.finding for test in checked.tests)
    said = ", ".join(f"{counts[finding]} {word}" for finding, word in WORDS.items() if counts[finding])
    lines = [f"{entry.name} ({entry.category}): {said or 'matches no test: remove it'}"]
    for test in checked.tests:
        if test.finding == "passes":
            lines.append(f"  STALE    {test.test} passes now: remove it from the filter")
        elif test.finding != "as recorded":
            recorded = entry.signature or entry.category
            lines.append(f"  {test.finding.upper():<8} {test.test}\n           {test.said} (recorded: {recorded})")
    if counts["passes"] and counts["passes"] == len(checked.tests):
        lines.append(f"  all of its tests pass: remove {entry.name}")
    return "\n".join(lines) + "\n"
