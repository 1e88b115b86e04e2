"""The examples for CI services call commands and options that exist, and the guide shows every one of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gates.analysis.shell import base_name, started_in_shell
from gates.cli import cli
from gates.pipeline.github_step import outputs
from gates.portable.values import TestOutcome
from gates.render.summary import summarise
from tests.documentation import ROOT
from tests.gates.readers.junit.sample import a_run, a_test

FOLDER = ROOT / "docs" / "ci"
EXAMPLES = sorted(FOLDER.rglob("*.yml"))
ACTION = FOLDER / "gates-action" / "action.yml"
REDIRECTIONS = frozenset({">", ">>", "<"})


def commands(text: str) -> Iterator[list[str]]:
    """The words after `gates` of every call in an example, and of the action's input."""
    text = re.sub(r"\$\{\{.*?\}\}", "VALUE", text).replace("$$", "$")
    for line in text.splitlines():
        if found := re.fullmatch(r"\s*command: (?P<words>\w.*)", line):
            yield shlex.split(found["words"])
        for part in started_in_shell(re.sub(r"^\s*(?:- |run: )*", "", line)):
            if base_name(part.words[0]) == "gates" and part.words[1:2] != ("${words[@]}",):
                end = next((number for number, word in enumerate(part.words) if word in REDIRECTIONS), None)
                yield list(part.words[1:end])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_command_of_an_example_is_one_that_gates_understands(path: Path) -> None:
    found = list(commands(path.read_text("utf-8")))
    assert found
    for name, *words in found:
        command = cli.commands[name]
        command.make_context(name, words, parent=click.Context(cli, info_name="gates"))


@pytest.mark.parametrize(
    "line",
    [
        "    gates run --no-such-option",
        "    - /opt/gates/bin/gates report --format nothing",
        "    command: check --fast",
    ],
)
def test_a_command_that_does_not_exist_is_noticed(line: str) -> None:
    ((name, *words),) = commands(line)
    with pytest.raises((KeyError, click.UsageError)):
        cli.commands[name].make_context(name, words, parent=click.Context(cli, info_name="gates"))


def test_the_action_passes_on_outputs_that_the_step_has() -> None:
    used = set(re.findall(r"steps\.report\.outputs\.([\w-]+)", ACTION.read_text("utf-8")))
    run, tests = a_run([a_test()]), [a_test("bad", TestOutcome.FAILED)]
    assert used <= {*outputs(run, summarise(run, tests), None), "regression"}


def test_the_guide_shows_every_example() -> None:
    guide = (ROOT / "docs" / "how-to" / "ci.md").read_text("utf-8")
    assert {FOLDER / name for name in re.findall(r"\{literalinclude\} \.\./ci/(\S+)", guide)} == set(EXAMPLES)
