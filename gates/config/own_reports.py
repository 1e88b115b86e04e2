"""Find files of gates that would replace reports of this program."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gates.config.values import GateConfig
from gates.results.files import COMPARISON_FILE, LOGS_FOLDER, RUN_FILE, TESTS_FILE, VIEWS

_OWN = (RUN_FILE, TESTS_FILE, *VIEWS, COMPARISON_FILE)


def taken(reports: str, gates: Mapping[str, GateConfig]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Files of a gate that have the names of reports that gates itself writes: the keys of each, and its path."""
    place = _plain(reports)
    for gate in gates.values():
        findings = gate.findings if isinstance(gate.findings, tuple) else ()
        for key, names in (
            ("junit", gate.junit), ("reports", gate.reports), ("coverage", gate.coverage), ("findings", findings)
        ):  # fmt: skip
            for name in names:
                path = _plain(name)
                own = path.removeprefix(f"{place}/") if path.startswith(f"{place}/") else ""
                if own in _OWN or re.fullmatch(rf"{LOGS_FOLDER}/[^/]*\.log", own):
                    yield ("gate", gate.name, key), name


def _plain(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", "."))
