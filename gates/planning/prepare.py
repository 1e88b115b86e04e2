"""Config → discover → plan: what is known before the first gate starts.

Imports little, so that nox and git start early; the rest of the imports happens while they work.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from gates.config import Config, load_config
from gates.planning.available_memory import available_memory
from gates.planning.discover import Gate, discover
from gates.planning.filter_facts import ExternalFacts, expressions_of, resolve_all
from gates.planning.plan import Plan, Request, available_cores, make_plan
from gates.portable.filters import Resolution
from gates.portable.workers import choose_workers
from gates.results import Changes, Subject
from gates.storage.cache import Store
from gates.vcs.git import Git, changes_of, subject_of_worktree

SubjectMaker = Callable[[Path, Git | None, Config], Subject]


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What is known before the first gate starts.

    Attributes:
        root: folder in which the gates run.
        home: the user's project folder, of which `root` may be another version.
        carried: digest of added files that are in no commit.
        began: nanoseconds since the epoch, before anything was read.
    """

    root: Path
    home: Path
    config: Config
    git: Git | None
    subject: Subject
    changes: Changes | None
    gates: tuple[Gate, ...]
    plan: Plan
    store: Store
    reports: Path
    facts: dict[str, Resolution] = {}
    carried: str = ""
    began: int = 0

    @property
    def shown_reports(self) -> str:
        """The reports folder, as the user sees it from the project's folder."""
        return shown_path(self.reports, self.home)


def shown_path(path: Path, root: Path) -> str:
    """A path inside a folder, relative to it; any other path unchanged."""
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(path)


def records_of(root: Path) -> Path:
    """Where runs of a project are recorded."""
    return Store.of(root, Git.of(root)).records


def worktree_subject(root: Path, git: Git | None, config: Config) -> Subject:
    """Prepare the working tree, the default subject of `gates run`."""
    return subject_of_worktree(root, git, config.base)


def prepare(
    root: Path,
    request: Request,
    *,
    reports: Path | None = None,
    subject: SubjectMaker = worktree_subject,
    config: Config | None = None,
    home: Path | None = None,
) -> Prepared:
    """Config, discovery and plan. Git and nox run at the same time: each takes a tenth of a second.

    Raises:
        GatesError: the config, the noxfile or the request is wrong.
    """
    began = time.time_ns()
    config = config or load_config(root)
    with ThreadPoolExecutor(2) as pool:
        found = pool.submit(discover, root, config)  # first, because nothing takes longer than nox
        git = Git.of(root)
        later = pool.submit(_facts, root, git, config, subject)
        _import_the_rest()
        gates = found.result()
        facts, changes, store = later.result()
    plan = plan_by_history(config, gates, request, store)
    outside = resolve_all(expressions_of(plan), ExternalFacts(root, config, git, facts, store))
    return Prepared(
        root=root,
        home=home or root,
        config=config,
        git=git,
        subject=facts,
        changes=changes,
        gates=gates,
        plan=plan,
        store=store,
        reports=reports or root / config.reports,
        facts=outside,
        began=began,
    )


def _import_the_rest() -> None:
    """Import what the run and its end need, while waiting for other programs: this also takes a tenth of a second."""
    for name in ("pipeline.validate", "commands.report", "readers.junit.suites", "render.markdown", "render.terminal"):
        importlib.import_module(f"gates.{name}")


def plan_by_history(config: Config, gates: tuple[Gate, ...], request: Request, store: Store) -> Plan:
    """The plan, using records of earlier runs: the longest gate starts first, workers follow durations."""
    history, cores = store.history(), available_cores()
    durations = {name: known.seconds for name, known in history.items()}
    # Only if the config declares a pytest gate; elsewhere `-n auto` keeps its usual meaning.
    known = {
        gate.name: history[gate.name]
        for gate in gates
        if gate.config.tests == "pytest" and gate.name in history and history[gate.name].tests
    }
    memory = available_memory() if any(gate.peak for gate in known.values()) else None
    workers = {name: choose_workers(gate.test_durations(), cores, memory, gate.peak) for name, gate in known.items()}
    return make_plan(config, gates, request, durations, workers, cores)


def _facts(root: Path, git: Git | None, config: Config, subject: SubjectMaker) -> tuple[Subject, Changes | None, Store]:
    found = subject(root, git, config)
    return found, changes_of(git, found) if git else None, Store.of(root, git)
