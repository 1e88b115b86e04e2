"""`gates compare` says which assertions of changed tests ran on the base, and check nothing on the head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.project import checklist, pytest_gate

if TYPE_CHECKING:
    from tests.integration.project import Done, Project

BASE = """
    import os

    def test_guarded():
        value = 2 * 2
        assert value == 4

    def test_other():
        assert 2 * 3 == 6

    def test_same():
        assert 2 * 4 == 8
    """
WEAKER = BASE.replace("    assert value", "    if os.environ.get('NEVER_SET'):\n            assert value")
OTHER = BASE.replace("    assert 2 * 3 == 6", "    for n in ():\n            assert 2 * 3 == 6")


def begin(project: Project, head: str, **more: str) -> None:
    """A base that is committed, and a head in the working tree."""
    project.write(checklist(pytest_gate(), **more))
    project.write({"test_a.py": BASE, ".gitignore": "__pycache__\n"})
    project.commit()
    project.write({"test_a.py": head})


def findings(project: Project) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project.json("comparison.json").get("weakenings", [])
    return found


def recorded(done: Done) -> int:
    """How many tests ran again because a stored run did not have their records."""
    lines = [line for line in done.err.splitlines() if line.startswith("assertions: ")]
    return sum(int(line.split()[1]) for line in lines)


@pytest.mark.slow
def test_an_assertion_that_does_not_run_is_a_regression_with_both_counts(project: Project) -> None:
    begin(project, WEAKER)
    done = project.gates("compare", "main")
    assert done.code == 5, done.text
    (found,) = findings(project)
    assert (found["path"], found["line"], found["test"]) == ("test_a.py", 6, "test_a.py::test_guarded")
    assert (found["before"], found["after"]) == ("assert value == 4 (ran once)", "assert value == 4 (ran 0 times)")
    assert {test.id: test.checks is not None for test in project.tests} == {
        "test_a.py::test_guarded": True,
        "test_a.py::test_other": False,
        "test_a.py::test_same": False,
    }
    assert recorded(done) == 0, "both sides recorded while they ran"
    # The base is stored now, with the record of one test.
    again = project.gates("compare", "main")
    assert (again.code, recorded(again)) == (5, 0)
    project.write({"test_a.py": OTHER})
    third = project.gates("compare", "main")
    assert (third.code, recorded(third)) == (5, 1), third.text
    (found,) = findings(project)
    assert (found["line"], found["test"]) == (9, "test_a.py::test_other")
    fourth = project.gates("compare", "main")
    assert (fourth.code, recorded(fourth)) == (5, 0), "its record is stored, too"
    accepted = project.gates("compare", "main", "--accept-weakened", f"{found['id']}=the case has gone")
    assert accepted.code == 0, accepted.text


@pytest.mark.slow
@pytest.mark.parametrize("isolate", ["fork", "spawn"])
def test_a_test_in_a_process_of_its_own_is_recorded(project: Project, isolate: str) -> None:
    begin(project, WEAKER, config=f'[tests]\nisolate = "{isolate}"\n')
    done = project.gates("compare", "main")
    assert (done.code, [one["line"] for one in findings(project)]) == (5, [6]), done.text


@pytest.mark.slow
def test_a_base_that_went_on_blames_nobody_for_what_it_changed_itself(project: Project) -> None:
    begin(project, WEAKER.replace("2 * 4 == 8", "2 * 4 == 4 + 4"))
    project.write({"test_a.py": WEAKER})
    project.commit("A base with a check that does not run")
    project.git("switch", "--quiet", "--create", "branch")
    project.write({"test_a.py": WEAKER.replace("2 * 4 == 8", "2 * 4 == 4 + 4")})
    project.commit("Another test")
    project.git("switch", "--quiet", "main")
    project.write({"test_a.py": BASE})
    project.commit("Repair it")
    done = project.gates("compare", "main", "branch")
    assert (done.code, findings(project)) == (0, []), done.text
