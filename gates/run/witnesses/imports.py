"""Imports of the project from elsewhere, as a witness."""

from __future__ import annotations

from collections.abc import Mapping

from gates.portable.patterns import lazy_pattern
from gates.portable.values import GateOutcome
from gates.results import Witness
from gates.run.witnesses.names import IMPORTS

_INSTALLED = lazy_pattern(r"/(site|dist)-packages/")
_SHOWN = 3
"""Maximum number of named packages."""


def imports_witness(imported: Mapping[str, str], stale: Mapping[str, str]) -> Witness | None:
    """The witness for packages of the project that tests imported from elsewhere; None if there are none.

    A package in the sources of another tree is not the one under test. An installed copy may be.

    Args:
        imported: as in `GateResult`.
        stale: installed copies of the project's packages → one of their files that differs from this tree.
    """
    elsewhere = {name: place for name, place in imported.items() if place.startswith("/")}
    copies = {name for name, place in elsewhere.items() if _INSTALLED.search(place)}
    foreign = [f"{name} ({place})" for name, place in elsewhere.items() if name not in copies]
    foreign += [f"{name} (installed, and {file} differs from the one here)" for name, file in stale.items()]
    if foreign:
        detail = (
            f"the tests import code of another tree: {', '.join(foreign[:_SHOWN])}; let the session install this one "
            "into its own environment, or put its folder on PYTHONPATH"
        )
        return Witness(name=IMPORTS, outcome=GateOutcome.FAILED, detail=detail)
    if copies:
        return Witness(name=IMPORTS, detail=f"installed copies, perhaps of another tree: {', '.join(sorted(copies))}")
    return None
