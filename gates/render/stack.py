"""A stack, for a terminal and as Markdown: its tree with the state of each layer, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from string import Formatter
from typing import TYPE_CHECKING

from gates.portable.errors import UsageError
from gates.portable.filters.nearest import nearest
from gates.portable.values import listed
from gates.render.markup import cell, code, escape, fenced, inline, table
from gates.render.size_limit import Room, fitted, is_cut
from gates.render.text import duration, one_line, plural

if TYPE_CHECKING:
    from gates.compare.stack import Failure, Layer, Stack, StackRun

MERGE_COMMAND = "gh pr merge --squash --delete-branch --subject {subject} -- {branch}"
"""The default template of the command that merges a layer."""

PLACEHOLDERS = ("branch", "parent", "trunk", "number", "total", "title", "subject")

WORDS = {
    "could-not-run": "could not run",
    "not-run": "not run",
    "nothing-selected": "nothing selected",
    "inherited": "inherits failures",
    "conflict": "does not merge",
}
"""State → words; other states are shown as they are."""

SHOWN_FAILURES = 20
SHOWN_FILES = 4


def merge_command_of(layer: Layer, trunk: str, template: str = "") -> str:
    """The command that merges a layer; every value is quoted for a shell, and no name can act as an option.

    Raises:
        UsageError: the template has an unknown name, or is invalid.
    """
    # The default template marks the end of options; others may not, so a name like `-x` is spelled out for git.
    named = _spelled_out if template else str
    template = template or MERGE_COMMAND
    title = layer.title or layer.name
    values = {
        "branch": named(layer.name),
        "parent": named(layer.parent),
        "trunk": named(trunk),
        "number": str(layer.number),
        "total": str(layer.total),
        "title": title,
        "subject": f"{title} (PR {layer.number}/{layer.total})",
    }
    _check_template(template)
    return template.format(**{name: shlex.quote(value) for name, value in values.items()})


def _spelled_out(name: str) -> str:
    return f"refs/heads/{name}" if name.startswith("-") else name


def _check_template(template: str) -> None:
    try:
        names = [name for _, name, *_ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise UsageError(f"not a template: {error}", got=template, remedy="write {{ and }} for braces") from error
    for name in names:
        if name not in PLACEHOLDERS:
            near = nearest(name, PLACEHOLDERS)
            known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
            remedy = f"did you mean {{{near}}}?" if near else f"known: {known}"
            raise UsageError(f"the merge command has an unknown name {{{name}}}", got=template, remedy=remedy)


def rebase_command_of(layer: Layer, fork: str) -> str:
    """The command that moves only the commits of a layer above `fork` onto its parent."""
    return shlex.join(["git", "rebase", f"--onto={layer.parent}", "--", fork[:12], layer.name])


def render_stack(stack: Stack, *, markdown: bool = False) -> str:
    """The stack as text, or as Markdown."""
    if markdown:
        return fitted(stack, lambda short, room: "\n".join(_markdown(short, room)) + "\n")
    return "\n".join(_terminal(stack)) + "\n"


def _terminal(stack: Stack) -> Iterator[str]:
    yield f"{one_line(stack.trunk)} ({stack.trunk_commit[:12]})  {_words(stack.trunk_state)}{_ground(stack.trunk_run)}"
    for layer, front, below in _tree(stack):
        yield f"{front}{_head(layer)}"
        for line in _details(layer):
            yield f"{below}{line}"
    for title, lines in _sections(stack):
        yield from ("", f"{title}:", *(f"  {one_line(line)}" for line in lines))


def _tree(stack: Stack) -> Iterator[tuple[Layer, str, str]]:
    """Each layer with the prefixes of its line and of the lines below it."""
    by_parent: dict[str, list[Layer]] = {}
    for layer in stack.layers:
        by_parent.setdefault(layer.parent, []).append(layer)
    waiting: list[tuple[Layer, str, bool]] = []

    def push(name: str, indent: str) -> None:
        children = by_parent.get(name, [])
        waiting.extend((child, indent, child is children[-1]) for child in reversed(children))

    push(stack.trunk, "")
    while waiting:
        layer, indent, last = waiting.pop()
        under = indent + ("   " if last else "│  ")
        more = "│  " if by_parent.get(layer.name) else "   "
        yield layer, f"{indent}{'└─' if last else '├─'} ", f"{under}{more}"
        push(layer.name, under)


def _head(layer: Layer) -> str:
    name = f"PR {layer.number}/{layer.total} {one_line(layer.name)} ({layer.commit[:12]})"
    return f"{name}  {state_words(layer)}"


def state_words(layer: Layer) -> str:
    """The state of a layer in a line: `validated, base validated, rebase pending`."""
    if layer.merged:
        return "merged"
    parts = [_words(layer.state), f"base {_words(layer.base_state)}"]
    if layer.rebase == "pending":
        parts.append("rebase pending" + (", which conflicts" if layer.rebase_conflicts else ""))
    elif layer.rebase == "after-parent":
        parts.append("rebase after its base" + (", which conflicts" if layer.rebase_conflicts else ""))
    return ", ".join(parts)


def _words(state: str) -> str:
    return WORDS.get(state, state)


def _details(layer: Layer) -> Iterator[str]:
    if layer.merged:
        return
    if layer.former_parent:
        yield f"was based on {one_line(layer.former_parent)}, which is merged or gone"
    if layer.behind:
        yield f"{plural(layer.behind, 'commit')} behind {one_line(layer.parent)}"
    if layer.rebase_conflicts:
        yield f"a rebase conflicts in {_files(layer.rebase_conflicts)}"
    elif layer.rebase_command:
        yield "a rebase does not conflict"
    if layer.merge_conflicts:
        yield f"its merge conflicts in {_files(layer.merge_conflicts)}"
    for name, run in (("alone", layer.own), ("merged into the trunk", layer.merge)):
        if run is not None and (run.known or run.reason):
            yield f"{name}: {_run(run)}"


def _files(files: tuple[str, ...]) -> str:
    return listed([*map(one_line, files)], SHOWN_FILES)


def _run(run: StackRun) -> str:
    if not run.known:
        return f"could not run: {one_line(run.reason, 200)}"
    tests = f", {run.tests.passed:,} of {plural(run.tests.run, 'test')} passed" if run.tests else ""
    return f"{_words(run.outcome)}{tests}{_ground(run)}"


def _ground(run: StackRun | None) -> str:
    """The origin of the run, if it was not made for this subject now."""
    if run is None or not run.known:
        return ""
    same = f"same tree as {one_line(run.same_as)}, not run again" if run.same_as else ""
    age = f"stored run, {duration(run.age)} old" if run.stored else ""
    said = "; ".join(part for part in (same, age) if part)
    return f" [{said}]" if said else ""


def _sections(stack: Stack) -> Iterator[tuple[str, list[str]]]:
    if stack.failures:
        lines = [f"{failure_words(one)}: {_named(one)}" for one in stack.failures[:SHOWN_FAILURES]]
        rest = len(stack.failures) - SHOWN_FAILURES
        yield (
            "Failures, by where they were introduced",
            [*lines, *([f"and {rest} more in stack.json"] if rest > 0 else [])],
        )
    pending = [layer for layer in stack.layers if layer.rebase_command]
    if pending:
        yield "Rebase, in this order", [layer.rebase_command for layer in pending]
    ready = [layer for layer in stack.layers if ready_to_merge(layer, stack.trunk)]
    if ready:
        yield "Ready to merge", [layer.merge_command for layer in ready]
    if stack.notes:
        yield "Notes", list(stack.notes)


def ready_to_merge(layer: Layer, trunk: str) -> bool:
    """Whether it can be merged now: it is based on the trunk, and passed alone and merged."""
    return layer.state == "validated" and layer.parent == trunk and not layer.rebase


def _named(failure: Failure) -> str:
    return f"{failure.test} ({failure.gate})" if failure.test else f"gate {failure.gate}"


def failure_words(failure: Failure) -> str:
    """Where a failure was introduced, and how."""
    name = one_line(failure.introduced_by)
    words = {
        "layer": name,
        "merge": f"{name}, only when merged",
        "trunk": f"{name} (the trunk)",
        "outdated": f"an older state of {name}: a rebase removes it",
    }
    return words[failure.how] + ("" if failure.certain else " (whether it failed before is not known)")


def _markdown(stack: Stack, room: Room) -> Iterator[str]:
    yield f"# Stack on {escape(stack.trunk)}"
    yield ""
    trunk = f"{_words(stack.trunk_state)}{_ground(stack.trunk_run)}"
    yield f"{code(stack.trunk)} ({code(stack.trunk_commit[:12])}): {inline(trunk)}"
    yield ""
    rows = [
        (
            f"{layer.number}/{layer.total}",
            cell(layer.name),
            cell(layer.parent),
            inline(state_words(layer)),
            inline(_run(layer.own)) if layer.own and (layer.own.known or layer.own.reason) else "-",
            _merged(layer),
        )
        for layer in room.shown(stack.layers)
    ]
    yield from table(("PR", "Branch", "On", "State", "Alone", "Merged"), rows)
    yield from room.rest(stack.layers, "layer")
    if stack.failures:
        yield "## Failures"
        yield ""
        shown = room.shown(stack.failures, SHOWN_FAILURES)
        yield from table(
            ("Introduced by", "What", "Seen on"),
            [(inline(failure_words(one)), cell(_named(one)), inline(", ".join(room.shown(one.seen)))) for one in shown],
        )
        if len(stack.failures) > len(shown):
            yield f"{len(stack.failures) - len(shown)} more in `stack.json`."
            yield ""
    for title, lines in _sections(stack):
        if title.startswith("Failures"):
            continue
        yield f"## {title}"
        yield ""
        yield from (_listed(title, lines, room))
        yield ""


def _listed(title: str, lines: list[str], room: Room) -> Iterator[str]:
    """Notes, or commands to paste: a truncated command might do something that the whole one never does."""
    whole = [line for line in lines if not is_cut(line, room)]
    shown = room.shown(lines if title == "Notes" else whole)
    yield from ([f"- {escape(line)}" for line in shown] if title == "Notes" else fenced("\n".join(shown), "bash"))
    if len(lines) > len(shown):
        yield from ("", f"… and {plural(len(lines) - len(shown), 'more line')} in `stack.json`.")


def _merged(layer: Layer) -> str:
    if layer.merge_conflicts:
        return inline(f"conflicts in {_files(layer.merge_conflicts)}")
    if layer.merge is None or not (layer.merge.known or layer.merge.reason):
        return "-"
    return inline(_run(layer.merge))
