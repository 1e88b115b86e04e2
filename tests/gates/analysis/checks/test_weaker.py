"""What tests check is compared over whole changes: helpers, fixtures, moved and removed tests, and code that changed with them."""

from __future__ import annotations

import pytest

from gates.analysis.checks.weaker import WeakerChecks, weaker_checks
from tests.gates.analysis.checks.told import FILE, told

CODE = "def f(x):\n    return x + 1\n"
PLAIN = "from shop import f\n\n\ndef test_f():\n    assert f(1) == 2\n    assert f(2) == 3\n"


def found(head: str, *, base: str = PLAIN, code: tuple[str, str] = (CODE, CODE)) -> WeakerChecks:
    return weaker_checks({FILE: base, "shop.py": code[0]}, {FILE: head, "shop.py": code[1]})


@pytest.mark.parametrize(
    "text",
    [
        "def test_f():\n    assert f(1) == 2\n    assert f(2) == 3\n",
        "def test_f():\n    x = f(1)\n    assert x == 2 and 3 == f(2)\n",
        "def test_f():\n    for x, y in [(1, 2), (2, 3)]:\n        assert f(x) == y\n",
        "def test_f():\n    assert [f(1), f(2)] == [2, 3]\n",
        "def test_f():\n    assert [f(x) for x in (1, 2)] == [2, 3]\n",
        "def test_f():\n    assert all(f(x) == y for x, y in [(1, 2), (2, 3)])\n",
        "@pytest.mark.parametrize('x, y', [(1, 2), pytest.param(2, 3)])\ndef test_f(x, y):\n    assert f(x) == y\n",
        "@pytest.mark.parametrize('x', [1, 2])\ndef test_f(x):\n    check(x, x)\n\ndef check(x, y):\n    assert f(x) == {1: 2, 2: 3}[y]\n",
        "def check(x, y):\n    assert f(x) == y\n\ndef test_f():\n    check(1, 2)\n    check(2, y=3)\n",
        "@pytest.fixture\ndef made():\n    return f(1)\n\ndef test_f(made):\n    assert made == 2\n    assert f(2) == 3\n",
        "class TestF(TestCase):\n    def setUp(self):\n        self.x = f(1)\n\n    def test_f(self):\n        self.assertEqual(self.x, 2)\n        with self.subTest():\n            self.assertEqual(f(2), 3)\n",
    ],
)
def test_the_same_checks_are_read_from_every_form(text: str) -> None:
    claims = told(text)
    assert [claim.partition(" equal ")[0] for claim in claims] == ["f(1)", "f(2)"]


@pytest.mark.parametrize(
    "text",
    [
        "def test_f():\n    if False:\n        assert f(1) == 2\n",
        "def test_f():\n    return\n    assert f(1) == 2\n",
        "def test_f():\n    with suppress(Exception):\n        assert f(1) == 2\n",
        "def test_f():\n    assert f(1) == f(1)\n",
        "def test_f():\n    assert f(1) == 2 or True\n",
        "def test_f():\n    for x in []:\n        assert f(x) == 2\n",
        "def test_f():\n    f(1) == 2\n",
        "def test_f():\n    with pytest.raises(ValueError):\n        raise ValueError\n",
    ],
)
def test_what_says_nothing_is_no_check(text: str) -> None:
    assert told(text) == []


def test_a_helper_of_another_file_is_read() -> None:
    helper = "def check(x, y):\n    assert f(x) == y\n"
    assert told("from tests.helpers import check\n\ndef test_f():\n    check(1, 2)\n", tests__helpers=helper) == [
        "f(1) equal 2"
    ]


def test_a_changed_helper_of_an_unchanged_test_is_found() -> None:
    test = "from tests.helpers import check\n\n\ndef test_f():\n    check(1, 2)\n"
    before, after = (f"def check(x, y):\n    assert f(x) {sign} y\n" for sign in ("==", "!="))
    seen = weaker_checks({FILE: test, "tests/helpers.py": before}, {FILE: test, "tests/helpers.py": after})
    assert [(one.rule, one.test) for one in seen.weakenings] == [("weaker-comparison", f"{FILE}::test_f")]


def test_a_check_that_is_gone_is_certain_and_one_that_was_replaced_is_a_hint() -> None:
    gone = found(PLAIN.replace("    assert f(2) == 3\n", ""))
    assert [(one.rule, one.strength, one.before) for one in gone.weakenings] == [
        ("check-removed", "certain", "assert f(2) == 3")
    ]
    replaced = found(PLAIN.replace("assert f(2) == 3", "assert g(5) == 6"))
    assert [one.strength for one in replaced.weakenings] == ["hint"]
    assert not replaced.fires


@pytest.mark.parametrize(
    "head",
    [
        PLAIN.replace("test_f", "test_other"),
        "from shop import f\n\n\ndef test_one():\n    assert f(1) == 2\n\n\ndef test_two():\n    assert f(2) == 3\n",
        "from shop import f\n\n\n@pytest.mark.parametrize('x, y', [(1, 2), (2, 3)])\ndef test_each(x, y):\n    assert f(x) == y\n",
    ],
    ids=["renamed", "split", "parametrised"],
)
def test_a_removed_test_whose_checks_are_elsewhere_is_excused(head: str) -> None:
    seen = found(head)
    assert not seen.removed
    assert f"{FILE}::test_f" in seen.excused


def test_a_removed_test_whose_checks_are_nowhere_is_named_with_one_of_them() -> None:
    assert found("from shop import f\n").removed == {f"{FILE}::test_f": "assert f(1) == 2"}


def test_a_removed_test_of_code_that_is_gone_is_excused_with_its_subject() -> None:
    seen = found("", code=(CODE, "def g(x):\n    return x\n"))
    assert seen.excused == {f"{FILE}::test_f": "its subject is gone: f"}


def test_other_expectations_of_changed_code_are_no_finding() -> None:
    head = PLAIN.replace("== 2", "== 3").replace("f(2) == 3", "f(2) == 4")
    assert not found(head, code=(CODE, CODE.replace("+ 1", "+ 2"))).weakenings


def test_fewer_cases_are_one_finding_that_names_them() -> None:
    text = "@pytest.mark.parametrize('x', {})\ndef test_f(x):\n    assert f(x) == x + 1\n"
    (one,) = found(text.format("[1, 1, 1]"), base=text.format("[1, 2, 3]")).weakenings
    assert (one.rule, one.strength) == ("fewer-cases", "certain")
    assert one.what == "2 of 3 cases are no longer checked"


def test_an_updated_snapshot_is_a_hint() -> None:
    paths = {"tests/__snapshots__/a.ambr": "1", FILE: PLAIN}
    seen = weaker_checks(paths, {**paths, "tests/__snapshots__/a.ambr": "2"})
    assert [(one.rule, one.strength) for one in seen.weakenings] == [("snapshot-updated", "hint")]


def test_equal_sides_have_no_finding_and_broken_files_are_left_out() -> None:
    assert weaker_checks({FILE: PLAIN}, {FILE: PLAIN}) == WeakerChecks()
    assert weaker_checks({FILE: "def test_(:"}, {FILE: "def test_(::"}) == WeakerChecks()


BY_HAND = "def test_f():\n    try:\n        f('x')\n    except TypeError as error:\n        assert {} in {}\n    else:\n        assert False\n"
WITH = "def test_f():\n    with pytest.raises(TypeError{}){}\n        f('x')\n"


@pytest.mark.parametrize(
    ("base", "head", "fires"),
    [
        (BY_HAND.format("'str'", "str(error)"), WITH.format(", match='str'", ":"), False),
        (BY_HAND.format("'str'", "error.args[0]"), WITH.format(", match='str'", ":"), False),
        (BY_HAND.format("'str'", "str(error)"), WITH.format("", ":"), True),
        (BY_HAND.format("error.code", "(4, 5)"), WITH.format(", match='str'", ":"), True),
        (
            WITH.format("", " as info:") + "    assert info.value.code == 4\n",
            WITH.format(", match='str'", ":"),
            True,
        ),
    ],
)
def test_a_pattern_stands_for_checks_of_the_text_of_an_error_and_for_no_others(
    base: str, head: str, fires: bool
) -> None:
    start = "import pytest\nfrom shop import f\n\n\n"
    assert found(start + head, base=start + base).fires is fires


@pytest.mark.parametrize(("code", "strengths"), [("total = 1\n", ["certain"]), ("net = 1\n", [])])
def test_what_is_left_out_of_a_comparison_counts_unless_the_code_just_got_it(code: str, strengths: list[str]) -> None:
    test = "VOLATILE = {names}\n\n\ndef clean(x):\n    return {{y for y in x if y not in VOLATILE}}\n\n\ndef test_f():\n    assert clean(f()) == clean(g())\n"
    sides = [
        {FILE: test.format(names=names), "shop.py": text}
        for names, text in (("{'id'}", code), ("{'id', 'total'}", "total = 1\n"))
    ]
    assert [one.strength for one in weaker_checks(*sides).weakenings] == strengths


@pytest.mark.parametrize(
    ("text", "settings", "strengths"),
    [
        ("@pytest.mark.filterwarnings('ignore')\n", 'filterwarnings = ["error"]\n', ["certain"]),
        ("@pytest.mark.filterwarnings('ignore:old')\n", 'filterwarnings = ["error"]\n', ["hint"]),
        ("@pytest.mark.filterwarnings('ignore')\n", "filterwarnings = 'error'\n", ["certain"]),
        ("@pytest.mark.filterwarnings('ignore')\n", "", []),
        ("@pytest.mark.filterwarnings('ignore')\n", 'filterwarnings = ["error:old"]\n', []),
    ],
)
def test_ignoring_warnings_counts_where_the_project_makes_them_errors(
    text: str, settings: str, strengths: list[str]
) -> None:
    test = "def test_f():\n    assert f(1) == 2\n"
    base, head = (
        {FILE: front + test, "pyproject.toml": f"[tool.pytest.ini_options]\n{settings}"} for front in ("", text)
    )
    assert [one.strength for one in weaker_checks(base, head).weakenings] == strengths


def test_a_weaker_check_is_a_hint_if_the_code_changed_and_something_else_is_expected() -> None:
    code = "def commands():\n    return {{{0!r}: 'true'}}\n"
    test = "def test_f():\n    assert commands() == {'check': 'true'}\n"
    base = {FILE: test, "shop.py": code.format("check")}
    for head, strength in (("'made' in commands()", "hint"), ("commands()", "certain")):
        after = {FILE: f"def test_f():\n    assert {head}\n", "shop.py": code.format("made")}
        assert [one.strength for one in weaker_checks(base, after).weakenings] == [strength], head
