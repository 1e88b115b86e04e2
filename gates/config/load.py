"""Read and check the config; show all its mistakes at once, each with its line and the nearest valid name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gates.config.locate import locate
from gates.config.own_reports import taken
from gates.config.problems import Problems, nul_in
from gates.config.secrets import shown
from gates.config.suppressions import read_suppressions
from gates.config.tables import read_gate, read_junit_rules, read_profile, read_top
from gates.config.tests import names_of, read_groups, read_layers, read_scripts
from gates.config.values import Config
from gates.portable.errors import ConfigError, GatesError, ManyErrors
from gates.portable.regular import read_bytes

OWN_FILE = "gates.toml"
PROJECT_FILE = "pyproject.toml"


def find_root(start: Path) -> Path:
    """The project's folder: the nearest one upward that has a config, a noxfile, or a git repository."""
    for folder in (start, *start.parents):
        if any((folder / name).exists() for name in (OWN_FILE, "noxfile.py", PROJECT_FILE, ".git")):
            return folder
    return start


READ: list[Config] = []
"""The configs that this process has read: its output must hide the secrets that they name."""


def load_config(root: Path) -> Config:
    """The config of the project in `root`; the defaults if it has none.

    Raises:
        ManyErrors: everything that is wrong with the file.
    """
    config = _load(root)
    READ.append(config)
    return config


def _load(root: Path) -> Config:
    own, project = root / OWN_FILE, root / PROJECT_FILE
    own_table = _parse(own) if own.exists() else None
    project_table = _tool_table(project) if project.exists() else None
    if own_table is not None and project_table is not None:
        what = f"the config is in two places: {OWN_FILE} and [tool.gates] of {PROJECT_FILE}"
        raise _refused(what, place=str(own), remedy="keep one of them")
    if own_table is not None:
        return _read(root, own, own_table, ())
    if project_table is not None:
        return _read(root, project, project_table, ("tool", "gates"))
    return Config(root=root)


def _refused(what: str, **fields: str) -> ManyErrors:
    return ManyErrors((ConfigError(what, **fields),))


def _parse(path: Path) -> dict[str, Any]:
    data = b""
    try:
        data = read_bytes(path)
        return tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise _refused(f"cannot be read: {error.strerror}", place=str(path)) from error
    except (ValueError, RecursionError) as error:  # of ValueError: wrong syntax, wrong bytes
        place = f"{path.name}:{_line_of(error, data)}" if isinstance(error, ValueError) else str(path)
        raise _refused(f"not valid TOML: {error}", place=place) from error


def _line_of(error: ValueError, data: bytes) -> int:
    if isinstance(error, UnicodeDecodeError):
        return data[: error.start].count(b"\n") + 1
    line = re.search(r"at line (\d+)", str(error))
    return int(line[1]) if line else len(data.splitlines())  # "at end of document"


def _tool_table(path: Path) -> dict[str, Any] | None:
    """`[tool.gates]`; None when the file has no such table."""
    table: Any = _parse(path)
    for depth, key in enumerate(("tool", "gates"), 1):
        if key not in table:
            return None
        table = table[key]
        if not isinstance(table, dict):
            keys = ("tool", "gates")[:depth]
            what, place = f"{'.'.join(keys)} is not a table", _places(path, ())(keys)
            raise _refused(what, place=place, expected="[tool.gates]", got=shown(table))
    found: dict[str, Any] = table
    return found


def _read(root: Path, path: Path, table: Mapping[str, Any], prefix: tuple[str, ...]) -> Config:
    # Imported here: a project without exclusions need not load the filter language.
    from gates.portable.exclusions import QUARANTINE, read_exclusions

    place = _places(path, prefix)
    problems = Problems(place)
    for keys in nul_in(table):
        problems.add(keys, f"{'.'.join(keys)!r} holds a NUL", expected="text without NUL characters")
    if problems.found:  # reading on would only cause follow-up errors
        raise ManyErrors(tuple(problems.found))
    settings = read_top(table, problems)
    gates = {name: read_gate(name, value, problems) for name, value in problems.tables(table, "gate")}
    for keys, file in taken(settings.get("reports", "reports"), gates):
        problems.add(
            keys,
            f"{file!r} is written by gates itself",
            expected="another name, or a file in another folder",
            remedy="let the tool write elsewhere, for example into build/",
        )
    tests = table.get("tests")
    nameable = names_of(tests)
    rules = read_layers(tests, ("tests",), problems, nameable)
    junit = read_junit_rules(table, problems)
    suppressions = read_suppressions(table, problems)
    groups, scripts = read_groups(tests, problems), read_scripts(tests, problems)
    profiles = {
        name: read_profile(name, value, problems, nameable) for name, value in problems.tables(table, "profile")
    }
    ledger, mistakes = read_exclusions(
        dict(problems.tables(table, "exclusions")), lambda keys: place(("exclusions", *keys))
    )
    quarantine, more = read_exclusions(
        dict(problems.tables(table, "quarantine")), lambda keys: place(("quarantine", *keys)), QUARANTINE
    )
    mistakes += more
    named = {entry.name for entry in (*ledger, *quarantine)}
    for name in settings.get("accept_exclusions", ()):
        if name not in named and not mistakes:
            problems.add(
                ("accept-exclusions",), f"no exclusion is named {name!r}", remedy=f"known: {', '.join(sorted(named))}"
            )
    errors: tuple[GatesError, ...] = (*problems.found, *mistakes)
    if errors:
        raise ManyErrors(tuple(sorted(errors, key=_position)))
    return Config(
        root=root,
        path=path,
        gates=gates,
        profiles=profiles,
        exclusions=ledger,
        quarantine=quarantine,
        rules=rules,
        groups=groups,
        scripts=scripts,
        junit=junit,
        mutants=suppressions,
        **settings,
    )


def _position(error: GatesError) -> tuple[str, int]:
    file, _, line = error.place.rpartition(":")
    return file, int(line) if line.isdigit() else 0


def place_in(config: Config, keys: tuple[str, ...]) -> str:
    """The line of a key in the file of a config."""
    if config.path is None:
        return "default"
    return _places(config.path, ("tool", "gates") if config.path.name == PROJECT_FILE else ())(keys)


def _places(path: Path, prefix: tuple[str, ...]) -> Callable[[tuple[str, ...]], str]:
    text = read_bytes(path).decode("utf-8")
    shown = path.name

    def place(keys: tuple[str, ...]) -> str:
        return f"{shown}:{locate(text, (*prefix, *keys)) or 1}"

    return place
