"""Settings of pytest: in all files where it looks for them, and in `addopts`. Reads text."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from gates.analysis.reading import parse
from gates.analysis.strictness.changes import Tool
from gates.analysis.strictness.command import options_in
from gates.analysis.strictness.options import PYTEST, TARGETS
from gates.analysis.strictness.pytest_rules import WarningFilters
from gates.analysis.strictness.rules import Items, Rule, Said, Scale, Silent, Subject, Switch, steps
from gates.analysis.strictness.side import Ini, Key, Side, Toml, Value, Values, lines_of, number_of, switch_of, words_of

CONFTEST = "conftest.py"
FILES = (
    "pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg", CONFTEST,
)  # fmt: skip

_PATTERNS = Items(strict=True, does="collects tests from {}")


class _Paths(Items):
    """`testpaths`: the first path says where tests are; which tests are no longer collected, the runs show."""

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:
        """As of a list, unless one of the two is empty."""
        for said in super().judge(about, before, after):
            yield said if before and after else said._replace(direction="other")


_FEWER_TRIES = Scale(
    default=0.0, rank=lambda value: -float(value) if isinstance(value, (int, float)) else None,
    weaker="a failed test has more tries", stronger="a failed test has fewer tries",
)  # fmt: skip
INI: Mapping[str, Rule] = {
    "strict": Switch(does="has its strict options on"),
    "strict_config": Switch(does="refuses unknown settings"),
    "strict_markers": Switch(does="refuses unknown markers"),
    "strict_parametrization_ids": Switch(does="refuses parameters with the same id"),
    "strict_xfail": Switch(does="fails for a test that is expected to fail and passes"),
    "filterwarnings": WarningFilters(),
    "testpaths": _Paths(strict=True, everything=True, does="collects tests from {}"),
    "python_files": Items(default=("test_*.py", "*_test.py"), strict=True, does="collects tests from files like {}"),
    "python_classes": Items(default=("Test",), strict=True, does="collects tests from classes like {}"),
    "python_functions": Items(default=("test",), strict=True, does="collects tests from functions like {}"),
    "norecursedirs": Items(
        default=("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}"),
        does="collects tests from {}",
    ),
    "collect_ignore": Items(does="collects tests from {}"),
    "collect_ignore_glob": Items(does="collects tests from {}"),
    "required_plugins": Items(strict=True, does="demands the plugins {}"),
    "empty_parameter_set_mark": steps(
        "fail_at_collect", "skip", "xfail", default="skip",
        weaker="a test without parameters may pass", stronger="a test without parameters fails",
    ),
    "doctest_optionflags": Items(does="compares the output of examples without {}"),
    "reruns": _FEWER_TRIES,
    "retries": _FEWER_TRIES,
    "timeout": Rule(),
    "markers": Silent(),
}  # fmt: skip

_OPTIONS: Mapping[str, Rule] = {option.name: option.rule for option in PYTEST.values()}
_FOLLOWS = dict.fromkeys(("strict_config", "strict_markers", "strict_parametrization_ids", "strict_xfail"), "strict")
_SWITCHES = frozenset({"strict", *_FOLLOWS})
_LINES = frozenset({"filterwarnings", "markers", "required_plugins"})
_LISTS = frozenset({
    "testpaths", "python_files", "python_classes", "python_functions", "norecursedirs", "usefixtures", "doctest_optionflags",
})  # fmt: skip
_ALIASES = {"xfail_strict": "strict_xfail"}


def _source(side: Side) -> Toml | Ini | None:
    """The table that pytest reads: the first that exists."""
    return (
        side.toml("pytest.toml", "pytest")
        or side.toml(".pytest.toml", "pytest")
        or _own(side, "pytest.ini")
        or _own(side, ".pytest.ini")
        or _project(side)
        or side.ini("tox.ini", "pytest")
        or side.ini("setup.cfg", "tool:pytest")
    )


def _own(side: Side, name: str) -> Ini | None:
    """An ini file of pytest's own counts even if it has no section."""
    found = side.ini(name, "pytest")
    return Ini({}, side.path(name), "pytest") if found is None and name in side.files else found


def _project(side: Side) -> Toml | None:
    old = side.toml("pyproject.toml", "tool", "pytest", "ini_options")
    return old if old is not None else side.toml("pyproject.toml", "tool", "pytest")


def _read(side: Side) -> Values:
    found: dict[Key, Value] = dict(_ignored(side))
    source = _source(side)
    if source is None:
        return found
    for key in source.table:
        value = source.value(key)
        if key != "addopts":
            name = _ALIASES.get(key, key)
            found["", name] = value._replace(value=_normal(name, value.value))
    if "addopts" in source.table:
        _add_options(found, source.value("addopts"))
    return found


def _normal(key: str, value: Any) -> Any:
    if key in _SWITCHES:
        return switch_of(value)
    if key in _LINES:
        return tuple(map(str, value)) if isinstance(value, list) else lines_of(str(value))
    if key in _LISTS:
        return words_of(value)
    return (
        number_of(value)
        if key in ("reruns", "retries", "timeout")
        else value
        if not isinstance(value, list)
        else tuple(map(str, value))
    )


def _add_options(found: dict[Key, Value], place: Value) -> None:
    """What `addopts` adds to the settings, or sets instead of them."""
    for key, value in options_in(place.value).items():
        if key == "-o":
            for text in value:
                name, _, given = text.partition("=")
                name = _ALIASES.get(name, name)
                found["", name] = place._replace(value=_normal(name, given))
        elif key == "filterwarnings":
            earlier = found.get(("", key), Value(())).value or ()
            found["", key] = place._replace(value=(*earlier, *value))
        elif key != TARGETS:
            found["", key] = place._replace(value=value)


def _ignored(side: Side) -> Iterator[tuple[Key, Value]]:
    """`collect_ignore` and `collect_ignore_glob` of a conftest."""
    text = side.files.get(CONFTEST, "")
    tree = parse(text) if "collect_ignore" in text else None
    for node in tree.body if tree is not None else ():
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=("collect_ignore" | "collect_ignore_glob") as name)], value=value)
                | ast.AnnAssign(
                    target=ast.Name(id=("collect_ignore" | "collect_ignore_glob") as name), value=ast.expr() as value
                )
            ):
                items = value.elts if isinstance(value, (ast.List, ast.Tuple, ast.Set)) else [value]
                texts = tuple(item.value if isinstance(item, ast.Constant) else ast.unparse(item) for item in items)
                yield ("", name), Value(texts, side.path(CONFTEST), line=node.lineno)
            case _:
                pass


def _rule(key: Key) -> Rule:
    return INI.get(key[1]) or _OPTIONS.get(key[1]) or Rule()


def _hinted(key: Key, said: Said) -> bool:
    """What is ignored may hold no tests; if it holds some, the runs show that they are gone."""
    return key[1].startswith("collect_ignore") and not any("test" in item for item in said.items)


PYTEST_SETTINGS = Tool(name="pytest", files=FILES, read=_read, rule=_rule, follows=_FOLLOWS, hinted=_hinted)
