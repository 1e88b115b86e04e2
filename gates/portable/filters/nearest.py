"""The valid name nearest to a wrong one."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, names: Iterable[str], likeness: float = 0.6) -> str:
    """The name that was probably meant by `name`; empty if none is near."""
    if len(name) > 100:  # too long for a typing mistake, and comparing takes quadratic time
        return ""
    from difflib import get_close_matches

    lowered = {known.lower(): known for known in names}
    found = get_close_matches(name.lower(), list(lowered), n=1, cutoff=likeness)
    return lowered[found[0]] if found else ""


def meant(name: str, names: Iterable[str], otherwise: str = "") -> str:
    """What to do about a wrong name: the question whether the nearest one was meant, or `otherwise`."""
    near = nearest(name, names, 0.5)  # names of users may be short: `bd` is like `db`
    return f"did you mean {near!r}?" if near else otherwise
