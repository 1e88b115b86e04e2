"""The table of the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.plugins.cases import CASES

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "plugins.md"
_HEAD = "| plugin | what it does here | also with two workers |\n|---|---|---|\n"
_TABLE = re.compile(re.escape(_HEAD) + r"(?:\|.*\n)*")
_ROW = re.compile(r"^\| ([a-z-]+) ([0-9][^ ]*) \|", re.MULTILINE)


def table(versions: Mapping[str, str]) -> str:
    """The table, with the versions that were tried."""
    rows = (
        f"| {case.plugin} {versions[case.plugin]} | {case.does} | {'yes' if case.parallel else ''} |\n"
        for case in CASES
    )
    return _HEAD + "".join(rows)


def written(page: str, versions: Mapping[str, str]) -> str:
    """The page with another table."""
    return _TABLE.sub(lambda _: table(versions), page)


def versions_in(page: str) -> dict[str, str]:
    """Plugin → version, as the page says."""
    return dict(_ROW.findall(page))
