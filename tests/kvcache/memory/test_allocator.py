import sys
from collections.abc import Callable
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from kvcache import (
    Allocator,
    DoubleFreeError,
    ForeignSpanError,
    IntegrityError,
    InvalidSizeError,
    KVCacheError,
    OutOfMemoryError,
    Span,
    align_up,
)
from kvcache.memory.free_spans import FreeSpans, class_above, class_below

BAD_SIZES = [pytest.param(n, id=f"size-{n}") for n in (0, -1, 1.0, float("nan"), "64", None, True, 2**63)]


def test_spans_follow_each_other_at_aligned_offsets() -> None:
    allocator = Allocator(1024)
    assert [allocator.allocate(100).offset for _ in range(3)] == [0, 128, 256]
    assert (allocator.used, allocator.free) == (384, 640)


def test_a_span_has_the_length_that_was_asked_for_and_takes_whole_units() -> None:
    allocator = Allocator(1000)
    assert (allocator.capacity, allocator.alignment) == (960, 64)
    assert allocator.allocate(1) == Span(0, 1)
    assert allocator.used == 64


@pytest.mark.parametrize("capacity", [pytest.param(n, id=f"capacity-{n}") for n in (0, -64, 63, 64.0, float("nan"))])
def test_an_allocator_has_at_least_one_unit(capacity: int) -> None:
    with pytest.raises(InvalidSizeError):
        Allocator(capacity)


def test_the_tightest_span_that_fits_is_taken() -> None:
    allocator = Allocator(1024)
    wide, _, tight, _ = (allocator.allocate(size) for size in (256, 64, 128, 64))
    allocator.deallocate(wide)
    allocator.deallocate(tight)
    assert allocator.allocate(128).offset == tight.offset


@pytest.mark.parametrize("order", [pytest.param(o, id="".join(map(str, o))) for o in ((0, 1, 2), (2, 1, 0), (0, 2, 1))])
def test_freed_neighbours_become_one_span_in_whatever_order_they_come(order: tuple[int, ...]) -> None:
    allocator = Allocator(192)
    spans = [allocator.allocate(64) for _ in range(3)]
    for index in order:
        allocator.deallocate(spans[index])
        allocator.check()
    assert allocator.free_spans() == (Span(0, 192),)


def test_fault_no_alignment_each_request_gets_the_alignment_it_asks_for() -> None:
    allocator = Allocator(8192, alignment=1)
    for exponent in range(12):
        allocator.allocate(3)
        assert allocator.allocate(5, alignment=1 << exponent).offset % (1 << exponent) == 0
    allocator.check()


def test_a_tight_span_that_is_misaligned_is_passed_over_for_a_wider_one() -> None:
    allocator = Allocator(512, alignment=1)
    spans = [allocator.allocate(size) for size in (100, 130, 26, 256)]
    allocator.deallocate(spans[1])
    allocator.deallocate(spans[3])
    assert allocator.free_spans() == (Span(100, 130), Span(256, 256))
    assert allocator.allocate(128, alignment=128).offset == 256
    assert allocator.allocate(128).offset == 384


@pytest.mark.parametrize("size", BAD_SIZES)
def test_fault_allocate_zero_aliases_a_size_that_is_no_size_is_refused(size: int) -> None:
    allocator = Allocator(1024)
    with pytest.raises(InvalidSizeError):
        allocator.allocate(size)
    assert allocator.used == 0


@pytest.mark.parametrize("alignment", [pytest.param(n, id=f"alignment-{n}") for n in (0, -64, 3, 1.0, True)])
def test_an_alignment_that_is_no_power_of_two_is_refused(alignment: int) -> None:
    allocator = Allocator(1024)
    with pytest.raises(InvalidSizeError):
        allocator.allocate(64, alignment=alignment)
    with pytest.raises(InvalidSizeError):
        Allocator(1024, alignment=alignment)
    assert allocator.used == 0


def test_out_of_memory_tells_needed_free_and_largest_and_changes_nothing() -> None:
    allocator = Allocator(256)
    spans = [allocator.allocate(64) for _ in range(4)]
    allocator.deallocate(spans[0])
    allocator.deallocate(spans[2])
    before = allocator.free_spans()
    with pytest.raises(OutOfMemoryError) as caught:
        allocator.allocate(128)
    error = caught.value
    assert (error.needed, error.free, error.largest, error.capacity) == (128, 128, 64, 256)
    assert allocator.free_spans() == before


def test_fault_double_free_is_detected() -> None:
    allocator = Allocator(256)
    span = allocator.allocate(64)
    allocator.deallocate(span)
    with pytest.raises(DoubleFreeError):
        allocator.deallocate(span)
    assert allocator.free == 256


def test_fault_double_free_is_detected_even_after_the_bytes_have_a_new_owner() -> None:
    allocator = Allocator(256)
    span = allocator.allocate(64)
    allocator.deallocate(span)
    again = allocator.allocate(64)
    assert again == span
    with pytest.raises(DoubleFreeError):
        allocator.deallocate(span)
    assert allocator.is_live(again)
    assert not allocator.is_live(span)


def test_fault_foreign_block_from_another_allocator_is_refused() -> None:
    ours, theirs = Allocator(256), Allocator(256)
    mine = ours.allocate(64)
    with pytest.raises(ForeignSpanError):
        ours.deallocate(theirs.allocate(64))
    assert ours.live_spans() == (mine,)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"length": 128}, id="longer"),
        pytest.param({"offset": 128}, id="moved"),
        pytest.param({"serial": 0}, id="made-up"),
        pytest.param({}, id="copied"),
    ],
)
def test_fault_foreign_block_that_was_altered_is_refused(change: dict[str, Any]) -> None:
    allocator = Allocator(512)
    allocator.allocate(64)
    span = allocator.allocate(64)
    with pytest.raises(ForeignSpanError):
        allocator.deallocate(span._replace(**change))
    assert allocator.used == 128
    assert allocator.is_live(span)


def test_what_is_not_a_span_is_foreign() -> None:
    with pytest.raises(ForeignSpanError):
        Allocator(64).deallocate((0, 64))  # type: ignore[arg-type]


def test_fault_full_sort_on_each_free_nothing_is_sorted() -> None:
    allocator = Allocator(64 * 100)
    spans = [allocator.allocate(64) for _ in range(100)]
    called: list[str] = []

    def note(_frame: FrameType, event: str, argument: object) -> None:
        if event == "c_call":
            called.append(getattr(argument, "__name__", ""))

    previous = sys.getprofile()
    sys.setprofile(note)
    try:
        for span in spans[::2]:
            allocator.deallocate(span)
    finally:
        sys.setprofile(previous)
    assert "popitem" not in called
    assert "get" in called
    assert not {"sorted", "sort", "insort", "insort_right", "bisect_left"} & set(called)


def test_fault_fragmentation_is_by_the_largest_span_not_by_the_count_of_blocks() -> None:
    allocator = Allocator(640)
    spans = [allocator.allocate(64) for _ in range(10)]
    assert allocator.fragmentation == 0.0
    for span in spans[::2]:
        allocator.deallocate(span)
    assert allocator.fragmentation == pytest.approx(1 - 64 / 320)
    allocator.deallocate(spans[1])
    assert allocator.fragmentation == pytest.approx(1 - 192 / 384)


def test_serials_of_live_spans_differ_between_allocators() -> None:
    assert Allocator(64).allocate(64).serial != Allocator(64).allocate(64).serial


def damaged_bits(allocator: Allocator) -> None:
    allocator._vacant._bits ^= 1


def cache_a_live_block(allocator: Allocator) -> None:
    allocator._bins[64] = [0]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda a: setattr(a._vacant, "free", a.free + 64), id="wrong-count"),
        pytest.param(lambda a: a._live.update({0: Span(0, 128)}), id="overlap"),
        pytest.param(lambda a: a._live.update({64: Span(64, 64)}), id="live-and-free"),
        pytest.param(lambda a: a._vacant.give(a.capacity + 64, 64), id="beyond-the-end"),
        pytest.param(lambda a: a._vacant._lengths.clear(), id="lost-starts"),
        pytest.param(lambda a: a._vacant._end_to_start.clear(), id="lost-ends"),
        pytest.param(lambda a: [each.clear() for each in a._vacant._classes], id="lost-classes"),
        pytest.param(damaged_bits, id="wrong-bits"),
        pytest.param(cache_a_live_block, id="cached-and-live"),
        pytest.param(lambda a: a._live.clear(), id="lost-span"),
    ],
)
def test_check_finds_damage(damage: Callable[[Allocator], object]) -> None:
    allocator = Allocator(256)
    allocator.allocate(64)
    allocator.check()
    damage(allocator)
    with pytest.raises(IntegrityError):
        allocator.check()


def test_check_finds_free_neighbours_that_were_not_joined() -> None:
    allocator = Allocator(256)
    vacant = FreeSpans(256, 6)
    vacant.give(0, 64)
    vacant.give(128, 128)
    vacant.free += 64
    vacant._lengths[64] = vacant._classes[1][64] = 64
    vacant._end_to_start[128] = 64
    allocator._vacant = vacant
    with pytest.raises(IntegrityError, match="coalescing"):
        allocator.check()


def freed_often(allocator: Allocator, size: int) -> None:
    """Make the size common, so that it has a quick bin."""
    for _ in range(1200):
        allocator.deallocate(allocator.allocate(size))


def test_a_size_that_comes_up_often_gets_a_quick_bin_and_the_others_none() -> None:
    allocator = Allocator(64 * 1024)
    spans = [allocator.allocate(64) for _ in range(3)]
    freed_often(allocator, 100)
    assert (allocator.used, allocator.cached) == (192, 128)
    allocator.deallocate(spans[0])
    assert allocator.cached == 128
    allocator.check()


def test_a_quick_bin_gives_back_what_it_holds_last_in_first_out_with_a_new_serial() -> None:
    allocator = Allocator(64 * 1024)
    freed_often(allocator, 100)
    first, second = allocator.allocate(100), allocator.allocate(120)
    allocator.deallocate(first)
    allocator.deallocate(second)
    again = allocator.allocate(127)
    assert again.offset == second.offset
    for stale in (first, second):
        with pytest.raises(DoubleFreeError):
            allocator.deallocate(stale)
    allocator.check()


def test_a_quick_bin_holds_so_many_and_large_blocks_have_none() -> None:
    allocator = Allocator(1024 * 1024)
    freed_often(allocator, 64)
    freed_often(allocator, 4096)
    spans = [allocator.allocate(64) for _ in range(100)]
    for span in spans:
        allocator.deallocate(span)
    assert allocator.cached == 32 * 64
    allocator.check()


def test_what_is_cached_is_joined_before_a_request_fails_and_by_flush() -> None:
    allocator = Allocator(64 * 1024)
    freed_often(allocator, 100)
    for span in [allocator.allocate(100) for _ in range(512)][::-1]:
        allocator.deallocate(span)
    assert allocator.cached > 0
    whole = allocator.allocate(64 * 1024)
    assert (whole.offset, allocator.cached, allocator.free) == (0, 0, 0)
    allocator.deallocate(whole)
    freed_often(allocator, 100)
    assert allocator.cached > 0
    allocator.flush()
    assert (allocator.cached, allocator.free_spans()) == (0, (Span(0, 64 * 1024),))


def test_sizes_of_yesterday_lose_their_quick_bin() -> None:
    allocator = Allocator(1024 * 1024)
    freed_often(allocator, 64)
    allocator.allocate(64)
    allocator.flush()
    freed_often(allocator, 128)
    assert list(allocator._bins) == [128]


def test_where_every_size_comes_up_alike_nothing_is_held_back() -> None:
    allocator = Allocator(1024 * 1024)
    sizes = [64 * number for number in range(1, 33)]
    for _ in range(100):
        for span in [allocator.allocate(size) for size in sizes]:
            allocator.deallocate(span)
    assert allocator.cached == 0


@given(st.integers(1, 1 << 40))
def test_a_class_holds_what_it_promises(units: int) -> None:
    below, above = class_below(units), class_above(units)
    assert below <= above <= below + 1
    assert class_below(units + 1) >= below
    smallest = next(size for size in (units, units + (units >> 5) + 1) if class_below(size) >= above)
    assert smallest >= units


class AllocatorMachine(RuleBasedStateMachine):
    """Drives an allocator beside a model that is nothing but the set of live spans; some sizes have quick bins."""

    CAPACITY = 2048

    live = Bundle("live")
    freed = Bundle("freed")

    def __init__(self) -> None:
        super().__init__()
        self.allocator = Allocator(self.CAPACITY, alignment=1)
        self.allocator._bins = {size: [] for size in (1, 64, 100)}
        self.allocator._bin_of = dict(self.allocator._bins)
        self.model: list[Span] = []

    def fits(self, size: int, alignment: int) -> bool:
        """Whether a gap of the model holds the request: an exhaustive answer to compare with."""
        borders = [(0, 0), *((span.offset, span.end) for span in self.model), (self.CAPACITY, self.CAPACITY)]
        borders.sort()
        return any(align_up(left[1], alignment) + size <= right[0] for left, right in pairwise(borders))

    @rule(target=live, size=st.sampled_from([1, 64, 100]))
    def allocate_a_common_size(self, size: int) -> Span:
        return self.take(size, None)

    @rule(target=live, size=st.integers(1, 600), exponent=st.integers(0, 8))
    def allocate(self, size: int, exponent: int) -> Span:
        return self.take(size, exponent)

    def take(self, size: int, exponent: int | None) -> Span:
        alignment = None if exponent is None else 1 << exponent
        fits = self.fits(size, alignment or 1)
        try:
            span = self.allocator.allocate(size, alignment=alignment)
        except OutOfMemoryError:
            assert not fits
            return Span(0, 1)
        assert fits
        assert span.length == size
        assert span.offset % (alignment or 1) == 0
        assert not any(span.overlaps(other) for other in self.model)
        self.model.append(span)
        return span

    @rule(target=freed, span=consumes(live))
    def deallocate(self, span: Span) -> Span:
        if span.serial and not self.allocator.is_live(span):  # moved since
            with pytest.raises((DoubleFreeError, ForeignSpanError)):
                self.allocator.deallocate(span)
        elif span.serial:
            self.allocator.deallocate(span)
            self.model = [other for other in self.model if other.serial != span.serial]
        return span

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def deallocate_whatever_it_is_called_now(self, data: st.DataObject) -> None:
        self.allocator.deallocate(self.model.pop(data.draw(st.integers(0, len(self.model) - 1))))

    @rule(span=freed)
    def deallocate_again(self, span: Span) -> None:
        with pytest.raises((DoubleFreeError, ForeignSpanError)):
            self.allocator.deallocate(span)

    @rule()
    def flush(self) -> None:
        self.allocator.flush()
        assert self.allocator.cached == 0
        assert all(left.end < right.offset for left, right in pairwise(self.allocator.free_spans()))

    @rule(size=st.sampled_from([0, -1, 1.5, 4096]), exponent=st.integers(0, 3))
    def refuse(self, size: int, exponent: int) -> None:
        before = self.allocator.live_spans(), self.allocator.used
        with pytest.raises(KVCacheError):
            self.allocator.allocate(size, alignment=1 << exponent)
        assert (self.allocator.live_spans(), self.allocator.used) == before

    @invariant()
    def everything_adds_up(self) -> None:
        self.allocator.check()
        assert self.allocator.used == sum(span.length for span in self.model)
        assert self.allocator.used + self.allocator.free + self.allocator.cached == self.CAPACITY
        assert set(self.allocator.live_spans()) == set(self.model)


TestAllocatorMachine = pytest.mark.slow(AllocatorMachine.TestCase)
TestAllocatorMachine.settings = settings(max_examples=150, stateful_step_count=50)
