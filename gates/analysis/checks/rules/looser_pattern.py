"""The text of an exception, or of anything else, is matched less strictly than before, or not at all."""

from __future__ import annotations

import re

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.rules.frame import ClaimRule, Verdict

_ANY = re.compile(r"[\^(]*(\.[*+]\??)*[$)]*")


def _judge(before: Claim, after: Claim) -> Verdict | None:
    if before.kind == after.kind == "contains":
        return _shorter(before, after)
    if before.kind != after.kind or before.match is None:
        return None
    if before.kind not in {"raises", "warns", "matches"}:
        return None
    if after.match is None:
        other = before.exceptions != after.exceptions
        return Verdict("the text is no longer matched, so any message will do", "hint" if other else "certain")
    if (
        before.kind == "matches"
        and before.expected.startswith("fullmatch")
        and not after.expected.startswith("fullmatch")
    ):
        return Verdict("a part of the text is enough, where the whole had to match")
    if _ANY.fullmatch(after.match) and not _ANY.fullmatch(before.match):
        return Verdict(f"the pattern `{after.match}` matches any text")
    if len(after.match) < len(before.match) and _plain(after.match) in _plain(before.match):
        much = 2 * len(after.match) < len(before.match)
        return Verdict("a shorter part of the text is enough", "certain" if much else "hint")
    if _wild(after.match) > _wild(before.match):
        return Verdict("the pattern has more wildcards", "hint")
    return None


def _shorter(before: Claim, after: Claim) -> Verdict | None:
    """`"port 7 is bad" in text` became `"port" in text`."""
    (sign, _, was), (other, _, now) = before.expected.partition(" "), after.expected.partition(" ")
    if sign != other or sign == "not" or was == now or was[:1] not in "'\"" or now[:1] not in "'\"":
        return None
    if now.strip("'\"") in was and 2 * len(now) < len(was):
        return Verdict("a shorter part of the text is enough")
    return None


def _plain(pattern: str) -> str:
    return re.sub(r"\\(\W)", r"\1", pattern.strip("^$"))


def _wild(pattern: str) -> int:
    return len(re.findall(r"\.[*+?]", pattern))


RULE = ClaimRule(
    "looser-pattern",
    _judge,
    examples=(
        (
            "def test_f():\n    with pytest.raises(ValueError, match='zero'):\n        f(0)\n",
            "def test_f():\n    with pytest.raises(ValueError):\n        f(0)\n",
        ),
        (
            "def test_f():\n    with pytest.raises(ValueError, match='zero'):\n        f(0)\n",
            "def test_f():\n    with pytest.raises(ValueError, match='.*'):\n        f(0)\n",
        ),
        (
            "def test_f():\n    assert re.search('a+b', f(0))\n",
            "def test_f():\n    assert re.search('.*', f(0))\n",
        ),
    ),
    twins=(
        (
            "def test_f():\n    with pytest.raises(ValueError, match='zero'):\n        f(0)\n",
            "def test_f():\n    with pytest.raises(ValueError) as info:\n        f(0)\n    assert str(info.value) == 'zero'\n",
        ),
        (
            "def test_f():\n    with pytest.raises(ValueError, match='zero'):\n        f(0)\n",
            "def test_f():\n    with pytest.raises(ValueError, match='nothing'):\n        f(0)\n",
        ),
    ),
)
