"""Test processes that say one thing and do another, or die before they say anything."""

from __future__ import annotations

import json
import sys
from xml.etree import ElementTree as ET

import pytest

from tests.integration.project import Project, checklist, nox_session, noxfile, pytest_gate, pytest_session, python_gate

ALONE: tuple[str, ...] = ()
WORKERS = ("-n", "2", "--dist", "load")


UNSUPERVISED = "supervise = false\n"


def run(
    project: Project,
    tests: str,
    *options: str,
    arguments: tuple[str, ...] = (),
    conftest: str = "",
    config: str = "",
) -> int:
    project.write({"test_it.py": tests} | checklist(pytest_gate(*options), config=config))
    if conftest:
        project.write({"conftest.py": conftest})
    return project.gates("run", *arguments).code


def names(project: Project) -> dict[str, str]:
    return {test.partition("::")[2]: outcome for test, outcome in project.outcomes.items()}


def gate(project: Project) -> tuple[str, bool]:
    found = project.gate("test")
    return str(found.outcome), found.inconsistent


LEAVES = """
    import os
    def test_a(): pass
    def test_b(): os._exit({code})
    def test_c(): pass
    """


def test_a_pytest_that_leaves_in_the_middle_with_exit_code_0_has_not_passed(project: Project) -> None:
    assert run(project, LEAVES.format(code=0), config=UNSUPERVISED) == 1
    assert names(project) == {"test_a": "passed", "test_b": "interrupted", "test_c": "not-run"}
    assert gate(project) == ("failed", True)
    assert project.gate("test").exit_code == 0
    assert project.gate("test").reason == (
        "1 of 1 pytest process ended without finishing; "
        "2 of 3 collected tests without a result: test_it.py::test_b, test_it.py::test_c"
    )


@pytest.mark.slow
@pytest.mark.parametrize("options", [ALONE, WORKERS], ids=["alone", "xdist"])
@pytest.mark.parametrize("code", [0, 3])
def test_a_test_process_that_leaves_costs_one_test(project: Project, code: int, options: tuple[str, ...]) -> None:
    assert run(project, LEAVES.format(code=code), *options) == 1
    assert names(project) == {"test_a": "passed", "test_b": "crashed", "test_c": "passed"}
    assert gate(project) == ("failed", False)


@pytest.mark.parametrize(
    ("options", "config"), [(ALONE, ""), (WORKERS, ""), (ALONE, UNSUPERVISED)], ids=["alone", "xdist", "unsupervised"]
)
def test_a_fatal_signal_is_a_crash_where_somebody_watches_and_a_loss_where_nobody_does(
    project: Project, options: tuple[str, ...], config: str
) -> None:
    tests = "import os\ndef test_a(): os.abort()\ndef test_b(): pass\n"
    assert run(project, tests, *options, config=config) == 1
    if not config:
        assert names(project) == {"test_a": "crashed", "test_b": "passed"}
        crashed = next(test for test in project.tests if test.outcome == "crashed")
        assert "in test_a" in crashed.details, "the stack tells where"
    else:
        assert names(project) == {"test_a": "interrupted", "test_b": "not-run"}
    assert gate(project)[0] == "failed"


@pytest.mark.slow
@pytest.mark.parametrize("options", [ALONE, WORKERS], ids=["alone", "xdist"])
def test_results_that_a_conftest_drops_are_missed(project: Project, options: tuple[str, ...]) -> None:
    conftest = """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            return True if "dropped" in item.name else None
        """
    tests = "def test_a(): pass\ndef test_dropped(): assert 0\ndef test_c(): pass\n"
    assert run(project, tests, *options, conftest=conftest) == 1
    found = names(project)
    assert found.pop("test_dropped") in {"not-run", "interrupted"}
    assert found == {"test_a": "passed", "test_c": "passed"}
    assert gate(project) == ("failed", True)
    assert "1 of 3 collected tests without a result" in project.gate("test").reason


@pytest.mark.slow
def test_a_session_that_forgives_failing_tests_does_not_hide_them(project: Project) -> None:
    project.write(
        {"test_it.py": "def test_a(): assert 0\ndef test_b(): pass\n"}
        | noxfile(pytest_session(options=", success_codes=[0, 1]"))
    )
    done = project.gates("run")
    assert done.code == 1
    assert gate(project) == ("failed", True)
    assert project.gate("test").reason == "1 test failed"
    assert "FAIL (inconsistent)" in done.out
    assert "inconsistent" in (project.reports / "summary.md").read_text()


HANGS = """
    import time
    def test_a(): pass
    def test_hangs(): time.sleep(600)
    def test_c(): pass
    """


@pytest.mark.slow
@pytest.mark.parametrize("options", [ALONE, WORKERS], ids=["alone", "xdist"])
def test_a_test_that_hangs_costs_itself(project: Project, options: tuple[str, ...]) -> None:
    assert run(project, HANGS, *options, arguments=("--test-timeout", "0.5")) == 1
    assert names(project) == {"test_a": "passed", "test_hangs": "timeout", "test_c": "passed"}
    hung = next(test for test in project.tests if test.outcome == "timeout")
    assert hung.message == "timed out after 0.5s"
    assert "in test_hangs" in hung.details
    assert hung.duration >= 0.49  # by another clock than the limit
    assert gate(project) == ("failed", False)


@pytest.mark.slow
def test_a_test_that_hangs_costs_the_session_where_nobody_watches_and_is_still_named(project: Project) -> None:
    assert run(project, HANGS, arguments=("--test-timeout", "500ms"), config=UNSUPERVISED) == 1
    assert names(project) == {"test_a": "passed", "test_hangs": "timeout", "test_c": "not-run"}
    hung = next(test for test in project.tests if test.outcome == "timeout")
    assert "in test_hangs" in hung.details
    assert gate(project)[0] == "failed"


def test_stopping_at_the_first_failure_leaves_no_pass_behind(project: Project) -> None:
    assert run(project, "def test_a(): assert 0\ndef test_b(): pass\n", "-x") == 1
    assert names(project) == {"test_a": "failed", "test_b": "not-run"}
    assert project.run.tests is not None
    assert project.run.tests.lost == 1


@pytest.mark.slow
def test_a_module_that_cannot_be_imported_is_an_error(project: Project) -> None:
    project.write({"test_broken.py": "import no_such_module_at_all\n"})
    assert run(project, "def test_a(): pass\n") == 1
    assert project.outcomes["test_broken.py"] == "error"
    assert "no_such_module_at_all" in project.tests[0].message


@pytest.mark.slow
def test_a_gate_that_owes_tests_and_runs_none_has_not_passed(project: Project) -> None:
    project.write(noxfile(nox_session("test", "PYTHON, '-c', ''")) | {"gates.toml": '[gate.test]\ntests = "pytest"\n'})
    assert project.gates("run").code == 1
    assert gate(project) == ("failed", True)
    assert project.gate("test").reason == "no test results were written"


@pytest.mark.parametrize("config", ["", '[gate.test]\ntests = "pytest"\n'], ids=["auto", "owed"])
def test_a_filter_that_selects_no_test_is_no_pass(project: Project, config: str) -> None:
    project.write({"gates.toml": config})
    assert run(project, "def test_a(): pass\n", arguments=("-E", "test(nothing_like_it)")) == 4
    assert project.run.outcome == "nothing-selected"
    assert project.gate("test").reason == "no test was selected"


@pytest.mark.slow
@pytest.mark.parametrize("options", [ALONE, WORKERS], ids=["alone", "xdist"])
def test_what_tests_print_is_kept_whatever_bytes_it_has(project: Project, options: tuple[str, ...]) -> None:
    tests = r"""
        import sys
        import pytest

        @pytest.mark.parametrize("text", ["\x00", "]]>", "\x1b[31m", "<&>", LAST])
        def test_a(text):
            sys.stdout.write("out " + text + " \udcff end")
            sys.stdout.buffer.write(b"\xff\xfe")
            assert text == "x", SURROGATE
        """
    # xdist cannot send a lone surrogate from a worker (its session ends, and the run says so): it comes without workers.
    last, message = ("'last'", "text") if options else (r"'\udcff'", r"f'\ud800 {text}'")
    assert run(project, tests.replace("LAST", last).replace("SURROGATE", message), *options) == 1
    assert list(project.outcomes.values()) == ["failed"] * 5
    assert gate(project) == ("failed", False), project.gate("test").reason
    cases = ET.parse(project.reports / "junit.xml").getroot().iter("failure")
    assert len(list(cases)) >= 5


ISOLATED = {
    "a Python that ignores PYTHONPATH": "PYTHON, '-I', '-m', 'pytest', '-p', 'no:cacheprovider'",
    "a session with a PYTHONPATH of its own": (
        "PYTHON, '-m', 'pytest', '-p', 'no:cacheprovider', env={'PYTHONPATH': 'src'}"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("command", ISOLATED.values(), ids=ISOLATED)
@pytest.mark.parametrize("bad", [False, True], ids=["passes", "fails"])
def test_where_the_plugin_cannot_be_injected_pytests_own_junit_is_the_witness(
    project: Project, command: str, bad: bool
) -> None:
    tests = f"def test_a(): assert {not bad}\ndef test_b(): pass\n"
    project.write({"test_it.py": tests} | noxfile(nox_session("test", command)))
    assert project.gates("run").code == int(bad)
    found = project.gate("test")
    assert (str(found.outcome), found.injected) == ("failed" if bad else "passed", False)
    assert "could not be injected" in found.reason
    assert names(project) == {"test_a": "failed" if bad else "passed", "test_b": "passed"}


@pytest.mark.slow
def test_a_pytest_that_cannot_load_the_plugin_but_must_is_told_what_to_do(project: Project) -> None:
    command = ISOLATED["a Python that ignores PYTHONPATH"]
    project.write({"test_it.py": "def test_a(): pass\n"} | noxfile(nox_session("test", command)))
    project.write({"gates.toml": '[gate.test]\ntests = "pytest"\n'})
    assert project.gates("run").code == 1
    assert gate(project) == ("failed", False)
    assert "tests = 'none'" in project.gate("test").reason

    project.write({"gates.toml": '[gate.test]\ntests = "none"\n'})
    assert project.gates("run").code == 0


STRANGER = """
    def pytest_runtestloop(session):
        extra = session.items[0].__class__.from_parent(session.items[0].parent, name="test_extra", callobj=lambda: None)
        session.config.hook.pytest_runtest_protocol(item=extra, nextitem=session.items[0])
    """


def test_a_result_of_a_test_that_nobody_collected_is_no_pass(project: Project) -> None:
    assert run(project, "def test_a(): pass\n", conftest=STRANGER) == 1
    assert gate(project) == ("failed", True)
    assert project.gate("test").reason == "1 test with a result, but never collected: test_it.py::test_extra"


def test_a_pytest_that_leaves_before_it_has_collected_has_not_passed(project: Project) -> None:
    conftest = "import os\ndef pytest_collection(session): os._exit(0)\n"
    assert run(project, "def test_a(): pass\n", conftest=conftest) == 1
    assert gate(project) == ("failed", True)
    assert project.gate("test").reason == (
        "1 of 1 pytest process ended without finishing; 1 of 1 pytest process never reported which tests they had collected"
    )


def test_our_list_of_tests_cannot_be_switched_off(project: Project) -> None:
    assert run(project, "def test_a(): pass\n", "-p", "no:gates-lister") == 1
    assert gate(project) == ("failed", True)
    assert "never reported which tests" in project.gate("test").reason


HONEST = """
    import pytest

    @pytest.mark.parametrize("number", range(3))
    @pytest.mark.xdist_group("one")
    def test_a(number): pass

    def test_subtests(subtests):
        with subtests.test("part"): pass
    """
LATE = """
    import pytest

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(session, items):
        items.append(items[0].__class__.from_parent(items[0].parent, name="test_late", callobj=lambda: None))
    """


@pytest.mark.parametrize(
    "options",
    [
        ALONE,
        WORKERS,
        ("-n", "2", "--dist", "loadgroup"),
        ("-n", "1", "--dist", "each"),
        ("-p", "no:cacheprovider", "-p", "no:terminal"),
        ("--keep-duplicates", "test_it.py", "test_it.py"),
        ("-k", "not subtests"),
    ],
    ids=" ".join,
)
def test_an_honest_run_agrees_with_itself(project: Project, options: tuple[str, ...]) -> None:
    assert run(project, HONEST, *options, conftest=LATE) == 0, project.gate("test").reason
    assert gate(project) == ("passed", False)


WITHOUT = "env -i {python} -m pytest -p no:cacheprovider"
KEPT_OUT = {
    "an empty environment": (WITHOUT, 3, "could-not-run", "pytest ran without the plugin of gates"),
    "nothing printed": (f"{WITHOUT} > out.txt", 3, "could-not-run", "the process `"),
    "a failure forgiven": (f"{WITHOUT} -k fails; true", 1, "failed", "reported '1 failed, 1 deselected in"),
    "no word to the runner": ("env -u GATES_INBOX {python} -m pytest", 3, "could-not-run", "none reported to gates"),
    "beside one that speaks": (
        "{python} -m pytest -k passes && " + WITHOUT + " -k passes",
        3,
        "could-not-run",
        "only 1",
    ),
    "left in the background": ("{python} -m pytest > out.txt 2>&1 & exit 0", 1, "failed", "pytest"),
    "left there silently": (f"{WITHOUT} > out.txt 2>&1 & sleep 0.3; exit 0", 1, "failed", "still ran"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("script", "code", "outcome", "reason"), KEPT_OUT.values(), ids=KEPT_OUT)
def test_a_pytest_that_runs_without_the_plugin_is_seen(
    project: Project, script: str, code: int, outcome: str, reason: str
) -> None:
    project.write(
        {
            "test_it.py": "def test_passes(): pass\ndef test_fails(): assert 0\n",
            "conftest.py": "import time\ntime.sleep(1)\n" if "&" in script.replace("&&", "") else "",
            "gates.toml": f"[gate.test]\ncommand = {json.dumps(['sh', '-c', script.format(python=sys.executable)])}\n",
        }
    )
    if "-k" not in script and "& " not in script:
        project.write({"test_it.py": "def test_passes(): pass\n"})
    assert project.gates("run").code == code, project.gate("test").reason
    assert gate(project)[0] == outcome
    assert reason in project.gate("test").reason


@pytest.mark.slow
def test_a_nox_session_without_the_outer_environment_is_seen(project: Project) -> None:
    options = ", include_outer_env=False"
    project.write({"test_it.py": "def test_a(): pass\n"} | noxfile(pytest_session("-q", options=options)))
    assert project.gates("run").code == 3
    assert "pytest ran without the plugin of gates" in project.gate("test").reason


def test_a_nox_session_that_leaves_nox_has_not_passed(project: Project) -> None:
    leaves = noxfile(nox_session("test"))["noxfile.py"].replace("    pass", "    import os\n    os._exit(0)")
    project.write({"noxfile.py": leaves})
    assert project.gates("run").code == 1
    assert gate(project) == ("failed", True)
    assert project.gate("test").reason == "nox wrote no report of this session"


@pytest.mark.parametrize("death", ["os.abort()", "os._exit(0)"])
@pytest.mark.parametrize("arguments", [(), ("--no-tests", "pass")], ids=["default", "pass"])
def test_workers_that_die_while_they_collect_are_no_empty_selection(
    project: Project, death: str, arguments: tuple[str, ...]
) -> None:
    conftest = f"import os\nif 'PYTEST_XDIST_WORKER' in os.environ: {death}\n"
    options = ("-n", "1", "--max-worker-restart", "0")
    assert run(project, "def test_a(): pass\n", *options, arguments=arguments, conftest=conftest) == 1
    assert gate(project)[0] == "failed"
    assert "pytest-xdist died, and no test is reported as crashed" in project.gate("test").reason


def test_skipped_tests_beside_a_gate_that_passed_are_not_nothing(project: Project) -> None:
    tests = "import pytest\n@pytest.mark.skip\ndef test_a(): pass\n"
    assert run(project, tests, config=python_gate("ok", "-c", "pass")) == 1
    assert (project.run.outcome, project.gate("test").reason) == ("failed", "all selected tests were skipped")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"conftest.py": "import os\nimport pretend\n"},
            "pytest could not go on: conftest.py:2: ModuleNotFoundError: No module named 'pretend'",
        ),
        (
            {"pytest.ini": "[pytest]\naddopts = --no-such-option\n"},
            "pytest could not go on: unrecognized arguments: --no-such-option: in the command, or in addopts of pytest.ini",
        ),
        (
            {f"test_{name}.py": "import pretend\n" for name in "abcde"},
            "5 errors: No module named 'pretend'; 1 test did not run because of them",
        ),
    ],
    ids=["conftest", "addopts", "collection"],
)
def test_what_keeps_pytest_from_its_tests_is_named_everywhere(
    project: Project, files: dict[str, str], reason: str
) -> None:
    project.write(files)
    assert run(project, "def test_it(): pass\n") == 1
    assert project.gate("test").reason == reason
    done = project.gates("report")
    assert reason[:100] in done.out
    assert reason[:60] in (project.reports / "summary.md").read_text().replace("\\_", "_").replace("`", "")
    if reason.startswith("5 errors"):
        assert done.out.index("ERROR test_a.py") < done.out.index("NOT-RUN")
