"""Tests replace what they like while our hooks run, and still each has its own result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project

PATCHED = (
    *(
        "os.getpid",
        "os.fork",
        "os.write",
        "os.open",
        "os.close",
        "os.kill",
        "os.killpg",
        "os.waitpid",
        "os.pipe",
        "os._exit",
    ),
    *(
        "os.stat",
        "os.replace",
        "os.unlink",
        "os.listdir",
        "os.fsdecode",
        "os.urandom",
        "os.path.isdir",
        "os.path.realpath",
    ),
    *("time.time", "time.monotonic", "time.sleep", "time.perf_counter", "json.dumps", "json.loads", "json.JSONEncoder"),
    *("threading.Thread", "threading.Timer", "threading.enumerate", "threading.main_thread", "subprocess.Popen"),
    *("subprocess.run", "signal.signal", "signal.setitimer", "signal.getsignal", "select.select", "tempfile.mkdtemp"),
    *("shutil.rmtree", "random.random", "random.getstate", "warnings.catch_warnings", "sys.exit", "io.open"),
    *("builtins.open", "faulthandler.dump_traceback_later", "faulthandler.cancel_dump_traceback_later", "pickle.dumps"),
    *(
        "pathlib.Path.exists",
        "pathlib.Path.read_text",
        "pathlib.Path.write_text",
        "pathlib.Path.unlink",
        "pathlib.Path.open",
    ),
    *("pathlib.Path.stat", "pathlib.Path.iterdir", "pathlib.Path.is_dir", "hashlib.sha256", "platform.python_version"),
)

FAILING = (
    "os.getpid",
    "os.write",
    "os.kill",
    "time.time",
    "time.sleep",
    "json.dumps",
    "threading.Thread",
    "builtins.open",
)
"""Of these with a test that fails: without others pytest itself cannot show a failure."""

TESTS = f"""
    import pytest

    def broken(*args, **more):
        raise RuntimeError("a test's own")

    @pytest.mark.parametrize(
        ("name", "fails"), [*((name, False) for name in {PATCHED!r}), *((name, True) for name in {FAILING!r})]
    )
    def test_a(name, fails, monkeypatch):
        try:
            monkeypatch.setattr(name, broken)
        except AttributeError:
            pytest.skip("not here")
        assert not fails
    """


@pytest.mark.parametrize("options", [(), ("-n", "1", "--dist", "load")], ids=["alone", "xdist"])
def test_whatever_a_test_replaces_it_has_its_own_result(project: Project, options: tuple[str, ...]) -> None:
    project.write(test_it=TESTS)
    settings = {"supervise": True, "test_timeout": 60.0, "max_fail": 1000, "locks": str(project.folder)}
    ran = project.injected(*options, "-p", "no:logging", settings=settings)
    wrong = {
        name: outcome
        for name, outcome in ran.outcomes.items()
        if outcome != ("failed" if name.endswith("-True]") else "passed")
    }
    assert wrong == {}, ran.output[-3000:]
    assert [record["exit_code"] for record in ran.of("finish")] == [1]


FOR_EVER = ("os.getpid", "os.fork", "os.kill", "os.waitpid", "time.time", "time.monotonic", "time.sleep", "json.dumps",
            "threading.Timer", "subprocess.Popen", "signal.signal", "random.random", "pathlib.Path.exists", "os.write",
            "pathlib.Path.write_text", "pathlib.Path.unlink", "builtins.open", "os._exit")  # fmt: skip


def test_what_is_never_put_back_does_not_reach_the_end_of_the_session(project: Project) -> None:
    project.write(
        test_it=f"""
            import importlib

            def broken(*args, **more):
                raise RuntimeError("a test's own")

            def test_a():
                import builtins, json, os, pathlib, random, signal, subprocess, threading, time
                for name in {FOR_EVER!r}:
                    owner, _, attribute = name.rpartition(".")
                    setattr(eval(owner), attribute, broken)

            def test_b(): pass
            """
    )
    ran = project.injected("-p", "no:terminal", settings={"supervise": True})
    assert ran.outcomes == {"test_a": "passed", "test_b": "passed"}
    assert [record["exit_code"] for record in ran.of("finish")] == [0]


def test_an_installed_clock_of_a_test_changes_no_time(project: Project) -> None:
    project.write(
        test_it="""
            import time

            def test_a(monkeypatch):
                for name in ("time", "monotonic"):
                    monkeypatch.setattr(time, name, lambda: 0.0)

            def test_b(): pass
            """
    )
    ran = project.injected()
    begin, finish = ran.records[0], ran.records[-1]
    for record in (*ran.of("running"), finish):
        assert begin["time"] <= record["time"] < begin["time"] + 60
