from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.config import Config, load_config
from gates.config.load import _read
from gates.config.tables import GATE, PROFILE, TOP
from gates.portable.errors import GatesError, ManyErrors
from tests.gates.config.sample import load, mistakes

if TYPE_CHECKING:
    from pathlib import Path


def test_three_mistakes_are_shown_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = '[tool.gates]\ntimout = "1m"\n\n[tool.gates.gate.test]\ntests = "pytset"\n\n[tool.gates.profile.quick]\ngate = ["a"]\n'
    found = mistakes(tmp_path, text, "pyproject.toml")
    assert [error.place for error in found] == ["pyproject.toml:2", "pyproject.toml:5", "pyproject.toml:8"]
    assert [error.what for error in found] == [
        "unknown key 'timout' in the config",
        "wrong value for 'tests'",
        "unknown key 'gate' in [profile.quick]",
    ]
    assert [error.remedy for error in found] == ["did you mean 'timeout'?", "", "did you mean 'gates'?"]
    assert (found[1].expected, found[1].got) == ("one of auto, pytest, junit, none", "'pytset'")


def test_mistakes_of_exclusions_stand_among_the_others(tmp_path: Path) -> None:
    text = '[exclusions.a]\nfilter = "test("\n\n[gate.b]\njobs = 1\n\n[exclusions.c]\nreson = "x"\n'
    found = mistakes(tmp_path, text)
    lines = [int(error.place.rpartition(":")[2]) for error in found]
    assert lines == sorted(lines)
    assert {2, 5, 8} <= set(lines)


def test_a_key_without_a_near_name_is_shown_with_all_known_keys(tmp_path: Path) -> None:
    (error,) = mistakes(tmp_path, "[profile.a]\nzzz = 1\n")
    assert error.remedy == f"known keys: {', '.join(PROFILE)}"


def test_an_oddity_of_junit_that_does_not_exist_is_shown_with_the_nearest_one(tmp_path: Path) -> None:
    (error,) = mistakes(tmp_path, '[junit]\naccept = ["tests-counts-assertion"]\n')
    assert "'tests-counts-assertion' is not one of them: did you mean 'tests-count-assertions'?" in error.expected


@pytest.mark.parametrize(
    ("keys", "values"),
    [
        (["base"], ["1", "[]", "true", "{}"]),
        (["jobs"], ["0", "-1", "1.5", '"2"', "true", "[]"]),
        (["timeout", "test-timeout"], ["0", "-1", '"x"', '"0s"', "true", "inf", "nan", "[]", '"90"', '"1 day"']),
        (["accept-could-not-run", "record-env", "mask-env", "nox-args"], ['"a"', "[1]", "{}", "1"]),
        (["reports"], ['"/tmp"', '"../x"', '"a/../b"', '""', '"."', '"./"', "1", '"x/../../y"']),
        (["gate.a.command"], ['""', "[]", "[1]", '"\'open"', "1", '"A=1 make"', '["A=1", "make"]', "\"''\"", '[""]']),
        (["gate.a.session", "gate.a.title"], ["1", "[]", "false"]),
        (
            ["junit.max-size", "junit.max-attribute", "junit.max-text"],
            ['"1 mb"', '"0 MB"', "0", "-1", "true", '""', "1.5", "[]"],
        ),
        (["junit.max-depth"], ["0", '"1"']),
        (["junit.accept"], ['"tests-count-assertions"', "[1]", '["all"]', '[""]']),
        (["junit.passed-words", "junit.silent-elements"], ['"fine"', "[1]", "true"]),
        (["gate.a.args", "gate.a.needs", "gate.a.reports", "gate.a.junit"], ['"a"', "[[]]", "1"]),
        (["gate.a.timeout"], ['"soon"', "0"]),
        (["gate.a.tests"], ['"all"', "1", "[]", "{}"]),
        (["gate.a.cwd"], ['"/"', '".."', "1"]),
        (["gate.a.versions"], ['"rustc --version"', "[1]", '[""]', "['open \"quote']", '["A=1 tool"]']),
        (["gate.a.findings"], ['"logs"', '["/x.sarif"]', '["../x.sarif"]', "[1]", "true"]),
        (["gate.a.coverage"], ['"log"', '["/x.xml"]', "[1]"]),
        (["gate.a.env"], ["1", '{ A = "x" }', '{ A = { set = "x" } }', '{ A = { set = "x", reason = " " } }']),
        (["gate.a.env"], ['{ A = { reason = "x" } }', '{ A = { unset = false, reason = "x" } }']),
        (["gate.a.env"], ['{ A = { set = 1, reason = "x" } }', '{ A = { set = "", unset = true, reason = "x" } }']),
        (["profile.p.gates"], ['"a"', "[1]"]),
        (["profile.p.filter"], ["1", "[]"]),
        (["profile.p.jobs"], ["0", "1.0"]),
        (["profile.p.include-excluded"], ["1", '"true"']),
    ],
)
def test_a_wrong_value_is_refused_with_what_would_be_right(tmp_path: Path, keys: list[str], values: list[str]) -> None:
    for key in keys:
        for value in values:
            (error,) = mistakes(tmp_path, f"# one\n# two\n{key} = {value}\n")
            assert error.what == f"wrong value for {key.rpartition('.')[2]!r}", value
            assert error.place == "gates.toml:3"
            assert error.expected
            assert error.got


def test_a_filter_that_cannot_be_parsed_is_shown_with_a_caret(tmp_path: Path) -> None:
    (error,) = mistakes(tmp_path, '[profile.p]\nfilter = "test(a) and and"\n')
    assert error.place == "gates.toml:2"
    assert "^" in str(error)


@pytest.mark.parametrize(
    "text",
    ["gate = 1", "gate.a = 1", "profile = []", "profile.a = 'x'", "exclusions = 1", "exclusions.a = 1", "[[gate.a]]"],
)
def test_what_should_be_a_table_and_is_none_is_named(tmp_path: Path, text: str) -> None:
    (error,) = mistakes(tmp_path, f"\n{text}\n")
    assert "is not a table" in error.what
    assert error.place == "gates.toml:2"


@pytest.mark.parametrize(
    ("text", "line"),
    [("tool = 1", 1), ("[tool]\ngates = 1", 2), ("\n[[tool.gates]]\na = 1", 2), ("[[tool]]\ngates = 1", 1)],
)
def test_a_table_of_pyproject_that_is_none_is_named(tmp_path: Path, text: str, line: int) -> None:
    (error,) = mistakes(tmp_path, text, "pyproject.toml")
    assert "is not a table" in error.what
    assert error.place == f"pyproject.toml:{line}"


def test_a_gate_is_a_command_or_a_session(tmp_path: Path) -> None:
    (error,) = mistakes(tmp_path, '\n[gate.a]\ncommand = "make"\nsession = "a"\n')
    assert (error.place, error.remedy) == ("gates.toml:2", "keep one of them")
    assert "both a command and a session" in error.what


@pytest.mark.parametrize("name", ["gates.toml", "pyproject.toml"])
@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a = 1\nb = [\nc = 2\n", 3),
        (b"a = 1\nb =\n", 2),
        (b"a = 1\na = 2\n", 2),
        (b"a = 1\nb = '\xff'\n", 2),
        (b"\xff\xfea\x00", 1),
        (b'a = 1\n\nb = """\nopen\n', 4),
        (b"a = 1\rb = 2\n", 1),
    ],
    ids=["array", "no value", "twice", "no UTF-8", "UTF-16", "open text", "lone return"],
)
def test_what_is_no_toml_is_refused_at_its_line(tmp_path: Path, name: str, content: bytes, line: int) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ManyErrors) as caught:
        load_config(tmp_path)
    (error,) = caught.value.errors
    assert error.what.startswith("not valid TOML: ")
    assert error.place == f"{name}:{line}"


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").mkdir()
    with pytest.raises(ManyErrors, match="is a folder, not a regular file") as caught:
        load_config(tmp_path)
    assert caught.value.errors[0].place == str(tmp_path / "gates.toml")


def test_two_configs_are_refused_although_both_are_right(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.gates]\n")
    (error,) = mistakes(tmp_path, "")
    assert "gates.toml and [tool.gates] of pyproject.toml" in error.what
    assert error.remedy == "keep one of them"


def test_a_pyproject_of_other_tools_is_no_second_config(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other]\n")
    assert load(tmp_path, "jobs = 2").jobs == 2


toml = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.dates()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=4,
)


def tables(known: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    keys = st.one_of(st.sampled_from(sorted(known)), st.text(max_size=4))
    return st.dictionaries(keys, toml, max_size=4)


configs = st.fixed_dictionaries(
    {},
    optional={
        "gate": st.one_of(toml, st.dictionaries(st.text(max_size=4), st.one_of(toml, tables(GATE)), max_size=2)),
        "profile": st.one_of(toml, st.dictionaries(st.text(max_size=4), st.one_of(toml, tables(PROFILE)), max_size=2)),
        "exclusions": st.one_of(toml, st.dictionaries(st.text(max_size=4), toml, max_size=2)),
    },
)


@pytest.mark.slow
@given(tables(TOP), configs)
def test_whatever_the_tables_hold_they_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, top: dict[str, Any], rest: dict[str, Any]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    file = folder / "empty.toml"
    file.touch()
    refused: tuple[GatesError, ...] = ()
    try:
        config = _read(folder, file, {**top, **rest}, ())
    except ManyErrors as many:
        refused, config = many.errors, Config(root=folder)
    assert all(error.place and str(error) for error in refused)
    assert 0 < config.timeout < float("inf")


def test_a_default_filter_may_not_name_itself(tmp_path: Path) -> None:
    (error,) = mistakes(tmp_path, "[profile.a]\nfilter = 'default() and test(x)'\n")
    assert "`default()` cannot stand here" in str(error)


def test_an_accepted_exclusion_must_be_one(tmp_path: Path) -> None:
    (error,) = mistakes(tmp_path, "accept-exclusions = ['gone']\n")
    assert (error.what, error.place) == ("no exclusion is named 'gone'", "gates.toml:1")


def test_mistakes_of_the_quarantine_are_told_with_those_of_the_exclusions(tmp_path: Path) -> None:
    text = "[exclusions.a]\nfilter = 'test(x)'\n[quarantine.b]\nfilter = 'tset(x)'\n"
    found = [error.what.splitlines()[0] for error in mistakes(tmp_path, text)]
    assert found == [
        "exclusion 'a': missing 'reason', 'category', 'owner', 'expires'",
        "quarantine 'b': missing 'reason', 'category', 'owner', 'expires'",
        "quarantine 'b': the filter expression has an error",
    ]


@pytest.mark.parametrize("text", ["test(", "tset(a)", "a) or (b"])
def test_a_filter_with_mistakes_is_shown_with_carets(tmp_path: Path, text: str) -> None:
    (error,) = mistakes(tmp_path, f"[profile.p]\nfilter = '{text}'\n")
    assert error.what.startswith("'filter': the filter expression has ")
    assert f"\n  {text}\n" in error.what
    assert "^" in error.what
    assert error.place == "gates.toml:2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tests = 1", "tests is not a table"),
        ("[tests]\nretires = 1", "unknown key 'retires' in [tests]"),
        ("[tests]\nretries = -1", "wrong value for 'retries'"),
        ("[tests]\nretries = { delay = '1s' }", "wrong value for 'retries'"),
        ("[tests]\nretries = { count = 1, on = ['skipped'] }", "wrong value for 'retries'"),
        ("[tests]\nflaky-result = 'maybe'", "wrong value for 'flaky-result'"),
        ("[tests]\nslow-timeout = { period = '1s', terminate-after = 0 }", "wrong value for 'slow-timeout'"),
        ("[tests]\noverrides = 1", "overrides is not a list of tables"),
        ("[[tests.overrides]]\nretries = 1", "an override has no filter"),
        ("[[tests.overrides]]\nfilter = 'tset(a)'", "'filter': the filter expression has an error"),
        ("[profile.a.tests]\nretries = 'x'", "wrong value for 'retries'"),
        ("[profile.a]\nmax-fail = 0", "wrong value for 'max-fail'"),
        ("[profile.a]\nmax-fail = '2:later'", "wrong value for 'max-fail'"),
        ("[profile.a]\norder = 'alphabetic'", "wrong value for 'order'"),
        ("[tests]\nisolate = 'thread'", "wrong value for 'isolate'"),
        ("[tests]\nleak = true", "wrong value for 'leak'"),
        ("[tests]\nthreads-required = 0", "wrong value for 'threads-required'"),
        ("[tests]\npriority = 101", "wrong value for 'priority'"),
        ("[tests]\nsetup = [1]", "wrong value for 'setup'"),
        ("[tests.groups]\na = 1", "tests.groups.a is not a table"),
        ("[tests.groups.a]\nmax-threads = 0", "wrong value for 'max-threads'"),
        ("[tests.groups.a]", "[tests.groups.a] has no 'max-threads'"),
        ("[tests.scripts.a]\ncommand = ''", "wrong value for 'command'"),
        ("[tests.scripts.a]\ncommand = 'true'\ntimeout = 0", "wrong value for 'timeout'"),
        ("[tests.scripts.a]\ntimeout = 1", "[tests.scripts.a] has no 'command'"),
        ("[tests.scripts.a]\ncommnd = 'true'\ncommand = 'true'", "unknown key 'commnd' in [tests.scripts.a]"),
        ("[tests]\ngroup = 'a'", "no group of tests is named 'a'"),
        ("[tests]\nsetup = 'a'", "no setup script is named 'a'"),
        ("[profile.p.tests]\nsetup = ['a']", "no setup script is named 'a'"),
        ("[[tests.overrides]]\nfilter = 'test(a)'\ngroup = 'a'", "no group of tests is named 'a'"),
    ],
)
def test_mistakes_in_how_tests_are_run_are_told(tmp_path: Path, text: str, said: str) -> None:
    (error,) = mistakes(tmp_path, text)
    assert error.what.startswith(said)


@pytest.mark.parametrize(
    ("setting", "remedy"),
    [
        ("group = 'db'\n[tests.groups.dbs]\nmax-threads = 1", "did you mean 'dbs'?"),
        ("group = 'db'\n[tests.groups.network]\nmax-threads = 0", "known: network"),
        ("group = 'db'", "none exists: add [tests.groups.NAME]"),
        ("setup = ['one', 'tow']\n[tests.scripts]\none.command = 'a'\ntwo.command = 'b'", "did you mean 'two'?"),
    ],
)
def test_a_name_that_is_not_there_is_told_with_the_nearest(tmp_path: Path, setting: str, remedy: str) -> None:
    text = f"[[tests.overrides]]\nfilter = 'test(a)'\nretries = 1\n[[tests.overrides]]\nfilter = 'test(b)'\n{setting}"
    error = next(error for error in mistakes(tmp_path, text) if "is named" in error.what)
    assert (error.place, error.remedy) == ("gates.toml:6", remedy)


def test_the_empty_group_is_none(tmp_path: Path) -> None:
    assert load(tmp_path, "[tests]\ngroup = ''\n").groups == {}


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ('base = "ma\\u0000in"', 1, "base"),
        ('[gate.a]\ncommand = ["true", "a\\u0000b", "\\u0000"]', 2, "gate.a.command"),
        ('[gate.a]\ncommand = ["true"]\nargs = ["\\u0000"]', 3, "gate.a.args"),
        ('[gate.a]\ncommand = ["true"]\ncwd = "\\u0000"', 3, "gate.a.cwd"),
        ('[gate.a]\ncommand = ["true"]\ntitle = "\\u0000"', 3, "gate.a.title"),
        ('[gate.a.env]\nA = { set = "\\u0000", reason = "r" }', 2, "gate.a.env.A.set"),
        ('[gate.a.env]\n"A\\u0000" = { set = "x", reason = "r" }', 1, "gate.a.env.A\0"),
        ('[gate."a\\u0000"]\ncommand = ["true"]', 1, "gate.a\0"),
        ('[exclusions.a]\nowner = "\\u0000"', 2, "exclusions.a.owner"),
        ('[tests.scripts.a]\ncommand = ["\\u0000"]', 2, "tests.scripts.a.command"),
    ],
)
def test_a_nul_is_refused_wherever_it_stands(tmp_path: Path, text: str, line: int, key: str) -> None:
    (found,) = mistakes(tmp_path, text)
    assert (found.place, found.what) == (f"gates.toml:{line}", f"{key!r} holds a NUL")


@pytest.mark.parametrize(
    "text",
    [
        '[gate.a.env]\n"A=B" = { set = "x", reason = "r" }',
        '[gate.a.env]\n"" = { unset = true, reason = "r" }',
        '\nrecord-env = ["A=B"]',
        '\nmask-env = ["A", ""]',
    ],
)
def test_a_variable_has_a_name_that_the_system_knows(tmp_path: Path, text: str) -> None:
    (found,) = mistakes(tmp_path, text)
    assert found.place in ("gates.toml:1", "gates.toml:2")
    assert found.expected.startswith("names of variables, without '=':")


def test_a_suppression_of_mutants_says_why_and_until_when(tmp_path: Path) -> None:
    text = "[mutants.a]\npath = 'src/**'\noperator = 'compare'\nreason = ' '\nexpires = 'soon'\n"
    found = mistakes(tmp_path, text)
    assert [(error.what, error.place) for error in found] == [
        ("suppression 'a': missing 'owner'", "gates.toml:1"),
        ("wrong value for 'operator'", "gates.toml:3"),
        ("wrong value for 'reason'", "gates.toml:4"),
        ("wrong value for 'expires'", "gates.toml:5"),
    ]


def test_a_suppression_of_mutants_is_read(tmp_path: Path) -> None:
    text = "[mutants.a]\npath = 'src/**'\nreason = 'equal'\nowner = 'ada'\nexpires = 2027-01-31\n"
    (entry,) = load(tmp_path, text).mutants
    assert (entry.name, entry.path, str(entry.expires)) == ("a", "src/**", "2027-01-31")
