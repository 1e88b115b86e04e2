from __future__ import annotations

from gates.render.text import duration, plural, useful_lines


def test_a_long_traceback_keeps_its_end_and_a_stack_dump_its_head() -> None:
    lines = [f"line {number}" for number in range(10)]
    assert useful_lines("\n".join(lines), 10) == tuple(lines)
    assert useful_lines("\n".join(lines), 3) == ("… 7 lines cut …", "line 7", "line 8", "line 9")
    dump = ["Thread 0x1 (most recent call first):", *lines]
    assert useful_lines("\n".join(dump), 2) == (dump[0], dump[1], "… 9 lines cut …")
    assert useful_lines("") == ()


def test_numbers_agree_with_their_word() -> None:
    assert [plural(number, "gate") for number in (0, 1, 2, 1200)] == ["0 gates", "1 gate", "2 gates", "1,200 gates"]


def test_only_real_durations_are_shown() -> None:
    shown = [duration(seconds) for seconds in (0.5, 0.0, -1.0, float("nan"), float("inf"))]
    assert shown == ["0.50s", "-", "-", "-", "-"]
