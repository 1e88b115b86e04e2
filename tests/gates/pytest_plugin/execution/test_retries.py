"""A test that may be tried again keeps every attempt, and fails no session that it does not have to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gates.portable.rules import Retries
from gates.pytest_plugin.execution.retries import delay_of

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project, Ran

TESTS = """
import pytest, time

calls = {}
def count(name):
    calls[name] = calls.get(name, 0) + 1
    return calls[name]

@pytest.fixture(scope="module")
def costly():
    assert count("costly") == 1, "made twice"
    yield
    count("gone")

@pytest.fixture(scope="module")
def shaky_module():
    if count("shaky module") == 1:
        raise OSError("no connection")

@pytest.fixture
def own():
    assert count("set up") == calls.get("torn down", 0) + 1
    yield
    count("torn down")

def test_passes(): pass
def test_late(costly, own): assert count("late") > 2
def test_never(costly): assert 0, f"no {count('never')}"
def test_setup(shaky_module): pass
@pytest.fixture
def shaky_teardown():
    yield
    assert count("teardown") > 1
def test_teardown(shaky_teardown): pass
def test_skips(): pytest.skip("not here")
@pytest.mark.xfail
def test_expected(): assert 0
def test_costly_lives(costly): assert "gone" not in calls
"""
WORKERS = [(), ("-n", "1")]


def layer(filter_: str = "", **settings: Any) -> dict[str, Any]:
    return {"source": "here", "filter": filter_, "settings": settings}


def retries(count: int, **more: Any) -> dict[str, Any]:
    defaults = {"backoff": "fixed", "delay": 0.0, "max_delay": None, "jitter": False, "on": ["failed", "error"]}
    return {"count": count, **defaults, **more}


def run(project: Project, *arguments: str, tests: str = TESTS, rules: list[dict[str, Any]]) -> Ran:
    project.write(test_it=tests)
    return project.injected(*arguments, settings={"rules": rules})


@pytest.mark.parametrize("arguments", WORKERS)
def test_it_is_tried_until_it_passes_or_the_attempts_are_over(project: Project, arguments: tuple[str, ...]) -> None:
    ran = run(project, *arguments, rules=[layer(retries=retries(2))])
    assert ran.outcomes == {
        "test_passes": "passed",
        "test_late": "flaky",
        "test_never": "failed",
        "test_setup": "flaky",
        "test_teardown": "flaky",
        "test_skips": "skipped",
        "test_expected": "xfailed",
        "test_costly_lives": "passed",
    }
    attempts = {name: [one["outcome"] for one in test.get("attempts", [])] for name, test in ran.tests.items()}
    assert attempts["test_late"] == ["failed", "failed"]
    assert attempts["test_never"] == ["failed", "failed"]
    assert attempts["test_setup"] == ["error"]
    assert attempts["test_teardown"] == ["error"]
    assert ran.tests["test_never"]["message"].startswith("AssertionError: no 3")
    assert ran.exit_code == 1


@pytest.mark.slow
@pytest.mark.parametrize("arguments", WORKERS)
def test_flaky_tests_alone_fail_nothing_unless_that_is_asked_for(project: Project, arguments: tuple[str, ...]) -> None:
    options = (*arguments, "-k", "late or teardown or passes")
    assert run(project, *options, rules=[layer(retries=retries(2))]).exit_code == 0
    for stream in project.inbox.iterdir():
        stream.unlink()
    ran = run(project, *options, rules=[layer(retries=retries(2), flaky_result="fail")])
    assert ran.exit_code == 1
    assert ran.outcomes == {"test_passes": "passed", "test_late": "failed", "test_teardown": "failed"}
    assert ran.tests["test_late"]["message"] == "flaky: passed on attempt 3, and flaky-result = 'fail'"
    assert len(ran.tests["test_late"]["attempts"]) == 2


def test_the_first_layer_that_has_a_setting_decides_it(project: Project) -> None:
    rules = [
        layer("test(never)", flaky_result="fail"),
        layer("test(late)", retries=retries(2)),
        layer(retries=retries(0)),
    ]
    outcomes = run(project, "-k", "late or never", rules=rules).outcomes
    assert outcomes == {"test_late": "flaky", "test_never": "failed"}


def test_only_what_is_asked_for_is_tried_again(project: Project) -> None:
    ran = run(project, "-k", "late or setup", rules=[layer(retries=retries(2, on=["error"]))])
    assert ran.outcomes == {"test_late": "failed", "test_setup": "flaky"}


@pytest.mark.parametrize(
    ("settings", "delays"),
    [
        ({"delay": 1.0}, [1.0, 1.0, 1.0]),
        ({"delay": 1.0, "backoff": "exponential"}, [1.0, 2.0, 4.0]),
        ({"delay": 1.0, "backoff": "exponential", "max_delay": 3.0}, [1.0, 2.0, 3.0]),
        ({"delay": 1.0, "jitter": True}, [0.75, 0.75, 0.75]),
        ({}, [0.0, 0.0, 0.0]),
    ],
)
def test_a_delay_is_fixed_or_doubles_up_to_a_limit(settings: dict[str, Any], delays: list[float]) -> None:
    assert [delay_of(Retries(count=3, **settings), attempt, lambda: 0.5) for attempt in range(3)] == delays
