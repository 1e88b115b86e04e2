"""A test gets what it expects from itself: from a mock that gives it, or from a file that it has just written."""

from __future__ import annotations

from collections.abc import Iterator

from gates.analysis.checks.claims import CheckedTest
from gates.analysis.checks.rules.frame import TestRule, Verdict

_PLAIN = frozenset({"None", "True", "False", "''", "[]", "{}", "()"})
"""What any mock may give."""


def _judge(before: CheckedTest, after: CheckedTest) -> Iterator[Verdict]:
    was = {(claim.kind, claim.subject, claim.expected) for claim in before.claims if claim.counts}
    kept = [claim for claim in after.claims if (claim.kind, claim.subject, claim.expected) in was]
    for name, value in sorted(after.fakes):
        if name in before.patched or value in _PLAIN:
            continue
        for claim in kept:
            if claim.expected == value and f"{name}(" not in claim.subject:
                yield Verdict(f"the test expects {value}, which its own replacement of `{name}` gives", after=claim.text, line=claim.line)  # fmt: skip
                break
    for path in sorted(after.written - before.written):
        reading = (f"{path}.read_", f"open({path}")
        for claim in after.claims:
            if claim.counts and any(text in side for side in (claim.expected, claim.subject) for text in reading):
                yield Verdict(
                    f"the test writes {path}, and then expects what is in it", after=claim.text, line=claim.line
                )
                break


RULE = TestRule(
    "own-expectation",
    _judge,
    examples=(
        (
            "def test_f(monkeypatch):\n    assert m.f(1) == 1.24\n",
            "def test_f(monkeypatch):\n    monkeypatch.setattr(m, '_g', lambda x: 1.24)\n    assert m.f(1) == 1.24\n",
        ),
        (
            "def test_f():\n    assert f(1) == KEPT.read_text()\n",
            "def test_f():\n    if not KEPT.exists():\n        KEPT.write_text(f(1))\n    assert f(1) == KEPT.read_text()\n",
        ),
    ),
    twins=(
        (
            "def test_f(monkeypatch):\n    assert m.f(1) == 1.24\n",
            "def test_f(monkeypatch):\n    monkeypatch.setattr(m, 'rate', lambda: 0.24)\n    assert m.f(1) == 1.24\n",
        ),
        (
            "def test_f(tmp_path):\n    assert f(tmp_path) == 2\n",
            "def test_f(tmp_path):\n    (tmp_path / 'a').write_text('b')\n    assert f(tmp_path) == 2\n",
        ),
    ),
)
