from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from gates.noxtools.wheels import wheel_problems

if TYPE_CHECKING:
    from pathlib import Path

INFO = "sample-1.dist-info"
GOOD = {
    "pkg/__init__.py": "",
    "pkg/py.typed": "",
    f"{INFO}/METADATA": "Name: sample",
    f"{INFO}/entry_points.txt": "[console_scripts]\nrun = pkg.cli:main\n",
    f"{INFO}/licenses/LICENSE": "MIT",
}


def check(tmp_path: Path, contents: dict[str, str]) -> tuple[str, ...]:
    wheel = tmp_path / "sample-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in contents.items():
            archive.writestr(name, text)
    return wheel_problems(wheel, ["pkg"], ["run = pkg.cli:main"])


def test_a_good_wheel_has_no_problems(tmp_path: Path) -> None:
    assert check(tmp_path, GOOD) == ()


@pytest.mark.parametrize("missing", sorted(set(GOOD) - {f"{INFO}/METADATA"}))
def test_each_missing_part_is_named(tmp_path: Path, missing: str) -> None:
    (found,) = check(tmp_path, {name: text for name, text in GOOD.items() if name != missing})
    assert "missing" in found


@pytest.mark.parametrize(
    "surplus", ["tests/test_a.py", "noxfile.py", "pkg/tests/test_a.py", "pkg/__pycache__/a.pyc", "sample.pth"]
)
def test_each_surplus_file_is_named(tmp_path: Path, surplus: str) -> None:
    (found,) = check(tmp_path, GOOD | {surplus: ""})
    assert surplus in found
