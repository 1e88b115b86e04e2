"""What is outstanding after a run, and what remains after a rerun. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gates.portable.values import BAD_TESTS, LOST_TESTS, GateOutcome, TestOutcome, plural
from gates.results import GateResult, Run, TestResult


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a run for its tests: a rerun applies them to new tests.

    Attributes:
        profile: name of the checklist.
        filter: the user's expression; empty for none.
        partition: the part of the selected tests; empty for all.
        include_excluded: exclusions were switched off.
        ignore_default_filter: the profile's filter was ignored.
    """

    profile: str = "default"
    filter: str = ""
    partition: str = ""
    include_excluded: bool = False
    ignore_default_filter: bool = False


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The tests of a gate to run.

    Attributes:
        tests: their ids.
        seen: ids of all other known tests; a test in neither list is new, and runs, too. None: none is new.
        anyway: run `tests` even if the filter does not select them.
        alone: collect only their files, and run them even if one of these cannot be collected.
    """

    tests: tuple[str, ...]
    seen: tuple[str, ...] | None = None
    anyway: bool = False
    alone: bool = False


class Outstanding(msgspec.Struct, frozen=True, kw_only=True):
    """What is outstanding after the last run of a working tree.

    Attributes:
        run: its id; after a rerun, that of the original run.
        identity: of the tree that this run validated.
        asked: its options.
        tests: gate → tests that failed or did not finish.
        seen: gate → tests that are known and no longer outstanding.
        gates: gates that did not pass, in checklist order.
        passed: gates that did.
    """

    run: str
    identity: str
    asked: Asked
    tests: dict[str, tuple[str, ...]]
    seen: dict[str, tuple[str, ...]]
    gates: tuple[str, ...]
    passed: tuple[str, ...]

    @property
    def all_gates(self) -> tuple[str, ...]:
        """Gates with something outstanding."""
        return (*self.gates, *(gate for gate in self.tests if gate not in self.gates))

    def parts(self, *, anyway: bool) -> dict[str, Part]:
        """Gate → its tests to run; all tests of other gates run.

        Args:
            anyway: the filter is that of the run, so outstanding tests were selected when it ran.
        """
        return {
            gate: Part(tests=tests, seen=self.seen.get(gate, ()), anyway=anyway) for gate, tests in self.tests.items()
        }


def left_by(
    run: Run, tests: Sequence[TestResult], asked: Asked, before: Outstanding | None = None, *, narrowed: bool = False
) -> Outstanding:
    """What is outstanding after a run.

    Args:
        run: the run.
        tests: its tests.
        asked: its options; for a rerun, those of the original run count.
        before: what was outstanding before a rerun; None for a new run.
        narrowed: the rerun was limited to some of the outstanding tests.
    """
    of_gate: dict[str, list[TestResult]] = {}
    for test in tests:
        of_gate.setdefault(test.gate, []).append(test)
    left = dict(before.tests) if before is not None else {}
    seen = dict(before.seen) if before is not None else {}
    for gate in run.gates:
        known = left.pop(gate.name, ())
        if gate.unasked:  # it cannot run only some of its tests: it is outstanding as a whole, or not at all
            continue
        found = _settle(known, of_gate.get(gate.name, ()), keep=narrowed or not _ok(gate))
        if found[0]:
            left[gate.name] = found[0]
        settled = (*seen.get(gate.name, ()), *found[1])
        if settled:
            seen[gate.name] = tuple(name for name in dict.fromkeys(settled) if name not in set(found[0]))
    # A gate that should run as a whole did not if only some of its tests were selected.
    partly = {
        gate.name
        for gate in run.gates
        if before is not None
        and narrowed
        and gate.tests
        and gate.name in before.gates
        and gate.name not in before.tests
    }
    ran = {gate.name for gate in run.gates}
    failed = [gate.name for gate in run.gates if not _ok(gate) or gate.name in partly]
    passed = [
        gate.name for gate in run.gates if gate.outcome is GateOutcome.PASSED and gate.name not in (*left, *partly)
    ]
    if before is not None:
        failed += [name for name in before.gates if name not in ran]
        passed += [name for name in before.passed if name not in ran]
    return Outstanding(
        run=before.run if before is not None else run.id,
        identity=before.identity if before is not None else run.subject.identity,
        asked=before.asked if before is not None else asked,
        tests=left,
        seen=seen,
        gates=tuple(failed),
        passed=tuple(passed),
    )


def _settle(known: Sequence[str], results: Sequence[TestResult], *, keep: bool) -> tuple[tuple[str, ...], list[str]]:
    """Tests of a gate that are outstanding now, and those that finished.

    An outstanding test that does not appear again no longer exists, if the gate passed and was not
    narrowed; else (`keep`) it may just not have been reached.
    """
    # A gate may run a test in several processes: a pass in one does not make up for a failure in another.
    wrong = {test.id: None for test in results if test.outcome in BAD_TESTS or test.outcome in LOST_TESTS}
    ended = {test.id for test in results} - set(wrong)
    read = {name.partition("::")[0] for name in ended}  # files that could not be collected before, but now could
    kept = [name for name in known if keep and name not in ended and name not in read]
    excluded = {test.id for test in results if test.outcome is TestOutcome.EXCLUDED}
    return tuple(dict.fromkeys([*kept, *wrong])), sorted(ended - excluded)


def _ok(gate: GateResult) -> bool:
    return gate.outcome is GateOutcome.PASSED or gate.accepted


def said_of_rerun(left: Outstanding, chosen: Sequence[str], needed: Sequence[str] = ()) -> list[str]:
    """Describe what is run again of the chosen gates, and what is not.

    Args:
        left: what is outstanding.
        chosen: gates that run because they have something outstanding.
        needed: gates that run because those need them.
    """
    parts = [gate for gate in chosen if gate in left.tests]
    whole = [gate for gate in chosen if gate not in left.tests]
    number = sum(len(left.tests[gate]) for gate in parts)
    said = [f"{plural(number, 'test')} of {', '.join(parts)}"] if parts else []
    said += [f"all of {', '.join(whole)}"] if whole else []
    notes = [f"rerun of {left.run}: {' and '.join(said)}"]
    passed = [gate for gate in left.passed if gate not in needed]
    if passed:
        notes.append(f"not run again: {', '.join(passed)}, which passed in {left.run} or a rerun of it")
    later = [gate for gate in left.all_gates if gate not in chosen]
    if later:
        notes.append(f"still outstanding: {', '.join(later)}")
    return notes
