from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import gates
from gates.noxtools.modules import failures


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "sample_of_modules"
    (folder / "inner").mkdir(parents=True)
    for name in ("__init__.py", "fine.py", "inner/__init__.py", "inner/deep.py"):
        (folder / name).write_text("")
    (folder / "__main__.py").write_text("raise SystemExit('a program was started')\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.startswith("sample_of_modules")]:
        monkeypatch.delitem(sys.modules, name)
    return folder


def test_a_package_whose_modules_import_has_no_failures(package: Path) -> None:
    assert failures([package.name]) == ()
    assert "sample_of_modules.inner.deep" in sys.modules


def test_every_module_that_fails_is_named(package: Path) -> None:
    (package / "fine.py").write_text("import no_such_module_anywhere\n")
    (package / "inner" / "deep.py").write_text("1 / 0\n")
    assert failures([package.name, "no_such_package"]) == (
        "sample_of_modules.fine: ModuleNotFoundError: No module named 'no_such_module_anywhere'",
        "sample_of_modules.inner.deep: ZeroDivisionError: division by zero",
        "no_such_package: ModuleNotFoundError: No module named 'no_such_package'",
    )


def test_a_module_may_need_a_package_that_may_be_missing_and_that_is_said(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (package / "fine.py").write_text("import no_such_module_anywhere.inner\n")
    assert failures([package.name], ["no_such_module_anywhere"]) == ()
    said = "sample_of_modules.fine: not imported, because no_such_module_anywhere is not installed\n"
    assert capsys.readouterr().err == said
    assert len(failures([package.name], ["another"])) == 1


def test_as_a_program_it_exits_1_on_failures() -> None:
    words = [sys.executable, "-m", "gates.noxtools.modules", "gates.noxtools", "no_such_package", "without", "x"]
    home = Path(gates.__file__).parent.parent
    done = subprocess.run(words, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "no_such_package: ModuleNotFoundError: No module named 'no_such_package'\n"
