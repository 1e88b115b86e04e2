"""The filter expression and the ledger choose the tests, and nothing is left out without a word."""

from __future__ import annotations

import pytest

from .conftest import Project, entry

NAMES = """
import pytest

def test_cache_hit(): pass
def test_cache_miss(): pass
def test_pool(): pass
@pytest.mark.parametrize("n", range(3))
def test_backend_helpers(n): raise NotImplementedError
def test_runtime_detection_warning(): raise NotImplementedError
"""

LEDGER = """
[tool.gates.exclusions.runtime_detection_warning]
filter = "test(runtime_detection_warning)"
reason = "would block: the driver is not there yet"
category = "hang"
owner = "runtime team"
expires = 2099-12-31

[tool.gates.exclusions.backend_helpers]
filter = "test(backend_helpers)"
reason = "not written yet"
category = "unimplemented"
owner = "backend team"
expires = "2099-12-31"
"""


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_a_plain_pytest_applies_the_ledger_and_says_so(project: Project, arguments: tuple[str, ...]) -> None:
    project.write(test_it=NAMES)
    project.write_file("pyproject.toml", LEDGER)
    (project.root / "pytest.ini").unlink()
    ran = project.plain(*arguments)
    assert ran.exit_code == 0
    assert (
        "4 excluded by [tool.gates.exclusions]: backend_helpers 3 (unimplemented), "
        "runtime_detection_warning 1 (hang); --include-excluded runs them" in ran.output
    )
    assert "3 passed" in ran.output
    assert not list(ran.inbox.iterdir())


def test_include_excluded_runs_them_and_says_so(project: Project) -> None:
    project.write(test_it=NAMES)
    project.write_file("pyproject.toml", LEDGER)
    ran = project.plain("--include-excluded")
    assert "4 failed, 3 passed" in ran.output
    assert "--include-excluded: [tool.gates.exclusions] is not applied" in ran.output


def test_gates_toml_comes_before_pyproject(project: Project) -> None:
    project.write(test_it=NAMES)
    project.write_file("pyproject.toml", LEDGER)
    project.write_file("gates.toml", LEDGER.replace("tool.gates.", "").replace("backend_helpers", "test_pool"))
    ran = project.plain()
    assert "2 excluded by [exclusions] of gates.toml: " in ran.output


def test_expired_entries_are_named(project: Project) -> None:
    project.write(test_it=NAMES)
    project.write_file("pyproject.toml", LEDGER.replace('"2099-12-31"', '"2020-02-29"'))
    assert "; expired: backend_helpers (2020-02-29)" in project.plain().output


def test_all_mistakes_of_the_ledger_are_shown_with_their_lines(project: Project) -> None:
    broken = LEDGER.replace('owner = "backend team"\n', "").replace('"hang"', '"hangs"').replace("(runtime", "(")
    project.write_file("pyproject.toml", broken.replace("test(_detection_warning)", "test(a) && test(b)"))
    ran = project.plain()
    assert ran.exit_code == 4
    assert "pyproject.toml:5: exclusion 'runtime_detection_warning': unknown category" in ran.output
    assert "pyproject.toml:3: exclusion 'runtime_detection_warning': the filter" in ran.output
    assert "unknown operator `&&`" in ran.output
    assert "pyproject.toml:9: exclusion 'backend_helpers': missing 'owner'" in ran.output
    assert "Traceback" not in ran.output


def test_an_expression_selects_and_repeated_ones_add_up(project: Project) -> None:
    project.write(test_it=NAMES)
    ran = project.injected("-E", "test(hit)", "-E", "test(=test_it.py::test_pool)")
    assert ran.outcomes == {"test_cache_hit": "passed", "test_pool": "passed"}
    assert sum(test["deselected"] for test in ran.collected.values()) == 5
    assert "5 deselected by the filter: (test(hit)) or (test(=test_it.py::test_pool))" in ran.output


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_the_runner_s_filter_and_the_project_s_own_narrow_each_other(
    project: Project, arguments: tuple[str, ...]
) -> None:
    project.write(test_it=NAMES)
    project.write_file("pytest.ini", "[pytest]\naddopts = -E 'test(cache)'\n")
    ran = project.injected(*arguments, settings={"filter": "not test(miss)"}, PYTEST_ADDOPTS="")
    assert ran.outcomes == {"test_cache_hit": "passed"}


def test_what_others_deselect_is_not_counted(project: Project) -> None:
    project.write(test_it=NAMES)
    ran = project.injected("-k", "cache or detection", settings={"exclusions": [entry("runtime_detection_warning")]})
    assert ran.outcomes == {
        "test_cache_hit": "passed",
        "test_cache_miss": "passed",
        "test_runtime_detection_warning": "excluded",
    }


def test_what_the_user_did_not_select_is_not_excluded(project: Project) -> None:
    project.write(test_it=NAMES)
    ran = project.injected(settings={"filter": "test(cache)", "exclusions": [entry("backend_helpers")]})
    assert "excluded" not in ran.outcomes.values()


def test_the_runner_may_include_what_is_excluded(project: Project) -> None:
    project.write(test_it=NAMES)
    settings = {"include_excluded": True, "exclusions": [entry("backend_helpers")]}
    ran = project.injected(settings=settings)
    assert ran.outcomes["test_backend_helpers[1]"] == "failed"


def test_a_syntax_error_is_shown_with_a_caret(project: Project) -> None:
    ran = project.plain("-E", "test(a) && tset(b)")
    assert ran.exit_code == 4
    assert "  test(a) && tset(b)\n          ^^ unknown operator `&&`" in ran.output
    assert "           ^^^^ unknown predicate `tset`" in ran.output
    assert "hint: did you mean `test`?" in ran.output
    assert "Traceback" not in ran.output
    assert "INTERNALERROR" not in ran.output


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_a_leaf_that_matches_nothing_is_named(project: Project, arguments: tuple[str, ...]) -> None:
    project.write(test_it=NAMES)
    ran = project.plain("-E", "test(cache) or test(cahce)", *arguments)
    assert "test(cahce) matches no test" in ran.output
    assert "test(cache) matches no test" not in ran.output


def test_when_everything_is_left_out_pytest_finds_no_tests(project: Project) -> None:
    project.write(test_it=NAMES)
    assert project.plain("-E", "none()").exit_code == 5


def test_more_tests_than_fit_in_one_record_come_in_chunks(project: Project) -> None:
    project.write(test_it="import pytest\n@pytest.mark.parametrize('n', range(1001))\ndef test_it(n): pass")
    ran = project.injected("--collect-only", "-q")
    assert [(len(record["tests"]), record["last"]) for record in ran.of("collected")] == [
        (500, False),
        (500, False),
        (1, True),
    ]


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_tests_with_the_same_id_are_numbered(project: Project, arguments: tuple[str, ...]) -> None:
    project.write(
        conftest="""
        def pytest_collection_modifyitems(items):
            # What a plugin that repeats tests does when it does not rename them.
            import copy
            items.extend([copy.copy(items[0]), copy.copy(items[0])])
        """,
        test_it="def test_it(): pass",
    )
    ran = project.injected(*arguments)
    assert ran.outcomes == {"test_it": "passed", "test_it#2": "passed", "test_it#3": "passed"}
    assert sorted(ran.collected) == ["test_it", "test_it#2", "test_it#3"]
    assert sorted(record["id"][-2:] for record in ran.of("running")) == ["#2", "#3", "it"]


def test_the_number_of_workers_follows_the_recorded_durations(project: Project) -> None:
    project.write(test_it=NAMES)
    project.write_file("durations.jsonl", '{"id": "a", "outcome": "passed", "duration": 0.001}\n')
    ran = project.plain("-n", "auto", "--gates-workers-from", "durations.jsonl", "-E", "test(cache)")
    assert "gates: 1 worker: " in ran.output
    assert "created: 1/1 worker" in ran.output


def test_the_runner_s_number_of_workers_is_taken(project: Project) -> None:
    project.write(test_it=NAMES)
    ran = project.injected("-n", "auto", settings={"workers": 3, "filter": "test(cache)"})
    assert ran.of("start")[0]["workers"] == 3


def test_a_missing_file_of_durations_is_a_usage_error(project: Project) -> None:
    ran = project.plain("-n", "auto", "--gates-workers-from", "missing.jsonl")
    assert ran.exit_code == 4
    assert "--gates-workers-from missing.jsonl" in ran.output
    assert "Traceback" not in ran.output
