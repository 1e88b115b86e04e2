"""What all tests share: an environment that says nothing of the run around them, and git repositories."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook
from hypothesis import settings

from tests.lanes import longest_first, misplaced
from tests.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_PYTEST_ITSELF = ("PYTEST_CURRENT_TEST", "PYTEST_XDIST_", "PYTEST_VERSION")
OF_OTHERS = ("GATES_", "PYTEST_", "GIT_", "NOX", "FORCE_COLOR", "NO_COLOR", "CI", "GITHUB_")


# A limit for each example measures the machine, not the code: it fails where other programs run beside the tests.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


# Thousands of tests are collected, and hardly any of that is garbage: looking for it took 40% of the time, in each worker.
gc.disable()


def pytest_configure(config: pytest.Config) -> None:
    # pytest would rewrite the assertions of the whole package, for it holds a plugin: on a fresh clone that takes as long
    # as the tests' own, in each worker, and the programs that the tests start compile it once more without.
    hook = config.pluginmanager.rewrite_hook
    if isinstance(hook, AssertionRewritingHook):
        hook._must_rewrite.discard("gates")
        hook._marked_for_rewrite_cache.clear()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lanes", action="store_true", help="name the tests whose mark `slow` does not fit their time")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = longest_first(items)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.freeze()  # what was collected stays, and need not be looked at again
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.config.getoption("lanes"):
        reports = [each for group in terminalreporter.stats.values() for each in group]
        terminalreporter.section("in the wrong lane")
        for line in misplaced(each for each in reports if isinstance(each, pytest.TestReport)):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """These tests also run inside gates, nox, git hooks and CI systems: programs that they start must not notice."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(OF_OTHERS) and not name.startswith(OF_PYTEST_ITSELF):
                patch.delenv(name)
        path = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
        patch.setenv(
            "PYTHONPATH", os.pathsep.join(entry for entry in path if not (Path(entry) / "_gates_injected").is_dir())
        )
        # Sessions of pytest remove what older ones left below this folder: in the usual one, gigabytes of other runs.
        patch.setenv("PYTEST_DEBUG_TEMPROOT", str(tmp_path_factory.mktemp("of-inner-sessions")))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path_factory.getbasetemp()))
        patch.setenv("GATES_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_signals() -> None:
    """Who starts these tests in the background (`&` in a script, some CI agents) has SIGINT ignored, here and below.

    What was told of SIGHUP (`nohup`) stays: these tests should outlive their terminal. Tests of it set what they need.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty git repository on the branch `main`."""
    return Repository(tmp_path / "project")
