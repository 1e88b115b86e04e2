from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gates.commands.stack import validate_stack
from gates.config.request import Request
from gates.pipeline.stack_layers import find_stack
from gates.portable.errors import UsageError
from gates.storage.cache import Store
from gates.vcs.git import Git
from tests.gates.commands.test_schema import VALIDATORS

if TYPE_CHECKING:
    from pathlib import Path

    from gates.compare.stack import Stack
    from tests.repository import Repository

CHECK = '[gate.check]\ncommand = ["sh", "-c", "! grep -q wrong *.txt"]\n'


@pytest.fixture
def stack(repository: Repository) -> Repository:
    """main ← one ← two ← three, with their parents in git's config; on `two`."""
    repository.commit({"gates.toml": CHECK, "a.txt": "right\n", ".gitignore": "reports\n"})
    for name, parent in (("one", "main"), ("two", "one"), ("three", "two")):
        repository.branch(name, parent)
        repository.commit({f"{name}.txt": "right\n"}, f"Add {name}")
        repository.git("config", f"branch.{name}.gates-parent", parent)
    repository.go("two")
    return repository


def found(repository: Repository, *branches: str, trunk: str = "") -> Stack:
    git = Git.of(repository.root)
    assert git is not None
    return find_stack(repository.root, git, branches, trunk)


def validated(repository: Repository, *branches: str, run: bool = True, fresh: bool = False) -> Stack:
    return validate_stack(repository.root, branches, Request(gates=("check",)), "gates stack", run=run, fresh=fresh)


def shape(stack: Stack) -> list[tuple[str, str, str]]:
    return [(layer.name, layer.parent, layer.parent_source) for layer in stack.layers]


@pytest.mark.slow
def test_the_stack_of_the_current_branch_is_read_from_the_config(stack: Repository) -> None:
    expected = [
        ("one", "main", "branch.one.gates-parent"),
        ("two", "one", "branch.two.gates-parent"),
        ("three", "two", "branch.three.gates-parent"),
    ]
    assert shape(found(stack)) == expected
    stack.go("main")
    assert shape(found(stack)) == expected
    assert [(layer.title, layer.ahead, layer.behind) for layer in found(stack).layers] == [
        ("Add one", 1, 0),
        ("Add two", 1, 0),
        ("Add three", 1, 0),
    ]


def test_without_any_record_the_history_tells_what_a_branch_stands_on(stack: Repository) -> None:
    for name in ("one", "two", "three"):
        stack.git("config", "--unset", f"branch.{name}.gates-parent")
    stack.go("three")
    assert shape(found(stack)) == [("one", "main", "trunk"), ("two", "one", "history"), ("three", "two", "history")]


@pytest.mark.parametrize(
    ("words", "parents"),
    [
        (("one", "two"), {"one": "main", "two": "one"}),
        (("one", "three:one", "two:one"), {"one": "main", "three": "one", "two": "one"}),
        (("two", "one:main"), {"two": "main", "one": "main"}),
    ],
)
def test_the_command_line_says_what_stands_on_what(
    stack: Repository, words: tuple[str, ...], parents: dict[str, str]
) -> None:
    layers = found(stack, *words).layers
    assert {layer.name: layer.parent for layer in layers} == parents
    assert {layer.parent_source for layer in layers} == {"command line"}


@pytest.mark.parametrize(
    ("words", "trunk", "message"),
    [
        (("one", "gone"), "", "no commit is named 'gone'"),
        (("gone",), "", "no commit is named 'gone'"),
        (("one", "one"), "", "not a layer of its own"),
        (("main", "one"), "", "not a layer of its own"),
        ((":x", "one"), "", "not a layer of its own"),
        (("one", "two:three"), "", "the parent of two is not a layer"),
        (("one:two", "two:one"), "", "do not lead to the trunk"),
        ((), "gone", "no commit is named 'gone'"),
        ((), "other", "there is no stack here"),
    ],
)
def test_what_is_no_stack_is_refused(stack: Repository, words: tuple[str, ...], trunk: str, message: str) -> None:
    stack.git("branch", "other", "main")
    if trunk == "other":
        stack.go("other")
    with pytest.raises(UsageError, match=message):
        found(stack, *words, trunk=trunk)


def test_a_circle_of_records_is_refused(stack: Repository) -> None:
    stack.git("config", "branch.one.gates-parent", "three")
    with pytest.raises(UsageError, match="do not lead to the trunk"):
        found(stack)


def test_a_layer_behind_its_parent_must_be_rebased_and_those_above_follow(stack: Repository) -> None:
    stack.go("one")
    stack.commit({"three.txt": "another\n"})
    one, two, three = found(stack).layers
    assert [layer.rebase for layer in (one, two, three)] == ["", "pending", "after-parent"]
    assert (two.behind, two.rebase_conflicts, three.rebase_conflicts) == (1, (), ("three.txt",))
    assert two.rebase_command == f"git rebase --onto=one -- {two.fork[:12]} two"
    assert three.rebase_command == f"git rebase --onto=two -- {two.commit[:12]} three"


@pytest.mark.slow
def test_the_rebase_commands_do_what_was_predicted(stack: Repository) -> None:
    stack.go("one")
    stack.git("commit", "--quiet", "--amend", "-m", "Add one, differently")
    for layer in found(stack).layers:
        if layer.rebase_command:
            assert not layer.rebase_conflicts
            stack.git(*layer.rebase_command.split()[1:])
    assert [(layer.rebase, layer.ahead, layer.behind) for layer in found(stack).layers] == [("", 1, 0)] * 3


@pytest.mark.slow
def test_a_layer_behind_the_trunk_only_needs_no_rebase_unless_its_merge_conflicts(stack: Repository) -> None:
    stack.go("main")
    stack.commit({"b.txt": "right\n"})
    assert [layer.rebase for layer in found(stack).layers] == ["", "", ""]
    stack.commit({"one.txt": "another\n"})
    one, *_ = found(stack).layers
    assert (one.rebase, one.rebase_conflicts, one.merge_conflicts) == ("pending", ("one.txt",), ("one.txt",))


@pytest.mark.parametrize("how", ["--squash", "--no-ff"])
def test_after_a_merge_the_layer_above_stands_on_the_trunk(stack: Repository, how: str) -> None:
    stack.go("main")
    stack.git("merge", "--quiet", how, "one")
    stack.commit()
    one, two, three = found(stack).layers
    assert one.merged
    assert not one.rebase
    assert (two.parent, two.former_parent, two.rebase, two.rebase_conflicts) == ("main", "one", "pending", ())
    assert (two.number, two.total, three.rebase) == (2, 3, "after-parent")
    assert (two.ahead, two.title) == (1, "Add two")


def test_a_parent_that_is_gone_is_said(stack: Repository) -> None:
    stack.git("branch", "-D", "one")
    told = found(stack, "two")
    assert told.notes == ("two: its parent one is gone, so it is treated as based on main",)
    assert [(layer.name, layer.parent, layer.former_parent) for layer in told.layers] == [
        ("two", "main", "one"),
        ("three", "two", ""),
    ]


def test_outside_of_git_there_is_no_stack(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no git repository"):
        validate_stack(tmp_path, (), Request(), "gates stack")


@pytest.mark.slow
def test_gates_without_tests_are_told_of_the_layer_that_breaks_them(stack: Repository) -> None:
    stack.commit({"two.txt": "wrong\n"})
    told = validated(stack)
    assert [(one.gate, one.test, one.introduced_by) for one in told.failures] == [("check", "", "two")]
    assert [layer.state for layer in told.layers] == ["validated", "failed", "validated"]
    assert told.exit_code == 5
    saved = json.loads((stack.root / "reports" / "stack.json").read_text())
    VALIDATORS["stack"].validate(saved)
    assert saved["layers"][1]["name"] == "two"


@pytest.mark.slow
def test_a_failure_that_the_parent_has_no_more_goes_away_with_a_rebase(stack: Repository) -> None:
    stack.commit({"two.txt": "wrong\n"})
    stack.git("branch", "--force", "three", "two")
    stack.go("three")
    stack.commit({"three.txt": "right\n"})
    stack.go("two")
    stack.commit({"two.txt": "right\n"})
    told = validated(stack)
    assert [(one.introduced_by, one.how) for one in told.failures] == [("two", "outdated")]
    three = told.layers[2]
    assert three.base is not None
    assert (three.state, three.rebase, three.base.outcome) == ("inherited", "pending", "failed")


@pytest.mark.slow
def test_a_stored_run_is_used_again_only_where_everything_is_the_same(stack: Repository) -> None:
    first = validated(stack)
    again = validated(stack)
    assert first.trunk_run is not None
    assert again.trunk_run is not None
    assert (again.trunk_run.stored, again.trunk_run.run) == (True, first.trunk_run.run)
    for other in (
        validated(stack, fresh=True),
        validate_stack(stack.root, (), Request(gates=("check",), jobs=1), "gates stack"),
    ):
        assert other.trunk_run is not None
        assert not other.trunk_run.stored
    stack.commit({"two.txt": "right, too\n"})
    layers = validated(stack).layers
    assert [layer.own is not None and layer.own.stored for layer in layers] == [True, False, True]


def test_without_runs_nothing_is_claimed(stack: Repository) -> None:
    told = validated(stack, run=False)
    assert ({layer.state for layer in told.layers}, told.trunk_state, told.exit_code) == ({"not-run"}, "not-run", 0)
    assert not (stack.root / "reports" / "stack").exists()


@pytest.mark.slow
def test_a_layer_that_cannot_be_run_is_told_and_hides_no_other(stack: Repository) -> None:
    stack.commit({"gates.toml": "jobs = 0\n"})
    stack.go("one")
    told = validated(stack)
    two = told.layers[1]
    assert [layer.state for layer in told.layers] == ["validated", "could-not-run", "validated"]
    assert two.own is not None
    assert "jobs" in two.own.reason
    assert told.exit_code == 2


@pytest.mark.slow
def test_a_trunk_without_gates_is_run_with_those_of_the_working_tree(stack: Repository) -> None:
    stack.go("main")
    stack.commit({"gates.toml": "\n"})
    stack.go("two")
    told = validated(stack)
    again = validated(stack)
    assert told.notes[0] == "main has no gates: run with the working tree's checklist"
    assert again.trunk_run is not None
    assert not again.trunk_run.stored


@pytest.mark.slow
def test_a_stack_touches_no_file_of_the_working_tree(stack: Repository) -> None:
    before, branches = stack.bytes(), stack.git("for-each-ref")
    validated(stack)
    after = {name: data for name, data in stack.bytes().items() if not name.startswith("reports/")}
    assert after == before
    assert stack.git("for-each-ref") == branches
    assert Store.of(stack.root, Git(stack.root)).outstanding() is None
