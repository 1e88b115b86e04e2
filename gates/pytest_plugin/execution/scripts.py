"""Setup scripts: each runs once per session, before the first test that needs it, and may set variables for tests.

The first process takes the script's lock, runs it and stores the result in a file; the others wait for the
lock and read it. If a process dies meanwhile, that is the result: what it started may still be running, so it is
not started again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Callable, NamedTuple, Optional

from ...portable.originals import exists, json, open_anew, os, signal, subprocess, write_text, write_whole
from ...portable.regular import open_file, read_bytes, read_text
from ...portable.values import plural
from ..process_tree import MARKER
from ..process_tree import SCRIPT as VARIABLE
from .semaphores import FileLock

if TYPE_CHECKING:
    from ...portable.rules import SetupScript

OF_A_WORKER = ("PYTEST_XDIST_", "PYTEST_CURRENT_TEST", MARKER)
"""Variables that a script does not get: it runs for the whole session, and what it starts outlives the worker."""

GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL."""

LIMIT = 16 * 1024
"""Maximum bytes of a script's output to keep."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ScriptResult(NamedTuple):
    """The result of a script.

    Attributes:
        failure: such as `exit code 3`; empty if it passed.
        variables: that it set, as pairs.
        output: its output, cut to the limit.
    """

    failure: str
    variables: Mapping[str, str] = {}
    output: str = ""


class SetupOutcome(NamedTuple):
    """The results of the scripts of one test.

    Attributes:
        variables: of all scripts, the later ones over the earlier ones.
        message: which one failed, and how; empty if all passed.
        output: of the one that failed.
        fresh: output, by name, of those that ran for this test.
    """

    variables: Mapping[str, str]
    message: str = ""
    output: str = ""
    fresh: Mapping[str, str] = {}


class Scripts:
    """Runs scripts, in one of the processes of a session.

    Args:
        scripts: all scripts, by name.
        scratch: folder that the processes of the session share.
        folder: in which the scripts run.
    """

    def __init__(self, scripts: Mapping[str, SetupScript], scratch: Path, folder: Path) -> None:
        self._scripts, self._scratch, self._folder = scripts, scratch, folder
        self._numbers = {name: number for number, name in enumerate(sorted(scripts))}  # a name may contain anything
        self._known: dict[str, ScriptResult] = {}

    def prepare(self, names: Sequence[str], told: Callable[[str], None]) -> SetupOutcome:
        """Ensure that scripts have run, in this order, up to the first that fails.

        Args:
            names: of the scripts.
            told: called with the name of a script whose result is not known yet.
        """
        variables: dict[str, str] = {}
        fresh: dict[str, str] = {}
        for name in names:
            if name not in self._known:
                told(name)
                self._known[name], ran = self._ask(name, variables)
                if ran and self._known[name].output:
                    fresh[name] = self._known[name].output
            result = self._known[name]
            if result.failure:
                return SetupOutcome({}, f"setup script {name} failed: {result.failure}", result.output)
            variables.update(result.variables)
        return SetupOutcome(variables, fresh=fresh)

    def limit_of(self, name: str) -> float:
        """Seconds after which a script has certainly ended."""
        return self._scripts[name].timeout + GRACE if name in self._scripts else 0.0

    def _ask(self, name: str, variables: Mapping[str, str]) -> tuple[ScriptResult, bool]:
        """The result, and whether it was this process that ran the script."""
        if name not in self._scripts:
            return ScriptResult("no script has this name"), False
        base = self._scratch / f"script-{self._numbers[name]}"
        lock = FileLock(f"{base}.lock")
        try:
            lock.wait(0)
            known = _load(base.with_suffix(".json"))
            if known is not None:
                return known, False
            _save(ScriptResult("the process that ran it ended before it did"), base.with_suffix(".json"))
            result = self._run(self._scripts[name], base, variables)
            _save(result, base.with_suffix(".json"))
        except OSError as error:
            return ScriptResult(f"its files cannot be used: {error.strerror or error}"), False
        else:
            return result, True
        finally:
            lock.close()

    def _run(self, script: SetupScript, base: Path, variables: Mapping[str, str]) -> ScriptResult:
        output, left = base.with_suffix(".log"), base.with_suffix(".env")
        write_text(left, "")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(OF_A_WORKER)}
        environ.update(variables)
        environ[VARIABLE] = str(left)
        with open_anew(output) as file:  # not a pipe: something that it leaves running could hold that open
            failure = run_to_end(script, self._folder, environ, file.fileno())
        found: Mapping[str, str] = {}
        if not failure:
            try:
                found = read_variables(read_bytes(left) if exists(left) else b"")
            except ValueError as error:
                failure = str(error)
        return ScriptResult(failure, found, read_ends(output))


def run_to_end(script: SetupScript, folder: Path, environ: Mapping[str, str], output: int) -> str:
    """Run a script; return how it failed, or an empty string.

    A successful script may leave something running, such as a server: it ends with the gate. A failing one
    leaves nothing.
    """
    try:
        process = subprocess.Popen(
            list(script.command),
            cwd=str(folder),
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"cannot start {script.command[0]}: {getattr(error, 'strerror', None) or error}"
    failure = "interrupted"
    try:
        failure = _how_it_ended(process.wait(script.timeout))
    except subprocess.TimeoutExpired:
        failure = f"timed out after {script.timeout:g}s"
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    finally:
        if failure:
            _signal(process, signal.SIGKILL)
            process.wait()
    return failure


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}" if code else ""
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # the whole group may have ended by itself
        os.killpg(process.pid, number)


def read_variables(data: bytes) -> dict[str, str]:
    """The lines `NAME=value` that a script wrote; empty lines are ignored.

    Raises:
        ValueError: describes a line of another form.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(os.fsdecode(data).split("\n"), 1):
        text = line.removesuffix("\r")
        if not text.strip():
            continue
        name, equals, value = text.partition("=")
        place = f"line {number} of its {VARIABLE}"
        if not equals or not _NAME.fullmatch(name) or "\0" in value:
            # The value may be a secret, and so may a line without a name.
            raise ValueError(f"{place} is not NAME=value{f': {name[:80]!r} is not a name' if equals else ''}")
        if name.startswith("GATES_"):
            raise ValueError(f"{place} sets {name}, which belongs to gates")
        found[name] = value
    return found


def read_ends(path: Path, limit: int = LIMIT) -> str:
    """The text of a file; for a long one, only the beginning and the end."""
    with open_file(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if size <= limit:
            return file.read().decode("utf-8", "backslashreplace")
        head = file.read(limit // 2)
        file.seek(size - limit // 2)
        tail = file.read()
    cut = size - limit // 2 * 2
    return f"{head.decode('utf-8', 'replace')}\n… {plural(cut, 'byte')} cut …\n{tail.decode('utf-8', 'replace')}"


def _load(path: Path) -> Optional[ScriptResult]:
    try:
        failure, variables, output = json.loads(read_text(path, encoding="ascii"))
    except FileNotFoundError:
        return None
    return ScriptResult(failure, variables, output)


def _save(result: ScriptResult, path: Path) -> None:
    write_whole(path, json.dumps(result), encoding="ascii")
