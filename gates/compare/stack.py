"""A stack of branches: the layer that introduced each failure, and the state of each layer."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from gates.portable.errors import UsageError
from gates.portable.values import BAD_TESTS, LOST_TESTS, SCHEMA_VERSION, ExitCode, GateOutcome, worst_exit
from gates.results import Run, TestCounts, TestResult

State = Literal[
    "validated",
    "failed",
    "inherited",
    "conflict",
    "could-not-run",
    "nothing-selected",
    "interrupted",
    "not-run",
    "merged",
]
How = Literal["layer", "merge", "trunk", "outdated"]


class Failing(msgspec.Struct, frozen=True, order=True):
    """Something that fails in one run: a test, or a gate whose tests do not fail (`test` is empty).

    Attributes:
        gate: its gate.
        test: its id.
        signature: its cause; empty if unknown.
    """

    gate: str
    test: str = ""
    signature: str = ""

    def is_that_of(self, other: Failing) -> bool:
        """Whether the same thing fails for the same cause, as far as both causes are known."""
        if (self.gate, self.test) != (other.gate, other.test):
            return False
        return self.signature == other.signature or not (self.signature and other.signature)


class StackRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a stack, with the facts that the stack needs.

    Attributes:
        subject: what was run, in words.
        identity: its tree.
        commit: its commit.
        run: id of the run; empty if there is none.
        outcome: of the run.
        exit_code: of the run.
        reason: why it could not run.
        tests: counts.
        failing: what fails.
        unknown: gates that did not end, or could not run: nothing is known about their tests.
        same_as: the subject of this stack with the same tree, whose run this is; empty if the run is its own.
        stored: it was made by an earlier command on the same tree.
        age: seconds since a stored run started.
        reports: its folder, below the reports.
    """

    subject: str
    identity: str
    commit: str = ""
    run: str = ""
    outcome: str = "not-run"
    exit_code: int = 0
    reason: str = ""
    tests: TestCounts | None = None
    failing: tuple[Failing, ...] = ()
    unknown: tuple[str, ...] = ()
    same_as: str = ""
    stored: bool = False
    age: float = 0.0
    reports: str = ""

    @property
    def known(self) -> bool:
        """Whether there is a run."""
        return bool(self.run)

    def tells_of(self, failing: Failing) -> bool:
        """Whether the run shows if this fails. If a whole gate failed, nothing is known about its lost tests."""
        if not self.known or failing.gate in self.unknown:
            return False
        return self.has(failing) or not failing.test or Failing(failing.gate) not in self.failing

    def has(self, failing: Failing) -> bool:
        """Whether this fails here, for the same cause."""
        return any(one.is_that_of(failing) for one in self.failing)


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A failure in the stack, and the lowest layer that introduced it.

    Attributes:
        gate: its gate.
        test: its id; empty for a gate that fails by itself.
        signature: its cause; the same test with another cause is another failure.
        introduced_by: a layer, or the trunk.
        how: `layer`: it fails on the layer and not on its parent. `merge`: only once the layer is merged into the
            trunk. `trunk`: it fails on the trunk already. `outdated`: the layer above has it of an older state of this one,
            which has it no more: a rebase removes it.
        certain: False if it is not known whether it failed before.
        seen: the subjects that it fails on.
    """

    gate: str
    test: str
    signature: str = ""
    introduced_by: str
    how: How
    certain: bool = True
    seen: tuple[str, ...] = ()


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """A branch of the stack.

    Attributes:
        name: of the branch.
        parent: what it is based on: another layer, or the trunk.
        parent_source: where the parent was found.
        former_parent: the recorded parent, if it is merged or gone.
        number: place in the stack, from 1 at the trunk.
        total: height of the stack through it.
        title: the title of its first commit.
        commit: its tip.
        parent_commit: tip of its parent.
        fork: the commit where it branched off.
        ahead: commits that its parent lacks.
        behind: commits of the parent that it does not have.
        rebase: `pending`: it must be rebased onto its parent. `after-parent`: its parent must be first.
        rebase_conflicts: files in which that would conflict.
        rebase_command: the command that rebases it.
        merge_conflicts: files in which its merge into the trunk conflicts.
        merged: the trunk has all of it.
        state: what is known of it.
        base_state: the same, of its parent.
        own: its run.
        merge: the run of its merge into the trunk.
        base: the run of the commit where it branched off, if that was needed.
        merge_command: the command that merges it.
    """

    name: str
    parent: str
    parent_source: str = ""
    former_parent: str = ""
    number: int = 1
    total: int = 1
    title: str = ""
    commit: str = ""
    parent_commit: str = ""
    fork: str = ""
    ahead: int = 0
    behind: int = 0
    rebase: Literal["", "pending", "after-parent"] = ""
    rebase_conflicts: tuple[str, ...] = ()
    rebase_command: str = ""
    merge_conflicts: tuple[str, ...] = ()
    merged: bool = False
    state: State = "not-run"
    base_state: State = "not-run"
    own: StackRun | None = None
    merge: StackRun | None = None
    base: StackRun | None = None
    merge_command: str = ""


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """A stack of branches, each of which was run alone and merged into the trunk.

    Attributes:
        trunk: what the stack is merged into.
        trunk_commit: its commit.
        trunk_state: what is known of it.
        trunk_run: its run.
        layers: each layer after its parent.
        failures: what fails, and where it was introduced.
        exit_code: of the command.
        notes: what else the reader must know.
    """

    schema_version: int = SCHEMA_VERSION
    trunk: str
    trunk_commit: str
    trunk_state: State = "not-run"
    trunk_run: StackRun | None = None
    layers: tuple[Layer, ...] = ()
    failures: tuple[Failure, ...] = ()
    exit_code: int = 0
    notes: tuple[str, ...] = ()


def arrange(parents: Mapping[str, str], trunk: str) -> tuple[str, ...]:
    """All layers, each after its parent; layers with the same parent keep their order.

    Raises:
        UsageError: some are based on each other, and none of them on the trunk.
    """
    above: dict[str, list[str]] = {}
    for name, parent in parents.items():
        above.setdefault(parent, []).append(name)
    order: list[str] = []
    waiting = [trunk]
    while waiting:
        name = waiting.pop()
        if name != trunk:
            order.append(name)
        waiting += reversed(above.get(name, []))
    lost = [name for name in parents if name not in order]
    if lost:
        raise UsageError(
            "these branches do not lead to the trunk",
            got=", ".join(f"{name} on {parents[name]}" for name in lost),
            remedy=shlex.join(["git", "config", f"branch.{lost[0]}.gates-parent", trunk]),
        )
    return tuple(order)


def members(parents: Mapping[str, str], start: str, trunk: str) -> tuple[str, ...]:
    """The layers of the stack that `start` is part of: down to the trunk, and everything above these."""
    chain: list[str] = []
    while start != trunk and start in parents and start not in chain:
        chain.append(start)
        start = parents[start]
    chosen = set(chain)
    grown = True
    while grown:
        more = {name for name, parent in parents.items() if parent in chosen and name not in chosen}
        chosen |= more
        grown = bool(more)
    return tuple(name for name in parents if name in chosen)


def numbered(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The layers with their place in the stack; merged ones still count."""
    depth: dict[str, int] = {}
    for layer in layers:
        depth[layer.name] = depth.get(layer.former_parent or layer.parent, 0) + 1
    height = dict(depth)
    for layer in reversed(layers):
        below = layer.former_parent or layer.parent
        if below in height:
            height[below] = max(height[below], height[layer.name])
    return tuple(msgspec.structs.replace(layer, number=depth[layer.name], total=height[layer.name]) for layer in layers)


def failing_of(run: Run, tests: Sequence[TestResult]) -> tuple[tuple[Failing, ...], tuple[str, ...]]:
    """What fails in a run, and the gates about which nothing is known."""
    wrong = dict.fromkeys(
        Failing(test.gate, test.id, test.signature) for test in tests if test.outcome in BAD_TESTS | LOST_TESTS
    )
    told = {failing.gate for failing in wrong}
    ended = {gate.name: gate.outcome for gate in run.gates}
    alone = [
        Failing(name)
        for name, outcome in ended.items()
        if outcome in (GateOutcome.FAILED, GateOutcome.TIMEOUT) and name not in told
    ]
    silent = (GateOutcome.COULD_NOT_RUN, GateOutcome.INTERRUPTED, GateOutcome.SKIPPED)
    unknown = tuple(name for name in run.planned if ended.get(name, GateOutcome.INTERRUPTED) in silent)
    return (*alone, *wrong), unknown


def asks_for_base(layer: Layer, parent: StackRun | None) -> bool:
    """Whether the run of the commit where the layer branched off is needed to tell what the layer introduced."""
    if layer.own is None or parent is None or layer.fork in ("", layer.parent_commit):
        return False
    return any(not parent.has(failing) for failing in layer.own.failing)


_Origin = tuple[str, How, bool]


def attribute(trunk: str, trunk_run: StackRun | None, layers: Sequence[Layer]) -> tuple[Failure, ...]:
    """Where each failure was introduced; layers must come after their parents."""
    runs = {trunk: trunk_run} | {layer.name: layer.own for layer in layers}
    at_trunk: dict[Failing, _Origin] = dict.fromkeys(trunk_run.failing if trunk_run else (), (trunk, "trunk", True))
    alone = {trunk: at_trunk}
    merged: dict[str, dict[Failing, _Origin]] = {trunk: {}}
    seen: dict[tuple[Failing, _Origin], list[str]] = {}
    for layer in layers:
        own, merge = alone.setdefault(layer.name, {}), merged.setdefault(layer.name, {})
        for failing in layer.own.failing if layer.own else ():
            own[failing] = _origin(layer, failing, runs.get(layer.parent), alone.get(layer.parent, {}))
            seen.setdefault((failing, own[failing]), []).append(layer.name)
        for failing in layer.merge.failing if layer.merge else ():
            known = (own, at_trunk, merged.get(layer.parent, {}))
            found = next((origin for origins in known if (origin := _find(origins, failing))), None)
            sure = all(run is not None and run.tells_of(failing) for run in (layer.own, trunk_run))
            merge[failing] = found or (layer.name, "merge", sure)
            seen.setdefault((failing, merge[failing]), []).append(f"{layer.name} merged into {trunk}")
    return tuple(
        Failure(
            gate=one.gate,
            test=one.test,
            signature=one.signature,
            introduced_by=by,
            how=how,
            certain=certain,
            seen=tuple(subjects),
        )
        for (one, (by, how, certain)), subjects in seen.items()
    )


def _origin(
    layer: Layer, failing: Failing, parent_run: StackRun | None, inherited: Mapping[Failing, _Origin]
) -> _Origin:
    base = layer.base or parent_run
    if base is None or not base.tells_of(failing):
        return layer.name, "layer", False
    if not base.has(failing):
        return layer.name, "layer", True
    return _find(inherited, failing) or (layer.parent, "outdated", True)


def _find(origins: Mapping[Failing, _Origin], failing: Failing) -> _Origin | None:
    exact = origins.get(failing)
    return exact or next((origin for one, origin in origins.items() if one.is_that_of(failing)), None)


def state_of_run(run: StackRun | None) -> State:
    """What one run shows."""
    if run is None or not (run.known or run.reason):
        return "not-run"
    words: dict[str, State] = {
        "passed": "validated",
        "interrupted": "interrupted",
        "could-not-run": "could-not-run",
        "nothing-selected": "nothing-selected",
    }
    return words.get(run.outcome, "failed")


def state_of_layer(layer: Layer, failures: Sequence[Failure]) -> State:
    """What is known of a layer: the worst of its run and the run of its merge."""
    if layer.merged:
        return "merged"
    states = {state_of_run(layer.own), state_of_run(layer.merge)}
    introduced = any(one.introduced_by == layer.name and one.how in ("layer", "merge") for one in failures)
    if "interrupted" in states:
        return "interrupted"
    if introduced:
        return "failed"
    if layer.merge_conflicts:
        return "conflict"
    if "failed" in states:
        found = any(run is not None and run.failing for run in (layer.own, layer.merge))
        return "inherited" if found else "failed"
    order: tuple[State, ...] = ("could-not-run", "nothing-selected", "not-run", "validated")
    return next(state for state in order if state in states)


def with_verdicts(stack: Stack) -> Stack:
    """The stack with its failures, the state of each layer, and the exit code."""
    failures = attribute(stack.trunk, stack.trunk_run, stack.layers)
    states: dict[str, State] = {stack.trunk: state_of_run(stack.trunk_run)}
    layers = []
    for layer in stack.layers:
        states[layer.name] = state_of_layer(layer, failures)
        below = states.get(layer.parent, "not-run")
        layers.append(msgspec.structs.replace(layer, state=states[layer.name], base_state=below))
    return msgspec.structs.replace(
        stack,
        trunk_state=states[stack.trunk],
        layers=tuple(layers),
        failures=failures,
        exit_code=int(exit_of_stack(layers, failures)),
    )


def exit_of_stack(layers: Sequence[Layer], failures: Sequence[Failure]) -> ExitCode:
    """Exit code of a stack. As in a comparison, a failure that a layer introduced is a regression.

    The trunk's own run does not count: a stack may repair the trunk.
    """
    codes = [ExitCode(run.exit_code) for layer in layers for run in (layer.own, layer.merge) if run is not None]
    if any(one.how in ("layer", "merge") and one.certain for one in failures):
        codes = [ExitCode.REGRESSION if code is ExitCode.GATE_FAILED else code for code in codes]
        codes.append(ExitCode.REGRESSION)
    if any(layer.merge_conflicts for layer in layers if not layer.merged):
        codes.append(ExitCode.GATE_FAILED)
    return worst_exit(codes)
