"""Runs selected tests in separate processes, so that their side effects do not reach other tests.

A forked child has the existing fixtures of wider scopes, tears down what it sets up itself, and leaves the
rest to its parent. If a fork is not safe, a new pytest is started for the test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, Callable

import pytest

from ...portable.rules import Retries, Rules
from ..execution.retries import fail_flaky, longest_delay
from ..execution.running import limits_of
from ..reporting.reports import TIMEOUT
from .forking import Forked, fork_is_safe, report_failure

if TYPE_CHECKING:
    Finalizers = Mapping[Any, int]

PATIENCE = 5.0
"""Seconds beyond its limit after which an isolated test is killed from outside, if its own watchdog has not done so."""


class Isolator:
    """Owns the processes of isolated tests."""

    def __init__(
        self,
        config: pytest.Config,
        rules: Mapping[pytest.Item, Rules],
        stacks: IO[bytes],
        test_timeout: float | None = None,
        asked: Callable[[pytest.Item], bool] = lambda _item: False,
        stress: tuple[int, float] = (0, 0.0),
    ) -> None:
        """Store the settings.

        Args:
            config: of the session.
            rules: of the tests.
            stacks: file for watchdogs and fault handlers.
            test_timeout: limit in seconds for tests whose rules have none.
            asked: whether a test must be retried alone because it killed a worker.
            stress: how often, and for how many seconds, each test runs; zeros for once.
        """
        self._config, self._rules, self._stacks, self._asked = config, rules, stacks, asked
        self._test_timeout, self._stress = test_timeout, stress
        self._again: dict[pytest.Item, None] = {}

    def tries_again(self, item: pytest.Item, report: pytest.TestReport) -> bool:
        """Whether a test that killed its process is retried: alone, and only if its rules allow it."""
        rules = self._rules.get(item)
        kind = "timeout" if hasattr(report, TIMEOUT) else "crashed"
        if rules is None or not rules.retries.count or kind not in rules.retries.on or item in self._again:
            return False
        self._again[item] = None
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a test that must be alone."""
        rules = self._rules.get(item)
        again = item in self._again or self._asked(item)
        if not again and (rules is None or rules.isolate == "no"):
            return None
        mode = "auto" if rules is None or rules.isolate == "no" else rules.isolate
        if mode == "auto":
            mode = "fork" if fork_is_safe() else "spawn"
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        run = Forked(self._config, item, self._stacks, again=again) if mode == "fork" else self._spawned(item)
        reports = run.reports(self._deadline(rules))
        if again and rules is not None and rules.flaky_result == "fail" and all(report.passed for report in reports):
            fail_flaky(reports, 1)
        for report in reports:
            hook.pytest_runtest_logreport(report=report)
        self._tear_down(item, nextitem)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _spawned(self, item: pytest.Item) -> Any:
        from .spawning import Spawned

        return Spawned(self._config, item, self._rules.get(item), self._test_timeout, self._stress)

    def _deadline(self, rules: Rules | None) -> float | None:
        limit, grace = limits_of(rules, self._test_timeout)
        if limit is None or any(self._stress):
            return None  # each attempt has its own watchdog, and the number of attempts is unknown
        retries = rules.retries if rules is not None else Retries()
        return (limit + grace) * (1 + retries.count) + longest_delay(retries) * retries.count + PATIENCE

    @staticmethod
    def _tear_down(item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Tear down, in the parent, what the next test does not need; as usual, a failure there belongs to this test."""
        if set(item.session._setupstate.stack) <= set(nextitem.listchain() if nextitem is not None else ()):  # noqa: SLF001
            return
        # Not with the hook: other plugins would act on a setup that never happened in this process.
        report = report_failure(item, lambda: item.session._setupstate.teardown_exact(nextitem))  # noqa: SLF001
        if report is not None:
            item.ihook.pytest_runtest_logreport(report=report)
