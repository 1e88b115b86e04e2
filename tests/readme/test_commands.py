"""Every command of the pages: it exists with its options, and it is run, with what the page shows, or says why not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
import pytest

from gates.cli import cli
from gates.portable.values import ExitCode
from tests.readme.fences import PAGES, ROOT, Block, Command, Page, differs, page_of, parsed, words_of
from tests.readme.scenes import SCENES, Shell

if TYPE_CHECKING:
    from tests.integration.project import Project

ALL = [page_of(path) for path in PAGES]
BLOCKS = [block for page in ALL for block in page.blocks if block.commands]
RUN = [page for page in ALL if page.scene]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_of_commands_is_run_or_says_why_not(block: Block) -> None:
    kind, reason = block.mark
    if kind == "not run":
        assert len(reason.split()) >= 3, "say why"
    else:
        assert page_of(ROOT / block.page).scene in SCENES, (
            f"{block.place} needs <!-- commands: SCENE --> or <!-- not run: REASON -->"
        )


def test_a_scene_is_of_a_page_that_runs_something_in_it() -> None:
    assert {page.scene for page in RUN} == SCENES.keys()
    for page in RUN:
        assert any(block.commands and block.mark[0] != "not run" for block in page.blocks), page.name


CALLS = {f"{block.place} {command.line}": words_of(command.line)[0] for block in BLOCKS for command in block.commands}


@pytest.mark.parametrize("call", [call for call, words in CALLS.items() if words[0] == "gates"])
def test_a_call_of_gates_is_one_that_the_program_understands(call: str) -> None:
    name, *arguments = CALLS[call][1:]
    command = cli.commands[name]
    with command.make_context(name, list(arguments), parent=click.Context(cli)):
        pass


SESSIONS = set(
    re.findall(r'@nox\.session(?:\(name="([\w-]+)".*\)|.*)\ndef (\w+)', (ROOT / "noxfile.py").read_text("utf-8"))
)


@pytest.mark.parametrize("call", [call for call, words in CALLS.items() if ".venv/bin/nox" in words])
def test_a_session_of_this_repository_exists(call: str) -> None:
    words = CALLS[call]
    known = {given or name for given, name in SESSIONS}
    if "-s" in words:
        named = list(words[words.index("-s") + 1 :])
        named = named[: named.index("--")] if "--" in named else named
        assert {name for name in named if not name.startswith("test-")} <= known


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_the_commands_of_a_page_do_and_print_what_it_shows(page: Page, project: Project) -> None:
    SCENES[page.scene](project)
    shell = Shell(project)
    for block in page.blocks:
        if block.mark[0] in ("file", "added to"):
            shell.write(block)
        elif block.mark[0] != "not run":
            for command in block.commands:
                printed = shell.run(command.line)
                place = f"{block.place}: {command.line}"
                assert printed.code not in (ExitCode.USAGE, ExitCode.COULD_NOT_RUN, ExitCode.NOTHING_SELECTED), place
                if command.shown is not None:
                    assert differs(command.shown, printed.text) == "", f"{place}\n{printed.text}"


def test_blocks_commands_marks_and_outputs_are_found() -> None:
    page = parsed(
        "# Title\n\n<!-- commands: branch -->\n\n```bash\none   # why\n\ntwo\n```\n\n```text\nout\n```\n\nText.\n\n"
        "<!-- not run: it is slow -->\n\n```console\n$ three\na\n…\n$ four\n```\n\n```text\nnot of four, for text is between\n```\n\n"
        "1. Item\n\n   <!-- file: a.py -->\n\n   ```python\n   x = 1\n   ```\n\n```toml\nz = 1\n```\n"
    )
    assert page.scene == "branch"
    assert [(block.line, block.mark, block.text) for block in page.blocks] == [
        (5, ("", ""), ""),
        (19, ("not run", "it is slow"), ""),
        (34, ("file", "a.py"), "x = 1\n"),
    ]
    assert page.blocks[0].commands == (Command("one   # why"), Command("two", ("out",)))
    assert page.blocks[1].commands[0] == Command("three", ("a", "…"))


@pytest.mark.parametrize(
    ("shown", "printed", "first"),
    [
        (["a", "b"], "a\nb\n", ""),
        (["a"], "a\nb\n", "(the page ends; the program goes on: b)"),
        (["a", "…"], "a\nb\n", ""),
        (["…", "b"], "a\nb\n", ""),
        (["b"], "a\nb\n", "b"),
        (["a", "c"], "a\nb\nc\n", "c"),
        (["a …", "c"], "a b\nc\n", ""),
        (["main (0123456789ab) in 0.5s"], "main (aaaaaaaaaaaa) in   12m 4s", ""),
        (["[gone-123456]"], "[gone-654321]", ""),
        (["5 passed"], "6 passed", "5 passed"),
    ],
)
def test_what_a_page_shows_is_compared_line_by_line(shown: list[str], printed: str, first: str) -> None:
    assert differs(tuple(shown), printed) == first
