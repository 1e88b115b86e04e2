"""Errors that a user can cause: each tells what, where, what was expected, what was found and what to do.

Standard library only, Python 3.9 syntax: see `values`.
"""

from __future__ import annotations

from .values import ExitCode, plural, worst_exit


class GatesError(Exception):
    """Base of every error that reaches a user; shown without a traceback.

    Attributes:
        what: one sentence that names the problem.
        place: where it is: `pyproject.toml:12`, a path, a command; empty if there is none.
        expected: what would have been correct; may be empty.
        got: what was found instead; may be empty.
        remedy: what the user can do; may be empty.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, what: str, *, place: str = "", expected: str = "", got: str = "", remedy: str = "") -> None:
        self.what, self.place, self.expected, self.got, self.remedy = what, place, expected, got, remedy
        super().__init__(what)

    def __str__(self) -> str:
        lines = [f"{self.place}: {self.what}" if self.place else self.what]
        lines += [
            f"  {label}: {text}"
            for label, text in (("expected", self.expected), ("got", self.got), ("hint", self.remedy))
            if text
        ]
        return "\n".join(lines)


class UsageError(GatesError):
    """Wrong arguments: an unknown gate, profile or option."""


class ConfigError(GatesError):
    """One mistake in a config file; `place` is `file:line`."""


class ManyErrors(GatesError):
    """Several errors, shown together: a user should not have to discover them one by one."""

    def __init__(self, errors: tuple[GatesError, ...]) -> None:
        self.errors = errors
        super().__init__(plural(len(errors), "error"))
        self.exit_code = worst_exit(error.exit_code for error in errors) if errors else ExitCode.USAGE

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class EnvironmentProblem(GatesError):
    """The environment's fault: a missing tool, no space left, an unreadable folder."""

    exit_code = ExitCode.COULD_NOT_RUN


class NothingSelected(GatesError):
    """The selection is empty: nothing was checked, so nothing can pass."""

    exit_code = ExitCode.NOTHING_SELECTED
