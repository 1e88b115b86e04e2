"""Settings of pytest, coverage, ruff, flake8 and mypy."""

from __future__ import annotations

import pytest

from tests.gates.analysis.strictness.changed import changes, mirrored, said

PYTEST, PYPROJECT = "pytest.ini", "pyproject.toml"
Case = tuple[str, str, str, str, list[tuple[str, str]]]


def weaker(*keys: str) -> list[tuple[str, str]]:
    return [("weaker", key) for key in keys]


def stronger(*keys: str) -> list[tuple[str, str]]:
    return [("stronger", key) for key in keys]


def cases(name: str, head: str, *rows: tuple[str, str, list[tuple[str, str]]]) -> list[Case]:
    """Rows of a file, each below the same header."""
    return [(name, f"{head}\n", before, after, expected) for before, after, expected in rows]


CASES = [
    *cases(
        PYTEST, "[pytest]",
        ("strict = true", "", weaker("strict")),
        ("strict = true", "strict = true\nstrict_markers = false", weaker("strict_markers")),
        ("strict = true", "strict_markers = true", [("stronger", "strict_markers")][:0] + weaker("strict")),
        ("xfail_strict = true", "", weaker("strict_xfail")),
        ("strict_xfail = 1", "xfail_strict = no", weaker("strict_xfail")),
        ("filterwarnings = error", "", weaker("filterwarnings")),
        ("filterwarnings = error", "filterwarnings =\n  error\n  ignore::DeprecationWarning", weaker("filterwarnings")),
        ("filterwarnings =\n  ignore\n  error", "filterwarnings =\n  error\n  ignore", weaker("filterwarnings")),
        ("filterwarnings =\n  error::UserWarning", "filterwarnings =\n  error::UserWarning\n  ignore:x", [("other", "filterwarnings")]),
        ("filterwarnings = error\n  ignore:a:UserWarning", "filterwarnings = error\n  default:a:UserWarning", []),
        ("filterwarnings = error\n  ignore:x", "filterwarnings = error\n  ignore:x::mod", stronger("filterwarnings")),
        ("addopts = --strict-markers", "", weaker("strict_markers")),
        ("addopts = -W error", "addopts = -ra", weaker("filterwarnings")),
        ("", "addopts = -p no:warnings", weaker("-p")),
        ("", "addopts = -p no:cacheprovider", [("other", "-p")]),
        ("", "addopts = -m 'not slow'", weaker("-m")),
        ("", "addopts = --ignore=tests/slow --deselect x::y", weaker("--ignore", "--deselect")),
        ("addopts = --cov-fail-under=90", "addopts = --cov-fail-under=85", weaker("--cov-fail-under")),
        ("", "addopts = --reruns 2", weaker("--reruns")),
        ("", "addopts = -o xfail_strict=true", stronger("strict_xfail")),
        ("testpaths = tests more", "testpaths = tests", weaker("testpaths")),
        ("", "testpaths = tests", [("other", "testpaths")]),
        ("python_files = test_*.py check_*.py", "python_files = test_*.py", weaker("python_files")),
        ("python_functions = test", "python_functions = test_fast", weaker("python_functions") + stronger("python_functions")),
        ("norecursedirs = build", "norecursedirs = build slow", weaker("norecursedirs")),
        ("required_plugins = a b", "required_plugins =\n  a b", []),
        ("empty_parameter_set_mark = fail_at_collect", "", weaker("empty_parameter_set_mark")),
    ),
    *cases(
        PYPROJECT, "[tool.pytest]",
        ("strict = true", "strict = true\nstrict_xfail = false", weaker("strict_xfail")),
        ("filterwarnings = ['error']", "filterwarnings = ['error', 'ignore:x']", weaker("filterwarnings")),
        ("addopts = ['--strict-config']", "addopts = []", weaker("strict_config")),
    ),
    *cases(
        "conftest.py", "import os",
        ("collect_ignore = ['a.py']", "collect_ignore = ['a.py', 'test_b.py']", weaker("collect_ignore")),
        ("", "collect_ignore_glob = ['*_slow.py']", weaker("collect_ignore_glob")),
    ),
    *cases(
        ".coveragerc", "[run]",
        ("branch = true", "", weaker("branch")),
        ("omit = a/*", "omit =\n  a/*\n  b/*", weaker("omit")),
        ("omit = shop/old/*", "omit = shop/legacy/*", [("other", "omit")]),
        ("omit = a/*", "omit = b/c/*", weaker("omit") + stronger("omit")),
        ("source = a,b", "source = a", weaker("source")),
        ("", "source = a", weaker("source")),
        ("[report]\nfail_under = 90", "[report]\nfail_under = 89.5", weaker("fail_under")),
        ("", "[report]\nexclude_also = raise NotImplementedError", weaker("excluded lines")),
        ("", "[report]\nexclude_lines =\n  pragma: no cover", []),
        ("", "[report]\nignore_errors = true", weaker("ignore_errors")),
        ("", "[report]\nshow_missing = true", [("other", "show_missing")]),
    ),
    *cases(
        PYPROJECT, "[tool.ruff.lint]",
        ("select = ['E', 'F']", "select = ['E']", weaker("rules")),
        ("select = ['E', 'F']", "select = ['E4', 'F']", weaker("rules") + stronger("rules")[:0]),
        ("select = ['ALL']", "select = ['E', 'F']", weaker("rules")),
        ("select = ['E4', 'E7', 'E9', 'F', 'B']", "extend-select = ['B']", []),
        ("select = ['E']", "select = ['E']\nignore = ['E501']", weaker("rules")),
        ("select = ['E']\nignore = ['E501']", "select = ['E']\nignore = ['E5']", weaker("rules")),
        ("select = ['E']", "select = ['E']\nignore = ['COM812']", [("other", "rules")]),
        ("select = ['E', 'D203']\nignore = ['D203']", "select = ['E']", [("other", "rules")]),
        ("select = ['E']", "select = ['E']\nper-file-ignores = { 'gen/*' = ['E'] }", weaker("rules")),
        ("select = ['E']\nignore = ['E5']", "select = ['E']\nper-file-ignores = { 'tests/*' = ['E501'] }", stronger("rules")),
        ("select = ['S']\nper-file-ignores = { 'tests/*' = ['S101'] }", "select = ['S']\nper-file-ignores = { 'tests/**' = ['S101'] }", [("other", "rules")]),
        ("select = ['TCH']\nper-file-ignores = { 'tests/*' = ['TCH'] }", "select = ['TC']\nper-file-ignores = { 'tests/*' = ['TC'] }", []),
        ("select = ['E', 'TCH']\nper-file-ignores = { 'tests/*' = ['TCH001'] }", "select = ['E', 'TC']\nper-file-ignores = { 'tests/*' = ['TC'] }", weaker("rules")),
        ("mccabe.max-complexity = 10", "mccabe.max-complexity = 20", weaker("mccabe.max-complexity")),
        ("preview = true", "", weaker("preview")),
        (
            "[tool.ruff.lint.flake8-tidy-imports.banned-api]\npickle.msg = 'no'\nmarshal.msg = 'no'",
            "[tool.ruff.lint.flake8-tidy-imports.banned-api]\npickle.msg = 'not here'",
            weaker("flake8-tidy-imports.banned-api"),
        ),
        ("isort.required-imports = ['a', 'b']", "isort.required-imports = ['b']", weaker("isort.required-imports")),
    ),
    *cases(
        "ruff.toml", "",
        ("line-length = 88", "line-length = 120", []),
        ("lint.select = ['E']\nline-length = 88", "lint.select = ['E']\nline-length = 120", weaker("line-length")),
        ("extend-exclude = ['a']", "extend-exclude = ['a', 'b']", weaker("exclude")),
        ("exclude = ['.venv', 'a']", "extend-exclude = ['a']", []),
    ),
    *cases(
        ".flake8", "[flake8]",
        ("ignore = E1", "ignore = E1,W5", weaker("rules")),
        ("max-line-length = 88", "max_line_length = 100", weaker("max-line-length")),
        ("max-complexity = 10", "", weaker("max-complexity")),
        ("per-file-ignores = a.py:E1,E2", "per-file-ignores =\n  a.py: E2 E1", []),
    ),
    *cases(
        "pyrightconfig.json", "// ours",
        ('{"typeCheckingMode": "strict"}', "{}", weaker("typeCheckingMode")),
        ("{}", '{"reportMissingImports": false}', weaker("reportMissingImports")),
        ('{"reportX": "error"}', '{"reportX": "warning"}', weaker("reportX")),
        ("{}", '{"reportX": "warning"}', [("other", "reportX")]),
        ("{}", '{"exclude": ["a"]}', weaker("exclude")),
        ('{"strict": ["a", "b"]}', '{"strict": ["b"]}', weaker("strict")),
    ),
    *cases(
        "mypy.ini", "[mypy]",
        ("strict = True", "", weaker("strict")),
        ("strict = True", "strict = True\ndisallow_untyped_defs = False", weaker("disallow_untyped_defs")),
        ("strict = True\nwarn_return_any = True", "strict = True", []),
        ("disallow_untyped_defs = True", "allow_untyped_defs = False", []),
        ("no_implicit_reexport = True", "implicit_reexport = False", []),
        ("warn_unreachable = True", "", weaker("warn_unreachable")),
        ("", "strict_optional = False", weaker("strict_optional")),
        ("", "no_strict_optional = True", weaker("strict_optional")),
        ("enable_error_code = a, b", "enable_error_code = b", weaker("enable_error_code")),
        ("", "disable_error_code = a", weaker("disable_error_code")),
        ("", "exclude = gen/", weaker("exclude")),
        ("files = a, b", "files = a", weaker("files")),
        ("", "follow_imports = skip", weaker("follow_imports")),
        ("", "[mypy-a.*]\nignore_errors = True", weaker("a.*: ignore_errors")),
        ("strict = True\n[mypy-a]\ndisallow_untyped_defs = False", "strict = True", stronger("a: disallow_untyped_defs")),
        ("disallow_untyped_defs = True\n[mypy-a]\ndisallow_untyped_defs = False", "[mypy-a]\ndisallow_untyped_defs = False", weaker("disallow_untyped_defs")),
        ("show_error_codes = True", "pretty = True", []),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "head", "base", "after", "expected"), CASES)
def test_a_change_is_weaker_stronger_or_other_and_the_opposite_the_other_way_round(
    name: str, head: str, base: str, after: str, expected: list[tuple[str, str]]
) -> None:
    assert sorted(said(head + base, head + after, name)) == sorted(expected)
    assert sorted(said(head + after, head + base, name)) == mirrored(expected)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            {"setup.cfg": "[tool:pytest]\naddopts = -ra --strict-markers\ntestpaths = tests\nxfail_strict = true\n"},
            {PYPROJECT: '[tool.pytest]\nstrict_xfail = true\ntestpaths = ["tests"]\naddopts = ["--strict-markers", "-ra"]\n'},
        ),
        (
            {"tox.ini": "[pytest]\nfilterwarnings =\n    error\n    # why\n    ignore:x\n"},
            {PYPROJECT: '[tool.pytest.ini_options]\nfilterwarnings = ["error", "ignore:x"]\n'},
        ),
        (
            {"setup.cfg": "[coverage:run]\nbranch = True\nomit =\n    b/*\n    a/*\n[coverage:report]\nfail_under = 90\n"},
            {PYPROJECT: '[tool.coverage]\nrun = { branch = true, omit = ["a/*", "b/*"] }\nreport.fail_under = 90.0\n'},
        ),
        (
            {"mypy.ini": "[mypy]\nstrict = True\nexclude = x/\n[mypy-a.*,b]\nignore_errors = True\n"},
            {PYPROJECT: '[tool.mypy]\nstrict = true\nexclude = ["x/"]\n[[tool.mypy.overrides]]\nmodule = ["b", "a.*"]\nignore_errors = true\n'},
        ),
        (
            {"ruff.toml": '[lint]\nselect = ["E", "F"]\nignore = ["E501"]\n'},
            {PYPROJECT: '[tool.ruff]\nlint.select = ["F", "E"]\nlint.extend-ignore = ["E501"]\n'},
        ),
        ({"setup.cfg": "[flake8]\nextend-ignore = E501, W1\n"}, {".flake8": "[flake8]\nextend_ignore =\n    W1\n    E501\n"}),
    ],
    ids=["pytest", "warnings", "coverage", "mypy", "ruff", "flake8"],
)  # fmt: skip
def test_settings_may_move_to_another_file(before: dict[str, str], after: dict[str, str]) -> None:
    assert changes(before, after) == []
    assert changes(after, before) == []


@pytest.mark.parametrize("name", ["pyrightconfig.json", "pytest.ini", ".coveragerc", "mypy.ini", ".flake8", "setup.cfg", "tox.ini", "ruff.toml", "pyproject.toml"])  # fmt: skip
def test_a_file_that_cannot_be_read_is_said_once_and_is_no_change_of_its_settings(name: str) -> None:
    good = (
        "{}"
        if name.endswith(".json")
        else "[pytest]\n[mypy]\n[flake8]\n[run]\n"
        if not name.endswith(".toml")
        else "[tool.mypy]\nstrict = true\n"
    )
    for one, other in ((good, "[x\ny"), ("[x\ny", good)):
        (change,) = changes(one, other, name)
        assert change.direction == "other"
        assert name in change.what


ODD = """
[tool.pytest.ini_options]
addopts = 3
filterwarnings = { a = 1 }
testpaths = [1, [2], {}]
strict = "maybe"
[tool.coverage.run]
omit = 7
branch = []
[tool.coverage]
report = 5
[tool.ruff]
lint = 4
exclude = { a = 1 }
select = [1]
[tool.mypy]
overrides = [1, { module = 3 }, { strict = true }]
exclude = {}
files = 1
strict = 2
"""


def test_values_of_any_type_are_compared_without_an_error() -> None:
    for one, other in ((ODD, ""), ("", ODD), (ODD, ODD.replace("lint = 4", "lint.select = 5"))):
        assert all(change.what for change in changes(one, other))


def test_a_tool_that_is_new_weakens_nothing() -> None:
    config = "[tool.mypy]\nstrict = true\n[[tool.mypy.overrides]]\nmodule = 'legacy.*'\nignore_errors = true\n"
    found = said({PYPROJECT: "[project]\nname = 'x'\n"}, {PYPROJECT: config})
    assert sorted(found) == [("other", "legacy.*: ignore_errors"), ("stronger", "strict")]
    used = "[dependency-groups]\ntypes = ['mypy>=2']\n"
    found = said({PYPROJECT: used}, {PYPROJECT: used + config})
    assert sorted(found) == [("stronger", "strict"), ("weaker", "legacy.*: ignore_errors")]


def test_the_line_is_that_of_the_new_item() -> None:
    before = "[tool.ruff.lint]\nselect = [\n  'E',\n]\nignore = [\n  'E1',\n]\n"
    (change,) = changes(before, before.replace("  'E1',\n", "  'E1',\n  'E501',\n"))
    assert (change.path, change.line, change.what) == (PYPROJECT, 7, "ruff no longer reports E501")


def test_an_empty_file_of_pytest_hides_the_settings_of_others() -> None:
    strict = {PYPROJECT: "[tool.pytest]\nstrict = true\n"}
    assert said(strict, {**strict, "pytest.ini": ""}) == weaker("strict")


def test_settings_for_a_module_follow_it_when_it_is_renamed() -> None:
    before = "[mypy]\nstrict = True\n[mypy-shop.pay]\nignore_errors = True\n"
    (change,) = changes(before, before.replace("shop.pay", "shop.payments"), "mypy.ini")
    assert (change.direction, change.line, change.what) == (
        "other", 4, "mypy has the settings of shop.pay for shop.payments instead",
    )  # fmt: skip


def test_a_module_without_types_that_is_not_found_is_a_hint() -> None:
    for section, strength in (("[mypy-torch.*]", "hint"), ("", "certain")):
        (change,) = changes("[mypy]\n", f"[mypy]\n{section}\nignore_missing_imports = True\n", "mypy.ini")
        assert (change.direction, change.strength) == ("weaker", strength)


def test_a_folder_that_a_conftest_ignores_may_hold_no_tests() -> None:
    for item, strength in (("templates", "hint"), ("test_slow.py", "certain")):
        (change,) = changes("", f"collect_ignore = ['{item}']", "tests/conftest.py")
        assert (change.direction, change.strength) == ("weaker", strength)
