"""What the texts of both sides show about settings, and what the runs know better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from gates.pipeline.settings import changed_settings, with_listings
from gates.planning.subjects import BORROWED_CHECKLIST
from gates.results import SettingChange
from gates.vcs.git import Git
from gates.vcs.hunks import differences
from tests.gates.readers.junit.sample import a_run

if TYPE_CHECKING:
    from gates.results import Run
    from tests.repository import Repository


def a_side(*checklist: str, notes: tuple[str, ...] = ()) -> Run:
    return msgspec.structs.replace(a_run(), checklist=checklist, notes=notes)


def only(repository: Repository, files: dict[str, str]) -> str:
    """A commit of these files and no others."""
    for path in repository.git("ls-files").splitlines():
        (repository.root / path).unlink()
    return repository.commit(files)


def found(repository: Repository, base: dict[str, str], head: dict[str, str], *, base_run: Run | None = None) -> list[tuple[str, str, str]]:  # fmt: skip
    """The changes between two commits."""
    git = Git(repository.root)
    before, after = (git.tree(only(repository, files)) for files in (base, head))
    changes = changed_settings(git, (before, after), differences(git, before, after), (base_run or a_side(), a_side()))
    return [(change.direction, change.key, change.path) for change in changes]


def test_unchanged_files_beside_a_changed_one_are_read_too(repository: Repository) -> None:
    own = {"mypy.ini": "[mypy]\nstrict = True\n", "pyproject.toml": "[tool.mypy]\nstrict = false\n"}
    assert found(repository, own, {**own, "pyproject.toml": "[project]\n"}) == []
    assert found(repository, own, {"pyproject.toml": own["pyproject.toml"]}) == [("weaker", "strict", "pyproject.toml")]


def test_a_file_in_a_renamed_folder_is_compared_with_itself(repository: Repository) -> None:
    text = "[mypy]\nstrict = True\n" + "# a comment\n" * 20
    assert found(repository, {"a/mypy.ini": text}, {"b/mypy.ini": text}) == []
    assert found(repository, {"a/mypy.ini": text}, {"b/mypy.ini": text.replace("True", "False")}) == [
        ("weaker", "strict", "b/mypy.ini")
    ]


def test_a_base_that_borrows_the_checklist_has_no_settings_of_gates(repository: Repository) -> None:
    head = {"gates.toml": 'no-tests = "pass"\n', "mypy.ini": "[mypy]\nstrict = False\n"}
    borrowed = a_side("a", notes=(BORROWED_CHECKLIST,))
    base = {"mypy.ini": "[mypy]\nstrict = True\n"}
    assert found(repository, base, head, base_run=borrowed) == [("weaker", "strict", "mypy.ini")]


def test_which_tests_an_exclusion_leaves_out_the_runs_show(repository: Repository) -> None:
    entry = '[exclusions.a]\nfilter = "test(a)"\nexpires = 2027-01-01\n'
    assert found(repository, {"gates.toml": ""}, {"gates.toml": entry}) == [
        ("other", "exclusions a: entry", "gates.toml")
    ]


def gone(name: str) -> SettingChange:
    return SettingChange(tool="gates", key=f"gate {name}", path="noxfile.py", direction="weaker", what="gone")


@pytest.mark.parametrize(
    ("static", "before", "after", "expected"),
    [
        ((), ("a", "b"), ("a",), [("weaker", "gate b")]),
        ((), ("a",), ("a", "b"), [("stronger", "gate b")]),
        ((gone("b"),), ("a", "b"), ("a",), [("weaker", "gate b")]),
        ((gone("b"),), ("a", "b"), ("a", "b"), []),
        ((gone("b"),), ("b-3.11", "b-3.12"), ("b-3.12",), [("weaker", "gate b-3.11")]),
        ((), ("t(x='1')", "t(x='2')"), ("t(x='1')",), [("weaker", "gate t(x='2')")]),
    ],
)
def test_what_nox_lists_decides_which_gates_there_are(
    static: tuple[SettingChange, ...], before: tuple[str, ...], after: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    changes = with_listings(static, (before, after))
    assert [(change.direction, change.key) for change in changes] == expected


def test_an_interpreter_that_the_text_names_is_told_once() -> None:
    static = SettingChange(tool="gates", key="gate b: python", path="noxfile.py", direction="weaker", what="3.11")
    assert with_listings([static], (("b-3.11", "b-3.12"), ("b-3.12",))) == (static,)


def test_without_listings_the_texts_decide() -> None:
    assert with_listings([gone("b")], None) == (gone("b"),)
