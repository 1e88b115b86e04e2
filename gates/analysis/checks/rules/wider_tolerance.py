"""Two numbers may differ by more than before."""

from __future__ import annotations

import re

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.rules.frame import ClaimRule, Verdict, number

_DIGITS = frozenset({"places", "decimal", "significant"})
"""A smaller number of these is a wider tolerance."""

_DEFAULTS = {
    "rel": 1e-6,
    "abs": 1e-12,
    "rel_tol": 1e-9,
    "abs_tol": 0.0,
    "rtol": 1e-7,
    "atol": 0.0,
    "places": 7.0,
    "decimal": 6.0,
}
_LARGE = 1e-3


def _judge(before: Claim, after: Claim) -> Verdict | None:
    if after.kind != "close":
        return None
    if before.kind == "equal":
        return _introduced(after)
    if before.kind != "close":
        return None
    was, now = _absolute(before), _absolute(after)
    for name in {**was, **now}:
        one, other = (number(side[name]) if name in side else _DEFAULTS.get(name) for side in (was, now))
        if one is None or other is None or (name not in now and now):
            continue
        if name not in was and was and other < _LARGE:
            continue  # another kind of limit, and a narrow one
        if (other < one) if name in _DIGITS else (other > one):
            return Verdict(f"`{name}` allows more than before: {_told(was, name)} became {_told(now, name)}")
    return None


def _introduced(after: Claim) -> Verdict | None:
    wide = [text for name, text in after.tolerance if (number(text) or 0) > _LARGE and name not in _DIGITS]
    if wide:
        return Verdict(f"an exact comparison became one with a tolerance of {wide[0]}")
    # Floats compare badly; the default tolerance is what one should have used.
    return (
        None
        if re.search(r"\d\.|e-|/", after.expected)
        else Verdict("a tolerance was added to an exact comparison", "hint")
    )


def _absolute(claim: Claim) -> dict[str, str]:
    """The limits by name, with places as what they mean."""
    found = {}
    for name, value in claim.tolerance:
        digits = number(value)
        if name in {"assertAlmostEqual", "assertAlmostEquals"}:
            found["abs"] = "5e-8"
        elif name in {"places", "decimal"} and digits is not None:
            found["abs"] = f"{0.5 * 10**-digits:g}"
        else:
            found[
                {"delta": "abs", "atol": "abs", "abs_tol": "abs", "rtol": "rel", "rel_tol": "rel"}.get(name, name)
            ] = value
    return found


def _told(side: dict[str, str], name: str) -> str:
    return side.get(name, "the default")


RULE = ClaimRule(
    "wider-tolerance",
    _judge,
    examples=(
        (
            "def test_f():\n    assert f(1) == pytest.approx(2.0, abs=0.01)\n",
            "def test_f():\n    assert f(1) == pytest.approx(2.0, abs=1.0)\n",
        ),
        (
            "def test_f():\n    assert f(1) == pytest.approx(2.0)\n",
            "def test_f():\n    assert f(1) == pytest.approx(2.0, rel=0.5)\n",
        ),
        (
            "class TestF(TestCase):\n    def test_f(self):\n        self.assertAlmostEqual(f(1), 2.0, places=7)\n",
            "class TestF(TestCase):\n    def test_f(self):\n        self.assertAlmostEqual(f(1), 2.0, places=1)\n",
        ),
        ("def test_f():\n    assert abs(f(1) - 2) < 0.001\n", "def test_f():\n    assert abs(f(1) - 2) < 10\n"),
        (
            "def test_f():\n    np.testing.assert_allclose(f(1), 2, rtol=1e-6)\n",
            "def test_f():\n    np.testing.assert_allclose(f(1), 2, rtol=1e-1)\n",
        ),
    ),
    twins=(
        (
            "def test_f():\n    assert f(1) == pytest.approx(2.0, abs=0.1)\n",
            "def test_f():\n    assert f(1) == pytest.approx(2.0, abs=0.01)\n",
        ),
        ("def test_f():\n    assert f(1) == 0.3\n", "def test_f():\n    assert f(1) == pytest.approx(0.3)\n"),
        ("def test_f():\n    assert math.isclose(f(1), 0.3)\n", "def test_f():\n    assert f(1) == 0.3\n"),
    ),
)
