"""Errors of a file that cannot be read as JUnit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.portable.errors import GatesError

if TYPE_CHECKING:
    from gates.readers.junit.report import JUnitReport


class JUnitError(GatesError):
    """A file that cannot be read as JUnit. It never counts as an empty pass.

    Attributes:
        saved: what was read before the place where a file is cut off or malformed; None if nothing was. It is
            never consistent.
    """

    saved: JUnitReport | None = None

    @classmethod
    def over_limit(cls, what: str, key: str, limit: int) -> JUnitError:
        """A file beyond a limit of the config; `key` names the setting."""
        unit = {"max-size": " bytes", "max-depth": " levels"}.get(key, " characters")
        remedy = f"raise {key} in [junit] of the config if the file is correct"
        return cls(what, expected=f"at most {limit:,}{unit}", remedy=remedy)
