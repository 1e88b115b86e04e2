"""The sample project is the same every time, and what it says of itself is true."""

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.sample import CHECKS, FUNCTIONS, MODULES, PACKAGE, write_sample

if TYPE_CHECKING:
    from collections.abc import Callable


def files(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, "PYTHON")
    return folder


@pytest.mark.slow
def test_the_same_seed_gives_the_same_files(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, "PYTHON")
    assert files(sample) == files(tmp_path)


def test_it_has_eight_hundred_and_twenty_tests_in_about_eight_thousand_lines(sample: Path) -> None:
    sources = {name: text for name, text in files(sample).items() if name.endswith(".py")}
    tests = sum(text.count("\ndef test_") for name, text in sources.items() if name.startswith("tests/"))
    assert tests == 2 * MODULES * FUNCTIONS == 820
    assert 7_000 < sum(text.count("\n") for text in sources.values()) < 9_000


def test_nox_and_tox_and_the_script_run_the_same_checks(sample: Path) -> None:
    found = files(sample)
    for name, commands in CHECKS.items():
        assert f"@nox.session(name={name!r}" in found["noxfile.py"]
        assert f"[testenv:{name}]" in found["tox.ini"]
        assert f"PYTHON -m nox -R -s {name}\n" in found["serial.sh"]
        for words in commands:
            assert ", ".join(map(repr, words)) in found["noxfile.py"]
            assert f"PYTHON -m {' '.join(words)}\n" in found["tox.ini"]


def test_its_tests_expect_what_its_functions_give(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(sample))
    part = importlib.import_module(f"{PACKAGE}.part_00")
    space: dict[str, Callable[[], None]] = {name: value for name, value in vars(part).items() if callable(value)}
    exec((sample / "tests" / "test_part_00.py").read_text("utf-8"), space)
    tests = [test for name, test in space.items() if name.startswith("test_")]
    assert len(tests) == 2 * FUNCTIONS
    for test in tests:
        test()
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        monkeypatch.delitem(sys.modules, name)
