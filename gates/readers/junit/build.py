"""Turn the events of a parser into results as they come, and check the counts of the file.

Nearly all cases of a file are plain: a name, a class, a time, and nothing inside. They take a fast path through
`start` and `end`; everything else takes the slow one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gates.portable.values import BAD_TESTS, TestOutcome
from gates.readers.junit.account import Account
from gates.readers.junit.cases import NESTED, RawCase, RawResult, Text, read_case
from gates.readers.junit.counts import CaseCounts
from gates.readers.junit.errors import JUnitError
from gates.readers.junit.outcomes import RESULTS, worst_outcome
from gates.readers.junit.plain import PlainCases, mapping
from gates.readers.junit.producers import Marks
from gates.readers.junit.report import GATES_SUITE, OWN_MARK, JUnitReport
from gates.readers.junit.results import CaseResults
from gates.readers.junit.silent import SILENT, local, sounds_bad, sounds_like_a_result
from gates.readers.junit.words import said_by

if TYPE_CHECKING:
    from xml.parsers.expat import XMLParserType

    from gates.readers.junit.rules import JUnitRules

SUITES = frozenset({"testsuites", "testsuite", "testrun"})
"""Roots, and elements that contain cases; Eclipse writes `testrun`."""

OUTPUTS = frozenset({"system-out", "system-err"})

_ELEMENTS = {name.lower(): name for name in (*RESULTS, *SUITES, *OUTPUTS, *NESTED, "testcase", "property")}
_READY, _PLAIN, _PRINTED, _OTHER = range(4)
"""The state of the reader: a case may come; inside a case with only a name so far; inside its output; anywhere
else."""


class _Suite:
    """An open suite."""

    __slots__ = ("attributes", "before", "depth", "file", "gate", "name", "tag")

    def __init__(
        self, tag: str, attributes: dict[str, str], outer: _Suite | None, depth: int, before: CaseCounts
    ) -> None:
        self.tag = tag
        self.attributes = attributes
        self.name = attributes.get("name", "")
        self.file: str = attributes.get("file", "") or (outer.file if outer else "")
        self.gate = ""
        self.depth = depth
        self.before = before


class ReportBuilder:
    """Takes the events of one document, in order; `report` is complete after the last.

    Args:
        parser: the source of the events; its handler for text is set only where text is kept.
        rules: limits for the file, and accepted oddities.
        gate: of the results; empty if the file may name it.
    """

    def __init__(self, parser: XMLParserType, rules: JUnitRules, gate: str = "") -> None:
        self._parser = parser
        self._rules = rules
        self._named_silent = {name.lower() for name in rules.silent_elements}
        self._silent = SILENT | self._named_silent
        self._gate = gate
        self._depth = 0
        self._suites: list[_Suite] = []
        self._case: RawCase | None = None
        self._result: RawResult | None = None
        self._account = Account(rules)
        self._marks = Marks()
        self._results = CaseResults(self._marks)
        self._plain = PlainCases(gate, self._marks, self._results, self._end_other)

    def handlers(self) -> tuple[Callable[[str, list[str]], None], Callable[[str], None]]:
        """The handlers for starts (names and values of attributes, alternating) and ends of elements.

        They run for every element, so they are closures over the few things that they need.
        """
        begin, finish, keep = self._start, self._end, self._plain.waiting.append
        state = _OTHER
        case: list[str] = []

        def start(tag: str, attributes: list[str]) -> None:
            nonlocal state, case
            if state == _READY and tag == "testcase":
                case = attributes
                state = _PLAIN
            elif state == _PLAIN and tag in OUTPUTS:
                state = _PRINTED
            else:
                state = begin(tag, attributes, case, state)

        def end(_: str) -> None:
            nonlocal state
            if state == _PLAIN:
                keep(case)
                state = _READY
            else:
                state = _PLAIN if state == _PRINTED else finish()

        return start, end

    def report(self) -> JUnitReport:
        """The contents of the document."""
        self.settle()
        return JUnitReport(
            results=tuple(self._results.by_key.values()),
            gates=tuple(self._results.gates),
            contradictions=self._account.contradictions(self.cases),
            notes=self._account.notes(),
            producer=self._marks.producer(self.cases),
        )

    def settle(self) -> None:
        """Read the plain cases that wait."""
        if self._plain.waiting:
            self._plain.read()

    def rescue(self) -> None:
        """The document ends too early: keep the open case if it already shows a problem."""
        self.settle()
        case, self._case, self._result = self._case, None, None
        if case is not None and any(result.is_bad for result in case.results):
            self._end_case(case)

    @property
    def cases(self) -> int:
        """How many complete cases were read."""
        return self._results.cases

    @property
    def wants_text(self) -> bool:
        """Whether text at this place is kept."""
        return self._result is not None or (self._case is not None and bool(self._case.output))

    # The long way

    def _start(self, tag: str, pairs: list[str], plain: list[str], state: int) -> int:
        """An element begins; `plain` is the case that turns out not to be plain. Returns the new state."""
        self.settle()
        if state in (_PLAIN, _PRINTED):
            self._depth += 1
            self._case = RawCase(mapping(plain), self._depth)
            if state == _PRINTED:
                self._depth += 1
                self._case.silent_depth = self._depth
        attributes = mapping(pairs)
        tag = _ELEMENTS.get(tag) or _ELEMENTS.get(tag.rpartition(":")[2].lower(), tag)
        self._depth += 1
        if self._depth > self._rules.max_depth:
            raise JUnitError.over_limit("nests its elements too deeply", "max-depth", self._rules.max_depth)
        result, case = self._result, self._case
        if result is not None:
            self._inside_result(result, tag, attributes)
        elif tag in RESULTS:
            self._result = result = RawResult(tag, attributes, self._depth, self._rules.max_text)
            if case is not None:
                case.results.append(result)
            self._parser.CharacterDataHandler = result.own.add
        elif case is not None:
            self._inside(case, tag, attributes)
        elif tag in SUITES:
            self._open_suite(tag, attributes)
        elif tag == "testcase":
            self._case = RawCase(attributes, self._depth)
        else:
            self._inside_suite(tag, attributes)
        return self._now()

    def _now(self) -> int:
        """The state: whether a case may come, and on the fast path, for which its gate must be known."""
        if self._case is not None or self._result is not None or not self._suites:
            return _OTHER
        plain = self._suites[-1].gate == self._gate and self._depth < self._rules.max_depth
        return _READY if plain else _OTHER

    def _inside(self, case: RawCase, tag: str, attributes: dict[str, str]) -> None:
        """An element in a case that is not a result."""
        if tag == "property":
            if "name" in attributes:
                case.properties[attributes["name"]] = attributes.get("value", "")
        elif tag in OUTPUTS and not case.output and any(result.is_bad for result in case.results):
            # Kept only if it may be needed.
            case.output, case.output_depth = tag, self._depth
            case.outputs[tag] = case.outputs.get(tag) or Text(self._rules.max_text)
            self._parser.CharacterDataHandler = case.outputs[tag].add
        if not case.silent_depth and local(tag) in self._silent:
            case.silent_depth = self._depth
            if local(tag) in self._named_silent:
                self._account.accepted(f"<{tag[:100]}> does not say how a test ended", "silent-elements")
        elif not case.silent_depth or sounds_bad(tag):
            case.unknown = case.unknown or tag

    def _inside_result(self, result: RawResult, tag: str, attributes: dict[str, str]) -> None:
        """An element inside a result; a nested result counts as an additional one."""
        if tag in RESULTS:
            inner = RawResult(tag, attributes, self._depth, self._rules.max_text, nested=True)
            if self._case is not None:
                self._case.results.append(inner)
            elif self._suites:
                self._suite_result(inner)
        elif tag in NESTED and result.is_attempt and not result.inside:
            self._parser.CharacterDataHandler = result.enter(tag, self._depth).add
        elif self._case is not None and not result.is_bad and sounds_bad(tag):
            self._case.unknown = self._case.unknown or tag

    def _inside_suite(self, tag: str, attributes: dict[str, str]) -> None:
        """An element next to the cases."""
        suite = self._suites[-1]
        if tag == "property":
            name, value = attributes.get("name", ""), attributes.get("value", "")
            self._marks.property(name, value)
            if (name, value) == OWN_MARK and suite.name == GATES_SUITE and not self._gate:
                suite.gate = GATES_SUITE
        elif self._depth == suite.depth + 1 and local(tag) not in self._silent and sounds_like_a_result(tag):
            self._account.contradict(
                f"<{tag[:100]}> beside the test cases may be a result, and gates does not know it; if it is none: "
                f'silent-elements = ["{tag[:100]}"] in [junit] of the config'
            )

    def _open_suite(self, tag: str, attributes: dict[str, str]) -> None:
        suite = _Suite(
            tag, attributes, self._suites[-1] if self._suites else None, self._depth, self._account.found(self.cases)
        )
        suite.gate = self._gate or next(
            (gate for gate in self._results.gates if suite.name.startswith(f"{gate}: ")), ""
        )
        self._marks.suite(tag, attributes)
        self._suites.append(suite)
        self._plain.enter(suite.name, suite.file)

    def _end(self) -> int:
        """An element ends. Returns the new state."""
        self.settle()
        depth, result, case = self._depth, self._result, self._case
        self._depth -= 1
        if result is not None:
            if depth == result.depth:
                self._result = self._parser.CharacterDataHandler = None
                if case is None:
                    self._suite_result(result)
            elif depth == result.inside_depth:
                self._parser.CharacterDataHandler = result.leave().add
        elif case is not None:
            if depth == case.depth:
                self._case = None
                self._end_case(case)
                return self._now()
            if depth == case.output_depth:
                case.output, case.output_depth = "", 0
                self._parser.CharacterDataHandler = None
            if depth == case.silent_depth:
                case.silent_depth = 0
        elif depth == self._suites[-1].depth:
            self._end_suite(self._suites.pop())
        return self._now()

    def _end_other(self, attributes: dict[str, str]) -> None:
        self._end_case(RawCase(attributes, 0))

    def _end_case(self, case: RawCase) -> None:
        get = case.attributes.get
        suite, name, classname = self._suites[-1], get("name", ""), get("classname", "")
        prefix, path = self._plain.place(classname, get("file", ""))
        gate = suite.gate if suite.gate != GATES_SUITE else ""
        self._marks.case(case.attributes)
        said = said_by(case.attributes, case.properties, self._account.passed_words)
        if said.accepted:
            self._account.accepted(f"{said.accepted} means that a test passed", "passed-words")
        bad = self._account.count(case)
        if case.unknown and not bad:
            said = said._replace(
                outcome=worst_outcome((said.outcome, TestOutcome.ERROR)), word=f"<{case.unknown[:100]}>"
            )
        read = read_case(case, said, prefix + name, gate, path, self._marks.early)
        if not bad and read.outcome in BAD_TESTS:
            self._account.without_result(read, case, said)
        if not case.results or not any(result.is_skip for result in case.results):
            self._account.skipped += read.outcome is TestOutcome.SKIPPED
        if suite.gate == classname == GATES_SUITE:
            self._results.add_gate(name)
            return
        key = read.id if gate == self._gate else f"{gate}\0{read.id}"  # two gates may have run the same test
        if self._results.by_key.setdefault(key, read) is not read:
            self._results.add(read, key)

    def _suite_result(self, result: RawResult) -> None:
        suite = self._suites[-1]
        self._account.skipped += result.is_skip
        if result.is_bad:
            self._account.bad += 1
            said = " ".join((result.message or result.text).split())[:300]
            self._account.contradict(f"suite {suite.name!r} itself has an <{result.tag}>{': ' if said else ''}{said}")

    def _end_suite(self, suite: _Suite) -> None:
        found = self._account.found(self.cases).since(suite.before)
        self._account.suite(suite.tag, suite.attributes, found, self._marks.producer(self.cases))
        if self._suites:
            self._plain.enter(self._suites[-1].name, self._suites[-1].file)
