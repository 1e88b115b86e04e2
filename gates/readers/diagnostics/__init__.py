"""Read findings of linters and type checkers: from files in common formats (`files`), and from logs (`log`)."""

from gates.readers.diagnostics.files import read_diagnostics
from gates.readers.diagnostics.log import read_log

__all__ = ["read_diagnostics", "read_log"]
