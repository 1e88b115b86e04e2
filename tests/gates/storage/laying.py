"""Lay the files of a run out as a run leaves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gates.pipeline.publish import emit
from gates.results.files import RUN_FILE, TESTS_FILE, encoded, to_json
from gates.storage.reports import Reports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gates.compare.values import Comparison
    from gates.results import Run, TestResult


def lay(
    folder: Path,
    run: Run,
    tests: Sequence[TestResult] = (),
    *,
    records: Path | None = None,
    logs: Mapping[str, bytes] | None = None,
    render: bool = False,
    comparison: Comparison | None = None,
) -> Run:
    """The run as its `run.json` says it.

    Args:
        folder: of reports.
        run: the run.
        tests: its tests.
        records: where it is recorded; by default beside the folder.
        logs: name → content.
        render: with `summary.md` and `junit.xml`.
        comparison: with this as `comparison.json`, and all the rest.
    """
    with Reports.begin(folder, records or folder.parent / "records", run.id) as reports:
        reports.stream(TESTS_FILE).write(b"".join(encoded(test) + b"\n" for test in tests))
        for name, data in (logs or {}).items():
            reports.log(name).write(data)
        if render or comparison is not None:
            return emit(run, tests, reports, comparison)
        run = msgspec.structs.replace(run, files=reports.digests)
        reports.publish({RUN_FILE: to_json(run)})
        return run
