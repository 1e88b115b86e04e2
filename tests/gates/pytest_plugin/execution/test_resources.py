"""What a test needs is there before it runs, in every worker, and is taken back behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gates.portable.errors import UsageError
from gates.portable.rules import Rules
from gates.portable.settings.plugin import PluginSettings
from gates.pytest_plugin.execution import resources as needs
from gates.pytest_plugin.execution.resources import Needs, check_needs
from gates.pytest_plugin.execution.scripts import GRACE
from gates.pytest_plugin.execution.semaphores import Semaphore
from tests.gates.pytest_plugin.execution.test_retries import layer, retries

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gates.pytest_plugin.conftest import Project, Ran

WORKERS = [(), ("-n", "2")]

ONE_BY_ONE = """
import pathlib, time

def announced():
    streams = pathlib.Path("../inbox").glob("pytest-*.jsonl")
    return [line for stream in streams for line in stream.read_text().splitlines() if '"type":"waiting"' in line]

def hold(name):
    "Stay until another test waits; nobody may come in meanwhile. The second one need not stay."
    pathlib.Path("started-" + name).touch()
    end = time.monotonic() + 30
    while len(list(pathlib.Path().glob("ended-*"))) == 0 and not announced():
        assert time.monotonic() < end
        others = [path.name for path in pathlib.Path().glob("started-*") if path.name != "started-" + name]
        assert not others, others
        time.sleep(0.005)
    pathlib.Path("ended-" + name).touch()

def test_a(): hold("a")
def test_b(): hold("b")
"""


def run(project: Project, *arguments: str, tests: str = ONE_BY_ONE, **settings: Any) -> Ran:
    project.write(test_it=tests)
    return project.injected(*arguments, settings=settings)


# Slots


@pytest.mark.parametrize(
    ("rules", "waits_for"),
    [
        ([layer(group="db")], {"group": "db"}),
        ([layer("test(a)", threads_required=2)], {"threads"}),
        ([layer("test(a)", threads_required=0)], {"threads"}),
        ([layer("test(a)", threads_required=99)], {"threads"}),
    ],
    ids=["group", "two threads", "all threads", "more than there are"],
)
def test_a_test_waits_for_its_slots_in_another_worker(project: Project, rules: Any, waits_for: Any) -> None:
    ran = run(project, "-n", "2", rules=rules, groups={"db": 1})
    assert ran.outcomes == {"test_a": "passed", "test_b": "passed"}, ran.output
    (waiting,) = ran.of("waiting")
    assert set(waits_for) <= set(waiting)
    (running,) = [record for record in ran.of("running") if record["id"] == waiting["id"]]
    assert (running["worker"], running["time"] > waiting["time"]) == (waiting["worker"], True)


MEET = """
import pathlib, time
def meet(name):
    pathlib.Path("here-" + name).touch()
    end = time.monotonic() + 30
    while len(list(pathlib.Path().glob("here-*"))) < 2:
        assert time.monotonic() < end
        time.sleep(0.005)
def test_a(): meet("a")
def test_b(): meet("b")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "rules",
    [
        [layer(group="db")],
        [layer("test(a)", group="other"), layer("test(b)", group="db")],
        [layer("test(b)", threads_required=2), layer(threads_required=1)],
    ],
    ids=["two slots", "two groups", "only a third worker's"],
)
def test_tests_run_side_by_side_as_far_as_there_are_slots(project: Project, rules: Any) -> None:
    ran = run(project, "-n", "3", tests=MEET, rules=rules, groups={"db": 2, "other": 1})
    assert ran.outcomes == {"test_a": "passed", "test_b": "passed"}, ran.output


KEPT = """
import pathlib, time, pytest

attempts = []

@pytest.fixture
def around():
    attempts.append(1)
    if len(attempts) == 1:
        pathlib.Path("overlap" if pathlib.Path("busy").exists() else "busy").touch()
    yield
    if len(attempts) == 2:
        end = time.monotonic() + 30
        while not any('"type":"waiting"' in stream.read_text() for stream in pathlib.Path("../inbox").glob("pytest-*")):
            assert time.monotonic() < end
            time.sleep(0.005)
        pathlib.Path("busy").unlink()

def test_a(around): assert len(attempts) == 2
def test_b(around): assert len(attempts) == 2
"""


def test_a_slot_is_kept_through_attempts_and_teardown(project: Project) -> None:
    rules = [layer(group="db", retries=retries(1))]
    ran = run(project, "-n", "2", tests=KEPT, rules=rules, groups={"db": 1})
    assert ran.outcomes == {"test_a": "flaky", "test_b": "flaky"}, ran.output
    assert not (project.root / "overlap").exists()


def test_alone_every_number_of_slots_is_there(project: Project) -> None:
    tests = "def test_a(): pass\ndef test_b(): pass"
    ran = run(project, tests=tests, rules=[layer(group="db", threads_required=9)], groups={"db": 1})
    assert ran.outcomes == {"test_a": "passed", "test_b": "passed"}
    assert ran.of("waiting") == []


@pytest.mark.slow
def test_the_slots_of_a_worker_that_dies_are_free_again(project: Project) -> None:
    tests = "import os\ndef test_a(): os._exit(1)\ndef test_b(): pass\ndef test_c(): pass"
    ran = run(project, "-n", "2", tests=tests, rules=[layer(group="db", threads_required=0)], groups={"db": 1})
    assert ran.outcomes == {"test_a": "crashed", "test_b": "passed", "test_c": "passed"}


def test_locks_of_a_run_that_is_gone_are_no_hindrance(project: Project) -> None:
    ran = run(project, tests="def test_a(): pass", rules=[layer(group="db")], groups={"db": 1}, locks="/is/not/there")
    assert ran.outcomes == {"test_a": "passed"}


@pytest.mark.parametrize(("most", "taken"), [(1, False), (2, True)])
def test_where_no_test_needs_more_than_one_slot_none_takes_one(tmp_path: Path, most: int, taken: bool) -> None:
    class Item:
        get_closest_marker = staticmethod(lambda _: None)

    item: Any = Item()
    other: Any = Item()
    plugin = Needs({item: Rules(threads_required=most)}, {}, Semaphore(str(tmp_path / "threads"), 2), None)
    plugin.pytest_collection_finish()
    for _ in plugin.pytest_runtest_protocol(other):
        assert (tmp_path / "threads").exists() is taken


def test_a_system_without_record_locks_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = PluginSettings(rules=(layer(group="", threads_required=1), layer("test(a)", group="db", setup=["x"])))
    check_needs(settings)
    monkeypatch.setattr(needs, "AVAILABLE", False)
    with pytest.raises(UsageError, match="group, setup cannot be enforced: this system has no record locks"):
        check_needs(settings)
    check_needs(PluginSettings(rules=(layer(group="", threads_required=1, setup=[]),)))


# Scripts

SEES = """
import os, pytest

os.environ["SAME"] = "own"

@pytest.fixture
def sees():
    assert os.environ["URL"] == "here"
    yield
    assert os.environ["URL"] == "here"

calls = []
@pytest.mark.parametrize("number", range(4))
def test_a(sees, number):
    calls.append(number)
    assert os.environ["SAME"] == "script's"
    assert number or len(calls) > 1
def test_none():
    assert ("URL" in os.environ, os.environ["SAME"]) == (False, "own")
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.skipif("os.sep == '/'", reason="not here")
def test_skipped_if(): pass
"""
OK = {"command": ["sh", "-c", "echo once >> ran; echo URL=here >> $GATES_ENV; echo \"SAME=script's\" >> $GATES_ENV; echo hello"], "timeout": 60}  # fmt: skip
BAD = {"command": ["sh", "-c", "echo once >> ran; echo E Misleading; exit 3"], "timeout": 60}


@pytest.mark.parametrize("arguments", WORKERS)
def test_a_script_runs_once_and_its_variables_hold_for_its_tests(project: Project, arguments: tuple[str, ...]) -> None:
    ran = run(
        project, *arguments, tests=SEES, scripts={"db": OK, "unused": BAD},
        rules=[layer("test(a)", setup=["db"], retries=retries(1)), layer("test(skipped)", setup=["unused"])],
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    assert set(ran.outcomes.values()) == {"passed", "flaky", "skipped"}
    assert (project.root / "ran").read_text() == "once\n"
    tries = [one for test in ran.tests.values() for one in (test, *test.get("attempts", ()))]
    told = [one["stdout"] for one in tries if one.get("stdout")]
    assert told == ["hello\n"], "with the attempt that needed it first"
    first = next(record for record in ran.of("waiting"))
    assert (first["script"], first["limit"]) == ("db", 60 + GRACE)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", WORKERS)
def test_a_script_that_fails_is_an_error_of_each_of_its_tests(project: Project, arguments: tuple[str, ...]) -> None:
    tests = """
    import pytest
    def test_a(): pass
    @pytest.mark.xfail
    def test_b(): assert 0
    def test_none(): pass
    """
    ran = run(
        project, *arguments, tests=tests, scripts={"db": BAD},
        rules=[layer("test(/_[ab]/)", setup=["db"], retries=retries(3), group="g")], groups={"g": 1},
    )  # fmt: skip
    assert ran.outcomes == {"test_a": "error", "test_b": "error", "test_none": "passed"}, ran.output
    assert (project.root / "ran").read_text() == "once\n"
    for name in ("test_a", "test_b"):
        test = ran.tests[name]
        assert (test["phase"], test["message"]) == ("setup", "setup script db failed: exit code 3")
        assert test["details"].endswith("\n\n| E Misleading")
        assert test["signature"] == "SetupScriptFailed: setup script db failed: exit code #"
        assert "attempts" not in test, "another attempt is of no use"


@pytest.mark.parametrize("isolate", ["fork", "spawn"])
def test_an_isolated_test_has_what_its_scripts_left_or_their_failure(project: Project, isolate: str) -> None:
    tests = 'import os\ndef test_a(): assert os.environ["URL"] == "here"\ndef test_b(): pass'
    rules = [layer("test(_a)", setup=["db"]), layer("test(_b)", setup=["bad"]), layer(isolate=isolate, group="g")]
    ran = run(project, tests=tests, rules=rules, scripts={"db": OK, "bad": BAD}, groups={"g": 1})
    assert ran.outcomes == {"test_a": "passed", "test_b": "error"}, ran.output
    assert ran.tests["test_b"]["message"] == "setup script bad failed: exit code 3"


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("-n", "1")])
def test_a_server_that_a_script_started_outlives_a_crash(project: Project, arguments: tuple[str, ...]) -> None:
    tests = """
    import os, pathlib, signal
    def test_crashes(): os.abort()
    def test_behind():
        pid = os.environ["PID"]
        alive = pathlib.Path("/proc", pid, "stat").read_text().split()[2] != "Z"
        os.kill(int(pid), signal.SIGKILL)
        assert alive
    """
    server = {"command": ["sh", "-c", "echo x >> ran; sleep 60 & echo PID=$! > $GATES_ENV"], "timeout": 60}
    ran = run(
        project, *arguments, tests=tests, scripts={"server": server}, supervise=True,
        rules=[layer(setup=["server"], group="g", threads_required=0)], groups={"g": 1},
    )  # fmt: skip
    assert ran.outcomes == {"test_crashes": "crashed", "test_behind": "passed"}, ran.output
    assert (project.root / "ran").read_text() == "x\n"


@pytest.mark.slow
def test_the_time_of_a_script_is_no_time_of_a_test(project: Project) -> None:
    limit = {"period": 0.4, "terminate_after": 1, "grace": 0.1}
    ran = run(
        project, tests="def test_a(): pass", rules=[layer(setup=["slow"], slow_timeout=limit)],
        scripts={"slow": {"command": ["sleep", "0.5"], "timeout": 60}},
    )  # fmt: skip
    assert ran.outcomes == {"test_a": "passed"}


@pytest.mark.parametrize("supervise", [False, True])
def test_nothing_is_left_of_a_session(project: Project, supervise: bool) -> None:
    locks = project.folder / "locks"
    locks.mkdir()
    tests = "import os\ndef test_a(): os.fork() or os._exit(0)\n"
    run(project, tests=tests, rules=[layer(setup=["db"])], scripts={"db": OK}, locks=str(locks), supervise=supervise)
    assert list(locks.iterdir()) == []
