"""Ends a session whose expression is invalid, and handles an empty selection."""

from __future__ import annotations

import pytest

from .catalogue import Catalogue
from .deselection import FILTER


def refuse_wrong_names(catalogue: Catalogue) -> None:
    """A listener for sessions without a runner: a name in the filter that does not exist is wrong usage.

    Under a runner another gate may have it: there the runner combines all processes.

    Raises:
        UsageError: there is such a name.
    """
    wrong = [leaf.error for source, leaf in catalogue.leaves if source == FILTER and leaf.error]
    if wrong:
        raise pytest.UsageError("\n".join(f"the filter's {text}" for text in wrong))


class EmptySelection:
    """`--no-tests warn|pass`: a session that selected nothing passes."""

    def __init__(self, meaning: str) -> None:
        self._meaning = meaning
        self._empty = False

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Replace the exit code."""
        if int(session.exitstatus) == pytest.ExitCode.NO_TESTS_COLLECTED:
            self._empty = True
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print it."""
        if self._empty and self._meaning == "warn":
            terminalreporter.write_line("gates: no test was selected (--no-tests warn)", yellow=True)
