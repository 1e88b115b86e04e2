"""Read coverage files: coverage.py's JSON, Cobertura XML, LCOV."""

from gates.readers.coverage.read import LineHits, read_coverage
from gates.readers.coverage.total import put_together

__all__ = ["LineHits", "put_together", "read_coverage"]
