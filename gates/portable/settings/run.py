"""The settings of a run. A new one is declared here, and used where it is needed; nothing else lists settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..values import COLORS, LEVELS, NO_TESTS, ORDERS, OUTPUTS
from .declare import Declared, asked, option
from .kinds import COUNT, DURATION, EXPRESSION, FLAG, MAX_FAIL_KIND, PARTITION, TEXT, TEXTS, WHOLE, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOP, _PROFILE = ("top", "profile"), ("profile",)
_LEVEL, _WHEN = one_of(*LEVELS, metavar="LEVEL"), one_of(*OUTPUTS, metavar="LEVEL")


class Settings(Declared):
    """The settings of a run, in the order of `gates run --help`: from command line, environment, profile or config.

    Attributes:
        profile: use a named checklist with its own settings.
        filter: run only tests that match; if repeated, those that match any. In a profile, `default()` means this filter
            in other expressions.
        workers: the worker count for `pytest -n auto` in every gate; may exceed the number of cores; see
            [workers](commands.md#workers).
        test_timeout: time limit for one test. After it, the stacks of all threads are dumped, and the test ends as
            `timeout`, with its process. A `slow-timeout` in `[tests]` that ends tests overrides that of the config,
            and is gentler.
        global_timeout: time limit for the whole run, from the start of its first gate. When it ends, running gates
            become `timeout` (SIGTERM, then SIGKILL after a grace period), waiting gates become `skipped`, and the run
            fails. Finished results stay.
        stall_timeout: end a gate whose tests show no sign of life (no output and no result) for this long: see [when
            nothing moves](commands.md#when-nothing-moves).
        retries: retry a failed test up to N times; a test that then passes is `flaky`.
        max_fail: stop starting tests, in every gate, after N failures; the rest are `not-run`. `immediate` also ends
            running tests. Gates without tests continue.
        order: `failed-first` and `new-first` start with tests that failed, or did not exist, last time;
            `longest-first` starts with the longest files, and in each with the longest test; `random` shuffles files,
            then the classes and tests in them. A `priority` overrides every order.
        stress_count: repeat each test N times in its process; it passes if every attempt passed. Such a run is not
            used for recorded durations and outcomes.
        stress_duration: the same, for this long.
        partition: run part `m` of `n` of the selected tests, so that several machines share them: `slice:m/n` or
            `hash:m/n`. `slice` sorts the ids and deals them out in turn. `hash` uses each id alone, so a test stays
            in its part when others come and go. The order of collection does not matter, and tests that share an id
            are in one part. The summary shows the partition.
        include_excluded: also run the tests that `[exclusions]` excludes.
        ignore_default_filter: ignore the `filter` of the profile.
        no_tests: what to do when a gate's pytest selects no test: `fail`, `warn` or `pass`.
        no_capture: show the output of gates and their tests live: one gate at a time, without workers; the logs have
            it, too.
        status_level: which tests to report as they end: `none`, `fail`, `flaky`, `slow`, `leak`, `pass`, `skip`,
            `all`; each level includes those before it.
        final_status_level: the same, after all tests have run.
        failure_output: when to show the details of a failed test (why and where it failed, the project's own frames,
            then its output; for a flaky test, the attempts that failed; cuts are marked): `immediate`, `final`,
            `immediate-final` or `never`.
        success_output: the same, for passed tests.
        color: when the output has colours: `auto` (on a terminal, unless `NO_COLOR` is set), `always` or `never`. A summary
            with `always` has them in a log, too. The gates decide for themselves.
    """

    profile: str = option(TEXT, "Use a named checklist from the config.", default="", short="-p")
    filter: str = asked(
        EXPRESSION,
        "Only tests that match; if repeated, those that match any.",
        default="",
        called="filter-expr",
        short="-E",
        stands=False,
        many=True,
        tables=_PROFILE,
        pytest=True,
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
    test_timeout: float | None = asked(
        DURATION, "Time limit for one test: 2 (seconds), 90s, 10m.", default=None, tables=_TOP, pytest=True
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
    max_fail: str = asked(
        MAX_FAIL_KIND,
        "Stop starting tests after N failures; `immediate` also ends running ones.",
        default="",
        tables=_PROFILE,
    )
    order: str = asked(one_of(*ORDERS), "Order in which tests run.", default="", tables=_PROFILE, unset="as collected")
    seed: int | None = option(WHOLE, "Seed for `--order random`; printed with each run.", default=None, plugin=True)
    stress_count: int = asked(WHOLE, "Repeat each test N times; all runs must pass.", default=0)
    stress_duration: float | None = asked(DURATION, "Repeat each test for this long; all runs must pass.", default=None)
    partition: str = asked(PARTITION, "Run one part of the tests: slice:1/3 or hash:1/3.", default="", pytest=True)
    include_excluded: bool = option(
        FLAG, "Also run excluded tests.", default=False, tables=_PROFILE, plugin=True, pytest=True
    )
    ignore_default_filter: bool = option(FLAG, "Ignore the filter of the profile.", default=False, pytest=True)
    no_tests: str = option(
        one_of(*NO_TESTS), "What to do when no test is selected.", default="fail", tables=_TOP, plugin=True, pytest=True
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
    color: str = option(one_of(*COLORS), "When to use colours.", default="auto")
    # No variable: reusing an old environment must not be caused by a forgotten setting.
    no_install: bool = option(
        FLAG, "Reuse existing environments without installing (nox -R).", default=False, short="-R", stands=False
    )

    @property
    def of_tests(self) -> dict[str, Any]:
        """The given settings for running tests, which are passed to the plugin."""
        return {name: value for name, value in self.given.items() if self.SETTINGS[name].plugin}

    @property
    def stressed(self) -> bool:
        """Whether tests run more than once, so that their durations are not comparable."""
        return bool(self.stress_count or self.stress_duration)


class Choice(Settings):
    """Settings with a choice of gates: those of a command line or a profile.

    Attributes:
        gates: run only this gate, and what it [needs](config.md#gatename); repeatable; the bare name of a
            parametrised session selects all of its instances. In a profile: a list of names.
    """

    gates: tuple[str, ...] | None = option(
        TEXTS,
        "Run only this gate; repeatable.",
        default=None,
        called="gate",
        short="-g",
        stands=False,
        many=True,
        metavar="GATE",
        tables=_PROFILE,
    )


VARIABLES: Mapping[str, str] = {name: one.variable for name, one in Settings.SETTINGS.items() if one.variable}
"""A setting → the variable for its option. Variables are meant for one run, not for runs that its gates
may start. `-E` and `--gate` have none: a partial run, caused by a forgotten variable, could be mistaken for a run of
everything."""


def settle(*layers: Declared) -> dict[str, Any]:
    """The given settings of a run, each from the first layer that has it."""
    given = {name: value for layer in reversed(layers) for name, value in layer.given.items()}
    return {name: value for name, value in given.items() if name in Settings.SETTINGS}
