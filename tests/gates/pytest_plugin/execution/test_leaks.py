"""What tests leave behind in their process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from gates.portable.rules import Override, RuleBook
from gates.pytest_plugin.execution.leaks import Snapshot, difference, widened

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project, Ran

CLEAN = Snapshot({"HOME": "/h", "PATH": "p"}, "/here", {1: "'MainThread'"}, frozenset({5}), {0: "/dev/null"})
linux = pytest.mark.skipif(sys.platform != "linux", reason="children and files are seen on Linux only")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ()),
        (
            {"environment": {"HOME": "secret", "NEW": "token"}},
            ("environment: HOME changed, NEW added, PATH removed",),
        ),
        ({"folder": "/there"}, ("working directory: /here became /there",)),
        ({"folder": ""}, ("working directory: /here became a folder that no longer exists",)),
        ({"threads": {1: "'MainThread'", 2: "'keeper' (daemon)"}}, ("thread 'keeper' (daemon) still runs",)),
        ({"threads": {}}, ()),
        ({"children": frozenset({5, 999999})}, ("child process 999999 still runs",)),
        ({"files": {0: "/dev/null", 9: "/tmp/a"}}, ("file /tmp/a is still open (descriptor 9)",)),
        ({"files": {0: "/dev/null", 9: "socket:[77]"}}, ("a socket (77) is still open (descriptor 9)",)),
        ({"files": {}}, ()),
    ],
)
def test_a_difference_is_said_in_words_without_values(change: dict[str, Any], words: tuple[str, ...]) -> None:
    assert difference(CLEAN, CLEAN._replace(**change)) == words


def test_what_a_wider_fixture_did_is_no_leak() -> None:
    fixture = CLEAN._replace(
        environment={"HOME": "/h", "SERVER": "1"}, threads={1: "m", 2: "server"}, files={0: "/dev/null", 4: "log"}
    )
    baseline = widened(CLEAN, CLEAN, fixture)
    assert difference(baseline, fixture) == ()
    assert difference(baseline, fixture._replace(folder="/x")) == ("working directory: /here became /x",)


LEAKY = """
    import os, subprocess, sys, threading, time
    import pytest

    kept = []

    def test_clean(tmp_path, monkeypatch):
        monkeypatch.setenv("GONE_AFTERWARDS", "1")
        monkeypatch.chdir(tmp_path)
        thread = threading.Thread(target=time.sleep, args=(0.01,))
        thread.start()
        (tmp_path / "a").write_text("x")

    def test_variable(): os.environ["LEFT"] = "secret value"
    def test_folder(): os.chdir("/")
    def test_thread(): threading.Thread(target=threading.Event().wait, name="keeper", daemon=True).start()
    def test_child(): kept.append(subprocess.Popen(["sleep", "600"]))
    def test_file(): kept.append(open(__file__))

    @pytest.fixture(scope="module")
    def server():
        process = subprocess.Popen(["sleep", "600"])
        os.environ["SERVER"] = "up"
        yield
        process.kill()
        process.wait()
        del os.environ["SERVER"]

    class TestServed:
        def test_served(self, server): pass
        @pytest.mark.parametrize("n", [1])
        def test_leaks_besides(self, server, n): os.environ["BESIDES"] = "1"

    def test_ends(): kept[0].kill(); kept[0].wait(); kept[1].close()
    """


def leaking(project: Project, meaning: str, *args: str) -> Ran:
    project.write(test_it=LEAKY)
    rules = RuleBook([Override("test", "", {"leak": meaning})]).to_json()
    return project.injected("-W", "ignore", *args, settings={"rules": rules, "supervise": True})


@pytest.mark.slow
@linux
@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_warning_names_what_is_left_and_changes_no_outcome(project: Project, options: tuple[str, ...]) -> None:
    ran = leaking(project, "warn", *options)
    assert set(ran.outcomes.values()) == {"passed"}, ran.output
    leaks = {name: record["leaks"] for name, record in ran.tests.items() if "leaks" in record}
    (child,) = leaks.pop("test_child")
    assert child.startswith("child process ")
    assert child.endswith("(sleep 600) still runs")
    (file,) = leaks.pop("test_file")
    assert "test_it.py is still open (descriptor " in file
    assert leaks == {
        "test_variable": ["environment: LEFT added"],
        "test_folder": [f"working directory: {project.root} became /"],
        "test_thread": ["thread 'keeper' (daemon) still runs"],
        "TestServed::test_leaks_besides[1]": ["environment: BESIDES added"],
    }
    assert "secret value" not in ran.output


@linux
def test_a_leak_fails_where_it_is_to_fail(project: Project) -> None:
    ran = leaking(project, "fail")
    variable = ran.tests["test_variable"]
    assert (variable["outcome"], variable["phase"]) == ("error", "teardown")
    assert variable["message"] == "leaked: environment: LEFT added"
    assert ran.outcomes["test_clean"] == ran.outcomes["TestServed::test_served"] == "passed"
    assert sum(outcome == "error" for outcome in ran.outcomes.values()) == 6


@linux
@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_isolated_tests_are_looked_at_unless_told_otherwise(project: Project, how: str) -> None:
    project.write(
        test_it="import os\ndef test_own(): os.environ['LEFT'] = '1'\ndef test_here(): os.environ['A'] = '1'\n"
    )
    rules = RuleBook([Override("test", "test(own)", {"isolate": how})]).to_json()
    ran = project.injected(settings={"rules": rules})
    assert ran.tests["test_own"]["leaks"] == ["environment: LEFT added"]
    assert "leaks" not in ran.tests["test_here"]
