"""Samples with elements, attributes, numbers and words changed at random, and a reader that believes nothing.

`python -m tests.gates.readers.junit.mutants NUMBER [SEED]` reads so many mutants and prints what contradicts the promise.
"""

from __future__ import annotations

import random
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gates.portable.values import TestOutcome
from gates.readers.junit.read import JUnitError, parse_junit

if TYPE_CHECKING:
    from gates.readers.junit.read import JUnitReport

SAMPLES = Path(__file__).parent / "samples"
FILES = {path.stem: path.read_bytes() for path in sorted(SAMPLES.glob("*.xml"))}

TAGS = (
    *("failure", "error", "skipped", "skip", "ignored", "flakyFailure", "flakyError", "rerunFailure", "rerunError"),
    *("failed", "crash", "notok", "ok", "passed", "fail", "Failure", "timed-out", "system-out", "system-err"),
    *("properties", "property", "testcase", "testsuite", "testsuites", "attachments", "rerun", "stackTrace", "b", "x"),
)
NAMES = (
    *("status", "result", "outcome", "success", "failed", "state", "passed", "error", "skipped", "disabled"),
    *("failures", "errors", "tests", "ignored", "incomplete", "executed", "type", "message", "name", "classname"),
    *("time", "file", "line", "hostname", "doctest_version", "verdict", "Status", "timestamp", "value"),
)
VALUES = (
    *("passed", "failed", "failed ", "FAILED", "ok", "notok", "crash", "killed", "canceled", "error", "skipped", "run"),
    *("true", "false", "0", "1", "2", "-1", "-2", "99", "NaN", "", " ", "1.0", "1,000", "x", "pytest", "gates", "tbd"),
    *("pytest.xfail", "timeout", "wobbly", "success", "no", "completed", "pytest tests"),
)

PASSES = frozenset({"passed", "pass", "ok", "run", "success", "completed", "true", "1", "1.0", ""})
"""Words that the other reader takes for a pass; it knows fewer than we do."""

SAYS = frozenset({"status", "result", "outcome", "state", "verdict", "success", "passed", "executed"})
DENIES = frozenset({"failed", "error", "skipped", "disabled", "ignored", "failures", "errors", "incomplete"})
SILENT = frozenset({"properties", "property", "system-out", "system-err", "attachments", "rerun"})
FLAKY = frozenset({"flakyfailure", "flakyerror"})
BAD = frozenset({"failure", "error", "rerunfailure", "rerunerror", "failed", "crash", "notok", "fail", "timed-out"})
SKIPS = frozenset({"skipped", "skip", "ignored"})


class Seen(NamedTuple):
    """What the other reader says of a document: cases that may count as passed, and suites that lost a failure."""

    passed: int
    lost: bool


def local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2].lower()


def strictly(root: ET.Element) -> Seen:
    """Read a tree, believing nothing: whatever is not known to be a pass is none."""
    inner = {id(each) for case in root.iter() if local(case) == "testcase" for each in list(case.iter())[1:]}
    cases = [each for each in root.iter() if local(each) == "testcase" and id(each) not in inner]
    suites = [each for each in root.iter() if local(each) in {"testsuites", "testsuite", "testrun"}]
    lost = any(
        (text := suite.get("failures", "").strip()).isdecimal()
        and int(text) > sum(local(each) in BAD | FLAKY or _denied(each) for each in suite.iter())
        for suite in suites
    )
    return Seen(sum(_may_pass(case) for case in cases), lost)


def _may_pass(case: ET.Element) -> bool:
    children = {local(each) for each in case}
    below = {local(each) for each in case.iter()} - {"testcase"}
    return not (below & (BAD | SKIPS) or children - SILENT - FLAKY or _denied(case))


def _denied(case: ET.Element) -> bool:
    words = {name.lower(): value.strip().lower() for name, value in case.attrib.items()}
    return local(case) == "testcase" and any(
        (name in SAYS and value not in PASSES) or (name in DENIES and value not in {"", "0", "false", "no"})
        for name, value in words.items()
    )


def mutant(chance: random.Random) -> tuple[str, bytes]:
    """The name of a sample, and its text after some changes."""
    name = chance.choice(list(FILES))
    root = ET.fromstring(FILES[name], ET.XMLParser(encoding="utf-8"))
    for _ in range(chance.randint(1, 5)):
        _change(root, chance)
    return name, ET.tostring(root, encoding="utf-8")


def _change(root: ET.Element, chance: random.Random) -> None:
    parents = [(parent, child) for parent in root.iter() for child in parent]
    element = chance.choice([root, *(child for _, child in parents)])
    kind = chance.randrange(8)
    if kind == 0 and parents:
        parent, child = chance.choice(parents)
        parent.remove(child)
    elif kind == 1 and parents:
        parent, child = chance.choice(parents)
        parent.insert(chance.randint(0, len(parent)), ET.fromstring(ET.tostring(child)))
    elif kind == 2 and parents:
        chance.choice(parents)[1].tag = chance.choice(TAGS)
    elif kind == 3:
        ET.SubElement(element, chance.choice(TAGS), {chance.choice(NAMES): chance.choice(VALUES)})
    elif kind == 4 and element.attrib:
        del element.attrib[chance.choice(list(element.attrib))]
    elif kind == 5 and element.attrib:
        element.set(chance.choice(NAMES), element.attrib.pop(chance.choice(list(element.attrib))))
    elif element.attrib and kind == 6:
        element.set(chance.choice(list(element.attrib)), chance.choice(VALUES))
    else:
        element.set(chance.choice(NAMES), chance.choice(VALUES))


def broken_promise(content: bytes) -> str:
    """What we say of a document that the other reader does not; empty where we are at least as strict."""
    report: JUnitReport | None
    try:
        report = parse_junit([content], "x")
    except JUnitError as error:
        report = error.saved
    return "" if report is None else _compared(report, strictly(ET.fromstring(content)))


def _compared(report: JUnitReport, seen: Seen) -> str:
    counts = Counter(result.outcome for result in report.results)
    passed = sum(counts[each] for each in (TestOutcome.PASSED, TestOutcome.FLAKY, TestOutcome.XPASSED))
    if passed > seen.passed:
        return f"{passed} passed, and {seen.passed} may be"
    green = report.consistent and passed + counts[TestOutcome.SKIPPED] + counts[TestOutcome.XFAILED] == counts.total()
    return "green, and a suite lost a failure" if green and seen.lost else ""


def main(number: int, seed: int) -> int:
    """Read so many mutants; 1 where one breaks the promise."""
    chance, began, broken, consistent = random.Random(seed), time.perf_counter(), 0, 0
    for _ in range(number):
        name, content = mutant(chance)
        said = broken_promise(content)
        with suppress(JUnitError):
            consistent += parse_junit([content], "x").consistent
        if said:
            broken += 1
            print(f"{name}: {said}\n{content.decode()}\n")
    print(f"{number} mutants, {consistent} consistent, {broken} broken, {time.perf_counter() - began:.0f} s")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
