from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from gates.run.signals import StopRequest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Whoever started these tests in the background may have ignored a signal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def test_without_a_signal_nobody_wants_to_stop() -> None:
    with StopRequest() as stop:
        assert (stop.why(), stop.insists()) == ("", False)


def test_a_terminal_that_closes_asks_but_once_however_often_it_says_so() -> None:
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        assert (stop.why(), stop.insists()) == ("interrupted by SIGHUP", False)
        signal.raise_signal(signal.SIGINT)
        assert stop.insists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_wish_and_the_second_an_order(number: signal.Signals) -> None:
    with StopRequest() as stop:
        signal.raise_signal(number)
        assert (stop.why(), stop.insists()) == (f"interrupted by {number.name}", False)
        signal.raise_signal(number)
        assert stop.insists()


def test_signals_mean_what_they_meant_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with StopRequest():
        assert signal.getsignal(signal.SIGINT) not in before
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_an_ignored_signal_stays_ignored() -> None:
    """A shell starts background jobs so, and nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGHUP)
        assert stop.why() == ""


def test_outside_the_main_thread_signals_are_somebody_elses() -> None:
    seen = []

    def run() -> None:
        with StopRequest() as stop:
            seen.append(stop.why())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [""]
