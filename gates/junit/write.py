"""Write a run to a file as JUnit XML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.results.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gates.results import Run, TestResult


def junit_document(run: Run, tests: Sequence[TestResult]) -> str:
    """The whole XML text of a run; well formed whatever the tests printed."""
    # The library and its XML printer are loaded only where a file is really written.
    from gates.junit.suites import run_document

    return run_document(run, tests)


def write_junit(path: Path, run: Run, tests: Sequence[TestResult]) -> None:
    """Write the run to `path`. The file appears whole or not at all."""
    write_whole(path, junit_document(run, tests))
