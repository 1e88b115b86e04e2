"""In the process that runs the tests: add signature and place to the report of a failure while its exception exists."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from ...portable.failure_signature import of_exception
from ...portable.frames import Own, place_of_exception
from ..secrets import hide


class SignatureWriter:
    """Adds signatures to reports; extra attributes pass through xdist and into the reports of subtests."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)

    # Outermost: expected failures and skips have been decided by then.
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, None, None]:
        """Add the signature to the report of a failure, or of an expected failure."""
        outcome = yield
        if call.excinfo is None or outcome.excinfo is not None:  # type: ignore[attr-defined]
            return
        report = outcome.get_result()  # type: ignore[attr-defined]
        if report is None or not (report.failed or (report.skipped and hasattr(report, "wasxfail"))):
            return
        error = call.excinfo.value
        # `pytest.xfail()` comes from the test itself, not from the tested code.
        if not isinstance(error, (pytest.xfail.Exception, pytest.skip.Exception)):
            own = _own(item)
            report.gates_signature = of_exception(error, self._root, own, hide)
            report.gates_place = place_of_exception(error, self._root, own)

    @pytest.hookimpl(tryfirst=True)
    def pytest_exception_interact(
        self, node: pytest.Item | pytest.Collector, call: pytest.CallInfo[None], report: pytest.CollectReport
    ) -> None:
        """Add the place to the report of a module that cannot be imported; pytest calls this before it passes the report on."""
        if isinstance(node, pytest.Collector) and call.excinfo is not None:
            report.gates_place = place_of_exception(call.excinfo.value, self._root, _own(node))  # type: ignore[attr-defined]


def _own(node: pytest.Item | pytest.Collector) -> Own:
    return Own(str(getattr(node, "path", "")), node.nodeid.partition("::")[0])
