"""How to start a gate: its command, its variables, and the line to paste."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import msgspec

from gates.planning.discover import nox_command
from gates.planning.plan import Plan, PlannedGate
from gates.portable.exclusions import to_json
from gates.portable.masking.handover import handed_over
from gates.portable.rules import RuleBook
from gates.portable.settings.plugin import PluginSettings
from gates.portable.settings.run import VARIABLES
from gates.portable.values import GateOutcome
from gates.results import GateResult
from gates.run.echo import Echo
from gates.run.inject import injected
from gates.run.launching import Keeper
from gates.run.masking import StructMask
from gates.run.processes import MARKER
from gates.run.programs import Answers
from gates.storage.streams import Begin

JUNIT_FILE = "pytest.xml"
_ASKED = frozenset(VARIABLES.values())
OUTCOME_VARIABLE = "GATES_OUTCOME"


class RunContext(msgspec.Struct, frozen=True, kw_only=True):
    """The data that all gates of a run share.

    Attributes:
        root: the project's folder.
        work: temporary folder of the run.
        logs: begins the log of a gate.
        injection: folder for `PYTHONPATH`.
        environment: variables that every gate starts from.
        plan: the run's plan.
        mask: hides secrets.
        run_id: names the run in the marker.
        salt: for digests of secrets that are sent to test processes.
        checkout: the root of the working tree that contains the project; None for the project's folder.
        facts: file with outside facts for predicates; None if none are needed.
        assertions: file with what is recorded of tests (see `assertions` of the plugin); None for nothing.
        history: file with previous results of tests, for their order; None if not needed.
        debug: open `pdb` when a test fails.
        echo: shows the output of gates live; None if not requested.
        collect: list and describe tests instead of running them.
        mutants: file with faults to try instead of running the tests; None to run them.
        keeper: starts processes, and ends their leftovers.
        answers: what programs said their versions are.
        clock: seconds, monotonic.
        today: date by which exclusions expire.
    """

    root: Path
    work: Path
    logs: Begin
    injection: Path
    environment: Mapping[str, str]
    plan: Plan
    mask: StructMask
    run_id: str
    salt: str = msgspec.field(default_factory=lambda: secrets.token_hex(8))
    checkout: Path | None = None
    facts: Path | None = None
    assertions: Path | None = None
    history: Path | None = None
    collect: bool = False
    mutants: Path | None = None
    debug: bool = False
    echo: Echo | None = None
    keeper: Keeper = msgspec.field(default_factory=Keeper)
    answers: Answers = msgspec.field(default_factory=Answers)
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


def own_environment(planned: PlannedGate, context: RunContext) -> dict[str, str]:
    """The variables that a gate would have without gates."""
    # The options of this run are not meant for runs that a gate may start.
    environment = {name: value for name, value in context.environment.items() if name not in _ASKED}
    for change in planned.gate.config.env:
        if change.value is None:
            environment.pop(change.name, None)
        else:
            environment[change.name] = change.value
    return environment


def marked(environment: dict[str, str], run_id: str, process: str) -> dict[str, str]:
    """The variables, with the marker of a gate, or of another process of the run."""
    return environment | {MARKER: f"{environment.get(MARKER, '')} {run_id}-{process}".strip()}


def gate_environment(
    planned: PlannedGate, number: int, context: RunContext, folder: Path, *, inject: bool = True
) -> dict[str, str]:
    """All variables of a gate's process."""
    plan, environment = context.plan, own_environment(planned, context)
    if not inject:
        options = environment.get("PYTEST_ADDOPTS", "")
        environment["PYTEST_ADDOPTS"] = f"{options} {shlex.quote(f'--junitxml={folder / JUNIT_FILE}')}".strip()
    elif planned.gate.config.tests != "none":
        settings = _settings_of(planned, context, environment, folder)
        environment |= injected(environment, context.injection, folder / "inbox", settings)
    if plan.settings.no_capture:
        environment["PYTEST_ADDOPTS"] = f"{environment.get('PYTEST_ADDOPTS', '')} -s".strip()
    environment[OUTCOME_VARIABLE] = str(folder / "outcome.json")
    return marked(environment, context.run_id, str(number))


def _settings_of(
    planned: PlannedGate, context: RunContext, environment: Mapping[str, str], folder: Path
) -> PluginSettings:
    plan = context.plan
    told = plan.settings.of_tests
    if planned.needed:
        told |= {"filter": plan.default_filter, "partition": ""}
    return PluginSettings(
        **told,
        exclusions=tuple(to_json(entry) for entry in plan.config.exclusions),
        quarantine=tuple(to_json(entry) for entry in plan.quarantine),
        default_filter=plan.default_filter,
        workers=planned.workers or None,
        workers_reason=planned.workers_reason,
        foreground=plan.settings.no_capture or context.mutants is not None,
        debug=context.debug,
        facts_file=str(context.facts) if context.facts is not None else "",
        collect_only=context.collect,
        describe=context.collect,
        rules=tuple(RuleBook(plan.rules).to_json()),
        root=str(context.root),
        secrets=handed_over(context.mask, environment, context.salt),
        locks=str(context.work),
        groups=plan.config.groups,
        supervise=plan.config.supervise,
        history_file=str(context.history) if context.history is not None else "",
        assertions_file=str(context.assertions) if context.assertions is not None else "",
        only_file=_only(planned, folder),
        mutants_file=str(context.mutants) if context.mutants is not None else "",
        scripts={name: asdict(script) for name, script in plan.config.scripts.items()},
    )


def _only(planned: PlannedGate, folder: Path) -> str:
    """Write the ids of the tests that a gate must run, unless it runs all; there may be many."""
    if planned.only is None:
        return ""
    path = folder / "only.json"
    path.write_bytes(msgspec.json.encode(planned.only))
    return str(path)


def command_of(planned: PlannedGate, plan: Plan, report: Path) -> tuple[str, ...]:
    """The arguments with which a gate is started."""
    gate = planned.gate
    if gate.kind == "command":
        return gate.config.command + gate.config.args
    reuse = ("-R",) if plan.settings.no_install else ()
    rest = ("--", *gate.config.args) if gate.config.args else ()
    words = ("-s", gate.signature, "--error-on-missing-interpreters", *reuse, "--report", str(report))
    return nox_command(*words, *plan.config.nox_args, *rest)


def command_line_of(planned: PlannedGate, plan: Plan) -> str:
    """The command to paste for running the gate alone, with its variables in front."""
    gate = planned.gate
    clears = [f"-u {change.name}" for change in gate.config.env if change.value is None]
    sets = [f"{change.name}={shlex.quote(change.value)}" for change in gate.config.env if change.value is not None]
    front = ["env", *clears, *sets] if clears else sets
    if gate.kind == "command":
        words = [shlex.join(gate.config.command + gate.config.args)]
        if gate.config.cwd:
            return f"(cd {shlex.quote(gate.config.cwd)} && {' '.join(front + words)})"
    else:
        rest = ["--", *gate.config.args] if gate.config.args else []
        reuse = ["-R"] if plan.settings.no_install else []
        words = [shlex.join(["nox", *reuse, "-s", gate.signature, *plan.config.nox_args, *rest])]
    return " ".join(front + words)


def file_name(name: str) -> str:
    """A gate's name as a file name: `test(db='a')` → `test-db-a`."""
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)
    while "--" in kept:
        kept = kept.replace("--", "-")
    return kept.strip("-.") or "gate"


def log_names(plan: Plan) -> dict[str, str]:
    """Gate → name of its log; if two gates get the same file name, the later one gets a number."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for item in plan.gates:
        stem, number = file_name(item.gate.name), 1
        name = f"{stem}.log"
        while name.lower() in taken:  # some systems ignore case
            number += 1
            name = f"{stem}-{number}.log"
        taken.add(name.lower())
        found[item.gate.name] = name
    return found


def not_started(planned: PlannedGate, plan: Plan, outcome: GateOutcome, reason: str) -> GateResult:
    """The result of a gate that was never started."""
    return GateResult(
        name=planned.gate.name,
        title=planned.gate.title,
        kind=planned.gate.kind,
        outcome=outcome,
        reason=reason,
        command_line=command_line_of(planned, plan),
        environment=planned.gate.config.env,
    )
