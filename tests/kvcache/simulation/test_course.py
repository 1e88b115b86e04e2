import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache import JsonLinesSink, KVCacheManager
from kvcache.replay import main
from kvcache.sessions.eviction import LRU
from kvcache.simulation.charts import WIDTH, Chart, Line, picture
from kvcache.simulation.course import Course, draw, thinned
from tests.kvcache.fakes import FakeClock, one_token, small_layout

SVG = "{http://www.w3.org/2000/svg}"


def write(path: Path, names: str) -> None:
    """A trace in which each session of `names` is looked up in turn, in an arena for two blocks."""
    sink, clock, layout = JsonLinesSink(path), FakeClock(), small_layout(1)
    with KVCacheManager(
        layout, capacity_bytes=2 * layout.block_bytes, clock=clock, policy=LRU(), sinks=[sink], trace=[sink]
    ) as manager:
        for name in names:
            entry = manager.get_or_create(name)
            if not entry.token_count:
                entry.append(one_token(layout), one_token(layout))
            clock.advance()
    sink.close()


def test_a_replay_draws_what_was_held_when(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "log", "abacabad")
    assert main([str(tmp_path / "log"), "--policy", "lru", "--policy", "lfu", "--svg", str(tmp_path / "p.svg")]) == 0
    assert "lru" in capsys.readouterr().out
    root = ET.parse(tmp_path / "p.svg").getroot()
    titles = [one.text for one in root.iter(f"{SVG}text") if one.get("class") == "title"]
    assert titles == ["Under lru", "Under lfu", "Sessions in the cache", "Sessions that lost their block so far"]
    assert [one.text for one in root.iter(f"{SVG}title")].count("lfu") == 2
    assert (root.get("role"), root[0].text) == (
        "img",
        "Occupancy and fragmentation over a trace: median and middle half of each moment",
    )


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "log", "ab")
    assert main([str(tmp_path / "log"), "--svg", str(tmp_path / "no/folder.svg")]) == 2
    assert "folder.svg" in capsys.readouterr().err


def test_a_course_has_a_sample_for_each_step() -> None:
    course = Course()
    with KVCacheManager(small_layout(1), capacity_bytes=2 * small_layout(1).block_bytes) as manager:
        course.take(0.0, manager.statistics())
        manager.get_or_create("a")
        course.take(1.5, manager.statistics())
    assert course.used == [(0.0, 0.0), (1.5, 0.5)]
    assert course.sessions == [(0.0, 0.0), (1.5, 1.0)]
    assert course.fragmented[0] == (0.0, 0.0)
    assert draw({"lru": course, "lfu": Course()}).startswith("<svg")


@given(st.lists(st.floats(0, 1e6), max_size=200), st.integers(1, 20))
def test_thinning_loses_neither_ends_nor_peaks(values: list[float], buckets: int) -> None:
    points = [(float(number), value) for number, value in enumerate(values)]
    kept = thinned(points, buckets)
    assert len(kept) <= 2 * buckets + 2
    assert kept == sorted(kept)
    if points:
        assert (kept[0], kept[-1]) == (points[0], points[-1])
        assert max(y for _, y in kept) == max(values)
        assert min(y for _, y in kept) == min(values)


def test_a_noisy_course_is_drawn_as_its_median_and_middle_half() -> None:
    course = Course()
    course.used += [(float(number), number % 2 / 2) for number in range(600)]
    root = ET.fromstring(draw({"lru": course}))
    (band,) = [one for one in root.iter(f"{SVG}path") if "band" in one.get("class", "")]
    assert band.get("d", "").endswith("Z")
    assert band.get("d", "").count("L") == 2 * 60 - 1


def test_a_line_of_many_points_has_no_marks_and_round_numbers_below() -> None:
    line = Line("a", [(number / 7, 1.0) for number in range(100)])
    root = ET.fromstring(picture([Chart("t", "x", "y", [line], steps=True)]))
    assert not root.findall(f".//{SVG}circle")
    below = [one for one in root.iter(f"{SVG}text") if one.get("text-anchor") == "middle" and one.get("y") == "270"]
    assert [one.text for one in below] == ["0", "5", "10"]
    assert all(0 < float(one.get("x", "")) <= WIDTH for one in below)
    assert "H" in next(one.get("d", "") for one in root.iter(f"{SVG}path") if one.find(f"{SVG}title") is not None)
