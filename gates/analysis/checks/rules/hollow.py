"""The check is still there and says nothing: it is always true, never runs, or its failure is caught."""

from __future__ import annotations

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.rules.frame import ClaimRule, Verdict

FLAWS = {
    "constant": ("constant-truth", "the check is true whatever the code does"),
    "itself": ("compared-with-itself", "the check compares a value with itself"),
    "swallowed": ("swallowed", "the failure of the check is caught, so the test passes anyway"),
    "unreachable": ("unreachable", "the check is never run"),
    "not-called": ("not-called", "the assertion is named and not called, so it checks nothing"),
    "not-asserted": ("not-asserted", "the comparison is made, and its result is not used"),
    "printed": ("printed", "the value is printed, and no longer checked"),
    "crowded": ("raises-around-more", "another call after this one may raise, and the test passes as well"),
    "unchecked-exit": ("exit-code-not-checked", "the exit code of the program is no longer checked"),
    "anything": ("equals-anything", "the value is compared with something that equals anything"),
    "mocked": ("replaced-by-mock", "the test checks a mock that it made itself"),
}


def _judge(flaw: str, what: str) -> object:
    def judge(before: Claim, after: Claim) -> Verdict | None:
        if flaw == "not-called" and after.subject and before.subject.startswith(f"{after.subject}("):
            return (
                Verdict("a function is checked, and no longer what it gives")
                if after.kind in {"true", "exists"}
                else None
            )
        return Verdict(what) if after.flaw == flaw and not before.flaw else None

    return judge


def _both(before: str, after: str) -> tuple[str, str]:
    return f"def test_f():\n    {before}\n", f"def test_f():\n    {after}\n"


_CHECK = "assert f(1) == 2"
_EXAMPLES = {
    "constant": (
        _both(_CHECK, "assert True"),
        _both(_CHECK, "assert f(1) == 2 or True"),
        _both(_CHECK, "assert (f(1) == 2, 'message')"),
        _both("assert len(f(1)) == 2", "assert len(f(1)) >= 0"),
    ),
    "itself": (_both(_CHECK, "assert f(1) == f(1)"), _both(_CHECK, "x = f(1)\n    assert x == x")),
    "swallowed": (
        _both(_CHECK, "try:\n        assert f(1) == 2\n    except AssertionError:\n        pass"),
        _both(_CHECK, "with contextlib.suppress(AssertionError):\n        assert f(1) == 2"),
        _both(_CHECK, "with suppress(Exception):\n        assert f(1) == 2"),
    ),
    "unreachable": (
        _both(_CHECK, "if False:\n        assert f(1) == 2"),
        _both(_CHECK, "return\n    assert f(1) == 2"),
        _both(_CHECK, "for _ in []:\n        assert f(1) == 2"),
        _both(_CHECK, "def inner():\n        assert f(1) == 2"),
        _both(_CHECK, "while False:\n        assert f(1) == 2"),
    ),
    "not-called": (
        _both("assert is_open(80)", "assert is_open"),
        _both("m = g.mock\n    m.assert_called_once_with(1)", "m = g.mock\n    m.assert_called_once_with"),
    ),
    "not-asserted": (_both(_CHECK, "f(1) == 2"),),
    "printed": (_both(_CHECK, "print(f(1))"),),
    "anything": (_both(_CHECK, "assert f(1) == mock.ANY"),),
    "crowded": (
        _both(
            "with pytest.raises(ValueError):\n        f(0)",
            "with pytest.raises(ValueError):\n        f(0)\n        g(0)",
        ),
    ),
    "unchecked-exit": (_both("run(['a'], check=True)", "run(['a'], check=False)"),),
    "mocked": (_both(_CHECK, "f = Mock(return_value=2)\n    assert f(1) == 2"),),
}
_TWINS = {
    "mocked": (
        _both(
            "x = list[int]()\n    f(x)\n    assert [y for y in x if y] == []",
            "x = list[int]()\n    f(x)\n    assert x == []",
        ),
    ),
    "constant": (_both(_CHECK, "assert f(1) == 2, 'message'"), _both("assert True", "assert 1")),
    "itself": (_both(_CHECK, "x = f(1)\n    assert x == 2"),),
    "swallowed": (
        _both(
            "with pytest.raises(ValueError):\n        f(0)",
            "try:\n        f(0)\n    except ValueError:\n        pass\n    else:\n        pytest.fail('no error')",
        ),
        _both(_CHECK, "try:\n        assert f(1) == 2\n    finally:\n        close()"),
    ),
    "unreachable": (
        _both(_CHECK, "for x in [1]:\n        assert f(x) == 2"),
        _both(_CHECK, "def inner():\n        assert f(1) == 2\n    inner()"),
    ),
}

RULES = tuple(
    ClaimRule(name, _judge(flaw, what), _EXAMPLES.get(flaw, ()), _TWINS.get(flaw, ()))  # type: ignore[arg-type]
    for flaw, (name, what) in FLAWS.items()
)
