"""Work beside other work."""

from __future__ import annotations

import threading

import pytest

from gates.planning.aside import Aside


def test_the_block_goes_on_while_the_work_is_done() -> None:
    reached = threading.Event()
    with Aside(lambda: reached.wait(60)) as work:
        reached.set()
        assert work.result() is True


def test_what_the_work_raised_is_raised_where_its_result_is_needed() -> None:
    with pytest.raises(ZeroDivisionError), Aside(lambda: 1 / 0) as work:
        work.result()


def test_the_block_ends_when_the_work_has_ended_even_after_an_error() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        begun.wait(60)
        ended.set()

    def fail() -> None:
        begun.set()
        raise KeyError

    with pytest.raises(KeyError), Aside(work):
        fail()
    assert ended.is_set()
