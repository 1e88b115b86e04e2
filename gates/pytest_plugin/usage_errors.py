"""Convert errors of gates in hooks into pytest's: none ends in a traceback, and none gets lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ..portable.errors import GatesError


@contextmanager
def usage_errors() -> Iterator[None]:
    """At the start of a session: an error is wrong usage, and ends it."""
    try:
        yield
    except GatesError as error:
        raise pytest.UsageError(str(error)) from None


@contextmanager
def collection_errors(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """During collection: an error becomes a collection error, and no item runs.

    An exception would be enough in a session without workers. A worker of pytest-xdist would end without telling its controller,
    which would wait for it forever.
    """
    try:
        yield
    except GatesError as error:
        items[:] = []
        config.hook.pytest_collectreport(report=pytest.CollectReport("gates", "failed", str(error), []))
