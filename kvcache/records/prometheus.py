"""Write statistics in the text format of Prometheus, version 0.0.4, without a client library.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import Literal

from kvcache.records.latency import QUANTILES, Latency
from kvcache.records.statistics import PerformanceReport, Statistics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""For the HTTP header."""

_PREFIX = "kvcache"


def metrics_text(statistics: Statistics, performance: PerformanceReport) -> str:
    """Everything that is measured, as text to answer a scrape with; what is not known yet is left out."""
    lines: list[str] = []

    def family(name: str, kind: Literal["counter", "gauge", "summary"], text: str, samples: Iterable[str]) -> None:
        lines.extend([f"# HELP {_PREFIX}_{name} {text}", f"# TYPE {_PREFIX}_{name} {kind}"])
        lines.extend(f"{_PREFIX}_{name}{sample}" for sample in samples)

    for name, value, text in _gauges(statistics, performance):
        if value is not None:
            family(name, "gauge", text, [f" {_number(value)}"])
    for name, total, text in _counters(statistics):
        family(name, "counter", text, [f" {total}"])
    reasons = ((field.name, getattr(statistics.evictions, field.name)) for field in fields(statistics.evictions))
    evicted = [f'{{reason="{reason}"}} {count}' for reason, count in reasons]
    family("evictions_total", "counter", "Sessions that lost their block.", evicted)
    family("allocation_seconds", "summary", "From a miss to the block.", _summary(performance.allocation))
    family("append_seconds", "summary", "From the call of an append to its return.", _summary(performance.append))
    return "\n".join(lines) + "\n"


def _gauges(statistics: Statistics, performance: PerformanceReport) -> Iterable[tuple[str, float | None, str]]:
    yield "capacity_bytes", statistics.bytes_capacity, "Bytes of the arena."
    yield "used_bytes", statistics.bytes_used, "Bytes in blocks of sessions."
    yield "largest_free_bytes", statistics.largest_free, "Bytes that one session could have at once."
    yield "utilization_ratio", statistics.utilization, "Share of the arena that is used."
    yield "fragmentation_ratio", statistics.fragmentation, "Share of the free bytes that one session cannot have."
    yield "sessions", statistics.sessions, "Sessions that have a block."
    yield "tokens", statistics.tokens, "Tokens that these hold."
    yield "session_tokens_average", statistics.average_session_tokens, "Tokens per session, ended ones included."
    yield "requests_per_second", performance.requests_per_second, "Lookups and appends over the last window."


def _counters(statistics: Statistics) -> Iterable[tuple[str, int, str]]:
    yield "hits_total", statistics.hits, "Lookups that found their session."
    yield "misses_total", statistics.misses, "Lookups that did not."
    yield "appended_tokens_total", statistics.appended_tokens, "Tokens written."
    yield "sink_failures_total", statistics.sink_failures, "How often a sink raised."


def _summary(latency: Latency) -> Iterable[str]:
    quantiles = zip(QUANTILES, (latency.p50, latency.p90, latency.p99), strict=True)
    yield from (f'{{quantile="{share:g}"}} {_number(value)}' for share, value in quantiles if value is not None)
    yield f"_sum {_number(latency.total)}"
    yield f"_count {latency.count}"


def _number(value: float) -> str:
    return repr(value)
