"""What is found about a helper is told once, with the tests that it concerns."""

from __future__ import annotations

from gates.analysis.checks.weaker import weaker_checks

TESTS = "".join(f"def test_{name}():\n    check(f('{name}'), 2)\n\n\n" for name in ("a", "b", "c", "d", "e"))
FILE = "from tests.helpers import check\n\n\n" + TESTS
HELPER = "def check(found, expected):\n    assert found == expected\n"


def test_one_finding_names_the_helper_and_counts_the_tests() -> None:
    weaker = HELPER.replace("found == expected", "found is not None")
    base, head = ({"tests/test_it.py": FILE, "tests/helpers.py": text} for text in (HELPER, weaker))
    (found,) = weaker_checks(base, head).weakenings
    assert (found.path, found.line, found.test) == ("tests/helpers.py", 2, "")
    assert found.what.endswith("(5 tests: test_a, test_b, test_c and 2 more)")


def test_a_check_that_is_gone_from_a_helper_names_its_file() -> None:
    gone = "def check(found, expected):\n    return expected\n"
    base, head = ({"tests/test_it.py": FILE, "tests/helpers.py": text} for text in (HELPER, gone))
    (found,) = weaker_checks(base, head).weakenings
    assert (found.path, found.line, found.before, found.test) == ("tests/helpers.py", 0, "assert found == expected", "")


def test_a_finding_of_one_test_keeps_its_name() -> None:
    weaker = HELPER.replace("found == expected", "found is not None")
    one = "from tests.helpers import check\n\n\ndef test_a():\n    check(f('a'), 2)\n"
    base, head = ({"tests/test_it.py": one, "tests/helpers.py": text} for text in (HELPER, weaker))
    (found,) = weaker_checks(base, head).weakenings
    assert (found.path, found.test) == ("tests/helpers.py", "tests/test_it.py::test_a")
