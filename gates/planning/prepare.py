"""Config → discover → plan: what is known before the first gate starts.

Imports little, so that nox and git start early; the rest of the imports happens while they work.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from gates.analysis.recorded.watch import Watch
from gates.config import Config, load_config
from gates.planning.aside import Aside
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


class CheckedOut(msgspec.Struct, frozen=True, kw_only=True):
    """A subject in a folder.

    Attributes:
        root: folder in which the gates run.
        home: the user's project folder, of which `root` may be another version.
        reports: where reports go by default.
        subject: describes it.
        gates: its gates, if they are already known; nox need not be asked then.
        notes: what the reader must know of the folder.
        carried: digest of added files that are in no commit.
    """

    root: Path
    home: Path
    config: Config
    reports: Path
    subject: SubjectMaker
    gates: tuple[Gate, ...] | None = None
    notes: tuple[str, ...] = ()
    carried: str = ""


class Discovered(msgspec.Struct, frozen=True, kw_only=True):
    """What a subject is, and which gates it has; the attributes are also those of `CheckedOut`.

    Attributes:
        began: nanoseconds since the epoch, before anything was read.
    """

    root: Path
    home: Path
    config: Config
    reports: Path
    git: Git | None
    subject: Subject
    changes: Changes | None
    gates: tuple[Gate, ...]
    store: Store
    notes: tuple[str, ...] = ()
    carried: str = ""
    began: int = 0


class Prepared(Discovered, frozen=True, kw_only=True):
    """What is known before the first gate starts.

    Attributes:
        recorded: the tests whose assertions are recorded.
    """

    plan: Plan
    facts: dict[str, Resolution] = {}
    recorded: Watch = Watch()

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


def folder_in_repository(root: Path) -> str:
    """The project's folder, from the top of its repository; empty for the top, and without git."""
    git = Git.of(root)
    return git.prefix if git is not None else ""


def worktree_subject(root: Path, git: Git | None, config: Config) -> Subject:
    """Prepare the working tree, the default subject of `gates run`."""
    return subject_of_worktree(root, git, config.base)


def worktree(root: Path) -> CheckedOut:
    """The working tree, where it is."""
    config = load_config(root)
    return CheckedOut(root=root, home=root, config=config, reports=root / config.reports, subject=worktree_subject)


def prepare(
    root: Path, request: Request, *, reports: Path | None = None, gates: tuple[Gate, ...] | None = None
) -> Prepared:
    """The working tree, prepared for a request; `gates` are its gates, if they are already known.

    Raises:
        GatesError: the config, the noxfile or the request is invalid.
    """
    place = msgspec.structs.replace(worktree(root), gates=gates)
    return plan_run(discover_subject(place), request, reports=reports)


def discover_subject(place: CheckedOut) -> Discovered:
    """Find the gates and the changes of a subject. Git and nox run at the same time: each takes a tenth of a second.

    Raises:
        GatesError: the noxfile is invalid.
    """
    began = time.time_ns()
    root, config = place.root, place.config
    # First, because nothing takes longer than nox.
    with Aside(lambda: discover(root, config) if place.gates is None else place.gates) as found:
        git = Git.of(root)
        with Aside(lambda: _facts(root, git, config, place.subject)) as later:
            _import_the_rest()
            gates = found.result()
            subject, changes, store = later.result()
    return Discovered(
        root=root,
        home=place.home,
        config=config,
        reports=place.reports,
        git=git,
        subject=subject,
        changes=changes,
        gates=gates,
        store=store,
        notes=place.notes,
        carried=place.carried,
        began=began,
    )


def plan_run(found: Discovered, request: Request, *, reports: Path | None = None) -> Prepared:
    """Plan a run on a subject; one that is prepared already may be planned again, for another request.

    Raises:
        GatesError: the request is invalid.
    """
    config, store = found.config, found.store
    plan = plan_by_history(config, found.gates, request, store)
    plan = msgspec.structs.replace(plan, notes=(*plan.notes, *found.notes))
    facts = resolve_all(expressions_of(plan), ExternalFacts(found.root, config, found.git, found.subject, store))
    known = {name: getattr(found, name) for name in Discovered.__struct_fields__}
    return Prepared(**known | {"reports": reports or found.reports}, plan=plan, facts=facts)


def _import_the_rest() -> None:
    """Import what the run and its end need, while waiting for other programs: this also takes a tenth of a second."""
    for name in ("pipeline.execute", "pipeline.show", "readers.junit.suites", "render.markdown", "render.terminal"):
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
