"""Whether tests fail without the change that they came with: the head's tests on the base's code."""

from __future__ import annotations

from typing import Literal

import msgspec

from gates.portable.values import TestOutcome


class RedGreenTest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new or changed test of the head, run on the base's code.

    Attributes:
        test: its id on the head, as in the comparison.
        function: its id without gate and parameters.
        kind: `new`: only the head has it. `changed`: its code, or that of a helper, differs. `gate`: all tests of a gate that
            does not name them.
        finding: `red`: it fails without the change, so it shows the change (FAIL_TO_PASS of SWE-bench). `green`: it passes
            without the change: for a new test, nothing was shown; for a changed one, it still accepts the old behaviour.
            `unknown`: it did not end, or cannot even be collected there for a reason that is not the change.
        outcome: on the base's code; None if it was not run there.
        said: the failure, or why nothing is known, in one line.
    """

    test: str
    function: str = ""
    kind: Literal["new", "changed", "gate"]
    finding: Literal["red", "green", "unknown"]
    outcome: TestOutcome | None = None
    said: str = ""


class RedGreen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The new and changed tests of the head on the base's code.

    Attributes:
        tests: each of them.
        production: the head changes production files at all; if not, there is nothing to be red about.
        seconds: that it took.
        unknown: why nothing, or not everything, is known.
        left_out: new and changed doctests of code that changed, which cannot be run without that.
        settings: files with settings of tests that came with them.
    """

    tests: tuple[RedGreenTest, ...] = ()
    production: bool = True
    seconds: float = 0.0
    unknown: str = ""
    left_out: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    @property
    def passes_already(self) -> tuple[str, ...]:
        """New functions that pass without the change, with all of their parameters and in all gates: they do not show it."""
        return tuple(name for name, found in self._new.items() if found == {"green"})

    @property
    def open(self) -> tuple[str, ...]:
        """New functions that are not known to fail without the change, nor to pass."""
        return tuple(name for name, found in self._new.items() if "red" not in found and "unknown" in found)

    @property
    def _new(self) -> dict[str, set[str]]:
        """Function → what its new tests showed."""
        found: dict[str, set[str]] = {}
        for one in self.tests:
            if one.kind != "changed":
                found.setdefault(one.function or one.test, set()).add(one.finding)
        return found
