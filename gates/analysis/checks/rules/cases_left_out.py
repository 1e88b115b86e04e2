"""Cases are left out by a condition where they are listed."""

from __future__ import annotations

from collections.abc import Iterator

from gates.analysis.checks.claims import CheckedTest, Claim
from gates.analysis.checks.rules.frame import ClaimRule, TestRule, Verdict
from gates.analysis.checks.rules.guarded import ENVIRONMENT


def _judge(before: CheckedTest, after: CheckedTest) -> Iterator[Verdict]:
    known = {*before.filters, *before.conditions, *(f"not {one}" for one in before.conditions)}
    # Of a loop that is new, nothing says that it had more cases before.
    if not {claim.told for claim in before.claims} & {claim.told for claim in after.claims}:
        return
    for text in dict.fromkeys(after.filters):
        if text not in known and f"not {text}" not in known:
            elsewhere = bool(ENVIRONMENT.search(text))
            yield Verdict(
                f"cases are left out unless {text}", "hint" if elsewhere else "certain", after=f"… for … if {text}"
            )


def _more(_: CheckedTest, after: CheckedTest) -> Iterator[Verdict]:
    for name, value in sorted(after.left_out_more):
        yield Verdict(f"{value} is left out of the comparison, too", after=f"{name} has {value}")


def _shared(before: Claim, after: Claim) -> Verdict | None:
    if before.kind == after.kind == "equal" and is_shared(after.subject) and not is_shared(before.subject):
        return Verdict("only what both sides have is compared, so what is missing is not seen")
    return None


def is_shared(subject: str) -> bool:
    """Whether each of what two values have in common is looked at."""
    _, found, of = subject.partition("each(")
    return bool(found) and (" & " in of or ".intersection(" in of)


_TEST = "@pytest.mark.parametrize('x', {})\ndef test_f(x):\n    assert f(x) == 2 * x\n"


def _listed(cases: str) -> str:
    return f"CASES = load()\n\n\n{_TEST.format(cases)}"


RULE = TestRule(
    "cases-left-out",
    _judge,
    examples=(
        (_listed("CASES"), _listed("[x for x in CASES if x not in BROKEN]")),
        (
            "def test_f():\n    for x in load():\n        assert f(x) == 2 * x\n",
            "def test_f():\n    for x in (x for x in load() if x > 3):\n        assert f(x) == 2 * x\n",
        ),
    ),
    twins=(
        (_listed("CASES"), _listed("[pytest.param(x, id=str(x)) for x in CASES]")),
        (
            "def test_f():\n    for x in load():\n        if x > 3:\n            assert f(x) == 2 * x\n",
            "def test_f():\n    for x in (x for x in load() if x > 3):\n        assert f(x) == 2 * x\n",
        ),
    ),
)


def _scrubbed(names: str) -> str:
    return (
        f"VOLATILE = {names}\n\n\ndef clean(found):\n    return {{x: y for x, y in found.items() if x not in VOLATILE}}\n\n\n"
        "def test_f():\n    assert clean(f(1)) == clean(load())\n"
    )


MORE = TestRule(
    "more-left-out",
    _more,
    examples=((_scrubbed("{'id'}"), _scrubbed("{'id', 'total'}")),),
    twins=((_scrubbed("{'id', 'total'}"), _scrubbed("{'id'}")), (_scrubbed("{'id', 'at'}"), _scrubbed("['at', 'id']"))),
)

_LOOP = "def test_f():\n    x, y = f(1), g()\n    assert x.keys() == y.keys()\n    for z in {}:\n        assert x[z] == y[z]\n"

SHARED = ClaimRule(
    "only-what-both-have",
    _shared,
    examples=((_LOOP.format("y"), _LOOP.format("x.keys() & y.keys()")),),
    twins=((_LOOP.format("y"), _LOOP.format("y.keys()")),),
)
