"""The tests of results files, as a filter sees them: JUnit from any runner, or a `tests.jsonl`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from gates.planning.filter_facts import WRONG, ExternalFacts, resolve_all
from gates.planning.prepare import records_of
from gates.planning.test_queries import Tests
from gates.portable.errors import UsageError
from gates.portable.exclusions import named_expressions
from gates.portable.filters import Candidate, Facts, Predicate, Resolution, TableFacts
from gates.portable.filters.matchers import compile_duration
from gates.portable.filters.resolution import NamedTests
from gates.portable.values import TestOutcome
from gates.results import TestResult
from gates.results.files import load_tests
from gates.storage.evidence import refuse_altered


class RecordedTest(Candidate):
    """A test of a results file. If that does not name the test's file, it is unknown."""

    def __init__(self, result: TestResult) -> None:
        super().__init__(result.id, result.file)
        self.placed = bool(result.file)


class Subtest(RecordedTest):
    """A part of a test that failed by itself; only results show it."""

    kind = "subtest"

    def __init__(self, result: TestResult, name: str) -> None:
        super().__init__(result)
        self.id = f"{result.id} {name}"


class ResultFacts:
    """What results show about their tests: failed, slow, flaky. Everything else is answered elsewhere."""

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
        return Resolution(NamedTests(tests=yes), otherwise=False)


def tests_of_files(root: Path, files: Sequence[Path], expressions: Iterable[str]) -> Tests:
    """The tests of results files: JUnit from any runner, or a `tests.jsonl`.

    Raises:
        GatesError: a file cannot be read.
    """
    outside = ExternalFacts.of_worktree(root)
    results = [result for file in files for result in results_of(file, outside.config.junit, records_of(root))[0]]
    facts = ResultFacts(results, TableFacts(resolve_all(expressions, outside), "a results file does not record it"))
    return Tests(
        candidates=tuple(test for result in results for test in _candidates(result)),
        facts=facts,
        named=named_expressions("", outside.config.quarantine),
    )


def _candidates(result: TestResult) -> Iterator[Candidate]:
    yield RecordedTest(result)
    for subtest in result.subtests:
        yield Subtest(result, subtest.name)


def results_of(
    file: Path, rules: Mapping[str, int | tuple[str, ...]] | None = None, records: Path | None = None
) -> tuple[tuple[TestResult, ...], tuple[str, ...]]:
    """The results in a file, and its harmless oddities. Their gate is empty if the file does not name it.

    Args:
        file: JUnit from any runner, or a `tests.jsonl`.
        rules: limits for a JUnit file and accepted oddities, if not the default: fields of `JUnitRules`.
        records: where runs of the project are recorded, to check the files next to a `run.json`; None does not check.

    Raises:
        GatesError: it cannot be read, is something else, or contradicts itself.
    """
    if file.suffix.lower() == ".jsonl":
        if not file.exists():
            raise UsageError("there is no such file", place=str(file))
        refuse_altered(file, records)
        return load_tests(file), ()
    from gates.readers.junit.read import read_junit
    from gates.readers.junit.rules import JUnitRules

    refuse_altered(file, records)
    report = read_junit(file, JUnitRules.of(rules or {}))
    if not report.consistent:
        raise UsageError(
            "contradicts itself: it is inconsistent, and never counts as passed",
            place=str(file),
            got="; ".join(report.contradictions),
        )
    return report.results, report.notes
