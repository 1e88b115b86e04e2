"""Configuration: `[tool.gates]` of pyproject.toml or `gates.toml` → `Config`."""

from gates.config.load import find_root, load_config
from gates.config.values import Config, FindingsSource, GateConfig, Profile

__all__ = ["Config", "FindingsSource", "GateConfig", "Profile", "find_root", "load_config"]
