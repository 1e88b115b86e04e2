"""How tests are run: settings with nextest's names, for all tests or, by filter, for some of them.

Pure, standard library only, Python 3.9 syntax: the pytest plugin applies them in foreign environments (see `values`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, field, fields
from typing import TYPE_CHECKING, Any

from .quick_dataclass import dataclass

if TYPE_CHECKING:
    from .filters import Candidate, Expression, Facts

RETRYABLE = ("failed", "error", "timeout", "crashed")
"""Outcomes that may be retried; timeouts and crashes only if named, because a retry would hide them."""

ALL_THREADS = 0
"""`threads-required` of a test that wants to run alone in its session: `"num-test-threads"`."""


@dataclass(frozen=True)
class Retries:
    """How often a failed test is retried.

    Attributes:
        count: number of retries; 0 for none.
        backoff: `fixed` or `exponential`: whether the delay doubles.
        delay: seconds before the first retry.
        max_delay: upper limit in seconds for a doubled delay; None for no limit.
        jitter: each delay is multiplied by a random factor from 0.5 to 1.
        on: outcomes that are retried.
    """

    count: int = 0
    backoff: str = "fixed"
    delay: float = 0.0
    max_delay: float | None = None
    jitter: bool = False
    on: tuple[str, ...] = ("failed", "error")


@dataclass(frozen=True)
class SlowTimeout:
    """When a test is reported as slow, and when it is ended.

    Attributes:
        period: seconds after which it is reported as slow, and again after each further period.
        terminate_after: periods after which it is ended; None for never.
        grace: seconds between interrupting the test and killing its process.
    """

    period: float = 60.0
    terminate_after: int | None = None
    grace: float = 10.0

    @property
    def limit(self) -> float | None:
        """Seconds after which the test is interrupted; None for never."""
        return None if self.terminate_after is None else self.period * self.terminate_after


@dataclass(frozen=True)
class Rules:
    """The settings for one test.

    Attributes:
        retries: for a failed test.
        flaky_result: the result of a test that passed on a retry: `pass` or `fail`.
        slow_timeout: when it is slow, and when it is ended.
        isolate: whether it runs in its own process: `no`, `auto` (fork if that is safe), `fork` or `spawn`.
        leak: what to do when it leaves something behind: `ignore`, `warn` or `fail`; `auto` warns for isolated tests.
        group: the group of tests that share a number of slots; empty for none.
        threads_required: slots of its session that it takes; `ALL_THREADS` for all.
        priority: from -100 to 100; tests with a higher one start earlier.
        setup: names of the scripts that must run before it.
    """

    retries: Retries = field(default_factory=Retries)
    flaky_result: str = "pass"
    slow_timeout: SlowTimeout = field(default_factory=SlowTimeout)
    isolate: str = "no"
    leak: str = "auto"
    group: str = ""
    threads_required: int = 1
    priority: int = 0
    setup: tuple[str, ...] = ()


@dataclass(frozen=True)
class SetupScript:
    """A script that must run, once per session, before the tests that name it.

    Attributes:
        command: program and arguments; started without a shell, in the project's folder.
        timeout: seconds after which it is ended.
    """

    command: tuple[str, ...]
    timeout: float = 60.0


NAMES = {one.name.replace("_", "-"): one.name for one in fields(Rules)}
"""Name of a setting in a config → its attribute."""


@dataclass(frozen=True)
class Override:
    """Settings from one place, for the tests that a filter selects.

    Attributes:
        source: where it is set: `command line`, `GATES_RETRIES`, `gates.toml:12`, `profile quick`.
        filter: expression; empty for all tests.
        settings: attribute of `Rules` → its value.
    """

    source: str
    filter: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


DEFAULT = Override("default", "", asdict(Rules()))
NONE: Mapping[str, Any] = asdict(Retries())
"""The setting `retries` for no retries."""


@dataclass(frozen=True)
class ResolvedRules:
    """The rules of one test, and where each setting comes from."""

    rules: Rules
    sources: Mapping[str, str]


class RuleBook:
    """Layers by precedence: the first one that has a setting for a test decides that setting."""

    def __init__(self, layers: Sequence[Override] = ()) -> None:
        self.layers = tuple(layers)

    def choose(
        self, tests: Sequence[Candidate], facts: Facts | None = None, named: Mapping[str, Expression] | None = None
    ) -> list[ResolvedRules]:
        """The rules of each test, in their order.

        A filter applies to a test that it may match: if a predicate is unknown, the test gets the setting.
        """
        open_: list[dict[str, tuple[Any, str]]] = [{} for _ in tests]
        for layer in (*self.layers, DEFAULT):
            refused = _refused(layer.filter, tests, facts, named) if layer.filter else None
            for position, known in enumerate(open_):
                if refused is not None and refused[position]:
                    continue
                for name, value in layer.settings.items():
                    known.setdefault(name, (value, layer.source))
        made: dict[str, Rules] = {}  # most tests share their settings
        return [_chosen(known, made) for known in open_]

    def to_json(self) -> list[dict[str, Any]]:
        """As JSON."""
        return [asdict(layer) for layer in self.layers]

    @classmethod
    def from_json(cls, data: Iterable[Mapping[str, Any]]) -> RuleBook:
        """Read what `to_json` made."""
        return cls([Override(str(one["source"]), str(one["filter"]), dict(one["settings"])) for one in data])


def _refused(
    expression: str, tests: Sequence[Candidate], facts: Facts | None, named: Mapping[str, Expression] | None
) -> list[bool]:
    """For each test, whether it certainly does not match."""
    # Imported here, because most sessions have no filter, and the language takes a third of the plugin's start.
    from .filters import compile_filter
    from .filters.columns import NO

    return [answer == NO for answer in compile_filter(expression, facts, named).column(tests)]


def rules_from_json(values: Mapping[str, Any]) -> Rules:
    """The rules from a table, as from `dataclasses.asdict`."""
    retries, slow = dict(values["retries"]), dict(values["slow_timeout"])
    retries["on"] = tuple(retries["on"])
    rest = {name: value for name, value in values.items() if name not in ("retries", "slow_timeout", "setup")}
    return Rules(retries=Retries(**retries), slow_timeout=SlowTimeout(**slow), setup=tuple(values["setup"]), **rest)


def _chosen(known: Mapping[str, tuple[Any, str]], made: dict[str, Rules]) -> ResolvedRules:
    values = {name: value for name, (value, _) in known.items()}
    key = repr(sorted(values.items(), key=lambda item: item[0]))
    if key not in made:
        made[key] = rules_from_json(values)
    return ResolvedRules(made[key], {name: source for name, (_, source) in known.items()})
