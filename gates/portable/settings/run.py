"""The settings of a run. A new one is declared here, and used where it is needed; nothing else lists settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..values import LEVELS, NO_TESTS, ORDERS, OUTPUTS
from .declare import Declared, option
from .kinds import COUNT, DURATION, EXPRESSION, FLAG, MAX_FAIL_KIND, PARTITION, TEXT, TEXTS, WHOLE, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOP, _PROFILE = ("top", "profile"), ("profile",)
_LEVEL, _WHEN = one_of(*LEVELS, metavar="LEVEL"), one_of(*OUTPUTS, metavar="LEVEL")


class Settings(Declared):
    """What a run can be told, in the order of `gates run --help`: by command line, environment, profile or config."""

    profile: str = option(TEXT, "Use a named checklist from the config.", default="", short="-p")
    filter: str = option(
        EXPRESSION,
        "Only tests that match; if repeated, those that match any.",
        default="",
        option="filter-expr",
        short="-E",
        variable=False,
        many=True,
        tables=_PROFILE,
        asks=True,
        plugin=True,
    )
    jobs: int | None = option(
        COUNT, "How many gates run at once.", default=None, short="-j", tables=_TOP, unset="number of cores"
    )
    workers: int | None = option(
        COUNT,
        "Worker count for `pytest -n auto`.",
        default=None,
        tables=_PROFILE,
        unset="from durations, cores and memory",
    )
    test_timeout: float | None = option(
        DURATION, "Time limit for one test: 2 (seconds), 90s, 10m.", default=None, tables=_TOP, asks=True, plugin=True
    )
    global_timeout: float | None = option(DURATION, "Time limit for the whole run.", default=None, tables=_TOP)
    stall_timeout: float | None = option(
        DURATION,
        "End a gate that shows no sign of life from its tests for this long.",
        default=None,
        tables=_TOP,
        unset="10m or more",
    )
    retries: int | None = option(WHOLE, "Retry a failed test up to N times.", default=None, asks=True)
    max_fail: str = option(
        MAX_FAIL_KIND,
        "Stop starting tests after N failures; `immediate` also ends running ones.",
        default="",
        tables=_PROFILE,
        asks=True,
        plugin=True,
    )
    order: str = option(
        one_of(*ORDERS),
        "Order in which tests run.",
        default="",
        tables=_PROFILE,
        unset="as collected",
        asks=True,
        plugin=True,
    )
    seed: int | None = option(WHOLE, "Seed for `--order random`; printed with each run.", default=None, plugin=True)
    stress_count: int = option(
        WHOLE, "Repeat each test N times; all runs must pass.", default=0, asks=True, plugin=True
    )
    stress_duration: float | None = option(
        DURATION, "Repeat each test for this long; all runs must pass.", default=None, asks=True, plugin=True
    )
    partition: str = option(
        PARTITION, "Run one part of the tests: slice:1/3 or hash:1/3.", default="", asks=True, plugin=True
    )
    include_excluded: bool = option(FLAG, "Also run excluded tests.", default=False, tables=_PROFILE, plugin=True)
    ignore_default_filter: bool = option(FLAG, "Ignore the filter of the profile.", default=False)
    no_tests: str = option(
        one_of(*NO_TESTS), "What to do when no test is selected.", default="fail", tables=_TOP, plugin=True
    )
    no_capture: bool = option(FLAG, "Show test output live; runs one gate and one test at a time.", default=False)
    status_level: str = option(
        _LEVEL, f"Which tests to report as they end: {', '.join(LEVELS)}.", default="slow", tables=_PROFILE
    )
    final_status_level: str = option(_LEVEL, "Which tests to list after all have run.", default="leak", tables=_PROFILE)
    failure_output: str = option(
        _WHEN, f"When to show why tests failed: {', '.join(OUTPUTS)}.", default="never", tables=_PROFILE
    )
    success_output: str = option(_WHEN, "When to show the output of passed tests.", default="never", tables=_PROFILE)
    # No variable: that an old environment stands for a new one must not come from far away.
    no_install: bool = option(
        FLAG, "Reuse existing environments without installing (nox -R).", default=False, short="-R", variable=False
    )

    @property
    def stressed(self) -> bool:
        """Whether tests run more than once, which says nothing of how long one takes."""
        return bool(self.stress_count or self.stress_duration)


class Choice(Settings):
    """Settings with a choice of gates: those of a command line or a profile."""

    gates: tuple[str, ...] | None = option(
        TEXTS,
        "Run only this gate; repeatable.",
        default=None,
        option="gate",
        short="-g",
        variable=False,
        many=True,
        metavar="GATE",
        tables=_PROFILE,
    )


VARIABLES: Mapping[str, str] = {name: one.variable for name, one in Settings.SETTINGS.items() if one.variable}
"""A setting → the variable that stands for its option. They are meant for one run, and not for the runs that its gates
may start. There is none for `-E` and `--gate`: a run of less, because of something far away, is easily taken for one of
everything."""


def settle(*layers: Declared) -> dict[str, Any]:
    """The settings of a run that somebody gave, each as the first layer says it that gives it."""
    given = {name: value for layer in reversed(layers) for name, value in layer.given.items()}
    return {name: value for name, value in given.items() if name in Settings.SETTINGS}
