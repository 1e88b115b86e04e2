"""Registers the part that records assertions, in each process that runs tests, and only if something is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ASSERTIONS = "gates-assertions"
"""Name of the part that records assertions."""


def register_assertions(config: pytest.Config, file: str, root: str) -> None:
    """Register it.

    Args:
        config: of this process.
        file: see `AssertionRecorder`; empty if nothing is recorded.
        root: the project's folder.
    """
    if file:
        from .assertions import AssertionRecorder

        config.pluginmanager.register(AssertionRecorder(config, file, root), ASSERTIONS)


def recorder_settings(config: pytest.Config) -> tuple[str, str]:
    """What another process needs to record the same: `file` and `root`; empty if nothing is recorded."""
    recorder = config.pluginmanager.get_plugin(ASSERTIONS)
    return ("", "") if recorder is None else (recorder.file, recorder.root)
