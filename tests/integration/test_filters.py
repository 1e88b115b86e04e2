"""The filter language through the whole program: a project with nox and pytest, and the words that its user sees."""

from __future__ import annotations

import json

import pytest

from tests.integration.project import Project, checklist, noxfile, pytest_gate, pytest_session

LEDGERS = """
[exclusions.planned]
filter = "name(=test_planned)"
reason = "is not written yet"
category = "unimplemented"
owner = "ada"
expires = 2099-12-31

[exclusions.hangs]
filter = "name(=test_hangs)"
reason = "waits for a lock"
category = "hang"
owner = "ada"
expires = 2099-12-31

[quarantine.shaky]
filter = "name(=test_shaky)"
reason = "races with the clock"
category = "flaky"
owner = "bob"
expires = 2099-12-31
"""

FILES = {
    ".gitignore": "__pycache__/\n.nox/\nreports/\n",
    "pytest.ini": "[pytest]\nmarkers = net: needs the network\npythonpath = .\n",
    "lib/__init__.py": "",
    "lib/low.py": "VALUE = 1\n",
    "lib/other.py": "",
    "tests/__init__.py": "",
    "tests/test_low.py": """
        import pytest
        from lib import low

        @pytest.mark.parametrize("size", [1, 2])
        def test_size(size):
            "Sizes count."
            assert low.VALUE

        @pytest.mark.net(reason="asks a server")
        def test_net():
            pass
        """,
    "tests/test_other.py": """
        import lib.other
        import time

        def test_shaky():
            assert False, "now and then"

        def test_planned():
            raise NotImplementedError("not there yet")

        def test_hangs():
            time.sleep(60)
        """,
    **checklist(pytest_gate(), LEDGERS, config='unrelated = ["gates.toml"]'),
}
LOW = ["tests/test_low.py::test_size[1]", "tests/test_low.py::test_size[2]", "tests/test_low.py::test_net"]
SHAKY, PLANNED, HANGS = (f"tests/test_other.py::test_{name}" for name in ("shaky", "planned", "hangs"))


@pytest.fixture
def library(project: Project) -> Project:
    """A project with both ledgers, on a branch that changed nothing yet."""
    project.write(FILES)
    project.commit()
    project.git("checkout", "--quiet", "-b", "feature")
    return project


@pytest.mark.slow
def test_a_quarantined_failure_is_shown_and_does_not_count(library: Project) -> None:
    done = library.gates("run")
    assert done.code == 0, done.text
    assert library.outcomes == {
        **dict.fromkeys(LOW, "passed"),
        SHAKY: "quarantined",
        PLANNED: "excluded",
        HANGS: "excluded",
    }
    assert "4 tests run: 3 passed, 1 quarantined, 2 excluded" in done.out
    summary = (library.reports / "summary.md").read_text()
    assert "Failures of quarantined tests did not count; the tests were run." in summary
    junit = (library.reports / "junit.xml").read_text()
    assert 'message="quarantined: failed, quarantined by shaky (bob, expires 2099-12-31)"' in junit


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("mark(net, reason=~server)", LOW[2:]),
        ("param(size=2) or docstring(nothing)", LOW[1:2]),
        ("rdeps(lib.low)", LOW),
        ("default() - rdeps(lib.low)", [SHAKY, PLANNED, HANGS]),
        ("quarantined()", [SHAKY]),
    ],
)
def test_tests_are_listed_without_being_run(library: Project, expression: str, found: list[str]) -> None:
    done = library.gates("list", "-E", expression)
    assert done.code == 0, done.text
    assert done.out.splitlines() == found
    assert f"matched: {len(found)} of 6 tests" in done.err
    assert not library.reports.exists()


@pytest.mark.slow
def test_what_a_branch_can_break_is_run_and_nothing_else(library: Project) -> None:
    library.write({"lib/low.py": "VALUE = 2\n"})
    done = library.gates("run", "-E", "rdeps(changed(main))")
    assert done.code == 0, done.text
    assert library.outcomes == dict.fromkeys(LOW, "passed")
    assert [(leaf.text, leaf.count) for leaf in library.run.leaves if leaf.source == "filter"] == [
        ("rdeps(changed(main))", 3)
    ]


@pytest.mark.slow
def test_a_change_that_cannot_be_mapped_runs_everything_and_says_so(library: Project) -> None:
    library.write({"data.bin": "x"})
    done = library.gates("run", "-E", "rdeps(changed(main))")
    assert "filter: rdeps(changed(main)): selects every test: data.bin is neither Python" in done.out
    assert len(library.outcomes) == 6


@pytest.mark.slow
def test_the_last_run_is_remembered(library: Project) -> None:
    first = library.gates("run", "-E", "failed(last) and not test(nothing)")
    assert "failed(last) is unknown for 6 tests, and therefore selected: it has not run here yet" in first.out
    assert library.gates("list", "-E", "failed(last) - (test(planned) or test(hangs))").out.splitlines() == [SHAKY]


@pytest.mark.slow
def test_a_name_that_nothing_has_is_wrong_usage(library: Project) -> None:
    done = library.gates("run", "-E", "mark(nett) or test(size)")
    assert done.code == 2, done.text
    assert "WRONG FILTER: Filter: mark(nett) matches no test; did you mean mark(net)?" in done.out
    assert "filter: mark(nett) matches no test; did you mean mark(net)?" in done.out
    assert library.run.outcome == "wrong-filter"
    assert library.gates("list", "-E", "rdeps(lib.lwo)").code == 2


@pytest.mark.slow
def test_in_a_config_it_is_one_too_once_everything_has_run(library: Project) -> None:
    text = FILES["gates.toml"].replace("name(=test_hangs)", "name(=test_hangs) or test(long_gone)")
    library.write({"gates.toml": text})
    done = library.gates("run")
    assert done.code == 2, done.text
    assert "exclusion hangs: test(long_gone) matches no test" in done.out


@pytest.mark.slow
def test_nothing_selected_is_no_pass_unless_that_is_said(library: Project) -> None:
    assert library.gates("run", "-E", "none()").code == 4
    done = library.gates("run", "-E", "none()", "--no-tests", "pass")
    assert done.code == 0, done.text
    assert library.gates("list", "-E", "none()").code == 4


def test_a_test_is_explained_at_every_node(library: Project) -> None:
    done = library.gates("explain", "test_planned", "-E", "failed(last) or mark(net) and not kind(function)")
    assert done.code == 0, done.text
    assert done.out.splitlines() == [
        PLANNED,
        "",
        "filter failed(last) or mark(net) and not kind(function)",
        "unknown or",
        "unknown   failed(last)  (it has not run here yet)",
        "false     and",
        "false       mark(net)",
        "false       not",
        "true          kind(function)",
        "",
        "exclusion planned",
        "true    name(=test_planned)",
        "",
        "exclusion hangs",
        "false   name(=test_hangs)",
        "",
        "quarantine shaky",
        "false   name(=test_shaky)",
        "",
        "→ is excluded by planned",
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [("test_siez", "did you mean 'test_size'?"), ("test_size", "'test_size' means 2 tests")],
)
def test_a_test_must_be_named_clearly(library: Project, name: str, said: str) -> None:
    done = library.gates("explain", name)
    assert done.code == 2
    assert said in done.err


@pytest.mark.slow
def test_exclusions_are_verified_by_running_them(library: Project) -> None:
    done = library.gates("exclusions", "--verify", "--test-timeout", "500ms")
    assert done.code == 0, done.text
    assert done.out.splitlines() == [
        "planned (unimplemented): 1 as recorded",
        "hangs (hang): 1 as recorded",
    ]
    library.write({"tests/test_other.py": "def test_planned(): pass\ndef test_hangs(): raise KeyError('x')\ndef test_shaky(): pass\n"})  # fmt: skip
    done = library.gates("exclusions", "--verify", "--test-timeout", "500ms")
    assert done.code == 1, done.text
    assert done.out.splitlines() == [
        "planned (unimplemented): 1 pass now",
        f"  STALE    {PLANNED} passes now: remove it from the filter",
        "  all of its tests pass: remove planned",
        "hangs (hang): 1 fail for another reason",
        f"  DIFFERS  {HANGS}",
        "           failed: KeyError: 'x' @ tests/test_other.py:test_hangs (recorded: hang)",
    ]
    listed = library.gates("exclusions")
    assert "exclusion   planned" in listed.out
    assert "quarantine  shaky" in listed.out


@pytest.mark.slow
def test_an_exclusion_that_grows_is_a_regression_unless_it_is_named(library: Project) -> None:
    library.write({"gates.toml": FILES["gates.toml"].replace("name(=test_hangs)", "name(=test_hangs) or test(net)")})
    library.commit()
    done = library.gates("compare", "main")
    assert done.code == 5, done.text
    assert "wider exclusion hangs: 1 test" in done.out
    (found,) = library.json("comparison.json")["wider_exclusions"]
    assert (found["name"], found["added"], found["tests"]) == ("hangs", False, [f"test: {LOW[2]}"[6:]])
    assert library.gates("compare", "main", "--accept-exclusion", "hangs").code == 0


@pytest.mark.slow
def test_results_of_any_runner_can_be_asked(library: Project) -> None:
    library.write(
        {
            "out.xml": """
                <testsuite name="units">
                <testcase classname="shapes" name="square" time="2.5"/>
                <testcase classname="shapes" name="circle" time="0.1"><failure message="no"/></testcase>
                </testsuite>
                """
        }
    )
    asked = {
        "slow(>1s)": ["shapes::square"],
        "failed(last)": ["shapes::circle"],
        "test(shapes) - failed(last)": ["shapes::square"],
        "mark(x) and test(square)": ["shapes::square"],
    }
    said = ""
    for expression, found in asked.items():
        done = library.gates("list", "--results", "out.xml", "-E", expression)
        assert (done.code, done.out.splitlines()) == (0, found), done.text
        said = done.err
    assert "mark(x): unknown for 2 tests, and therefore selected: its markers cannot be known here" in said
    library.gates("run")
    done = library.gates("list", "--results", "reports/tests.jsonl", "-E", "failed(last)", "--json")
    assert [test["id"] for test in json.loads(done.out)] == [SHAKY]


@pytest.mark.slow
def test_every_excluded_test_is_verified_although_each_hang_ends_its_session(library: Project) -> None:
    text = "import time\ndef test_hang_one(): time.sleep(60)\ndef test_hang_two(): time.sleep(60)\ndef test_hang_not(): pass\n"
    ledger = FILES["gates.toml"].partition("[quarantine")[0].replace("name(=test_hangs)", "name(test_hang)")
    library.write({"tests/test_hang.py": text, "gates.toml": ledger})
    done = library.gates("exclusions", "--verify", "--test-timeout", "500ms")
    assert done.code == 1, done.text
    assert "hangs (hang): 3 as recorded, 1 pass now" in done.out
    assert "STALE    tests/test_hang.py::test_hang_not" in done.out


@pytest.mark.slow
def test_what_cannot_be_collected_is_said_when_tests_are_listed(library: Project) -> None:
    library.write({"tests/test_broken.py": "x("})
    done = library.gates("list", "-E", "all()")
    assert done.code == 1, done.text
    assert len(done.out.splitlines()) == 6
    assert "cannot be collected: tests/test_broken.py: " in done.err


@pytest.mark.slow
def test_our_own_junit_has_the_tests_of_two_gates_once_a_gate(library: Project) -> None:
    library.write({"gates.toml": FILES["gates.toml"] + pytest_gate("-k", "size", name="again")})
    library.gates("run")
    both = [
        library.gates("list", "--results", f"reports/{name}", "-E", "param(=1)")
        for name in ("junit.xml", "tests.jsonl")
    ]
    assert [done.out.splitlines() for done in both] == [[LOW[0]] * 2] * 2
    assert library.gates("list", "--results", "reports/junit.xml", "-E", "test(again)").code == 4


def test_an_exclusion_to_accept_must_be_one(library: Project) -> None:
    done = library.gates("compare", "main", "--accept-exclusion", "hnags")
    assert done.code == 2
    assert "no exclusion is named 'hnags'" in done.err
    assert "did you mean 'hangs'?" in done.err


@pytest.mark.slow
def test_files_are_known_from_the_project_s_root_wherever_pytest_starts(library: Project) -> None:
    library.write({"sub/pytest.ini": "[pytest]\n", "sub/test_s.py": "def test_a(): pass\n"})
    session = "@nox.session(venv_backend='none', tags=['gate'])\ndef sub(session):\n    session.chdir('sub')\n"
    session += "    session.run(PYTHON, '-m', 'pytest', '-p', 'no:cacheprovider', external=True)\n\n"
    library.write(noxfile(session))
    library.commit()
    library.write({"sub/test_s.py": "def test_a(): assert 1\n"})
    for expression in ("changed(feature)", "file(sub/test_s.py)", "file(test_s.py)"):
        assert library.gates("list", "-g", "sub", "-E", expression).out.splitlines() == ["test_s.py::test_a"]


@pytest.mark.slow
def test_a_ledger_may_be_longer_than_a_variable_can_be(project: Project) -> None:
    entry = 'filter = "name({0})"\nreason = "x"\ncategory = "todo"\nowner = "x"\nexpires = 2099-12-31\n'
    names = "|".join(f"test_{number:06}" for number in range(20_000))
    ledger = "[exclusions.many]\n" + entry.format(f"/^({names})$/")
    assert len(ledger) > 1 << 17
    tests = "def test_000001(): assert 0\ndef test_1(): pass\n"
    project.write({"gates.toml": ledger, "test_a.py": tests} | noxfile(pytest_session("-n", "1")))
    done = project.gates("run")
    assert done.code == 0, done.text
    assert project.outcomes == {"test_a.py::test_000001": "excluded", "test_a.py::test_1": "passed"}
