"""What holds for settings of every kind: order and layout mean nothing, and the way back is the opposite."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gates.analysis.strictness import setting_changes
from gates.analysis.strictness.compare import TOOLS
from tests.gates.analysis.strictness.changed import MIRROR

CODES = st.lists(st.sampled_from(["E", "E5", "E501", "F", "F401", "B", "D203", "ALL"]), unique=True, max_size=4)
WARNINGS = st.lists(
    st.sampled_from(["error", "ignore", "error::UserWarning", "ignore::UserWarning", "ignore:x:DeprecationWarning", "default"]),
    unique=True, max_size=4,
)  # fmt: skip
FLAG = st.booleans()
PATHS = st.lists(st.sampled_from(["a", "b", "c/d", "e*"]), unique=True, max_size=3)


def tables(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Tables with some of these fields; a name may have `-` instead of `_`."""
    return st.fixed_dictionaries({}, optional=fields)


TESTS = tables(
    retries=st.integers(0, 3), leak=st.sampled_from(["ignore", "warn", "fail"]), **{"flaky-result": st.sampled_from(["pass", "fail"])}
)  # fmt: skip
SIDES = st.fixed_dictionaries({}, optional={
    "pytest": tables(
        strict=FLAG, strict_markers=FLAG, xfail_strict=FLAG, filterwarnings=WARNINGS, testpaths=PATHS, python_files=PATHS,
        addopts=st.lists(st.sampled_from(["-ra", "--strict-config", "-m=slow", "--ignore=a", "--reruns=2", "-p no:warnings", "--cov-fail-under=80"]), unique=True),
    ),
    "coverage": st.fixed_dictionaries({}, optional={
        "run": tables(branch=FLAG, omit=PATHS, source=PATHS),
        "report": tables(fail_under=st.integers(0, 100), exclude_also=PATHS),
    }),
    "ruff": tables(lint=tables(select=CODES, ignore=CODES, **{
        "extend-select": CODES, "per-file-ignores": st.dictionaries(st.sampled_from(["a/*", "b/*"]), CODES, max_size=2),
    }), exclude=PATHS, preview=FLAG),
    "mypy": tables(strict=FLAG, warn_unreachable=FLAG, disallow_untyped_defs=FLAG, exclude=PATHS, enable_error_code=PATHS),
    "gates": tables(**{
        "no-tests": st.sampled_from(["fail", "warn", "pass"]), "scope": PATHS, "accept-exclusions": PATHS, "tests": TESTS,
        "timeout": st.sampled_from(["1m", "2m"]),
        "profile": st.fixed_dictionaries({"p": tables(gates=PATHS, filter=st.sampled_from(["test(a)", "test(a) and test(b)", "test(a) or test(b)"]))}),
        "gate": st.fixed_dictionaries({"g": tables(
            command=st.sampled_from(["ruff check", "ruff check --exit-zero", "pytest -k a", "pytest", "sh -c 'ruff check || true'"]),
            needs=PATHS, junit=PATHS, tests=st.sampled_from(["auto", "none", "pytest"]),
        )}),
    }),
})  # fmt: skip


def toml(value: Any) -> str:
    """A value as inline TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def inline(side: dict[str, Any]) -> str:
    return "[tool]\n" + "".join(f"{tool} = {toml(table)}\n" for tool, table in side.items())


def spread(side: dict[str, Any]) -> str:
    """The same with other headers, comments, lines and quotes, and every table in another order."""
    lines = ["# settings\n"]
    for tool, table in reversed(side.items()):
        lines.append(f"\n[tool.{tool}]  # of {tool}\n")
        nested = {key: item for key, item in table.items() if isinstance(item, dict)}
        for key, item in reversed(table.items()):
            if key not in nested:
                text = toml(item)
                lines.append(
                    f"{key}   =  {text.replace(', ', ',  # next' + chr(10)) if isinstance(item, list) else text}\n"
                )
        for key, item in nested.items():
            lines.append(f"[tool.{tool}.{key}]\n")
            lines += [f"{json.dumps(name)} = {toml(inner)}\n" for name, inner in reversed(item.items())]
    return "".join(lines)


def shuffled(side: dict[str, Any]) -> dict[str, Any]:
    """With every list whose order means nothing turned around."""
    return {
        key: shuffled(item) if isinstance(item, dict)
        else item[::-1] if isinstance(item, list) and key not in ("filterwarnings", "addopts") else item
        for key, item in side.items()
    }  # fmt: skip


def found(base: str, head: str) -> list[tuple[str, str, str]]:
    return sorted(
        (one.tool, one.key, one.direction)
        for one in setting_changes({"pyproject.toml": base}, {"pyproject.toml": head})
    )


@settings(max_examples=25)
@given(SIDES)
def test_order_and_layout_mean_nothing(side: dict[str, Any]) -> None:
    assert found(inline(side), spread(side)) == []
    assert found(inline(side), inline(shuffled(side))) == []


@settings(max_examples=25)
@given(SIDES, SIDES)
def test_the_way_back_is_the_opposite(base: dict[str, Any], head: dict[str, Any]) -> None:
    there, back = found(inline(base), inline(head)), found(inline(head), inline(base))
    assert back == sorted((tool, key, MIRROR[direction]) for tool, key, direction in there)


@settings(max_examples=25)
@given(SIDES)
def test_a_side_differs_from_itself_in_nothing_and_a_change_says_what(side: dict[str, Any]) -> None:
    assert found(inline(side), inline(side)) == []
    for change in setting_changes({"pyproject.toml": ""}, {"pyproject.toml": inline(side)}):
        assert change.what
        assert change.path == "pyproject.toml"


KEYS = ["select", "ignore", "lint", "omit", "run", "report", "overrides", "module", "strict", "addopts", "exclude", "filterwarnings",
        "ini_options", "gate", "profile", "tests", "retries", "filter", "exclusions", "expires", "per-file-ignores", "command", "env", "needs"]  # fmt: skip
ANYTHING = st.recursive(
    st.one_of(st.integers(-9, 9), st.booleans(), st.text("aE-:,\n=*[ \"'", max_size=6), st.floats(0, 9)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=25)
@given(st.dictionaries(st.sampled_from(["pytest", "coverage", "ruff", "mypy", "gates"]), ANYTHING), SIDES)
def test_values_of_any_type_are_compared_without_an_error(odd: dict[str, Any], side: dict[str, Any]) -> None:
    for one, other in ((inline(odd), inline(side)), (inline(side), inline(odd))):
        assert all(what for what in found(one, other))


@settings(max_examples=25)
@given(
    st.text("[]=:#;\n \t%abc'\"\\", max_size=40),
    st.sampled_from(sorted({name for tool in TOOLS for name in tool.files} | {"noxfile.py"})),
)
def test_any_text_is_compared_without_an_error(text: str, name: str) -> None:
    for base, head in ((text, ""), ("", text), (text, text + "\n[mypy]\n")):
        assert all(change.what for change in setting_changes({name: base}, {name: head}))
