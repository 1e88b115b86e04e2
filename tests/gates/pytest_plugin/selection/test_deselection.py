"""The filter expression and the ledger choose the tests, and nothing is left out silently."""

from __future__ import annotations

import json
import sys

import pytest

from tests.gates.pytest_plugin.conftest import Project, entry

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
def test_tests_that_run_alone_do_not_import_other_files_and_do_not_mind_broken_ones(
    project: Project, arguments: tuple[str, ...]
) -> None:
    project.write(
        test_it="def test_a(): pass\ndef test_b(): pass\n", test_broken="import not_there\ndef test_c(): pass\n"
    )
    project.write(test_other="import pathlib\npathlib.Path('imported').touch()\ndef test_d(): pass\n")
    project.write(**{"sub/__init__": "", "sub/conftest": "import pytest\n@pytest.fixture\ndef one(): return 1\n"})
    project.write(**{"sub/test_deep": "def test_e(one): assert one\n"})
    wanted = ["test_it.py::test_a", "test_broken.py::test_c", "sub/test_deep.py::test_e"]
    only = project.folder / "only.json"
    only.write_text(json.dumps({"tests": wanted, "seen": None, "anyway": True, "alone": True}))
    ran = project.injected(*arguments, settings={"only_file": str(only)})
    ended = {record["id"]: record["outcome"] for record in ran.of("test")}
    assert ended == {"test_it.py::test_a": "passed", "sub/test_deep.py::test_e": "passed"}
    assert {record["id"] for record in ran.of("collect-error")} == {"test_broken.py"}
    assert not (project.root / "imported").exists()
    assert ran.of("left-out") == []


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


@pytest.mark.parametrize("arguments", [(), ("-n", "1")])
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


FACTS_OF_ITEMS = """
    import pytest
    pytestmark = pytest.mark.slow(reason="needs the network")

    @pytest.fixture
    def database(): return 1
    @pytest.fixture
    def table(database): return database

    @pytest.mark.parametrize("size", [3, "x"])
    def test_rows(table, size):
        "Rows are kept, issue 12."

    @pytest.mark.xdist_group(name="serial")
    class TestPool:
        class TestInner:
            def test_hit(self): pass

    class Hostile:
        def __repr__(self): raise RuntimeError
    @pytest.mark.odd(Hostile())
    def test_odd(): pass
"""
ROWS = {"test_rows[3]", "test_rows[x]"}
EVERY = {*ROWS, "TestPool::TestInner::test_hit", "test_odd"}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("mark(slow, reason=~network)", EVERY),
        ("mark(odd)", {"test_odd"}),
        ("mark(odd, 0=~RuntimeError in its repr)", {"test_odd"}),
        ("fixture(database)", ROWS),
        ("param(size=3)", {"test_rows[3]"}),
        ("param(x)", {"test_rows[x]"}),
        ("docstring(issue 12)", ROWS),
        ("kind(method)", {"TestPool::TestInner::test_hit"}),
        ("class(TestPool) and class(TestInner)", {"TestPool::TestInner::test_hit"}),
        ("group(serial)", {"TestPool::TestInner::test_hit"}),
        ("module(unit.test_it)", EVERY),
        ("package(unit)", EVERY),
        ("file(unit/*.py) and binary(test_it)", EVERY),
        (f"platform({sys.platform}) and platform({sys.implementation.name})", EVERY),
        ("name(=test_odd)", {"test_odd"}),
    ],
)
def test_predicates_know_what_pytest_knows(project: Project, expression: str, found: set[str]) -> None:
    project.write_file("unit/__init__.py", "")
    project.write_file("unit/test_it.py", FACTS_OF_ITEMS)
    project.write_file("pytest.ini", "[pytest]\nmarkers =\n    slow\n    odd\n    xdist_group\n")
    ran = project.injected("-p", "no:xdist", "-E", expression)
    assert set(ran.outcomes) == found


def test_doctests_have_a_kind_of_their_own(project: Project) -> None:
    project.write(test_it='def test_it(): pass\ndef helper():\n    """\n    >>> 1\n    1\n    """')
    ran = project.injected("--doctest-modules", "-E", "kind(doctest)")
    assert ran.outcomes == {"test_it.helper": "passed"}


@pytest.mark.parametrize("arguments", [(), ("-n", "1")])
def test_a_name_that_nothing_has_is_wrong_usage(project: Project, arguments: tuple[str, ...]) -> None:
    project.write(test_it=NAMES)
    ran = project.plain("-E", "test(cache) or mark(parametrise)", *arguments)
    assert ran.exit_code == 4
    assert "the filter's mark(parametrise) matches no test; did you mean mark(parametrize)?" in ran.output
    assert "Traceback" not in ran.output
    assert "INTERNALERROR" not in ran.output
    assert " passed" not in ran.output


def test_under_a_runner_it_is_told_instead(project: Project) -> None:
    project.write(test_it=NAMES)
    ran = project.injected("-E", "test(cache) or mark(nope)")
    (record,) = ran.of("leaves")
    assert [(leaf["source"], leaf["text"], leaf["count"]) for leaf in record["leaves"]] == [
        ("filter", "test(cache)", 2),
        ("filter", "mark(nope)", 0),
    ]
    assert record["leaves"][1]["error"] == "mark(nope) matches no test"
    assert ran.exit_code == 0


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_what_nobody_knows_selects_and_says_why(project: Project, arguments: tuple[str, ...]) -> None:
    project.write(test_it=NAMES)
    ran = project.injected("-E", "failed(last) and test(cache)", *arguments)
    assert ran.outcomes == {"test_cache_hit": "passed", "test_cache_miss": "passed"}
    assert (
        "the filter's failed(last) is unknown for 7 tests, and therefore selected: only `gates` can look it up"
        in ran.output
    )


def test_what_nobody_knows_excludes_nothing(project: Project) -> None:
    project.write(test_it="def test_it(): pass")
    ran = project.injected(settings={"exclusions": [entry("x", filter="failed(last)")]})
    assert ran.outcomes == {"test_it": "passed"}


def test_the_runner_s_facts_answer(project: Project) -> None:
    project.write(test_it=NAMES)
    facts = {"failed(last)": {"yes": {"tests": ["test_it.py::test_pool"]}, "otherwise": False}}
    ran = project.injected(settings={"filter": "failed(last)", "facts": facts})
    assert ran.outcomes == {"test_pool": "passed"}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("-n", "1")])
def test_a_plain_pytest_asks_the_program_for_facts(project: Project, arguments: tuple[str, ...]) -> None:
    project.write(lib="", test_it="import lib\ndef test_a(): pass", test_other="def test_b(): pass")
    ran = project.plain("-E", "rdeps(lib)", *arguments)
    assert "1 passed" in ran.output
    assert "1 deselected by the filter: rdeps(lib)" in ran.output
    assert project.plain("-E", "rdeps(lbi)", *arguments).exit_code == 4


def test_facts_may_stand_in_a_file(project: Project) -> None:
    project.write(test_it=NAMES)
    file = project.folder / "facts.json"
    file.write_text('{"flaky()": {"yes": {"functions": ["test_it.py::test_backend_helpers"]}, "otherwise": false}}')
    ran = project.injected("--collect-only", settings={"filter": "not flaky()", "facts_file": str(file)})
    assert sum(not test["deselected"] for test in ran.collected.values()) == 4


@pytest.mark.parametrize("arguments", [(), ("-n", "1")])
def test_default_stands_for_the_filter_of_the_config(project: Project, arguments: tuple[str, ...]) -> None:
    project.write(test_it=NAMES)
    project.write_file("gates.toml", "[profile.default]\nfilter = 'test(cache)'\n")
    ran = project.plain("-E", "default() - test(miss)", *arguments)
    assert "1 passed" in ran.output
    everything = project.plain("-E", "default() - test(miss)", "--ignore-default-filter", "--collect-only", "-q")
    assert "6/7 tests collected" in everything.output


@pytest.mark.parametrize("arguments", [(), ("-n", "1")])
@pytest.mark.parametrize(("meaning", "code"), [("fail", 5), ("warn", 0), ("pass", 0)])
def test_what_it_means_when_nothing_is_selected_can_be_said(
    project: Project, arguments: tuple[str, ...], meaning: str, code: int
) -> None:
    project.write(test_it=NAMES)
    ran = project.plain("-E", "none()", "--no-tests", meaning, *arguments)
    assert ran.exit_code == code
    assert ("no test was selected (--no-tests warn)" in ran.output) == (meaning == "warn")


def test_tests_are_described_when_the_runner_asks(project: Project) -> None:
    project.write(test_it=NAMES)
    ran = project.injected("-n", "2", settings={"collect_only": True, "describe": True})
    (record,) = ran.of("described")
    assert len(record["tests"]) == 7
    assert record["tests"][2]["id"] == "test_it.py::test_pool"
    assert record["tests"][2]["kind"] == "function"
    assert ran.outcomes == {}, "nobody asked what became of them"


def test_excluded_tests_that_run_are_still_known_as_excluded(project: Project) -> None:
    project.write(test_it=NAMES)
    ran = project.injected(settings={"include_excluded": True, "exclusions": [entry("backend_helpers")]})
    assert ran.tests["test_backend_helpers[1]"]["exclusion"] == "backend_helpers"
    assert ran.tests["test_pool"]["exclusion"] == ""


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


@pytest.mark.parametrize("arguments", [(), ("-n", "2"), ("-n", "1")])
def test_the_very_same_item_may_run_several_times(project: Project, arguments: tuple[str, ...]) -> None:
    project.write(
        conftest="def pytest_collection_modifyitems(items): items *= 3",
        test_it="def test_a(): pass\ndef test_b(): assert 0",
    )
    ran = project.injected(*arguments)
    names = [f"{test}{number}" for test in ("test_a", "test_b") for number in ("", "#2", "#3")]
    assert sorted(ran.collected) == names
    assert ran.outcomes == {name: "passed" if "_a" in name else "failed" for name in names}


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


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "arguments"), [("slice", ()), ("slice", ("-n", "2")), ("hash", ("-n", "2"))])
def test_the_parts_of_a_partition_run_every_selected_test_once(
    project: Project, arguments: tuple[str, ...], kind: str
) -> None:
    project.write(test_it=NAMES)
    settings = {"exclusions": [entry("runtime_detection_warning")]}
    found: list[str] = []
    for part in (1, 2, 3):
        words = (*arguments, "--partition", f"{kind}:{part}/3", "-E", "not test(miss)")
        ran = project.injected(*words, settings=settings)
        found += [name for name, outcome in ran.outcomes.items() if outcome != "excluded"]
        assert "and --partition" in ran.output
        for stream in project.inbox.iterdir():
            stream.unlink()
    assert sorted(found) == [
        "test_backend_helpers[0]",
        "test_backend_helpers[1]",
        "test_backend_helpers[2]",
        "test_cache_hit",
        "test_pool",
    ]


def test_a_wrong_partition_is_wrong_usage(project: Project) -> None:
    project.write(test_it=NAMES)
    ran = project.plain("--partition", "slice:4/3")
    assert ran.exit_code == 4
    assert "not a partition: 'slice:4/3'" in ran.output
