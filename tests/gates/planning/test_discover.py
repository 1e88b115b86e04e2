from __future__ import annotations

import json
import os
import subprocess
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from gates.config import Config, GateConfig, Profile
from gates.planning.discover import Session, discover, launch, list_sessions
from gates.portable.errors import GatesError, ManyErrors, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class FakeNox:
    """Answers `nox --list --json`, with noise around it if wished."""

    def __init__(
        self, *sessions: dict[str, Any], before: str = "", after: str = "", code: int = 0, error: str = ""
    ) -> None:
        self.output = f"{before}{json.dumps(list(sessions))}\n{after}"
        self.code, self.error = code, error
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
        self.calls.append(tuple(command))
        return subprocess.CompletedProcess(command, self.code, self.output, self.error)


def session(signature: str, name: str = "", *, tags: Sequence[str] = ("gate",), **more: Any) -> dict[str, Any]:
    return {
        "session": signature,
        "name": name or signature,
        "tags": list(tags),
        "description": None,
        "python": None,
        **more,
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "noxfile.py").touch()
    return tmp_path


def config(root: Path, *gates: GateConfig, **fields: Any) -> Config:
    return Config(root=root, path=root / "gates.toml", gates={gate.name: gate for gate in gates}, **fields)


def refused(root: Path, settings: Config, *sessions: dict[str, Any]) -> list[str]:
    with pytest.raises(ManyErrors) as caught:
        discover(root, settings, FakeNox(*sessions))
    assert all(error.place == "gates.toml" for error in caught.value.errors)
    return [f"{error.what} | {error.remedy}" for error in caught.value.errors]


# The listing


@pytest.mark.parametrize(
    "noise",
    [
        "hello\n",
        '[{"session": "noise", "name": "noise"}]\n',
        "[1, 2]\n{}\n",
        "[not json\n",
        "\n\n",
        "é\x00\x1b[31m\n",
    ],
    ids=["text", "another listing", "other JSON", "no JSON", "empty lines", "controls"],
)
def test_what_a_noxfile_prints_before_the_listing_is_no_part_of_it(root: Path, noise: str) -> None:
    nox = FakeNox(session("lint"), before=noise)
    assert [found.name for found in list_sessions(root, nox)] == ["lint"]


@pytest.mark.parametrize("noise", ["bye\n", "[1]\n", "[bye]\n", '[{"session": 1}]\n', "[]\n"])
def test_what_a_noxfile_prints_after_the_listing_is_no_part_of_it(root: Path, noise: str) -> None:
    nox = FakeNox(session("lint"), after=noise)
    assert [found.name for found in list_sessions(root, nox)] == ["lint"]


def test_a_session_is_read_with_all_that_nox_says_of_it(root: Path) -> None:
    nox = FakeNox(
        session("tests-3.12(db='a')", "tests", description="First line.\nMore.", python="3.12", tags=["gate", "slow"]),
        {"session": "bare", "name": "bare"},
    )
    assert list_sessions(root, nox) == (
        Session("tests-3.12(db='a')", "tests", "First line.", "3.12", ("gate", "slow")),
        Session("bare", "bare"),
    )


def test_nox_is_asked_for_every_session_with_the_arguments_of_the_config(root: Path) -> None:
    nox = FakeNox(session("lint"))
    list_sessions(root, nox, ["--extra"])
    (call,) = nox.calls
    assert "--list" in call
    assert "--json" in call
    assert call[-1] == "--extra"
    assert "-k" in call


def test_without_a_noxfile_nox_is_not_asked(tmp_path: Path) -> None:
    nox = FakeNox(session("lint"))
    assert list_sessions(tmp_path, nox) == ()
    assert nox.calls == []


@pytest.mark.parametrize(
    ("nox", "got"),
    [
        (FakeNox(code=2, error="first\nlast words\n\n"), "last words"),
        (FakeNox(code=1, before="only on standard output\n"), "[]"),
    ],
)
def test_nox_that_fails_is_quoted(root: Path, nox: FakeNox, got: str) -> None:
    with pytest.raises(UsageError, match="cannot list the sessions") as caught:
        list_sessions(root, nox)
    assert caught.value.got == got
    assert caught.value.place == str(root / "noxfile.py")


def test_a_noxfile_that_is_a_fifo_is_refused_before_nox_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "noxfile.py")
    with pytest.raises(UsageError, match="cannot be read: is a FIFO, not a regular file"):
        list_sessions(tmp_path, FakeNox(session("lint")))


def test_nox_that_says_nothing_is_no_empty_checklist(root: Path) -> None:
    nox = FakeNox()
    nox.output = ""
    with pytest.raises(UsageError) as caught:
        list_sessions(root, nox)
    assert caught.value.got == "exit code 0"


# Gates


def test_tagged_sessions_are_gates_in_the_order_of_the_noxfile_then_commands(root: Path) -> None:
    settings = config(
        root, GateConfig(name="make", command=("make",), title="All"), GateConfig(name="lint", title="Style")
    )
    nox = FakeNox(session("test", description="Tests."), session("release", tags=["x"]), session("lint", python="3.11"))
    found = discover(root, settings, nox)
    assert [(gate.name, gate.group, gate.kind, gate.signature, gate.title, gate.python) for gate in found] == [
        ("test", "test", "nox", "test", "Tests.", ""),
        ("lint", "lint", "nox", "lint", "Style", "3.11"),
        ("make", "make", "command", "", "All", ""),
    ]
    assert found[1].config is settings.gates["lint"]
    assert found[0].config == GateConfig(name="test")


def test_a_parametrised_session_is_one_gate_per_signature_with_the_settings_of_its_name(root: Path) -> None:
    settings = config(root, GateConfig(name="test", timeout=5.0), GateConfig(name="test-3.12", timeout=9.0))
    nox = FakeNox(*(session(f"test-{version}", "test") for version in ("3.11", "3.12", "3.13")))
    found = discover(root, settings, nox)
    assert [(gate.name, gate.group, gate.config.timeout) for gate in found] == [
        ("test-3.11", "test", 5.0),
        ("test-3.12", "test", 9.0),
        ("test-3.13", "test", 5.0),
    ]


def test_a_table_adopts_a_session_without_the_tag(root: Path) -> None:
    settings = config(root, GateConfig(name="style", session="lint", title="Style"))
    (gate,) = discover(root, settings, FakeNox(session("lint", tags=[]), session("other", tags=[])))
    assert (gate.name, gate.group, gate.signature, gate.title) == ("style", "style", "lint", "Style")


def test_a_table_adopts_one_signature_or_all_of_a_name(root: Path) -> None:
    sessions = [session(f"test-{version}", "test", tags=[]) for version in ("3.11", "3.12")]
    one = discover(root, config(root, GateConfig(name="newest", session="test-3.12")), FakeNox(*sessions))
    assert [(gate.name, gate.group, gate.signature) for gate in one] == [("newest", "newest", "test-3.12")]
    every = discover(root, config(root, GateConfig(name="all", session="test")), FakeNox(*sessions))
    assert [(gate.name, gate.group) for gate in every] == [("test-3.11", "all"), ("test-3.12", "all")]


def test_a_project_without_nox_has_its_commands(tmp_path: Path) -> None:
    (gate,) = discover(tmp_path, config(tmp_path, GateConfig(name="make", command=("make",))))
    assert (gate.name, gate.kind, gate.config.command) == ("make", "command", ("make",))


@pytest.mark.parametrize(
    ("noxfile", "got"), [(True, "2 nox sessions, none with the tag"), (False, "no noxfile.py, no gates.toml")]
)
def test_a_project_without_gates_is_told_what_to_do(tmp_path: Path, noxfile: bool, got: str) -> None:
    if noxfile:
        (tmp_path / "noxfile.py").touch()
    with pytest.raises(UsageError, match="no gate found") as caught:
        discover(tmp_path, Config(root=tmp_path), FakeNox(session("a", tags=[]), session("b", tags=["Gate"])))
    assert caught.value.got == got
    assert "gates init" in caught.value.remedy


# Names that are wrong


def test_every_unknown_name_is_shown_at_once_with_the_nearest(root: Path) -> None:
    settings = config(
        root,
        GateConfig(name="tset", timeout=1.0),
        GateConfig(name="lint", needs=("buidl", "test")),
        GateConfig(name="new", session="nothing"),
        accept_could_not_run=("linnt",),
        profiles={"quick": Profile(name="quick", gates=("lint", "xyz")), "all": Profile(name="all")},
    )
    assert refused(root, settings, session("build"), session("test"), session("lint")) == [
        "no gate is named 'tset' ([gate.tset]) | did you mean 'test'?",
        "no gate is named 'buidl' (needs of lint) | did you mean 'build'?",
        "nox lists no session 'nothing' ([gate.new]) | ",
        "no gate is named 'linnt' (accept-could-not-run) | did you mean 'lint'?",
        "no gate is named 'xyz' (profile quick) | known gates: build, lint, test",
    ]


def test_a_session_without_the_tag_is_told_how_to_become_a_gate(root: Path) -> None:
    settings = config(root, GateConfig(name="docs", timeout=1.0))
    (error,) = refused(root, settings, session("docs", tags=[]), session("lint"))
    assert error.endswith("give the session the tag 'gate', or write session = 'docs' into its table")


def test_groups_and_signatures_are_known_everywhere(root: Path) -> None:
    settings = config(
        root,
        GateConfig(name="lint", needs=("test", "test-3.11")),
        accept_could_not_run=("test", "test-3.12"),
        profiles={"quick": Profile(name="quick", gates=("test", "test-3.11", "lint"))},
    )
    nox = FakeNox(session("lint"), *(session(f"test-{version}", "test") for version in ("3.11", "3.12")))
    assert len(discover(root, settings, nox)) == 3


@pytest.mark.parametrize(
    ("gates", "sessions", "error"),
    [
        pytest.param(
            [GateConfig(name="lint", command=("ruff",))],
            [session("lint")],
            "two gates are named 'lint' | rename the table [gate.lint]",
            id="a session and a command",
        ),
        pytest.param(
            [GateConfig(name="lint", session="style")],
            [session("lint"), session("style", tags=[])],
            "two gates are named 'lint' | rename the table [gate.lint]",
            id="a session and another one under its name",
        ),
        pytest.param(
            [GateConfig(name="one", session="lint"), GateConfig(name="two", session="lint")],
            [session("lint")],
            "[gate.one] and [gate.two] are the same session 'lint' | keep one of them",
            id="two names for one session",
        ),
        pytest.param(
            [GateConfig(name="lint", needs=("lint",))],
            [session("lint")],
            "gate 'lint' needs itself | remove this need",
            id="itself",
        ),
    ],
)
def test_gates_that_contradict_each_other_are_refused(
    root: Path, gates: list[GateConfig], sessions: list[dict[str, Any]], error: str
) -> None:
    assert refused(root, config(root, *gates), *sessions) == [error]


# With nox itself

NOXFILE = """
    import nox
    print("noise before")
    print('[{"session": "x"}]')
    nox.options.sessions = ["lint"]

    @nox.session(tags=["gate"])
    def lint(session):
        '''Looks for mistakes.'''

    @nox.session(tags=["gate"], python=False)
    @nox.parametrize("db", ["a", "b"])
    def test(session, db):
        pass

    @nox.session(default=False)
    def release(session):
        pass
"""


def test_a_real_noxfile_is_listed_whole_whatever_the_environment_selects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "noxfile.py").write_text(dedent(NOXFILE))
    monkeypatch.setenv("NOXSESSION", "lint")
    monkeypatch.setenv("NOXPYTHON", "3.99")
    found = list_sessions(tmp_path)
    assert [(item.signature, item.name, item.tags) for item in found] == [
        ("lint", "lint", ("gate",)),
        ("test(db='a')", "test", ("gate",)),
        ("test(db='b')", "test", ("gate",)),
        ("release", "release", ()),
    ]
    assert found[0].description == "Looks for mistakes."
    assert [item.signature for item in list_sessions(tmp_path, only_default=True)] == ["lint"]


@pytest.mark.parametrize(
    ("text", "line", "got"),
    [
        ("import nox\n\ndef broken(:\n    pass\n", 3, "SyntaxError"),
        ("import nox\n\n\nnox.sesion\n", 4, "AttributeError"),
    ],
)
def test_a_broken_noxfile_is_refused_at_its_line(tmp_path: Path, text: str, line: int, got: str) -> None:
    (tmp_path / "noxfile.py").write_text(text)
    with pytest.raises(UsageError, match="cannot list") as caught:
        list_sessions(tmp_path)
    assert caught.value.place == f"{tmp_path / 'noxfile.py'}:{line}"
    assert got in caught.value.got
    assert "Traceback" not in str(caught.value)


def test_a_launched_command_has_no_input_and_any_output(tmp_path: Path) -> None:
    done = launch(["sh", "-c", r"cat; printf 'a\377b'; echo err >&2; exit 3"], tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("a\ufffdb", "err\n", 3)


def test_errors_of_discovery_are_errors_of_gates() -> None:
    assert issubclass(UsageError, GatesError)
