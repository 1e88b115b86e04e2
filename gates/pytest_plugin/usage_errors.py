"""Errors of ours that hooks meet, as pytest's: none ends in a traceback, and none goes by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ..portable.errors import GatesError


@contextmanager
def usage_errors() -> Iterator[None]:
    """Where a session begins: an error is wrong usage, and ends it."""
    try:
        yield
    except GatesError as error:
        raise pytest.UsageError(str(error)) from None


@contextmanager
def collection_errors(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Where tests are collected: an error is one of the collection, and none of the items runs.

    An exception would do in a session that has no workers. One of pytest-xdist would end without a word to its controller,
    which would wait for it for ever.
    """
    try:
        yield
    except GatesError as error:
        items[:] = []
        config.hook.pytest_collectreport(report=pytest.CollectReport("gates", "failed", str(error), []))
