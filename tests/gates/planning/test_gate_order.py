from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.planning.discover import Gate
from gates.planning.plan import Request, make_plan
from gates.portable.errors import UsageError
from tests.gates.planning.test_plan import GATES, a_config, a_gate, names, plan


def test_the_longest_gate_starts_first_and_an_unknown_one_counts_as_long() -> None:
    found = plan(durations={"build": 3.0, "lint": 1.0, "test-3.11": 9.0})
    assert found.starts == ("test-3.11", "test-3.12", "build", "lint")
    assert [item.expected for item in found.gates] == [3.0, 1.0, 9.0, None]


def test_what_a_long_gate_waits_for_starts_first() -> None:
    gates = (a_gate("lint"), a_gate("build"), a_gate("test", needs=("build",)))
    found = plan(*gates, durations={"lint": 5.0, "build": 1.0, "test": 6.0})
    assert found.starts == ("build", "test", "lint")
    assert [item.needs for item in found.gates] == [(), (), ("build",)]


def test_without_any_duration_the_checklists_order_holds() -> None:
    assert plan().starts == ("build", "lint", "test-3.11", "test-3.12")


def test_a_need_of_a_group_is_a_need_of_all_its_gates() -> None:
    found = plan(*GATES[1:], a_gate("docs", needs=("test", "lint")))
    assert found.gates[-1].needs == ("lint", "test-3.11", "test-3.12")


@pytest.mark.parametrize(
    ("gates", "names"),
    [
        ([a_gate("a", needs=("b",)), a_gate("b", needs=("a",))], {"a", "b"}),
        ([a_gate("a", needs=("b",)), a_gate("b", needs=("c",)), a_gate("c", needs=("a",))], {"a", "b", "c"}),
        ([a_gate("t1", "t", needs=("t",)), a_gate("t2", "t", needs=("t",))], {"t1", "t2"}),
    ],
    ids=["two", "three", "a group that needs itself"],
)
def test_a_circle_of_needs_is_refused_with_its_gates(gates: list[Gate], names: set[str]) -> None:
    with pytest.raises(UsageError, match="in a circle") as caught:
        plan(*gates)
    shown = caught.value.got.split(" → ")
    assert set(shown) == names
    assert shown[0] == shown[-1]


@st.composite
def checklists(draw: st.DrawFn) -> tuple[tuple[Gate, ...], dict[str, float]]:
    """Gates without circles, in any order, some of known duration."""
    number = draw(st.integers(1, 8))
    needs = [draw(st.sets(st.integers(0, place - 1))) if place else set() for place in range(number)]
    gates = [a_gate(f"g{place}", needs=tuple(f"g{need}" for need in needs[place])) for place in range(number)]
    times = st.sampled_from([0.0, 0.001, 1.0, 1.0, 50.0, 1e9, 1e-9])
    durations = draw(st.dictionaries(st.sampled_from([gate.name for gate in gates]), times))
    return tuple(draw(st.permutations(gates))), durations


@pytest.mark.slow
@given(checklists())
def test_every_gate_starts_once_and_after_all_that_it_needs(
    checklist: tuple[tuple[Gate, ...], dict[str, float]],
) -> None:
    gates, durations = checklist
    found = make_plan(a_config(), gates, Request(), durations, cores=2)
    assert names(found) == [gate.name for gate in gates]
    assert sorted(found.starts) == sorted(names(found))
    place = {name: number for number, name in enumerate(found.starts)}
    for item in found.gates:
        assert set(item.needs) == set(item.gate.config.needs)
        assert all(place[need] < place[item.gate.name] for need in item.needs)


@given(checklists())
def test_gates_without_needs_start_longest_first(checklist: tuple[tuple[Gate, ...], dict[str, float]]) -> None:
    gates, durations = checklist
    free = tuple(a_gate(gate.name) for gate in gates)
    found = make_plan(a_config(), free, Request(), durations, cores=2)
    longest = max(durations.values(), default=1.0)
    lengths = [durations.get(name, longest) for name in found.starts]
    assert lengths == sorted(lengths, reverse=True)
