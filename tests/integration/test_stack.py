"""A stack of branches: each layer is run, and what fails is told of the layer that introduced it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.project import checklist, pytest_gate

if TYPE_CHECKING:
    from tests.integration.project import Project

TESTS = """
    from pathlib import Path

    def read(name): return Path(__file__).with_name(name).read_text().split()

    def test_first(): assert read("first.txt") == ["1"]

    def test_second(): assert read("second.txt") == ["2"]
    """


@pytest.fixture
def stack(project: Project) -> Project:
    """main ← one ← two (breaks a test) ← three (made before the last commit of two)."""
    files = {"test_a.py": TESTS, "first.txt": "1\n", "second.txt": "2\n", ".gitignore": "__pycache__\nreports\n"}
    project.write(files | checklist(pytest_gate()))
    project.commit("Begin")
    for name, parent in (("one", "main"), ("two", "one"), ("three", "two")):
        project.git("checkout", "--quiet", "-b", name, parent)
        project.git("config", f"branch.{name}.gates-parent", parent)
        project.write({f"{name}.md": f"{name}\n"} | ({"second.txt": "3\n"} if name == "two" else {}))
        project.commit(f"Add {name}")
    project.git("checkout", "--quiet", "two")
    project.write({"more.md": "more\n"})
    project.commit("Add more")
    return project


@pytest.mark.slow
def test_each_failure_is_told_of_the_lowest_layer_that_introduced_it(stack: Project) -> None:
    status = stack.git("status", "--porcelain")
    done = stack.gates("stack")
    assert done.code == 5, done.text
    found = stack.json("stack.json")
    assert [(layer["name"], layer["state"], layer["base_state"], layer["rebase"]) for layer in found["layers"]] == [
        ("one", "validated", "validated", ""),
        ("two", "failed", "validated", ""),
        ("three", "inherited", "failed", "pending"),
    ]
    [failure] = found["failures"]
    assert (failure["test"], failure["introduced_by"], failure["how"]) == ("test_a.py::test_second", "two", "layer")
    assert failure["seen"] == ["two", "two merged into main", "three", "three merged into main"]
    assert "PR 3/3 three" in done.out
    assert "inherits failures, base failed, rebase pending" in done.out
    assert "git rebase --onto=two --" in done.out
    assert "gh pr merge --squash --delete-branch --subject 'Add one (PR 1/3)' -- one" in done.out
    assert (stack.folder / "reports" / found["layers"][1]["own"]["reports"] / "summary.md").exists()
    assert (stack.reports / "stack.md").exists()
    assert stack.git("status", "--porcelain") == status


@pytest.mark.slow
def test_a_tree_is_run_once_and_a_stored_run_is_told_with_its_age(stack: Project) -> None:
    stack.gates("stack")
    first = stack.json("stack.json")
    again = stack.gates("stack", "--no-run")
    second = stack.json("stack.json")
    assert again.code == 5
    # Nothing happened on main since, so that each merge has the tree of its layer.
    assert [layer["merge"]["same_as"] for layer in first["layers"]] == ["one", "two", "three"]
    assert [layer["own"]["run"] for layer in second["layers"]] == [layer["own"]["run"] for layer in first["layers"]]
    assert not first["layers"][0]["own"]["stored"]
    assert all(layer["own"]["stored"] for layer in second["layers"])
    assert "stored run, " in again.out
    fresh = stack.gates("stack", "--no-run", "--fresh")
    assert fresh.code == 0
    assert "not run, base not run" in fresh.out


@pytest.mark.slow
def test_what_fails_only_after_the_merge_is_told_of_the_merge(stack: Project) -> None:
    stack.git("checkout", "--quiet", "main")
    stack.write({"test_b.py": "from pathlib import Path\ndef test_no_one(): assert not Path('one.md').exists()\n"})
    stack.commit("Forbid one.md")
    done = stack.gates("stack", "one")
    failures = stack.json("stack.json")["failures"]
    assert done.code == 5, done.text
    told = [(one["test"], one["introduced_by"], one["how"]) for one in failures]
    assert ("test_b.py::test_no_one", "one", "merge") in told
    assert ("test_a.py::test_second", "two", "layer") in told


@pytest.mark.slow
def test_conflicts_of_a_rebase_and_of_a_merge_are_told_before_they_happen(stack: Project) -> None:
    stack.write({"three.md": "another three\n"})
    stack.commit("Take the name of three.md")
    stack.git("checkout", "--quiet", "main")
    stack.write({"one.md": "another one\n"})
    stack.commit("Take the name of one.md")
    done = stack.gates("stack", "one", "two", "three", "--no-run")
    layers = stack.json("stack.json")["layers"]
    assert done.code == 1
    assert layers[2]["rebase_conflicts"] == ["three.md"]
    assert layers[0]["merge_conflicts"] == ["one.md"]
    assert "a rebase conflicts in three.md" in done.out
