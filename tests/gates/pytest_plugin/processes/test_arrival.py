"""A pytest that loads the plugin says so at once, and that it is done last of all: whoever ends it in between is seen."""

from __future__ import annotations

import pytest

from tests.gates.pytest_plugin.conftest import GATES, INJECTED, Project

TESTS = "def test_a(): pass\ndef test_b(): assert 0\n"
EXIT = "import os\nos._exit(0)\n"


def first(hook: str, body: str, arguments: str = "") -> str:
    return f"import os, pytest\n@pytest.hookimpl(tryfirst=True)\ndef {hook}({arguments}): {body}\n"


@pytest.mark.parametrize(
    "conftest",
    [
        pytest.param(EXIT, id="os._exit at import"),
        pytest.param("import sys\nsys.exit(0)\n", id="sys.exit at import"),
        pytest.param(first("pytest_configure", "os._exit(0)"), id="os._exit in pytest_configure"),
        pytest.param(first("pytest_cmdline_main", "return 0"), id="another pytest_cmdline_main"),
        pytest.param(first("pytest_sessionstart", "os._exit(0)"), id="os._exit in pytest_sessionstart"),
        pytest.param(first("pytest_sessionfinish", "os._exit(0)"), id="os._exit in pytest_sessionfinish"),
        pytest.param(first("pytest_unconfigure", "os._exit(0)"), id="os._exit in pytest_unconfigure"),
        pytest.param(
            "import pytest\n@pytest.hookimpl(trylast=True)\ndef pytest_configure(config):\n"
            "    for name, _ in list(config.pluginmanager.list_name_plugin()):\n"
            "        if 'gates' in name: config.pluginmanager.unregister(name=name)\n",
            id="the plugin is taken out",
        ),
    ],
)
def test_a_session_that_something_ends_has_a_first_word_and_no_last_one_or_no_list_of_tests(
    project: Project, conftest: str
) -> None:
    project.write(test_it=TESTS, conftest=conftest)
    ran = project.injected()
    assert ran.records[0]["type"] == "begin"
    assert not (ran.of("finish") and ran.of("collected"))


@pytest.mark.parametrize("option", ["--version", "--help", "--markers", "--collect-only"])
def test_a_pytest_that_is_asked_for_something_else_says_so(project: Project, option: str) -> None:
    project.write(test_it=TESTS)
    ran = project.injected(option, *(("--version",) if option == "--version" else ()))
    assert ran.exit_code == 0
    assert [record["asked"] for record in ran.of("finish")] == [option]
    assert not ran.tests


def test_both_copies_of_the_plugin_say_it_once(project: Project) -> None:
    project.write(test_it="def test_a(): pass\n")
    ran = project.injected("-p", "gates.pytest_plugin", PYTHONPATH=f"{project.folder / 'injection'}:{GATES.parent}")
    assert [record["type"] for record in ran.records if record["type"] in ("begin", "start", "finish")] == [
        "begin",
        "start",
        "finish",
    ]
    assert ran.outcomes == {"test_a": "passed"}


def test_the_injection_comes_back_for_the_next_session_of_the_process(project: Project) -> None:
    project.write(
        test_it="import os\ndef test_a(): assert 'GATES_INBOX' not in os.environ\n",
        conftest="""
            import os

            def say(text):
                with open("after.txt", "w") as file:
                    file.write(text)

            def pytest_sessionfinish(session):
                import atexit
                atexit.register(lambda: say(os.environ.get("GATES_INBOX", "none") + " " + os.environ["PYTEST_ADDOPTS"]))
            """,
    )
    ran = project.injected()
    assert ran.outcomes == {"test_a": "passed"}
    assert (project.root / "after.txt").read_text() == f"{project.inbox} -p {INJECTED}"


class TestWorkers:
    @pytest.mark.parametrize("death", ["os.abort()", "os._exit(0)"])
    def test_that_die_while_they_collect_are_told(self, project: Project, death: str) -> None:
        project.write(test_it=TESTS, conftest=f"import os\nif 'PYTEST_XDIST_WORKER' in os.environ: {death}\n")
        ran = project.injected("-n", "2", "--max-worker-restart", "0")
        (finish,) = ran.of("finish")
        workers = finish["workers"]
        assert (workers["started"], workers["collected"]) == (2, 0)
        assert set(workers["died"]) <= {"gw0", "gw1"}
        assert workers["died"]

    @pytest.mark.slow
    def test_that_die_with_a_test_leave_it_to_the_test(self, project: Project) -> None:
        project.write(test_it="import os\ndef test_a(): pass\ndef test_b(): os._exit(0)\n")
        ran = project.injected("-n", "2", "--dist", "load")
        assert ran.outcomes == {"test_a": "passed", "test_b": "crashed"}
        (finish,) = ran.of("finish")
        assert finish["workers"] == {"started": 2, "collected": 2, "died": []}

    def test_that_die_behind_their_tests_are_told(self, project: Project) -> None:
        project.write(
            test_it="def test_a(): pass\n",
            conftest="""
                import os, pytest

                @pytest.hookimpl(tryfirst=True)
                def pytest_sessionfinish():
                    if "PYTEST_XDIST_WORKER" in os.environ:
                        os._exit(0)
                """,
        )
        ran = project.injected("-n", "1", "--dist", "load", "--max-worker-restart", "0")
        assert ran.outcomes == {"test_a": "passed"}
        assert ran.of("finish")[0]["workers"]["died"] == ["gw0"]


@pytest.mark.slow
def test_each_worker_is_heard_where_all_of_them_run_each_test(project: Project) -> None:
    project.write(
        test_it="""
            import os

            WORKER = os.environ["PYTEST_XDIST_WORKER"]

            def test_first(): assert WORKER != "gw0"
            def test_second(): assert WORKER != "gw1"
            def test_both(): pass
            """
    )
    ran = project.injected("--dist", "each", "--tx", "2*popen")
    assert ran.outcomes == {"test_first": "failed", "test_second": "failed", "test_both": "passed"}
    assert {record["worker"] for record in ran.of("test") if record["outcome"] == "failed"} == {"gw0", "gw1"}
