"""Tests that run in a process of their own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from gates.portable.rules import NONE, Override, RuleBook

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project, Ran

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="isolation by fork")

ALONE, WORKER = (), ("-n", "1")
SHORT = {"period": 30.0, "terminate_after": 1, "grace": 1.0}
BOTH = pytest.mark.parametrize("options", [ALONE, WORKER], ids=["alone", "xdist"])
HOW = pytest.mark.parametrize("how", ["fork", "spawn"])


def isolated(project: Project, how: str, *args: str, supervise: bool = True, **rules: Any) -> Ran:
    """Run, with the tests that have `own` in their names isolated."""
    layers = [Override("override", "test(own)", {"isolate": how}), Override("test", "", rules)]
    return project.injected(*args, settings={"supervise": supervise, "rules": RuleBook(layers).to_json()})


@pytest.mark.slow
@BOTH
@HOW
def test_what_an_isolated_test_changes_nobody_else_sees(project: Project, how: str, options: tuple[str, ...]) -> None:
    project.write(
        state="value = 1",
        test_it="""
        import os, threading
        import state

        def test_own_change():
            state.value = 2
            os.environ["CHANGED"] = "1"
            os.chdir("/")
            threading.Thread(target=threading.Event().wait).start()

        def test_sees_nothing():
            assert state.value == 1
            assert "CHANGED" not in os.environ
            assert os.getcwd() != "/"
            assert threading.active_count() == 1
        """,
    )
    ran = isolated(project, how, *options)
    assert ran.outcomes == {"test_own_change": "passed", "test_sees_nothing": "passed"}, ran.output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "options"),
    [("fork", ALONE), ("fork", WORKER), ("spawn", ALONE)],  # spawned by a worker: ten seconds, and shown below
    ids=["fork-alone", "fork-xdist", "spawn-alone"],
)
def test_every_outcome_of_an_isolated_test_arrives(project: Project, how: str, options: tuple[str, ...]) -> None:
    project.write(
        test_it="""
        import os, signal, time
        import pytest

        def test_own_passes(): print("said")
        def test_own_fails(): assert [1, 2] == [1, 3], "no"
        def test_own_error(missing_fixture): pass
        @pytest.fixture
        def broken_teardown():
            yield
            raise RuntimeError("late")
        def test_own_late(broken_teardown): pass
        def test_own_skipped(): pytest.skip("why not")
        @pytest.mark.xfail(reason="known")
        def test_own_xfail(): assert 0
        def test_own_crash(): os.kill(os.getpid(), signal.SIGKILL)
        def test_own_exit(): raise SystemExit(3)
        def test_own_hangs():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
            time.sleep(600)
        def test_own_hangs_gently(): time.sleep(600)
        @pytest.mark.parametrize("n", [1, 2])
        def test_own_parameter(n): assert n == 1
        class TestOwn:
            def test_method(self): pass
        def test_behind(): pass
        """
    )
    limit = {"period": 0.9, "terminate_after": 1, "grace": 0.5}
    # Each spawned pytest starts in a moment where nobody supervises the first one, see `tests.warm`.
    ran = isolated(project, how, *options, supervise=how == "fork", slow_timeout=limit)
    assert ran.outcomes == {
        "test_own_passes": "passed",
        "test_own_fails": "failed",
        "test_own_error": "error",
        "test_own_late": "error",
        "test_own_skipped": "skipped",
        "test_own_xfail": "xfailed",
        "test_own_crash": "crashed",
        "test_own_exit": "failed",
        "test_own_hangs": "timeout",
        "test_own_hangs_gently": "timeout",
        "test_own_parameter[1]": "passed",
        "test_own_parameter[2]": "failed",
        "TestOwn::test_method": "passed",
        "test_behind": "passed",
    }, ran.output
    assert ran.tests["test_own_passes"]["stdout"] == "said\n"
    assert "assert [1, 2] == [1, 3]" in ran.tests["test_own_fails"]["details"]
    assert "in test_own_hangs" in ran.tests["test_own_hangs"]["details"]
    assert "killed by SIGKILL" in ran.tests["test_own_crash"]["message"]
    assert ran.tests["test_own_late"]["phase"] == "teardown"
    assert len(ran.of("finish")) == 1


@BOTH
def test_a_fork_uses_the_fixtures_that_are_there_and_takes_down_only_its_own(
    project: Project, options: tuple[str, ...]
) -> None:
    project.write(
        test_a="""
        import pytest

        def note(text):
            with open("notes.txt", "a") as file:
                file.write(text + "\\n")

        @pytest.fixture(scope="session")
        def early():
            note("early up")
            yield {"value": 1}
            note("early down")

        @pytest.fixture(scope="module")
        def late():
            note("late up")
            yield
            note("late down")

        def test_first(early): pass
        def test_own(early, late):
            assert early["value"] == 1
            early["value"] = 2
        def test_last(early, late): assert early["value"] == 1
        """
    )
    ran = isolated(project, "fork", *options)
    assert set(ran.outcomes.values()) == {"passed"}, ran.output
    assert (project.root / "notes.txt").read_text().splitlines() == [
        "early up",
        *("late up", "late down"),  # in the child, which needed it first
        *("late up", "late down"),
        "early down",
    ]


@pytest.mark.slow
@BOTH
@HOW
def test_fixtures_that_end_with_an_isolated_test_are_taken_down_and_their_failure_is_seen(
    project: Project, how: str, options: tuple[str, ...]
) -> None:
    project.write(
        test_a="""
        import pytest

        @pytest.fixture(scope="module")
        def broken():
            yield
            raise RuntimeError("module down")

        def test_first(broken): pass
        def test_own(broken): pass
        """,
        test_b="def test_next(): pass",
    )
    ran = isolated(project, how, *options)
    assert ran.outcomes == {"test_first": "passed", "test_own": "error", "test_next": "passed"}
    assert ran.tests["test_own"]["message"] == "RuntimeError: module down"


@pytest.mark.slow
@BOTH
@HOW
def test_an_isolated_test_is_tried_again_inside(project: Project, how: str, options: tuple[str, ...]) -> None:
    project.write(
        test_it="""
        from pathlib import Path

        def test_own():
            first = not Path("mark").exists()
            Path("mark").touch()
            assert not first, "not yet"
        """
    )
    ran = isolated(project, how, *options, retries={**NONE, "count": 1})
    assert ran.outcomes == {"test_own": "flaky"}
    assert ran.tests["test_own"]["attempts"][0]["message"].startswith("AssertionError: not yet")


@pytest.mark.slow
def test_where_threads_run_a_new_pytest_is_started(project: Project) -> None:
    project.write(
        test_it="""
        import os, threading

        def test_starts_a_thread():
            threading.Thread(target=threading.Event().wait, daemon=True).start()

        def test_own():
            assert threading.active_count() == 1
            assert "PYTEST_CURRENT_TEST" in os.environ
            assert not [name for name in os.environ if name in ("GATES_SPAWNED", "GATES_PYTEST")]
        """
    )
    assert isolated(project, "auto").outcomes == {"test_starts_a_thread": "passed", "test_own": "passed"}


def test_a_process_that_an_isolated_test_leaves_ends_with_it(project: Project) -> None:
    project.write(
        test_it="""
        import os, time
        from pathlib import Path

        def test_own():
            forked = os.fork()
            if not forked:
                time.sleep(600)
            with open("pid.txt", "w") as file:
                file.write(str(forked))

        def test_after():
            pid = int(Path("pid.txt").read_text())
            for _ in range(200):
                try:
                    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                except OSError:
                    return
                if state == "Z":
                    return
                time.sleep(0.02)
            assert 0, "still there"
        """
    )
    assert isolated(project, "fork").outcomes == {"test_own": "passed", "test_after": "passed"}


@HOW
def test_under_stress_an_isolated_test_runs_as_often_as_the_others(project: Project, how: str) -> None:
    project.write(
        test_it="""
        def test_own():
            with open("ran.txt", "a") as file:
                file.write("x")
        """
    )
    rules = RuleBook([Override("test", "", {"isolate": how, "slow_timeout": SHORT})]).to_json()
    ran = project.injected(settings={"rules": rules, "stress_count": 7})
    assert ran.outcomes == {"test_own": "passed"}
    assert (project.root / "ran.txt").read_text() == "x" * 7
