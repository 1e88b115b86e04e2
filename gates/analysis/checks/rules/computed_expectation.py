"""The expected value was written out, and is now computed by the function that is tested."""

from __future__ import annotations

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.rules.frame import ClaimRule, Verdict
from gates.analysis.checks.trees import BUILTINS


def _judge(before: Claim, after: Claim) -> Verdict | None:
    if not before.literal or after.literal or after.kind not in {"equal", "close", "contains"}:
        return None
    same = {name for name in after.calls - BUILTINS if name and f"{name}(" in after.subject}
    if after.root in after.expected and "(" in after.root:
        return Verdict("the expected value is computed from the result that it is compared with")
    if same:
        return Verdict(f"the expected value is computed by `{min(same)}`, which is what the test checks")
    return None


def _both(before: str, after: str) -> tuple[str, str]:
    return f"def test_f():\n    {before}\n", f"def test_f():\n    {after}\n"


RULE = ClaimRule(
    "computed-expectation",
    _judge,
    examples=(
        _both("assert f(1) == 2", "expected = f(1) + 0\n    assert f(1) == expected"),
        _both("assert f(1).a == 2", "other = f(2)\n    assert f(1).a == other.a"),
    ),
    twins=(
        _both("assert f(1) == 2", "expected = 1 + 1\n    assert f(1) == expected"),
        _both("assert f(1) == 'a/b'", "assert f(1) == os.path.join('a', 'b')"),
    ),
)
