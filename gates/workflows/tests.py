"""The tests of a project or of a results file, as a filter sees them: `gates list -E`, `gates explain`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gates.config import Config, load_config
from gates.errors import EnvironmentProblem, NothingSelected, UsageError
from gates.exclusions import Exclusion, named_expressions
from gates.filters import (
    Candidate,
    Described,
    Expression,
    Facts,
    Predicate,
    Resolution,
    TableFacts,
    compile_filter,
    leaf_reports,
)
from gates.filters.explain import explain, render
from gates.filters.matchers import compile_duration
from gates.filters.nearest import nearest
from gates.filters.resolution import Names
from gates.git import Git, subject_of_worktree
from gates.results.files import load_tests
from gates.run import Engine, GateEnded, Settings, TestsDescribed
from gates.run.inject import write_injection
from gates.run.masking import Mask
from gates.run.signals import StopWish
from gates.run.start import Surroundings
from gates.store import Store
from gates.values import TestOutcome
from gates.workflows.compare import gates_with_tests
from gates.workflows.outside import WRONG, Outside, resolve_all
from gates.workflows.prepare import Prepared, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gates.plan import Request
    from gates.results import TestResult


class Tests(msgspec.Struct, frozen=True, kw_only=True):
    """Tests, and what is needed to say which of them an expression selects.

    Attributes:
        candidates: in the order in which they were found.
        facts: answers what is about more than a test itself.
        named: expressions that `default()` and `quarantined()` stand for.
        expression: what the request and the profile select; empty for all.
        exclusions: the ledger.
        quarantine: the other one.
    """

    candidates: tuple[Candidate, ...]
    facts: Facts
    named: dict[str, Expression]
    expression: str = ""
    exclusions: tuple[Exclusion, ...] = ()
    quarantine: tuple[Exclusion, ...] = ()


def tests_of_project(root: Path, request: Request) -> Tests:
    """Ask the gates that bring tests for their list, without running a test.

    Raises:
        GatesError: config, noxfile or request is wrong, or no gate lists a test.
    """
    prepared = prepare(root, request)
    if not request.gates:
        prepared = prepare(root, msgspec.structs.replace(request, gates=listing_gates(prepared)))
    plan = prepared.plan
    described = _described(prepared)
    candidates = {test["id"]: Described(test) for test in described}  # two gates may have the same tests
    return Tests(
        candidates=tuple(candidates.values()),
        facts=TableFacts(prepared.facts, "nobody asked"),
        named=named_expressions(plan.default_filter, plan.quarantine),
        expression=plan.filter,
        exclusions=plan.exclusions,
        quarantine=plan.quarantine,
    )


def listing_gates(prepared: Prepared) -> tuple[str, ...]:
    """Gates that say in the config that they are about tests; where none does, those that brought some."""
    sure = tuple(item.gate.name for item in prepared.plan.gates if item.gate.config.tests == "pytest")
    return sure or gates_with_tests(prepared)


def _described(prepared: Prepared) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    ended: list[GateEnded] = []
    with tempfile.TemporaryDirectory(prefix="gates-") as work, StopWish() as wish:
        folder = Path(work)
        (folder / "logs").mkdir()
        around = Surroundings(
            root=prepared.root,
            work=folder,
            logs=folder / "logs",
            injection=write_injection(folder),
            environment=dict(os.environ),
            plan=prepared.plan,
            mask=Mask(os.environ, prepared.config.mask_env, prepared.config.record_env),
            run_id=f"list-{os.getpid()}",
            collect=True,
        )
        engine = Engine(prepared.plan, Settings(config=prepared.config, around=around, stopped=wish.why))
        try:
            for event in engine.events():
                if isinstance(event, TestsDescribed):
                    found += event.tests
                elif isinstance(event, GateEnded):
                    ended.append(event)
            if not found:
                logs = [
                    (folder / event.result.log).read_text("utf-8", "replace") for event in ended if event.result.log
                ]
                tail = "\n".join(line for log in logs for line in log.splitlines()[-12:])
                raise EnvironmentProblem(
                    "no gate lists its tests",
                    place=", ".join(event.result.name for event in ended),
                    got=tail,
                    remedy="name a gate that runs pytest with --gate",
                )
        finally:
            engine.close()
    return found


class ResultFacts:
    """What results say of the tests that they are about: failed, slow, flaky; the rest is asked elsewhere."""

    def __init__(self, results: Sequence[TestResult], others: Facts) -> None:
        self._results, self._others = results, others

    def resolve(self, predicate: Predicate) -> Resolution:
        """The answer to one predicate."""
        if predicate.name == "failed" and predicate.matchers[0].text == "last":
            return self._split(lambda test: test.outcome in WRONG)
        if predicate.name == "flaky":
            return self._split(lambda test: test.outcome is TestOutcome.FLAKY)
        if predicate.name == "slow":
            holds = compile_duration(predicate.matchers[0])
            return self._split(lambda test: holds(test.duration))
        return self._others.resolve(predicate)

    def _split(self, holds: Callable[[TestResult], bool]) -> Resolution:
        yes = frozenset(test.id for test in self._results if holds(test))
        return Resolution(Names(tests=yes), otherwise=False)


def tests_of_files(root: Path, files: Sequence[Path], expressions: Iterable[str]) -> Tests:
    """The tests of results files: JUnit of any runner, or a `tests.jsonl`.

    Raises:
        GatesError: a file cannot be read.
    """
    results = [result for file in files for result in _results(file)]
    config, outside = _around(root)
    facts = ResultFacts(results, TableFacts(resolve_all(expressions, outside), "a results file says nothing of it"))
    return Tests(
        candidates=tuple(Candidate(result.id, result.file) for result in results),
        facts=facts,
        named=named_expressions("", config.quarantine),
    )


def _around(root: Path) -> tuple[Config, Outside]:
    config, git = load_config(root), Git.of(root)
    subject = subject_of_worktree(root, git, config.base)
    return config, Outside(root, config, git, subject, Store.of(root, git))


def _results(file: Path) -> tuple[TestResult, ...]:
    if file.suffix == ".jsonl":
        if not file.exists():
            raise UsageError("there is no such file", place=str(file))
        return load_tests(file)
    from gates.junit.read import case_results, read_junit

    report = read_junit(file)
    if not report.consistent:
        raise UsageError("contradicts itself", place=str(file), got="; ".join(report.contradictions))
    return case_results("", report)


def listing(tests: Tests, expression: str, *, as_json: bool = False) -> tuple[str, list[str]]:
    """The tests that match, one a line, and what must be said of the expression.

    Raises:
        GatesError: the expression is wrong, or names what nothing has.
        NothingSelected: no test matches.
    """
    selection = compile_filter(expression, tests.facts, tests.named).select(tests.candidates)
    reports = leaf_reports(selection, tests.candidates)
    wrong = [report.error for report in reports if report.error]
    if wrong:
        raise UsageError("the filter names what nothing has", got="\n       ".join(wrong))
    said = [report.warning for report in reports if report.warning]
    said += [f"{report.text}: {report.note}" for report in reports if report.note]
    found = [test for test, matched in zip(tests.candidates, selection.matched, strict=True) if matched]
    said.append(f"{len(found)} of {len(tests.candidates)} tests match")
    if not found:
        raise NothingSelected("no test matches", got="; ".join(said))
    if as_json:
        rows = [test.to_json() for test in found]
        return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n", said
    return "".join(f"{test.id}\n" for test in found), said


def explanation(tests: Tests, name: str, expression: str) -> str:
    """The tree of the expression, and of every ledger entry, with an answer at each node.

    Raises:
        UsageError: no test, or more than one, has the name.
    """
    test = find_test(tests.candidates, name)
    parts = [f"{test.id}\n"]
    verdict = "runs"
    wanted = expression or tests.expression
    if wanted:
        compiled = compile_filter(wanted, tests.facts, tests.named)
        parts.append(f"filter {wanted}\n{render(explain(compiled, test))}")
        verdict = "runs" if compiled.matches(test) else "is not selected by the filter"
    for kind, entries in (("exclusion", tests.exclusions), ("quarantine", tests.quarantine)):
        for entry in entries:
            compiled = compile_filter(entry.filter, tests.facts, tests.named)
            parts.append(f"{kind} {entry.name}\n{render(explain(compiled, test))}")
            if verdict == "runs" and compiled.evaluate(test):
                verdict = (
                    f"is excluded by {entry.name}" if kind == "exclusion" else f"runs, quarantined by {entry.name}"
                )
    parts.append(f"→ {verdict}\n")
    return "\n".join(parts)


def find_test(candidates: Sequence[Candidate], name: str) -> Candidate:
    """The test with this id, or the only one whose id contains it.

    Raises:
        UsageError: none or several.
    """
    exact = [test for test in candidates if test.id == name]
    found = exact or [test for test in candidates if name in test.id]
    if len(found) == 1:
        return found[0]
    if not found:
        near = nearest(name, {test.id for test in candidates} | {test.names.name for test in candidates})
        raise UsageError(
            f"no test is named {name!r}", remedy=f"did you mean {near!r}?" if near else "see gates list -E"
        )
    shown = "\n       ".join([*(test.id for test in found[:8]), *(["…"] if len(found) > 8 else [])])
    raise UsageError(f"{len(found)} tests are named so", got=shown, remedy="name one of them")


def facts_json(root: Path, expressions: Sequence[str]) -> str:
    """What the program knows of the predicates of some expressions, for a pytest that runs without a runner."""
    _, outside = _around(root)
    known = {text: resolution.to_json() for text, resolution in resolve_all(expressions, outside).items()}
    return msgspec.json.encode(known).decode()


__all__ = ["Tests", "explanation", "facts_json", "find_test", "listing", "tests_of_files", "tests_of_project"]
