"""Which options of a command make it stricter, or less strict: one small table per program.

An option's name stands for all its spellings. Options that are in no table say something by their names at best.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gates.analysis.strictness.mypy_settings import RULES as MYPY_RULES
from gates.analysis.strictness.pytest_rules import Plugins, Selection, WarningFilters
from gates.analysis.strictness.rules import Items, Rule, Scale, Silent, Switch
from gates.portable.patterns import lazy_pattern


class Option(NamedTuple):
    """An option of a program.

    Attributes:
        name: the spelling that all are known by.
        rule: how its values are ordered.
        valued: it takes a value.
        many: its values are lists, separated by commas.
        listed: it may be repeated, and all of its values count.
        sets: the value of a spelling without one: `--no-strict` sets `--strict` to False.
    """

    name: str
    rule: Rule
    valued: bool = False
    many: bool = False
    listed: bool = False
    sets: bool | float = True


def _flag(name: str, does: str, *, strict: bool = True, default: bool = False) -> Option:
    return Option(name, Switch(does=does, strict=strict, default=default))


def _lax(name: str, does: str) -> Option:
    """A flag that makes a command less strict; `does` is what it did without."""
    return _flag(name, does, strict=False)


def _list(name: str, does: str, *, strict: bool = False, many: bool = True, everything: bool = False) -> Option:
    return Option(name, Items(does=does, strict=strict, everything=everything), valued=True, many=many, listed=True)


def _number(name: str, weaker: str, stronger: str, *, more: bool = True, default: float = 0.0) -> Option:
    sign = 1 if more else -1
    rule = Scale(
        default=default, weaker=weaker, stronger=stronger,
        rank=lambda value: sign * float(value) if isinstance(value, (int, float)) else None,
    )  # fmt: skip
    return Option(name, rule, valued=True)


def _others(*names: str) -> dict[str, Option]:
    """Options with a value that say nothing about strictness."""
    return {name: Option(name, Silent(), valued=True) for name in names}


def _selection(name: str) -> Option:
    return Option(name, Selection(), valued=True)


COVERED = _number("--cov-fail-under", "less coverage is enough", "more coverage is needed")
TARGETS = "what it is run on"

PYTEST: Mapping[str, Option] = {
    "-k": _selection("-k"),
    "-m": _selection("-m"),
    "--deselect": _list("--deselect", "runs {}", many=False),
    "--ignore": _list("--ignore", "runs the tests in {}", many=False),
    "--ignore-glob": _list("--ignore-glob", "runs the tests in {}", many=False),
    **dict.fromkeys(("--lf", "--last-failed"), _lax("--last-failed", "runs tests that passed last time")),
    **dict.fromkeys(("--sw", "--stepwise"), _lax("--stepwise", "runs every test after a failure")),
    **dict.fromkeys(("--co", "--collect-only"), _lax("--collect-only", "runs the tests that it collects")),
    **dict.fromkeys(
        ("--suppress-no-test-exit-code", "--suppress-tests-failed-exit-code"),
        _lax("--suppress-no-test-exit-code", "fails when no test ran, or one failed"),
    ),
    "--setup-plan": _lax("--setup-plan", "runs the tests that it collects"),
    "--setup-only": _lax("--setup-only", "runs the tests that it collects"),
    "--continue-on-collection-errors": Option("--continue-on-collection-errors", Rule()),
    **dict.fromkeys(("--help", "--version", "-h", "--fixtures", "--markers"), _lax("--help", "runs tests")),
    "--runxfail": _flag("--runxfail", "fails for tests that are expected to fail"),
    "--no-cov": _lax("--no-cov", "measures coverage"),
    "--cov": _flag("--cov", "measures coverage"),
    "--cov-fail-under": COVERED,
    "--cov-branch": _flag("--cov-branch", "measures branches"),
    "--doctest-modules": _flag("--doctest-modules", "runs the examples in docstrings"),
    "--doctest-glob": _list("--doctest-glob", "runs the examples in {}", strict=True, many=False),
    "--doctest-continue-on-failure": Option("--doctest-continue-on-failure", Rule()),
    "--doctest-ignore-import-errors": _lax("--doctest-ignore-import-errors", "fails for modules with examples that cannot be imported"),
    "--strict": _flag("strict_markers", "refuses unknown markers"),
    "--strict-markers": _flag("strict_markers", "refuses unknown markers"),
    "--strict-config": _flag("strict_config", "refuses unknown settings"),
    "--reruns": _number("--reruns", "a failed test has more tries", "a failed test has fewer tries", more=False),
    "--flake-runs": Option("--flake-runs", Rule(), valued=True),
    "--force-flaky": _lax("--force-flaky", "runs a failed test only once"),
    "--max-runs": _number("--max-runs", "a failed test has more tries", "a failed test has fewer tries", more=False),
    "--retries": _number("--retries", "a failed test has more tries", "a failed test has fewer tries", more=False),
    "--gates-retries": _number("--gates-retries", "a failed test has more tries", "a failed test has fewer tries", more=False),
    "--only-rerun": Option("--only-rerun", Rule(), valued=True),
    **dict.fromkeys(("--snapshot-update", "--force-regen", "--regen-all", "--inline-snapshot", "--update-goldens"),
                    _lax("--snapshot-update", "compares with the snapshots that are there, rather than writing them")),
    **dict.fromkeys(("--noconftest",), _lax("--noconftest", "reads conftest files")),
    "--disable-pytest-warnings": Option("--disable-warnings", Rule()),
    "--disable-warnings": Option("--disable-warnings", Rule()),
    "--assert": Option("--assert", Rule(), valued=True),
    **dict.fromkeys(("-W", "--pythonwarnings"), Option("filterwarnings", WarningFilters(), valued=True, listed=True)),
    **dict.fromkeys(("-o", "--override-ini"), Option("-o", Rule(), valued=True, listed=True)),
    "-p": Option("-p", Plugins(), valued=True, listed=True),
    **_others(        "-c", "--config-file", "--rootdir", "--confcutdir", "-n", "--numprocesses", "--dist", "--maxprocesses", "--tb", "--color",
        "--durations", "--durations-min", "--junitxml", "--junit-xml", "--junit-prefix", "--basetemp", "--import-mode", "--capture", "--timeout",
        "--timeout-method", "--maxfail", "--cov-report", "--cov-config", "--cov-context", "--log-level", "--log-cli-level",
        "--log-file", "-r", "--verbosity", "--random-order-seed", "--seed", "--hypothesis-profile", "--hypothesis-seed",
        "--splits", "--group", "--html", "--report-log", "--alluredir", "--tx", "--rsyncdir", "--reruns-delay", "--pdbcls",
        "--gates-workers-from", "--show-capture", "--benchmark-only",
    ),
}  # fmt: skip

_EXIT_ZERO = _lax("--exit-zero", "fails for what it finds")
RUFF: Mapping[str, Option] = {
    "--exit-zero": _EXIT_ZERO,
    "-e": _EXIT_ZERO,
    "--add-noqa": _lax("--add-noqa", "reports what it finds, rather than silencing it"),
    "--ignore": _list("--ignore", "reports {}"),
    "--extend-ignore": _list("--ignore", "reports {}"),
    "--select": _list("--select", "reports {}", strict=True, everything=True),
    "--extend-select": _list("--extend-select", "reports {}", strict=True),
    "--exclude": _list("--exclude", "reads {}"),
    "--extend-exclude": _list("--exclude", "reads {}"),
    "--per-file-ignores": _list("--per-file-ignores", "reports {}"),
    "--extend-per-file-ignores": _list("--per-file-ignores", "reports {}"),
    "--fix": _lax("--fix", "fails for what it could repair"),
    "--unsafe-fixes": Option("--unsafe-fixes", Rule()),
    "--ignore-noqa": _flag("--ignore-noqa", "reports what `# noqa` silences"),
    "--preview": Option("--preview", Rule()),
    "--isolated": Option("--isolated", Rule()),
    **dict.fromkeys(("--check", "--diff"), _flag("--check", "fails for files that the formatter would change")),
    **_others("--config", "--target-version", "--line-length", "--output-format", "--output-file", "--cache-dir"),
}  # fmt: skip

FORMATTER: Mapping[str, Option] = {
    **dict.fromkeys(
        ("--check", "--diff", "--check-only", "-c"), _flag("--check", "fails for files that it would change")
    ),
    "--exclude": _list("--exclude", "reads {}"),
    "--extend-exclude": _list("--exclude", "reads {}"),
    **dict.fromkeys(("--skip", "--skip-glob", "--extend-skip"), _list("--skip", "reads {}")),
}

FLAKE8: Mapping[str, Option] = {
    "--exit-zero": _EXIT_ZERO,
    "--ignore": _list("--ignore", "reports {}"),
    "--extend-ignore": _list("--ignore", "reports {}"),
    "--select": _list("--select", "reports {}", strict=True, everything=True),
    "--extend-select": _list("--extend-select", "reports {}", strict=True),
    "--exclude": _list("--exclude", "reads {}"),
    "--extend-exclude": _list("--exclude", "reads {}"),
    "--per-file-ignores": _list("--per-file-ignores", "reports {}"),
    "--max-complexity": _number("--max-complexity", "functions may be more complex", "functions must be simpler", more=False, default=float("inf")),
    "--max-line-length": _number("--max-line-length", "lines may be longer", "lines must be shorter", more=False, default=79.0),
    "--disable-noqa": _flag("--disable-noqa", "reports what `# noqa` silences"),
}  # fmt: skip

PYLINT: Mapping[str, Option] = {
    "--disable": _list("--disable", "reports {}"),
    "-d": _list("--disable", "reports {}"),
    "--enable": _list("--enable", "reports {}", strict=True),
    "--exit-zero": _EXIT_ZERO,
    "--errors-only": _lax("--errors-only", "reports more than errors"),
    "-E": _lax("--errors-only", "reports more than errors"),
    "--fail-under": _number("--fail-under", "a lower score is enough", "a higher score is needed", default=10.0),
    "--fail-on": _list("--fail-on", "fails for {}", strict=True),
}

COVERAGE: Mapping[str, Option] = {
    "--fail-under": _number("fail_under", "less coverage is enough", "more coverage is needed"),
    "--omit": _list("omit", "measures {}"),
    "--include": _list("include", "measures {}", strict=True, everything=True),
    "--source": _list("source", "measures {}", strict=True, everything=True),
    "--branch": _flag("branch", "measures branches"),
    **dict.fromkeys(("-i", "--ignore-errors"), _lax("ignore_errors", "fails for files that it cannot read")),
    **_others("--rcfile", "--data-file", "--context", "-d", "-o", "--format"),
}

SPHINX: Mapping[str, Option] = {
    **dict.fromkeys(("-W", "--fail-on-warning"), _flag("-W", "fails for warnings")),
    **dict.fromkeys(("-n", "--nitpicky"), _flag("-n", "warns about references without a target")),
    **dict.fromkeys(("-E", "--fresh-env"), _flag("-E", "reads every file again, so that each warns")),
    **_others("-b", "--builder", "-d", "-j", "-c", "-D", "-A", "-w", "-t"),
}

BANDIT: Mapping[str, Option] = {
    "--exit-zero": _EXIT_ZERO,
    **dict.fromkeys(("-s", "--skip"), _list("--skip", "reports {}")),
    **dict.fromkeys(("-x", "--exclude"), _list("--exclude", "reads {}")),
    **dict.fromkeys(("-ll", "-lll"), Option("-l", Rule())),
}


def _mypy() -> Iterator[tuple[str, Option]]:
    """Every setting of mypy is an option, too, and every switch has an opposite."""
    for name, rule in MYPY_RULES.items():
        word = f"--{name.replace('_', '-')}"
        if not isinstance(rule, Switch):
            listed = isinstance(rule, Items)
            yield word, Option(name, rule, valued=True, many=listed and name != "exclude", listed=listed)
            continue
        yield word, Option(name, rule)
        for start, other in (
            ("--", "--no-"),
            ("--no-", "--"),
            ("--disallow-", "--allow-"),
            ("--allow-", "--disallow-"),
        ):
            opposite = f"{other}{word.removeprefix(start)}"
            if word.startswith(start) and opposite.removeprefix("--").replace("-", "_") not in MYPY_RULES:
                yield opposite, Option(name, rule, sets=False)


MYPY: Mapping[str, Option] = {
    **dict(_mypy()),
    **_others(
        "--cache-dir", "--python-version", "--config-file", "--platform", "-p", "--package", "-m", "--module", "--junit-xml",
        "--python-executable", "--output", "--custom-typeshed-dir", "--shadow-file",
    ),
}  # fmt: skip

PROGRAMS: Mapping[str, Mapping[str, Option]] = {
    **dict.fromkeys(("pytest", "py.test"), PYTEST),
    **dict.fromkeys(("ruff", "ruff check", "ruff format"), RUFF),
    **dict.fromkeys(("black", "isort", "yapf", "autopep8", "docformatter"), FORMATTER),
    "flake8": FLAKE8,
    **dict.fromkeys(("mypy", "dmypy"), MYPY),
    "pylint": PYLINT,
    "coverage": COVERAGE,
    "sphinx-build": SPHINX,
    "bandit": BANDIT,
}
"""Program, with its subcommand if that has other options → its options."""


def table_of(program: str) -> Mapping[str, Option]:
    """The options of a program; none if it is not known."""
    return PROGRAMS.get(program) or PROGRAMS.get(program.split(" ", maxsplit=1)[0]) or {}


_STRICT_NAMES = lazy_pattern(
    r"--?(strict\S*|check|werror|fail-on\S*|fail-under|fail-fast|error\S*|require-\S+|warnings-as-errors|deny\S*|all-targets|all-features)"
    r"|-W|python-W\s?error\S*|python-Xdev|coverage-run"
)
_LAX_NAMES = lazy_pattern(
    r"--?(exit-zero|no-fail\S*|ignore\S*|skip\S*|allow-\S+|exclude\S*|soft-fail|no-strict\S*|no-error\S*|continue-on-error"
    r"|disable-error\S*|dry-run|list|quiet-errors|keep-going-on-errors|no-verify)|python-O{1,2}"
)


def unknown_option(name: str) -> Option:
    """An option that no table has: its name may say that it makes the program stricter, or less strict."""
    if name == "coverage-run":
        return _flag(name, "measures coverage")
    if _STRICT_NAMES.fullmatch(name):
        return _flag(name, f"has the option {name.replace('python-', '-')}")
    if _LAX_NAMES.fullmatch(name):
        return _lax(name, f"goes without {name.replace('python-', '-')}")
    return Option(name, Silent())
