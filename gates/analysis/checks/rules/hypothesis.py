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
_CHOICE = re.compile(r"\bone_of\((?:st\.)?(?:just|none)\(|\b(?:just|none)\([^()]*\) \||\| (?:st\.)?(?:just|none)\(")
"""A value beside others."""

USUAL = 100
"""Examples that Hypothesis tries by default."""

_FEW = 10
_BOUND = re.compile(r"\b(?:min|max)_(?:value|size)=")
_FILTERED = re.compile(r"\.filter\(lambda (\w+): \1 == [^=()]+\)")
_EXPLICIT = re.compile(r"phases=[\[(](\w+\.)?explicit,?[\])]")


def few(many: int, now: int) -> bool:
    """Whether so many fewer examples are tried that a property hardly is."""
    return now <= _FEW or now * 10 <= many


def _judge(before: CheckedTest, after: CheckedTest) -> Iterator[Verdict]:
    yield from _assumed(before, after)
    was, now = (" ".join(test.decorators) for test in (before, after))
    if "given(" not in was or "given(" not in now or was == now:
        return
    many, fewer = (int(found[1]) if (found := _EXAMPLES.search(text)) else USUAL for text in (was, now))
    if fewer < many:
        yield Verdict(
            f"Hypothesis tries {plural(fewer, 'example')}, where it tried {many:,}", "certain" if few(many, fewer) else "hint",
            before=was, after=now,
        )  # fmt: skip
    if len(_BOUND.findall(now)) > len(_BOUND.findall(was)):
        yield Verdict("Hypothesis tries fewer values, because they have a limit now", "hint", before=was, after=now)
    if _FILTERED.search(now) and not _FILTERED.search(was):
        yield Verdict(
            "Hypothesis has only one value to try, because all others are filtered out", before=was, after=now
        )
    if _EXPLICIT.search(now) and not _EXPLICIT.search(was):
        yield Verdict("Hypothesis generates nothing, and tries only the written examples", before=was, after=now)
    if _single(now) > _single(was):
        yield Verdict("Hypothesis has only one value to try", before=was, after=now)


def _assumed(before: CheckedTest, after: CheckedTest) -> Iterator[Verdict]:
    """`assume` throws away all values, or all but one."""
    for text in dict.fromkeys(after.assumed):
        if text not in before.assumed:
            one = _VALUE.fullmatch(text) or text in {"False", "0", "None"}
            yield Verdict(
                f"Hypothesis tries only values for which {text}", "certain" if one else "hint", after=f"assume({text})"
            )


_VALUE = re.compile(r"\w+ (==|is) [^=<>]+")


def _single(text: str) -> int:
    """How many strategies have one value."""
    return len(_ONE.findall(_CHOICE.sub("", text))) + sum(bool(found[1] == found[2]) for found in _SAME.finditer(text))


_TEST = "def test_f(x):\n    assert f(x) == x\n"

RULE = TestRule(
    "fewer-examples",
    _judge,
    examples=(
        ("@given(st.integers())\n" + _TEST, "@given(st.just(0))\n" + _TEST),
        ("@given(st.integers())\n" + _TEST, "@settings(phases=[Phase.explicit])\n@given(st.integers())\n" + _TEST),
        (
            "@given(st.integers())\n" + _TEST,
            "@given(st.integers())\n" + _TEST.replace(":\n", ":\n    assume(x == 0)\n"),
        ),
        ("@given(st.integers())\n" + _TEST, "@given(st.integers().filter(lambda x: x == 0))\n" + _TEST),
        ("@given(st.integers())\n" + _TEST, "@settings(max_examples=1)\n@given(st.integers())\n" + _TEST),
    ),
    twins=(
        ("@given(st.integers())\n" + _TEST, "@given(st.integers(min_value=0))\n" + _TEST),
        (
            "@given(st.integers())\n" + _TEST,
            "@given(st.integers())\n" + _TEST.replace(":\n", ":\n    assume(x != 0)\n"),
        ),
        ("@given(st.integers())\n" + _TEST, "@settings(deadline=None)\n@given(st.integers())\n" + _TEST),
        ("@given(st.integers())\n" + _TEST, "@given(st.none() | st.integers())\n" + _TEST),
        ("@given(st.integers())\n" + _TEST, "@given(st.one_of(st.none(), st.integers()))\n" + _TEST),
    ),
)
