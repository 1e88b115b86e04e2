"""What a test needs before it runs: slots of its group and of the session, and finished setup scripts.

All of this comes before the test is announced as running and before its time counts: waiting is not running.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import pytest
from _pytest.runner import runtestprotocol

from ...portable.errors import UsageError
from ...portable.originals import is_folder, os
from ...portable.rules import ALL_THREADS, Rules, SetupScript
from ...portable.settings.plugin import PluginSettings
from ..secrets import SECRETS
from .running import ANNOUNCER
from .semaphores import AVAILABLE, Semaphore

if TYPE_CHECKING:
    from .scripts import Scripts, SetupOutcome

_SETTINGS = ("group", "threads_required", "setup")


class SetupScriptFailed(Exception):
    """Raised in the setup of a test if one of its scripts failed."""


class Needs:
    """Gives each test what it needs, and takes it back after its teardown.

    Args:
        rules: of the session's tests.
        groups: name → slots that all processes of the run share.
        threads: slots that the workers of the session share; None if only one test runs at a time anyway.
        scripts: that tests may need.
        scratch: folder to remove when the session is over; empty for none.
    """

    def __init__(
        self,
        rules: Mapping[pytest.Item, Rules],
        groups: Mapping[str, Semaphore],
        threads: Optional[Semaphore],
        scripts: Optional[Scripts],
        scratch: str = "",
    ) -> None:
        self._rules, self._groups, self._threads, self._scripts = rules, groups, threads, scripts
        self._scratch, self._process = scratch, os.getpid()
        self._taken: list[Semaphore] = []
        self.lacks: Optional[SetupOutcome] = None  # of the current test, if one of its scripts failed

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """If no test needs more than one slot, none needs to take one."""
        if all(rules.threads_required == 1 for rules in self._rules.values()):
            self._threads = None

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, None, None]:
        """Around a test with all its attempts."""
        self._process = os.getpid()  # the collecting process may have forked
        rules = self._rules.get(item)
        if (rules is None and self._threads is None) or _is_skipped(item):
            yield
            return
        before: dict[str, Optional[str]] = {}
        try:
            variables = self._prepare(item, rules) if rules is not None and rules.setup else {}
            if self.lacks is None:
                self._take(item, rules if rules is not None else Rules())
            before = _put(variables)
            yield
        finally:
            self.lacks = None
            _put(before)
            while self._taken:
                self._taken.pop().give_back()

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Remove the scratch folder, but not in a child that a test forked."""
        if self._scratch and os.getpid() == self._process:
            from ...portable.originals import shutil

            shutil.rmtree(self._scratch, ignore_errors=True)

    def _prepare(self, item: pytest.Item, rules: Rules) -> Mapping[str, str]:
        """Have its scripts run; return the variables that they left."""
        assert self._scripts is not None
        scripts = self._scripts
        done = scripts.prepare(rules.setup, lambda name: _tell(item, script=name, limit=scripts.limit_of(name)))
        SECRETS.learn(done.variables)
        for name, output in done.fresh.items():
            item.add_report_section("setup", f"stdout of setup script {name}", output)
        if done.message:
            self.lacks = done
        return done.variables

    def _take(self, item: pytest.Item, rules: Rules) -> None:
        """The group first, then the threads: see `slots`."""
        try:
            if rules.group:
                self._groups[rules.group].take(1, lambda: _tell(item, group=rules.group))
                self._taken.append(self._groups[rules.group])
            if self._threads is not None:
                count = self._threads.size if rules.threads_required == ALL_THREADS else rules.threads_required
                self._threads.take(count, lambda: _tell(item, threads=count))
                self._taken.append(self._threads)
        except OSError as error:
            # The folder belongs to the run: once it is gone, the result is not needed.
            pytest.exit(f"gates: the slots of {rules.group or 'the session'} cannot be used: {error}", 3)


class Refusal:
    """Runs tests that lack something, before everything else that runs tests: they end in their setup.

    Neither a retry nor isolation would help them.
    """

    def __init__(self, needs: Needs) -> None:
        self._needs = needs

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: Optional[pytest.Item]) -> Optional[bool]:
        """Run a test that lacks something."""
        if self._needs.lacks is None:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        runtestprotocol(item, nextitem=nextitem)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    # Before pytest evaluates its markers: it is an error even for a test that is expected to fail.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """End it.

        Raises:
            SetupScriptFailed: a script failed.
        """
        if self._needs.lacks is not None:
            raise SetupScriptFailed(self._needs.lacks.message)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        """Use the script's own output in the report."""
        outcome = yield
        lacks = self._needs.lacks
        if lacks is None or call.excinfo is None or not call.excinfo.errisinstance(SetupScriptFailed):
            return
        report = outcome.get_result()
        report.longrepr = lacks.message
        if lacks.output:  # marked as its output, which may look like anything
            report.longrepr += "\n\n" + "".join(f"| {line}\n" for line in lacks.output.splitlines())


def check_needs(settings: PluginSettings) -> None:
    """Check that the system supports what the settings need.

    Raises:
        UsageError: it does not.
    """
    asked = [name for name in _SETTINGS if not AVAILABLE and _asks(settings, name)]
    if asked:
        raise UsageError(
            f"{', '.join(name.replace('_', '-') for name in asked)} cannot be enforced: this system has no record locks",
            remedy="remove the settings from [tests], or run on a POSIX system",
        )


def register_needs(
    config: pytest.Config,
    settings: PluginSettings,
    rules: Mapping[pytest.Item, Rules],
    scratch: str = "",
    workers: int = 1,
) -> None:
    """Register what enforces the settings, if any is used: after everything that runs tests.

    Args:
        config: pytest's.
        settings: the runner's.
        rules: of the session's tests, filled in later.
        scratch: folder that the workers of the session share; empty without workers.
        workers: how many there are.
    """
    grouped, scripted = _asks(settings, "group"), _asks(settings, "setup")
    threaded = workers > 1 and _asks(settings, "threads_required")
    if not (grouped or scripted or threaded):
        return
    shared = (
        settings.locks if settings.locks and is_folder(settings.locks) else ""
    )  # a process that outlived its run may still name it
    own = "" if scratch else _make_scratch(shared)
    folder = scratch or own
    scripts = None
    if scripted:
        from .scripts import Scripts

        known = {name: SetupScript(tuple(one["command"]), one["timeout"]) for name, one in settings.scripts.items()}
        scripts = Scripts(known, Path(folder), Path(settings.root or config.rootpath))
    groups = {
        name: Semaphore(f"{shared or folder}/group-{number}", settings.groups[name])
        for number, name in enumerate(sorted(settings.groups))  # a name may contain anything
    }
    threads = Semaphore(f"{folder}/threads", workers) if threaded else None
    needs = Needs(rules, groups, threads, scripts, own)
    config.pluginmanager.register(needs, "gates-needs")
    config.pluginmanager.register(Refusal(needs), "gates-refusal")


def _asks(settings: PluginSettings, name: str) -> bool:
    """Whether a layer has this setting with an effective value."""
    return any(layer["settings"].get(name, 1) not in (1, "", [], ()) for layer in settings.rules)


def _make_scratch(folder: str) -> str:
    from ...portable.originals import tempfile

    return tempfile.mkdtemp(prefix=".scratch-", dir=folder or None)


def _tell(item: pytest.Item, **what: object) -> None:
    announcer = item.config.pluginmanager.get_plugin(ANNOUNCER)
    if announcer is not None:
        announcer.wait(item, **what)


def _is_skipped(item: pytest.Item) -> bool:
    """Whether its markers skip it, so that it needs nothing."""
    if item.get_closest_marker("skip") is None and item.get_closest_marker("skipif") is None:
        return False
    from _pytest.skipping import evaluate_skip_marks

    try:
        return evaluate_skip_marks(item) is not None
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 (a condition may raise anything; pytest will tell)
        return False


def _put(variables: Mapping[str, Optional[str]]) -> dict[str, Optional[str]]:
    """Set or remove variables; return their old values."""
    before = {name: os.environ.get(name) for name in variables}
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return before
