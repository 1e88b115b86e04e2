"""What each setting of gates means for a green: every declared one is here, and a test says which is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gates.analysis.strictness.environment import Environment
from gates.analysis.strictness.filters import Filter
from gates.analysis.strictness.rules import Items, Rule, Said, Scale, Subject, Switch, steps, text_of
from gates.config import tables as declared
from gates.config.test_settings import SETTINGS
from gates.portable.patterns import lazy_pattern
from gates.portable.rules import NONE
from gates.portable.settings.declare import Setting
from gates.portable.values import format_duration

OTHER = Rule()
"""It decides how, where and when something runs, or what is shown. A time limit is among them: what exceeds it fails,
and a higher one lets nothing pass that failed for another reason."""


def _retries(value: Any) -> float | None:
    """More retries, and more outcomes to retry, let more tests pass."""
    if not isinstance(value, dict):
        return None if value is not None else 0.0
    return -float(value["count"]) * len(value["on"]) if isinstance(value.get("count"), int) else None


def _shown_retries(value: Any) -> str:
    """The number, and the outcomes where they are not the usual ones."""
    if not isinstance(value, dict) or "count" not in value:
        return text_of(value) or "0"
    usual = sorted(value.get("on", ())) == ["error", "failed"]
    return str(value["count"]) if usual else f"{value['count']} for {text_of(value.get('on', ()))}"


def _shown_seconds(value: Any) -> str:
    return format_duration(value) if isinstance(value, float) else text_of(value)


SECONDS = Rule(shown=_shown_seconds)
COMMANDS = ("command", "args", "session")
"""What a gate runs: read word by word, together with the sessions of the noxfile."""

_WORDS_ONLY = lazy_pattern(r"(^|/)(docs?|documentation|changelog\.d)/|\.(md|rst|txt|png|svg|jpe?g|gif|ico)$|^LICENSE")


_LAX_NOX = frozenset({"--no-error-on-missing-interpreters", "--no-error-on-external-run"})


class _NoxArguments(Items):
    """Of nox's options, two let a session pass that could not run as it is written."""

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:
        """As of a list."""
        for said in super().judge(about, before, after):
            yield said if _LAX_NOX & set(said.items) else said._replace(direction="other")


class _Unrelated(Items):
    """No code is in a file of words or pictures, so that no test depends on it."""

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:
        """As of a list; for files of words or pictures, it is no statement about strictness."""
        for said in super().judge(about, before, after):
            harmless = all(_WORDS_ONLY.search(glob) for glob in said.items)
            yield said._replace(direction="other") if harmless else said


_NO_TESTS = steps(
    "fail", "warn", "pass", weaker="a gate that selects no test may pass", stronger="a gate must select a test"
)

_TOP: Mapping[str, Rule] = {
    "no-tests": _NO_TESTS,
    "scope": Items(does="refuses branches that change {}", everything=True, limits="lets a branch change {}"),
    "base-failures": steps(
        "block", "report", weaker="tests that also fail on the base no longer block", stronger="tests that also fail on the base block",
    ),
    "accept-could-not-run": Items(does="fails if {} could not run"),
    "accept-exclusions": Items(does="fails if the exclusions {} leave out more than on the base"),
    "nox-args": _NoxArguments(does="calls nox without {}"),
    "unrelated": _Unrelated(does="selects the tests that depend on {}"),
    "timing-threshold": Scale(
        rank=lambda value: -value if isinstance(value, float) else None,
        weaker="larger changes of a time do not matter", stronger="smaller changes of a time matter",
    ),
    # What it accepts is shown with its reason, and could else never be accepted by the change that needs it.
    "accept-weakened": OTHER,
    **dict.fromkeys((
        "jobs", "merge-command", "base", "record-env", "mask-env", "reports", "supervise", "worktree-copy", "worktree-link", "worktree-disk",
    ), OTHER),
    **dict.fromkeys(("timeout", "test-timeout", "global-timeout", "stall-timeout", "timing-budget"), SECONDS),
}  # fmt: skip

_GATE: Mapping[str, Rule] = {
    "needs": Items(does="waits for {} to pass", strict=True),
    "junit": Items(does="demands the JUnit files {}", strict=True),
    "reports": Items(does="demands the reports {}", strict=True),
    "coverage": Items(does="reads the coverage files {}", strict=True),
    "tests": Scale(
        rank={"pytest": 2.0, "junit": 2.0, "auto": 1.0, "none": 0.0}.get,
        weaker="it demands no test results", stronger="it demands test results",
    ),
    "env": Environment(),
    "findings": Scale(
        rank=lambda value: 0.0 if value == "none" else 1.0,
        weaker="its findings are not read", stronger="its findings are read",
    ),
    **dict.fromkeys(("title", "timeout", "cwd", "versions"), OTHER),
    **dict.fromkeys(COMMANDS, OTHER),
}  # fmt: skip

_PROFILE: Mapping[str, Rule] = {
    "gates": Items(does="runs {}", strict=True, everything=True),
    "filter": Filter(),
    "include-excluded": Switch(does="runs the excluded tests, too"),
    "no-tests": _NO_TESTS,
    **dict.fromkeys((
        "jobs", "workers", "test-timeout", "global-timeout", "stall-timeout", "max-fail", "order", "status-level",
        "final-status-level", "failure-output", "success-output",
    ), OTHER),
}  # fmt: skip

_TESTS: Mapping[str, Rule] = {
    "retries": Scale(
        default={**NONE, "on": list(NONE["on"])}, rank=_retries, shown=_shown_retries, weaker="a failed test has more tries", stronger="a failed test has fewer tries",
    ),
    "flaky-result": Scale(
        default="pass",
        rank={"fail": 1.0, "pass": 0.0}.get,
        weaker="a test that fails first and then passes counts as passed", stronger="a test that fails first does not pass",
    ),
    "leak": Scale(
        rank={"fail": 2.0, "warn": 1.0, "ignore": 0.0, None: 0.5}.get,
        weaker="what a test leaves behind counts for less", stronger="what a test leaves behind counts for more",
    ),
    **dict.fromkeys(("slow-timeout", "isolate", "group", "threads-required", "priority", "setup"), OTHER),
}  # fmt: skip

GROUP: Mapping[str, Rule] = {"max-threads": OTHER}
SCRIPT: Mapping[str, Rule] = {"command": OTHER, "timeout": OTHER}

_JUNIT: Mapping[str, Rule] = {
    "accept": Items(does="refuses JUnit files with {}"),
    "passed-words": Items(does="fails for tests with the result {}"),
    "silent-elements": Items(does="asks what the elements {} mean"),
    **dict.fromkeys(("max-size", "max-depth", "max-attribute", "max-text"), OTHER),
}


def _declared(rules: Mapping[str, Rule], known: Mapping[str, Setting]) -> Mapping[str, Rule]:
    """The rules with the defaults that the settings were declared with."""
    found = {}
    for key, rule in rules.items():
        default = known[key].default if key in known else None
        found[key] = replace(rule, default=default) if rule.default in (None, ()) and default is not None else rule
    return found


TOP, GATE, PROFILE, JUNIT, TESTS = (
    _declared(rules, known)
    for rules, known in (
        (_TOP, declared.TOP),
        (_GATE, declared.GATE),
        (_PROFILE, declared.PROFILE),
        (_JUNIT, declared.JUNIT),
        (_TESTS, SETTINGS),
    )
)

ENTRY: Mapping[str, Rule] = {
    "filter": Filter(leaves_out=True),
    "expires": Scale(
        rank=lambda value: -float(value.toordinal()) if hasattr(value, "toordinal") else None,
        weaker="its tests do not count for longer", stronger="its tests count sooner",
    ),
    **dict.fromkeys(("reason", "category", "owner", "issue", "signature"), OTHER),
}  # fmt: skip
