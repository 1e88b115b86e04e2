"""Variables of a gate that decide what its green means. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gates.analysis.strictness.command import options_in
from gates.analysis.strictness.options import table_of, unknown_option
from gates.analysis.strictness.rules import Rule, Said, Subject, text_of
from gates.portable.masking import looks_secret
from gates.results.weakening import Direction

_OFF = ("", "0", "false", "no", "off")


def _set(value: Any) -> bool:
    return value is not None and str(value).strip().lower() not in _OFF


def _strict_warnings(value: Any) -> bool:
    return any(part.strip().split(":")[0] == "error" for part in str(value or "").split(","))


def stricter(name: str, value: Any) -> float | None:
    """How strict a variable makes a run: higher is stricter; None if nothing is known about it.

    Args:
        name: of the variable.
        value: its text; None if it is not set.
    """
    if name == "PYTHONWARNINGS":
        return float(_strict_warnings(value))
    if name in ("PYTHONDEVMODE", "PYTHONSAFEPATH", "PYTHONMALLOC", "PYTHONASYNCIODEBUG"):
        return float(_set(value))
    if name in ("PYTHONOPTIMIZE", "SKIP") or name.startswith("SKIP_") or name.endswith(("_SKIP", "_ALLOW_FAILURE")):
        return -float(_set(value))
    return None


@dataclass(frozen=True)
class Environment(Rule):
    """Variables: name → value, None to clear it."""

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:
        """Said for each variable."""
        old, new = _table(before), _table(after)
        for name in dict.fromkeys((*new, *old)):
            if old.get(name, ...) == new.get(name, ...):
                continue
            if name == "PYTEST_ADDOPTS":
                yield from _added_options(about, old.get(name), new.get(name))
                continue
            was, now = stricter(name, old.get(name)), stricter(name, new.get(name))
            if was is None or now is None or was == now:
                direction: Direction = "other"
            else:
                direction = "weaker" if now < was else "stronger"
            first, second = _shown(old, name), _shown(new, name)
            what = f"the variable {name} is {second or 'no longer set'} instead of {first or 'nothing'}{about.where}"
            yield Said(
                direction, f"{name} {first}".strip() if first else "", f"{name} {second}" if second else "", what
            )


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _shown(table: Mapping[str, Any], name: str) -> str:
    if name not in table:
        return ""
    if table[name] is None:
        return "cleared"
    return "masked" if looks_secret(name) else text_of(str(table[name])) or "empty"


def _added_options(about: Subject, before: Any, after: Any) -> Iterator[Said]:
    """What pytest is given by a variable means what it means as options."""
    old, new = (options_in(value) for value in (before, after))
    rules = {option.name: option.rule for option in table_of("pytest").values()}
    for key in dict.fromkeys((*new, *old)):
        rule = rules.get(key) or unknown_option(key).rule
        values = [rule.default if side.get(key) is None else side[key] for side in (old, new)]
        if values[0] != values[1]:
            yield from rule.judge(Subject("pytest", f"PYTEST_ADDOPTS {key}", about.where), *values)
