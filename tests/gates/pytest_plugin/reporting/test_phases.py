"""A test is passed only when its call really ran and raised nothing, whatever its reports say."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests import warm
from tests.gates.pytest_plugin.conftest import clean_environ

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project

FAILS = "def test_a(): assert 1 == 2\n"

FORGED = """
    import pytest

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(item, nextitem):
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for phase in ("setup", "call", "teardown"):
            report = pytest.TestReport(item.nodeid, item.location, {}, "passed", None, phase)
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True
    """
REWRITTEN = """
    import pytest

    @pytest.hookimpl(hookwrapper=True{order})
    def pytest_runtest_makereport(item, call):
        outcome = yield
        report = outcome.get_result()
        report.outcome, report.longrepr = "passed", None
    """

UNCALLED = "def pytest_pyfunc_call(pyfuncitem): return True\n"
NO_RUN = "def pytest_collection_modifyitems(items):\n    for item in items: item.runtest = lambda: None\n"
CALLED_BY_ITSELF = """
    def pytest_pyfunc_call(pyfuncitem):
        pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames})
        return True
    """
IN_A_THREAD = """
    import threading

    def pytest_pyfunc_call(pyfuncitem):
        thread = threading.Thread(target=pyfuncitem.obj)
        thread.start()
        thread.join()
        return True
    """


@pytest.mark.parametrize("options", [(), ("-n", "1", "--dist", "load")], ids=["alone", "xdist"])
@pytest.mark.parametrize("option", ["--setup-only", "--setup-plan"])
def test_a_test_that_is_only_set_up_has_not_run(project: Project, option: str, options: tuple[str, ...]) -> None:
    project.write(test_it=FAILS)
    ran = project.injected(option, *options)
    assert ran.exit_code == 0
    assert ran.outcomes == {"test_a": "not-run"}
    assert ran.tests["test_a"]["reason"] == f"{option}: its call never ran"


@pytest.mark.parametrize(
    ("conftest", "outcome", "words"),
    [
        pytest.param(FORGED, "not-run", "reports it as passed; its call never ran", id="forged reports"),
        pytest.param(UNCALLED, "not-run", "its call never ran", id="never called"),
        pytest.param(NO_RUN, "not-run", "its call never ran", id="never run"),
        pytest.param(REWRITTEN.format(order=""), "failed", "assert 1 == 2", id="rewritten"),
        pytest.param(REWRITTEN.format(order=", tryfirst=True"), "failed", "assert 1 == 2", id="rewritten at the last"),
    ],
)
@pytest.mark.parametrize("options", [(), ("-n", "1", "--dist", "load")], ids=["alone", "xdist"])
def test_reports_that_hide_how_a_call_ended_are_not_believed(
    project: Project, conftest: str, outcome: str, words: str, options: tuple[str, ...]
) -> None:
    project.write(test_it=FAILS, conftest=conftest)
    ran = project.injected(*options)
    assert ran.exit_code == 0, "pytest believes it"
    assert ran.outcomes == {"test_a": outcome}
    record = ran.tests["test_a"]
    assert words in record["message"] + record["reason"]


@pytest.mark.parametrize("phase", ["setup", "teardown"])
def test_a_hidden_error_of_another_phase_is_one(project: Project, phase: str) -> None:
    lines = "assert 0\n    yield" if phase == "setup" else "yield\n    assert 0"
    body = f"import pytest\n@pytest.fixture\ndef broken():\n    {lines}\ndef test_a(broken): pass\n"
    project.write(test_it=body, conftest=REWRITTEN.format(order=""))
    ran = project.injected()
    assert (ran.outcomes, ran.tests["test_a"]["phase"]) == ({"test_a": "error"}, phase)


def test_a_skip_that_is_called_passed_stays_a_skip(project: Project) -> None:
    project.write(
        test_it="import pytest\ndef test_a(): pytest.skip('no such device')\n", conftest=REWRITTEN.format(order="")
    )
    ran = project.injected()
    assert (ran.outcomes, ran.tests["test_a"]["reason"]) == ({"test_a": "skipped"}, "no such device")


@pytest.mark.parametrize("conftest", [CALLED_BY_ITSELF, IN_A_THREAD], ids=["by itself", "in a thread"])
def test_a_function_that_somebody_else_calls_has_run(project: Project, conftest: str) -> None:
    tests = "import sys\ndef test_a(): assert sys.getprofile() is None\nclass TestB:\n    def test_b(self): pass\n"
    project.write(test_it=tests, conftest=conftest)
    assert project.injected().outcomes == {"test_a": "passed", "TestB::test_b": "passed"}


LATER = """
    import unittest

    class TestCase(unittest.TestCase):
        async def test_coroutine(self): assert 0
        def test_generator(self): assert (yield)

    class TestAsync(unittest.IsolatedAsyncioTestCase):
        async def test_runs(self): pass
        async def test_fails(self): assert 0
    """


def test_a_coroutine_or_a_generator_has_run_only_when_somebody_begins_it(project: Project) -> None:
    project.write(test_it=LATER)
    ran = project.injected("-W", "ignore")
    assert ran.outcomes == {
        "TestCase::test_coroutine": "not-run",
        "TestCase::test_generator": "not-run",
        "TestAsync::test_runs": "passed",
        "TestAsync::test_fails": "failed",
    }
    assert ran.tests["TestCase::test_coroutine"]["reason"].endswith("its call never ran")


AWAITS = """
    import asyncio

    def pytest_pyfunc_call(pyfuncitem):
        asyncio.run(pyfuncitem.obj())
        return True
    """


def test_a_coroutine_that_a_plugin_awaits_has_run(project: Project) -> None:
    project.write(test_it="async def test_a(): pass\nasync def test_b(): assert 0\n", conftest=AWAITS)
    assert project.injected().outcomes == {"test_a": "passed", "test_b": "failed"}


def test_what_really_ran_is_believed(project: Project) -> None:
    project.write(
        test_it="""
            import unittest
            import pytest

            def test_plain(): pass

            @pytest.mark.xfail
            def test_xfails(): assert 0

            @pytest.mark.xfail
            def test_xpasses(): pass

            @pytest.mark.xfail(run=False)
            def test_is_not_run(): pass

            class TestCase(unittest.TestCase):
                def test_method(self): pass

                @unittest.expectedFailure
                def test_expected(self): assert 0

                def test_skips(self): self.skipTest("x")
            """
    )
    assert project.injected("-p", "no:unraisableexception").outcomes == {
        "test_plain": "passed",
        "test_xfails": "xfailed",
        "test_xpasses": "xpassed",
        "test_is_not_run": "xfailed",
        "TestCase::test_method": "passed",
        "TestCase::test_expected": "xfailed",
        "TestCase::test_skips": "skipped",
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimize", "mode", "asserts"), [("1", "plain", False), ("1", "rewrite", True), ("", "plain", True)]
)
def test_asserts_that_do_nothing_are_told(project: Project, optimize: str, mode: str, asserts: bool) -> None:
    project.write(test_it="def test_a(): pass\n")
    environ = clean_environ() | project.injection() | ({"PYTHONOPTIMIZE": optimize} if optimize else {})
    command = [sys.executable, "-m", "pytest", *warm.LEAN, "-W", "ignore", f"--assert={mode}"]
    subprocess.run(command, cwd=project.root, env=environ, check=False, capture_output=True)
    assert [record["asserts"] for record in project.records() if record["type"] == "start"] == [asserts]
