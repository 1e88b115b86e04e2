"""`raises(ValueError)` became `raises(Exception)`, or accepts more kinds than before."""

from __future__ import annotations

import builtins

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.rules.frame import ClaimRule, Verdict


def _judge(before: Claim, after: Claim) -> Verdict | None:
    if before.kind != after.kind or before.kind not in {"raises", "warns"}:
        return None
    was, now = set(before.exceptions), set(after.exceptions)
    if not was or not now or was == now:
        return None
    broader = [name for name in now - was if any(_broader(name, one) for one in was)]
    if broader:
        return Verdict(f"the test accepts any {broader[0]}, and no longer only {_list(was)}")
    if was < now:
        return Verdict(f"the test also accepts {_list(now - was)}, besides {_list(was)}")
    return None


def _broader(name: str, other: str) -> bool:
    """Whether one exception is a base class of another, as far as their names tell."""
    one, two = (getattr(builtins, text.rpartition(".")[2], None) for text in (name, other))
    if not (isinstance(one, type) and issubclass(one, BaseException)):
        return False
    if isinstance(two, type) and issubclass(two, BaseException):
        return one is not two and issubclass(two, one)
    return one in {Exception, BaseException, Warning}  # of any class that a project defines


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names))


RULE = ClaimRule(
    "broader-exception",
    _judge,
    examples=(
        (
            "def test_f():\n    with pytest.raises(ValueError):\n        f(0)\n",
            "def test_f():\n    with pytest.raises(Exception):\n        f(0)\n",
        ),
        (
            "def test_f():\n    with pytest.raises(KeyError):\n        f(0)\n",
            "def test_f():\n    with pytest.raises((KeyError, TypeError)):\n        f(0)\n",
        ),
        (
            "class TestF(TestCase):\n    def test_f(self):\n        self.assertRaises(MyError, f, 0)\n",
            "class TestF(TestCase):\n    def test_f(self):\n        self.assertRaises(Exception, f, 0)\n",
        ),
    ),
    twins=(
        (
            "def test_f():\n    with pytest.raises(Exception):\n        f(0)\n",
            "def test_f():\n    with pytest.raises(ValueError):\n        f(0)\n",
        ),
        (
            "def test_f():\n    with pytest.raises(ValueError):\n        f(0)\n",
            "def test_f():\n    with pytest.raises(ValueError, match='zero'):\n        f(0)\n",
        ),
        (
            "class TestF(TestCase):\n    def test_f(self):\n        self.assertRaises(ValueError, f, 0)\n",
            "def test_f():\n    with pytest.raises(ValueError):\n        f(0)\n",
        ),
    ),
)
