"""A test is skipped or expected to fail, where it was not before."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gates.analysis.checks.claims import CheckedTest, Claim, Mark
from gates.analysis.checks.rules.broader_exception import RULE as BROADER
from gates.analysis.checks.rules.frame import TestRule, Verdict
from gates.analysis.checks.rules.guarded import ENVIRONMENT, everywhere


def _skips(before: CheckedTest, after: CheckedTest) -> Iterator[Verdict]:
    known = {(mark.name, mark.condition) for mark in before.marks}
    for mark in after.marks:
        if mark.name == "xfail" or mark.name in _TRIES or (mark.name, mark.condition) in known:
            continue
        if _moved(mark, before):
            continue
        condition = mark.condition
        if mark.name == "importorskip" or "importorskip" in mark.text:
            yield Verdict("the test is skipped where a module is missing", "hint", after=mark.text, line=mark.line)
        elif _only_here(condition):
            yield Verdict(f"the test is skipped if {condition}", "hint", after=mark.text, line=mark.line)
        elif mark.name == "skip()" and condition and not _about(condition, before):
            yield Verdict(f"the test skips itself if {condition}", "hint", after=mark.text, line=mark.line)
        elif condition and mark.name != "skip" and condition not in {"True", "1"}:
            yield Verdict(f"the test is skipped if {condition}", after=mark.text, line=mark.line)
        else:
            yield Verdict("the test is skipped", after=mark.text, line=mark.line)


_SETTLED = re.compile(r"(not )?\(?(\w+\.)*(_?[A-Z][A-Z0-9_]+\b.*|\w+\(\))\)?")
"""A constant, or a mark that asks a function: where a test runs decides it, and not what the tested code gives."""

_CHOSEN = re.compile(r"\b(environ|getenv|CI)\b")
"""What the person who starts the tests decides."""


def _only_here(condition: str) -> bool:
    """Whether a condition depends on where the tests run. The run shows whether it holds; no text does."""
    if not condition or everywhere(condition) or _CHOSEN.search(condition):
        return False
    return bool(ENVIRONMENT.search(condition) or _SETTLED.fullmatch(condition))


def _about(condition: str, before: CheckedTest) -> bool:
    """Whether a condition is about what the test checks, or about a variable that someone may set."""
    words = set(re.findall(r"\w+", condition))
    return bool(words & {"environ", "getenv"}) or any(
        words & set(re.findall(r"(\w+)\(", claim.subject)) for claim in before.claims
    )


def _moved(mark: Mark, before: CheckedTest) -> bool:
    """A condition of a mark that was one in the body before, or the other way round."""
    return any(mark.condition and mark.condition == one.condition for one in before.marks)


def _expected_failures(before: CheckedTest, after: CheckedTest) -> Iterator[Verdict]:
    was = {mark.condition: mark for mark in before.marks if mark.name == "xfail"}
    for mark in after.marks:
        if mark.name != "xfail":
            continue
        old = was.get(mark.condition)
        if old is None:
            elsewhere = _only_here(mark.condition)
            when = f" if {mark.condition}" if mark.condition else ""
            yield Verdict(
                f"the test may fail{when}", "hint" if elsewhere else "certain", after=mark.text, line=mark.line
            )
        elif old.strict and not mark.strict:
            yield Verdict("the expected failure is no longer strict, so the test may also pass", before=old.text, after=mark.text, line=mark.line)  # fmt: skip
        elif old.raises and not mark.raises:
            yield Verdict("the test may fail in any way, and no longer with one exception", before=old.text, after=mark.text, line=mark.line)  # fmt: skip
        elif old.raises != mark.raises:
            found = BROADER.judge(
                Claim("raises", "", exceptions=old.raises), Claim("raises", "", exceptions=mark.raises)
            )
            if found is not None:
                yield Verdict(
                    "the test may fail with more exceptions", before=old.text, after=mark.text, line=mark.line
                )


def _again(before: CheckedTest, after: CheckedTest) -> Iterator[Verdict]:
    if {mark.name for mark in before.marks} & _TRIES:
        return
    for mark in after.marks:
        if mark.name in _TRIES:
            yield Verdict("the test is tried again if it fails", after=mark.text, line=mark.line)


_TRIES = frozenset({"flaky", "retry", "rerun", "reruns", "repeat_on_failure"})
_PLAIN = "def test_f():\n    assert f(1) == 2\n"

SKIPPED = TestRule(
    "skipped",
    _skips,
    examples=(
        (_PLAIN, "@pytest.mark.skip(reason='flaky')\n" + _PLAIN),
        (_PLAIN, "@pytest.mark.skipif(os.environ.get('CI'), reason='slow')\n" + _PLAIN),
        (_PLAIN, "def test_f():\n    if f() != 2:\n        pytest.skip('later')\n    assert f(1) == 2\n"),
        (_PLAIN, "def test_f():\n    if f(1) != 2:\n        pytest.skip('later')\n    assert f(1) == 2\n"),
    ),
    twins=(
        ("@pytest.mark.skip(reason='a')\n" + _PLAIN, "@pytest.mark.skip(reason='b')\n" + _PLAIN),
        (_PLAIN, "@pytest.mark.skipif(sys.platform == 'win32', reason='no fork')\n" + _PLAIN),
        (_PLAIN, "@pytest.mark.skipif(not PY_3_10_PLUS, reason='3.10 only')\n" + _PLAIN),
        (_PLAIN, "@pytest.mark.skipif(not links_supported(), reason='no links')\n" + _PLAIN),
        ("@pytest.mark.skip\n" + _PLAIN, _PLAIN),
    ),
)

TRIED_AGAIN = TestRule(
    "tried-again",
    _again,
    examples=((_PLAIN, "@pytest.mark.flaky(reruns=5)\n" + _PLAIN),),
    twins=(("@pytest.mark.flaky(reruns=2)\n" + _PLAIN, "@pytest.mark.flaky(reruns=2)\n@pytest.mark.slow\n" + _PLAIN),),
)

EXPECTED_TO_FAIL = TestRule(
    "expected-to-fail",
    _expected_failures,
    examples=(
        (_PLAIN, "@pytest.mark.xfail\n" + _PLAIN),
        (_PLAIN, "@pytest.mark.xfail(reason='later', strict=False)\n" + _PLAIN),
        ("@pytest.mark.xfail(strict=True)\n" + _PLAIN, "@pytest.mark.xfail\n" + _PLAIN),
        ("@pytest.mark.xfail(raises=KeyError)\n" + _PLAIN, "@pytest.mark.xfail(raises=Exception)\n" + _PLAIN),
    ),
    twins=(
        ("@pytest.mark.xfail\n" + _PLAIN, _PLAIN),
        ("@pytest.mark.xfail\n" + _PLAIN, "@pytest.mark.xfail(strict=True)\n" + _PLAIN),
        (_PLAIN, "@pytest.mark.xfail(PY_3_14_PLUS, reason='broken there')\n" + _PLAIN),
    ),
)
