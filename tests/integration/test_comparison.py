"""What a branch does to the tests is found and named; what only looks like it is not."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.integration.project import Project, checklist, pytest_gate, python_gate

BASE = """
    import pytest

    def check(value): assert value > 0

    def test_total():
        value = sum([1, 2])
        assert value == 3
        assert value < 9

    def test_helped(): check(1)

    def test_named(): assert [1, 2, 3][::-1] == [3, 2, 1]

    @pytest.mark.parametrize("n", [1, 2, 3])
    def test_each(n): assert n

    def test_skipped_later(): assert 1

    @pytest.mark.skip(reason="always")
    def test_skipped_before(): assert 1

    def test_broken(): assert "cause" == "one"
    """


def begin(project: Project) -> Project:
    project.write({"test_a.py": BASE, ".gitignore": "__pycache__\nreports\n"} | checklist(pytest_gate()))
    project.commit()
    return project


@pytest.fixture
def branch(project: Project) -> Project:
    return begin(project)


@pytest.fixture(scope="module")
def one_base(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """For tests that change nothing but `test_a.py`: the base, which is the same, is run once."""
    folder = tmp_path_factory.mktemp("comparison")
    return begin(Project(folder / "project", folder / "cache"))


def compared(project: Project, *changes: tuple[str, str], arguments: tuple[str, ...] = ()) -> int:
    text = BASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    project.write({"test_a.py": text})
    (project.reports / "comparison.json").unlink(missing_ok=True)
    done = project.gates("compare", "main", "--gate", "test", *arguments)
    assert (project.reports / "comparison.json").exists(), done.text
    return done.code


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "finding", "field", "words"),
    [
        ("        assert value == 3\n", "", "weakened", "weakenings", "check-removed"),
        ("assert value == 3", "assert value", "weakened", "weakenings", "weaker-comparison"),
        ("[1, 2, 3])\n    def test_each", "[1, 3])\n    def test_each", "weakened", "fewer", "3 parameters"),
        (
            "    def test_skipped_later",
            "    @pytest.mark.skip(reason='new')\n    def test_skipped_later",
            "weakened",
            "newly_skipped",
            "test_a.py::test_skipped_later",
        ),
        (
            "    def test_named(): assert [1, 2, 3][::-1] == [3, 2, 1]\n",
            "",
            "weakened",
            "removed",
            "test_a.py::test_named",
        ),
        ('"cause" == "one"', '"cause" == {}["other"]', "other-cause", "other_cause", "test_a.py::test_broken"),
        ("value = sum([1, 2])", "value = sum([1, 5])", "newly-failing", "newly_failing", "test_a.py::test_total"),
    ],
    ids=["assertion", "comparison", "parameter", "skip", "removal", "cause", "failure"],
)
def test_what_weakens_or_breaks_tests_is_found_and_named(
    one_base: Project, old: str, new: str, finding: str, field: str, words: str
) -> None:
    assert compared(one_base, (old, new)) == 5
    comparison = one_base.json("comparison.json")
    assert comparison["findings"] == [finding]
    assert comparison["tests"][field] if field in comparison["tests"] else comparison[field]
    assert words in (one_base.reports / "summary.md").read_text()


@pytest.mark.slow
def test_what_weakens_tests_is_no_failure_where_only_other_findings_are(one_base: Project) -> None:
    assert compared(one_base, ("value == 3", "value"), arguments=("--fail-on", "lost")) in (0, 1)
    assert one_base.json("comparison.json")["findings"] == ["weakened"]


@pytest.mark.slow
def test_what_only_looks_like_it_is_not(one_base: Project) -> None:
    twins = (
        ("assert value == 3\n        assert value < 9", "assert 3 == value"),
        ("def check(value)", "def verify(value)"),
        ("def test_helped(): check(1)", "def test_helped(): verify(1)"),
        ("def test_named()", "def test_reversed()"),
        ('reason="always"', 'reason="as ever"'),
    )
    assert compared(one_base, *twins) == 0, "test_broken fails, as before"
    comparison = one_base.json("comparison.json")
    assert comparison["findings"] == []
    assert comparison["tests"]["renamed"] == [{"before": "test_a.py::test_named", "after": "test_a.py::test_reversed"}]
    assert comparison["tests"]["new"] == comparison["tests"]["removed"] == []


def test_an_unknown_finding_is_refused(branch: Project) -> None:
    done = branch.gates("compare", "main", "--fail-on", "newly-failing,slowest")
    assert (done.code, "'slowest' is not one of" in done.err) == (2, True)


@pytest.mark.slow
def test_a_file_out_of_scope_and_a_new_dependency_are_named_and_fail_where_asked(branch: Project) -> None:
    branch.write({"pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = ["numpy"]\n'})
    assert compared(branch, arguments=("--scope", "test_*.py")) == 0, "test_broken fails, as before"
    comparison = branch.json("comparison.json")
    assert comparison["findings"] == ["scope", "dependencies"]
    assert comparison["out_of_scope"] == ["pyproject.toml"]
    summary = (branch.reports / "summary.md").read_text()
    assert "numpy added (project)" in summary
    assert "1 file outside" in summary
    assert compared(branch, arguments=("--scope", "test_*.py", "--fail-on", "scope")) == 5
    assert compared(branch, arguments=("--scope", "**", "--fail-on", "scope")) == 0
    assert "confirmed (**)" in (branch.reports / "summary.md").read_text().replace("\\", "")


@pytest.mark.slow
def test_a_broken_api_is_named_and_a_private_change_is_not(branch: Project) -> None:
    branch.write({"lib/__init__.py": "def take(size, unit=1): return size\ndef _own(a): return a\n"})
    branch.commit()
    branch.git("checkout", "--quiet", "-b", "feature")
    branch.write({"lib/__init__.py": "def take(size, unit=1): return size\ndef _own(a, b): return a\n"})
    assert compared(branch) == 0, "test_broken fails, as before"
    assert branch.json("comparison.json")["api"] == []
    assert "no change" in (branch.reports / "summary.md").read_text()
    branch.write({"lib/__init__.py": "def take(size): return size\ndef _own(a): return a\n"})
    assert compared(branch, arguments=("--fail-on", "api")) == 5
    assert branch.json("comparison.json")["findings"] == ["api"]
    assert "lib.take: parameter was removed" in (branch.reports / "summary.md").read_text()


@pytest.mark.slow
def test_a_test_that_became_flaky_is_named_and_is_no_regression(branch: Project) -> None:
    branch.write(checklist(pytest_gate(), config="[tests]\nretries = 1\n"))
    branch.commit()
    shaky = """
    def test_named():
        from pathlib import Path
        seen = Path(__file__).with_name("seen.tmp")
        there = seen.exists()
        seen.touch()
        assert there == True
    """
    assert compared(branch, ("    def test_named(): assert [1, 2, 3][::-1] == [3, 2, 1]\n", shaky.lstrip("\n"))) == 0
    comparison = branch.json("comparison.json")
    assert comparison["tests"]["newly_flaky"] == ["test_a.py::test_named"]
    assert comparison["findings"] == []


@pytest.mark.slow
def test_a_conflict_that_only_the_tests_see_is_found_in_the_merge_alone(project: Project) -> None:
    project.write(
        {"lib.py": "def take(size): return size\n", ".gitignore": "__pycache__\nreports\n"}
        | {"test_a.py": "from lib import take\ndef test_take(): assert take(1) == 1\n"}
        | checklist(pytest_gate())
    )
    project.commit()
    project.git("checkout", "--quiet", "-b", "feature")
    project.write({"test_b.py": "from lib import take\ndef test_both(): assert take(2) == 2\n"})
    project.commit()
    project.git("checkout", "--quiet", "main")
    project.write({"lib.py": "def take(size, unit): return size * unit\n"})
    project.write({"test_a.py": "from lib import take\ndef test_take(): assert take(1, 1) == 1\n"})
    project.commit()
    project.git("checkout", "--quiet", "feature")
    fork = project.git("merge-base", "main", "feature")
    assert project.gates("compare", fork, "--gate", "test").code == 0, "alone it is fine"
    assert project.json("comparison.json")["tests"]["new"] == ["test_b.py::test_both"]
    assert project.gates("compare", "main", "merge:main", "--gate", "test").code == 1
    comparison = project.json("comparison.json")
    assert comparison["tests"]["newly_failing_other"] == ["test_b.py::test_both"]
    assert comparison["tests"]["newly_failing"] == []


TOOLS = {
    "lint.py": """
        # A linter that refuses names with a capital, as flake8 prints it; findings make it fail.
        import re, sys
        from pathlib import Path

        found = [
            f"{path}:{number}:1: N801 name `{match[1]}` has a capital, seen at line {number}"
            for path in sorted(Path("lib").glob("*.py"))
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if (match := re.match("def (.*[A-Z].*)[(]", line))
        ]
        print(*found, sep="\\n")
        sys.exit(bool(found))
        """,
    "conftest.py": """
        import json
        from pathlib import Path

        def pytest_sessionfinish(session):
            # Stands for `coverage json`: what is marked was not run.
            files = {}
            for path in Path("lib").glob("*.py"):
                lines = list(enumerate(path.read_text().splitlines(), 1))
                missing = [number for number, line in lines if "never" in line]
                ran = [number for number, line in lines if line.strip() and number not in missing]
                files[str(path)] = {"executed_lines": ran, "missing_lines": missing}
            Path("coverage.json").write_text(json.dumps({"files": files}))
        """,
    **checklist(pytest_gate() + 'coverage = ["coverage.json"]\n', python_gate("lint", "lint.py")),
    ".gitignore": "__pycache__\nreports\ncoverage.json\n",
}
LIBRARY = """
    def takeOne(a):
        return a

    def two(a):
        return a
    """
WARNS = """
    import warnings

    def test_old(): warnings.warn("old, 1 times", DeprecationWarning)

    """


@pytest.mark.slow
def test_new_findings_warnings_and_uncovered_lines_are_told_from_old_ones_that_moved(project: Project) -> None:
    project.write(TOOLS | {"lib/a.py": LIBRARY, "test_a.py": WARNS})
    project.commit()

    # Moved within its file, moved to another file, and what is no change at all: nothing of it is new.
    moved = LIBRARY.replace("    def takeOne(a):\n        return a\n", "")
    project.write({"lib/a.py": "# a comment\n\n" + dedent(moved), "lib/b.py": "def takeOne(a):\n    return a\n"})
    project.write({"test_a.py": WARNS.replace("1 times", "2 times")})
    done = project.gates("compare", "main", "--fail-on", "findings,warnings,uncovered")
    assert done.code == 0, done.text
    assert "gates: test, lint\n" in done.err
    assert "NO REGRESSION" in done.out
    assert "1 finding of lint" in done.out
    found = project.json("comparison.json")
    assert found["findings"] == []
    assert found["diagnostics"] == [{"gate": "lint", "base": 1, "head": 1}]
    assert found["warnings"] == {"base": 1, "head": 1}
    assert found["coverage"] == {"covered": 3, "executable": 3, "base_total": [4, 4], "head_total": [5, 5]}

    # A second finding like the old one, a new warning, a line that no test ran.
    project.write(
        {
            "lib/b.py": "def takeOne(a):\n    return a\n\n\ndef takeOne(a):\n    return a  # never\n",
            "test_a.py": dedent(WARNS) + "def test_new(): warnings.warn('new')\n",
        }
    )
    done = project.gates("compare", "main", "--fail-on", "findings,warnings,uncovered")
    assert done.code == 5, done.text
    found = project.json("comparison.json")
    assert found["findings"] == ["findings", "warnings", "uncovered"]
    (gate,) = found["diagnostics"]
    assert (gate["base"], gate["head"], [(each["path"], each["line"]) for each in gate["new"]]) == (
        *(1, 2),
        [("lib/b.py", 5)],
    )
    assert [(each["category"], each["test"]) for each in found["warnings"]["new"]] == [
        ("UserWarning", "test_a.py::test_new")
    ]
    assert found["coverage"]["uncovered"] == [{"path": "lib/b.py", "lines": "6", "count": 1}]
    shown = (project.reports / "summary.md").read_text().replace("\\", "")
    for words in (
        "| Findings of lint | 1 | 2 (1 new) |",
        "| Warnings | 1 | 2 (1 new) |",
        "| Coverage of changed lines | - | 4/5 (80%) |",
        "lib/b.py:5:1: N801",
        "test_a.py:5: UserWarning: new (test_a.py::test_new)",
        "lib/b.py: 6",
    ):
        assert words in shown, shown

    # A linter that breaks has found nothing that anybody knows: that is no pass, where it was asked for.
    project.write({"lint.py": "raise SystemExit('broken')\n"})
    done = project.gates("compare", "main", "--gate", "lint", "--fail-on", "findings")
    assert done.code == 1, done.text
    assert "shows no diagnostic in a known form" in done.out + (project.reports / "summary.md").read_text()
    assert project.json("comparison.json")["unjudged"] == ["findings"]
