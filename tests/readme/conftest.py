from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.project import Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty folder for a project."""
    return Project(tmp_path / "project", tmp_path / "cache")
