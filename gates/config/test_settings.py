"""The settings of `[tests]` that may differ from test to test, declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gates.portable.rules import ALL_THREADS, NONE, RETRYABLE
from gates.portable.settings.declare import Declared, declare
from gates.portable.settings.kinds import (
    COMMAND,
    COUNT,
    DURATION,
    EXPRESSION,
    FLAG,
    WHOLE,
    Kind,
    one_of,
    seconds,
    whole,
)

_RETRIES = "a whole number from 0, or { count = 2, backoff = 'exponential', delay = '1s', max-delay = '10s', jitter = true, on = ['failed'] }"
_SLOW = "a duration such as '60s', or { period = '60s', terminate-after = 2, grace = '10s' }"


def _delay(value: Any) -> float:
    return 0.0 if value == 0 and not isinstance(value, bool) else seconds(value)


def _outcomes(value: Any) -> list[str]:
    if not isinstance(value, list) or not value or not all(item in RETRYABLE for item in value):
        raise ValueError("a list of " + ", ".join(RETRYABLE))
    return list(value)


def _table(kinds: Mapping[str, Kind], needed: str, expected: str) -> Kind:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or needed not in value:
            raise ValueError(expected)
        found = {}
        for key, item in value.items():
            if key not in kinds:
                raise ValueError(f"{expected}; it has no {key!r}")
            try:
                found[key.replace("-", "_")] = kinds[key].read(item)
            except ValueError as error:
                raise ValueError(f"{error} as {key!r}") from error
        return found

    properties = {key: kind.schema for key, kind in kinds.items()}
    return Kind(read, {"type": "object", "required": [needed], "additionalProperties": False, "properties": properties})


_DELAY = Kind(_delay, {"anyOf": [{"type": "string"}, {"type": "number", "minimum": 0}]})
_RETRIES_TABLE = _table(
    {
        "count": WHOLE,
        "backoff": one_of("fixed", "exponential"),
        "delay": _DELAY,
        "max-delay": DURATION,
        "jitter": FLAG,
        "on": Kind(_outcomes, {"type": "array", "items": {"enum": list(RETRYABLE)}, "minItems": 1}),
    },
    "count",
    _RETRIES,
)
_SLOW_TABLE = _table({"period": DURATION, "terminate-after": COUNT, "grace": _DELAY}, "period", _SLOW)


def _retries(value: Any) -> dict[str, Any]:
    table = {"count": value} if isinstance(value, int) and not isinstance(value, bool) else value
    return {**NONE, "on": list(NONE["on"]), **_RETRIES_TABLE.read(table)}


def _slow_timeout(value: Any) -> dict[str, Any]:
    table = value if isinstance(value, dict) else {"period": value}
    return {"period": 60.0, "terminate_after": None, "grace": 10.0, **_SLOW_TABLE.read(table)}


def _isolate(value: Any) -> str:
    if isinstance(value, bool):
        return "auto" if value else "no"
    if value not in ("fork", "spawn"):
        raise ValueError("true, false, 'fork' or 'spawn'")
    return str(value)


def _threads(value: Any) -> int:
    if value == "num-test-threads":
        return ALL_THREADS
    try:
        return int(COUNT.read(value))
    except ValueError as error:
        raise ValueError(f"{error}, or 'num-test-threads'") from error


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a name")
    return value


def _names(value: Any) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ValueError("a name, or a list of names")
    return list(names)


_NAMES_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


class ForTests(Declared):
    """Settings that may differ from test to test.

    Attributes:
        retries: a number, or `{ count, backoff = "fixed" or "exponential", delay, max-delay, jitter, on }`: how often
            a failed test is retried. `on` lists the outcomes to retry: by default `failed` and `error`, without
            `timeout` and `crashed`, which a retry would hide. A test that killed its process is retried at most once,
            and alone.
        flaky_result: `pass` (default) or `fail`: the result of a test that passed on a retry.
        slow_timeout: a duration, or `{ period, terminate-after, grace }`. While a test runs, it is reported as `SLOW`
            after each period (default `60s`). After `terminate-after` periods it is interrupted and torn down, and
            ends as `timeout` with the stacks of all threads. If it does not end within `grace` (default `10s`), its
            process and everything that it started are ended.
        leak: `ignore`, `warn` or `fail`: what to do when a test leaves something behind in its process: variables
            (named, never shown), the working directory, threads, child processes, open files. Default: `warn` for
            isolated tests, else `ignore`. What fixtures of wider scopes set up does not count. Children and files are
            seen only on Linux.
        isolate: `true`: the test runs in its own process, forked if that is safe, else a new pytest (`"fork"` and
            `"spawn"` force one of them). A fork has the module's and the session's fixtures as they are. No other
            test sees what this one changes, and what a plugin collects in its process, such as coverage, is lost.
        group: name of a group, see below; `""` for none.
        threads_required: how many of its session's xdist workers a test occupies (default `1`). With
            `"num-test-threads"`, or more than there are, it runs alone in its session. Without xdist every test does.
        priority: from -100 to 100: tests with a higher one always start earlier.
        setup: a name, or a list of names, of scripts that must run before the test, see below.
    """

    retries: Any = declare(Kind(_retries, {"anyOf": [WHOLE.schema, _RETRIES_TABLE.schema]}), default=None)
    flaky_result: Any = declare(one_of("pass", "fail"), default=None)
    slow_timeout: Any = declare(Kind(_slow_timeout, {"anyOf": [DURATION.schema, _SLOW_TABLE.schema]}), default=None)
    leak: Any = declare(one_of("ignore", "warn", "fail"), default=None)
    isolate: Any = declare(Kind(_isolate, {"enum": [True, False, "fork", "spawn"]}), default=None)
    group: Any = declare(Kind(_name, {"type": "string"}), default=None)
    threads_required: Any = declare(
        Kind(_threads, {"anyOf": [{"type": "integer", "minimum": 1}, {"const": "num-test-threads"}]}), default=None
    )
    priority: Any = declare(whole(-100, 100), default=None)
    setup: Any = declare(Kind(_names, _NAMES_SCHEMA), default=None)


class ForSome(ForTests):
    """`overrides`: the same, for some tests.

    Attributes:
        filter: the tests that the override applies to.
    """

    filter: Any = declare(EXPRESSION, default=None)


class Group(Declared):
    """`[tests.groups.NAME]`.

    Attributes:
        max_threads: how many tests of the group may run at the same time.
    """

    max_threads: Any = declare(COUNT, default=None)


class Script(Declared):
    """`[tests.scripts.NAME]`.

    Attributes:
        command: a list of words, or a string that is split as a shell would; started without a shell, in the
            project's folder and with the variables of the test process.
        timeout: time limit; default `60s`. After it, the script and its process group are ended.
    """

    command: Any = declare(COMMAND, default=None)
    timeout: Any = declare(DURATION, default=None)


SETTINGS, OVERRIDE, GROUP, SCRIPT = (
    {one.key: one for one in kind.SETTINGS.values()} for kind in (ForTests, ForSome, Group, Script)
)
"""Key → its declaration."""
