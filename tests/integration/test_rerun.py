"""What failed is run again, and one test at a time is looked at."""

from __future__ import annotations

import json
import os
import pty
import select
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.project import (
    PATIENCE,
    Project,
    checklist,
    nox_session,
    noxfile,
    program,
    pytest_gate,
    pytest_session,
    python_gate,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.integration.project import Project

TESTS = {
    "test_a.py": """
        from pathlib import Path
        import pytest

        def test_fine(): pass
        @pytest.mark.parametrize("name", ["a b", "c(d)", "e,f", "[x]"])
        def test_file(name): assert Path(name).exists()
        """,
}
LINT = python_gate("lint", "-c", "import pathlib, sys; sys.exit(not pathlib.Path('clean').exists())")
SMOKE = python_gate("smoke", "-c", "print(1)")


@pytest.fixture
def failing(project: Project) -> Project:
    project.write(TESTS | checklist(LINT, SMOKE, pytest_gate()) | {".gitignore": "__pycache__/\n"})
    project.commit()
    assert project.gates("run").code == 1
    return project


@pytest.mark.slow
def test_only_what_went_wrong_runs_again_until_nothing_is_left(failing: Project) -> None:
    first = failing.run.id
    (failing.folder / "c(d)").touch()
    (failing.folder / "[x]").touch()
    done = failing.gates("rerun")
    assert done.code == 1
    assert f"rerun of {first}: 4 tests of test and all of lint" in done.err
    assert f"not run again: smoke, which passed in {first}" in done.err
    assert (
        f"the code changed since {first}: 2 files ([x], c(d)); what passed before was not run on the new code"
        in done.err
    )
    assert "a rerun covers only what it ran" in (failing.reports / "summary.md").read_text()
    assert sorted(failing.outcomes.values()) == ["failed", "failed", "passed", "passed"]
    assert {gate.name for gate in failing.run.gates} == {"lint", "test"}
    assert (failing.run.rerun_of, failing.run.whole) == (first, False)
    assert f"rerun of {first}" in (failing.reports / "summary.md").read_text()

    for name in ("a b", "e,f", "clean"):
        (failing.folder / name).touch()
    done = failing.gates("rerun")
    assert done.code == 0, done.text
    assert f"rerun of {first}: 2 tests of test" in done.err
    assert list(failing.outcomes.values()) == ["passed"] * 2

    done = failing.gates("rerun")
    assert done.code == 0
    assert f"nothing is outstanding: what {first} ran (gates lint, test, smoke) passed" in done.out
    assert f"the code changed since {first}: 5 files" in done.out


@pytest.mark.slow
def test_tests_that_did_not_run_are_outstanding_too(project: Project) -> None:
    tests = "def test_1(): assert 0\ndef test_2(): pass\ndef test_3(): pass\n"
    project.write({"test_a.py": tests} | checklist(pytest_gate("-x")))
    assert project.gates("run").code == 1
    project.write({"test_a.py": tests.replace("assert 0", "pass")})
    assert project.gates("rerun").code == 0
    assert len(project.outcomes) == 3


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_what_is_new_runs_too_and_what_is_gone_is_no_fault(project: Project, options: tuple[str, ...]) -> None:
    broken = {"test_c.py": "import nothing_of_that_name\ndef test_1(): pass\n"}
    before = {"test_a.py": "def test_1(): assert 0\ndef test_2(): pass\n", "test_b.py": "def test_1(): assert 0\n"}
    project.write(before | broken | checklist(pytest_gate("--continue-on-collection-errors", *options)))
    assert project.gates("run").code == 1
    project.write(
        {"test_a.py": "def test_3(): pass\ndef test_2(): pass\n", "test_c.py": "def test_1(): pass\n"}
        | {"test_b.py": "def test_1(): assert 0\n"}
    )
    assert project.gates("rerun").code == 1
    assert project.outcomes == {
        "test_a.py::test_3": "passed",
        "test_b.py::test_1": "failed",
        "test_c.py::test_1": "passed",
    }
    (project.folder / "test_b.py").unlink()
    done = project.gates("rerun")
    assert (done.code, project.outcomes) == (0, {}), done.text
    assert "nothing is outstanding" in project.gates("rerun").out


@pytest.mark.slow
def test_a_rerun_asks_of_new_tests_what_the_run_asked(project: Project) -> None:
    tests = "def test_a1(): assert 0\ndef test_b1(): assert 0\ndef test_a2(): assert 0\n"
    project.write({"test_it.py": tests} | checklist(pytest_gate()))
    assert project.gates("run", "-E", "name(/_a/)").code == 1
    project.write({"test_it.py": tests + "def test_a3(): assert 0\ndef test_b2(): assert 0\n"})
    assert project.gates("rerun").code == 1
    assert sorted(project.outcomes) == [f"test_it.py::test_a{number}" for number in (1, 2, 3)]
    # An expression of the rerun's own narrows it, and the rest stays outstanding.
    project.write({"test_it.py": tests.replace("assert 0", "pass")})
    assert project.gates("rerun", "-E", "name(/1/)").code == 0
    assert sorted(project.outcomes) == ["test_it.py::test_a1", "test_it.py::test_b1"]
    assert project.gates("rerun").code == 0
    assert sorted(project.outcomes) == ["test_it.py::test_a2"]
    assert "(gates test, -E 'name(/_a/)') passed" in project.gates("rerun").out


@pytest.mark.slow
def test_what_a_run_selected_runs_again_even_where_its_filter_selects_it_no_longer(project: Project) -> None:
    tests = "def test_1(): assert 0\ndef test_2(): pass\n"
    project.write({"test_a.py": tests} | checklist(pytest_gate("-x")))
    assert project.gates("run").code == 1
    # test_2 did not run last time, and did not fail.
    assert project.gates("run", "-E", "failed(last) or name(test_2)").code == 1
    project.write({"test_a.py": tests.replace("assert 0", "pass")})
    assert project.gates("rerun").code == 0
    assert project.outcomes == {"test_a.py::test_1": "passed", "test_a.py::test_2": "passed"}


@pytest.mark.slow
def test_only_gates_that_are_outstanding_can_be_asked_for(project: Project) -> None:
    sessions = nox_session("test", "PYTHON, '-c', f'import sys; sys.exit({n})'", options="")
    sessions = sessions.replace("def test(session)", "@nox.parametrize('n', [0, 1])\ndef test(session, n)")
    project.write(noxfile(sessions, nox_session("smoke", "PYTHON, '-c', 'print(1)'")))
    assert project.gates("run").code == 1
    done = project.gates("rerun", "-g", "smoke")
    assert (done.code, "none of these gates is outstanding" in done.err) == (2, True)
    done = project.gates("rerun", "-g", "smok")
    assert (done.code, "did you mean 'smoke'?" in done.err) == (2, True)
    assert project.gates("rerun", "-g", "test").code == 1
    assert {gate.name for gate in project.run.gates} == {"test(n=1)"}


@pytest.mark.slow
def test_what_a_rerun_took_is_not_taken_for_what_the_gate_takes(failing: Project) -> None:
    def known() -> int:
        (file,) = failing.folder.parent.rglob("history.json")
        return int(json.loads(file.read_text())["kept"]["test"]["tests"])

    assert known() == 5
    assert failing.gates("rerun").code == 1
    assert failing.gates("run", "--partition", "slice:1/2").code == 1
    assert known() == 5


@pytest.mark.slow
def test_thousands_of_outstanding_tests_are_no_trouble(project: Project) -> None:
    # Tests that did not run are outstanding, too, and take less time than thousands of failures.
    tests = """
        import os, pytest
        @pytest.mark.parametrize("n", range(2500))
        def test_it(n): assert n or "FIXED" in os.environ
        """
    project.write({"test_a.py": tests} | checklist(pytest_gate("-x")))
    assert project.gates("run").code == 1
    assert project.run.tests is not None
    assert project.run.tests.lost == 2499
    assert project.gates("rerun", environment={"FIXED": "1"}).code == 0
    assert len(project.outcomes) == 2500


def test_without_a_run_there_is_nothing_to_run_again(project: Project) -> None:
    project.write(TESTS | checklist(pytest_gate()))
    done = project.gates("rerun")
    assert (done.code, "no run of this working tree is known" in done.err) == (2, True)


def test_what_tests_print_is_shown_as_they_print_it(project: Project) -> None:
    project.write({"test_a.py": "def test_1(): print('said aloud')\n"} | checklist(pytest_gate("-n", "2")))
    done = project.gates("run", "--no-capture")
    assert done.code == 0
    assert "said aloud" in done.err
    assert "said aloud" in (project.reports / "logs" / "test.log").read_text()
    assert project.gate("test").workers == ""


@pytest.mark.slow
def test_a_run_says_how_many_workers_it_has_and_why(project: Project) -> None:
    project.write({"test_a.py": "def test_1(): pass\n"} | checklist(pytest_gate("-n", "auto")))
    assert project.gates("run").code == 0
    assert project.gate("test").peak > 1 << 20
    done = project.gates("run")
    assert "(-n auto: 1 worker: 1 test of " in done.err
    assert project.gate("test").workers.startswith("1 worker: 1 test of ")
    done = project.gates("run", "--workers", "3")
    assert "(-n auto: 3, by --workers)" in done.err
    assert project.gate("test").workers == "3, by --workers"
    (file,) = project.folder.parent.rglob("history.json")
    assert json.loads(file.read_text())["kept"]["test"]["peak"] == project.gate("test").peak


def typed(project: Project, arguments: Sequence[str], answers: Sequence[tuple[str, str]]) -> tuple[int, str]:
    """Run gates on a terminal, and type an answer whenever its question has appeared."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(project.folder)
        words = [*program(), *arguments]
        os.execve(words[0], words, project.environment | {"TERM": "dumb"})
    seen, left, end = "", list(answers), time.monotonic() + PATIENCE
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], 0.5)
        if ready:
            try:
                piece = os.read(terminal, 1 << 16)
            except OSError:  # the other side is closed
                break
            seen += piece.decode("utf-8", "replace")
        if left and left[0][0] in seen:
            seen = seen.replace(left[0][0], "", 1)
            os.write(terminal, f"{left.pop(0)[1]}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), seen


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_test_is_debugged_in_the_foreground(project: Project, options: tuple[str, ...]) -> None:
    tests = """
        def test_breaks():
            value = 41 + 1
            breakpoint()
            assert value == 42
        def test_fails():
            other = 6 * 7
            assert other == 0
        """
    project.write({"test_a.py": tests} | checklist(pytest_gate(*options)))
    code, seen = typed(project, ["run", "--debug", "test_breaks"], [("(Pdb)", "p value * 2"), ("(Pdb)", "c")])
    assert (code, "84" in seen) == (0, True), seen
    code, seen = typed(project, ["run", "--debug", "test_fails"], [("(Pdb)", "p other * 10"), ("(Pdb)", "q")])
    assert (code, "420" in seen) == (1, True), seen
    assert not (project.reports / "run.json").exists()


@pytest.mark.slow
def test_a_test_is_debugged_with_all_that_it_needs_and_whatever_keeps_it_from_runs(project: Project) -> None:
    tests = 'import os\ndef test_needs(): assert [os.environ["SERVER"]] == ["there"], breakpoint()\n'
    config = """
        [profile.default]
        filter = "name(nothing_like_it) or name(needed)"
        [tests]
        setup = "server"
        retries = 2
        slow-timeout = { period = "1ms", terminate-after = 1 }
        [tests.scripts.server]
        command = ["sh", "-c", "echo SERVER=elsewhere > $GATES_ENV"]
        """ + "".join(
        f"""
        [{ledger}.known]
        filter = "name(test_needs)"
        reason = "is known to fail"
        category = "todo"
        owner = "ada"
        expires = 2099-12-31
        """
        for ledger in ("exclusions", "quarantine")
    )
    project.write({"test_a.py": tests} | checklist(pytest_gate(), config=config))
    answers = [
        ("(Pdb)", "p 6 * 7, os.environ['SERVER']"),
        ("(Pdb)", "c"),
        ("(Pdb)", "p 'post' + 'mortem'"),
        ("(Pdb)", "c"),
    ]
    code, seen = typed(project, ["run", "--debug", "test_needs"], answers)
    assert (code, "(42, 'elsewhere')" in seen, "postmortem" in seen) == (1, True, True), seen


@pytest.mark.slow
def test_a_test_that_hangs_is_looked_at_where_it_hangs(project: Project) -> None:
    tests = """
        def test_hangs():
            where = "here"
            print("wait" + "ing")
            while True: pass
        """
    project.write({"test_a.py": tests} | checklist(pytest_gate()))
    # A nox that is interrupted itself ends what it started after a third of a second.
    answers = [("waiting", "\x03"), ("(Pdb)", "import time; time.sleep(1)"), ("(Pdb)", "p where * 2"), ("(Pdb)", "q")]
    code, seen = typed(project, ["run", "--debug", "hangs"], answers)
    assert (code, "herehere" in seen) == (1, True), seen


@pytest.mark.slow
def test_what_comes_before_the_test_session_can_be_interrupted(project: Project) -> None:
    # The first time the tests are only listed.
    first = 'PYTHON, \'-c\', \'import os, time; os.mkdir("once") if not os.path.exists("once") else print("inst" + "alls", flush=True) or time.sleep(60)\''
    session = pytest_session().replace("    session.run", f"    session.run({first}, external=True)\n    session.run")
    project.write(
        {"test_a.py": "def test_1(): pass\n", "gates.toml": '[gate.test]\ntests = "pytest"\n'} | noxfile(session)
    )
    code, seen = typed(project, ["run", "--debug", "test_1"], [("installs", "\x03")])
    assert code == 130, seen
    assert "test session starts" not in seen


def test_only_the_working_tree_is_debugged(project: Project) -> None:
    done = project.gates("run", "--debug", "test_a", "--subject", "HEAD")
    assert (done.code, "--debug runs a test of the working tree" in done.err) == (2, True)


def test_an_unknown_test_cannot_be_debugged(project: Project) -> None:
    project.write(TESTS | checklist(pytest_gate()))
    done = project.gates("run", "--debug", "test_fien")
    assert done.code == 2
    assert "did you mean 'test_fine'?" in done.err
