"""A run as a Prometheus text file, for the textfile collector of the node exporter.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text-based, version 0.0.4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from gates.compare.values import Comparison
from gates.portable.values import GateOutcome
from gates.render.summary import summarise
from gates.results import Run, TestResult


def render_metrics(run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None) -> str:
    """The whole file."""
    return "".join(f"{line}\n" for line in _lines(run, tests, comparison))


def _lines(run: Run, tests: Sequence[TestResult], comparison: Comparison | None) -> Iterator[str]:
    project = {"project": run.project, "profile": run.profile, "branch": run.subject.branch}
    yield from _family(
        "gates_run_passed",
        "Whether the last run passed.",
        [(project, float(summarise(run, tests, comparison).verdict.passed))],
    )
    yield from _family(
        "gates_run_start_time_seconds", "When the last run began, since the epoch.", [(project, run.started)]
    )
    yield from _family("gates_run_duration_seconds", "How long the last run took.", [(project, run.duration)])
    gates = [({**project, "gate": gate.name}, gate) for gate in run.gates]
    yield from _family(
        "gates_gate_passed",
        "Whether a gate passed.",
        [(labels, float(gate.outcome is GateOutcome.PASSED and not gate.inconsistent)) for labels, gate in gates],
    )
    yield from _family(
        "gates_gate_duration_seconds", "How long a gate took.", [(labels, gate.duration) for labels, gate in gates]
    )
    yield from _family(
        "gates_gate_cpu_seconds", "Processor time of a gate.", [(labels, gate.cpu) for labels, gate in gates]
    )
    counts = Counter((test.gate, str(test.outcome)) for test in tests)
    values = [
        ({**project, "gate": gate, "outcome": outcome}, float(number))
        for (gate, outcome), number in sorted(counts.items())
    ]
    yield from _family("gates_tests", "Tests by outcome.", values)
    if comparison is not None:
        found = [({**project, "finding": finding}, 1.0) for finding in comparison.findings]
        yield from _family("gates_comparison_finding", "What the comparison with the base found.", found)
        yield from _family(
            "gates_comparison_regression", "Whether it is a regression.", [(project, float(comparison.regression))]
        )


def _family(name: str, about: str, values: Sequence[tuple[dict[str, str], float]]) -> Iterator[str]:
    if not values:
        return
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} gauge"
    for labels, value in values:
        shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items() if text)
        yield f"{name}{{{shown}}} {value:g}" if value < 1e6 else f"{name}{{{shown}}} {value:.3f}"


def _escaped(text: str) -> str:
    plain = text.encode("utf-8", "backslashreplace").decode()
    return plain.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
