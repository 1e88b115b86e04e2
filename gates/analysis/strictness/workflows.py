"""Steps of a CI system whose failure does not count: in workflows, and in scripts. Reads lines of text. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gates.analysis.strictness.ci_scripts import has_scripts
from gates.analysis.strictness.command import Command, checks, shell_commands
from gates.analysis.strictness.options import table_of
from gates.analysis.strictness.pre_commit import HOOKS, hook_changes
from gates.portable.patterns import lazy_pattern
from gates.results import SettingChange

_PATHS = lazy_pattern(
    r"(^|.*/)(\.github/(workflows|actions)/.*\.ya?ml|\.gitlab-ci\.ya?ml|azure-pipelines\.ya?ml|\.circleci/config\.ya?ml|\.travis\.yml"
    r"|tox\.ini|Makefile|makefile|justfile|\.pre-commit-config\.yaml|\.ci/[^/]+|ci/[^/]+\.sh|scripts?/[^/]+\.sh)"
)
_SWITCH = lazy_pattern(r"(continue-on-error|allow_failure|allow-failure|ignore_outcome|continueOnError)\s*[:=]\s*(true|yes|on)\s*$", re.IGNORECASE)  # fmt: skip
_NEVER = lazy_pattern(r"(if\s*:\s*(\$\{\{\s*)?(false|'false')(\s*\}\})?|when\s*:\s*(never|manual))", re.IGNORECASE)
_PLAIN = lazy_pattern(r"^(-\s+)?((run|script|command|commands)\s*[:=]\s*)?[|>@-]?\s*")


class _Step(NamedTuple):
    text: str
    line: int
    what: str


def is_workflow(path: str) -> bool:
    """Whether a file may hold steps of a CI system."""
    return _PATHS.fullmatch(path) is not None


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
        elif _NEVER.fullmatch(line.lstrip("- ")):
            yield _Step(line.lstrip("- "), number, f"{line.lstrip('- ')}: a step or a job does not run by itself")
        elif forgiving and line.startswith("-"):
            for command in shell_commands(line.lstrip("-@ ")):
                if _is_known(command):
                    yield _Step(line, number, f"{command.program} may fail unseen")
        elif not has_scripts(path) and ("||" in line or ("|" in line and ";" in line)):
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
        yield from hook_changes(path, base.get(path, ""), head.get(path, ""))
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
