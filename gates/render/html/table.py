"""The tests of a run as data of a page: columns, which are read at once, and parts with what few tests have, each read when it is needed.

There may be 100,000 tests, nearly all of which passed and have nothing to tell, so each is looked at as few times as possible.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from gates.portable.values import TestOutcome
from gates.render.stacks import LEAD_IN_HEAD, folded
from gates.render.text import one_line
from gates.results import AttemptResult, SubtestResult, TestResult


class More(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a page tells about a test besides its columns: fields of `TestResult`, and a folded stack dump as a whole."""

    message: str = ""
    reason: str = ""
    place: str = ""
    details: str = ""
    stdout: str = ""
    stderr: str = ""
    quarantine: str = ""
    worker: str = ""
    attempts: tuple[AttemptResult, ...] = ()
    subtests: tuple[SubtestResult, ...] = ()
    leaks: tuple[str, ...] = ()
    whole: str = ""


_FIELDS = attrgetter(*More.__struct_fields__[:-1])

_PART = 300_000
"""Bytes of JSON in a part: the page reads one in a few milliseconds, and larger ones would not be smaller when compressed."""

_LEVEL = 1
"""Of compression: the quickest. A higher level saves a tenth and takes twice the time."""

_LONGEST_CAUSE = 300

LONGEST = 1e9
"""Seconds: no test takes longer."""


def packed(value: Any) -> str:
    """A value as JSON, compressed (RFC 1951), as base64."""
    return _compressed(as_json(value))


def _compressed(text: bytes) -> str:
    packer = zlib.compressobj(_LEVEL, wbits=-15)
    return base64.b64encode(packer.compress(text) + packer.flush()).decode()


def as_json(value: Any) -> bytes:
    """JSON of a value; a lone surrogate, which msgspec refuses, becomes an escape."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value)).encode()


def columns(tests: Sequence[TestResult], recent: Mapping[tuple[str, str], str]) -> tuple[dict[str, Any], list[str]]:
    """The columns, and the parts, packed.

    `at` has the numbers of the tests that are told more about: those that did not pass, and others with something to tell.
    The columns `outcome` and `cause` have one entry for each of them; all other tests passed. A column is empty if all its
    entries are the same.

    Args:
        tests: of the run.
        recent: gate and test → how it ended in the last runs, a letter for each.
    """
    passed = TestOutcome.PASSED
    at = [
        number
        for number, test in enumerate(tests)
        if test.outcome is not passed or test.message or test.reason or test.details or test.stdout or test.stderr
        or test.attempts or test.subtests or test.leaks or test.quarantine
    ]  # fmt: skip
    told = [tests[number] for number in at]
    gates, paths = (_Numbers(map(attrgetter(name), tests)) for name in ("gate", "file"))
    outcomes, causes = _Numbers(test.outcome for test in told), _Numbers(map(_cause, told))
    last = _Numbers(recent.get((test.gate, test.id), "") for test in tests) if recent else _Numbers(())
    starts, parts = _parts(told)
    return {
        "id": _ids(tests),
        "gates": gates.names,
        "gate": gates.column,
        "files": paths.names,
        "file": paths.column,
        "line": list(map(attrgetter("line"), tests)),
        "time": _tenths(tests),
        "lasts": last.names,
        "last": last.column,
        "at": at,
        "outcomes": [str(name) for name in outcomes.names],
        "outcome": outcomes.column,
        "causes": causes.names,
        "cause": causes.column,
        "quarantined": [number for number, test in zip(at, told, strict=True) if test.quarantine],
        "starts": starts,
    }, parts


def _ids(tests: Sequence[TestResult]) -> list[str]:
    if not any(map(attrgetter("process"), tests)):
        return list(map(attrgetter("id"), tests))
    return [f"{test.id} (process {test.process})" if test.process else test.id for test in tests]


def _tenths(tests: Sequence[TestResult]) -> list[int]:
    """Durations in tenths of a millisecond; 0 for an impossible one."""
    seconds = list(map(attrgetter("duration"), tests))
    try:
        return [int(each * 10_000) for each in seconds]
    except (ValueError, OverflowError):
        return [int(each * 10_000) if 0 < each < LONGEST else 0 for each in seconds]


def _cause(test: TestResult) -> str:
    """What tests of one cause have in common, in a line."""
    return one_line(test.signature or test.reason or test.message, _LONGEST_CAUSE)


def _parts(told: Sequence[TestResult]) -> tuple[list[int], list[str]]:
    """For each part the index of its first test, and the part."""
    starts: list[int] = []
    parts: list[str] = []
    texts: list[bytes] = []
    size = 0
    for index, text in enumerate(_texts(told)):
        if not texts:
            starts.append(index)
        texts.append(text)
        size += len(text)
        if size > _PART:
            parts.append(_compressed(b"[" + b",".join(texts) + b"]"))
            texts, size = [], 0
    return starts, [*parts, *([_compressed(b"[" + b",".join(texts) + b"]")] if texts else [])]


def _texts(told: Sequence[TestResult]) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    for test in told:
        more = more_of(test)
        try:
            yield encode(more)
        except UnicodeEncodeError:
            yield as_json(more)


def more_of(test: TestResult) -> More:
    """What there is to tell about a test; a stack dump is folded, and kept whole beside that."""
    more = More(*_FIELDS(test))
    if LEAD_IN_HEAD not in test.details:
        return more
    short = "\n".join(folded(test.details.splitlines(), test.file))
    return msgspec.structs.replace(more, details=short, whole=test.details)


class _Numbers:
    """A column of names, as numbers into a list of distinct ones; empty if there is only one."""

    def __init__(self, values: Iterable[Any]) -> None:
        values = list(values)
        self.names = list(dict.fromkeys(values))
        numbers = {name: number for number, name in enumerate(self.names)}
        self.column = list(map(numbers.__getitem__, values)) if len(numbers) > 1 else []
