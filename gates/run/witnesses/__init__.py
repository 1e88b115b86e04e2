"""The witnesses of a gate, one file each: a source, and what it reports about the outcome. Pure.

The rule for all of them: **a gate passes only when every witness that should report has reported to the end.** A missing
report, a process that dies midway, a missing or stale file and a contradiction are failures.
`gates.run.verdict` uses the worst of them.
"""

from __future__ import annotations

from gates.run.witnesses import names
from gates.run.witnesses.disk_space import with_room
from gates.run.witnesses.exclusions import exclusions_witness
from gates.run.witnesses.exit_code import exit_witness
from gates.run.witnesses.gate_report import own_word_witness
from gates.run.witnesses.imports import imports_witness
from gates.run.witnesses.injection import FALLBACK, refusal_witness, runner_witness, unspoken_witness
from gates.run.witnesses.junit import agree, junit_witness
from gates.run.witnesses.nox_report import nox_witness
from gates.run.witnesses.test_results import is_demanded, results_witness

__all__ = [
    "FALLBACK",
    "agree",
    "exclusions_witness",
    "exit_witness",
    "imports_witness",
    "is_demanded",
    "junit_witness",
    "names",
    "nox_witness",
    "own_word_witness",
    "refusal_witness",
    "results_witness",
    "runner_witness",
    "unspoken_witness",
    "with_room",
]
