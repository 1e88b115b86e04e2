"""The parts of a partition are complete and share nothing, whatever the tests are called."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.errors import UsageError
from gates.portable.partition import Partition, parse_partition

IDS = st.lists(st.text(max_size=8), max_size=30)


@given(IDS, st.sampled_from(["slice", "hash"]), st.integers(1, 7))
def test_every_test_is_in_exactly_one_part(ids: list[str], kind: str, parts: int) -> None:
    members = [parse_partition(f"{kind}:{part}/{parts}").members(ids) for part in range(1, parts + 1)]
    assert all(sum(column) == 1 for column in zip(*members, strict=True))


@given(st.data(), IDS, st.sampled_from(["slice", "hash"]), st.integers(1, 7))
def test_each_test_runs_once_though_every_machine_collects_in_an_order_of_its_own(
    data: st.DataObject, ids: list[str], kind: str, parts: int
) -> None:
    tests = list(enumerate(ids))  # tests may share an id, and stay different tests
    ran: Counter[int] = Counter()
    for part in range(1, parts + 1):
        here = data.draw(st.permutations(tests))
        members = Partition(kind, part, parts).members([name for _, name in here])
        ran.update(number for (number, _), mine in zip(here, members, strict=True) if mine)
    assert ran == Counter(dict(tests).keys())


@given(st.sets(st.text(max_size=8), max_size=30), st.integers(1, 7))
def test_slices_are_of_one_size(ids: set[str], parts: int) -> None:
    sizes = [sum(Partition("slice", part, parts).members(list(ids))) for part in range(1, parts + 1)]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("kind", ["slice", "hash"])
def test_tests_that_share_an_id_are_in_one_part(kind: str) -> None:
    for part in (1, 2):
        first, _, second = Partition(kind, part, 2).members(["a", "b", "a"])
        assert first is second


@given(IDS, IDS, st.integers(1, 5))
def test_a_hash_keeps_a_test_in_its_part_when_others_come(ids: list[str], more: list[str], parts: int) -> None:
    part = Partition("hash", 1, parts)
    assert part.members([*ids, *more])[: len(ids)] == part.members(ids)


def test_a_hash_is_the_same_on_every_machine() -> None:
    assert [Partition("hash", part, 3).members(["a.py::x"])[0] for part in (1, 2, 3)] == [False, True, False]


@pytest.mark.parametrize(
    "text", ["", "1/2", "slice:0/2", "slice:3/2", "hash:1/0", "count:1/2", "slice:1/2 ", "slice:-1/2"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a partition"):
        parse_partition(text)
