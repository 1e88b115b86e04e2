"""`int(…)`, `abs(…)` or `str(…)` was put around a value, so that several values pass for one."""

from __future__ import annotations

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.rules.frame import ClaimRule, Verdict, number

_OF_NUMBERS = ("int", "abs", "floor", "ceil", "trunc", "math.floor", "math.ceil", "math.trunc", "fabs", "math.fabs")
_OF_ALL = ("str", "repr", "float", "hash", "id", "sum", "max", "min")
WRAPPERS = (*_OF_NUMBERS, *_OF_ALL)


def wrapper_of(before: Claim, after: Claim) -> str:
    """The function that was put around the subject; empty if there is none."""
    name = after.subject.partition("(")[0]
    if name in WRAPPERS and after.subject == f"{name}({before.subject})":
        return name
    for sign in ("%", "//", "&", ">>"):
        if after.subject.startswith(f"{before.subject} {sign} "):
            return sign
    shown = (
        f"{{{before.subject}:",
        f"{{{before.subject}!",
        f"{{{before.subject}}}",
        f"% {before.subject}",
        f".format({before.subject})",
    )
    written = after.subject.startswith(("f'", 'f"')) or after.subject.startswith(("'", '"', "format("))
    return "format" if written and any(part in after.subject for part in (*shown, f"format({before.subject}, ")) else ""


def _judge(before: Claim, after: Claim) -> Verdict | None:
    name = wrapper_of(before, after)
    if not name or before.kind not in {"equal", "close"} or after.kind not in {"equal", "close"}:
        return None
    told = f"`{name}` hides differences that the test found before"
    both = after.expected == f"{name}({before.expected})"
    parts_gone = name in {"sum", "max", "min"} and before.literal
    if both or parts_gone or (number(before.expected) is not None and name != "float"):
        return Verdict(told)
    return Verdict(told, "hint")  # a text that became a number, or an object whose text is compared


def _both(before: str, after: str) -> tuple[str, str]:
    return f"def test_f():\n    assert {before}\n", f"def test_f():\n    assert {after}\n"


RULE = ClaimRule(
    "wrapped",
    _judge,
    examples=(
        _both("f(1) == 2.5", "int(f(1)) == 2"),
        _both("f(1) == 2", "abs(f(1)) == 2"),
        _both("f(1) == 2", "str(f(1)) == '2'"),
        _both("f(1) == 180", "f(1) % 10 == 0"),
        _both("f(1) == [3, 4]", "sum(f(1)) == 7"),
        _both("f(1) == g(2)", "hash(f(1)) == hash(g(2))"),
        _both("f(1) == 0.25", "f'{f(1):.1f}' == '0.2'"),
        _both("f(1) == 0.25", "'%.1f' % f(1) == '0.2'"),
        _both("f(1) == 0.25", "format(f(1), '.1f') == '0.2'"),
    ),
    twins=(
        _both("f(1) == '2'", "int(f(1)) == 2"),
        _both("int(f(1)) == 2", "f(1) == 2"),
        _both("int(f(1)) == 2", "int(f(1)) == 3"),
        _both("f(1) == Path('a')", "str(f(1)) == 'a'"),
    ),
)
