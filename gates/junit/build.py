"""Turn the events of a parser into a report, and recount what the file says of itself."""

from __future__ import annotations

import math
from collections import Counter

from gates.junit.outcomes import RESULTS, refine, result_outcome, status_outcome, worst_outcome
from gates.junit.report import PYTEST, JUnitCase, JUnitReport
from gates.values import BAD_TESTS, TestOutcome

MAX_TEXT = 1 << 20
"""Characters kept of the text of one result; the rest is cut, and that is said."""

PRODUCERS = {"pytest tests": PYTEST, "pytest": PYTEST, "nextest-run": "nextest"}
"""Name of a suite → the runner that calls it so."""


class _Suite:
    """A suite whose end was not read yet; `found` counts elements of it and of the suites inside it."""

    def __init__(self, tag: str, attributes: dict[str, str], outer: _Suite | None) -> None:
        self.tag = tag
        self.attributes = attributes
        self.name = attributes.get("name", "")
        self.file: str = attributes.get("file", "") or (outer.file if outer else "")
        self.found: Counter[str] = Counter()


class _Case:
    """A case whose end was not read yet."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self.attributes = attributes
        self.properties: dict[str, str] = {}
        self.results: list[_Result] = []


class _Result:
    """An element inside a case, or inside a suite, that says how it ended."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.kind = attributes.get("type", "")
        self.message = attributes.get("message", "")
        self.parts: list[str] = []
        self.size = 0

    @property
    def text(self) -> str:
        text = "".join(self.parts).strip("\n")
        return f"{text}\n… cut here …" if self.size > MAX_TEXT else text


class ReportBuilder:
    """Takes the events of one document, in order; `report` is complete after the last."""

    def __init__(self) -> None:
        self.started = False
        self._path: list[str] = []
        self._suites: list[_Suite] = []
        self._case: _Case | None = None
        self._result: _Result | None = None
        self._cases: list[JUnitCase] = []
        self._contradictions: list[str] = []
        self._notes: list[str] = []
        self._producer = ""

    @property
    def count(self) -> int:
        """Cases read so far."""
        return len(self._cases)

    @property
    def depth(self) -> int:
        """Elements that are open."""
        return len(self._path)

    @property
    def wants_text(self) -> bool:
        """Whether text at this place is kept: only results have any that matters here."""
        return self._result is not None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self.started = True
        self._path.append(tag)
        if self._result is not None:
            return  # markup inside a result: only its text matters
        if tag in {"testsuites", "testsuite"} and self._case is None:
            self._suites.append(_Suite(tag, attributes, self._suites[-1] if self._suites else None))
            self._producer = self._producer or PRODUCERS.get(attributes.get("name", ""), "")
        elif tag == "testcase" and self._case is None:
            self._case = _Case(attributes)
        elif tag in RESULTS:
            self._result = _Result(tag, attributes)
        elif tag == "property" and self._case is not None and "name" in attributes:
            self._case.properties[attributes["name"]] = attributes.get("value", "")

    def text(self, data: str) -> None:
        """Text inside a result."""
        result = self._result
        if result is not None:
            if result.size < MAX_TEXT:
                result.parts.append(data[: MAX_TEXT - result.size])
            result.size += len(data)

    def end(self, tag: str) -> None:
        """An element ends."""
        self._path.pop()
        if self._result is not None:
            # Compared by depth too: a result may hold an element of its own name.
            if tag == self._result.tag and tag not in self._path:
                self._end_result(self._result)
                self._result = None
        elif tag == "testcase" and self._case is not None and "testcase" not in self._path:
            self._end_case(self._case)
            self._case = None
        elif tag in {"testsuites", "testsuite"} and self._case is None:
            self._end_suite(self._suites.pop())

    def report(self) -> JUnitReport:
        """Everything that was read."""
        empty = () if self._cases else ("there is no test case in the file",)
        return JUnitReport(
            cases=tuple(self._cases),
            contradictions=(*self._contradictions, *empty),
            notes=tuple(self._notes),
            producer=self._producer,
        )

    def _end_result(self, result: _Result) -> None:
        if self._case is not None:
            self._case.results.append(result)
            return
        suite = self._suites[-1]
        suite.found[result.tag] += 1
        if RESULTS[result.tag] in BAD_TESTS:
            said = " ".join((result.message or result.text).split())[:300]
            self._contradictions.append(
                f"suite {suite.name!r} itself has an <{result.tag}>{': ' if said else ''}{said}"
            )

    def _end_case(self, case: _Case) -> None:
        suite = self._suites[-1]
        read = self._read_case(case, suite)
        self._cases.append(read)
        suite.found["cases"] += 1
        suite.found.update(result.tag for result in case.results)
        if read.outcome in BAD_TESTS and not any(RESULTS[result.tag] in BAD_TESTS for result in case.results):
            self._contradictions.append(f"{read.name!r} says {read.outcome} without a <failure> or <error>")

    def _read_case(self, case: _Case, suite: _Suite) -> JUnitCase:
        attributes, properties = case.attributes, case.properties
        outcomes = [result_outcome(result.tag, result.kind) for result in case.results]
        outcome = worst_outcome(outcomes)
        if outcome is TestOutcome.PASSED:
            outcome = status_outcome(attributes)
        exact = refine(outcome, properties.get("outcome", ""))
        decided = next((result for result, said in zip(case.results, outcomes, strict=True) if said is outcome), None)
        return JUnitCase(
            name=attributes.get("name", ""),
            classname=attributes.get("classname", ""),
            suite=suite.name,
            file=attributes.get("file", "") or suite.file,
            line=_line(attributes.get("line", ""), self._producer),
            outcome=exact,
            time=_seconds(attributes.get("time", "")),
            # Our own writer puts the outcome in front, for readers that know only `skipped`.
            message=decided.message.removeprefix(f"{exact}: ") if decided else "",
            details="\n\n".join(text for result in case.results if (text := result.text)),
            worker=properties.get("worker", ""),
            exclusion=properties.get("exclusion", ""),
        )

    def _end_suite(self, suite: _Suite) -> None:
        if self._suites:
            self._suites[-1].found.update(suite.found)
        found = suite.found
        bad = found["failure"] + found["error"]
        said = _count(suite.attributes, "failures") + _count(suite.attributes, "errors")
        name = f"<{suite.tag}{f' name={suite.name!r}' if suite.name else ''}>"
        # Runners differ in what they call a failure and an error, so only the sum can hide something.
        if said > bad:
            self._contradictions.append(f"{name} counts {said} failures and errors, {bad} are in it")
        tests = _count(suite.attributes, "tests")
        if tests > found["cases"]:
            excess = f"{name} counts {tests} tests, {found['cases']} are in it"
            if self._producer == PYTEST:
                # pytest 9 counts each subtest, and a failing teardown, as a test of its own.
                self._notes.append(f"{excess} (pytest counts subtests)")
            else:
                self._contradictions.append(excess)


def _count(attributes: dict[str, str], name: str) -> int:
    try:
        return int(attributes.get(name, "0").replace(",", ""))
    except ValueError:
        return 0


def _line(text: str, producer: str) -> int:
    try:
        number = int(text)
    except ValueError:
        return 0
    return max(0, number + 1 if producer == PYTEST else number)  # pytest counts lines from 0


def _seconds(text: str) -> float:
    try:
        seconds = float(text.replace(",", ""))
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
