"""What the plugin and the runner agree on: names of variables, the injection, settings, and the stream of records.

The runner makes a folder with a package `_gates_injected` whose `__init__` only sets `__path__` to the folder of the
`gates` package, puts that folder on `PYTHONPATH`, and names `_gates_injected.pytest_plugin` in `PYTEST_PLUGINS` and
`PYTEST_ADDOPTS`. So a foreign environment gets this code, and nothing else of ours becomes importable in it.

Each session writes one file of JSON Lines into the inbox, `pytest-PID-RANDOM.jsonl`:

    begin          pid, command, time: pytest has loaded the plugin, before any conftest
    start          schema_version, pid, python, pytest, xdist ("" without), rootdir, args, workers, time,
                   quotes: it prints what its tests print; asserts: `assert` does something in its tests
    collected      tests: [{id, file, line, excluded_by, included, quarantined_by, deselected}],
                   last (false while more chunks follow)
    described      tests: [what `filters.candidates.describe` gives], where the runner asks for it; `test` records of
                   tests that were not to run are then left out
    leaves         leaves: [{source, and the fields of `filters.LeafReport`}]: what each predicate matched
    left-out       who, what (`tests` or `files`), number: what the project itself leaves out, before gates chooses
    collect-error  id, file, message, details, signature
    collect-skip   id, reason
    running        id, worker, pid, time (written by the process that runs the test); slow: the period of its
                   `slow-timeout`, where that is not the default; limit: seconds after which one attempt has ended, and
                   the delay before the next one, if it has any
    alive          worker, time: its running test has begun another attempt, or come to another phase; pid: and the
                   process with this number runs it
    waiting        id, worker, time, and what the test waits for before it is running: group (its name),
                   threads (how many of the session's slots), or script (the name of a set-up script that runs;
                   limit: seconds after which it ends)
    test           the fields of `results.TestResult` without gate and process; once per test, excluded ones too;
                   signature, phases, attempts and all that is about subtests only where there is something to say
    secrets        variables: name → value, which hold secrets of this process that the runner does not know yet
    imported       places: top-level packages and modules of the project that this process imported, with real paths
    warning        category, message, file, line, test, when, and count: a warning that pytest recorded, or some that are
                   alike; of one during the collection, the first only, for every worker collects
    peak           worker, bytes: the most memory that a process which ran tests took
    forked         id, message: a process that this test forked came back into pytest by an exception, and was ended
    again          id, outcome: a test that has its result failed when it was run once more
    finish         exit_code, time (missing when the process died, or ended before its session began);
                   asked: the option (`--version`) with which pytest tells something and runs no test;
                   workers: {started, collected: numbers of workers, died: those that died and took no test with them}

Each test that is collected and not deselected has one `test` record, and there is none of another test. The texts of a
record are capped one by one, and all together at 512 KiB; each text says what was cut.

A test that outlives its timeout ends its process. Under xdist that is one worker, and the test's record says `timeout`.
Without xdist it is the process of the tests, behind which the supervisor (`pytest_plugin.supervisor`) starts another.
Where there is none, it is the whole session: then `stacks-PID-RANDOM.txt` beside the stream holds the stacks of all
threads, and the test is the one that is `running` without a result.

A process that runs tests and is sent SIGUSR2 appends the stacks of all of its threads to `asked_path`, as long as that
file is there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .disk_space import complain
from .originals import exists, json, os, write_text, write_whole
from .regular import read_bytes, read_text
from .values import plural

PACKAGE = __name__.partition(".")[0]
"""Top-level name under which this copy of gates was loaded."""

PLUGIN = f"{PACKAGE}.pytest_plugin"
"""Name under which this copy of the plugin was loaded."""

INSTALLED_PLUGIN = "gates.pytest_plugin"
INJECTED_PACKAGE = "_gates_injected"
INJECTED_PLUGIN = f"{INJECTED_PACKAGE}.pytest_plugin"

INBOX = "GATES_INBOX"
SETTINGS = "GATES_PYTEST"
TOX_OVERRIDE = "TOX_OVERRIDE"
TOX_PASSES = "testenv.pass_env+=PYTHONPATH,PYTEST_PLUGINS,PYTEST_ADDOPTS,GATES_*"
"""What tox's `--override` has to be, so that the variables of the injection reach the pytest that it starts."""
_INJECTED = (INBOX, SETTINGS, "PYTEST_PLUGINS", "PYTEST_ADDOPTS", "PYTHONPATH", TOX_OVERRIDE)
LEDGER = "[tool.gates.exclusions]"
LONGEST = 32_000
"""Characters of settings that a variable may hold: Linux refuses variables from 128 KiB on, and all of them share a limit."""

CHUNK = 500
"""Tests in one `collected` record."""


def asked_path(stream: str | Path, worker: str = "") -> Path:
    """Where a process that runs tests writes its stacks when the runner asks for them.

    Args:
        stream: file of the session's records.
        worker: of xdist; empty without.
    """
    stem = Path(stream).stem.replace("pytest-", "asked-", 1)
    return Path(stream).with_name(f"{stem}-{worker.replace('/', '-')}.txt" if worker else f"{stem}.txt")


@dataclass(frozen=True)
class Settings:
    """What the runner asks of the plugin; the defaults are a plain pytest without a runner.

    Attributes:
        inbox: folder for the records; empty without a runner.
        exclusions: entries of the ledger, as `Exclusion.to_json` gives them.
        quarantine: entries of the quarantine, likewise.
        filter: expression that tests must match; empty for all.
        default_filter: expression that `default()` stands for; empty for all tests.
        include_excluded: the ledger is not applied.
        test_timeout: seconds that one test may take, setup and teardown included.
        workers: answer to `-n auto`; 0 where the runner has no opinion.
        workers_reason: why so many, for people.
        foreground: all tests run in this process, whatever the command line says of workers.
        debug: a test that fails is looked at with `pdb`.
        source: where the exclusions come from, for people.
        no_tests: what it means when nothing is selected: `fail`, `warn` or `pass`.
        facts: what gates knows of predicates about the outside: canonical text → `Resolution.to_json`.
        facts_file: where `facts` stand, where they are too large for a variable.
        collect_only: run nothing.
        describe: write `described` records.
        rules: how tests are run, as `rules.RuleBook.to_json` gives them; empty for pytest's own way.
        partition: `slice:m/n` or `hash:m/n`: only this part of the selected tests runs; empty for all.
        locks: folder of the run for locks that its test processes share; empty without a runner.
        groups: groups of tests, with how many of them may run at the same time.
        order: in which tests run; empty for pytest's.
        seed: for the random order.
        history_file: what is known of tests: id → [outcome, seconds].
        only_file: JSON object with the fields of `outstanding.Part`: only these tests run; empty for all.
        max_fail: tests that may fail before no other one starts; 0 for all.
        stress_count: how often each test runs; 0 for once.
        stress_duration: seconds for which each test runs again and again; 0 for once.
        scripts: by name, what `rules.SetupScript` holds; tests name those that must have run before them.
        supervise: a session without workers of its own runs its tests in a process that it watches.
        root: the project's folder, which the paths in `facts` begin at; empty where it is the root of the tests.
        secrets: what the runner says of secrets, as `masking.handover.handed_over` gives it; empty without a runner.
    """

    inbox: str = ""
    exclusions: tuple[dict[str, Any], ...] = ()
    quarantine: tuple[dict[str, Any], ...] = ()
    filter: str = ""
    default_filter: str = ""
    include_excluded: bool = False
    test_timeout: float | None = None
    workers: int = 0
    workers_reason: str = ""
    foreground: bool = False
    debug: bool = False
    source: str = LEDGER
    no_tests: str = "fail"
    facts: Mapping[str, Any] = field(default_factory=dict)
    facts_file: str = ""
    collect_only: bool = False
    describe: bool = False
    rules: tuple[dict[str, Any], ...] = ()
    partition: str = ""
    root: str = ""
    secrets: Mapping[str, Any] = field(default_factory=dict)
    locks: str = ""
    groups: Mapping[str, int] = field(default_factory=dict)
    scripts: Mapping[str, Any] = field(default_factory=dict)
    supervise: bool = False
    order: str = ""
    seed: int = 0
    history_file: str = ""
    only_file: str = ""
    max_fail: int = 0
    stress_count: int = 0
    stress_duration: float = 0.0

    def to_json(self) -> str:
        """The value of `GATES_PYTEST`."""
        left_out = {"inbox"} | ({"facts"} if self.facts_file else set())
        return json.dumps({name: value for name, value in vars(self).items() if name not in left_out})

    def to_variable(self, file: Path) -> str:
        """As `to_json`; where that is too long for a variable, the settings are written to `file`, which the value names."""
        text = self.to_json()
        if len(text) <= LONGEST:
            return text
        write_text(file, text)
        return json.dumps({"settings_file": str(file)})

    @classmethod
    def from_json(cls, text: str, inbox: str = "") -> Settings:
        """Read a value of `GATES_PYTEST`; unknown members are ignored, so that an older plugin goes on working.

        Raises:
            ValueError: the text, or a file that it names, is not such a value.
        """
        data = json.loads(text) if text.strip() else {}
        if isinstance(data, dict) and data.get("settings_file"):
            data = _read_object(str(data["settings_file"]))
        if not isinstance(data, dict):
            raise ValueError(f"not a JSON object: {text[:80]!r}")
        timeout, file = data.get("test_timeout"), str(data.get("facts_file") or "")
        return cls(
            inbox=inbox,
            exclusions=tuple(data.get("exclusions") or ()),
            quarantine=tuple(data.get("quarantine") or ()),
            filter=str(data.get("filter") or ""),
            default_filter=str(data.get("default_filter") or ""),
            include_excluded=bool(data.get("include_excluded")),
            test_timeout=None if timeout is None else float(timeout),
            workers=int(data.get("workers") or 0),
            workers_reason=str(data.get("workers_reason") or ""),
            foreground=bool(data.get("foreground")),
            debug=bool(data.get("debug")),
            source=str(data.get("source") or LEDGER),
            no_tests=str(data.get("no_tests") or "fail"),
            facts=_read_object(file) if file else data.get("facts") or {},
            collect_only=bool(data.get("collect_only")),
            describe=bool(data.get("describe")),
            rules=tuple(data.get("rules") or ()),
            partition=str(data.get("partition") or ""),
            root=str(data.get("root") or ""),
            secrets=data.get("secrets") or {},
            locks=str(data.get("locks") or ""),
            groups=data.get("groups") or {},
            scripts=data.get("scripts") or {},
            supervise=bool(data.get("supervise")),
            order=str(data.get("order") or ""),
            seed=int(data.get("seed") or 0),
            history_file=str(data.get("history_file") or ""),
            only_file=str(data.get("only_file") or ""),
            max_fail=int(data.get("max_fail") or 0),
            stress_count=int(data.get("stress_count") or 0),
            stress_duration=float(data.get("stress_duration") or 0.0),
        )


def _read_object(file: str) -> dict[str, Any]:
    try:
        found = json.loads(read_text(file))
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{file}: not a JSON object")
    return found


def read_settings(environ: Mapping[str, str]) -> Settings | None:
    """What the runner asks for, or None where no runner started this process.

    Raises:
        ValueError: the runner's value cannot be read.
    """
    inbox = environ.get(INBOX, "")
    return Settings.from_json(environ.get(SETTINGS, ""), inbox) if inbox else None


def remove_injection(environ: MutableMapping[str, str]) -> Callable[[], None]:
    """Take the injection out of `environ`: pytest processes that the tests start are no part of the run.

    Returns:
        What puts it back where nobody has changed it since: the process may run another session behind this one.
    """
    before = {name: environ[name] for name in _INJECTED if name in environ}
    _remove(environ)
    after = {name: environ.get(name) for name in before}

    def put_back() -> None:
        environ.update((name, text) for name, text in before.items() if environ.get(name) == after[name])

    return put_back


def _remove(environ: MutableMapping[str, str]) -> None:
    environ.pop(INBOX, None)
    environ.pop(SETTINGS, None)
    if environ.get(TOX_OVERRIDE) == TOX_PASSES:
        del environ[TOX_OVERRIDE]
    if PACKAGE == "gates":
        return
    plugins = [name for name in environ.get("PYTEST_PLUGINS", "").split(",") if name.strip() != PLUGIN]
    _put(environ, "PYTEST_PLUGINS", ",".join(plugins))
    ours = re.compile(rf"(^|\s)-p\s*{re.escape(PLUGIN)}(?=\s|$)")
    _put(environ, "PYTEST_ADDOPTS", ours.sub("", environ.get("PYTEST_ADDOPTS", "")).strip())
    folder = injection_folder()
    if folder:
        paths = environ.get("PYTHONPATH", "").split(os.pathsep)
        kept = [path for path in paths if not path or os.path.realpath(path) != folder]
        _put(environ, "PYTHONPATH", os.pathsep.join(kept) if any(kept) else "")


def _put(environ: MutableMapping[str, str], name: str, value: str) -> None:
    if value:
        environ[name] = value
    else:
        environ.pop(name, None)


def injection_folder() -> str:
    """The folder that the runner put on `PYTHONPATH`; empty for the installed plugin."""
    file = getattr(sys.modules.get(PACKAGE), "__file__", None)
    return os.path.realpath(Path(file).parent.parent) if file and PACKAGE != "gates" else ""


_ENCODE = json.JSONEncoder(separators=(",", ":"), default=str).encode


class RecordStream:
    """Appends records to one file; each record is a single write, so several processes can share the file.

    A full disk must not fail the tests: the first error is kept in `error`, and nothing is written after it. The
    reader sees a stream without `finish`, which no reader takes for a complete one.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.error: OSError | None = None
        self._fd = -1
        self._pid = os.getpid()

    def write(self, kind: str, **fields: object) -> None:
        """Append one record."""
        # A test that forks, and whose child comes back into pytest, would repeat everything that follows.
        if self.error is not None or os.getpid() != self._pid:
            return
        # ASCII only: lone surrogates of undecodable output survive as escapes.
        line = _ENCODE({"type": kind, **fields}).encode("ascii") + b"\n"
        try:
            if self._fd < 0:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
                self._fd = os.open(self.path, flags, 0o644)
            while line:
                line = line[os.write(self._fd, line) :]
        except OSError as error:
            self.error = error
            complain(os.path.dirname(self.path), error)

    def adopt(self) -> None:
        """Write from this process from now on: it goes on for the one that made the stream, which writes no more."""
        self._pid = os.getpid()

    def running(self) -> dict[str, dict[str, Any]]:
        """The `running` records in the file, by id: other processes write them too."""
        mark = b'{"type":"running",'
        try:
            lines = read_bytes(self.path).splitlines()
            records = [json.loads(line) for line in lines if line.startswith(mark) and line.endswith(b"}")]
        except (OSError, ValueError):
            return {}
        return {record["id"]: record for record in records}

    def close(self) -> None:
        """Close the file; a later `write` would open it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Stop:
    """The word to stop: a file that all test processes of a run see. Its text says why."""

    def __init__(self, folder: str) -> None:
        self._path = Path(folder, "stop")

    def said(self) -> str:
        """Why no further test is to start; empty while they may."""
        try:
            return read_text(self._path)
        except OSError:
            return ""

    def __bool__(self) -> bool:
        return exists(self._path)

    def say(self, why: str) -> None:
        """Let everybody know."""
        with suppress(OSError):  # the run is over
            write_whole(self._path, why)


def reached(number: int) -> str:
    """Why a run with `--max-fail` stops."""
    return f"--max-fail: {plural(number, 'test')} failed"
