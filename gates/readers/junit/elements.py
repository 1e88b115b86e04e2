"""junit-xml's suites and cases, with features that the library lacks.

The library (1.9) does not support properties of a test case, drops a result without text, gives every skip the same type,
omits `time` when it is zero, and loses newlines when pretty-printing. So a suite's document is completed here,
and its counts are taken from its actual elements.

Imports `junit_xml`, so import this module only when a file is written.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # only builds XML; it parses nothing from outside
from collections import Counter
from collections.abc import Mapping

import junit_xml

from gates.readers.junit.text import clean

COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}
"""Count attribute of a suite → the element that it counts. A case counts once, for the first of these."""


class Case(junit_xml.TestCase):  # type: ignore[misc]  # the library has no types
    """A test case with properties, and with results of any kind and number."""

    def __init__(
        self,
        name: str,
        classname: str,
        *,
        time: float,
        timestamp: str | None = None,
        file: str = "",
        line: int = 0,
        log: str = "",
        stdout: str = "",
        stderr: str = "",
    ) -> None:
        super().__init__(
            clean(name),
            classname=clean(classname),
            elapsed_sec=time,
            timestamp=timestamp,
            file=clean(file) or None,
            line=str(line) if line > 0 else None,
            log=clean(log) or None,
            stdout=clean(stdout) or None,
            stderr=clean(stderr) or None,
        )
        self.properties: dict[str, str] = {}
        self.results: list[ET.Element] = []

    def add_result(self, element: str, kind: str, message: str, details: str = "") -> None:
        """Add `<element type=kind message=…>details</element>`; may be called several times."""
        result = ET.Element(element, {"type": clean(kind), "message": clean(message)})
        result.text = clean(details) or None
        self.results.append(result)

    def add_attempt(
        self, element: str, kind: str, message: str, *, time: float, timestamp: str | None, texts: Mapping[str, str]
    ) -> None:
        """Add an attempt beside the main one, as in Surefire's schema: its texts are elements of their own."""
        self.add_result(element, kind, message)
        attempt = self.results[-1]
        attempt.set("time", f"{time:.6f}")
        if timestamp:
            attempt.set("timestamp", timestamp)
        for tag, text in texts.items():
            if text:
                ET.SubElement(attempt, tag).text = clean(text)

    def add_property(self, name: str, value: str) -> None:
        """Add a property, unless it is empty."""
        if value:
            self.properties[clean(name)] = clean(value)

    def complete(self, element: ET.Element) -> None:
        """Add to the library's element what the library cannot write."""
        element.set("time", f"{self.elapsed_sec:.6f}")
        for position, result in enumerate(self.results):
            element.insert(position, result)  # before system-out and system-err
        if self.properties:
            element.insert(0, _properties(self.properties))


class Suite(junit_xml.TestSuite):  # type: ignore[misc]  # the library has no types
    """A suite whose attributes are counted from its elements."""

    def __init__(
        self, name: str, cases: list[Case], *, timestamp: str | None = None, properties: dict[str, str], file: str = ""
    ) -> None:
        super().__init__(clean(name), cases, timestamp=timestamp, file=clean(file) or None)
        self.own_properties = {clean(key): clean(value) for key, value in properties.items() if value}

    def build_xml_doc(self, encoding: str | None = None) -> ET.Element:
        """The library's element, completed and recounted."""
        element: ET.Element = super().build_xml_doc(encoding)
        found = element.findall("testcase")
        for case, case_element in zip(self.test_cases, found, strict=True):
            case.complete(case_element)
        counts = Counter(_counted(case) for case in found)
        for attribute, tag in COUNTED.items():
            element.set(attribute, str(counts[tag]))
        element.set("time", f"{sum(float(case.get('time', '0')) for case in found):.6f}")
        if self.own_properties:
            element.insert(0, _properties(self.own_properties))
        return element


def document(name: str, suites: list[Suite], *, timestamp: str | None = None) -> str:
    """The whole file; the root's attributes are sums over its suites."""
    root = ET.Element("testsuites", {"name": clean(name)})
    root.extend(suite.build_xml_doc() for suite in suites)
    for attribute in ("tests", *COUNTED, "disabled"):
        root.set(attribute, str(sum(int(suite.get(attribute, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.6f}")
    if timestamp:
        root.set("timestamp", timestamp)
    # Changes only the white space between elements: no element here has both text and children.
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _counted(case: ET.Element) -> str:
    tags = {child.tag for child in case}
    return next((tag for tag in COUNTED.values() if tag in tags), "")


def _properties(values: dict[str, str]) -> ET.Element:
    element = ET.Element("properties")
    for name, value in values.items():
        ET.SubElement(element, "property", {"name": name, "value": value})
    return element
