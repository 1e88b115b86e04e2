"""An interrupt (Ctrl-C) in the middle of a call loses no bytes of the allocator: they are free again after `mend`."""

from collections.abc import Callable

import pytest

from kvcache import Allocator
from tests.kvcache.sessions.test_interrupts import interrupted


@pytest.mark.parametrize("way", ["allocate", "search", "deallocate", "flush"])
def test_what_an_interrupt_left_neither_live_nor_free_is_free_again(way: str) -> None:
    at, again = 1, True
    while again:
        allocator = Allocator(1024, alignment=64)
        for _ in range(20):  # so that spans of a size that is asked for often are kept
            for span in [allocator.allocate(64) for _ in range(12)]:
                allocator.deallocate(span)
        kept, given = allocator.allocate(64), allocator.allocate(128)
        ways: dict[str, Callable[[], object]] = {
            "allocate": lambda: allocator.allocate(64),  # noqa: B023 - all are called at once
            "search": lambda: allocator.allocate(200, alignment=256),  # noqa: B023
            "deallocate": lambda: allocator.deallocate(given),  # noqa: B023
            "flush": allocator.flush,
        }
        again = interrupted(ways[way], at)
        at += 1
        allocator.mend()
        allocator.check()
        assert allocator.is_live(kept)
        for span in allocator.live_spans():
            allocator.deallocate(span)
        assert allocator.allocate(1024).length == 1024
    assert at > 1
