from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.config import Config, GateConfig, Profile
from gates.planning.discover import Gate
from gates.planning.plan import Plan, Request, available_cores, make_plan
from gates.portable.errors import ManyErrors, NothingSelected, UsageError
from gates.portable.exclusions import Exclusion
from gates.portable.filters import FilterSyntaxError
from gates.portable.values import ExitCode

ROOT = Path("/project")
SCAFFOLD = Exclusion(
    name="scaffold",
    filter="test(scaffold)",
    reason="unwritten",
    category="unimplemented",
    owner="ada",
    expires=dt.date(2100, 1, 1),
)


def a_gate(name: str, group: str = "", **config: Any) -> Gate:
    return Gate(name=name, group=group or name, kind="nox", signature=name, config=GateConfig(name=name, **config))


GATES = (a_gate("build"), a_gate("lint"), a_gate("test-3.11", "test"), a_gate("test-3.12", "test"))


def a_config(**fields: Any) -> Config:
    return Config(root=ROOT, **fields)


def plan(
    *gates: Gate,
    request: Request | None = None,
    durations: dict[str, float] | None = None,
    cores: int = 8,
    **config: Any,
) -> Plan:
    return make_plan(a_config(**config), gates or GATES, request or Request(), durations, cores=cores)


def names(found: Plan) -> list[str]:
    return [item.gate.name for item in found.gates]


# Which gates


def test_without_a_wish_every_gate_runs_in_the_order_of_the_checklist() -> None:
    found = plan()
    assert names(found) == ["build", "lint", "test-3.11", "test-3.12"]
    assert (found.settings.profile, found.notes) == ("default", ())


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (["lint"], ["lint"]),
        (["lint", "build", "lint"], ["build", "lint"]),
        (["test"], ["test-3.11", "test-3.12"]),
        (["test-3.12", "test"], ["test-3.11", "test-3.12"]),
        (["test-3.12"], ["test-3.12"]),
    ],
)
def test_gates_are_chosen_by_name_or_group_each_once_in_the_checklists_order(
    wanted: list[str], chosen: list[str]
) -> None:
    assert names(plan(request=Request(gates=tuple(wanted)))) == chosen
    profiles = {"p": Profile(name="p", gates=tuple(wanted))}
    assert names(plan(request=Request(profile="p"), profiles=profiles)) == chosen


def test_named_gates_count_more_than_the_profiles() -> None:
    profiles = {"p": Profile(name="p", gates=("lint",), jobs=1)}
    found = plan(request=Request(profile="p", gates=("build", "test")), profiles=profiles)
    assert names(found) == ["build", "test-3.11", "test-3.12"]
    assert (found.jobs, found.settings.profile) == (1, "p")


def test_all_unknown_gates_are_shown_at_once() -> None:
    with pytest.raises(ManyErrors) as caught:
        plan(request=Request(gates=("lnit", "lint", "tests", "zzz")))
    assert [(error.what, error.remedy) for error in caught.value.errors] == [
        ("no gate is named 'lnit'", "did you mean 'lint'?"),
        ("no gate is named 'tests'", "did you mean 'test'?"),
        ("no gate is named 'zzz'", "known gates: build, lint, test-3.11, test-3.12"),
    ]
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_gate_that_is_wished_for_where_it_is_there_is_no_mistake_where_it_is_not() -> None:
    request = Request(gates=("build", "lnit"), if_there=frozenset({"lnit"}))
    assert names(plan(request=request)) == ["build"]
    assert names(plan(request=Request(gates=("build", "lint"), if_there=frozenset({"lint"})))) == ["build", "lint"]
    with pytest.raises(ManyErrors):
        plan(request=Request(gates=("bulid", "lnit"), if_there=frozenset({"lnit"})))


def test_a_profile_without_gates_selects_nothing() -> None:
    with pytest.raises(NothingSelected, match="profile 'none' selects no gate") as caught:
        plan(request=Request(profile="none"), profiles={"none": Profile(name="none", gates=())})
    assert caught.value.exit_code is ExitCode.NOTHING_SELECTED


@pytest.mark.parametrize(
    ("name", "remedy"), [("quikc", "did you mean 'quick'?"), ("zzz", "known profiles: default, quick, slow")]
)
def test_an_unknown_profile_is_refused(name: str, remedy: str) -> None:
    profiles = {name: Profile(name=name) for name in ("quick", "slow")}
    with pytest.raises(UsageError, match=f"no profile is named '{name}'") as caught:
        plan(request=Request(profile=name), profiles=profiles)
    assert caught.value.remedy == remedy


@pytest.mark.parametrize("asked", ["", "default"])
def test_the_default_profile_can_be_changed(asked: str) -> None:
    profiles = {"default": Profile(name="default", gates=("lint",))}
    assert names(plan(request=Request(profile=asked), profiles=profiles)) == ["lint"]
    assert len(plan(request=Request(profile=asked)).gates) == 4


# Settings


@pytest.mark.parametrize(
    ("request_", "profile", "config", "found"),
    [(2, 3, 4, 2), (None, 3, 4, 3), (None, None, 4, 4), (None, None, None, 2), (9, None, None, 4)],
)
def test_the_number_of_slots_comes_from_the_nearest_that_says_one(
    request_: int | None, profile: int | None, config: int | None, found: int
) -> None:
    profiles = {"p": Profile(name="p", jobs=profile)}
    assert plan(request=Request(profile="p", jobs=request_), profiles=profiles, jobs=config, cores=2).jobs == found


@pytest.mark.parametrize(
    ("request_", "profile", "config", "found"), [(2.0, 3.0, 4.0, 2.0), (None, 3.0, 4.0, 3.0), (None, None, 4.0, 4.0)]
)
def test_the_time_limit_of_a_test_comes_from_the_nearest_that_says_one(
    request_: float | None, profile: float | None, config: float | None, found: float
) -> None:
    profiles = {"p": Profile(name="p", test_timeout=profile)}
    request = Request(profile="p", test_timeout=request_)
    assert plan(request=request, profiles=profiles, test_timeout=config).settings.test_timeout == found
    assert plan().settings.test_timeout is None


def test_a_gates_own_time_limit_counts_more_than_the_runs() -> None:
    found = plan(a_gate("a", timeout=5.0), a_gate("b"), timeout=60.0)
    assert [item.timeout for item in found.gates] == [5.0, 60.0]


def test_a_gate_gets_the_workers_that_its_tests_deserve() -> None:
    found = make_plan(a_config(), GATES, Request(), workers={"test-3.11": (2, "2 workers: so it is")})
    assert [(item.workers, item.workers_reason) for item in found.gates] == [
        *[(0, "")] * 2,
        (2, "2 workers: so it is"),
        (0, ""),
    ]
    asked = make_plan(a_config(), GATES, Request(workers=5), workers={"test-3.11": (2, "2 workers: so it is")})
    assert {(item.workers, item.workers_reason) for item in asked.gates} == {(5, "5, by --workers")}


def test_what_nox_is_called_with_is_passed_on() -> None:
    found = plan(request=Request(no_install=True), nox_args=("--x",))
    assert (found.settings.no_install, found.config.nox_args) == (True, ("--x",))


@pytest.mark.parametrize(("order", "seed"), [("random", 3), ("default", None), ("", None), ("failed-first", None)])
def test_a_seed_is_a_setting_of_the_random_order_only(order: str, seed: int | None) -> None:
    assert plan(request=Request(order=order, seed=3)).settings.seed == seed


def test_the_same_wishes_are_the_same_settings_wherever_they_stand() -> None:
    asked = plan(request=Request(jobs=2, filter="test(a)", seed=1)).settings
    written = plan(profiles={"default": Profile(name="default", filter="test(a)")}, jobs=2).settings
    assert asked == written
    assert hash(asked) == hash(written)


# Filters


@pytest.mark.parametrize(
    ("user", "profile", "excluded", "shown", "effective"),
    [
        ("", "", False, "", ""),
        ("test(a)", "", False, "test(a)", "test(a)"),
        ("", "test(p)", False, "test(p)", "test(p)"),
        ("all() or none()", "test(p)", False, "(test(p)) and (all() or none())", "(test(p)) and (all() or none())"),
        ("", "", True, "", "not test(scaffold)"),
        ("test(a)", "", True, "test(a)", "(test(a)) and not test(scaffold)"),
    ],
)
def test_filters_of_the_user_the_profile_and_the_exclusions_all_hold(
    user: str, profile: str, excluded: bool, shown: str, effective: str
) -> None:
    found = plan(
        request=Request(profile="p", filter=user),
        profiles={"p": Profile(name="p", filter=profile)},
        exclusions=(SCAFFOLD,) if excluded else (),
    )
    assert found.settings.filter == shown
    assert found.effective_filter == effective
    assert found.exclusions == ((SCAFFOLD,) if excluded else ())


@pytest.mark.parametrize(("by_user", "by_profile"), [(True, False), (False, True), (True, True)])
def test_exclusions_can_be_switched_off(by_user: bool, by_profile: bool) -> None:
    found = plan(
        request=Request(profile="p", include_excluded=by_user),
        profiles={"p": Profile(name="p", include_excluded=by_profile)},
        exclusions=(SCAFFOLD,),
    )
    assert (found.settings.include_excluded, found.exclusions, found.effective_filter) == (True, (), "")


def test_a_filter_that_cannot_be_parsed_is_refused() -> None:
    with pytest.raises(FilterSyntaxError):
        plan(request=Request(filter="test("), exclusions=(SCAFFOLD,))


# Order


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


def test_what_may_be_unable_to_run_is_said_only_where_it_is_part_of_the_run() -> None:
    (note,) = plan(accept_could_not_run=("lint", "test")).notes
    assert note == "the config accepts that these could not run: lint, test"
    found = plan(accept_could_not_run=("lint",), request=Request(gates=("build",)))
    assert not any("accepts" in note for note in found.notes)


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


def test_there_is_a_processor() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


def test_processors_are_counted_where_affinity_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cores() == 1
