"""`gates run --debug TEST`: one test, in the foreground, with a debugger; nothing is recorded."""

from __future__ import annotations

import dataclasses
import os
import secrets
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import msgspec

from gates.files.temporary import scratch
from gates.pipeline.collect import collect_tests
from gates.pipeline.open_run import write_facts
from gates.planning.plan import Request
from gates.planning.prepare import Prepared, plan_run, prepare
from gates.planning.pytest_gates import pytest_gates
from gates.planning.test_queries import find_test
from gates.portable.errors import EnvironmentProblem, UsageError
from gates.portable.regular import read_bytes
from gates.portable.settings.declare import replace
from gates.portable.values import ExitCode
from gates.results.outstanding import Part
from gates.run.inject import write_injection
from gates.run.masking import StructMask
from gates.run.remains import known
from gates.run.start import RunContext, command_line_of, command_of, gate_environment
from gates.storage.streams import streams_in


def debug_test(root: Path, request: Request, name: str) -> ExitCode:
    """Run a test interactively: no workers, no capture, no time limits, `pdb` at failures and breakpoints.

    Args:
        root: the project's folder.
        request: what else the user asked for.
        name: id of the test, or an unambiguous part of it.

    Raises:
        UsageError: no test, or more than one, has the name.
        GatesError: config or noxfile is wrong, no gate lists its tests, or the test's gate cannot be started.
    """
    prepared = prepare(root, request)
    gate, test = _find(prepared, request, pytest_gates(prepared, request.gates), name)
    alone = replace(
        request,
        gates=(gate,),
        needs=False,
        only={gate: Part(tests=(test,), anyway=True)},
        include_excluded=True,
        no_capture=True,
    )
    return _run(plan_run(prepared, alone))


def _find(prepared: Prepared, request: Request, gates: tuple[str, ...], name: str) -> tuple[str, str]:
    """The first gate that has the test, and the test's id."""
    missed: UsageError | None = None
    for gate in gates:
        tests = collect_tests(prepared, replace(request, gates=(gate,)))
        try:
            return gate, find_test(tests.candidates, name).id
        except UsageError as error:
            missed = missed or error
    raise missed or UsageError(f"no test is named {name!r}", got="no gate lists its tests", remedy="--gate NAME")


def _run(prepared: Prepared) -> ExitCode:
    # No limits, no supervisor, no retries: a person who inspects variables may take any time.
    needed = tuple(
        dataclasses.replace(layer, settings={"setup": layer.settings["setup"]})
        for layer in prepared.plan.rules
        if "setup" in layer.settings
    )
    plan = msgspec.structs.replace(
        prepared.plan,
        rules=needed,
        quarantine=(),
        settings=replace(prepared.plan.settings, test_timeout=None),
        config=replace(prepared.plan.config, supervise=False),
    )
    (planned,) = plan.gates
    run_id = f"debug-{secrets.token_hex(8)}"
    with scratch() as folder, known(prepared.store.folder, run_id):
        context = RunContext(
            root=prepared.root,
            work=folder,
            logs=streams_in(folder),
            injection=write_injection(folder),
            environment=dict(os.environ),
            plan=plan,
            mask=StructMask.of(prepared.config),
            run_id=run_id,
            facts=write_facts(folder, prepared.facts),
            debug=True,
        )
        own = folder / "gate-1"
        inbox = own / "inbox"
        inbox.mkdir(parents=True)
        environment = gate_environment(planned, 1, context, own)
        print(context.mask.text(command_line_of(planned, plan)), flush=True)
        command = command_of(planned, plan, own / "nox.json")
        return _foreground(command, prepared.root / planned.gate.config.cwd, environment, inbox)


def _foreground(command: tuple[str, ...], folder: Path, environment: dict[str, str], inbox: Path) -> ExitCode:
    """Run a gate's command on the terminal. Ctrl-C goes to the debugger, or ends everything while no test session runs.

    Processes between here and pytest ignore it, because nox would end the session. The plugin makes pytest handle it again.
    """
    interrupted = False

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal interrupted
        if process is not None and not _testing(inbox):
            interrupted = True
            _end(process.pid)

    process: subprocess.Popen[bytes] | None = None
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited
    try:
        process = subprocess.Popen(command, cwd=folder, env=environment)
        signal.signal(signal.SIGINT, interrupt)
        code = process.wait()
    except OSError as error:
        raise EnvironmentProblem(f"cannot start {command[0]}: {error.strerror}", place=str(folder)) from error
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.PASSED if code == 0 else ExitCode.GATE_FAILED


def _testing(inbox: Path) -> bool:
    """Whether a pytest session has begun and not ended."""
    return any(b'{"type":"finish"' not in read_bytes(stream) for stream in inbox.glob("pytest-*.jsonl"))


def _end(pid: int) -> None:
    import psutil

    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        for process in [*top.children(recursive=True), top]:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
