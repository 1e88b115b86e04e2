"""A coroutine is checked, and no longer what it gives: `assert f()` instead of `assert await f()`."""

from __future__ import annotations

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.rules.frame import ClaimRule, Verdict


def _judge(before: Claim, after: Claim) -> Verdict | None:
    if after.flaw == "not-awaited" and not before.flaw:
        return Verdict("the check looks at a coroutine, which is always true, because nothing awaits it")
    if before.awaited and not after.awaited and after.kind in {"true", "exists", "unequal"}:
        return Verdict("the check looks at a coroutine, which is always true, because nothing awaits it")
    return None


RULE = ClaimRule(
    "not-awaited",
    _judge,
    examples=(("async def test_f():\n    assert await f(1)\n", "async def test_f():\n    assert f(1)\n"),),
    twins=(
        (
            "async def test_f():\n    assert await f(1)\n",
            "async def test_f():\n    x = await f(1)\n    assert await f(1)\n",
        ),
    ),
)
