"""Which settings decide what a green means, and got weaker, stronger, or just other. Pure functions of texts."""

from gates.analysis.strictness.compare import is_config, is_read, names_in, setting_changes

__all__ = ["is_config", "is_read", "names_in", "setting_changes"]
