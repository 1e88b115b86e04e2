"""Write a run to a file as JUnit XML."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gates.results import Run, TestResult


def junit_document(run: Run, tests: Sequence[TestResult]) -> str:
    """The whole XML text of a run; well formed whatever the tests printed."""
    # The library and its XML printer are loaded only where a file is really written.
    from gates.junit.suites import run_document

    return run_document(run, tests)


def write_junit(path: Path, run: Run, tests: Sequence[TestResult]) -> None:
    """Write the run to `path`. The file appears whole or not at all."""
    text = junit_document(run, tests)
    # Beside the target: a rename is atomic only within one file system.
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as aside:
        temporary = Path(aside.name)
        try:
            aside.write(text)
            aside.close()
            temporary.chmod(0o644)  # a temporary file is private; a report is not
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
