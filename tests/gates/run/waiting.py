"""Wait for what other processes do: a bounded poll, never a guess at how long it takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0
"""Seconds until a test gives up; nothing takes that long unless it is broken."""


def wait_for(condition: Callable[[], object], what: str = "") -> None:
    """Return as soon as the condition holds.

    Raises:
        AssertionError: it does not, and will not.
    """
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain {PATIENCE:g}s {what}"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet is dead."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_dead(pid: int) -> bool:
    """Whether no such process runs any more."""
    return not is_alive(pid)
