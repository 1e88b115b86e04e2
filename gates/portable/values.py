"""Basic values: names, outcomes, exit codes, durations.

Standard library only, Python 3.9 syntax, no absolute import of `gates`: this module is also loaded inside the test
environments of foreign projects, under another package name (see `pytest_plugin.protocol`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum, IntEnum

from .patterns import lazy_pattern

SCHEMA_VERSION = 1
"""Version of every file that gates writes. A reader refuses a version that it does not know."""


class TestOutcome(str, Enum):  # noqa: UP042 — StrEnum is not in Python 3.9
    """How one test ended. Every collected test ends with exactly one of these."""

    __test__ = False  # not a test class, in spite of its name

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    FLAKY = "flaky"
    QUARANTINED = "quarantined"
    EXCLUDED = "excluded"
    INTERRUPTED = "interrupted"
    NOT_RUN = "not-run"

    def __str__(self) -> str:
        return str(self.value)


WORST_FIRST = (
    TestOutcome.CRASHED,
    TestOutcome.TIMEOUT,
    TestOutcome.FAILED,
    TestOutcome.ERROR,
    TestOutcome.INTERRUPTED,
    TestOutcome.NOT_RUN,
    TestOutcome.QUARANTINED,
    TestOutcome.EXCLUDED,
    TestOutcome.SKIPPED,
    TestOutcome.XFAILED,
    TestOutcome.FLAKY,
    TestOutcome.XPASSED,
    TestOutcome.PASSED,
)
"""If a test has several results, the first of these represents them all. A failure of the test itself is more
informative than an error of its teardown."""

BAD_TESTS = frozenset({TestOutcome.FAILED, TestOutcome.ERROR, TestOutcome.TIMEOUT, TestOutcome.CRASHED})
"""Outcomes of tests that ran and failed."""

LOST_TESTS = frozenset({TestOutcome.INTERRUPTED, TestOutcome.NOT_RUN})
"""Outcomes of tests about which nothing is known. No run that has one passes."""

RAN_TESTS = frozenset(
    {TestOutcome.PASSED, TestOutcome.XFAILED, TestOutcome.XPASSED, TestOutcome.FLAKY, TestOutcome.QUARANTINED}
    | BAD_TESTS
)
"""Outcomes of tests that finished: the `822 tests run` of a summary line."""


class GateOutcome(str, Enum):  # noqa: UP042 — as above
    """How one gate ended."""

    PASSED = "passed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    COULD_NOT_RUN = "could-not-run"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"

    def __str__(self) -> str:
        return str(self.value)

    @property
    def word(self) -> str:
        """How it is shown, such as `PASS` or `COULD NOT RUN`."""
        return {"passed": "PASS", "failed": "FAIL"}.get(self.value) or self.value.replace("-", " ").upper()


class ExitCode(IntEnum):
    """Exit codes of the program `gates`: a public contract, see docs/reference/exit-codes.md."""

    PASSED = 0
    GATE_FAILED = 1
    USAGE = 2
    COULD_NOT_RUN = 3
    NOTHING_SELECTED = 4
    REGRESSION = 5
    VERIFICATION_FAILED = 6
    INTERRUPTED = 130


EXIT_PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.USAGE,
    ExitCode.GATE_FAILED,
    ExitCode.REGRESSION,
    ExitCode.VERIFICATION_FAILED,
    ExitCode.COULD_NOT_RUN,
    ExitCode.NOTHING_SELECTED,
    ExitCode.PASSED,
)
"""If several exit codes apply, the first of these is used."""


def worst_exit(codes: Iterable[ExitCode]) -> ExitCode:
    """The exit code that represents all of `codes`; `PASSED` for none."""
    return min(codes, key=EXIT_PRECEDENCE.index, default=ExitCode.PASSED)


REGRESSIONS = ("newly-failing", "lost", "weakened", "other-cause")
"""What a comparison fails on unless told otherwise: `weakened` are tests removed, newly skipped or expected to fail, or
checking less, settings that got weaker, and exclusions that grew, unless they were accepted."""

ARTIFACT_FINDINGS = ("findings", "warnings", "uncovered")
"""Findings of a comparison besides tests: new findings of linters and type checkers, new warnings of
tests, changed lines that no test ran."""

SOURCE_FINDINGS = ("api", "scope", "dependencies")
"""Findings of a comparison in the sources of both sides."""

SHOWN_BY_FAULTS = ("survived", "not-red")
"""Findings of a comparison that need more runs: mutants of changed lines that no test noticed, and new tests that pass without
the change."""

FINDINGS = (*REGRESSIONS, "slower", *SOURCE_FINDINGS, *ARTIFACT_FINDINGS, *SHOWN_BY_FAULTS)
"""All findings of a comparison, on which it can fail."""

LEVELS = ("none", "fail", "flaky", "slow", "leak", "pass", "skip", "all")
"""Which tests are reported: each level includes those before it."""

COLORS = ("auto", "always", "never")
"""When output has colours."""

OUTPUTS = ("immediate", "final", "immediate-final", "never")
"""When the output of a test is shown."""

FORMATS = ("markdown", "html", "github", "junit", "gitlab", "sarif", "ctrf", "trace", "metrics")
"""What a run can be printed as, besides for a terminal."""

PLOTS = ("waterfall", "slowest", "trend", "flakes", "before-after")
"""Pictures that `gates plot` draws."""

NO_TESTS = ("fail", "warn", "pass")
"""What it means when a gate's pytest selects no test."""

ORDERS = ("default", "failed-first", "new-first", "longest-first", "random")
"""Orders in which tests can run."""

MAX_FAIL = ("wait", "immediate")


def parse_max_fail(text: str) -> tuple[int, str]:
    """How many tests may fail, and what then happens to running tests: `3`, `3:wait`, `1:immediate`.

    Raises:
        ValueError: the text has another form.
    """
    number, colon, mode = text.partition(":")
    if not number.isdigit() or int(number) < 1 or (colon and mode not in MAX_FAIL):
        raise ValueError(f"a whole number from 1, alone or with :wait or :immediate, not {text!r}")
    return int(number), mode or "wait"


_SIBILANT = lazy_pattern(r"(?:s|x|z|ch|sh)\Z")
_CONSONANT_Y = lazy_pattern(r"[^aeiou]y\Z")


def plural(number: int, word: str) -> str:
    """A number with its noun: `1 gate`, `2 gates`, `3 processes`, `1,200 dependencies`.

    The only place that counts nouns: a test refuses any other. The last of several words is the noun.
    """
    return f"{number:,} {noun(number, word)}"


def noun(number: int, word: str) -> str:
    """Only the noun, if its number is elsewhere in the sentence."""
    if number == 1:
        return word
    if _CONSONANT_Y.search(word):
        return f"{word[:-1]}ies"
    return f"{word}es" if _SIBILANT.search(word) else f"{word}s"


def listed(names: Sequence[str], most: int = 20) -> str:
    """Names in one line; of many, the first ones and how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


_DURATION = lazy_pattern(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h)\s*")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Seconds of a duration like `250ms`, `90s`, `1m 30s` or `2h`.

    Raises:
        ValueError: the text is not such a duration.
    """
    position, total = 0, 0.0
    while position < len(text):
        match = _DURATION.match(text, position)
        if match is None:
            raise ValueError(f"not a duration: {text!r} (expected for example '90s', '10m', '1h 30m')")
        total += float(match[1]) * _SECONDS[match[2]]
        position = match.end()
    if total <= 0:
        raise ValueError(f"not a duration above zero: {text!r}")
    return total


def format_duration(seconds: float) -> str:
    """A duration for people: `0.82s`, `46.8s`, `2m 05s`, `1h 02m`."""
    if seconds < 9.995:
        return f"{seconds:.2f}s"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
