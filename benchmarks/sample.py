"""Writes the sample project: about 8,000 lines, 820 tests, and the same seven checks for nox and for tox.

The same seed gives the same files, byte for byte. The checks call the tools of the environment that the benchmark runs
in, by the path of its interpreter: nothing is installed while the time is kept.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PACKAGE = "sample_project"
MODULES, FUNCTIONS = 41, 10
WORK = 20_000
"""Steps of the average test that does something: about a millisecond; there is an empty one beside each."""
SEED = 20_261_123

CHECKS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "build": (("hatchling", "build", "--clean", "-d", "build/dist"),),
    "lint": (("ruff", "check", "."),),
    "types": (("mypy",),),
    "format": (("ruff", "format", "--check", "."),),
    "docs": (("tools.document", "build/docs"),),
    "min_python": (
        ("compileall", "-q", "-f", PACKAGE),
        ("mypy", "--python-version", "3.10"),
        ("pytest", "-q", *(f"tests/test_part_{number:02}.py" for number in range(10))),
    ),
    "test": (("pytest", "-q"),),
}
"""Session → its commands, each a module with arguments, as for `python -m`."""

_PYPROJECT = f"""\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "sample-project"
version = "1.0"
requires-python = ">=3.10"

[tool.hatch.build]
include = ["/{PACKAGE}"]

[tool.ruff]
line-length = 100

[tool.ruff.lint]
select = ["A", "B", "C4", "E", "F", "I", "N", "PIE", "PL", "RET", "RUF", "SIM", "UP", "W"]
ignore = ["PLR0911", "PLR2004"]

[tool.mypy]
strict = true
files = ["{PACKAGE}", "tests", "tools"]

[tool.pytest.ini_options]
testpaths = ["tests"]
addopts = "-p no:gates.pytest_plugin -p no:xdist -p no:cacheprovider"
"""

_FUNCTION = '''
def {name}(values: list[int], limit: int = {limit}) -> int:
    """Fold the values that are below the limit; what is above it counts once."""
    total = {start}
    for value in values:
        total = total * {factor} + value if value < limit else total + 1
    return total % {modulus}
'''

_RECORD = '''
@dataclass(frozen=True)
class Record{number:02}:
    """A value that adds up."""

    name: str
    amount: int = {amount}

    def plus(self, other: int) -> "Record{number:02}":
        """A record with a larger amount."""
        return Record{number:02}(self.name, self.amount + other)
'''

_TEST = """
def test_{name}_of_nothing() -> None:
    assert {name}([]) == {empty}


def test_{name}_of_many() -> None:
    assert {name}(list(range({length}))) == {many}
"""

_DOCUMENT = f'''\
"""Write an HTML page for each module."""

import importlib
import pkgutil
import pydoc
import sys
from pathlib import Path

import {PACKAGE}


def main(folder: Path) -> None:
    """Write the pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for found in pkgutil.iter_modules({PACKAGE}.__path__, "{PACKAGE}."):
        page = pydoc.HTMLDoc().docmodule(importlib.import_module(found.name))
        (folder / f"{{found.name}}.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
'''


def write_sample(root: Path, python: str, checks: Mapping[str, tuple[tuple[str, ...], ...]] = CHECKS) -> None:
    """Write the project.

    Args:
        root: a folder that does not exist yet.
        python: the interpreter whose tools the checks call.
        checks: what noxfile and tox.ini run.
    """
    dice = random.Random(SEED)
    for folder in (PACKAGE, "tests", "tools"):
        (root / folder).mkdir(parents=True)
        _write(root / folder / "__init__.py", '"""Part of the sample."""\n')
    for number in range(MODULES):
        source, test = _module(number, dice)
        _write(root / PACKAGE / f"part_{number:02}.py", source)
        _write(root / "tests" / f"test_part_{number:02}.py", test)
    _write(root / "tools" / "document.py", _DOCUMENT)
    _write(root / "pyproject.toml", _PYPROJECT)
    _write(root / "README.md", "A sample project.\n")
    _write(root / ".gitignore", "build/\nreports/\n.*/\n__pycache__/\n*.pyc\n")
    _write(root / "noxfile.py", noxfile(python, checks))
    _write(root / "tox.ini", tox_ini(python, checks))
    _write(root / "serial.sh", shell_script(python, checks))


def noxfile(python: str, checks: Mapping[str, tuple[tuple[str, ...], ...]]) -> str:
    """A session with an environment of its own, made by uv, for each check."""
    parts = ['import nox\n\nnox.options.default_venv_backend = "uv"\n']
    for name, commands in checks.items():
        lines = [
            f'    session.run({python!r}, "-m", {", ".join(map(repr, words))}, external=True)' for words in commands
        ]
        body = "\n".join(lines)
        parts.append(f'\n\n@nox.session(name={name!r}, tags=["gate"])\ndef {name}_(session):\n{body}\n')
    return "".join(parts)


def tox_ini(python: str, checks: Mapping[str, tuple[tuple[str, ...], ...]]) -> str:
    """The same checks, each in an environment of its own, with nothing to install."""
    parts = [f"[tox]\nno_package = true\nenv_list = {', '.join(checks)}\n\n[testenv]\nallowlist_externals = {python}\n"]
    for name, commands in checks.items():
        lines = "".join(f"    {python} -m {' '.join(words)}\n" for words in commands)
        parts.append(f"\n[testenv:{name}]\ncommands =\n{lines}")
    return "".join(parts)


def shell_script(python: str, checks: Mapping[str, tuple[tuple[str, ...], ...]]) -> str:
    """The sessions one after the other; an empty file (its time of change) marks the end of each."""
    lines = ["set -e", "mkdir -p .marks", ": > .marks/begin"]
    for name in checks:
        lines += [f"{python} -m nox -R -s {name}", f": > .marks/{name}"]
    return "\n".join(lines) + "\n"


def _module(number: int, dice: random.Random) -> tuple[str, str]:
    """A module and its tests."""
    source = [f'"""Part {number} of the sample."""\n\nfrom dataclasses import dataclass\n', _record(number, dice)]
    tests, names = [], []
    for index in range(FUNCTIONS):
        name = f"fold_{number:02}_{index:02}"
        limit, start, factor, modulus = (dice.randrange(3, 1000) for _ in range(4))
        source.append(_FUNCTION.format(name=name, limit=limit, start=start, factor=factor, modulus=modulus))
        length = dice.randrange(1, 2 * WORK)
        many = _fold(length, limit, start, factor) % modulus
        tests.append(_TEST.format(name=name, empty=start % modulus, length=length, many=many))
        names.append(f"    {name},\n")
    if number:
        source[0] += f"\nfrom {PACKAGE}.part_{number - 1:02} import Record{number - 1:02}\n"
        source.append(f'\n\nEARLIER = Record{number - 1:02}("earlier")\n')
    head = f'"""Tests of part {number}."""\n\nfrom {PACKAGE}.part_{number:02} import (\n{"".join(names)})\n'
    return "\n".join(source), head + "\n" + "\n".join(tests)


def _fold(length: int, limit: int, total: int, factor: int) -> int:
    """What `_FUNCTION` comes to before the modulus is taken."""
    for value in range(length):
        total = total * factor + value if value < limit else total + 1
    return total


def _record(number: int, dice: random.Random) -> str:
    return _RECORD.format(number=number, amount=dice.randrange(1000))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
