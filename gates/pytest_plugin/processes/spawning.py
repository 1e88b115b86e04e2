"""Runs an isolated test in a new pytest, if a fork is not safe."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ...portable.originals import exists, is_folder, json, open_anew, os, subprocess, tempfile
from ...portable.protocol import PACKAGE, PLUGIN, injection_folder
from ...portable.regular import read_text
from ...portable.rules import Rules
from ...portable.settings.plugin import PluginSettings
from ..execution.running import STACKS_ON_DEMAND
from ..process_tree import end_group
from ..reporting.recording import recorder_settings, register_assertions
from .listening import dead, listen
from .relay import END, Sender, install_relay

VARIABLE = "GATES_SPAWNED"
"""For the pytest of one isolated test: descriptor of the pipe, path for stacks, rules and limit, as JSON."""


class Spawned:
    """One test in a separate pytest."""

    def __init__(
        self,
        config: pytest.Config,
        item: pytest.Item,
        rules: Rules | None,
        test_timeout: float | None,
        stress: tuple[int, float] = (0, 0.0),
    ) -> None:
        self._config, self._item, self._rules = config, item, rules
        self._test_timeout, self._stress = test_timeout, stress

    def reports(self, seconds: float | None) -> list[pytest.TestReport]:
        """Run the test; return its reports, including one for the death of its process."""
        from dataclasses import asdict

        reading, writing = os.pipe()
        asked = self._config.pluginmanager.get_plugin(STACKS_ON_DEMAND)
        # In the run's temporary folder: if it is killed, the next run cleans up there.
        inbox = str(asked.path.parent) if asked is not None and is_folder(asked.path.parent) else None
        with tempfile.TemporaryDirectory(prefix="gates-spawned-", dir=inbox) as folder:
            stacks, log = Path(folder, "stacks.txt"), Path(folder, "log.txt")
            told = {
                "pipe": writing,
                "stacks": str(stacks),
                "asked": str(asked.path) if asked is not None else "",
                "rules": asdict(self._rules) if self._rules is not None else None,
                "test_timeout": self._test_timeout,
                "stress": self._stress,
                "assertions": recorder_settings(self._config),
            }
            with open_anew(log) as output:
                process = subprocess.Popen(
                    _command(self._config, self._item),
                    cwd=str(self._config.invocation_params.dir),
                    env=_environment(told),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=(writing,),
                    start_new_session=True,
                )
            os.close(writing)
            try:
                # Starting pytest and collecting do not count as the test's time.
                found, code = listen(self._config, reading, process.pid, None if seconds is None else seconds + 60)
            finally:
                os.close(reading)
                end_group(process.pid)
                process.returncode = 0  # already waited for
            if code is not None:
                dump = read_text(stacks, "utf-8", "backslashreplace") if exists(stacks) else ""
                found.append(
                    dead(self._config, self._item, code, dump or read_text(log, "utf-8", "backslashreplace")[-4000:])
                )
            return found


def _command(config: pytest.Config, item: pytest.Item) -> list[str]:
    args = [str(arg) for arg in config.invocation_params.args]
    workerinput: Any = getattr(config, "workerinput", None)
    if workerinput is not None:
        args = [str(arg) for arg in workerinput["mainargv"][1:]]
    named = {str(name) for name in getattr(config.option, "file_or_dir", None) or ()} | set(map(str, config.args))
    kept = [arg for arg in args if arg not in named]
    file, _, rest = item.nodeid.partition("::")
    test = "::".join([str(config.rootpath / file), *([rest] if rest else [])])
    alone = ["-p", "no:cacheprovider", "-p", "no:junitxml", "--maxfail=0", "-q", f"--rootdir={config.rootpath}"]
    if config.pluginmanager.has_plugin("xdist"):
        alone += ["-n0", "--dist=no"]
    return [sys.executable, "-m", "pytest", "-p", PLUGIN, *kept, *alone, test]


def _environment(told: dict[str, Any]) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    environment.pop("PYTEST_CURRENT_TEST", None)
    environment[VARIABLE] = json.dumps(told)
    folder = injection_folder() if PACKAGE != "gates" else ""
    if folder:
        rest = environment.get("PYTHONPATH", "")
        environment["PYTHONPATH"] = f"{folder}{os.pathsep}{rest}" if rest else folder
    return environment


def configure_spawned(config: pytest.Config) -> None:
    """Make this pytest the process of one isolated test."""
    from ...portable.rules import Rules, rules_from_json
    from ..execution.leaks import LeakFinder
    from ..execution.limits import Limits
    from ..execution.retries import RetryRunner
    from ..execution.running import StacksOnDemand, open_stacks
    from ..execution.stress import StressRunner
    from ..reporting.failure_signature import SignatureWriter
    from ..reporting.phases import CallWitness

    told = json.loads(os.environ.pop(VARIABLE))
    folder = injection_folder() if PACKAGE != "gates" else ""
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != folder]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    if not paths:
        del os.environ["PYTHONPATH"]
    sender = Sender(int(told["pipe"]))
    os.set_inheritable(int(told["pipe"]), False)
    stacks = open_stacks(Path(told["stacks"]))
    config.add_cleanup(stacks.close)
    rules = rules_from_json(told["rules"]) if told["rules"] else Rules()
    register = config.pluginmanager.register
    known = _Same(rules)
    count, seconds = told["stress"]
    stressed = PluginSettings(stress_count=count, stress_duration=seconds)
    register(StressRunner(stressed) if count or seconds else RetryRunner(known), "gates-retrier")
    register(Limits(known, stacks, config, told["test_timeout"]), "gates-limits")
    register(LeakFinder(known), "gates-leaks")
    register(SignatureWriter(config.rootpath), "gates-signer")
    register(CallWitness(), "gates-call-witness")
    register_assertions(config, *told["assertions"])
    if told["asked"]:
        register(StacksOnDemand(Path(told["asked"])), STACKS_ON_DEMAND)
    register(_Begin(sender), "gates-begin")


class _Same(dict[pytest.Item, "Rules"]):
    """The same rules for every test."""

    def __init__(self, rules: Rules) -> None:
        super().__init__()
        self._rules = rules

    def get(self, _item: Any, _default: Any = None) -> Any:
        return self._rules

    def __contains__(self, _item: object) -> bool:
        return True


class _Begin:
    """Sends reports once the tests run, and a message at their end."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """From now on, only the relay receives reports."""
        del session.items[1:]  # an id that several tests share
        install_relay(session.config, self._sender)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Report the end of the test, if there was one."""
        if session.items:
            with suppress(OSError):
                self._sender.send(END)
