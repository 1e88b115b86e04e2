"""Checks whether a branch is safe to merge, with evidence that others can verify."""

__version__ = "0.1.0"
