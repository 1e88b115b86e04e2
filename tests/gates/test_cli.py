from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, NamedTuple

import pytest

import gates
from gates.cli import cli, main
from gates.portable.settings.run import VARIABLES
from gates.portable.values import ExitCode
from tests.gates.readers.junit.sample import a_run, a_test
from tests.gates.storage.laying import lay

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gates.conftest import Program
    from tests.repository import Repository

COMMAND = '[gate.one]\ncommand = "true"\n'


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Runs the console script in this process, in `tmp_path`."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["gates", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return Ended(int(caught.value.code or 0), out, err)

    return run


# Help

SHOWN = [name for name, command in cli.commands.items() if not command.hidden]


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_command_and_exit_code(call: Callable[..., Ended], option: str) -> None:
    ended = call(option)
    assert (ended.code, ended.err) == (0, "")
    for name in SHOWN:
        assert f"\n  {name} " in ended.out
    codes = " ".join(ended.out.split())
    assert "130 interrupted, 2 wrong usage, config or expression, 1 a gate failed, 5 regression" in codes
    for code in ExitCode:
        assert f"{int(code)} " in codes


@pytest.mark.parametrize("name", cli.commands)
def test_every_command_has_help_of_its_own(call: Callable[..., Ended], name: str) -> None:
    ended = call(name, "--help")
    assert ended.code == 0
    assert f"Usage: gates {name}" in ended.out


def test_the_version_is_that_of_the_package(call: Callable[..., Ended]) -> None:
    assert call("--version").out.strip().endswith(gates.__version__)


def test_help_needs_no_other_module_of_gates(program: Program, tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['gates', '--help']\nfrom gates.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    )
    code += "print([name for name in sys.modules if name.split('.')[0] in ('msgspec', 'nox', 'rich', 'gates')])"
    root = str(Path(gates.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.splitlines()[-1]
    assert loaded == str(
        [
            *(
                "gates",
                "gates.portable",
                "gates.portable.settings",
                "gates.portable.patterns",
                "gates.portable.values",
                "gates.portable.settings.kinds",
                "gates.portable.settings.declare",
                "gates.portable.settings.paths",
                "gates.portable.settings.run",
                "gates.portable.settings.project",
                "gates.cli.options",
                "gates.cli.faults",
                "gates.cli.shown",
                "gates.cli.queries",
                "gates.cli.stacks",
                "gates.portable.errors",
                "gates.cli.verdicts",
            ),
            *("gates.cli.signals", "gates.cli.streams", "gates.cli"),
            *(
                "gates.portable.masking.cuts",
                "gates.portable.masking.forms",
                "gates.portable.masking.names",
                "gates.portable.masking.mask",
            ),
            *("gates.portable.masking", "gates.portable.escapes"),
        ]
    )


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "No such command 'nope'"),
        (["run", "--nope"], "No such option"),
        (["run", "--jobs", "0"], "Invalid value for '-j'"),
        (["run", "--test-timeout", "soon"], "not a duration"),
        (["run", "--test-timeout", "0"], "not a duration above zero"),
        (["run", "--test-timeout", "inf"], "not a duration"),
        (["run", "--root", "nowhere"], "does not exist"),
        (["run", "--gate"], "requires an argument"),
        (["compare"], "Missing argument 'BASE'"),
        (["schema", "nope"], "'nope' is not one of"),
        (["report", "--format", "pdf"], "'pdf' is not one of"),
        (["serve", "--port", "0"], "0 is not in the range"),
        (["run", "-E", "test("], "^"),
        (["run", "-E", "test(a)", "-E", "b c"], "^"),
        (["run", "--subject", "HEAD"], "there is no git repository"),
        (["compare", "main"], "there is no git repository"),
        (["compare", "a", "b", "c"], "more than two sides"),
        (["compare", "a.xml", "b.xml", "c.xml"], "quote the pattern of each side"),
        (["compare", "a.xml"], "a results file is compared with results files only"),
        (["compare", "main", "b.jsonl"], "'main', which is no file, and 'b.jsonl'"),
        (["compare", "a.xml", "b.xml", "-E", "all()"], "--filter-expr is about runs"),
        (["compare", "a.xml", "b.xml", "--confirm", "2"], "--confirm is about runs"),
        (["compare", "a.xml", "main", "--confirm", "-1"], "Invalid value for '--confirm'"),
        (["run", "--profile", "nope"], "no profile is named 'nope'"),
        (["list", "--profile", "nope"], "no profile is named 'nope'"),
        (["run", "--gate", "onne"], "did you mean 'one'?"),
        (["report"], "there is no run"),
        (["report", "nowhere"], "there is no run"),
        (["init"], "gates.toml exists"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_told_on_standard_error(
    call: Callable[..., Ended], tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "gates.toml").write_text(COMMAND)
    (tmp_path / "go.mod").touch()  # so that there is something to begin with
    ended = call(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert not (tmp_path / "reports").exists()


@pytest.mark.slow
def test_without_arguments_help_is_shown(program: Program, tmp_path: Path) -> None:
    done = program(cwd=tmp_path)
    assert "Usage: gates" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# Bad input: in a process of its own, as a user sees it


@pytest.mark.parametrize(
    ("files", "arguments", "code", "said"),
    [
        pytest.param({}, ["run"], 2, ["no gate found", "gates init"], id="nothing there"),
        pytest.param(
            {"gates.toml": "jbos = 1\n\n[gate.one]\ncomand = 'true'\n[profile.a]\njobs = 0\n"},
            ["run"],
            2,
            ["gates.toml:1:", "'jobs'", "gates.toml:4:", "'command'", "gates.toml:6:"],
            id="three mistakes",
        ),
        pytest.param({"gates.toml": "a = 1\nb = [\n"}, ["list"], 2, ["gates.toml:2:", "TOML"], id="no TOML"),
        pytest.param(
            {"noxfile.py": "import nox\n\n\ndef a(:\n"}, ["list"], 2, ["noxfile.py:4:", "SyntaxError"], id="noxfile"
        ),
        pytest.param(
            {"gates.toml": COMMAND + "[profile.none]\ngates = []\n"},
            ["run", "-p", "none"],
            4,
            ["selects no gate"],
            id="nothing selected",
        ),
        pytest.param({"gates.toml": COMMAND, "reports": ""}, ["run"], 2, ["reports: is not a folder"], id="no reports"),
    ],
)
def test_an_error_is_a_message_and_an_exit_code(
    program: Program, tmp_path: Path, files: dict[str, str], arguments: list[str], code: int, said: list[str]
) -> None:
    root = tmp_path / "a größe"
    root.mkdir()
    for name, text in files.items():
        (root / name).write_text(dedent(text))
    done = program(*arguments, cwd=root)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    for words in said:
        assert words in done.stderr
    assert {path.name for path in root.iterdir()} - {"__pycache__"} == set(files)


def test_a_message_fits_a_terminal_that_knows_only_ascii(program: Program, tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text("größe = 1\n", encoding="utf-8")
    done = program("list", cwd=tmp_path, PYTHONIOENCODING="ascii:strict", PYTHONUTF8="0", LC_ALL="C")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert r"gr\xf6\xdfe" in done.stderr or "not valid" in done.stderr


def test_a_folder_that_went_away_is_no_traceback(program: Program, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import os, sys; os.rmdir(os.getcwd()); sys.argv = ['gates', 'list']; from gates.cli import main; main()"
    root = str(Path(gates.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=gone,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)


# Runs


@pytest.mark.parametrize(("command", "code"), [("true", 0), ("false", 1), ("no-such-program-at-all", 3)])
def test_a_run_ends_as_its_gates_did(program: Program, tmp_path: Path, command: str, code: int) -> None:
    (tmp_path / "gates.toml").write_text(f'[gate.one]\ncommand = "{command}"\n')
    done = program("run", cwd=tmp_path)
    assert done.returncode == code, done.stderr
    data = json.loads((tmp_path / "reports/run.json").read_text())
    assert (data["exit_code"], data["complete"], data["command_line"]) == (code, True, "gates run")


def test_arguments_that_are_no_utf8_reach_the_run(program: Program, tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(COMMAND)
    done = program("run", "-E", "test(\udcff)", cwd=tmp_path)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr
    assert r"\udcff" in json.loads((tmp_path / "reports/run.json").read_text())["command_line"]


def test_several_expressions_are_a_union(call: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(COMMAND)
    assert call("run", "-E", "test(a)", "-E", "test(b) and test(c)").code == 0
    data = json.loads((tmp_path / "reports/run.json").read_text())
    assert data["filter"] == "(test(a)) or (test(b) and test(c))"


def test_options_reach_the_run(call: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(COMMAND + '[gate.two]\ncommand = "true"\n')
    ended = call("run", "-g", "one", "-g", "two", "-j", "1", "--test-timeout", "1m", "--reports", "elsewhere")
    assert ended.code == 0
    data = json.loads((tmp_path / "elsewhere/run.json").read_text())
    assert (data["planned"], data["jobs"], data["test_timeout"]) == (["one", "two"], 1, 60.0)
    assert data["command_line"].startswith("gates run -g one -g two")


def test_options_that_are_not_given_come_from_the_environment(
    call: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles = "[profile.a]\ntest-timeout = '5m'\n[profile.b]\n"
    (tmp_path / "gates.toml").write_text(f'{COMMAND}[gate.two]\ncommand = "true"\n{profiles}')
    for name, value in {"PROFILE": "b", "JOBS": "1", "TEST_TIMEOUT": "2m", "RETRIES": ""}.items():
        monkeypatch.setenv(f"GATES_{name}", value)
    assert call("run", "--profile", "a").code == 0
    data = json.loads((tmp_path / "reports/run.json").read_text())
    assert (data["profile"], data["jobs"], data["test_timeout"]) == ("a", 1, 120.0)
    assert data["command_line"] == "GATES_JOBS=1 GATES_TEST_TIMEOUT=2m gates run --profile a"


@pytest.mark.parametrize("option", list(VARIABLES))
def test_a_wrong_value_of_a_variable_is_told_with_its_name(
    call: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    (tmp_path / "gates.toml").write_text(COMMAND)
    monkeypatch.setenv(VARIABLES[option], "wr/ong")
    ended = call("run")
    assert (ended.code, ended.out) == (2, "")
    assert VARIABLES[option] in ended.err
    assert not (tmp_path / "reports").exists()


def test_every_variable_stands_for_an_option_and_is_in_the_reference() -> None:
    options = {option.name: option for option in cli.commands["run"].params}
    reference = (Path(__file__).parents[2] / "docs/reference/commands.md").read_text()
    for name, variable in VARIABLES.items():
        assert options[name].envvar == variable
        assert f"`{variable}`" in reference
    assert {name for name, option in options.items() if option.envvar} == set(VARIABLES)


def test_the_project_is_found_from_a_subfolder_or_named(
    call: Callable[..., Ended], repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write({"gates.toml": COMMAND, "sub/folder/a": ""})
    assert "one" in call("list", "-C", str(repository.root)).out
    monkeypatch.chdir(repository.root / "sub/folder")
    assert "one" in call("list").out


# What it prints


def test_a_run_can_be_shown_again_from_where_the_config_puts_it(call: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(f'reports = "out"\n{COMMAND}')
    lay(tmp_path / "out", a_run([a_test("test_it")], project="the-project"), [a_test("test_it")])
    for form, words in (("terminal", "1 test run: 1 passed"), ("markdown", "the-project")):
        ended = call("report", "--format", form)
        assert (ended.code, ended.err) == (0, "")
        assert words in ended.out
    assert "<testsuites" in call("report", "out/run.json", "--format", "junit").out


def test_a_listing_can_be_read_by_programs(call: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(COMMAND)
    assert [gate["name"] for gate in json.loads(call("list", "--json").out)] == ["one"]


@pytest.mark.parametrize("name", ["run", "test", "comparison", "stack"])
def test_a_schema_is_printed(call: Callable[..., Ended], name: str) -> None:
    assert json.loads(call("schema", name).out)["title"].startswith(f"gates {name}")


def test_a_starter_is_written_into_this_folder(call: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "new").mkdir()
    for folder in (tmp_path, tmp_path / "new"):
        (folder / "go.mod").touch()
    assert call("init", "--print").out.startswith("# gates.toml")
    assert call("init", "-C", "new").code == 0
    assert call("list", "-C", "new").code == 0
    assert {path.name for path in tmp_path.iterdir()} == {".git", "go.mod", "new"}


@pytest.mark.parametrize(
    ("arguments", "code"), [(["schema"], 0), (["list"], 0), (["report"], 0), (["run"], 1), (["init", "--print"], 0)]
)
def test_a_reader_that_went_away_is_no_failure_and_hides_none(tmp_path: Path, arguments: list[str], code: int) -> None:
    (tmp_path / "gates.toml").write_text('[gate.one]\ncommand = "false"\n')
    (tmp_path / "go.mod").touch()
    lay(tmp_path / "reports", a_run())
    reader, writer = os.pipe()
    os.close(reader)
    root = str(Path(gates.__file__).parents[1])
    with os.fdopen(writer, "wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "gates", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": root},
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr


def test_a_run_goes_on_when_nobody_sees_its_progress(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text('[gate.one]\ncommand = "true"\n[gate.two]\ncommand = "false"\n')
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "gates", "run"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(gates.__file__).parents[1])},
            stdout=out,
            stderr=out,
            check=False,
        )
    data = json.loads((tmp_path / "reports/run.json").read_text())
    assert (done.returncode, data["complete"], len(data["gates"])) == (1, True, 2)
