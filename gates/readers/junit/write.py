"""Write a run as JUnit XML."""

from __future__ import annotations

from collections.abc import Sequence

from gates.results import Run, TestResult


def junit_document(run: Run, tests: Sequence[TestResult]) -> str:
    """The whole XML text of a run; well formed, even if the tests printed control characters."""
    # The library and its XML printer are loaded only if a file is really written.
    from gates.readers.junit.suites import run_document

    return run_document(run, tests)
