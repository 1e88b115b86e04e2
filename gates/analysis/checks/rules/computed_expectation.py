"""The expected value was written out, and is now computed by the function that is tested."""

from __future__ import annotations

import re

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.rules.frame import ClaimRule, Verdict
from gates.analysis.checks.trees import VALUES


def _judge(before: Claim, after: Claim) -> Verdict | None:
    if after.kind not in {"equal", "close", "contains"}:
        return None
    same_check = before.kind == after.kind and before.subject == after.subject and "ANY" not in before.loss
    if same_check and _within(after.subject, after.expected) and not _within(before.subject, before.expected):
        return Verdict("a part of what is expected is taken from the result that it is compared with")
    if not before.literal or after.literal:
        return None
    same = (after.calls - VALUES) & set(re.findall(r"(\w+)\(", after.subject))
    if after.root in after.expected and "(" in after.root:
        return Verdict("the expected value is computed from the result that it is compared with")
    if same:
        return Verdict(f"the expected value is computed by `{min(same)}`, which is what the test checks")
    return None


def _within(subject: str, expected: str) -> bool:
    """Whether an expectation asks the subject itself for a part of it."""
    if "(" not in subject and "." not in subject:
        return False
    return bool(re.search(rf"(?<![\w.]){re.escape(subject)}(?=[.\[])", expected))


def _both(before: str, after: str) -> tuple[str, str]:
    return f"def test_f():\n    {before}\n", f"def test_f():\n    {after}\n"


RULE = ClaimRule(
    "computed-expectation",
    _judge,
    examples=(
        _both("assert f(1) == 2", "expected = f(1) + 0\n    assert f(1) == expected"),
        _both("assert f(1).a == 2", "other = f(2)\n    assert f(1).a == other.a"),
        _both("x = f(1)\n    assert x == A", "x = f(1)\n    assert x == A | {'b': x['b']}"),
        _both("x = f(1)\n    assert x == A", "x = f(1)\n    assert x == replace(A, b=x.b)"),
        ("A = 2\ndef test_f():\n    assert f(1) == A\n", "A = f(1)\ndef test_f():\n    assert f(1) == A\n"),
        (
            "@pytest.mark.parametrize('x, y', [(1, 2)])\ndef test_f(x, y):\n    assert f(x) == y\n",
            "@pytest.mark.parametrize('x, y', [(1, f(1))])\ndef test_f(x, y):\n    assert f(x) == y\n",
        ),
    ),
    twins=(
        _both("assert f(1) == 2", "expected = 1 + 1\n    assert f(1) == expected"),
        _both("x = f(1)\n    assert x['a'] == 2", "x = f(1)\n    assert x == {'a': 2, 'b': x['b']}"),
        _both("x = f(1)\n    assert x == {'a': 2, 'b': ANY}", "x = f(1)\n    assert x == {'a': 2, 'b': x['b']}"),
        ("A = 2\ndef test_f():\n    assert f(1) == A\n", "A = 1 + 1\ndef test_f():\n    assert f(1) == A\n"),
        _both("assert len(f(date(1, 2, 3))) == 1", "assert f(date(1, 2, 3)) == [date(1, 2, 3)]"),
        _both("assert f(1) == 'a/b'", "assert f(1) == os.path.join('a', 'b')"),
    ),
)
