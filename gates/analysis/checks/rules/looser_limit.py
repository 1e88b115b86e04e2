"""A limit was raised, or lowered where it is a lower one."""

from __future__ import annotations

import re

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.rules.frame import ClaimRule, Verdict, number
from gates.results.weakening import Strength

_TIME = re.compile(r"time|elapsed|duration|seconds|perf_counter|monotonic|took|clock", re.IGNORECASE)
"""Limits of times depend on the machine."""


def _judge(before: Claim, after: Claim) -> Verdict | None:
    if before.kind != "order" or after.kind != "order":
        return None
    (sign, _, was), (other, _, now) = before.expected.partition(" "), after.expected.partition(" ")
    one, two = number(was), number(now)
    if one is None or two is None:
        return None
    strength: Strength = "hint" if _TIME.search(before.subject) else "certain"
    if sign[0] != other[0]:
        return Verdict(f"the limit is on the other side: {before.expected} became {after.expected}", strength)
    if (two > one) if sign[0] == "<" else (two < one):
        return Verdict(f"the limit allows more: {before.expected} became {after.expected}", strength)
    return None


def _both(before: str, after: str) -> tuple[str, str]:
    return f"def test_f():\n    {before}\n", f"def test_f():\n    {after}\n"


RULE = ClaimRule(
    "looser-limit",
    _judge,
    examples=(_both("assert f(1) < 3", "assert f(1) < 300"), _both("assert f(1) >= 10", "assert f(1) >= 0")),
    twins=(_both("assert f(1) < 300", "assert f(1) < 3"), _both("assert elapsed < 1", "assert elapsed < 2")),
)
