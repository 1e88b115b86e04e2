"""What the plugin and the runner agree on: names of variables, the injection, and the records (see `stream`).

The runner makes a folder with a package `_gates_injected` whose `__init__` only sets `__path__` to the folder of the
`gates` package, puts that folder on `PYTHONPATH`, and names `_gates_injected.pytest_plugin` in `PYTEST_PLUGINS` and
`PYTEST_ADDOPTS`. So a foreign environment gets this code, and nothing else of gates becomes importable in it.

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

Each test that is collected and not deselected has exactly one `test` record; no other test has one. The texts of a
record are limited one by one, and together to 512 KiB; each text shows what was cut.

A test that exceeds its timeout ends its process. Under xdist that is one worker, and the test's record has `timeout`.
Without xdist it is the process of the tests, after which the supervisor (`pytest_plugin.supervisor`) starts another.
Without a supervisor it is the whole session: then `stacks-PID-RANDOM.txt` next to the stream holds the stacks of all
threads, and the test is the one that is `running` without a result.

On SIGUSR2, a process that runs tests appends the stacks of all of its threads to `asked_path`, as long as that
file is there.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .originals import os

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

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
"""The `--override` for tox that passes the variables of the injection to the pytest that it starts."""
_INJECTED = (INBOX, SETTINGS, "PYTEST_PLUGINS", "PYTEST_ADDOPTS", "PYTHONPATH", TOX_OVERRIDE)
CHUNK = 500
"""Maximum number of tests in one `collected` record."""


def asked_path(stream: str | Path, worker: str = "") -> Path:
    """The file to which a test process writes its stacks when the runner asks for them.

    Args:
        stream: file of the session's records.
        worker: of xdist; empty without.
    """
    stem = Path(stream).stem.replace("pytest-", "asked-", 1)
    return Path(stream).with_name(f"{stem}-{worker.replace('/', '-')}.txt" if worker else f"{stem}.txt")


def remove_injection(environ: MutableMapping[str, str]) -> Callable[[], None]:
    """Remove the injection from `environ`: pytest processes that the tests start are not part of the run.

    Returns:
        A function that restores it, unless it was changed since: the process may run another session after this one.
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
