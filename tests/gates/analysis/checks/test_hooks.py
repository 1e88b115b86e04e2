"""Hooks that hide failures are found; hooks that only show, mark or tidy are not."""

from __future__ import annotations

from textwrap import dedent

import pytest

from gates.analysis.checks.weaker import weaker_checks

HIDING = {
    "an outcome": """
        def pytest_runtest_makereport(item, call):
            report = (yield).get_result()
            report.outcome = "passed"
        """,
    "an exit code": """
        def pytest_sessionfinish(session, exitstatus):
            session.exitstatus = 0
        """,
    "an exception": """
        def pytest_runtest_makereport(item, call):
            call.excinfo = None
        """,
    "a failure that is caught": """
        def pytest_runtest_call(item):
            try:
                return (yield)
            except AssertionError:
                print("ignored")
        """,
    "a failure that becomes a skip": """
        def pytest_pyfunc_call(pyfuncitem):
            try:
                yield
            except Exception:
                pytest.skip("unstable")
        """,
    "no call": """
        def pytest_pyfunc_call(pyfuncitem):
            return True
        """,
    "a function in place of the test": """
        def pytest_collection_modifyitems(items):
            for item in items:
                item.obj = lambda: None
        """,
    "a method of unittest": "unittest.TestCase.assertEqual = lambda *given: None",
    "a function of numpy": "setattr(np.testing, 'assert_allclose', lambda *given, **named: None)",
}

HONEST = {
    "a section of the report": """
        def pytest_runtest_makereport(item, call):
            report = (yield).get_result()
            report.sections.append(("seed", "17"))
        """,
    "a stricter outcome": """
        def pytest_runtest_makereport(item, call):
            report = (yield).get_result()
            if item.leaked:
                report.outcome = "failed"
        """,
    "a failure that is raised again": """
        def pytest_runtest_call(item):
            try:
                return (yield)
            except Exception:
                item.saved = True
                raise
        """,
    "an error of the tidying": """
        def pytest_runtest_teardown(item):
            try:
                item.folder.rmdir()
            except OSError:
                pass
        """,
    "a marker": """
        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.slow)
        """,
    "an own name": "state.assertions = 0",
}


@pytest.mark.parametrize("text", HIDING.values(), ids=HIDING)
def test_what_hides_failures_is_certain(text: str) -> None:
    found = weaker_checks({"tests/conftest.py": ""}, {"tests/conftest.py": dedent(text)}).weakenings
    assert [(one.rule, one.strength) for one in found] == [("hidden-failures", "certain")]


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST)
def test_what_hides_nothing_is_no_finding(text: str) -> None:
    assert weaker_checks({"tests/conftest.py": ""}, {"tests/conftest.py": dedent(text)}).weakenings == ()


@pytest.mark.parametrize(
    ("line", "found"), [("shop.vat = lambda net: 19", True), ("shop.LIMIT = 3", False), ("own.vat = print", False)]
)
def test_code_that_is_replaced_when_a_test_file_is_imported_is_certain(line: str, found: bool) -> None:
    code = {"shop.py": "LIMIT = 9\n\ndef vat(net):\n    return net * 19 // 100\n"}
    test = "import shop\nimport own\n\ndef test_vat():\n    assert shop.vat(100) == 19\n"
    head = test.replace("import own\n", f"import own\n\n{line}\n")
    checks = weaker_checks({**code, "tests/test_vat.py": test}, {**code, "tests/test_vat.py": head})
    assert [one.rule for one in checks.weakenings if one.rule == "hidden-failures"] == ["hidden-failures"] * found


def test_what_the_base_had_is_not_new() -> None:
    text = dedent(HIDING["an outcome"])
    assert weaker_checks({"tests/conftest.py": text}, {"tests/conftest.py": f"import os\n{text}"}).weakenings == ()
