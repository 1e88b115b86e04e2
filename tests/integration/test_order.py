"""Which tests run first, how many may go wrong, and how often each runs."""

from __future__ import annotations

import re

import pytest

from tests.integration.project import Project, checklist, pytest_gate

BOTH = pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])

FILES = {
    "test_a.py": """
        import os, time
        def note(name):
            with open("order.txt", "a") as file:
                file.write(name + "\\n")
        def test_1(): note("a1")
        def test_2():
            note("a2")
            assert "FIXED" in os.environ
        """,
    "test_b.py": """
        import time
        from test_a import note
        def test_3(): note("b3"); time.sleep(0.15)
        def test_4(): note("b4")
        """,
}


def ran(project: Project, *arguments: str) -> list[str]:
    (project.folder / "order.txt").unlink(missing_ok=True)
    done = project.gates("run", *arguments)
    assert done.code in (0, 1), done.text
    return (project.folder / "order.txt").read_text().split()


@pytest.mark.slow
@BOTH
def test_orders_follow_what_the_last_run_left(project: Project, options: tuple[str, ...]) -> None:
    project.write(FILES | checklist(pytest_gate(*options)))
    assert ran(project) == ["a1", "a2", "b3", "b4"]
    assert ran(project, "--order", "failed-first") == ["a2", "a1", "b3", "b4"]
    assert ran(project, "--order", "longest-first")[:2] == ["b3", "b4"]
    project.write({"test_c.py": "from test_a import note\ndef test_5(): note('c5')\n"})
    assert ran(project, "--order", "new-first") == ["c5", "a1", "a2", "b3", "b4"]


@pytest.mark.slow
@BOTH
def test_a_priority_comes_first(project: Project, options: tuple[str, ...]) -> None:
    config = '[[tests.overrides]]\nfilter = "test(test_4)"\npriority = 10\n'
    project.write(FILES | checklist(pytest_gate(*options), config=config))
    assert ran(project) == ["b4", "a1", "a2", "b3"]


@pytest.mark.slow
def test_a_random_order_says_how_it_is_repeated(project: Project) -> None:
    many = "\n".join(f"def test_{number}(): note('t{number}')" for number in range(30))
    project.write(FILES | {"test_c.py": f"from test_a import note\n{many}\n"} | checklist(pytest_gate()))
    first = ran(project, "--order", "random")
    said = re.search(r"--order random --seed (\d+) repeats it", (project.reports / "summary.md").read_text())
    assert said is not None
    assert ran(project, "--order", "random", "--seed", said[1]) == first
    assert ran(project, "--order", "random", "--seed", str(int(said[1]) + 1)) != first


MANY = "\n".join(f"def test_{number}(): assert {number} % 2" for number in range(12))


@pytest.mark.slow
@BOTH
def test_no_test_starts_once_enough_went_wrong(project: Project, options: tuple[str, ...]) -> None:
    project.write({"test_a.py": MANY} | checklist(pytest_gate(*options)))
    done = project.gates("run", "--max-fail", "2")
    assert done.code == 1
    outcomes = list(project.outcomes.values())
    assert outcomes.count("failed") == 2
    assert outcomes.count("not-run") >= (9 if not options else 7)
    reasons = {test.reason for test in project.tests if test.outcome == "not-run"}
    assert reasons == {"--max-fail: 2 tests failed"}


@pytest.mark.slow
def test_what_goes_wrong_is_counted_over_all_gates(project: Project) -> None:
    gates = (pytest_gate(name=name) for name in ("one", "two"))
    project.write({"test_a.py": "def test_1(): assert 0\ndef test_2(): pass\n"} | checklist(*gates))
    assert project.gates("run", "--jobs", "1", "--max-fail", "1").code == 1
    found = [(test.gate, str(test.outcome)) for test in project.tests]
    assert sorted(found) == [("one", "failed"), ("one", "not-run"), ("two", "not-run"), ("two", "not-run")]


@pytest.mark.slow
def test_immediate_ends_what_runs(project: Project) -> None:
    tests = "import time\ndef test_1(): assert 0\ndef test_2(): time.sleep(600)\n"
    project.write({"test_a.py": tests} | checklist(pytest_gate("-n", "2")))
    done = project.gates("run", "--max-fail", "1:immediate")
    assert done.code == 1
    assert project.outcomes["test_a.py::test_2"] in ("interrupted", "not-run")
    assert "--max-fail: 1 test failed" in project.gate("test").reason


@pytest.mark.slow
@BOTH
def test_under_stress_every_attempt_counts(project: Project, options: tuple[str, ...]) -> None:
    tests = """
        import pytest
        times = []

        @pytest.fixture
        def fresh(): return []

        def test_steady(fresh):
            fresh.append(1)
            assert len(fresh) == 1

        def test_shaky():
            times.append(1)
            assert len(times) % 3, "every third"
        """
    project.write({"test_a.py": tests} | checklist(pytest_gate(*options)))
    assert project.gates("run", "--stress-count", "9").code == 1
    assert project.outcomes == {"test_a.py::test_steady": "passed", "test_a.py::test_shaky": "failed"}
    shaky = next(test for test in project.tests if test.id.endswith("shaky"))
    assert "failed 3 of 9 attempts" in shaky.details
    assert [str(attempt.outcome) for attempt in shaky.attempts] == ["failed"] * 2
    assert "each test was repeated: 9 times" in (project.reports / "summary.md").read_text()
    assert project.gates("run", "--stress-duration", "50ms", "-E", "test(steady)").code == 0


TWO_GATES = checklist(pytest_gate(name="alone"), pytest_gate("-n", "1", name="xdist"))
"""For what takes its time: both wait at once."""


@pytest.mark.slow
def test_a_gate_in_which_nothing_moves_ends_and_names_the_suspect(project: Project) -> None:
    tests = "import time\ndef test_fine(): pass\ndef test_hangs(): time.sleep(600)\n"
    project.write({"test_a.py": tests} | TWO_GATES)
    done = project.gates("run", "--jobs", "2", "--stall-timeout", "1s")
    assert done.code == 1
    for name in ("alone", "xdist"):
        gate = project.gate(name)
        assert str(gate.outcome) == "timeout"
        assert gate.reason.startswith("nothing moved for 1.00s: test_a.py::test_hangs has been running for ")
        fine, hangs = sorted((test for test in project.tests if test.gate == name), key=lambda test: test.id)
        assert (fine.id, str(fine.outcome)) == ("test_a.py::test_fine", "passed")
        assert (hangs.id, str(hangs.outcome)) == ("test_a.py::test_hangs", "timeout")
        assert "in test_hangs" in hangs.details
        assert hangs.reason == gate.reason
        assert hangs.signature.startswith("timeout")
        assert "in test_hangs" in (project.reports / "logs" / f"{name}.log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("isolate", "options", "limit"),
    [("fork", ("-n", "1"), "1s"), ("spawn", (), "3s")],  # to start a pytest takes its time, too
    ids=["fork", "spawn"],
)
def test_the_stacks_are_those_of_the_process_that_an_isolated_test_hangs_in(
    project: Project, options: tuple[str, ...], isolate: str, limit: str
) -> None:
    tests = """
        import pytest, time

        @pytest.fixture
        def late():
            yield
            time.sleep(600)

        def test_hangs(late): pass
        """
    config = f'[tests]\nisolate = "{isolate}"\n'
    project.write({"test_a.py": tests} | checklist(pytest_gate(*options), config=config))
    assert project.gates("run", "--stall-timeout", limit).code == 1
    assert project.outcomes == {"test_a.py::test_hangs": "timeout"}
    assert "in late" in project.tests[0].details


@pytest.mark.slow
def test_a_session_that_hangs_behind_its_tests_ends_with_its_stacks_in_the_log(project: Project) -> None:
    hook = "def pytest_sessionfinish():\n    import time\n    time.sleep(600)\n"
    project.write({"test_a.py": "def test_a(): pass\n", "conftest.py": hook} | TWO_GATES)
    assert project.gates("run", "--jobs", "2", "--stall-timeout", "1s").code == 1
    reason = "nothing moved for 1.00s: no test is running, and the session does not end"
    assert [(gate.name, gate.reason) for gate in project.run.gates] == [("alone", reason), ("xdist", reason)]
    assert [(test.gate, str(test.outcome)) for test in project.tests] == [("alone", "passed"), ("xdist", "passed")]
    for name in ("alone", "xdist"):
        assert "in pytest_sessionfinish" in (project.reports / "logs" / f"{name}.log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "result", "outcome"), [("--retries", "0", "failed"), ("--stress-count", "1", "passed")]
)
def test_a_test_that_is_tried_again_and_again_moves(project: Project, option: str, result: str, outcome: str) -> None:
    tests = f"import time\ndef test_it():\n    time.sleep(0.8)\n    assert {result}\n"
    project.write({"test_a.py": tests} | checklist(pytest_gate()))
    project.gates("run", "--stall-timeout", "2s", option, "2")
    assert project.outcomes == {"test_a.py::test_it": outcome}


@pytest.mark.slow
def test_a_run_that_takes_too_long_ends_as_a_whole(project: Project) -> None:
    tests = "import time\ndef test_fine(): pass\ndef test_hangs(): time.sleep(600)\n"
    project.write({"test_a.py": tests} | checklist(pytest_gate(), pytest_gate(name="late")))
    done = project.gates("run", "--jobs", "1", environment={"GATES_GLOBAL_TIMEOUT": "2s"})
    assert done.code == 1
    assert str(project.gate("test").outcome) == "timeout"
    assert project.gate("test").reason.startswith("the run took longer than its global-timeout of 2.00s")
    assert str(project.gate("late").outcome) == "skipped"
    assert project.outcomes == {"test_a.py::test_fine": "passed", "test_a.py::test_hangs": "interrupted"}
    reasons = {test.reason for test in project.tests if test.outcome == "interrupted"}
    assert reasons == {project.gate("test").reason}


@pytest.mark.slow
def test_a_setting_from_the_environment_says_so_and_is_not_inherited(project: Project) -> None:
    tests = "import os\ndef test_it(): assert 'GATES_RETRIES' not in os.environ\n"
    project.write({"test_a.py": tests} | checklist(pytest_gate()))
    around = {"GATES_RETRIES": "2"}
    assert project.gates("run", environment=around).code == 0
    assert "# GATES_RETRIES" in project.gates("show-config", "test_it", environment=around).out
    assert "# --retries" in project.gates("show-config", "test_it", "--retries", "1", environment=around).out
    limit = {"GATES_TEST_TIMEOUT": "7s"}
    assert "# GATES_TEST_TIMEOUT" in project.gates("show-config", "test_it", environment=limit).out


def test_a_gate_of_another_project_may_ask_for_settings_of_its_own(project: Project) -> None:
    tests = "import os\ndef test_it(): assert os.environ['GATES_RETRIES'] == '1'\n"
    config = '[gate.test.env]\nGATES_RETRIES = { set = "1", reason = "runs gates" }\n'
    project.write({"test_a.py": tests} | checklist(pytest_gate(), config=config))
    assert project.gates("run", environment={"GATES_RETRIES": "2"}).code == 0
