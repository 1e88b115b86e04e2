"""The same subject is compared less strictly: `==` became `in`, `is not None`, a type, a length, or the mere truth."""

from __future__ import annotations

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.rules.frame import ClaimRule, Verdict

_RANKS = {
    "equal": 40, "raises": 40, "warns": 40, "fail": 40, "close": 30, "false": 30, "call": 30, "contains": 20, "order": 18,
    "length": 20, "matches": 20, "either": 14, "true": 12, "type": 12, "unequal": 10, "exists": 8,
    "exits": 20, "runs": 1,
}  # fmt: skip

_NOW = {
    "contains": "that it contains something, or is one of several",
    "order": "that it is above or below a limit",
    "length": "how long it is",
    "matches": "that it matches a pattern",
    "either": "that one of several conditions is true",
    "true": "that it is true",
    "false": "that it is empty or false",
    "type": "its type",
    "unequal": "that it is not a certain value",
    "exists": "that it exists",
    "mock": "that it was called",
    "close": "roughly what it is",
    "call": "something about it",
}

_FALSY = frozenset({"[]", "{}", "()", "''", "0", "False", "None", "set()", "0.0", "b''", "dict()", "list()"})


def rank_of(kind: str) -> int:
    """How much a kind of claim says."""
    return _RANKS[kind]


def rank(claim: Claim) -> int:
    """How much a claim says about its subject."""
    if claim.kind == "mock":
        return claim.level * 10
    if claim.kind == "call":
        return min(_RANKS["call"], claim.level * 10)
    return _RANKS.get(claim.kind, 20)


def as_strict(before: Claim, after: Claim) -> bool:
    """Whether the second kind of claim says as much as the first."""
    if before.kind == "equal" and (after.kind == "close" or (after.kind, before.expected) in _SAME):
        return True
    return rank(after) >= rank(before)


_SAME = {("true", "True"), ("false", "False")}


def _judge(before: Claim, after: Claim) -> Verdict | None:
    if {before.kind, after.kind} & {"raises", "warns", "runs"}:
        return None
    if (
        before.kind == after.kind == "contains"
        and after.expected.startswith("in (")
        and before.expected != after.expected
    ):
        was, now = (set(claim.expected[4:-1].split(", ")) for claim in (before, after))
        if before.expected.startswith("in (") and was < now:
            return Verdict("more values are accepted than before")
    if as_strict(before, after):
        return None
    if before.kind == "equal" and after.kind == "false" and before.expected in _FALSY:
        return Verdict("only the truth of the value is checked, and no longer the value", "hint")
    if after.kind == "matches" and after.expected.startswith("fullmatch"):
        return Verdict("the text is matched by a pattern, and no longer compared", "hint")
    if before.kind == "call" and rank(before) - rank(after) <= 10:
        return Verdict(f"the test checks only {_NOW.get(after.kind, 'less')}", "hint")
    return Verdict(f"the test checks only {_NOW.get(after.kind, 'less')}, and no longer {_was(before)}")


def _was(claim: Claim) -> str:
    if claim.kind in {"equal", "close"}:
        return "its value"
    if claim.kind == "mock":
        return "how"
    return _NOW.get(claim.kind, "as strictly as before")


def _both(before: str, after: str) -> tuple[str, str]:
    return f"def test_f():\n    {before}\n", f"def test_f():\n    {after}\n"


RULE = ClaimRule(
    "weaker-comparison",
    _judge,
    examples=(
        _both("assert f(1) == 2", "assert f(1) in (1, 2, 3)"),
        _both("assert f(1) == 2", "assert f(1) is not None"),
        _both("assert f(1) == 2", "assert f(1)"),
        _both("assert f(1) == 2", "assert isinstance(f(1), int)"),
        _both("assert f(1) == [2]", "assert len(f(1)) == 1"),
        _both("assert f(1) == 'ab'", "assert 'a' in f(1)"),
        _both("assert f(1) == 2", "assert f(1) != 3"),
        _both("assert f(1) == 2", "assert f(1) > 0"),
        _both("assert f(1) == 2", "assert f(1) == 2 or f(1) == 3"),
        _both("assert f(1) == 2", "assert not f(1) == 3"),
        _both("assert len(f(1)) == 2", "assert f(1)"),
        _both("assert f(1) == 2", "assert type(f(1)) is int"),
        _both("result = f(1)\n    assert result.a == 2", "result = f(1)\n    assert hasattr(result, 'a')"),
        (
            "class TestF(TestCase):\n    def test_f(self):\n        self.assertEqual(f(1), 2)\n",
            "class TestF(TestCase):\n    def test_f(self):\n        self.assertTrue(f(1), 2)\n",
        ),
        _both("m = g.mock\n    m.assert_called_once_with(1)", "m = g.mock\n    m.assert_called()"),
    ),
    twins=(
        _both("assert f(1) == True", "assert f(1)"),
        _both("assert 'a' in f(1)", "assert f(1) == 'ab'"),
        _both("assert f(1) is not None\n    assert f(1) == 2", "assert f(1) == 2"),
        _both("assert len(f(1)) == 1\n    assert f(1)[0] == 2", "assert f(1) == [2]"),
        _both("assert f(1).a == 2\n    assert f(1).b == 3", "assert (f(1).a, f(1).b) == (2, 3)"),
        (
            "class TestF(TestCase):\n    def test_f(self):\n        self.assertEqual(f(1), 2)\n",
            "class TestF(TestCase):\n    def test_f(self):\n        assert f(1) == 2\n",
        ),
    ),
)
