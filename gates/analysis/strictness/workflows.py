"""Steps of a CI system whose failure does not count: in workflows, and in scripts. Reads lines of text. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gates.analysis.strictness.command import Command, checks, shell_commands
from gates.analysis.strictness.commands import purpose
from gates.analysis.strictness.options import table_of
from gates.portable.patterns import lazy_pattern
from gates.results import SettingChange

_PATHS = lazy_pattern(
    r"(^|.*/)(\.github/(workflows|actions)/.*\.ya?ml|\.gitlab-ci\.ya?ml|azure-pipelines\.ya?ml|\.circleci/config\.ya?ml|\.travis\.yml"
    r"|tox\.ini|Makefile|makefile|justfile|\.pre-commit-config\.yaml|\.ci/[^/]+|ci/[^/]+\.sh|scripts?/[^/]+\.sh)"
)
_SWITCH = lazy_pattern(r"(continue-on-error|allow_failure|allow-failure|ignore_outcome|continueOnError)\s*[:=]\s*(true|yes|on)\s*$", re.IGNORECASE)  # fmt: skip
_PLAIN = lazy_pattern(r"^(-\s+)?((run|script|command|commands)\s*[:=]\s*)?[|>@-]?\s*")


class _Step(NamedTuple):
    text: str
    line: int
    what: str


def is_workflow(path: str) -> bool:
    """Whether a file may hold steps of a CI system."""
    return _PATHS.fullmatch(path) is not None


HOOKS = ".pre-commit-config.yaml"
_HOOK = lazy_pattern(r"\s*(?:-\s*)?id:\s*[\"']?([\w.-]+)")
_FORGIVING = lazy_pattern(r"(^|.*/)(tox\.ini|[Mm]akefile)")
"""Files in which a `-` in front of a command means that it may fail."""


def _steps(text: str, path: str) -> Iterator[_Step]:
    """The steps of a file whose failure does not count."""
    forgiving = _FORGIVING.fullmatch(path) is not None
    for number, row in enumerate(text.split("\n"), 1):
        line = row.split(" #")[0].strip()
        switch = _SWITCH.search(line)
        if line.startswith("#"):
            continue
        if switch is not None:
            yield _Step(line.lstrip("- "), number, f"{switch[1]}: a step may fail unseen")
        elif forgiving and line.startswith("-"):
            for command in shell_commands(line.lstrip("-@ ")):
                if _is_known(command):
                    yield _Step(line, number, f"{command.program} may fail unseen")
        elif "||" in line or ("|" in line and ";" in line):
            for command in shell_commands(_PLAIN.sub("", line)):
                if command.ignored and _is_known(command):
                    yield _Step(line, number, f"{command.program} may fail unseen")


def _is_known(command: Command) -> bool:
    return checks(command) and bool(table_of(command.program))


def workflow_changes(base: Mapping[str, str], head: Mapping[str, str]) -> Iterator[SettingChange]:
    """New steps whose failure does not count are weaker, and those that are gone are stronger.

    Args:
        base: path on the head → text on the base, of the files that changed.
        head: path → text on the head.
    """
    changed = {path for path in (*base, *head) if is_workflow(path) and base.get(path) != head.get(path)}
    for path in sorted(path for path in changed if path.endswith(HOOKS)):
        yield from _hook_changes(path, base.get(path, ""), head.get(path, ""))
    for path in sorted(changed):
        old, new = (list(_steps(side.get(path, ""), path)) for side in (base, head))
        before, after = (Counter(step.text for step in side) for side in (old, new))
        if path not in base:  # no step of a new workflow counted before
            continue
        for steps, extra, gone in ((new, after - before, False), (old, before - after, True)):
            for step in reversed(steps):
                if extra[step.text] > 0:
                    extra[step.text] -= 1
                    yield SettingChange(
                        tool="ci", key=step.text, path=path, line=0 if gone else step.line,
                        before=step.text if gone else "", after="" if gone else step.text,
                        direction="stronger" if gone else "weaker",
                        what=f"no longer: {step.what}" if gone else step.what,
                    )  # fmt: skip


def _hook_changes(path: str, base: str, head: str) -> Iterator[SettingChange]:
    """Hooks that are gone; one that another with the same purpose replaced is neither weaker nor stronger."""
    old, new = (
        {match[1]: number for number, row in enumerate(text.split("\n"), 1) if (match := _HOOK.match(row))}
        for text in (base, head)
    )
    gone, added = ([name for name in one if name not in other] for one, other in ((old, new), (new, old)))
    for names, others, is_gone in ((gone, added, True), (added, gone, False)):
        for name in names:
            replaced = _purpose(name) >= 0 and any(_purpose(name) == _purpose(other) for other in others)
            weaker = "weaker" if is_gone else "stronger"
            yield SettingChange(
                tool="ci", key=f"hook {name}", path=path, line=0 if is_gone else new[name],
                before=f"id: {name}" if is_gone else "", after="" if is_gone else f"id: {name}",
                direction="other" if replaced else weaker,  # type: ignore[arg-type] # one of three words
                what=f"the hook {name} is gone" if is_gone else f"the hook {name} is new",
            )  # fmt: skip


def _purpose(hook: str) -> int:
    return purpose({"ruff": "ruff check", "ruff-check": "ruff check", "ruff-format": "ruff format"}.get(hook, hook))
