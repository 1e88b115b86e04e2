"""Read what linters and type checkers found: files in the usual formats (`files`), and logs (`log`)."""

from gates.readers.diagnostics.files import read_diagnostics
from gates.readers.diagnostics.log import read_log

__all__ = ["read_diagnostics", "read_log"]
