"""Options for tests: which gates can apply them, and what to report if one cannot. Pure.

Only the plugin inside pytest can apply a filter, a partition, a limit or a retry. A gate whose tests are read from files runs all of
them, and the reports must not claim anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.portable.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gates.config import Profile
    from gates.config.request import Request
    from gates.planning.discover import Gate
    from gates.results import GateResult


def _given(request: Request) -> list[str]:
    return [name for name in request.given if request.SETTINGS[name].asks]


def asks_of(request: Request, profile: Profile) -> tuple[str, ...]:
    """The options for tests in this run, as the user wrote them."""
    asked = [request.source(name) for name in _given(request)]
    if profile.filter and not request.ignore_default_filter:
        asked.append(f"the filter of the profile {profile.name}")
    if request.only:
        asked.append("the choice of tests")
    return tuple(asked)


def refuse_unheard(request: Request, gates: Sequence[Gate]) -> None:
    """Refuse options of the command line that no gate can apply.

    Raises:
        UsageError: every chosen gate has tests read from files, or none.
    """
    asked = [request.source(name) for name in _given(request) if name not in request.variables]
    files = [gate.name for gate in gates if gate.config.tests == "junit"]
    if not asked or not files or any(gate.config.tests not in ("junit", "none") for gate in gates):
        return
    raise UsageError(
        f"{' and '.join(asked)} cannot be applied: only gates that run pytest can apply it",
        got=f"tests read from files: {', '.join(files)}",
        remedy="leave it out, or choose a gate that runs pytest",
    )


def said_of_unheard(asks: Sequence[str], gates: Sequence[GateResult]) -> tuple[str, ...]:
    """Notes about gates that ran without applying the options."""
    names = [gate.name for gate in gates if gate.unasked]
    if not asks or not names:
        return ()
    tests = f"the tests of {' and '.join(names)} were read from files"
    return (f"{tests}: all of them ran, and {', '.join(asks)} did not apply there",)
