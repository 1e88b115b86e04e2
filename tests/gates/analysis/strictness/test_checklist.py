"""Gates of the checklist, and what each of them runs."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from tests.gates.analysis.strictness.changed import changes, mirrored, said


def noxfile(lint: str = "", *more: str, tag: str = 'tags=["gate"]') -> str:
    """A noxfile with a gate `lint`, and others as code."""
    head = f"import nox\n\n@nox.session({tag})\ndef lint(session):\n    session.install('x')\n"
    return head + indent(dedent(lint), "    ") + "\n" + "\n".join(map(dedent, more))


TEST = """
    @nox.session(tags=["gate"])
    def test(session):
        session.run("pytest")
    """
TYPES = """
    @nox.session(tags=["gate"])
    def types(session):
        session.run("mypy", "src")
    """


def run(words: str, more: str = "") -> str:
    """A line that runs these words."""
    return f"session.run({', '.join(map(repr, words.split()))}{more})"


@pytest.mark.parametrize(
    ("base", "head", "key"),
    [
        (run("ruff check"), "", "ruff check"),
        (run("ruff check"), run("ruff check", ", success_codes=[0, 1]"), "ruff check success codes"),
        (run("ruff check"), run("ruff check", ", success_codes=range(256)"), "ruff check success codes"),
        (run("pytest --cov=src"), run("pytest"), "pytest --cov"),
        (run("ruff check"), "session.run('sh', '-c', 'ruff check || true')", "ruff check exit code"),
        (run("ruff check"), "session.run('bash', '-c', 'ruff check | tee log')", "ruff check exit code"),
        (run("ruff check"), "session.run('bash', '-c', 'ruff check; exit 0')", "ruff check exit code"),
        (run("ruff check"), f"try:\n    {run('ruff check')}\nexcept Exception:\n    pass", "ruff check exit code"),
        (run("ruff check"), f"with suppress(Exception):\n    {run('ruff check')}", "ruff check exit code"),
        (run("ruff check"), f"return\n{run('ruff check')}", "ruff check"),
        (run("ruff check"), f"if False:\n    {run('ruff check')}", "ruff check"),
        (run("ruff check"), run("ruff check --exit-zero"), "ruff check --exit-zero"),
        (run("ruff check"), run("ruff check --ignore E501,F401"), "ruff check --ignore"),
        (run("ruff check"), run("ruff check --select E9"), "ruff check --select"),
        (run("ruff check ."), run("ruff check src"), "ruff check what it is run on"),
        (run("ruff check src tests"), run("ruff check src"), "ruff check what it is run on"),
        (run("ruff format --check"), run("ruff format"), "ruff format --check"),
        (run("black --check ."), run("black ."), "black --check"),
        (run("pytest"), run("pytest -m fast"), "pytest -m"),
        (run("pytest"), "session.run('pytest', '-k', 'not slow')", "pytest -k"),
        (run("pytest -k a"), "session.run('pytest', '-k', 'a and b')", "pytest -k"),
        (run("pytest"), run("pytest --deselect tests/a.py::test_b"), "pytest --deselect"),
        (run("pytest"), run("pytest --ignore=tests/slow"), "pytest --ignore"),
        (run("pytest"), run("pytest -p no:warnings"), "pytest -p"),
        (run("pytest"), run("pytest --reruns 3"), "pytest --reruns"),
        (run("pytest -W error"), run("pytest"), "pytest filterwarnings"),
        (run("python -m pytest -Werror"), run("pytest"), "pytest filterwarnings"),
        (run("pytest --cov-fail-under=90"), run("pytest --cov-fail-under 80"), "pytest --cov-fail-under"),
        (run("pytest --strict-markers"), run("pytest"), "pytest strict_markers"),
        (run("pytest"), run("pytest", ", env={'PYTHONOPTIMIZE': '1'}"), "pytest variables"),
        (run("python -W error -m build"), run("python -m build"), "build python-Werror"),
        (run("coverage run -m pytest"), run("pytest"), "pytest coverage-run"),
        (run("coverage report --fail-under=90"), run("coverage report"), "coverage report fail_under"),
        (run("sphinx-build -W docs out"), run("sphinx-build docs out"), "sphinx-build -W"),
        (run("mytool --strict src"), run("mytool src"), "mytool --strict"),
        (run("ruff check"), f"session.skip('later')\n{run('ruff check')}", "session.skip"),
    ],
)  # fmt: skip
def test_a_gate_that_runs_less_is_weaker_and_one_that_runs_more_is_stronger(base: str, head: str, key: str) -> None:
    before, after = {"noxfile.py": noxfile(base)}, {"noxfile.py": noxfile(head)}
    expected = [("weaker", f"gate lint: {key}")]
    assert said(before, after) == expected
    assert said(after, before) == mirrored(expected)


@pytest.mark.parametrize(
    ("base", "head"),
    [
        (run("ruff check"), "words = ('ruff', 'check')\nsession.run(*words)"),
        (run("ruff check"), "words = ['ruff']\nwords.append('check')\nsession.run(*words)"),
        (run("ruff check"), "session.run('ruff', 'check', *session.posargs)"),
        (run("ruff check src"), "session.run('ruff', 'check', *(session.posargs or ['src']))"),
        (run("pytest a"), run("python -m pytest a")),
        (run("pytest -W error"), run("pytest -Werror")),
        (run("pytest -k x"), run("pytest -kx")),
        (run("pytest --cov-fail-under 80"), run("pytest --cov-fail-under=80")),
        (run("ruff check --ignore A,B"), run("ruff check --ignore B --ignore A")),
        (run("ruff check src"), "for folder in ('src',):\n    session.run('ruff', 'check', folder)"),
        (run("ruff check"), f"with session.chdir('x'):\n    {run('ruff check')}"),
        (run("ruff check"), f"try:\n    {run('ruff check')}\nfinally:\n    session.run('rm', 'x')"),
        (run("ruff check"), f"try:\n    {run('ruff check')}\nexcept Exception:\n    raise"),
        (run("ruff check"), "session.run('sh', '-c', 'set -e; ruff check')"),
        (run("ruff check"), run("uv run ruff check")),
    ],
)  # fmt: skip
def test_the_same_command_written_in_another_way_is_no_weakening(base: str, head: str) -> None:
    before, after = {"noxfile.py": noxfile(base)}, {"noxfile.py": noxfile(head)}
    for one, other in ((before, after), (after, before)):
        assert [change for change in changes(one, other) if change.direction != "other"] == []


def test_a_helper_may_run_what_the_session_ran() -> None:
    before = noxfile(run("ruff check") + "\n" + run("mypy src"))
    helper = """
        def check(s, *words, tool="ruff"):
            s.run(tool, *words)
        """
    after = noxfile("check(session, 'check')\ncheck(session, 'src', tool='mypy')", helper)
    assert said({"noxfile.py": before}, {"noxfile.py": after}) == []


@pytest.mark.parametrize("tag", ["", 'tags=["other"]', "tags=[]"])
def test_a_gate_without_its_tag_is_dropped(tag: str) -> None:
    before, after = (noxfile(run("ruff check"), TEST, tag=each) for each in ('tags=["gate"]', tag))
    (change,) = changes({"noxfile.py": before}, {"noxfile.py": after})
    assert (change.direction, change.key, change.line) == ("weaker", "gate lint", 4)
    assert change.what == "the gate lint is no longer in the checklist: its session has lost the tag 'gate'"
    assert said({"noxfile.py": after}, {"noxfile.py": before}) == [("stronger", "gate lint")]


def test_a_dropped_command_gate_is_weaker_and_a_new_one_stronger() -> None:
    one, two = "[gate.a]\ncommand = 'pytest'\n", "[gate.b]\ncommand = ['ruff', 'check']\n"
    assert said({"gates.toml": one + two}, {"gates.toml": one}) == [("weaker", "gate b")]
    assert said({"gates.toml": one}, {"gates.toml": one + two}) == [("stronger", "gate b")]


def test_the_words_of_a_command_gate_are_read_like_those_of_a_session() -> None:
    before = "[gate.a]\ncommand = 'mypy src'\nargs = ['--strict']\n"
    assert said({"gates.toml": before}, {"gates.toml": before.replace("--strict", "-v")}) == [
        ("weaker", "gate a: mypy strict")
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (noxfile(run("ruff check")), noxfile(run("ruff check")).replace("def lint", "def style")),
        (
            noxfile(run("ruff check") + "\n" + run("mypy src")),
            noxfile(run("ruff check"), TYPES),
        ),
        (
            noxfile(run("ruff check") + "\n" + run("mypy src")),
            noxfile(run("ruff check"), TYPES).replace("def lint", "def style"),
        ),
        (noxfile(run("pytest tests")), noxfile(run("pytest tests/a"), TEST.replace('"pytest"', '"pytest", "tests/b"')).replace("def lint", "def a")),
        (noxfile(run("pytest")), noxfile(run("pytest a") + "\n" + run("pytest b"))),
        (noxfile(run("flake8 src")), noxfile(run("ruff check src"))),
        (noxfile(run("./ci.sh")), noxfile(run("make test"))),
    ],
    ids=["renamed", "a command moved out", "split", "split in parts", "a command split in parts", "another linter", "another script"],
)  # fmt: skip
def test_a_gate_that_was_renamed_split_or_moved_is_not_weaker(before: str, after: str) -> None:
    for one, other in ((before, after), (after, before)):
        found = said({"noxfile.py": one}, {"noxfile.py": other})
        assert "weaker" not in dict(found), found


def test_a_gate_whose_command_another_gate_ran_already_is_missed() -> None:
    twice = TEST.replace("def test", "def again")
    before = {"noxfile.py": noxfile("", TEST, twice)}
    assert said(before, {"noxfile.py": noxfile("", TEST)}) == [("weaker", "gate again")]


def test_fewer_interpreters_are_weaker() -> None:
    before, after = (noxfile(run("pytest"), tag=f'tags=["gate"], python={each}') for each in ("['3.11', '3.12']", "['3.12']"))  # fmt: skip
    assert said({"noxfile.py": before}, {"noxfile.py": after}) == [("weaker", "gate lint: python")]


def test_a_missing_interpreter_that_is_skipped_is_weaker() -> None:
    strict = "nox.options.error_on_missing_interpreters = True\n"
    before = noxfile(run("pytest")).replace("import nox\n", f"import nox\n{strict}")
    assert said({"noxfile.py": before}, {"noxfile.py": noxfile(run("pytest"))}) == [
        ("weaker", "nox.options.error_on_missing_interpreters")
    ]


@pytest.mark.parametrize("broken", ["def (", "x = '\0'", "(" * 5000])
def test_a_noxfile_that_cannot_be_read_is_said_and_no_gate_is_missed(broken: str) -> None:
    for one, other in ((noxfile(), broken), (broken, noxfile())):
        (change,) = changes({"noxfile.py": one}, {"noxfile.py": other})
        assert change.direction == "other"
        assert "noxfile.py cannot be compared" in change.what


ODD = """
import nox
a = b
b = a
words = words + words
def f(session, *a, **k): f(session, *a); return f(session)
@nox.session(tags=TAGS, name=f"x{a}", python=[*b, None], **more)
def odd(session, p=1, /, *, q=2):
    x = a; a = x; x = f"{a}"; a = f"{x}"
    session.run(*f(session), *x, x, a, *words, *(1, 2), 3.5, None, env=b, success_codes=a)
    session.run()
    session.run("sh", "-c", "'")
    session.run("sh", "-c")
    session.run("env"); session.run("python", "-W"); session.run("uv", "run"); session.run("coverage", "run", "-m")
    session.run("timeout"); session.run(""); session.run("pytest", "-k"); session.run("ruff"); session.run("A=1")
    words += words; words.extend(words); session.env["A"] = words
    while True: f(*words, **x)
    async def g(): yield
    match x:
        case 1: pass
@nox.session
def none(): pass
"""


def test_code_that_stands_for_itself_or_for_nothing_ends() -> None:
    assert changes({"noxfile.py": ODD}, {"noxfile.py": ODD + "\n#"}) == []
    assert changes({"noxfile.py": ODD}, {"noxfile.py": noxfile()})


@pytest.mark.parametrize(
    ("command", "plain", "file", "setting"),
    [
        ("pytest --strict-markers", "pytest", "pytest.ini", "[pytest]\naddopts = -ra --strict-markers\n"),
        ("pytest --strict-markers", "pytest", "pytest.ini", "[pytest]\nstrict_markers = true\n"),
        ("pytest -W error", "pytest", "pytest.ini", "[pytest]\nfilterwarnings = error\n"),
        ("mypy --strict src", "mypy src", "mypy.ini", "[mypy]\nstrict = True\n"),
        ("coverage report --fail-under=90", "coverage report", ".coveragerc", "[report]\nfail_under = 90\n"),
    ],
)
def test_an_option_may_move_to_a_file_and_back(command: str, plain: str, file: str, setting: str) -> None:
    empty = setting.splitlines()[0] + "\n"
    before = {"noxfile.py": noxfile(run(command)), file: empty}
    after = {"noxfile.py": noxfile(run(plain)), file: setting}
    for one, other in ((before, after), (after, before)):
        assert {direction for direction, _ in said(one, other)} <= {"other"}, said(one, other)


def test_an_option_that_only_one_of_two_commands_gives_does_not_make_up_for_the_file() -> None:
    setting = "[pytest]\nfilterwarnings = error\n"
    before = {"noxfile.py": noxfile(run("pytest"), TEST), "pytest.ini": setting}
    after = {"noxfile.py": noxfile(run("pytest -W error"), TEST), "pytest.ini": "[pytest]\n"}
    assert ("weaker", "filterwarnings") in said(before, after)


def test_a_renamed_gate_whose_commands_are_not_in_sight_is_known_by_its_code() -> None:
    before = noxfile("checks.everything(session)")
    assert {
        direction
        for direction, _ in said({"noxfile.py": before}, {"noxfile.py": before.replace("def lint", "def style")})
    } == {"other"}


def test_one_part_of_a_gate_is_less_than_the_gate() -> None:
    before, after = noxfile(run("pytest tests")), noxfile(run("pytest tests/a")).replace("def lint", "def a")
    assert ("weaker", "gate lint") in said({"noxfile.py": before}, {"noxfile.py": after})


def test_options_in_a_variable_are_options() -> None:
    before = "[gate.a]\ncommand = 'pytest'\n"
    after = before + "env = { PYTEST_ADDOPTS = { set = \"-m 'not slow' -q\", reason = 'r' } }\n"
    (change,) = changes({"gates.toml": before}, {"gates.toml": after})
    assert (change.direction, change.what) == (
        "weaker", "pytest sets PYTEST_ADDOPTS -m to not slow in the gate a: fewer tests are run",
    )  # fmt: skip


def test_a_command_gate_that_is_written_for_a_shell_is_read_like_one() -> None:
    before = "[gate.a]\ncommand = 'ruff check .'\n"
    assert said({"gates.toml": before}, {"gates.toml": before.replace(" .", " . || true")}) == [
        ("weaker", "gate a: ruff check exit code")
    ]


def test_a_command_that_is_run_on_a_condition_is_a_hint() -> None:
    before, after = noxfile(run("pytest")), noxfile(f"if os.environ.get('SLOW'):\n    {run('pytest')}")
    (change,) = changes({"noxfile.py": before}, {"noxfile.py": after})
    assert (change.direction, change.strength) == ("weaker", "hint")
    assert change.what == "the gate lint runs pytest only if os.environ.get('SLOW')"
    assert said({"noxfile.py": after}, {"noxfile.py": before}) == [("stronger", "gate lint: pytest condition")]
    either = noxfile(f"if fast:\n    {run('pytest')}\nelse:\n    {run('pytest -v')}")
    assert "weaker" not in dict(said({"noxfile.py": before}, {"noxfile.py": either}))


def test_a_command_behind_words_runs_only_in_a_gate_that_gives_some() -> None:
    before = noxfile(run("pytest"))
    asked = noxfile(f"if session.posargs:\n    {run('pytest')}")
    (change,) = changes({"noxfile.py": before}, {"noxfile.py": asked})
    assert (change.direction, change.strength) == ("weaker", "certain")
    words = {"gates.toml": "[gate.lint]\nargs = ['-q']\n"}
    assert "weaker" not in dict(said({"noxfile.py": before, **words}, {"noxfile.py": asked, **words}))
    unasked = noxfile(f"if not session.posargs:\n    {run('pytest')}\nelse:\n    {run('pytest -x')}")
    other = noxfile(f"if session.posargs:\n    {run('pytest -x')}\nelse:\n    {run('pytest')}")
    for harmless in (unasked, other):
        assert said({"noxfile.py": before}, {"noxfile.py": harmless}) == []
