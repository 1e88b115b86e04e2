"""Planned: the helpers that an accelerator backend of the cache will need. Nothing of it is written yet.

Normal runs leave these out by a filter expression; here they fail, so that nobody takes them for done.
"""

from typing import NoReturn


def planned(what: str) -> NoReturn:
    raise NotImplementedError(f"planned: {what}")


def test_a_backend_is_found_by_its_name() -> None:
    planned("find a backend by its name")


def test_an_unknown_backend_is_refused_with_the_nearest_name() -> None:
    planned("refuse an unknown backend with the nearest name that exists")


def test_the_cpu_backend_is_always_there() -> None:
    planned("offer the CPU backend everywhere")


def test_a_backend_tells_how_many_bytes_its_device_has() -> None:
    planned("ask a device for its bytes")


def test_a_backend_allocates_an_arena_on_its_device() -> None:
    planned("allocate an arena on a device")


def test_an_arena_on_a_device_is_aligned_to_what_the_device_wants() -> None:
    planned("align an arena to what its device wants")


def test_zero_range_runs_on_the_device() -> None:
    planned("zero a range on a device")


def test_tokens_are_copied_from_host_to_device() -> None:
    planned("copy tokens from host to device")


def test_tokens_are_copied_from_device_to_host() -> None:
    planned("copy tokens from device to host")


def test_a_lost_device_makes_every_entry_stale() -> None:
    planned("make every entry stale when its device is lost")
