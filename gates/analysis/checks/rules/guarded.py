"""The check runs only under a condition that it did not have before."""

from __future__ import annotations

import re

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.rules.frame import ClaimRule, Verdict

ENVIRONMENT = re.compile(
    r"sys\.(platform|version_info|implementation|maxsize|byteorder)|os\.name|platform\.|find_spec|shutil\.which|hasattr\((os|sys|socket|signal)\b"
    r"|\b(IS_|ON_|HAS_|PY)?(WIN\w*|LINUX|MAC\w*|DARWIN|POSIX|PYPY|CPYTHON|PY\d+\w*|PY3\w*)\b|\b(HAS|HAVE|IS)_[A-Z_0-9]+\b|version",
    re.IGNORECASE,
)
"""Conditions that depend on where a test runs, and not on what the code does."""


_RECENT = re.compile(r"version_info\s*>=?\s*\(3,\s*(\d+)")


def everywhere(condition: str) -> bool:
    """Whether a condition on the environment is true wherever a project of today runs."""
    if all(f"'{name}'" in condition for name in ("linux", "darwin", "win32")):
        return True
    recent = _RECENT.search(condition)
    return bool(recent) and int(recent[1]) <= 9 if recent else False


def _judge(before: Claim, after: Claim) -> Verdict | None:
    new = [guard for guard in after.guards if guard not in before.guards]
    if not new:
        return None
    guard = new[0]
    if ENVIRONMENT.search(guard):
        return Verdict(f"the check runs only if {guard}", "hint")
    if guard.startswith("no "):
        return Verdict(f"the check is left out if something raises {guard[3:]}, and the test passes")
    if guard.startswith("except "):
        return Verdict(f"the check runs only if something raises {guard[7:]}")
    if re.search(r"\b(environ|getenv)\b", guard):
        return Verdict(f"the check runs only if {guard}")
    if len(after.guards) <= len(before.guards):
        return None  # another condition, as after a change of names
    about = bool(after.words & set(re.findall(r"\w+", guard)))
    return Verdict(f"the check runs only if {guard}", "certain" if about else "hint")


def _both(before: str, after: str) -> tuple[str, str]:
    return f"def test_f():\n    {before}\n", f"def test_f():\n    {after}\n"


RULE = ClaimRule(
    "only-sometimes",
    _judge,
    examples=(
        _both("assert f(1) == 2", "if f(1):\n        assert f(1) == 2"),
        _both("x = f(1)\n    assert x == 2", "x = f(1)\n    if x is None:\n        return\n    assert x == 2"),
        _both("assert f(1) == 2", "try:\n        f(1)\n    except ValueError:\n        assert f(1) == 2"),
        _both("assert f(1) == 2", "with suppress(ValueError):\n        assert f(1) == 2"),
    ),
    twins=(
        _both("assert f(1) == 2", "if sys.platform != 'win32':\n        assert f(1) == 2"),
        _both(
            "assert f(1) == 2\n    assert f(0) is None",
            "for x, y in [(1, 2), (0, None)]:\n        if y is None:\n            assert f(x) is None\n"
            "        else:\n            assert f(x) == y",
        ),
    ),
)
