from __future__ import annotations

import pytest

from gates.vcs.new_files import NewFileRule, declared_by, folders_of

SUBJECT = ("src/app/core.py", "tests/test_core.py", "build/tools/make.sh", "README.md")


def rule(**more: frozenset[str]) -> NewFileRule:
    return NewFileRule(
        tracked=frozenset(SUBJECT),
        folders=folders_of(SUBJECT),
        declared=declared_by(("out/junit.xml", "cov/*.json", "api.md"), "sub/"),
        reports=lambda path: path.startswith("reports/"),
        **more,
    )


def test_folders_are_those_that_hold_files_and_all_above_them() -> None:
    assert folders_of(SUBJECT) == {"", "src", "src/app", "tests", "build", "build/tools"}


@pytest.mark.parametrize(
    ("path", "effect"),
    [
        # what tools keep for themselves
        ("src/app/__pycache__/core.cpython-311.pyc", "none"),
        ("tests/__pycache__/conftest.py", "none"),
        (".coverage", "none"),
        (".coverage.host.17.x", "none"),
        (".pytest_cache/v/cache/lastfailed", "none"),
        (".nox/test/lib/python3.11/site-packages/conftest.py", "none"),
        ("src/app.egg-info/PKG-INFO", "none"),
        # what gates say that they write, and what the run writes
        ("sub/out/junit.xml", "none"),
        ("sub/cov/unit.json", "none"),
        ("reports/run.json", "none"),
        # what is read unasked: as good as a change
        ("conftest.py", "fault"),
        ("tests/conftest.py", "fault"),
        ("tests/test_new.py", "fault"),
        ("src/app/json.py", "fault"),
        ("src/app/stub.pyi", "fault"),
        ("requests.py", "fault"),
        ("numpy/__init__.py", "fault"),
        ("pytest.ini", "fault"),
        ("src/app/.gitignore", "fault"),
        ("build/conftest.py", "fault"),
        # anything else is said
        ("out.txt", "left"),
        ("out/junit.xml", "left"),
        ("tests/snapshot.json", "left"),
        ("dist/app-1.0/setup.cfg", "left"),
        ("build/lib/app/__init__.py", "left"),
        ("generated/deep/__init__.py", "left"),
        ("generated/module.py", "left"),
        (".#test_core.py", "left"),
    ],
)
def test_a_new_file_is_a_fault_where_tools_read_it_unasked(path: str, effect: str) -> None:
    if path == "build/lib/app/__init__.py":  # a folder of what is built is one only where nothing of the subject lies
        assert NewFileRule(tracked=frozenset(), folders=folders_of(("a.py",))).of_new(path) == effect
    else:
        assert rule().of_new(path) == effect


@pytest.mark.parametrize(
    ("path", "effect"),
    [
        ("src/app/core.py", "fault"),
        ("README.md", "fault"),
        ("not-added-yet.txt", "fault"),
        ("not-added-yet.py", "fault"),
        (".coverage", "none"),
        ("reports/run.json", "none"),
        ("sub/out/junit.xml", "none"),
        ("dist/app.whl", "left"),
        ("made.txt", "left"),
    ],
)
def test_what_was_validated_may_not_change_unless_a_gate_says_that_it_writes_it(path: str, effect: str) -> None:
    assert rule(made=frozenset({"made.txt"})).of_known(path) == effect


def test_a_tracked_file_that_a_gate_says_it_writes_is_said() -> None:
    declared = NewFileRule(
        tracked=frozenset({"api.md"}), folders=frozenset({""}), declared=declared_by(("api.md",), "")
    )
    assert declared.of_known("api.md") == "left"


def test_a_tracked_file_is_no_cache_whatever_its_name() -> None:
    tracked = NewFileRule(tracked=frozenset({"venv/setup.py", "coverage.xml"}), folders=frozenset({"", "venv"}))
    assert [tracked.of_known(path) for path in sorted(tracked.tracked)] == ["fault", "fault"]


def test_what_an_earlier_run_was_seen_to_make_is_said_again_and_is_no_fault() -> None:
    assert rule(made=frozenset({"src/app/odd.py"})).of_new("src/app/odd.py") == "left"
