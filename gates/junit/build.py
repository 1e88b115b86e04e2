"""Turn the events of a parser into a report, and recount what the file says of itself."""

from __future__ import annotations

from collections import Counter

from gates.junit.cases import NESTED, RawCase, RawResult, read_case
from gates.junit.outcomes import RESULTS
from gates.junit.report import PYTEST, JUnitCase, JUnitReport
from gates.values import BAD_TESTS

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


class ReportBuilder:
    """Takes the events of one document, in order; `report` is complete after the last."""

    def __init__(self) -> None:
        self.started = False
        self._path: list[str] = []
        self._suites: list[_Suite] = []
        self._case: RawCase | None = None
        self._result: RawResult | None = None
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
            if tag in NESTED and self._result.is_attempt:
                self._result.inside = tag
            return  # other markup inside a result: only its text matters
        if tag in {"testsuites", "testsuite"} and self._case is None:
            self._suites.append(_Suite(tag, attributes, self._suites[-1] if self._suites else None))
            self._producer = self._producer or PRODUCERS.get(attributes.get("name", ""), "")
        elif tag == "testcase" and self._case is None:
            self._case = RawCase(attributes)
        elif tag in RESULTS:
            self._result = RawResult(tag, attributes)
        elif tag == "property" and self._case is not None and "name" in attributes:
            self._case.properties[attributes["name"]] = attributes.get("value", "")

    def text(self, data: str) -> None:
        """Text inside a result."""
        if self._result is not None:
            self._result.add(data)

    def end(self, tag: str) -> None:
        """An element ends."""
        self._path.pop()
        if self._result is not None:
            # Compared by depth too: a result may hold an element of its own name.
            if tag == self._result.tag and tag not in self._path:
                self._end_result(self._result)
                self._result = None
            elif tag == self._result.inside:
                self._result.inside = ""
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

    def _end_result(self, result: RawResult) -> None:
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

    def _end_case(self, case: RawCase) -> None:
        suite = self._suites[-1]
        read = read_case(case, suite.name, suite.file, self._producer)
        self._cases.append(read)
        suite.found["cases"] += 1
        suite.found.update(result.tag for result in case.results)
        if read.outcome in BAD_TESTS and not any(RESULTS[result.tag] in BAD_TESTS for result in case.results):
            self._contradictions.append(f"{read.name!r} says {read.outcome} without a <failure> or <error>")

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
