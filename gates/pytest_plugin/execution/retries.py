"""Retries a failed test as often as its rules allow; every attempt has a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable

import pytest
from _pytest.runner import call_and_report

from ...portable.originals import random, time
from ..reporting.reports import TIMEOUT

if TYPE_CHECKING:
    from ...portable.rules import Retries, Rules


class RetryRunner:
    """Runs tests that may be retried; pytest runs all others."""

    def __init__(
        self,
        rules: Mapping[pytest.Item, Rules],
        sleep: Callable[[float], None] = time.sleep,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._rules, self._sleep, self._dice = rules, sleep, dice

    @pytest.hookimpl
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a test until it passes, or its attempts are used up."""
        rules = self._rules.get(item)
        if rules is None or not rules.retries.count:
            return None
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for attempt in range(rules.retries.count + 1):
            again = attempt < rules.retries.count
            reports, failed = self._attempt(item, nextitem, rules.retries if again else None)
            if failed is None:
                if attempt and rules.flaky_result == "fail":
                    fail_flaky(reports, attempt)
                for report in reports:
                    hook.pytest_runtest_logreport(report=report)
                break
            failed.outcome = "rerun"  # type: ignore[assignment]  # as pytest-rerunfailures calls it; plugins know the word
            hook.pytest_runtest_logreport(report=failed)
            self._sleep(delay_of(rules.retries, attempt, self._dice))
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Show a failed attempt as what it is."""
        if str(report.outcome) == "rerun":
            return "rerun", "R", ("RERUN", {"yellow": True})
        return None

    @staticmethod
    def _attempt(
        item: Any, nextitem: pytest.Item | None, retries: Retries | None
    ) -> tuple[list[pytest.TestReport], pytest.TestReport | None]:
        """The reports of one attempt, and the one that causes a retry."""
        failed = None

        def after(reports: list[pytest.TestReport]) -> pytest.Item | None:
            nonlocal failed
            failed = _worth_trying(reports, retries)
            # Fixtures of wider scopes stay for the next attempt: only the test itself is torn down.
            return item.parent if failed is not None else nextitem

        reports = attempt_of(item, after)
        if failed is None and retries is not None:
            failed = _worth_trying(reports[-1:], retries)
        return reports, failed


def attempt_of(item: Any, after: Any) -> list[pytest.TestReport]:
    """Set up, call and tear down a test, any number of times; return the reports, which are not published yet.

    Args:
        item: the test.
        after: the next item, which decides how much is torn down; or a function that returns it, given the reports so far.
    """
    _make_new(item)
    reports = [call_and_report(item, "setup", log=False)]
    if reports[0].passed and not item.config.getoption("setupshow", False):
        reports.append(call_and_report(item, "call", log=False))
    following = after(reports) if callable(after) else after
    reports.append(call_and_report(item, "teardown", log=False, nextitem=following))
    item._request = False  # noqa: SLF001 (as pytest's own protocol ends)
    item.funcargs = None
    return reports


def _worth_trying(reports: Sequence[pytest.TestReport], retries: Retries | None) -> pytest.TestReport | None:
    if retries is None:
        return None
    for report in reports:
        if report.failed:
            kind = "timeout" if hasattr(report, TIMEOUT) else "failed" if report.when == "call" else "error"
            return report if kind in retries.on else None
    return None


def _make_new(item: Any) -> None:
    """Forget the fixtures of an earlier attempt: pytest keeps an exception of their setup."""
    if getattr(item, "_request", None) is False or getattr(item, "funcargs", {}) is None:
        item._initrequest()  # noqa: SLF001 (pytest has no other way, and plugins that run tests again use it)
    definitions = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    for several in definitions.values():
        for definition in several:
            cached = getattr(definition, "cached_result", None)
            if cached is not None and cached[2] is not None:
                definition.finish(item._request)  # noqa: SLF001 (as above)


def fail_flaky(reports: Sequence[pytest.TestReport], attempt: int) -> None:
    """Fail a test that passed on a retry (attempts are counted from 0)."""
    call = next(report for report in reports if report.when == "call")
    if call.passed:
        call.outcome = "failed"
        call.longrepr = f"flaky: passed on attempt {attempt + 1}, and flaky-result = 'fail'"


def longest_delay(retries: Retries) -> float:
    """Maximum seconds between two attempts."""
    return delay_of(retries, min(retries.count, 64) - 1, lambda: 1.0) if retries.count else 0.0


def delay_of(retries: Retries, attempt: int, dice: Callable[[], float]) -> float:
    """Seconds to wait after the attempt with this number, counted from 0."""
    delay = retries.delay * (2.0**attempt if retries.backoff == "exponential" else 1.0)
    if retries.max_delay is not None:
        delay = min(delay, retries.max_delay)
    return delay * (0.5 + dice() / 2) if retries.jitter else delay
