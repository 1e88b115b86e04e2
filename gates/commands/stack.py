"""`gates stack`: find the layers, run each alone and merged into the trunk, find where each failure was introduced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from gates.compare.stack import Layer, Stack, StackRun, asks_for_base, with_verdicts
from gates.config import load_config
from gates.pipeline.open_run import new_run_id
from gates.pipeline.stack_layers import find_stack
from gates.pipeline.stack_runs import Runs, base_name, folder_of, merge_name
from gates.planning.plan import Request
from gates.portable.errors import UsageError
from gates.render.stack import merge_command_of, render_stack
from gates.results.files import STACK_FILE, STACK_SUMMARY_FILE, as_bytes, to_json
from gates.run.masking import StructMask
from gates.storage.cache import Store
from gates.storage.claims import NAMES
from gates.storage.reports import Reports
from gates.storage.worktrees import merge_commit
from gates.vcs.git import Git


def validate_stack(
    root: Path,
    branches: tuple[str, ...],
    request: Request,
    command_line: str,
    *,
    trunk: str = "",
    run: bool = True,
    fresh: bool = False,
    merge_command: str = "",
    reports: Path | None = None,
) -> Stack:
    """Find the stack, run its layers, judge them, and write `stack.json` and `stack.md`.

    Args:
        root: the project's folder.
        branches: its layers from the trunk upward, `BRANCH` or `BRANCH:PARENT`; empty for the stack of the current branch.
        request: what the user asked for.
        command_line: the command, to paste.
        trunk: what the stack is merged into; empty for the base of the config, or git's default branch.
        run: make the runs that are not stored.
        fresh: use no stored run.
        merge_command: template of the command that merges a layer; empty for that of the config.
        reports: where reports go; None for the project's reports folder.

    Raises:
        GatesError: no git, no such branch, no stack, or a template with unknown names.
    """
    git = Git.of(root)
    if git is None:
        raise UsageError("there is no git repository, so there is no stack", place=str(root))
    config = load_config(root)
    folder = reports or root / config.reports
    found = find_stack(root, git, branches, trunk)
    store = Store.of(root, git)
    found = _with_merge_commands(found, merge_command or config.merge_command)
    needs = (f"{place}/{name}" for place in _folders(found) for name in NAMES["run"])
    with Reports.begin(folder, store.records, new_run_id(), root=root, kind="stack", needs=needs) as written:
        runs = Runs(root, git, request, command_line, folder, make=run, fresh=fresh)
        found = with_verdicts(_with_runs(git, found, runs))
        found = StructMask.of(config).struct(msgspec.structs.replace(found, notes=(*found.notes, *runs.notes)))
        written.publish({STACK_FILE: to_json(found), STACK_SUMMARY_FILE: as_bytes(render_stack(found, markdown=True))})
    return found


def _folders(stack: Stack) -> Iterator[str]:
    """Every folder in which a run of the stack may leave its reports."""
    yield folder_of(stack.trunk)
    for layer in stack.layers:
        yield folder_of(layer.name)
        yield folder_of(merge_name(layer.name, stack.trunk))
        yield folder_of(base_name(layer.name, layer.parent))


def _with_merge_commands(stack: Stack, template: str) -> Stack:
    layers = (
        layer
        if layer.merged
        else msgspec.structs.replace(layer, merge_command=merge_command_of(layer, stack.trunk, template))
        for layer in stack.layers
    )
    return msgspec.structs.replace(stack, layers=tuple(layers))


def _with_runs(git: Git, stack: Stack, runs: Runs) -> Stack:
    """The trunk's run, then each layer's from the trunk upward; after an interruption, none."""
    trunk_run = runs.of(stack.trunk, stack.trunk_commit)
    done = {stack.trunk: trunk_run}
    layers = []
    for layer in stack.layers:
        ran = layer if layer.merged else _run_layer(git, stack, layer, runs, done.get(layer.parent))
        if ran.own is not None:
            done[layer.name] = ran.own
        layers.append(ran)
    return msgspec.structs.replace(stack, trunk_run=trunk_run, layers=tuple(layers))


def _run_layer(git: Git, stack: Stack, layer: Layer, runs: Runs, parent: StackRun | None) -> Layer:
    own = runs.of(layer.name, layer.commit)
    merge = base = None
    if not layer.merge_conflicts:
        commit = merge_commit(git, stack.trunk_commit, layer.commit)
        merge = runs.of(merge_name(layer.name, stack.trunk), commit, "merge")
    ran = msgspec.structs.replace(layer, own=own, merge=merge)
    if asks_for_base(ran, parent):
        base = runs.of(base_name(layer.name, layer.parent), layer.fork)
    return msgspec.structs.replace(ran, base=base)
