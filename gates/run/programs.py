"""Ask programs for their versions: after their gate, once in a run, and never for longer than a few seconds."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from gates.portable.escapes import clean
from gates.portable.values import format_duration
from gates.run.processes import GateProcess
from gates.run.version_commands import Words, program_name, version_in

PATIENCE = 5.0
"""Seconds in which all programs of a gate must answer."""

MOST = 1 << 14
"""Bytes that are read of an answer."""

Key = tuple[Words, Path, object]
"""A command, the folder that it is started in, and its variables: what an answer depends on."""


class Answers:
    """What programs answered in this run, so that each is asked once; None if it was no version."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[str | None, str]] = {}

    def get(self, key: Key) -> tuple[str | None, str] | None:
        """The version, and why it is not known; None if it was not asked."""
        return self._known.get(key)

    def keep(self, key: Key, version: str | None, why: str) -> None:
        """Remember an answer."""
        self._known[key] = version, why


class Question:
    """One program that was asked."""

    def __init__(self, process: GateProcess) -> None:
        self.process = process
        self.said = b""

    def is_answered(self) -> bool:
        """Whether the program ended; its output is read until then."""
        ended = self.process.ended()
        while len(self.said) < MOST and (data := self.process.read()):  # one that never stops fills its pipe, and waits
            self.said += data
        return ended

    def close(self) -> None:
        """End it, and whatever it left."""
        self.process.signal_tree(signal.SIGKILL)
        self.process.reap()
        self.process.close()


class Programs:
    """The programs of one gate: `poll` until `done`, then `versions` has what they answered."""

    def __init__(
        self,
        keys: Sequence[Key],
        answers: Answers,
        start: Callable[[Words, int], GateProcess],
        clock: Callable[[], float],
        *,
        named: bool,
    ) -> None:
        """Ask them.

        Args:
            keys: whom to ask.
            answers: of this run.
            start: starts a command, the nth of this gate; an OSError if it cannot.
            clock: seconds, monotonic.
            named: whether the project named these commands: then the reader learns why a version is unknown.
        """
        self._keys, self._answers, self._named = keys, answers, named
        self._clock, self._until = clock, clock() + PATIENCE
        self._asked: dict[Key, Question] = {}
        for number, key in enumerate(keys):
            if answers.get(key) is None:
                try:
                    self._asked[key] = Question(start(key[0], number))
                except (OSError, ValueError) as error:
                    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                    answers.keep(key, None, why)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """File descriptors that become ready when a program ends."""
        return tuple(one.process.watch for one in self._asked.values() if one.process.watch >= 0)

    def poll(self) -> bool:
        """Whether all answered, or took too long."""
        late = self._clock() >= self._until
        for key, question in list(self._asked.items()):
            if question.is_answered():
                self._take(key, question)
            elif late:
                question.close()
                del self._asked[key]
                self._answers.keep(key, None, f"no answer within {format_duration(PATIENCE)}")
        return not self._asked

    def give_up(self) -> None:
        """End all that did not answer; their versions stay unknown."""
        for question in self._asked.values():
            question.close()
        self._asked.clear()

    def _take(self, key: Key, question: Question) -> None:
        del self._asked[key]
        code = question.process.exit_code
        question.close()
        version = version_in(question.said.decode("utf-8", "replace"), program_name(key[0])) if code == 0 else ""
        why = f"exit code {code}" if code else "it printed no version"
        self._answers.keep(key, version or None, "" if version else why)

    @property
    def versions(self) -> dict[str, str]:
        """Name → version; if the project named the command, also why it is unknown."""
        found: dict[str, str] = {}
        for key in self._keys:
            version, why = self._answers.get(key) or (None, "not asked")
            name = program_name(key[0])
            if version or self._named:
                # Two commands may ask programs of one name: then each is shown as it was asked.
                found[clean(shlex.join(key[0]) if name in found else name)] = version or f"unknown ({why})"
        return found
