"""Record which assertions of changed tests run on both sides, and compare the records.

What to record is known before the sides run, so it happens inside their usual runs. Only a stored run that does not have
what this comparison needs gets those of its tests run once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from gates.analysis.recorded.missing import missing_checks
from gates.analysis.recorded.records import passed_places, why_unknown, without_parameters
from gates.analysis.recorded.watch import Watch, changed_tests, choose, is_test_code
from gates.pipeline.confirm import only_these
from gates.portable.errors import GatesError
from gates.portable.values import RAN_TESTS, ExitCode
from gates.results import TestResult, Weakening
from gates.vcs.git import Git
from gates.vcs.texts import texts_of

if TYPE_CHECKING:
    from gates.config.request import Request
    from gates.pipeline.base_and_head import Sides
    from gates.pipeline.confirm import Which
    from gates.pipeline.execute import Finished

_NAMES: tuple[Which, Which] = ("base", "head")

FOLDER = "recorded"
"""Folder for the reports of the extra runs, in those of the head."""


class RecordedAssertions(msgspec.Struct, frozen=True, kw_only=True):
    """What the records of both sides show.

    Attributes:
        weakenings: assertions that ran on the base and check nothing on the head.
        ran: places of assertions that passed on the head: file and line.
        notes: what is not known, and why.
    """

    weakenings: tuple[Weakening, ...] = ()
    ran: frozenset[tuple[str, int]] = frozenset()
    notes: tuple[str, ...] = ()


NOT_RECORDED = RecordedAssertions()


def watch_changed_tests(git: Git, trees: tuple[str, str], fork: str = "") -> dict[Which, Watch]:
    """What to record on each side: the tests whose code the branch changed, and the base did not change meanwhile.

    Args:
        git: the repository.
        trees: of base and head.
        fork: tree that the branch began at; empty for the base.
    """
    base, head = trees
    fork = fork or base
    changed = _differing(git, fork, head)
    if all(path.endswith(".py") and not is_test_code(path) for path in changed):
        return {}
    began, after = _test_code(git, fork), _test_code(git, head)
    if base == fork:
        return dict(zip(_NAMES, choose(began, after, changed), strict=True))
    before = _test_code(git, base)
    others = changed_tests(began, before, _differing(git, fork, base))
    return dict(zip(_NAMES, choose(began, after, changed, run=before, without=others), strict=True))


def _differing(git: Git, before: str, after: str) -> list[str]:
    """The paths that differ, from the project's folder."""
    names = git.need("diff-tree", "-r", "-z", "--no-renames", "--name-only", before, after).split("\0")
    return [name.removeprefix(git.prefix) for name in names if name.startswith(git.prefix) and name]


def _test_code(git: Git, tree: str) -> Mapping[str, bytes]:
    """The test code of a tree, by path from the project's folder."""
    names = git.need("ls-tree", "-r", "-z", "--full-tree", "--name-only", tree).split("\0")
    inside = [name.removeprefix(git.prefix) for name in names if name.startswith(git.prefix)]
    (texts,) = texts_of(git, [(tree, filter(is_test_code, inside))])
    return {path: text.encode("utf-8", "surrogateescape") for path, text in texts.items()}


def compare_records(sides: Sides, request: Request, finished: tuple[Finished, Finished]) -> RecordedAssertions:
    """Compare what both sides recorded; a stored run without a record gets these tests run again.

    Args:
        sides: of the comparison.
        request: what the user asked for.
        finished: the runs of base and head.
    """
    if not any(sides.watches.values()):
        return NOT_RECORDED
    notes: list[str] = []
    results = []
    for name, side in zip(_NAMES, finished, strict=True):
        tests, trouble = _with_records(sides, name, request, side, finished[1])
        results.append(tests)
        notes += trouble
    watches = sides.watches["base"], sides.watches["head"]
    found = missing_checks(watches, (results[0], results[1]))
    return RecordedAssertions(weakenings=found, ran=passed_places(results[1]), notes=(*notes, *why_unknown(results[1])))


def _with_records(
    sides: Sides, name: Which, request: Request, side: Finished, head: Finished
) -> tuple[tuple[TestResult, ...], tuple[str, ...]]:
    """The results of a side with records, and why some have none."""
    missing = _unrecorded(sides.watches[name], side.tests)
    if not missing:
        return side.tests, ()
    wanted = only_these(request, [(result.gate, result.id) for result in missing])
    try:
        done = sides.record(name, wanted, head.reports / FOLDER / name).finished
    except GatesError as error:
        return side.tests, (f"the assertions of changed tests could not be recorded on the {name}: {error}",)
    if done.run.exit_code == ExitCode.INTERRUPTED:
        return side.tests, (f"interrupted before the assertions of changed tests were recorded on the {name}",)
    return (*side.tests, *done.tests), ()


def _unrecorded(watch: Watch, tests: Iterable[TestResult]) -> list[TestResult]:
    """Results of tests that ran without a record, although it is wanted."""
    return [
        test
        for test in tests
        if test.checks is None and test.outcome in RAN_TESTS and without_parameters(test.id) in watch.tests
    ]
