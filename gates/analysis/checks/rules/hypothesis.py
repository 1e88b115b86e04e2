"""Hypothesis tries one value, or hardly any, where it tried many."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gates.analysis.checks.claims import CheckedTest
from gates.analysis.checks.rules.frame import TestRule, Verdict
from gates.portable.values import plural

_EXAMPLES = re.compile(r"max_examples=(\d+)")
_SAME = re.compile(r"min_value=([^,()]+), max_value=([^,()]+)")
_ONE = re.compile(r"\b(just|none)\(|sampled_from\([\[(][^,\])]*,?[\])]\)")
_USUAL = 100
_FEW = 10


def _judge(before: CheckedTest, after: CheckedTest) -> Iterator[Verdict]:
    was, now = (" ".join(test.decorators) for test in (before, after))
    if "given(" not in was or "given(" not in now or was == now:
        return
    many, few = (int(found[1]) if (found := _EXAMPLES.search(text)) else _USUAL for text in (was, now))
    if few < many:
        yield Verdict(
            f"Hypothesis tries {plural(few, 'example')}, where it tried {many:,}", "certain" if few <= _FEW or few * 10 <= many else "hint",
            before=was, after=now,
        )  # fmt: skip
    if _single(now) > _single(was):
        yield Verdict("Hypothesis has only one value to try", before=was, after=now)


def _single(text: str) -> int:
    """How many strategies have one value."""
    return len(_ONE.findall(text)) + sum(bool(found[1] == found[2]) for found in _SAME.finditer(text))


_TEST = "def test_f(x):\n    assert f(x) == x\n"

RULE = TestRule(
    "fewer-examples",
    _judge,
    examples=(
        ("@given(st.integers())\n" + _TEST, "@given(st.just(0))\n" + _TEST),
        ("@given(st.integers())\n" + _TEST, "@settings(max_examples=1)\n@given(st.integers())\n" + _TEST),
    ),
    twins=(
        ("@given(st.integers())\n" + _TEST, "@given(st.integers(min_value=0))\n" + _TEST),
        ("@given(st.integers())\n" + _TEST, "@settings(deadline=None)\n@given(st.integers())\n" + _TEST),
    ),
)
