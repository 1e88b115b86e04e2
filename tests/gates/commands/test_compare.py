from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gates.commands.compare import compare_subjects
from gates.compare.inputs import RegressionPolicy
from gates.compare.runs import compare_runs
from gates.compare.timing.changes import TimingSettings
from gates.pipeline import measured_comparison
from gates.pipeline.base_and_head import Sides
from gates.pipeline.compare_options import CompareOptions
from gates.pipeline.compared_gates import gates_to_compare
from gates.pipeline.execute import Finished
from gates.pipeline.measured_comparison import exit_of
from gates.planning import discover as discover_module
from gates.planning import prepare as prepare_module
from gates.planning import subjects
from gates.planning.plan import Request
from gates.planning.prepare import prepare
from gates.portable.errors import EnvironmentProblem, GatesError, UsageError
from gates.portable.values import ExitCode, GateOutcome, TestOutcome
from gates.results import Diagnostic, Diagnostics
from gates.results.files import load_run
from gates.storage.cache import Store
from tests.gates.readers.junit.sample import a_gate, a_run, a_test

if TYPE_CHECKING:
    from pathlib import Path

    from gates.compare.values import BaseFailures
    from gates.config import Config
    from gates.planning.discover import Gate
    from gates.results import GateResult
    from tests.repository import Repository


def gates_of(folder: Path, text: str) -> tuple[str, ...]:
    (folder / "gates.toml").write_text(text)
    return gates_to_compare(prepare(folder, Request()))


COMMANDS = '[gate.a]\ncommand = "true"\n[gate.b]\ncommand = "true"\n'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (COMMANDS + 'tests = "junit"\n', ("b",)),
        (COMMANDS + 'tests = "pytest"\n[gate.test]\ncommand = "true"\n', ("b", "test")),
        (COMMANDS + '[gate.tests]\ncommand = "true"\n', ("tests",)),
    ],
)
def test_gates_with_tests_are_those_that_say_so_or_are_named_so(
    tmp_path: Path, text: str, found: tuple[str, ...]
) -> None:
    assert gates_of(tmp_path, text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[gate.lint]\ncommand = "true"\n[gate.test]\ncommand = "true"\n[gate.b]\ncommand = "true"\n', ("lint", "test")),
        (COMMANDS + 'findings = ["x.sarif"]\n', ("a", "b")),
        (COMMANDS + 'coverage = ["x.xml"]\n', ("a", "b")),
    ],
)  # fmt: skip
def test_gates_are_compared_that_bring_something(tmp_path: Path, text: str, found: tuple[str, ...]) -> None:
    (tmp_path / "gates.toml").write_text(text)
    assert gates_to_compare(prepare(tmp_path, Request())) == found


def test_where_no_gate_brings_tests_all_are_compared_by_how_they_end(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(COMMANDS)
    assert gates_to_compare(prepare(tmp_path, Request())) == ("a", "b")


def test_a_gate_that_brought_tests_last_time_brings_tests(tmp_path: Path) -> None:
    run = a_run(gates=(a_gate("a"), a_gate("b")))
    Store.of(tmp_path, None).remember(run, (a_test(gate="b"),))
    assert gates_of(tmp_path, COMMANDS) == ("b",)


@pytest.mark.parametrize(
    ("run", "regression", "code"),
    [
        (0, False, 0),
        (1, False, 1),
        (1, True, 5),
        (0, True, 5),
        (3, True, 5),
        (3, False, 3),
        (130, True, 130),
        (4, False, 4),
    ],
)
def test_a_regression_is_told_as_such_unless_the_run_was_interrupted(
    tmp_path: Path, run: int, regression: bool, code: int
) -> None:
    outcome = TestOutcome.FAILED if regression else TestOutcome.PASSED
    head, tests = a_run(exit_code=run), (a_test(outcome=outcome),)
    comparison = compare_runs(a_run(), [a_test()], head, tests)
    assert exit_of(Finished(run=head, tests=tests, reports=tmp_path), comparison) is ExitCode(code)


@pytest.mark.parametrize(
    ("policy", "known", "run", "code"),
    [
        ("report", True, 1, 0),
        ("block", True, 1, 1),
        ("report", False, 1, 1),
        ("report", True, 130, 130),
        ("report", True, 2, 2),
    ],
)
def test_what_fails_as_on_the_base_fails_the_comparison_only_where_it_blocks(
    tmp_path: Path, policy: BaseFailures, known: bool, run: int, code: int
) -> None:
    gate = (a_gate("test", GateOutcome.FAILED, exit_code=1),)
    base = (a_test("a", TestOutcome.FAILED),)
    tests = base if known else (*base, a_test("new", TestOutcome.FAILED))
    head = a_run(tests, gates=gate, exit_code=run)
    comparison = compare_runs(a_run(base, gates=gate), base, head, tests, policy=RegressionPolicy(base_failures=policy))
    assert exit_of(Finished(run=head, tests=tests, reports=tmp_path), comparison) is ExitCode(code)


def of_lint(*lines: int, unknown: str = "", outcome: GateOutcome = GateOutcome.FAILED, code: int = 1) -> GateResult:
    kept = tuple(Diagnostic(path="a.py", line=line, message=f"bad {chr(97 + line)}") for line in lines)
    found = Diagnostics(count=len(kept), kept=kept, unknown=unknown)
    return a_gate("lint", outcome, exit_code=code, diagnostics=found)


@pytest.mark.parametrize(
    ("base", "head", "code"),
    [
        (of_lint(1), of_lint(1), 0),
        (of_lint(1, 2), of_lint(2), 0),
        (of_lint(1), of_lint(2), 1),
        (of_lint(1), of_lint(1, code=2), 1),
        (of_lint(1), of_lint(unknown="it crashed"), 1),
        (of_lint(1, outcome=GateOutcome.PASSED, code=0), of_lint(1), 1),
        (of_lint(unknown="it crashed"), of_lint(1), 1),
    ],
)
def test_a_linter_that_finds_what_it_found_on_the_base_is_no_fault_of_the_heads(
    tmp_path: Path, base: GateResult, head: GateResult, code: int
) -> None:
    run = a_run(gates=(head,), exit_code=1)
    comparison = compare_runs(a_run(gates=(base,)), [a_test()], run, [a_test()])
    assert exit_of(Finished(run=run, tests=(a_test(),), reports=tmp_path), comparison) is ExitCode(code)


@pytest.mark.parametrize(
    ("asked", "unknown", "run", "code"),
    [
        (("findings",), "no file", 0, 3),
        (("lost",), "no file", 0, 0),
        (("findings",), "", 0, 0),
        (("findings",), "no file", 1, 1),
        (("warnings",), "", 0, 3),
        (("uncovered",), "", 0, 3),
    ],
)
def test_what_was_asked_for_and_is_not_known_is_no_pass(
    tmp_path: Path, asked: tuple[str, ...], unknown: str, run: int, code: int
) -> None:
    gate = of_lint(unknown=unknown, outcome=GateOutcome.PASSED, code=0)
    head = a_run(gates=(gate,), exit_code=run)
    comparison = compare_runs(
        a_run(gates=(gate,)), [a_test()], head, [a_test()], policy=RegressionPolicy(fail_on=asked)
    )
    assert exit_of(Finished(run=head, tests=(a_test(),), reports=tmp_path), comparison) is ExitCode(code)


# Two real runs, of a gate that writes JUnit

CHECKLIST = """
[gate.test]
command = ["cp", "source.xml", "results.xml"]
reports = ["results.xml"]
tests = "junit"
"""


def junit(*failing: str) -> str:
    names = ("test_a", "test_b")
    bodies = {name: "<failure message='no'/>" if name in failing else "" for name in names}
    cases = "".join(
        f"<testcase classname='tests.m' name='{name}' time='0.01'>{body}</testcase>" for name, body in bodies.items()
    )
    return f"<testsuite name='s' tests='2' failures='{len(failing)}' errors='0'>{cases}</testsuite>"


def compared(
    repository: Repository, base: str = "HEAD", head: str = "worktree", folder: str = "", **more: Any
) -> tuple[int, dict[str, Any]]:
    outcome = compare_subjects(repository.root / folder, base, head, Request(), "gates compare", **more)
    file = outcome.finished.reports / "comparison.json"
    return int(outcome.exit_code), json.loads(file.read_text())


@pytest.mark.slow
def test_the_working_tree_is_compared_with_a_commit(repository: Repository) -> None:
    repository.commit({"gates.toml": CHECKLIST, "source.xml": junit(), ".gitignore": "/reports\nresults.xml\n"})
    assert compared(repository)[0] == 0
    repository.write({"source.xml": junit("test_b")})
    # The gate itself ends with 0: with the JUnit file against it, it failed.
    code, found = compared(repository)
    assert code == 5
    assert found["regression"] is True
    assert [name.rpartition("::")[2] for name in found["tests"]["newly_failing"]] == ["test_b"]
    assert [item["path"] for item in found["files"]] == ["source.xml"]
    assert "newly" in (repository.root / "reports/summary.md").read_text(encoding="utf-8").lower()
    assert load_run(repository.root / "reports/run.json").id == found["head_run"]


def test_a_fixed_test_is_no_regression(repository: Repository) -> None:
    repository.commit({"gates.toml": CHECKLIST, "source.xml": junit("test_a")})
    repository.write({"source.xml": junit()})
    code, found = compared(repository)
    assert code == 0
    assert [name.rpartition("::")[2] for name in found["tests"]["fixed"]] == ["test_a"]


@pytest.mark.slow
def test_what_takes_longer_is_timed_again_and_called_slower_where_time_is_given_for_it(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measured_comparison, "DEFAULTS", TimingSettings(pairs=10, least_pairs=10))
    repository.commit({"gates.toml": CHECKLIST, "source.xml": junit(), ".gitignore": "/reports\nresults.xml\n"})
    repository.write({"source.xml": junit().replace("0.01", "0.09", 1)})
    code, found = compared(repository)
    assert (code, found["suspects"], found["timing"]) == (0, 1, None)
    summary = repository.root / "reports/summary.md"
    assert "1 suspect in one run each, which proves nothing" in summary.read_text(encoding="utf-8")
    timed = CompareOptions(timing_budget=100.0, fail_on=("slower",), timed="test(test_b)")
    code, found = compared(repository, options=timed)
    assert (code, found["findings"]) == (5, ["slower"])
    changes = found["timing"]["changes"]
    assert [(one["test"].rpartition("::")[2], one["verdict"]) for one in changes] == [
        ("test_b", "same"),
        ("test_a", "slower"),
    ]
    assert changes[1]["ratio"] == pytest.approx(9.0)
    assert "1 slower, 1 same (2 re-timed in up to 10 pairs" in summary.read_text(encoding="utf-8")
    assert capsys.readouterr().err.count("START") == 3, "the base ran once, and timing itself says little"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expression", "notes"),
    [
        ("test(test_a)", []),
        ("test(test_a) | test(test_b)", []),
        ("test(test_b)", ["--timed 'test(test_b)' selects no test that passed on both sides"]),
        ("test(tset_a)", ["--timed 'test(tset_a)' selects no test"]),
    ],
)
def test_what_was_to_be_timed_and_is_not_there_is_told(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, expression: str, notes: list[str]
) -> None:
    monkeypatch.setattr(measured_comparison, "DEFAULTS", TimingSettings(pairs=1, least_pairs=1))
    repository.commit({"gates.toml": CHECKLIST, "source.xml": junit("test_b"), ".gitignore": "/reports\nresults.xml\n"})
    repository.write({"other": "file"})
    _, found = compared(repository, options=CompareOptions(timing_budget=100.0, timed=expression))
    assert [note for note in found["notes"] if "--timed" in note] == notes


@pytest.mark.slow
def test_a_base_that_was_run_before_is_not_run_again_and_that_is_said(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    def starts(**more: Any) -> tuple[int, list[str]]:
        _, found = compared(repository, **more)
        return capsys.readouterr().err.count("START"), [note for note in found["notes"] if "is reused for" in note]

    repository.commit({"gates.toml": CHECKLIST, "source.xml": junit(), ".gitignore": "/reports\nresults.xml\n"})
    repository.write({"source.xml": junit("test_b")})
    assert starts() == (2, [])
    ran, notes = starts()
    assert (ran, len(notes)) == (1, 1)
    assert "ago is reused for HEAD: same tree, interpreter, filter and checklist" in notes[0]
    assert starts(options=CompareOptions(fresh=True)) == (2, [])
    repository.git("commit", "--amend", "--quiet", "--message", "Same tree, another commit")
    assert starts()[0] == 1
    assert starts(head="HEAD")[0] == 0, "a commit on both sides"
    repository.commit({"other": "file"})
    assert starts() == (2, [])


@pytest.mark.slow
@pytest.mark.parametrize("head", ["worktree", "HEAD"])
def test_each_side_is_asked_for_its_gates_once(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, head: str
) -> None:
    asked: list[str] = []

    def discover(root: Path, config: Config) -> tuple[Gate, ...]:
        asked.append(str(root))
        return discover_module.discover(root, config)

    repository.commit({"gates.toml": CHECKLIST, "source.xml": junit(), ".gitignore": "/reports\nresults.xml\n"})
    repository.commit({"source.xml": junit("test_b")})
    monkeypatch.setattr(prepare_module, "discover", discover)
    monkeypatch.setattr(subjects, "discover", discover)
    _, found = compared(repository, "HEAD~", head, options=CompareOptions(confirm=2))
    assert (len(found["confirmations"]), len(asked), len(set(asked))) == (1, 2, 2)


def test_a_working_tree_that_changes_while_the_base_runs_is_run_as_it_is_then(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"gates.toml": CHECKLIST, "source.xml": junit(), ".gitignore": "/reports\nresults.xml\n"})
    run_base = Sides.run_base

    def edit(sides: Sides, *arguments: Any) -> object:
        done = run_base(sides, *arguments)
        repository.write({"source.xml": junit("test_b"), "gates.toml": CHECKLIST + 'title = "Later"\n'})
        return done

    monkeypatch.setattr(Sides, "run_base", edit)
    code, found = compared(repository)
    assert (code, len(found["tests"]["newly_failing"])) == (5, 1)
    assert [gate.title for gate in load_run(repository.root / "reports/run.json").gates] == ["Later"]


@pytest.mark.slow
def test_a_run_that_stands_for_another_commit_of_its_tree_is_told_as_that_and_leaves_foreign_reports_alone(
    repository: Repository,
) -> None:
    repository.commit({"gates.toml": CHECKLIST, "source.xml": junit(), "reports/README": "ours"})
    compared(repository, head="HEAD")
    repository.git("commit", "--amend", "--quiet", "--message", "Same tree, another commit")
    repository.write({"reports/mine.txt": "mine"})
    _, found = compared(repository, head="main")
    run = load_run(repository.root / "reports/run.json")
    assert (run.project, run.reports) == (repository.root.name, "reports"), "not those of the worktree it ran in"
    commit = repository.git("rev-parse", "HEAD")
    assert (run.subject.name, run.subject.commit) == ("main", commit)
    assert commit[:7] in found["base"]
    assert "ago is reused for main" in run.notes[-1], "what was not run now is told as such"
    assert "ago is reused for main" in (repository.root / "reports/summary.md").read_text(encoding="utf-8")
    kept = {name: (repository.root / "reports" / name).read_text() for name in ("README", "mine.txt")}
    assert kept == {"README": "ours", "mine.txt": "mine"}
    assert "test_a" in (repository.root / "reports/junit.xml").read_text()
    assert not repository.git("status", "--porcelain", "--", "reports/README")


@pytest.mark.slow
def test_a_kept_run_is_read_with_the_sources_of_its_tree(repository: Repository) -> None:
    """Though no worktree of it is there; in a subfolder of the repository, too."""
    files = {"sub/gates.toml": CHECKLIST, "sub/.gitignore": "/reports\nresults.xml\n", "other.py": ""}
    files["sub/source.xml"] = junit()
    files["sub/pyproject.toml"] = '[project]\nname = "x"\ndependencies = ["first"]\n'
    repository.commit(files)
    repository.write({"sub/pyproject.toml": '[project]\nname = "x"\ndependencies = []\n', "sub/new.py": ""})
    first, again = (compared(repository, folder="sub")[1] for _ in range(2))
    assert again["base_run"] == first["base_run"]
    assert [change["name"] for change in again["dependencies"]] == ["first"]
    assert again["dependencies"] == first["dependencies"]


@pytest.mark.slow
def test_a_base_that_borrows_the_checklist_is_run_again_when_that_changes(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    def starts() -> int:
        compared(repository)
        return capsys.readouterr().err.count("START")

    repository.commit({"source.xml": junit(), ".gitignore": "/reports\nresults.xml\n"})
    repository.write({"gates.toml": CHECKLIST})
    assert (starts(), starts()) == (2, 1)
    repository.write({"gates.toml": CHECKLIST + 'title = "Tests"\n'})
    assert (starts(), starts()) == (2, 1)


@pytest.mark.parametrize(
    ("options", "what"),
    [(CompareOptions(fail_on=("slower",)), "--fail-on slower"), (CompareOptions(timed="all()"), "--timed")],
)
def test_timing_without_a_budget_is_refused_before_anything_runs(
    repository: Repository, options: CompareOptions, what: str
) -> None:
    repository.commit({"gates.toml": CHECKLIST, "source.xml": junit()})
    with pytest.raises(UsageError, match=f"{what} needs a time"):
        compared(repository, options=options)
    with pytest.raises(GatesError, match="test"):
        compared(repository, options=CompareOptions(timing_budget=60.0, timed="test("))
    assert not (repository.root / "reports").exists()


def test_a_base_without_test_results_cannot_be_compared_with(repository: Repository) -> None:
    repository.commit({"gates.toml": CHECKLIST})
    repository.write({"source.xml": junit()})
    with pytest.raises(EnvironmentProblem, match="no test results") as caught:
        compared(repository)
    assert caught.value.got.startswith("test: failed")


def test_without_git_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(CHECKLIST)
    with pytest.raises(UsageError, match="no git repository"):
        compare_subjects(tmp_path, "main", "worktree", Request(), "gates compare")


def test_a_base_that_is_not_there_is_refused_before_anything_runs(repository: Repository) -> None:
    repository.commit({"gates.toml": CHECKLIST, "source.xml": junit()})
    with pytest.raises(UsageError, match="no commit is named 'mian', and no file either"):
        compared(repository, "mian")
    with pytest.raises(UsageError, match=r"no commit is named 'a.junit-xml', and no file either"):
        compared(repository, "HEAD", "a.junit-xml")
    assert not (repository.root / "reports").exists()


LINT = '[gate.lint]\ncommand = ["sh", "-c", "cat found; exit 1"]\n'


@pytest.mark.slow
def test_a_gate_that_only_brings_findings_may_be_younger_than_the_base(repository: Repository) -> None:
    files = {"source.xml": junit(), ".gitignore": "/reports\nresults.xml\n", "found": "source.xml:1:1: E1 bad\n"}
    repository.commit({"gates.toml": CHECKLIST, **files})
    repository.write({"gates.toml": CHECKLIST + LINT})
    code, found = compared(repository, options=CompareOptions(fail_on=("findings",)))
    assert code == 1, "lint fails, and nobody knows whether it would have on the base"
    assert found["diagnostics"] == [{"gate": "lint", "head": 1, "unknown": "base: the gate was not run"}]
    assert found["unjudged"] == ["findings"]
    repository.commit()
    code, found = compared(repository, options=CompareOptions(fail_on=("findings",)))
    assert (code, found["diagnostics"]) == (0, [{"gate": "lint", "base": 1, "head": 1}])
    # Alone it needs no tests.
    outcome = compare_subjects(repository.root, "HEAD", "worktree", Request(gates=("lint",)), "gates compare")
    assert outcome.exit_code == 0
