"""The contents of a JUnit file as values, and the ids of its cases."""

from __future__ import annotations

import msgspec

from gates.results import TestResult

PYTEST = "pytest"
"""Producer whose dialect is known: see `JUnitReport.producer`."""


GATES_SUITE = "gates"
"""Name of the suite with a case per gate, in files of gates, and the `classname` of these cases."""

OWN_MARK = ("written-by", "gates: a case per gate, version 1")
"""Property of that suite. A crate or a package may also be called `gates`, but no other program writes this."""


class JUnitReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file.

    Attributes:
        results: of its cases, in the order of the file. Equal ids became `#2`, `#3`, …, so that no case hides another;
            `gate` is what the reader was given, else what files of gates contain, else empty.
        gates: those named by a file of gates, if the reader was given no gate; they are not tests.
        contradictions: reasons not to trust a passing file: counts in attributes that the elements
            do not confirm if that could hide a failure or a lost test, errors of a suite itself, `status="failed"`
            on a case without a result, no case at all.
        notes: harmless oddities, for people.
        producer: `pytest`, `nextest`, …; empty if unknown.
    """

    results: tuple[TestResult, ...]
    gates: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    producer: str = ""

    @property
    def consistent(self) -> bool:
        """Whether a passing file can be trusted. An inconsistent file is never a pass."""
        return not self.contradictions


def id_prefix(classname: str, file: str, suite: str) -> str:
    """The part of a case's id before its name: as in pytest's node id if file and class agree, else the class.

    Args:
        classname: as written; runners put a module, a class, a package or a binary there.
        file: of the case, or of its suite.
        suite: name of the innermost suite that contains it.
    """
    module = module_name(file)
    if module and (classname == module or classname.startswith(f"{module}.")):
        classes = classname.removeprefix(module).strip(".")
        parts = (file, *(classes.split(".") if classes else ()))
        return "".join(f"{part}::" for part in parts)
    where = classname or file or suite
    return f"{where}::" if where else ""


def module_name(file: str) -> str:
    """The dotted name that pytest writes for a file: `tests/a_test.py` → `tests.a_test`."""
    return file.removesuffix(".py").replace("/", ".").strip(".")


def split_id(test_id: str, file: str) -> tuple[str, str]:
    """`(name, classname)` of a node id, as pytest writes them: `tests/a_test.py::C::t[x]` → `t[x]`, `tests.a_test.C`.

    A parameter may contain `::`, so only the part before the first `[` is split.
    """
    inside = bool(file) and test_id.startswith(f"{file}::")
    rest = test_id.removeprefix(f"{file}::") if inside else test_id
    head, bracket, parameters = rest.partition("[")
    *classes, name = head.split("::")
    return name + bracket + parameters or test_id, ".".join(part for part in (module_name(file), *classes) if part)
