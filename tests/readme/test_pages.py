from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click
import nox
import pytest

from gates.cli import cli
from gates.portable.filters import parse
from tests.readme.pages import README, ROOT, TUTORIAL, blocks, commands

if TYPE_CHECKING:
    from tests.integration.project import Project

CALLS = dict.fromkeys(tuple(words) for page in (README, TUTORIAL) for words in commands(page))


@pytest.mark.parametrize("words", CALLS, ids=" ".join)
def test_a_command_of_the_page_exists_with_its_options(words: tuple[str, ...]) -> None:
    command = cli.commands[words[0]]
    known = {name for option in command.params if isinstance(option, click.Option) for name in option.opts}
    assert {word for word in words if word.startswith("-")} <= known


def test_every_command_is_in_the_readme() -> None:
    shown = {name for name, command in cli.commands.items() if not command.hidden}
    assert shown == {words[0] for words in commands(README)}


@pytest.mark.parametrize("words", [words for words in CALLS if "-E" in words[:-1]], ids=" ".join)
def test_an_expression_of_the_page_is_one(words: tuple[str, ...]) -> None:
    expression = words[words.index("-E") + 1]
    if expression != "EXPR":
        parse(expression)


def test_the_examples_of_the_readme_make_gates(project: Project) -> None:
    (session,) = blocks(README, "python")
    (config,) = blocks(README, "toml")
    scope: dict[str, Any] = {"nox": nox}
    exec(session, scope)
    assert scope["tests"].tags == ["gate"]
    project.write({"gates.toml": config})
    listed = project.gates("list")
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()] == ["format", "test"]


@pytest.mark.parametrize("link", dict.fromkeys(re.findall(r"\]\(([^)]+)\)", README)))
def test_a_link_of_the_readme_leads_to_a_file_of_the_repository(link: str) -> None:
    path, _, heading = link.partition("#")
    assert (ROOT / path).exists()
    if heading:
        titles = re.findall(r"(?m)^#+ (.*)$", (ROOT / path).read_text(encoding="utf-8"))
        assert heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
