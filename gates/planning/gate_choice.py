"""Select the gates of a request from the checklist, with notes about the others. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.config import Profile
from gates.portable.errors import ManyErrors, NothingSelected, UsageError
from gates.portable.values import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gates.config import Config
    from gates.config.request import Request
    from gates.planning.discover import Gate

DEFAULT_PROFILE = "default"


def profile_of(config: Config, request: Request) -> Profile:
    """The profile that a request names, or the default one.

    Raises:
        UsageError: there is none with that name.
    """
    name = request.profile
    if not name or name == DEFAULT_PROFILE:
        return config.profiles.get(DEFAULT_PROFILE) or Profile(name=DEFAULT_PROFILE)
    if name not in config.profiles:
        from difflib import get_close_matches

        near = get_close_matches(name, config.profiles, 1)
        known = ", ".join([DEFAULT_PROFILE, *config.profiles])
        raise UsageError(
            f"no profile is named {name!r}",
            place=request.source("profile") if "profile" in request.variables else "",
            remedy=f"did you mean {near[0]!r}?" if near else f"known profiles: {known}",
        )
    return config.profiles[name]


def chosen_gates(gates: Sequence[Gate], request: Request, profile: Profile) -> list[Gate]:
    """The gates that a request or its profile names, in the order of the checklist.

    Raises:
        UsageError: what is outstanding does not exist, or was not asked for.
        ManyErrors: unknown gates.
        NothingSelected: no gate is left.
    """
    names = request.gates or (None if request.rest else profile.gates)
    if names is not None and request.if_there:
        there = {name for gate in gates for name in (gate.name, gate.group)}
        names = tuple(name for name in names if name in there or name not in request.if_there)
    chosen = list(gates) if names is None else _select(gates, names)
    if request.rest is None:
        if chosen:
            return chosen
        raise NothingSelected(
            f"profile {profile.name!r} selects no gate", remedy=f"known: {', '.join(gate.name for gate in gates)}"
        )
    left = request.rest.all_gates
    rest = [gate for gate in chosen if gate.name in left]
    if rest:
        return rest
    if {gate.name for gate in gates} & set(left):
        raise UsageError(
            "none of these gates is outstanding",
            expected=", ".join(left),
            got=", ".join(request.gates or ()),
            remedy="gates rerun",
        )
    raise UsageError("none of the outstanding gates exists any more", got=", ".join(left), remedy="gates run")


def _select(gates: Sequence[Gate], names: Sequence[str]) -> list[Gate]:
    errors = []
    wanted = set()
    for name in names:
        found = {gate.name for gate in gates if name in (gate.name, gate.group)}
        if not found:
            known = [gate.name for gate in gates]
            from difflib import get_close_matches

            near = get_close_matches(name, [*known, *(gate.group for gate in gates)], 1, 0.5)
            errors.append(
                UsageError(
                    f"no gate is named {name!r}",
                    remedy=f"did you mean {near[0]!r}?" if near else f"known gates: {listed(known)}",
                )
            )
        wanted |= found
    if errors:
        raise ManyErrors(tuple(errors))
    return [gate for gate in gates if gate.name in wanted]


def said_of_choice(gates: Sequence[Gate], chosen: Sequence[Gate], config: Config, *, rerun: bool) -> tuple[str, ...]:
    """Notes about gates that are left out, that need others, or that may be unable to run."""
    names = {gate.name for gate in chosen} | {gate.group for gate in chosen}
    left = [gate.name for gate in gates if gate.name not in names and not rerun]
    notes = [f"not part of this run: {listed(left)}"] if left else []
    for gate in chosen:
        missing = [need for need in gate.config.needs if need not in names]
        if missing:
            notes.append(f"{gate.name} needs {', '.join(missing)}, which this run does not include")
    unlisted = [name for name in config.accept_could_not_run if name in names]
    if unlisted:
        notes.append(f"the config accepts that these could not run: {', '.join(unlisted)}")
    return tuple(notes)
