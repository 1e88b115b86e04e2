"""The part of a comparison about the head's tests without its change."""

from __future__ import annotations

from gates.compare.values import Comparison
from gates.render.text import one_line, plural
from gates.results import RedGreen, RedGreenTest

PASSING_ALREADY = "new, but passing without the change"
NOT_KNOWN = "not known to fail without the change"
OLD_BEHAVIOUR = "changed, and still accepting the old behaviour"
"""Words of the lists."""

_FAIL, _ACCEPT, _PASS = {1: "fails"}, {1: "accepts"}, {1: "passes"}
"""Number of tests → what it does; more of them have the plain form."""

_GATES = {
    "red": "fail without the change",
    "green": "pass without the change",
    "unknown": "are not known to fail without the change",
}

SAID = 200
"""Characters of a reason in a list."""


def red_green_rows(comparison: Comparison) -> list[tuple[str, str, str]]:
    """The row of the table; none if the tests were not run without the change."""
    found = comparison.red_green
    return [("Red-green", "-", red_green_line(found))] if found is not None else []


def red_green_line(found: RedGreen) -> str:
    """What the tests showed, in one line."""
    if not found.production:
        return "no code changed, so there is nothing to show"
    if not found.tests:
        return f"not known: {one_line(found.unknown, SAID)}" if found.unknown else "no new or changed test"
    functions = _functions(found, "new")
    changed = _functions(found, "changed")
    red = sum(one == "red" for one in functions.values())
    words = [
        f"{red} of {plural(len(functions), 'new test')} {_FAIL.get(red or len(functions), 'fail')} without the change"
    ]
    gates = _functions(found, "gate")
    if not functions:
        words = [] if gates else ["no new test"]
    words += [f"the tests of {name}, taken together, {_GATES[finding]}" for name, finding in gates.items()]
    open_ = sum(one == "unknown" for one in functions.values())
    if open_:
        words.append(f"{open_} not known")
    if changed:
        old = sum(one == "green" for one in changed.values())
        words.append(
            f"{old} of {plural(len(changed), 'changed test')} still {_ACCEPT.get(old or len(changed), 'accept')} the old behaviour"
        )
    if found.left_out:
        words.append(f"{plural(len(found.left_out), 'doctest')} of changed code left out")
    if found.unknown:
        words.append(f"not everything is known: {one_line(found.unknown, SAID)}")
    return "; ".join(words)


def red_green_lists(comparison: Comparison) -> list[tuple[str, tuple[str, ...]]]:
    """The tests that did not fail without the change."""
    found = comparison.red_green
    if found is None:
        return []
    changed = _functions(found, "changed")
    unknown = [one for one in found.tests if one.function in found.open]
    lists = (
        (PASSING_ALREADY, tuple(_name(found, function) for function in found.passes_already)),
        (NOT_KNOWN, tuple(map(_with_reason, unknown))),
        (OLD_BEHAVIOUR, tuple(name for name, finding in changed.items() if finding == "green")),
    )
    return [(words, tests) for words, tests in lists if tests]


def red_green_words(comparison: Comparison) -> list[str]:
    """What is important, counted."""
    found = comparison.red_green
    already = len(found.passes_already) if found is not None and found.production else 0
    if not already or found is None:
        return []
    shown = any(one.finding == "red" for one in found.tests)
    rest = "" if shown else ": the change has not been shown"
    gates = [one.function for one in found.tests if one.kind == "gate" and one.finding == "green"]
    if len(gates) == already:
        return [f"the tests of {', '.join(gates)} pass without the change{rest}"]
    return [f"{plural(already, 'new test')} {_PASS.get(already, 'pass')} without the change{rest}"]


def _functions(found: RedGreen, kind: str) -> dict[str, str]:
    """Function → what its tests showed: red if any of them is."""
    there: dict[str, set[str]] = {}
    for one in found.tests:
        if one.kind == kind:
            there.setdefault(one.function or one.test, set()).add(one.finding)
    return {name: next(word for word in ("red", "unknown", "green") if word in words) for name, words in there.items()}


def _name(found: RedGreen, function: str) -> str:
    """The only new test of a function, or the function: an old one may have got new parameters."""
    tests = [one.test for one in found.tests if one.function == function and one.kind != "changed"]
    return tests[0] if len(tests) == 1 else function


def _with_reason(one: RedGreenTest) -> str:
    return f"{one.test}: {one_line(one.said, SAID)}" if one.said else one.test
