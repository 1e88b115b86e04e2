from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gates.noxtools.interpreters import Interpreter, candidates, launch, lowest, newest, oldest, supported, verified


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def python(*version: int, path: str = "/somewhere/python", origin: str = "path") -> Interpreter:
    return Interpreter(version, Path(path), origin)


class TestCandidates:
    def test_on_path_are_names_with_a_minor_version(self, tmp_path: Path) -> None:
        expected = put(tmp_path / "bin" / "python3.11")
        for other in ("python3", "python3.11-config", "python3.11m", "pip3.11", "python2.7"):
            put(tmp_path / "bin" / other)
        found = candidates({"PATH": str(tmp_path / "bin")}, tmp_path)
        assert found == (Interpreter((3, 11), expected, "path"),)

    def test_among_pyenvs_versions_but_not_its_shims(self, tmp_path: Path) -> None:
        expected = put(tmp_path / ".pyenv" / "versions" / "3.12.1" / "bin" / "python3")
        put(tmp_path / ".pyenv" / "versions" / "pypy3.10-7.3" / "bin" / "python3")
        (tmp_path / ".pyenv" / "versions" / "3.13.0").mkdir()  # a build that failed half-way
        put(tmp_path / ".pyenv" / "shims" / "python3.9")
        found = candidates({"PATH": str(tmp_path / ".pyenv" / "shims")}, tmp_path)
        assert found == (Interpreter((3, 12, 1), expected, "pyenv"),)

    def test_pyenv_root_moves_pyenv(self, tmp_path: Path) -> None:
        put(tmp_path / "elsewhere" / "versions" / "3.12.1" / "bin" / "python3")
        put(tmp_path / ".pyenv" / "versions" / "3.11.1" / "bin" / "python3")
        found = candidates({"PYENV_ROOT": str(tmp_path / "elsewhere")}, tmp_path)
        assert [str(each) for each in found] == ["3.12.1"]

    @pytest.mark.parametrize(
        ("variable", "folder"),
        [("UV_PYTHON_INSTALL_DIR", "managed"), ("XDG_DATA_HOME", "managed/uv/python"), ("", ".local/share/uv/python")],
    )
    def test_among_those_of_uv(self, tmp_path: Path, variable: str, folder: str) -> None:
        name = "cpython-3.14.0-linux-x86_64-gnu"
        expected = put(tmp_path / folder / name / "bin" / "python3")
        put(tmp_path / folder / "pypy-3.11.13-linux-x86_64-gnu" / "bin" / "python3")
        environ = {variable: str(tmp_path / "managed")} if variable else {}
        assert candidates(environ, tmp_path) == (Interpreter((3, 14, 0), expected, "uv"),)

    def test_the_running_one_comes_first_and_only_once(self, tmp_path: Path) -> None:
        executable = put(tmp_path / "bin" / "python3.11")
        running = Interpreter((3, 11, 7), executable, "running")
        assert candidates({"PATH": str(executable.parent)}, tmp_path, running) == (running,)

    def test_folders_that_do_not_exist_hold_none(self, tmp_path: Path) -> None:
        assert candidates({"PATH": f"{tmp_path}/none::{tmp_path}"}, tmp_path / "nobody") == ()


class TestVerified:
    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            ("3.11.2", (3, 11, 2)),
            ("3.12.0", None),  # the name lied
            ("3.11.0alpha", None),  # no release
            ("", None),
            ("pyenv: python3.11: command not found", None),
            (None, None),
        ],
    )
    def test_takes_the_interpreters_word_over_its_name(
        self, said: str | None, expected: tuple[int, ...] | None
    ) -> None:
        known = verified(python(3, 11), lambda _: said)
        assert (known.version if known else None) == expected

    def test_asks_a_real_interpreter(self) -> None:
        assert launch(Path(sys.executable)) == "{}.{}.{}".format(*sys.version_info[:3])

    def test_what_does_not_run_has_no_version(self, tmp_path: Path) -> None:
        broken = put(tmp_path / "python3.11")
        broken.write_text("#!/bin/sh\nexit 127\n")
        assert launch(broken) is None
        assert launch(tmp_path / "missing") is None


class TestRequiresPython:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (">=3.11", (3, 11)),
            (">= 3.9.2", (3, 9)),
            (">=3.10,<4", (3, 10)),
            ("<4, >=3.12", (3, 12)),
            ("~=3.11", (3, 11)),
            ("==3.13.*", (3, 13)),
            (">=3.9,>=3.11", (3, 11)),
        ],
    )
    def test_lowest(self, text: str, expected: tuple[int, int]) -> None:
        assert lowest(text) == expected

    @pytest.mark.parametrize("text", ["", "<4", "!=3.11.0", ">=three"])
    def test_without_a_lower_bound_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="no lower bound"):
            lowest(text)

    def test_supported_is_one_for_each_minor_version_the_newest_micro(self) -> None:
        found = (python(3, 13, 0), python(3, 9, 18), python(3, 12, 1), python(3, 11), python(3, 12, 4), python(3, 12))
        assert [str(each) for each in supported(">=3.11", found)] == ["3.11", "3.12.4", "3.13.0"]


ELEVEN = Interpreter((3, 11, 7), Path("/pyenv/3.11.7"), "pyenv")
ELEVEN_ON_PATH = Interpreter((3, 11), Path("/bin/python3.11"), "path")
TWELVE = Interpreter((3, 12, 1), Path("/pyenv/3.12.1"), "pyenv")
THIRTEEN = Interpreter((3, 13, 0), Path("/pyenv/3.13.0"), "pyenv")
THIRTEEN_ON_PATH = Interpreter((3, 13), Path("/bin/python3.13"), "path")
FIFTEEN = Interpreter((3, 15), Path("/bin/python3.15"), "path")
EVERY = (ELEVEN, TWELVE, THIRTEEN, THIRTEEN_ON_PATH, FIFTEEN)
MACHINE = {
    ELEVEN.path: "3.11.7",
    ELEVEN_ON_PATH.path: "3.11.2",
    TWELVE.path: "3.12.1",
    THIRTEEN.path: "3.13.0",
    THIRTEEN_ON_PATH.path: "3.13.2",
}


class TestOldest:
    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            ([THIRTEEN, ELEVEN], ELEVEN),
            ([ELEVEN, ELEVEN_ON_PATH], Interpreter((3, 11, 2), ELEVEN_ON_PATH.path, "path")),
            ([THIRTEEN], None),
        ],
        ids=["the lowest", "of several the lowest micro", "only newer ones"],
    )
    def test_the_lowest_one_that_runs_is_taken(self, found: list[Interpreter], expected: Interpreter | None) -> None:
        assert oldest(">=3.11", found, MACHINE.get) == expected

    @pytest.mark.parametrize("said", [None, "3.13.0", "broken"])
    def test_one_that_does_not_run_or_is_another_does_not_count(self, said: str | None) -> None:
        assert oldest(">=3.11", [ELEVEN], lambda _: said) is None

    def test_interpreters_of_other_versions_are_not_even_started(self) -> None:
        asked: list[Path] = []

        def note(path: Path) -> str | None:
            asked.append(path)
            return MACHINE.get(path)

        oldest(">=3.11", [THIRTEEN, ELEVEN], note)
        assert asked == [ELEVEN.path]


@pytest.mark.parametrize(
    ("found", "running", "expected"),
    [
        ((TWELVE, THIRTEEN), ELEVEN, THIRTEEN),
        (EVERY, ELEVEN, THIRTEEN),
        ((ELEVEN, THIRTEEN_ON_PATH), ELEVEN, Interpreter((3, 13, 2), THIRTEEN_ON_PATH.path, "path")),
        ((FIFTEEN,), ELEVEN, None),
        ((ELEVEN,), ELEVEN, None),
        (EVERY, THIRTEEN, None),
        ((), ELEVEN, None),
    ],
    ids=[
        "newest",
        "one that does not run is passed over",
        "version as it says",
        "no other runs",
        "alone",
        "is it",
        "none",
    ],
)
def test_the_newest_one_that_runs_is_taken(
    found: tuple[Interpreter, ...], running: Interpreter, expected: Interpreter | None
) -> None:
    assert newest(">=3.11", found, running, MACHINE.get) == expected
