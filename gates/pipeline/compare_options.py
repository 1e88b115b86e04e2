"""The options of a comparison, and the checks before and after the base runs."""

from __future__ import annotations

import msgspec

from gates.compare.values import BaseFailures
from gates.pipeline.compared_gates import gates_known_to_have_tests
from gates.pipeline.execute import Finished
from gates.pipeline.timing import asked_filter
from gates.planning.prepare import Prepared
from gates.portable.errors import EnvironmentProblem, UsageError
from gates.portable.filters.nearest import nearest
from gates.portable.values import REGRESSIONS, GateOutcome
from gates.results.files import CONFIRM_FOLDER, LOGS_FOLDER, RED_GREEN_FOLDER, TIMING_FOLDER
from gates.run.start import log_names
from gates.run.witnesses.names import IMPORTS
from gates.storage.claims import NAMES
from gates.storage.reports import refuse_taken


class CompareOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How two sides are compared.

    Attributes:
        accepted: names of entries of the ledgers that may grow, besides those that the config accepts.
        accept_weakened: findings that are accepted, besides those that the config accepts: `ID=REASON`.
        fail_on: the findings that make a regression.
        scope: globs of files that the branch may change; empty uses those of the config.
        base_failures: what to do with tests that fail as on the base; None uses the config.
        confirm: how often newly failing tests are run again on both sides.
        timing_budget: seconds for re-timing tests; None uses the config.
        timed: a filter expression: these tests are always re-timed.
        all_gates: run the whole checklist, not only gates with tests.
        fresh: run everything again, even what was run before on the same tree.
        mutants: seconds for mutants of changed lines and of what changed tests reach; None tries none.
        red_green: run the head's new and changed tests on the base's code; `fail_on` may ask for it, too.
    """

    accepted: tuple[str, ...] = ()
    accept_weakened: tuple[str, ...] = ()
    fail_on: tuple[str, ...] = REGRESSIONS
    scope: tuple[str, ...] = ()
    base_failures: BaseFailures | None = None
    confirm: int = 0
    timing_budget: float | None = None
    timed: str = ""
    all_gates: bool = False
    fresh: bool = False
    red_green: bool = False
    mutants: float | None = None

    @property
    def without_change(self) -> bool:
        """Whether the head's tests are run without its change: nothing else can tell what is `not-red`."""
        return self.red_green or "not-red" in self.fail_on


def refuse_taken_folders(prepared: Prepared, options: CompareOptions, budget: float | None) -> None:
    """Refuse, before anything runs, to replace reports that gates did not write."""
    folders = [
        f"{CONFIRM_FOLDER}/{side}-{number + 1}" for side in ("base", "head") for number in range(options.confirm)
    ]
    folders += [f"{TIMING_FOLDER}/{side}" for side in ("base", "head") if budget]
    folders += [f"{RED_GREEN_FOLDER}/base"] if options.without_change else []
    needs = [f"{LOGS_FOLDER}/{name}" for name in log_names(prepared.plan).values()]
    needs += [f"{folder}/{name}" for folder in folders for name in NAMES["run"]]
    refuse_taken(prepared.reports, prepared.store.records, root=prepared.home, needs=needs)


def need_budget(options: CompareOptions, budget: float | None) -> None:
    """Refuse what cannot be timed, or tried, before anything runs."""
    if "survived" in options.fail_on and not options.mutants:
        raise UsageError("--fail-on survived needs mutants", expected="a budget for them", remedy="--mutants 2m")
    if options.timed:
        asked_filter(options.timed)
    if budget:
        return
    asked = "--timed" if options.timed else "--fail-on slower" if "slower" in options.fail_on else ""
    if asked:
        raise UsageError(
            f"{asked} needs a time budget to re-time tests",
            expected="a budget",
            remedy="--timing-budget 2m, or timing-budget in the config",
        )


def refuse_foreign_imports(base: Finished, name: str) -> None:
    """Refuse a base whose tests imported the code of another folder."""
    foreign = [
        witness.detail
        for gate in base.run.gates
        for witness in gate.witnesses
        if witness.name == IMPORTS and witness.outcome is GateOutcome.FAILED
    ]
    if foreign:
        raise EnvironmentProblem("the base cannot be compared with", place=name, got=foreign[0])


def need_tests(prepared: Prepared, base: Finished, name: str) -> None:
    """Refuse a base without results although it is known to have tests; a gate without tests is compared by its outcome."""
    known = set(gates_known_to_have_tests(prepared))
    if base.run.tests is not None or not known.intersection(gate.name for gate in base.run.gates):
        return
    passed = all(gate.outcome is GateOutcome.PASSED for gate in base.run.gates)
    raise (UsageError if passed else EnvironmentProblem)(
        "the base has no test results to compare with",
        place=f"{name} ({base.run.subject.commit[:12]})",
        got=", ".join(f"{gate.name}: {gate.outcome} {gate.reason}".strip() for gate in base.run.gates),
        remedy=f"look at {base.reports / 'logs'}",
    )


def refuse_unknown_names(prepared: Prepared, accepted: tuple[str, ...]) -> None:
    """Refuse names that no exclusion and no quarantine entry has."""
    known = [entry.name for entry in (*prepared.config.exclusions, *prepared.config.quarantine)]
    for name in accepted:
        if name not in known:
            near = nearest(name, known)
            raise UsageError(
                f"no exclusion is named {name!r}",
                remedy=f"did you mean {near!r}?" if near else f"known: {', '.join(known) or 'none'}",
            )
