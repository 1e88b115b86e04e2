"""What a test process cannot know is looked up once: in git, in the history, in the import graph; or it is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from gates.config import Config, load_config
from gates.planning.filter_facts import ExternalFacts, resolve_all
from gates.portable.filters import Candidate, Resolution, compile_filter, parse
from gates.portable.values import TestOutcome
from gates.storage.cache import Store
from gates.vcs.git import Git, subject_of_worktree
from tests.gates.readers.junit.sample import a_gate, a_run, a_test

if TYPE_CHECKING:
    from pathlib import Path

    from gates.portable.filters.resolution import Answer
    from gates.results import Run, TestResult
    from tests.repository import Repository

FILES = {
    "lib/__init__.py": "",
    "lib/low.py": "VALUE = 1\n",
    "lib/high.py": "from lib import low\n",
    "lib/other.py": "",
    "tests/__init__.py": "",
    "tests/test_high.py": "from lib import high\n\ndef test_one():\n    assert high\n\ndef test_two():\n    pass\n",
    "tests/test_other.py": "import lib.other\n\ndef test_it():\n    pass\n",
    "CODEOWNERS": "* @all\n/tests/test_high.py @high @team/pool\n",
}
ONE, TWO, OTHER = "tests/test_high.py::test_one", "tests/test_high.py::test_two", "tests/test_other.py::test_it"


def outside(repository: Repository, tmp_path: Path) -> ExternalFacts:
    git = Git.of(repository.root)
    config = load_config(repository.root)
    subject = subject_of_worktree(repository.root, git, config.base)
    return ExternalFacts(repository.root, config, git, subject, Store(tmp_path / "store"))


def answers(facts: ExternalFacts, expression: str, *tests: str) -> list[Answer]:
    compiled = compile_filter(expression, facts)
    return [compiled.evaluate(Candidate(test)) for test in tests or (ONE, TWO, OTHER)]


def resolved(facts: ExternalFacts, expression: str) -> Resolution:
    (found,) = resolve_all([expression], facts).values()
    return found


def remember(tmp_path: Path, tests: list[TestResult], **fields: object) -> None:
    run: Run = a_run(tests, gates=(a_gate("test"),), planned=("test",), complete=True, **fields)
    Store(tmp_path / "store").remember(run, tuple(tests))


@pytest.fixture
def branch(repository: Repository) -> Repository:
    """A branch that changed a module and the code of one test."""
    repository.commit(FILES)
    repository.branch("feature")
    return repository


def test_importers_and_dependencies_come_from_the_import_graph(branch: Repository, tmp_path: Path) -> None:
    facts = outside(branch, tmp_path)
    assert answers(facts, "rdeps(lib.low)") == [True, True, False]
    assert answers(facts, "rdeps(lib.*)") == [True, True, True]
    assert answers(facts, "deps(tests.test_other)") == [False, False, True]
    assert answers(facts, "rdeps(lib.low)", "docs/README.md::README.md") == [None]


def test_a_module_that_is_none_is_named_with_the_nearest(branch: Repository, tmp_path: Path) -> None:
    assert "lib.low" in resolved(outside(branch, tmp_path), "rdeps(lib.lwo)").missing


@pytest.mark.slow
def test_what_a_branch_can_break_follows_from_its_files(branch: Repository, tmp_path: Path) -> None:
    branch.commit({"lib/low.py": "VALUE = 2\n"})
    assert answers(outside(branch, tmp_path), "rdeps(changed(main))") == [True, True, False]
    branch.write({"lib/other.py": "X = 1\n"})
    assert answers(outside(branch, tmp_path), "rdeps(changed(main))") == [True, True, True]


def test_a_file_that_cannot_be_mapped_selects_everything_and_says_so(branch: Repository, tmp_path: Path) -> None:
    branch.commit({"poetry.lock": "x\n"})
    facts = outside(branch, tmp_path)
    assert answers(facts, "rdeps(changed(main))") == [True, True, True]
    assert resolved(facts, "rdeps(changed(main))").note.startswith("selects every test: poetry.lock is neither")


def test_the_config_may_say_which_files_no_test_depends_on(branch: Repository, tmp_path: Path) -> None:
    branch.commit(
        {"gates.toml": 'unrelated = ["docs/**", "gates.toml"]\n', "docs/a.md": "x\n", "lib/other.py": "X = 1\n"}
    )
    assert answers(outside(branch, tmp_path), "rdeps(changed(main))") == [False, False, True]


def test_only_the_code_of_a_test_itself_makes_it_changed(branch: Repository, tmp_path: Path) -> None:
    branch.write(
        {"tests/test_high.py": FILES["tests/test_high.py"].replace("pass", "assert 1"), "lib/low.py": "V = 3\n"}
    )
    assert answers(outside(branch, tmp_path), "changed(main)") == [False, True, False]
    assert answers(outside(branch, tmp_path), "changed(main)", f"{TWO}[3]") == [True]


def test_owners_come_from_codeowners(branch: Repository, tmp_path: Path) -> None:
    facts = outside(branch, tmp_path)
    assert answers(facts, "owner(@high)") == [True, True, False]
    assert answers(facts, "owner(@team/*)") == [True, True, False]
    assert answers(facts, "owner(@all)") == [False, False, True]
    (branch.root / "CODEOWNERS").unlink()
    assert resolved(outside(branch, tmp_path), "owner(@all)").why == "there is no CODEOWNERS file"


def test_the_last_run_tells_what_failed_was_slow_and_was_flaky(branch: Repository, tmp_path: Path) -> None:
    facts = outside(branch, tmp_path)
    assert answers(facts, "failed(last)") == answers(facts, "flaky()") == answers(facts, "slow(1s)") == [None] * 3
    results = [
        a_test(id=ONE, outcome=TestOutcome.FAILED, duration=2.0),
        a_test(id=TWO, outcome=TestOutcome.FLAKY, duration=0.5),
    ]
    remember(tmp_path, results, subject=subject_of_worktree(branch.root, Git.of(branch.root)))
    facts = outside(branch, tmp_path)
    assert answers(facts, "failed(last)") == [True, False, None]
    assert answers(facts, "flaky()") == [False, True, None]
    assert answers(facts, "slow(>1s)") == [True, False, None]
    assert answers(facts, "slow(<=500ms)") == [False, True, None]


def test_an_excluded_test_that_was_run_leaves_no_memory(branch: Repository, tmp_path: Path) -> None:
    results = [a_test(id=ONE, outcome=TestOutcome.FAILED, exclusion="x")]
    remember(tmp_path, results, subject=subject_of_worktree(branch.root, Git.of(branch.root)))
    assert answers(outside(branch, tmp_path), "failed(last)", ONE) == [None]


@pytest.mark.parametrize(("whole", "of_a_new_test"), [(True, True), (False, None)])
def test_a_recorded_run_of_the_base_tells_what_is_new_and_what_failed_there(
    branch: Repository, tmp_path: Path, whole: bool, of_a_new_test: Answer
) -> None:
    base = subject_of_worktree(branch.root, Git.of(branch.root))
    results = [a_test(id=ONE), a_test(id=TWO, outcome=TestOutcome.TIMEOUT)]
    remember(tmp_path, results, subject=msgspec.structs.replace(base, kind="commit"), whole=whole)
    branch.commit({"lib/low.py": "VALUE = 2\n"})
    facts = outside(branch, tmp_path)
    assert answers(facts, "new(main)") == answers(facts, "new(base)") == [False, False, of_a_new_test]
    assert answers(facts, "failed(main)") == [False, True, None]


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("new(main)", "no run of main is recorded: `gates run --subject"),
        ("failed(nowhere)", "no commit is named nowhere"),
        ("changed(nowhere)", "no commit is named nowhere"),
        ("rdeps(changed(nowhere))", "no commit is named nowhere"),
    ],
)
def test_what_is_not_there_is_unknown_and_says_why(
    branch: Repository, tmp_path: Path, expression: str, why: str
) -> None:
    found = resolved(outside(branch, tmp_path), expression)
    assert found.otherwise is None
    assert found.why.startswith(why)


def test_without_git_nothing_can_have_changed_for_sure(tmp_path: Path) -> None:
    for name, text in FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    root = tmp_path / "project"
    facts = ExternalFacts(root, Config(root=root), None, subject_of_worktree(root, None), Store(tmp_path / "store"))
    for expression in ("changed(base)", "rdeps(changed(main))", "new(base)", "failed(base)"):
        assert resolved(facts, expression).why == "there is no git repository"
    assert answers(facts, "rdeps(lib.low)") == [True, True, False]


def test_only_predicates_about_the_outside_are_asked(branch: Repository, tmp_path: Path) -> None:
    asked = resolve_all(["test(x) and (slow(>1s) or mark(a))", "", "flaky()"], outside(branch, tmp_path))
    assert sorted(asked) == ["flaky()", "slow(>1s)"]
    assert parse("slow(1s)") == parse("slow(>1s)")
