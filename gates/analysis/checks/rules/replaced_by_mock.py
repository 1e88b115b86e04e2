"""The function that a test checks is replaced by a mock in that test."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gates.analysis.checks.claims import CheckedTest
from gates.analysis.checks.rules.frame import TestRule, Verdict


def _judge(before: CheckedTest, after: CheckedTest) -> Iterator[Verdict]:
    checked = {
        name
        for claim in before.claims
        if claim.counts and claim.kind != "mock"
        for name in re.findall(r"(\w+)\(", claim.subject)
    }
    for name in sorted((after.patched - before.patched) & checked):
        if any(f"{name}(" in claim.subject for claim in after.claims):
            yield Verdict(f"`{name}`, which the test checks, is replaced in the test", after=f"{name} is patched")


RULE = TestRule(
    "tested-function-replaced",
    _judge,
    examples=(
        (
            "def test_f(monkeypatch):\n    assert m.f(1) == 2\n",
            "def test_f(monkeypatch):\n    monkeypatch.setattr(m, 'f', lambda x: 2)\n    assert m.f(1) == 2\n",
        ),
        (
            "def test_f():\n    assert m.f(1) == 2\n",
            "def test_f():\n    with patch('pkg.m.f', return_value=2):\n        assert m.f(1) == 2\n",
        ),
        (
            "def test_f():\n    assert m.f(1) == 2\n",
            "@patch.object(m, 'f')\ndef test_f(fake):\n    assert m.f(1) == 2\n",
        ),
    ),
    twins=(
        (
            "def test_f(monkeypatch):\n    assert m.f(1) == 2\n",
            "def test_f(monkeypatch):\n    monkeypatch.setattr(m, 'clock', lambda: 0)\n    assert m.f(1) == 2\n",
        ),
    ),
)
