from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given

from gates.compare.stack import Failing, Layer, Stack, StackRun, with_verdicts
from gates.portable.errors import UsageError
from gates.render.stack import merge_command_of, rebase_command_of, render_stack
from tests.gates.readers.junit.sample import anything


def ran(failing: str = "", **fields: Any) -> StackRun:
    found = (Failing("test", failing),) if failing else ()
    values = {"outcome": "failed" if failing else "passed", "exit_code": int(bool(failing)), "run": "r"}
    return StackRun(subject="s", identity="i", failing=found, **{**values, **fields})


def a_stack(*layers: Layer, **fields: Any) -> Stack:
    return with_verdicts(Stack(trunk="main", trunk_commit="0" * 40, trunk_run=ran(), layers=layers, **fields))


LAYERS = (
    Layer(name="one", parent="main", total=3, own=ran(), merge=ran(same_as="one"), merge_command="land one"),
    Layer(
        name="two", parent="one", number=2, total=3, behind=1, own=ran("t"), merge=ran("t", stored=True, age=90.0),
        rebase="pending", rebase_command="git rebase two", merge_command="land two",
    ),
    Layer(
        name="three", parent="two", number=3, total=3, own=ran("t"), rebase="after-parent", rebase_conflicts=("f",),
        rebase_command="git rebase three", merge_conflicts=("g",),
    ),
)  # fmt: skip


def test_the_tree_shows_the_state_of_each_layer_and_where_its_runs_come_from() -> None:
    assert render_stack(a_stack(*LAYERS, notes=("a note",))).splitlines() == [
        "main (000000000000)  validated",
        "└─ PR 1/3 one ()  validated, base validated",
        "   │  alone: passed",
        "   │  merged into the trunk: passed [same tree as one, not run again]",
        "   └─ PR 2/3 two ()  failed, base validated, rebase pending",
        "      │  1 commit behind one",
        "      │  a rebase does not conflict",
        "      │  alone: failed",
        "      │  merged into the trunk: failed [stored run, 1m 30s old]",
        "      └─ PR 3/3 three ()  does not merge, base failed, rebase after its base, which conflicts",
        "            a rebase conflicts in f",
        "            its merge conflicts in g",
        "            alone: failed",
        "",
        "Failures, by where they were introduced:",
        "  two: t (test)",
        "",
        "Rebase, in this order:",
        "  git rebase two",
        "  git rebase three",
        "",
        "Ready to merge:",
        "  land one",
        "",
        "Notes:",
        "  a note",
    ]


def test_branches_beside_each_other_hang_on_the_same_line() -> None:
    text = render_stack(
        a_stack(Layer(name="a", parent="main"), Layer(name="b", parent="a"), Layer(name="c", parent="main"))
    )
    assert [line.partition("PR")[0] for line in text.splitlines()[1:]] == ["├─ ", "│  └─ ", "└─ "]


def test_the_markdown_names_the_same() -> None:
    text = render_stack(a_stack(*LAYERS), markdown=True)
    assert "| 2/3 | `two` | `one` | failed, base validated, rebase pending |" in text
    assert "| two | `t (test)` | two, two merged into main, three |" in text
    assert "```bash\nland one\n```" in text


@given(anything)
def test_no_text_breaks_the_table(text: str) -> None:
    shown = render_stack(a_stack(Layer(name=text, parent="main", own=ran(text))), markdown=True)
    rows = [line for line in shown.splitlines() if line.startswith("| 1/1")]
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("template", "command"),
    [
        ("", "gh pr merge --squash --delete-branch --subject 'It'\"'\"'s (PR 2/3)' -- two"),
        ("land {branch} {parent} {trunk} {number}/{total} {title}", "land two one main 2/3 'It'\"'\"'s'"),
        ("{{x}}", "{x}"),
    ],
)
def test_values_of_the_merge_command_are_quoted(template: str, command: str) -> None:
    layer = Layer(name="two", parent="one", number=2, total=3, title="It's")
    made = merge_command_of(layer, "main", template)
    assert shlex.split(made) == shlex.split(command)


def test_a_branch_that_looks_like_an_option_is_none_in_a_command() -> None:
    layer = Layer(name="-evil", parent="--exec=x", number=1, total=1, title="-t")
    usual = shlex.split(merge_command_of(layer, "main"))
    assert usual[usual.index("--") + 1 :] == ["-evil"]
    own = shlex.split(merge_command_of(layer, "main", "git merge {branch} {parent} {trunk}"))
    assert own == ["git", "merge", "refs/heads/-evil", "refs/heads/--exec=x", "main"]
    words = shlex.split(rebase_command_of(layer, "0123456789abcdef"))
    assert words == ["git", "rebase", "--onto=--exec=x", "--", "0123456789ab", "-evil"]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{brnch}", r"unknown name \{brnch\}"),
        ("{", "not a template"),
        ("{}", "unknown name"),
        ("{branch.x}", "unknown"),
    ],
)
def test_a_template_with_an_unknown_name_is_refused(template: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        merge_command_of(Layer(name="a", parent="main"), "main", template)
