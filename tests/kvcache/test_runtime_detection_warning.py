"""Planned: the warning when the accelerator that was asked for is not there at run time.

Two tests are still to be written. Four share a lock that is not reentrant with the fixture that holds it, and so wait for
themselves; they know no better yet. Normal runs leave all six out by a filter expression.
"""

import threading
from collections.abc import Iterator

import pytest

PATIENCE = 300.0
"""Seconds until a test that waits for itself gives up."""

_environment = threading.Lock()


@pytest.fixture
def device_environment() -> Iterator[None]:
    """Keeps other tests from changing the environment that devices are found by."""
    with _environment:
        yield


def with_device(name: str) -> None:
    """Pretends that only the device `name` is there, with the environment locked, which is why it never comes back."""
    if not _environment.acquire(timeout=PATIENCE):
        pytest.fail(f"planned: the environment was never free to pretend {name!r}")
    _environment.release()


def test_a_warning_names_the_device_that_is_missing() -> None:
    pytest.fail("TODO: warn with the name of the device that was asked for")


def test_a_warning_comes_once_per_process() -> None:
    pytest.fail("TODO: warn once per process")


@pytest.mark.usefixtures("device_environment")
def test_no_warning_where_the_device_is_there() -> None:
    with_device("accelerator")


@pytest.mark.usefixtures("device_environment")
def test_a_warning_where_only_the_cpu_is_there() -> None:
    with_device("cpu")


@pytest.mark.usefixtures("device_environment")
def test_a_warning_where_the_driver_is_too_old() -> None:
    with_device("accelerator with an old driver")


@pytest.mark.usefixtures("device_environment")
def test_no_warning_where_the_cpu_was_asked_for() -> None:
    with_device("none")
