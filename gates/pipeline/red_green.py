"""`gates compare BASE --red-green`: run the head's new and changed tests without its change."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from gates.analysis.recorded.records import without_parameters
from gates.analysis.recorded.watch import is_test_code
from gates.analysis.side_of_tests import SideOfTests, changes_behaviour
from gates.compare.added_names import added_names
from gates.compare.inputs import SourceChanges
from gates.compare.red_green import Chosen, choose, judge, judge_gates, without_names
from gates.compare.tests import naming
from gates.compare.values import TestsComparison
from gates.config.request import Request
from gates.pipeline.base_and_head import Grafted
from gates.pipeline.confirm import only_these
from gates.pipeline.execute import Finished
from gates.pipeline.recorded_assertions import watch_changed_tests
from gates.pipeline.side_of_tests import read_test_side
from gates.portable.errors import GatesError
from gates.portable.settings.declare import replace
from gates.portable.values import ExitCode, plural
from gates.results import RedGreen, TestResult
from gates.results.duplicates import worst_of
from gates.results.files import RED_GREEN_FOLDER
from gates.vcs.git import Git
from gates.vcs.grafts import graft
from gates.vcs.texts import texts_of

LIMIT, PATIENCE = 10.0, 20.0
"""A test that ends on the head hangs without the change after these seconds, and this many times its time on the head."""


IN_ALL, SHARE = 300.0, 3.0
"""The whole run ends after these seconds and this many times those of its gates on the head, besides ten tests that hang."""


CHEAP = 0.5
"""Seconds that all tests together may take on the head to be run again by default where they fail: a flaky one shows nothing."""

FEW = 2.0
"""Seconds of tests that are not worth more than one worker, each of which has to start."""

RunGrafted = Callable[[Grafted, Request, Path], Finished]
"""Runs it: `Sides.run_grafted`."""


class BothRuns(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of base and head.

    Attributes:
        before: the base's.
        after: the head's.
        tests: what changed in their tests.
        watched: tests of the head whose code differs from that of the base, as far as they are watched.
    """

    before: Finished
    after: Finished
    tests: TestsComparison
    watched: frozenset[str] = frozenset()


class WithoutChange(msgspec.Struct, frozen=True, kw_only=True):
    """What the tests showed.

    Attributes:
        found: about each of them.
        interrupted: the user ended it.
    """

    found: RedGreen
    interrupted: bool = False


def red_green(
    git: Git, code: str, runs: BothRuns, sources: SourceChanges, request: Request, run: RunGrafted, confirm: int = 0
) -> WithoutChange:
    """Put the head's test files on the code that it changed, and run its new and changed tests there.

    Args:
        git: the repository.
        code: the commit without the change: where the head left the base.
        runs: of both sides.
        sources: what changed.
        request: what the user asked for.
        run: runs the commit that is made.
        confirm: how often a failing test is run again at least.
    """
    try:
        return _red_green(git, code, runs, sources, request, run, confirm)
    except GatesError as error:
        return WithoutChange(found=RedGreen(unknown=f"the tests could not be run without the change: {error}"))


def _red_green(
    git: Git, code: str, runs: BothRuns, sources: SourceChanges, request: Request, run: RunGrafted, confirm: int
) -> WithoutChange:
    head = _tree(runs.after)
    tests = read_test_side(git, code, head, sources.files, {result.file for result in runs.after.tests})
    rest = [one for one in sources.files if not tests.brings(one.path)]
    if not any(map(changes_behaviour, rest)):
        return WithoutChange(found=RedGreen(production=False))
    chosen, left_out = _chosen(git, code, runs, sources, tests)
    whole = without_names(runs.after.run.gates) if tests.paths else ()
    known = RedGreen(left_out=left_out, settings=tests.settings)
    if not chosen and not whole:
        return WithoutChange(found=known)
    folders = git.listed("ls-tree", "-r", "-d", "-z", "--full-tree", "--name-only", code)
    added = added_names(sources.files, tests.paths, sources.of_the_branch, folders, git.prefix)
    able = [one.result for one in chosen if one.can_show]
    if not able and not whole:
        return WithoutChange(found=replaced(known, tests=judge(chosen, {}, (), added)))
    began = time.monotonic()
    wanted = _only(request, runs.after, able, whole, confirm)
    what = [plural(len(able), "new or changed test")] if able else []
    sys.stderr.write(
        f"red-green: {' and '.join([*what, *whole])} without the change: a failure shows that a test needs it\n"
    )
    grafted = Grafted(
        code=code,
        commit=graft(git, code, head, tests.paths, tests.texts),
        name=f"{code[:12]} with the tests of {runs.after.run.subject.name}",
        own_checklist=bool(tests.settings),
    )
    done = run(grafted, wanted, runs.after.reports / RED_GREEN_FOLDER / "base")
    (texts,) = texts_of(git, ((head, {one.result.file for one in chosen}),))
    ended = worst_of(done.tests, naming((*runs.before.tests, *runs.after.tests)))
    found = replaced(
        known,
        tests=(*judge(chosen, ended, done.run.gates, added, texts), *judge_gates(whole, done.run.gates, added)),
        seconds=round(time.monotonic() - began, 3),
    )
    if done.run.exit_code == ExitCode.INTERRUPTED:
        return WithoutChange(found=replaced(found, unknown="interrupted before every test ended"), interrupted=True)
    return WithoutChange(found=found)


def replaced(found: RedGreen, **fields: object) -> RedGreen:
    """A copy with other fields."""
    return msgspec.structs.replace(found, **fields)


def _chosen(
    git: Git, code: str, runs: BothRuns, sources: SourceChanges, tests: SideOfTests
) -> tuple[tuple[Chosen, ...], tuple[str, ...]]:
    named = naming((*runs.before.tests, *runs.after.tests))
    prefix = git.prefix
    changed = {one.path.removeprefix(prefix) for one in sources.files if one.path.startswith(prefix)}
    brought = {path.removeprefix(prefix) for path in tests.paths if path.startswith(prefix)}
    results = worst_of(runs.after.tests, named)
    new = [name for name in runs.tests.new if name in results]
    code_tree, head = git.tree(code), _tree(runs.after)
    if code_tree != _tree(runs.before):
        # The base has commits that the head lacks: what they removed is missing there, and still not new.
        new = _not_there(git, code, {name: results[name] for name in new})
    known = set(new)
    watched = runs.watched if code_tree == _tree(runs.before) else _watched(git, code_tree, head)
    # Files that pytest is told about by its settings are not watched: there any test may differ.
    others = {path for path in brought if not is_test_code(path)}
    differing = [
        name
        for name, result in results.items()
        if name not in known and (without_parameters(result.id) in watched or result.file in others)
    ]
    return choose(results, new, differing, changed - brought)


def _watched(git: Git, code: str, head: str) -> frozenset[str]:
    watch = watch_changed_tests(git, (code, head)).get("head")
    return watch.tests if watch is not None else frozenset()


def _not_there(git: Git, code: str, results: Mapping[str, TestResult]) -> list[str]:
    """Those of these tests whose function the code does not have."""
    (texts,) = texts_of(git, ((code, {result.file for result in results.values()}),))
    return [name for name, result in results.items() if not _defines(texts.get(result.file, ""), result)]


def _defines(text: str, result: TestResult) -> bool:
    name = result.id.partition("[")[0].rpartition("::")[2]
    return re.search(rf"^\s*(?:async\s+)?def\s+{re.escape(name)}\b", text, re.MULTILINE) is not None


def _only(
    request: Request, after: Finished, tests: Sequence[TestResult], whole: Sequence[str], confirm: int
) -> Request:
    """The request for these tests, and for gates that run as a whole, with limits for what hangs."""
    only = only_these(request, [(result.gate, result.id) for result in tests])
    gates = (*(only.gates or ()), *whole)
    limit = max(LIMIT, PATIENCE * max((result.duration for result in tests), default=0.0))
    in_all = IN_ALL + SHARE * sum(gate.duration for gate in after.run.gates) + 10 * limit
    own = after.output
    seconds = sum(result.duration for result in tests)
    return replace(
        only,
        gates=gates,
        # A type checker refuses tests that use what the change adds; it must not keep them from showing that.
        despite_needs=True,
        only={gate: msgspec.structs.replace(part, alone=True) for gate, part in only.only.items()},
        global_timeout=min(in_all, own.global_timeout or in_all),
        workers=request.workers or (1 if seconds <= FEW else None),
        test_timeout=min(limit, own.test_timeout or limit),
        retries=max(confirm, int(seconds <= CHEAP)),
    )


def _tree(side: Finished) -> str:
    return side.run.subject.identity.removeprefix("git-tree:")
