"""Set-up scripts, through the whole program."""

from __future__ import annotations

import pytest

from tests.integration.project import Project, checklist, noxfile, pytest_gate, pytest_session

FILES = {
    "sub/test_it.py": """
        import os

        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_stored(number):
            assert os.environ["DATABASE"] == "here"

        def test_broken(): pass
        def test_none(): assert "DATABASE" not in os.environ
        """,
    "database.sh": """
        echo the database is up
        echo once >> started
        echo DATABASE=here >> "$GATES_ENV"
        """,
    "gates.toml": """
        [tests.scripts.database]
        command = "sh ./database.sh"

        [tests.scripts.broken]
        command = ["sh", "-c", "echo no such host; exit 3"]
        timeout = "5s"

        [[tests.overrides]]
        filter = "test(stored)"
        setup = "database"

        [[tests.overrides]]
        filter = "test(broken)"
        setup = ["database", "broken"]
        """,
}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_script_runs_once_in_a_session_in_the_projects_folder(project: Project, arguments: tuple[str, ...]) -> None:
    session = pytest_session(*arguments).replace("session.run(", "session.chdir('sub'); session.run(")
    project.write(FILES | noxfile(session))
    done = project.gates("run")
    assert done.code == 1, done.text
    outcomes = {name.partition("::")[2]: outcome for name, outcome in project.outcomes.items()}
    assert outcomes == {**{f"test_stored[{number}]": "passed" for number in range(4)}, "test_broken": "error", "test_none": "passed"}  # fmt: skip
    assert (project.folder / "started").read_text() == "once\n"
    printed = [test.stdout for test in project.tests if "database" in test.stdout]
    assert printed == ["the database is up\n"]
    (broken,) = [test for test in project.tests if "broken" in test.id]
    assert (broken.phase, broken.message) == ("setup", "setup script broken failed: exit code 3")
    assert "no such host" in broken.details
    assert "setup script broken failed: exit code 3" in (project.reports / "summary.md").read_text()


@pytest.mark.slow
def test_a_script_that_hangs_ends_at_its_timeout(project: Project) -> None:
    text = """
        [tests.scripts.broken]
        command = "sleep 600"
        timeout = "200ms"

        [tests]
        setup = "broken"
        """
    project.write({"test_it.py": "def test_a(): pass\n"} | checklist(pytest_gate(), config=text))
    assert project.gates("run").code == 1
    (test,) = project.tests
    assert (str(test.outcome), test.message) == ("error", "setup script broken failed: timed out after 0.2s")
    assert project.gate("test").stray == 0


def test_what_a_script_left_running_ends_with_its_gate(project: Project) -> None:
    text = '[tests]\nsetup = "server"\n[tests.scripts.server]\ncommand = ["sh", "-c", "sleep 600 & echo PID=$! > $GATES_ENV"]\n'
    tests = 'import os\ndef test_a(): os.kill(int(os.environ["PID"]), 0)\n'
    project.write({"test_it.py": tests} | checklist(pytest_gate(), config=text))
    done = project.gates("run")
    assert done.code == 0, done.text
    assert project.gate("test").stray == 1


def test_a_script_that_is_not_there_is_a_mistake_of_the_config(project: Project) -> None:
    text = '[tests.scripts.database]\ncommand = "true"\n[profile.p.tests]\nsetup = ["datbase"]\n'
    project.write({"test_it.py": "def test_a(): pass\n"} | checklist(pytest_gate(), config=text))
    done = project.gates("run")
    assert done.code == 2
    assert "gates.toml:4: no setup script is named 'datbase'\n  hint: did you mean 'database'?" in done.err
