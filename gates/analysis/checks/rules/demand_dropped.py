"""A mock has every method now, two lists may have different lengths, or a warning no longer fails the test."""

from __future__ import annotations

from collections.abc import Iterator

from gates.analysis.checks.claims import CheckedTest
from gates.analysis.checks.demands import Demand
from gates.analysis.checks.rules.frame import TestRule, Verdict


def _swapped(before: CheckedTest, after: CheckedTest, was: Demand, now: Demand) -> bool:
    """Whether there is less of the one, and more of the other in its place."""
    return after.demands.get(was, 0) < before.demands.get(was, 0) and after.demands.get(now, 0) > before.demands.get(
        now, 0
    )


def _looser(before: CheckedTest, after: CheckedTest) -> Iterator[Verdict]:
    if _swapped(before, after, "specified mock", "loose mock"):
        yield Verdict(
            "a mock takes any call now, also those that the real thing refuses", after="a mock without a spec"
        )
    if _swapped(before, after, "strict array", "loose array"):
        yield Verdict(
            "one number passes for a whole array, and one type for another",
            before="strict=True",
            after="without strict=True",
        )
    if _swapped(before, after, "strict zip", "loose zip"):
        long = [sum(claim.counts and claim.kind == "length" for claim in side.claims) for side in (before, after)]
        if long[1] <= long[0]:
            yield Verdict(
                "what one list has more than the other is not compared any more", before="zip(…, strict=True)", after="zip(…)"
            )  # fmt: skip


def _warnings(before: CheckedTest, after: CheckedTest) -> Iterator[Verdict]:
    was, now = before.demands, after.demands
    listening = any(claim.kind == "warns" or "recwarn" in claim.subject for claim in after.claims)
    if was.get("warnings fail") and not now.get("warnings fail") and not after.strict and not listening:
        yield Verdict("a warning of the code no longer fails the test", after="warnings are no errors here")
    elif after.strict and now.get("warnings ignored", 0) > was.get("warnings ignored", 0):
        yield Verdict("the test ignores every warning, which the project makes an error", after='"ignore"')
    elif after.strict and now.get("a warning ignored", 0) > was.get("a warning ignored", 0):
        yield Verdict("the test ignores a warning, which the project makes an error", "hint", after='"ignore:…"')


_LOAD = "assert load('a') == ['a']\n"
_MAILER = "def test_f():\n    mailer = {}\n    assert remind(mailer) == 'sent'\n"
_ZIPPED = "def test_f():\n    for x, y in zip(f(1), g(){}):\n        assert x == y\n"

LOOSER = TestRule(
    "demand-dropped",
    _looser,
    examples=(
        (_MAILER.format("create_autospec(Mailer)"), _MAILER.format("MagicMock()")),
        (_MAILER.format("Mock(spec=Mailer)"), _MAILER.format("Mock()")),
        (
            f"@patch('shop.post', autospec=True)\ndef test_f(post):\n    {_LOAD}",
            f"@patch('shop.post')\ndef test_f(post):\n    {_LOAD}",
        ),
        (_ZIPPED.format(", strict=True"), _ZIPPED.format("")),
        (
            "def test_f():\n    assert_array_equal(f(1), g(), strict=True)\n",
            "def test_f():\n    assert_array_equal(f(1), g())\n",
        ),
    ),
    twins=(
        (_MAILER.format("Mock(spec=Mailer)"), _MAILER.format("create_autospec(Mailer)")),
        (_MAILER.format("Mock(spec=Mailer)"), _MAILER.format("Outbox()")),
        (_ZIPPED.format(", strict=True"), _ZIPPED.format("") + "    assert len(f(1)) == len(g())\n"),
        (_ZIPPED.format(", strict=True"), "def test_f():\n    assert list(f(1)) == list(g())\n"),
    ),
)

WARNINGS = TestRule(
    "warning-no-longer-fails",
    _warnings,
    examples=(
        (
            f"def test_f():\n    with catch_warnings():\n        warnings.simplefilter('error')\n        {_LOAD}",
            f"def test_f():\n    with catch_warnings():\n        warnings.simplefilter('ignore')\n        {_LOAD}",
        ),
        (
            f"@pytest.mark.filterwarnings('error')\ndef test_f():\n    {_LOAD}",
            f"@pytest.mark.filterwarnings('ignore')\ndef test_f():\n    {_LOAD}",
        ),
    ),
    twins=(
        (
            f"def test_f():\n    with catch_warnings():\n        warnings.simplefilter('error')\n        {_LOAD}",
            f"@pytest.mark.filterwarnings('error')\ndef test_f():\n    {_LOAD}",
        ),
        (f"def test_f():\n    {_LOAD}", f"@pytest.mark.filterwarnings('ignore:old:DeprecationWarning')\ndef test_f():\n    {_LOAD}"),
        (f"def test_f():\n    {_LOAD}", f"@pytest.mark.filterwarnings('ignore')\ndef test_f():\n    {_LOAD}"),
    ),
)  # fmt: skip
