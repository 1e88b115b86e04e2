import xml.etree.ElementTree as ET

import pytest

from kvcache.simulation.charts import HEIGHT, WIDTH, Chart, Line, picture, ticks_to

SVG = "{http://www.w3.org/2000/svg}"


def test_a_picture_has_every_line_and_is_whole_xml() -> None:
    lines = [Line(f"<{number}> & more", [(1.0, number), (2.0, 0.5)]) for number in range(9)]
    text = picture(
        [Chart("a < b", "x", "y", lines), Chart("c", "x", "y", lines[:1], share=True), Chart("d", "", "", [])]
    )
    root = ET.fromstring(text)
    assert root.get("viewBox") == f"0 0 {2 * WIDTH} {2 * HEIGHT + 22 * 9 + 16}"
    assert len(root.findall(f".//{SVG}circle")) == 2 * 9 + 2
    titles = [title.text for title in root.findall(f".//{SVG}title")]
    assert titles.count("<3> & more") == 1
    assert "25%" in [each.text for each in root.findall(f".//{SVG}text")]


def test_points_lie_inside_and_higher_numbers_lie_higher() -> None:
    root = ET.fromstring(picture([Chart("t", "x", "y", [Line("a", [(1.0, 0.0), (3.0, 7.0), (5.0, 3.5)])])]))
    places = [(float(each.get("cx", "")), float(each.get("cy", ""))) for each in root.findall(f".//{SVG}circle")]
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in places)
    assert places[0][1] > places[2][1] > places[1][1]


@pytest.mark.parametrize(
    ("largest", "last"),
    [(0, 1.0), (1, 1.0), (7, 8.0), (0.03, 0.03), (10, 10.0), (101, 150.0), (999, 1000.0), (float("inf"), 1.0)],
)
def test_ticks_are_round_and_reach_the_largest(largest: float, last: float) -> None:
    ticks = ticks_to(largest)
    assert ticks[0] == 0
    assert ticks[-1] == pytest.approx(last)
    assert 2 <= len(ticks) <= 7
