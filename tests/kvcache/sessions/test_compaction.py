from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kvcache import Span
from kvcache.sessions.compaction import Piece, Plan, plan_all, plan_hole

UNIT = 64


def row(text: str) -> tuple[list[Piece], list[Span]]:
    """Read a row of units: a letter is a block that may move, `#` one that must stay, `.` is free."""
    pieces, free = [], []
    for place, letter in enumerate(text):
        span = Span(place * UNIT, UNIT)
        if letter == ".":
            free.append(span)
        else:
            pieces.append(Piece(f"{letter}{place}", span, movable=letter != "#"))
    return pieces, free


def after(text: str, plan: Plan) -> str:
    """The row once the plan was carried out, checking that no move overwrites a block."""
    units = list(text)
    for name, target in plan.moves:
        source = int(name[1:])
        assert target % UNIT == 0
        assert target // UNIT <= source
        units[source] = "."
        assert units[target // UNIT] == "."
        units[target // UNIT] = name[0]
    return "".join(units)


def longest_gap(text: str) -> int:
    return max(map(len, text.replace("#", "x").translate({ord(c): "x" for c in "abcdefgh"}).split("x")), default=0)


def test_everything_goes_down() -> None:
    plan = plan_all(row("a.b..c")[0])
    assert after("a.b..c", plan) == "abc..."
    assert plan.bytes_moved == 2 * UNIT


def test_blocks_go_below_those_that_must_stay_where_there_is_room() -> None:
    plan = plan_all(row("a..#b.c")[0])
    assert after("a..#b.c", plan) == "abc#..."


def test_nothing_moves_where_all_free_bytes_touch_each_other() -> None:
    assert plan_all(row("ab#c...")[0]) == Plan((), 0)


def test_a_hole_is_made_by_moving_as_little_as_possible() -> None:
    pieces, free = row(".ab.c.")
    plan = plan_hole(pieces, free, size=2 * UNIT)
    assert plan is not None
    assert after(".ab.c.", plan) == ".abc.."


def test_a_hole_that_is_there_needs_no_move_and_one_that_cannot_be_has_no_plan() -> None:
    assert plan_hole(*row("a..b"), size=2 * UNIT) == Plan((), 0)
    assert plan_hole(*row(".#."), size=2 * UNIT) is None
    assert plan_hole(*row("ab"), size=UNIT) is None


@given(st.text("abcdefgh#.", max_size=14), st.integers(1, 6))
def test_a_plan_keeps_every_block_and_makes_room_if_there_is_a_way(text: str, units: int) -> None:
    pieces, free = row(text)
    everything = after(text, plan_all(pieces))
    assert sorted(everything) == sorted(text)
    assert [at for at, letter in enumerate(everything) if letter == "#"] == [
        at for at, letter in enumerate(text) if letter == "#"
    ]
    assert all(left[1] <= right[1] for left, right in pairwise(plan_all(pieces).moves)) or "#" in text
    plan = plan_hole(pieces, free, size=units * UNIT)
    possible = max((run.count(".") for run in text.split("#")), default=0) >= units
    assert (plan is not None) is possible
    if plan is not None:
        made = after(text, plan)
        assert longest_gap(made) >= units
        assert sorted(made) == sorted(text)
        # No window between blocks that stay has the free units with fewer others.
        cheapest = min(
            sum(letter != "." for letter in text[i:j])
            for i in range(len(text))
            for j in range(i + 1, len(text) + 1)
            if "#" not in text[i:j] and text[i:j].count(".") >= units
        )
        assert plan.bytes_moved == cheapest * UNIT
