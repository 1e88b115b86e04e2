from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest

from gates.config import Config, GateConfig, Profile
from gates.planning.discover import Gate
from gates.planning.plan import Plan, Request, available_cores, make_plan
from gates.portable.exclusions import Exclusion
from gates.portable.filters import FilterSyntaxError

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


def test_there_is_a_processor() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


def test_processors_are_counted_where_affinity_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cores() == 1
