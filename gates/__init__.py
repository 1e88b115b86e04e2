"""Tells you, with evidence that others can check, whether a branch is safe to merge."""

__version__ = "0.1.0"
