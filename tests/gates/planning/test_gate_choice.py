from __future__ import annotations

import pytest

from gates.config import Profile
from gates.planning.plan import Request
from gates.portable.errors import ManyErrors, NothingSelected, UsageError
from gates.portable.values import ExitCode
from tests.gates.planning.test_plan import names, plan


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


def test_what_may_be_unable_to_run_is_said_only_where_it_is_part_of_the_run() -> None:
    (note,) = plan(accept_could_not_run=("lint", "test")).notes
    assert note == "the config accepts that these could not run: lint, test"
    found = plan(accept_could_not_run=("lint",), request=Request(gates=("build",)))
    assert not any("accepts" in note for note in found.notes)
