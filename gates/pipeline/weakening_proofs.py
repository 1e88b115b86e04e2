"""Look for faults in the head's code that the base's version of a changed test notices, and no test of the head.

Both versions judge the same code, that of the head: a second worktree has it with the base's test files. So a changed
behaviour is no evidence against a test, and a check that moved to another test is not missed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gates.analysis.imports import Imports, build_imports, project_files
from gates.analysis.mutants.choose import diff_of, faults_of
from gates.analysis.mutants.source import Fault
from gates.analysis.nearness import nearness
from gates.analysis.side_of_tests import is_of_tests
from gates.compare.proofs import Proof
from gates.pipeline.mutant_answers import Told
from gates.pipeline.mutant_session import SessionOrder, try_faults
from gates.pipeline.mutation import slow_tests
from gates.pipeline.side_of_tests import read_test_side
from gates.planning.pytest_gates import pytest_gates
from gates.portable.errors import GatesError
from gates.portable.regular import read_bytes
from gates.portable.values import plural
from gates.results import FileChange, Subject
from gates.vcs.branches import commit_of
from gates.vcs.git import Git
from gates.vcs.grafts import graft

if TYPE_CHECKING:
    from gates.config.request import Request
    from gates.pipeline.base_and_head import Sides
    from gates.planning.prepare import Prepared

EACH, FILES, KEPT = 12, 40, 6
"""Faults that are tried with each test; files of production code that they come from; faults of a test that the head's tests try."""

FIRST = 0.5
"""Part of the budget for the base's versions of the tests; the rest is for the head's tests."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which tests may check less.

    Attributes:
        base: the base, as it was run.
        head: the head, as it was run.
        fork: the commit where the head left the base.
        files: that the head changed since.
        tests: ids of the base's tests, without parameters, the most suspicious first.
        with_tests: files in which tests were found.
        budget: seconds.
    """

    base: Subject
    head: Subject
    fork: str
    files: Sequence[FileChange]
    tests: Sequence[str]
    with_tests: frozenset[str]
    budget: float


class Proofs(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Attributes:
        found: the faults.
        notes: for the reader.
        stopped: why the user ended it; empty if it was not ended.
    """

    found: tuple[Proof, ...] = ()
    notes: tuple[str, ...] = ()
    stopped: str = ""


def prove(git: Git, sides: Sides, asked: Question, request: Request) -> Proofs:
    """Look for such faults.

    Args:
        git: the repository.
        sides: check out the subjects.
        asked: which tests may check less.
        request: what the user asked for.
    """
    if not asked.tests:
        return Proofs()
    try:
        return _prove(git, sides, asked, request)
    except GatesError as error:
        return Proofs(notes=(f"the base's versions of changed tests could not be run on the head's code: {error}",))


def _prove(git: Git, sides: Sides, asked: Question, request: Request) -> Proofs:
    ends = time.monotonic() + asked.budget
    sys.stderr.write(f"mutants: {plural(len(asked.tests), 'changed test')} as on the base, on the head's code\n")
    head = asked.head.identity.removeprefix("git-tree:")
    base = git.tree(asked.fork)
    brought = read_test_side(git, base, head, asked.files, asked.with_tests).paths
    code = commit_of(git, head, asked.head.commit)
    commit = graft(git, code, base, brought)
    name = f"{asked.head.name} with the tests of {asked.base.name}"
    with sides.grafted(commit, name, asked.base.commit, request) as prepared:
        before = _Tests()
        order = _of_each_test(prepared, asked)
        if order is None:
            return Proofs()
        stopped = try_faults(prepared, order, before.take).stopped
    noticed = before.noticed()
    failing = tuple(Proof(test=test) for test in sorted(before.failed.intersection(asked.tests)))
    if not noticed or stopped:
        return Proofs(found=failing, stopped=stopped)
    faults = {one.id: one for one in order.faults}
    chosen = [faults[name] for name in dict.fromkeys(name for names in noticed.values() for name in names)]
    with sides.prepared("head", request, None) as prepared:
        after = _Tests()
        stopped = try_faults(prepared, _of_all_tests(prepared, asked, chosen, order, ends, brought), after.take).stopped
    found = tuple(_proofs(noticed, after, faults, order.texts))
    notes = () if after.complete else (
        f"{plural(len(after.left), 'test')} of the head did not fit into the budget, so it is not known whether they notice what changed tests no longer do",
    )  # fmt: skip
    return Proofs(
        found=(*found, *failing) if after.complete else failing, notes=notes if noticed else (), stopped=stopped
    )


def _of_each_test(prepared: Prepared, asked: Question) -> SessionOrder | None:
    """Faults in the code nearest to the tests."""
    imports = build_imports(prepared.root, project_files(prepared.root, prepared.git))
    tests = {test.partition("::")[0] for test in asked.tests}
    texts: dict[str, str] = {}
    faults: list[Fault] = []
    for path in needed_by_tests(imports, tests)[:FILES]:
        data = read_bytes(prepared.root / path)
        found = sorted(faults_of(path, data), key=lambda one: -one.weight)
        if found:
            texts[path] = data.decode("utf-8")
            faults += found
    if not faults:
        return None
    return SessionOrder(
        gate=pytest_gates(prepared)[0],
        faults=faults,
        texts=texts,
        near=dict.fromkeys(tests, 0),
        seconds=asked.budget * FIRST,
        only=asked.tests,
        of_each_test=EACH,
    )


def needed_by_tests(imports: Imports, tests: set[str]) -> list[str]:
    """Files of production code that test files need, the nearest first."""
    found: dict[str, None] = {}
    seen, border = set(tests), set(tests)
    while border:
        border = {file for path in border for file in imports.edges.get(path, ())} - seen
        seen |= border
        found |= dict.fromkeys(sorted(path for path in border if not is_of_tests(path, path, imports.layout)))
    return list(found)


def _of_all_tests(
    prepared: Prepared,
    asked: Question,
    faults: Sequence[Fault],
    order: SessionOrder,
    ends: float,
    brought: frozenset[str] | set[str],
) -> SessionOrder:
    """The same faults for all tests of the head, those of changed files first."""
    imports = build_imports(prepared.root, project_files(prepared.root, prepared.git))
    texts = {path: order.texts[path] for path in {one.path for one in faults}}
    near = nearness(imports, texts)
    near |= {path: -1 for path in near if path in brought}
    return SessionOrder(
        gate=order.gate,
        faults=faults,
        texts=texts,
        near=near,
        seconds=max(asked.budget * FIRST / 2, ends - time.monotonic()),
        slow=slow_tests(prepared),
        every=True,
    )


class _Tests:
    """What the tests of one side did."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.unreached: set[str] = set()
        self.passed: set[str] = set()
        self.failed: set[str] = set()
        self.left: list[str] = []
        self._ended = False

    def take(self, record: Mapping[str, Any]) -> None:
        """Process a record of the session."""
        kind = record["kind"]
        if kind == "mutant":
            self.told.append(msgspec.convert({key: value for key, value in record.items() if key != "kind"}, Told))
        elif kind == "unreached":
            self.unreached |= set(record["ids"])
        elif kind == "test":
            (self.failed if record["failed"] else self.passed).add(record["id"].partition("[")[0])
        elif kind == "recorded":
            self.left = record["left"]
        elif kind == "end":
            self._ended = True

    @property
    def complete(self) -> bool:
        """Whether every test that may notice a fault was tried."""
        return self._ended and not self.left

    def noticed(self) -> dict[str, list[str]]:
        """Test → faults that it alone noticed, those that an assertion found first."""
        found: dict[str, list[Told]] = {}
        for one in self.told:
            if one.finding == "killed":
                found.setdefault(one.killed_by.partition("[")[0], []).append(one)
        return {
            test: [one.id for one in sorted(several, key=lambda one: not one.asserted)][:KEPT]
            for test, several in found.items()
        }


def _proofs(
    noticed: Mapping[str, Sequence[str]], after: _Tests, faults: Mapping[str, Fault], texts: Mapping[str, str]
) -> list[Proof]:
    survived = {one.id for one in after.told if one.finding == "survived"} | after.unreached
    found = []
    for test, names in noticed.items():
        name = next((one for one in names if one in survived), "")
        if name:
            fault = faults[name]
            place = f"{fault.path}:{fault.line}"
            found.append(Proof(test=test, diff=diff_of(fault, texts[fault.path].encode()), place=place))
    return found
