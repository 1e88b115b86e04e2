"""Read the requests of a trace, or make some up: conversations of several turns that begin with shared prompts.

A trace is a file of lines, each a JSON object:

    {"session": "s1", "time": 12.5, "prompt_tokens": 812, "output_tokens": 64, "prefix": "helper", "prefix_tokens": 512}

`prompt_tokens` counts the whole prompt, what was said before included, as servers log it. `prefix` names what the prompt begins with and other
sessions' prompts begin with, too; it may be left out.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kvcache.errors import TraceError

_LONGEST: Final = 1 << 30
"""Tokens; more is a mistake."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request.

    Attributes:
        time: when it comes, in seconds.
        session: whose.
        prompt_tokens: of the whole prompt.
        output_tokens: that are generated.
        prefix: what it begins with, together with other sessions'; empty: nothing.
        prefix_tokens: of that.
    """

    time: float
    session: str
    prompt_tokens: int
    output_tokens: int
    prefix: str = ""
    prefix_tokens: int = 0

    def to_json(self) -> str:
        """A line of a trace."""
        facts: dict[str, Any] = {
            "session": self.session,
            "time": self.time,
            "prompt_tokens": self.prompt_tokens,
            "output_tokens": self.output_tokens,
        }
        if self.prefix:
            facts |= {"prefix": self.prefix, "prefix_tokens": self.prefix_tokens}
        return json.dumps(facts)


def read_arrivals(path: str) -> tuple[Arrival, ...]:
    """The requests of a trace, in the order of their times.

    Raises:
        TraceError: a line is no request; it is named.
        OSError: the file cannot be read.
    """
    found = list[Arrival]()
    with Path(path).open(encoding="utf-8") as file:
        try:
            for number, line in enumerate(file, 1):
                if line.strip():
                    found.append(_arrival(line, f"{path}:{number}"))
        except UnicodeDecodeError as problem:
            raise TraceError(path, expected="lines in UTF-8", got=str(problem)) from problem
    if not found:
        raise TraceError(path, expected="at least one request", got="none")
    return tuple(sorted(found, key=lambda each: each.time))


def _arrival(line: str, place: str) -> Arrival:
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise TraceError(place, expected="a JSON object", got=line.strip()[:80]) from problem
    if not isinstance(facts, dict):
        raise TraceError(place, expected="a JSON object", got=line.strip()[:80])
    session, time, prefix = facts.get("session"), facts.get("time"), facts.get("prefix") or ""
    if not isinstance(session, str) or not session:
        raise TraceError(place, expected="a session: a text that is not empty", got=session)
    if isinstance(time, bool) or not isinstance(time, int | float) or not math.isfinite(time):
        raise TraceError(place, expected="a time: a finite number of seconds", got=time)
    if not isinstance(prefix, str):
        raise TraceError(place, expected="a prefix: a text", got=prefix)
    prompt = _count(facts, "prompt_tokens", 1, place)
    output = _count(facts, "output_tokens", 0, place)
    shared = _count(facts, "prefix_tokens", 1, place) if prefix else 0
    if shared > prompt:
        raise TraceError(place, expected=f"at most the {prompt} prompt_tokens as prefix_tokens", got=shared)
    return Arrival(float(time), session, prompt, output, prefix, shared)


def _count(facts: dict[str, Any], name: str, least: int, place: str) -> int:
    number = facts.get(name)
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= _LONGEST:
        raise TraceError(place, expected=f"{name}: a whole number from {least} to {_LONGEST}", got=number)
    return number


def write_arrivals(path: str, arrivals: Iterable[Arrival]) -> None:
    """Write a trace to a file that is not there yet.

    Raises:
        FileExistsError: it is there.
        OSError: it cannot be written.
    """
    with Path(path).open("x", encoding="utf-8") as file:
        file.writelines(each.to_json() + "\n" for each in arrivals)


@dataclass(frozen=True, slots=True)
class Habits:
    """What made-up conversations are like; lengths and pauses are log-normal around these means.

    Attributes:
        sessions_per_second: that begin.
        turns: of a session.
        pause: seconds between an answer and the next question.
        question: tokens.
        answer: tokens.
        prefixes: shared prompts; the first is used most.
        prefix: tokens of a shared prompt.
        longest: tokens of a session; then it ends.
    """

    sessions_per_second: float = 0.5
    turns: float = 5.0
    pause: float = 45.0
    question: float = 120.0
    answer: float = 180.0
    prefixes: int = 8
    prefix: float = 600.0
    longest: int = 8192


def make_arrivals(sessions: int, *, seed: int = 0, habits: Habits | None = None) -> tuple[Arrival, ...]:
    """Make up the requests of so many conversations; the same seed makes the same."""
    found = list[Arrival]()
    for each in _conversations(sessions, random.Random(seed), habits or Habits()):  # noqa: S311 - nothing is secret here
        found += each
    return tuple(sorted(found, key=lambda each: (each.time, each.session)))


def _conversations(sessions: int, source: random.Random, habits: Habits) -> Iterator[list[Arrival]]:
    lengths = [min(_around(source, habits.prefix), habits.longest // 2) for _ in range(habits.prefixes)]
    weights = [1 / rank for rank in range(1, habits.prefixes + 1)]
    now = 0.0
    for number in range(sessions):
        now += source.expovariate(habits.sessions_per_second)
        prefix = source.choices(range(habits.prefixes), weights)[0] if habits.prefixes else -1
        shared = lengths[prefix] if habits.prefixes else 0
        time, known = now, shared
        turns = list[Arrival]()
        while True:
            prompt, output = known + _around(source, habits.question), _around(source, habits.answer)
            if prompt + output > habits.longest:
                break
            name = f"prompt-{prefix}" if shared else ""
            turns.append(Arrival(round(time, 3), f"session-{number}", prompt, output, name, shared))
            known = prompt + output
            if source.random() < 1 / habits.turns:
                break
            time += output / 50 + source.lognormvariate(math.log(habits.pause) - 0.5, 1.0)
        yield turns


def _around(source: random.Random, mean: float) -> int:
    return max(1, round(source.lognormvariate(math.log(mean) - 0.32, 0.8)))
