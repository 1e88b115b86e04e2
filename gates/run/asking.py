"""Decide which programs of an ended gate are asked for their versions, and begin to ask."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence

from gates.planning.plan import PlannedGate
from gates.portable.values import GateOutcome
from gates.results import GateResult
from gates.run.processes import GateProcess
from gates.run.programs import Key, Programs
from gates.run.start import RunContext, marked, own_environment
from gates.run.version_commands import Words, program_name, version_commands, version_commands_of_session

_UNASKED = (GateOutcome.INTERRUPTED, GateOutcome.COULD_NOT_RUN, GateOutcome.SKIPPED)


def asked_by(
    planned: PlannedGate, context: RunContext, number: int, result: GateResult, nox: Sequence[str]
) -> Programs:
    """Ask the programs of a gate. It has ended: what its tools install when they are first used is there now.

    Args:
        planned: the gate.
        context: what all gates share.
        number: of the gate's start.
        result: how it ended.
        nox: what nox printed.
    """
    config, folder = planned.gate.config, context.root / planned.gate.config.cwd
    environment = own_environment(planned, context)

    def start(command: Words, nth: int) -> GateProcess:
        own = marked(environment, context.run_id, f"{number}v{nth}")
        return GateProcess(command, cwd=folder, environment=own, keeper=context.keeper)

    keys: list[Key] = [(command, folder, config.env) for command in _commands(planned, context, result, nox)]
    for key in keys:
        if key[0] == (sys.executable, "--version"):
            context.answers.keep(key, platform.python_version(), "")
    return Programs(keys, context.answers, start, context.clock, named=config.versions is not None)


def _commands(planned: PlannedGate, context: RunContext, result: GateResult, nox: Sequence[str]) -> tuple[Words, ...]:
    if context.collect or context.mutants is not None or result.outcome in _UNASKED:
        return ()
    config = planned.gate.config
    if config.versions is not None:
        return config.versions
    if planned.gate.kind == "nox":
        return version_commands_of_session(nox)
    return tuple(words for words in version_commands(config.command) if program_name(words) not in result.tools)
