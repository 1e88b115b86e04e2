from __future__ import annotations

from gates.portable.settings.run import VARIABLES, Choice, Settings, settle


def test_the_first_layer_that_says_something_decides() -> None:
    layers = Choice(jobs=1), Settings(jobs=2, order="random"), Settings(order="default", no_tests="fail")
    assert settle(*layers) == {"jobs": 1, "order": "random", "no_tests": "fail"}
    assert settle(Choice(gates=("a",))) == {}


def test_the_same_settings_are_the_same_value() -> None:
    assert hash(Settings(jobs=2, test_timeout=1.0)) == hash(Settings(test_timeout=1.0, jobs=2))
    assert Settings(jobs=2) != Settings(jobs=3)


def test_a_variable_gives_no_less_tests_and_no_older_environment() -> None:
    without = {name for name, one in Choice.SETTINGS.items() if not one.variable}
    assert without == {"gates", "filter", "no_install"}
    assert VARIABLES["stress_count"] == "GATES_STRESS_COUNT"


def test_what_is_repeated_says_nothing_of_how_long_a_test_takes() -> None:
    assert Settings(stress_count=2).stressed
    assert Settings(stress_duration=1.0).stressed
    assert not Settings().stressed


def test_tests_are_run_by_what_the_plugin_is_told() -> None:
    assert Settings(jobs=2, retries=1, stress_count=3, filter="test(a)").of_tests == {
        "filter": "test(a)",
        "stress_count": 3,
    }
