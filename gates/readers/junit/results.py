"""The results of a JUnit file by the names of their tests; tests that share a name are numbered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gates.portable.values import TestOutcome
from gates.readers.junit.outcomes import worst_outcome
from gates.readers.junit.report import PYTEST

if TYPE_CHECKING:
    from gates.readers.junit.producers import Marks
    from gates.results import TestResult


class CaseResults:
    """Owns the results of one document.

    Attributes:
        by_key: the results; each key is the id of a test, prefixed by its gate if the file names another one.
        gates: names of the gates that the file itself lists.
    """

    def __init__(self, marks: Marks) -> None:
        self.by_key: dict[str, TestResult] = {}
        self.gates: list[str] = []
        self._marks = marks
        self._repeats: dict[str, int] = {}
        self._numbered: dict[str, str] = {}  # key of a numbered result → its original key
        self._more = 0

    @property
    def cases(self) -> int:
        """How many complete cases were read."""
        return len(self.by_key) + self._more

    def add_gate(self, name: str) -> None:
        """Keep the case of a gate, which is not a test."""
        self.gates.append(name)
        self._more += 1

    def add(self, result: TestResult, key: str) -> None:
        """Keep a result whose name is not unique."""
        results = self.by_key
        if self._marks.early == PYTEST and result.outcome is TestOutcome.ERROR:
            last, before = next(reversed(results.items()))
            if self._numbered.get(last, last) == key:
                results[last] = _with_teardown(before, result)
                self._more += 1
                return
        number = self._repeats.get(key, 1) + 1
        while f"{key}#{number}" in results:
            number += 1
        self._repeats[key] = number
        self._numbered[f"{key}#{number}"] = key
        results[f"{key}#{number}"] = msgspec.structs.replace(result, id=f"{result.id}#{number}")


def _with_teardown(test: TestResult, teardown: TestResult) -> TestResult:
    """A test and the error of its teardown, which pytest writes as a second case with the same name."""
    return msgspec.structs.replace(
        test,
        outcome=worst_outcome((test.outcome, teardown.outcome)),
        duration=test.duration + teardown.duration,
        message=test.message or teardown.message,
        signature=test.signature or teardown.signature,
        details="\n\n".join(text for text in (test.details, teardown.details) if text),
        stdout=test.stdout or teardown.stdout,
        stderr=test.stderr or teardown.stderr,
    )
