"""The validation summary that this program replaces, made again from a repository like the one it speaks of.

A base branch with 821 passing tests, 48 skipped ones and 16 of scaffolding, 4 of which block for 300 s; a head branch
with one more test.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from tests.integration.project import Project, nox_session, noxfile, pytest_session

BASE, HEAD = "feat/319-kv-pool-v2", "feat/319-kv-pool-v2-pr2-entry"


def passing(number: int) -> str:
    return f"""
        import pytest
        from pool.arena import fits

        @pytest.mark.parametrize("size", range({number}))
        def test_a_span_fits(size):
            assert fits(size, 1000)
        """


def skipped(number: int) -> str:
    return f"""
        import pytest

        @pytest.mark.skip(reason="platform-specific")
        @pytest.mark.parametrize("device", range({number}))
        def test_a_device(device):
            assert 0
        """


class Sizes(NamedTuple):
    """How many tests there are."""

    server: int
    caching: int
    models: int
    common: int
    devices: int


THE_DOCUMENTS = Sizes(server=42, caching=412, models=53, common=314, devices=48)
SMALL = Sizes(server=2, caching=12, models=3, common=4, devices=5)
"""For what does not depend on their number."""

FILES = {
    ".gitignore": "__pycache__/\n.nox/\nreports/\n",
    "pyproject.toml": """
        [tool.pytest.ini_options]
        pythonpath = ["."]

        [tool.gates]
        base = "feat/319-kv-pool-v2"
        timeout = "2m"

        [tool.gates.gate.build.env]
        RUSTC_WRAPPER = { set = "", reason = "disabled: the wrapper crashes the compiler" }

        [tool.gates.gate.test]
        title = "Tests"
        tests = "pytest"

        [tool.gates.exclusions.runtime_detection_warning]
        filter = "test(runtime_detection_warning)"
        reason = "2 TODO stubs and 4 deadlocks"
        category = "hang"
        owner = "kv-pool"
        expires = 2099-01-01

        [tool.gates.exclusions.backend_helpers]
        filter = "test(backend_helpers)"
        reason = "planned feature scaffolding"
        category = "unimplemented"
        owner = "kv-pool"
        expires = 2099-01-01
        """,
    "README.md": "# A pool\n",
    "pool/__init__.py": "",
    "pool/arena.py": "def fits(size, capacity):\n    return size <= capacity\n",
    "tests/support/test_backend_helpers.py": """
        import pytest

        @pytest.mark.parametrize("number", range(10))
        def test_helper(number):
            pytest.fail("unimplemented: see the comprehensive backend tests")
        """,
    "tests/support/test_runtime_detection_warning.py": """
        import threading

        import pytest

        lock = threading.Lock()

        @pytest.mark.parametrize("number", range(2))
        def test_todo(number):
            pytest.fail("TODO")

        @pytest.mark.parametrize("number", range(4))
        def test_serial(number):
            with lock:
                lock.acquire(timeout=300)
        """,
} | noxfile(
    nox_session("build", "PYTHON, '-m', 'compileall', '-q', 'pool'"),
    nox_session("lint", "PYTHON, '-c', 'import pool.arena'"),
    nox_session("format", "PYTHON, '-c', ''"),
    nox_session("docs", "PYTHON, '-c', 'print(\"1 warning\")'"),
    nox_session("min_python", "PYTHON, '-c', 'import sys; assert sys.version_info >= (3, 9)'"),
    pytest_session("-n", "2", "--dist", "load"),
)


def repository(sizes: Sizes) -> dict[str, str]:
    """The base's files."""
    return FILES | {
        "tests/server/test_server.py": passing(sizes.server),
        "tests/caching/test_caching.py": passing(sizes.caching),
        "tests/models/test_models.py": passing(sizes.models),
        "tests/common/test_common.py": passing(sizes.common),
        "tests/common/test_devices.py": skipped(sizes.devices),
    }


def build(project: Project, sizes: Sizes) -> Project:
    """The repository, with the head checked out."""
    project.write(repository(sizes))
    project.commit("Lay the arena's foundation")
    project.git("branch", BASE)
    project.git("switch", "--quiet", "--create", HEAD)
    project.write(
        {
            "pool/_entry.py": "def entry(size):\n    return {'key': 0, 'value': size}\n",
            "tests/server/test_entry.py": """
                from pool._entry import entry

                def test_an_entry_has_two_regions():
                    assert sorted(entry(4)) == ["key", "value"]
                """,
        }
    )
    project.commit("Wire the entry")
    return project


@pytest.fixture
def replica(project: Project) -> Project:
    """The document's repository."""
    return build(project, THE_DOCUMENTS)


@pytest.fixture
def small_replica(project: Project) -> Project:
    """One like it with a few tests."""
    return build(project, SMALL)


GATES = ["build", "lint", "format", "docs", "min_python", "test"]


@pytest.mark.slow
def test_the_run_shows_the_documents_figures(replica: Project) -> None:
    done = replica.gates("run")
    assert done.code == 0, done.text
    assert "822 tests run: 822 passed, 48 skipped, 16 excluded" in done.out
    assert "PASS" in done.out
    run = replica.run
    assert [(gate.name, str(gate.outcome)) for gate in run.gates] == [(name, "passed") for name in GATES]
    assert run.tests is not None
    assert (run.tests.run, run.tests.passed, run.tests.skipped, run.tests.excluded) == (822, 822, 48, 16)
    assert run.tests.collected == 822 + 48 + 16
    assert (run.tests.bad, run.tests.lost) == (0, 0)
    assert {entry.name: entry.tests for entry in run.exclusions} == {
        "runtime_detection_warning": 6,
        "backend_helpers": 10,
    }
    assert (run.subject.branch, run.subject.base, run.subject.dirty) == (HEAD, BASE, False)
    assert {test.worker for test in replica.tests if test.outcome == "passed"} == {"gw0", "gw1"}

    summary = (replica.reports / "summary.md").read_text()
    for words in (
        "822 tests run: 822 passed, 48 skipped, 16 excluded",
        "planned feature scaffolding", "2 TODO stubs and 4 deadlocks",
        "RUSTC_WRAPPER", "disabled: the wrapper crashes the compiler",
        "Wire the entry", "pool/_entry.py", "tests/server/test_entry.py", HEAD, BASE,
    ):  # fmt: skip
        assert words in summary, words
    for name in GATES:
        assert f"nox -s {name}" in summary

    cases = list(ET.parse(replica.reports / "junit.xml").getroot().iter("testcase"))
    tests = [case for case in cases if (case.get("file") or "").startswith("tests/")]
    kinds = Counter("skipped" if case.find("skipped") is not None else "passed" for case in tests)
    assert kinds == {"passed": 822, "skipped": 48 + 16}
    assert not [case for case in cases if case.find("failure") is not None or case.find("error") is not None]


@pytest.mark.slow
def test_the_comparison_finds_one_new_test_and_no_regression(replica: Project) -> None:
    done = replica.gates("compare", BASE, "--all", "--scope", "pool/*entry*", "--scope", "tests/**")
    assert done.code == 0, done.text
    found = replica.json("comparison.json")
    tests = found["tests"]
    assert tests.pop("new") == ["tests/server/test_entry.py::test_an_entry_has_two_regions"]
    assert not any(tests.values()), tests
    assert found["regression"] is False
    assert [found[side]["passed"] for side in ("base_counts", "head_counts")] == [821, 822]
    assert [(change["path"], change["kind"]) for change in found["files"]] == [
        ("pool/_entry.py", "production"), ("tests/server/test_entry.py", "test"),
    ]  # fmt: skip
    assert [times["gate"] for times in found["gate_times"]] == GATES
    for times in found["gate_times"]:
        assert times["base_seconds"] > 0
        assert times["head_seconds"] > 0
        assert times["base_seconds"] != times["head_seconds"], "measured, not copied"
    assert (found["api"], found["api_unknown"], found["out_of_scope"], found["dependencies"]) == ([], "", [], [])
    assert (replica.run.subject.kind, replica.run.tests and replica.run.tests.passed) == ("worktree", 822)
    # The table of the document.
    summary = (replica.reports / "summary.md").read_text()
    for row in (
        "| Tests passing | 821/821 | 822/822 |",
        "| Tests added | - | +1 |",
        "| Tests newly failing | - | 0 |",
        "| Public API | - | no change |",
        "| Scope | - | confirmed (pool/",
        "| Files changed | - | 2 (1 production, 1 test) |",
        *(f"| Time of {name} |" for name in GATES),
    ):
        assert row in summary, row
    assert "test_an_entry_has_two_regions" in summary
    assert BASE in done.out
    assert "no regression" in done.out


@pytest.mark.slow
def test_a_regression_has_an_exit_code_of_its_own(small_replica: Project) -> None:
    small_replica.write({"pool/arena.py": "def fits(size, capacity):\n    return size != 11 and size <= capacity\n"})
    done = small_replica.gates("compare", BASE)
    assert done.code == 5, done.text
    found = small_replica.json("comparison.json")
    assert found["regression"] is True
    assert found["tests"]["newly_failing"] == ["tests/caching/test_caching.py::test_a_span_fits[11]"]
    assert "REGRESSION" in done.out
    assert "uncommitted changes" in found["head"]
    assert small_replica.run.tests is not None
    assert (small_replica.run.tests.passed, small_replica.run.tests.failed) == (21, 1)


@pytest.mark.slow
def test_the_scaffolding_costs_nothing_until_it_is_asked_for(small_replica: Project) -> None:
    done = small_replica.gates("run", "--gate", "test", "--include-excluded", "--test-timeout", "1")
    assert done.code == 1
    counts = small_replica.run.tests
    assert counts is not None
    assert (counts.failed, counts.timeout, counts.passed, counts.skipped) == (12, 4, 22, 5)
    assert (counts.excluded, counts.lost, counts.crashed, counts.error) == (0, 0, 0, 0)
    for test in small_replica.tests:
        if test.outcome == "timeout":
            assert "::test_serial[" in test.id
            assert "most recent call first" in test.details
            assert "in test_serial" in test.details
            assert test.duration >= 1.0
    assert "38 tests run: 22 passed, 12 failed, 4 timeouts, 5 skipped" in done.out
    assert not small_replica.gate("test").inconsistent
    assert any("exclusions are switched off" in note for note in small_replica.run.notes)
    assert not small_replica.run.exclusions


@pytest.mark.slow
def test_the_users_tree_index_and_branch_stay_as_they_are(small_replica: Project) -> None:
    small_replica.write({"pool/staged.py": "x = 1\n", "README.md": "# A pool, changed\n"})
    small_replica.git("add", "pool/staged.py")
    small_replica.write({"pool/staged.py": "x = 2\n", "new.txt": "untracked"})
    small_replica.git("status")  # brings the file stamps in the index up to date

    def state() -> dict[str, object]:
        files = {
            path.relative_to(small_replica.folder): path.read_bytes()
            for path in small_replica.folder.rglob("*")
            if path.is_file() and not {".git", "reports", ".nox", "__pycache__"} & set(path.parts)
        }
        # Looking must change nothing.
        words = ("status --porcelain", "diff --cached", "diff", "symbolic-ref HEAD", "rev-parse HEAD", "stash list")
        refs = small_replica.git("for-each-ref")
        index = (small_replica.folder / ".git" / "index").read_bytes()
        answers = {word: small_replica.git("--no-optional-locks", *word.split()) for word in words}
        return {"files": files, "refs": refs, "index": index, **answers}

    before = state()
    assert small_replica.gates("run", "--gate", "lint").code == 0
    assert small_replica.run.subject.dirty
    assert small_replica.run.subject.change_digest.startswith("sha256:")
    assert small_replica.gates("run", "--gate", "lint", "--subject", BASE).code == 0
    assert str(small_replica.run.subject.kind) == "commit"
    assert small_replica.gates("run", "--gate", "lint", "--subject", f"merge:{BASE}").code == 0
    assert str(small_replica.run.subject.kind) == "merge"
    assert small_replica.gates("compare", BASE, HEAD, "--gate", "test").code == 0
    assert state() == before
