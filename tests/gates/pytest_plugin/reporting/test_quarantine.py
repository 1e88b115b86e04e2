"""A quarantined test runs; its failure is shown as what it is and fails nothing."""

from __future__ import annotations

import pytest

from tests.gates.pytest_plugin.conftest import Project, entry

SHAKY = """
import os, pytest, signal

def test_shaky_fails(): assert False
def test_shaky_passes(): pass
@pytest.fixture
def broken():
    yield
    raise RuntimeError("teardown")
def test_shaky_teardown(broken): pass
def test_shaky_subtests(subtests):
    for n in range(3):
        with subtests.test(n=n):
            assert n != 1
@pytest.mark.skip(reason="not here")
def test_shaky_skipped(): pass
def test_steady(): pass
"""


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_failures_do_not_fail_the_session_and_keep_their_words(project: Project, arguments: tuple[str, ...]) -> None:
    project.write(test_it=SHAKY)
    ran = project.injected(*arguments, "-x", settings={"quarantine": [entry("shaky")]})
    assert ran.exit_code == 0
    assert ran.outcomes == {
        "test_shaky_fails": "quarantined",
        "test_shaky_passes": "passed",
        "test_shaky_teardown": "quarantined",
        "test_shaky_subtests": "quarantined",
        "test_shaky_skipped": "skipped",
        "test_steady": "passed",
    }
    failed = ran.tests["test_shaky_fails"]
    assert failed["quarantine"] == "shaky"
    assert failed["reason"] == "failed, quarantined by shaky"
    assert failed["message"].startswith("assert False")
    assert ran.tests["test_shaky_teardown"]["reason"] == "error, quarantined by shaky"
    assert ran.tests["test_steady"]["quarantine"] == ""
    assert "quarantined" in ran.output
    assert "failed" not in ran.output.splitlines()[-1]


def test_a_crash_is_forgiven_like_any_other_failure(project: Project) -> None:
    project.write(test_it="import os\ndef test_shaky(): os._exit(3)\ndef test_steady(): pass")
    ran = project.injected("-n", "1", settings={"quarantine": [entry("shaky")]})
    assert ran.outcomes == {"test_shaky": "quarantined", "test_steady": "passed"}
    assert ran.tests["test_shaky"]["reason"] == "crashed, quarantined by shaky"
    assert ran.exit_code == 0


def test_another_failure_still_fails_the_session(project: Project) -> None:
    project.write(test_it=SHAKY + "\ndef test_firm(): assert False")
    ran = project.injected(settings={"quarantine": [entry("shaky")]})
    assert ran.exit_code == 1
    assert ran.outcomes["test_firm"] == "failed"


def test_a_plain_pytest_reads_the_quarantine_from_the_config(project: Project) -> None:
    project.write(test_it=SHAKY)
    project.write_file(
        "gates.toml",
        """
        [quarantine.shaky]
        filter = "test(shaky)"
        reason = "races with the clock"
        category = "flaky"
        owner = "ada"
        expires = 2099-12-31
        """,
    )
    ran = project.plain()
    assert ran.exit_code == 0
    # pytest counts a failed subtest and its test.
    assert "4 quarantined" in ran.output


def test_an_entry_may_not_define_itself(project: Project) -> None:
    project.write_file("gates.toml", "[quarantine.a]\nfilter = 'quarantined()'\nreason = 'x'\nowner = 'x'\n")
    ran = project.plain()
    assert ran.exit_code == 4
    assert "gates.toml:2: quarantine 'a': the filter expression has an error" in ran.output
    assert "`quarantined()` cannot stand here" in ran.output
    assert "gates.toml:1: quarantine 'a': missing 'category', 'expires'" in ran.output
