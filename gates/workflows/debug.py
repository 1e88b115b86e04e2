"""`gates run --debug TEST`: one test, in the foreground, with a debugger; nothing is recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gates.errors import UsageError
from gates.outstanding import Part
from gates.run.inject import write_injection
from gates.run.masking import Mask
from gates.run.start import Surroundings, command_line_of, command_of, gate_environment
from gates.values import ExitCode
from gates.workflows.collect import listing_gates, tests_of_project
from gates.workflows.prepare import Prepared, prepare
from gates.workflows.tests import find_test

if TYPE_CHECKING:
    from gates.plan import Request


def debug_test(root: Path, request: Request, name: str) -> ExitCode:
    """Run a test where the user can type: no workers, no capture, no time limits, `pdb` where it fails or breaks.

    Args:
        root: the project's folder.
        request: what the user asked for besides.
        name: id of the test, or a part of only one.

    Raises:
        UsageError: no test, or more than one, has the name.
        GatesError: config or noxfile is wrong, or no gate lists its tests.
    """
    prepared = prepare(root, request)
    gate, test = _find(root, request, request.gates or listing_gates(prepared), name)
    alone = msgspec.structs.replace(
        request, gates=(gate,), only={gate: Part(tests=(test,), anyway=True)}, no_capture=True
    )
    return _run(prepare(root, alone))


def _find(root: Path, request: Request, gates: tuple[str, ...], name: str) -> tuple[str, str]:
    """The first gate that has the test, and the test's id."""
    missed: UsageError | None = None
    for gate in gates:
        tests = tests_of_project(root, msgspec.structs.replace(request, gates=(gate,)))
        try:
            return gate, find_test(tests.candidates, name).id
        except UsageError as error:
            missed = missed or error
    raise missed or UsageError(f"no test is named {name!r}", got="no gate lists its tests", remedy="--gate NAME")


def _run(prepared: Prepared) -> ExitCode:
    # No limits and no supervisor: a person who looks at variables takes as long as it takes.
    plan = msgspec.structs.replace(prepared.plan, rules=(), test_timeout=None, supervise=False)
    (planned,) = plan.gates
    with tempfile.TemporaryDirectory(prefix="gates-") as work:
        folder = Path(work)
        around = Surroundings(
            root=prepared.root,
            work=folder,
            logs=folder,
            injection=write_injection(folder),
            environment=dict(os.environ),
            plan=plan,
            mask=Mask(os.environ, prepared.config.mask_env, prepared.config.record_env),
            run_id=f"debug-{os.getpid()}",
            debug=True,
        )
        own = folder / "gate-1"
        (own / "inbox").mkdir(parents=True)
        environment = gate_environment(planned, 1, around, own)
        print(f"{command_line_of(planned, plan)}", flush=True)
        # Ctrl-C is for the debugger. A handler, not SIG_IGN, which the child would inherit.
        before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
        try:
            code = subprocess.call(
                command_of(planned, plan, own / "nox.json"),
                cwd=prepared.root / planned.gate.config.cwd,
                env=environment,
            )
        finally:
            signal.signal(signal.SIGINT, before)
    return ExitCode.PASSED if code == 0 else ExitCode.GATE_FAILED
