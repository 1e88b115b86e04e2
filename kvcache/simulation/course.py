"""How full and how fragmented a cache was, step by step: samples of a replay, and their picture."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from kvcache.records.statistics import Statistics
from kvcache.simulation.charts import Chart, Line, picture

PARTS = 60
"""A noisy line is drawn as the median of each of so many parts of the trace, and its middle half."""


@dataclass(slots=True)
class Course:
    """What a cache held after each step.

    Attributes:
        used: seconds, and the share of the arena that sessions have.
        fragmented: the same, with the share of the free bytes that one session cannot have.
        sessions: the same, with how many there were.
        evicted: the same, with how many had lost their block so far.
    """

    used: list[tuple[float, float]] = field(default_factory=list)
    fragmented: list[tuple[float, float]] = field(default_factory=list)
    sessions: list[tuple[float, float]] = field(default_factory=list)
    evicted: list[tuple[float, float]] = field(default_factory=list)

    def take(self, seconds: float, now: Statistics) -> None:
        """Note what the cache holds.

        Args:
            seconds: since the cache was opened.
            now: what was measured.
        """
        self.used.append((seconds, now.utilization))
        self.fragmented.append((seconds, now.fragmentation))
        self.sessions.append((seconds, float(now.sessions)))
        self.evicted.append((seconds, float(now.evictions.total)))


def draw(courses: Mapping[str, Course]) -> str:
    """The picture of several courses over the same trace, by the name of the policy."""
    seconds = "seconds since the cache was opened"
    charts = [
        Chart(
            f"Under {name}",
            seconds,
            "share",
            [
                _median("memory that sessions have, of the arena", course.used),
                _median("fragmentation: what one session cannot have of the free bytes", course.fragmented),
            ],
            share=True,
        )
        for name, course in courses.items()
    ]
    lines = {
        what: [Line(name, thinned(getattr(course, what))) for name, course in courses.items()]
        for what in ("sessions", "evicted")
    }
    charts += [
        Chart("Sessions in the cache", seconds, "sessions", lines["sessions"], steps=True),
        Chart("Sessions that lost their block so far", seconds, "evictions", lines["evicted"], steps=True),
    ]
    return picture(charts, "Occupancy and fragmentation over a trace: median and middle half of each moment")


def _median(name: str, points: Sequence[tuple[float, float]]) -> Line:
    """A line through the medians of parts of the trace; the points themselves, if they are few."""
    if len(points) <= 2 * PARTS:
        return Line(name, points)
    middles, band = [], []
    for members in _parts(points, PARTS):
        at = statistics.fmean(seconds for seconds, _ in members)
        low, middle, high = statistics.quantiles((value for _, value in members), n=4, method="inclusive")
        middles.append((at, middle))
        band.append((at, low, high))
    return Line(name, middles, band)


def thinned(points: Sequence[tuple[float, float]], parts: int = 150) -> list[tuple[float, float]]:
    """The points, or the lowest and the highest of each part, and both ends: no peak is lost."""
    if len(points) <= 2 * parts:
        return list(points)
    kept = {points[0], points[-1]}
    for members in _parts(points, parts):
        kept |= {min(members, key=itemgetter(1)), max(members, key=itemgetter(1))}
    return sorted(kept)


def _parts(points: Sequence[tuple[float, float]], parts: int) -> Iterator[Sequence[tuple[float, float]]]:
    for part in range(parts):
        yield points[part * len(points) // parts : (part + 1) * len(points) // parts]
