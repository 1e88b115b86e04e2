"""Mutants that need not be noticed: entries with a reason, an owner and an expiry date, as in the other ledgers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gates.config.problems import Problems
from gates.config.values import Suppression
from gates.portable.settings.declare import Setting

SUPPRESSION: dict[str, Setting] = {one.key: one for one in Suppression.SETTINGS.values()}
REQUIRED = ("path", "reason", "owner", "expires")


def read_suppressions(table: Mapping[str, Any], problems: Problems) -> tuple[Suppression, ...]:
    """`[mutants.NAME]` of a config, in its order; mistakes go to `problems`."""
    found = []
    for name, content in problems.tables(table, "mutants"):
        fields = problems.fields(content, SUPPRESSION, ("mutants", name))
        missing = [repr(key) for key in REQUIRED if key not in content]
        if missing:
            what = f"suppression {name!r}: missing {', '.join(missing)}"
            problems.add(("mutants", name), what, remedy="every suppression says why and until when")
        elif all(fields.get(key) for key in REQUIRED):
            found.append(Suppression(name=name, **fields))
    return tuple(found)
