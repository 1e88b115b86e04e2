"""Configs to test with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.config import Config, load_config
from gates.portable.errors import ConfigError, ManyErrors
from gates.portable.values import ExitCode

if TYPE_CHECKING:
    from pathlib import Path


def load(folder: Path, text: str, name: str = "gates.toml") -> Config:
    (folder / name).write_text(text, encoding="utf-8")
    return load_config(folder)


def mistakes(folder: Path, text: str, name: str = "gates.toml") -> tuple[ConfigError, ...]:
    with pytest.raises(ManyErrors) as caught:
        load(folder, text, name)
    assert caught.value.exit_code is ExitCode.USAGE
    assert all(isinstance(error, ConfigError) for error in caught.value.errors)
    return caught.value.errors  # type: ignore[return-value]
