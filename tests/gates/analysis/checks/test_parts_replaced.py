"""A part of the tested code that a test began to replace is found, if it only computes and no other test calls it."""

from __future__ import annotations

import pytest

from gates.analysis.checks.weaker import weaker_checks

CODE = "import math\nimport time\n\n\ndef tax(net):\n    {}\n\n\ndef gross(net):\n    return net + tax(net)\n"
TEST = "from shop import gross\n\n\ndef test_gross():\n    assert gross(100) == 119\n"
PATCHED = "from shop import gross\n\n\ndef test_gross():\n    with patch('shop.tax', return_value=19):\n        assert gross(100) == 119\n"
SET = "from shop import gross\n\n\ndef test_gross(monkeypatch):\n    monkeypatch.setattr('shop.tax', lambda net: 19)\n    assert gross(100) == 119\n"


def strengths(after: str, body: str = "return net * 19 // 100", more: str = "") -> list[str]:
    sides = [{"shop.py": CODE.format(body), "tests/test_shop.py": text + more} for text in (TEST, after)]
    return [one.strength for one in weaker_checks(*sides).weakenings if one.rule == "part-replaced"]


@pytest.mark.parametrize("after", [PATCHED, SET], ids=["patch", "monkeypatch"])
def test_a_part_that_only_computes_is_found(after: str) -> None:
    assert strengths(after) == ["certain"]
    assert strengths(after, body="return math.floor(net * 0.19)") == ["certain"]


@pytest.mark.parametrize(
    "body",
    [
        "return time.time()",
        "return len(open('rates').read())",
        "with lock:\n        return net",
        "global RATE\n    RATE = 1\n    return net",
        "yield net",
    ],
)
def test_what_needs_the_world_is_replaced_for_good_reasons(body: str) -> None:
    assert strengths(PATCHED, body=body) == []


def test_it_is_a_hint_if_another_test_calls_the_part() -> None:
    assert strengths(PATCHED, more="\n\ndef test_tax():\n    assert tax(100) == 19\n") == ["hint"]


def test_a_part_that_is_called_as_before_is_not_replaced() -> None:
    assert strengths(PATCHED.replace("return_value=19", "wraps=shop.tax")) == []
