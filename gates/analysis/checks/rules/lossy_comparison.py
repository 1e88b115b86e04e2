"""Both sides are sorted, lower-cased, stripped or rounded before they are compared, or a part may be anything."""

from __future__ import annotations

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.parts import SORTING
from gates.analysis.checks.rules.frame import ClaimRule, Verdict
from gates.analysis.checks.supports import less_than


def _judge(before: Claim, after: Claim) -> Verdict | None:
    if before.kind != after.kind or before.kind not in {"equal", "close", "contains", "mock", "length"}:
        return None
    if after.subject in less_than(before.subject):
        return Verdict("only the text of what is logged is compared, and no longer the level and the logger")
    more = after.loss - before.loss
    if any(name.startswith("[") for name in before.loss):
        more = frozenset(name for name in more if not name.startswith("["))  # another piece of the same
    if before.loss & SORTING and more <= SORTING:
        return None if "set" not in more else Verdict("the test no longer checks how often a value occurs", "hint")
    if not more:
        return None
    if "ANY" in more:
        return Verdict("a part of the expected value may now be anything")
    name = min(more)
    if name.startswith("or "):
        return Verdict(f"what is missing or empty counts as {name[3:]}, which is expected")
    if before.kind == "contains" and not more & {"lower", "upper", "casefold"}:
        return Verdict(f"`{name}` may hide differences that the test found before", "hint")
    if more & SORTING:
        return Verdict(f"`{name}` hides the order, which is no longer checked")
    return Verdict(f"`{name}` hides differences that the test found before")


def _both(before: str, after: str) -> tuple[str, str]:
    return f"def test_f():\n    {before}\n", f"def test_f():\n    {after}\n"


RULE = ClaimRule(
    "lossy-comparison",
    _judge,
    examples=(
        _both("assert f(1) == [2, 1]", "assert sorted(f(1)) == sorted([2, 1])"),
        _both("assert f(1) == [2, 1]", "assert set(f(1)) == {1, 2}"),
        _both("assert f(1) == 'Ab'", "assert f(1).lower() == 'ab'"),
        _both("assert f(1) == ' a'", "assert f(1).strip() == 'a'"),
        _both("assert f(1) == 2.25", "assert round(f(1)) == 2"),
        _both("assert caplog.record_tuples == [('a', 30, 'b')]", "assert caplog.messages == ['b']"),
        _both("assert f(1) == {'a': 1, 'b': 2}", "assert f(1) == {'a': 1, 'b': ANY}"),
        _both("assert f(1)['a'] == 2", "assert f(1).get('a', 2) == 2"),
        _both("assert f(1).a == 2", "assert getattr(f(1), 'a', 2) == 2"),
        _both("assert f(1) == 2", "assert (f(1) or 2) == 2"),
    ),
    twins=(
        _both("assert f(1)['a'] == 2", "assert f(1).get('a') == 2"),
        _both("assert f(1)['a'] == 2", "assert f(1).get('a', 3) == 2"),
        _both("assert sorted(f(1)) == [1, 2]", "assert f(1) == [1, 2]"),
        _both("assert sorted(f(1)) == [1, 2]", "assert sorted(f(1)) == sorted([2, 1])"),
        _both("assert f(1)[2:3] == [1]", "assert f(1)[3:4] == [1]"),
        _both("assert list(f(1)) == [1, 2]", "assert tuple(f(1)) == (1, 2)"),
    ),
)
