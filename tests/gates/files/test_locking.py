"""Two never hold one lock, also where its file is removed in between."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gates.files.locking import take_lock
from gates.portable.errors import EnvironmentProblem

if TYPE_CHECKING:
    from pathlib import Path


def test_a_lock_is_had_by_one_at_a_time(tmp_path: Path) -> None:
    held = take_lock(tmp_path / "lock", "busy")
    with pytest.raises(EnvironmentProblem, match="busy"):
        take_lock(tmp_path / "lock", "busy")
    os.close(held)
    os.close(take_lock(tmp_path / "lock", "busy"))


def test_a_lock_whose_file_was_removed_before_it_was_held_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its holder removes it, and lets go, between opening and locking it here."""
    path = tmp_path / "lock"
    opened = os.open

    def open_late(*arguments: object) -> int:
        monkeypatch.undo()
        descriptor: int = opened(*arguments)  # type: ignore[arg-type]
        path.unlink()
        return descriptor

    monkeypatch.setattr(os, "open", open_late)
    held = take_lock(path, "busy")
    with pytest.raises(EnvironmentProblem, match="busy"):
        take_lock(path, "busy")
    os.close(held)
