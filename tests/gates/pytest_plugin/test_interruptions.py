"""A session that ends early says so for every test that it did not finish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project

THREE = """
def test_first(): pass
def test_second(): assert 0
def test_third(): pass
def test_fourth(): pass
"""


def test_tests_behind_the_first_failure_are_not_run(project: Project) -> None:
    project.write(test_it=THREE)
    ran = project.injected("-x")
    assert ran.outcomes == {
        "test_first": "passed",
        "test_second": "failed",
        "test_third": "not-run",
        "test_fourth": "not-run",
    }
    assert ran.tests["test_third"]["reason"] == "-x/--maxfail stopped the session after 1 failure"
    assert ran.tests["test_third"]["line"] == 4


def test_under_xdist_too_every_test_has_a_result_after_the_first_failure(project: Project) -> None:
    project.write(test_it="import pytest\n@pytest.mark.parametrize('n', range(30))\ndef test_it(n): assert n != 3")
    ran = project.injected("-x", "-n", "2")
    assert len(ran.tests) == len(ran.collected) == 30
    assert ran.outcomes["test_it[3]"] == "failed"
    lost = [record for record in ran.of("test") if record["outcome"] == "not-run"]
    assert lost
    assert {record["reason"].partition(":")[0] for record in lost} <= {
        "-x/--maxfail stopped the session after 1 failure",
        "the session stopped",
    }


@pytest.mark.parametrize(
    ("statement", "reason", "code"),
    [
        ("raise KeyboardInterrupt", "keyboard interrupt", 2),
        ("import pytest; pytest.exit('enough', 7)", "pytest.exit: enough", 7),
    ],
)
def test_a_test_during_which_the_session_was_stopped_is_interrupted(
    project: Project, statement: str, reason: str, code: int
) -> None:
    project.write(test_it=f"def test_first(): pass\ndef test_second(): {statement}\ndef test_third(): pass")
    ran = project.injected()
    assert ran.outcomes == {"test_first": "passed", "test_second": "interrupted", "test_third": "not-run"}
    assert {ran.tests[name]["reason"] for name in ("test_second", "test_third")} == {reason}
    assert ran.tests["test_second"]["started"] > 0
    assert ran.of("finish")[0]["exit_code"] == ran.exit_code == code


@pytest.mark.slow
def test_a_keyboard_interrupt_in_a_worker_stops_the_session(project: Project) -> None:
    project.write(test_it="def test_first(): raise KeyboardInterrupt\ndef test_second(): pass")
    ran = project.injected("-n", "1")
    assert ran.exit_code == 2
    assert ran.outcomes["test_first"] in ("interrupted", "crashed")
    assert len(ran.tests) == 2


@pytest.mark.slow
def test_an_interrupt_from_outside_leaves_a_complete_stream(project: Project) -> None:
    project.write(
        test_it="""
        import os, signal, time
        def test_first():
            os.kill(os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid(), signal.SIGINT)
            time.sleep(1)
        def test_second(): pass
        """
    )
    for arguments in ((), ("-n", "1")):
        for stream in project.inbox.glob("*"):
            stream.unlink()
        ran = project.injected(*arguments)
        assert ran.outcomes["test_first"] == "interrupted", arguments
        # A worker may go on to the next test while the controller ends it; that result is lost, too.
        assert ran.outcomes["test_second"] in (("interrupted", "not-run") if arguments else ("not-run",))
        assert ran.of("finish")[0]["exit_code"] == 2


def test_an_internal_error_is_named(project: Project) -> None:
    project.write(
        conftest="def pytest_runtest_call(item):\n    pass\n\ndef pytest_runtest_logreport(report):\n    raise ValueError('own goal')",
        test_it="def test_first(): pass",
    )
    ran = project.injected()
    assert ran.exit_code == 3
    assert ran.outcomes == {"test_first": "interrupted"}
    assert "own goal" in ran.tests["test_first"]["reason"]


@pytest.mark.slow
def test_a_module_that_cannot_be_imported_is_a_collect_error(project: Project) -> None:
    project.write(
        test_bad="import nowhere_to_be_found",
        test_good="def test_it(): pass",
        test_skipped="import pytest\npytest.skip('no GPU', allow_module_level=True)",
    )
    for arguments in ((), ("-n", "2")):
        for stream in project.inbox.glob("*"):
            stream.unlink()
        ran = project.injected(*arguments)
        (error,) = ran.of("collect-error")
        assert (error["id"], error["file"]) == ("test_bad.py", "test_bad.py")
        assert "nowhere_to_be_found" in error["message"]
        assert "import nowhere_to_be_found" in error["details"]
        (skip,) = ran.of("collect-skip")
        assert (skip["id"], skip["reason"]) == ("test_skipped.py", "no GPU")
        assert list(ran.outcomes) == ["test_it"]
        assert ran.exit_code != 0


def test_with_collect_only_nothing_is_run(project: Project) -> None:
    project.write(test_it=THREE)
    ran = project.injected("--collect-only", "-n", "2")
    assert (len(ran.of("collected")[0]["tests"]), ran.outcomes) == (4, {})
    assert [record["asked"] for record in ran.of("finish")] == ["--collect-only"]


def test_a_usage_error_of_pytest_leaves_no_lie(project: Project) -> None:
    ran = project.injected("no_such_file.py")
    assert ran.exit_code == 4
    assert ran.of("finish")[0]["exit_code"] == 4
    assert not ran.of("test")


def test_no_tests_at_all_is_an_empty_list(project: Project) -> None:
    ran = project.injected()
    assert ran.exit_code == 5
    assert ran.of("collected") == [{"type": "collected", "tests": [], "last": True}]
