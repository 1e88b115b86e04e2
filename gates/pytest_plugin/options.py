"""The plugin's command-line options, and how they combine with the runner's settings."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from ..portable.protocol import INSTALLED_PLUGIN, PLUGIN
from ..portable.settings.declare import replace
from ..portable.settings.kinds import DURATION
from ..portable.settings.plugin import PluginSettings

REGISTERED = "gates-options"
"""Name of the marker for: one copy of the plugin has already added the options."""


class _Marker:
    """Registered in the plugin manager once the options exist."""


def add_options(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the options, unless the other copy of the plugin (installed, injected) did."""
    if pluginmanager.has_plugin(REGISTERED):
        return
    pluginmanager.register(_Marker(), REGISTERED)
    group = parser.getgroup("gates", "selection and evidence (gates)")
    group.addoption(
        "-E",
        "--filter-expr",
        action="append",
        default=[],
        dest="gates_filters",
        metavar="EXPR",
        help="run only tests that match the expression, e.g. 'test(cache) and not test(slow)'; repeatable, any may match",
    )
    group.addoption(
        "--include-excluded",
        action="store_true",
        dest="gates_include_excluded",
        help="also run the tests that [tool.gates.exclusions] excludes",
    )
    group.addoption(
        "--partition",
        dest="gates_partition",
        metavar="PART",
        help="run only a part of the selected tests: slice:1/3 or hash:1/3",
    )
    group.addoption(
        "--no-tests",
        choices=["fail", "warn", "pass"],
        dest="gates_no_tests",
        help="what to do when no test is selected (default: fail, pytest's exit code 5)",
    )
    group.addoption(
        "--ignore-default-filter",
        action="store_true",
        dest="gates_ignore_default",
        help="default() means all tests, whatever the config says",
    )
    group.addoption(
        "--test-timeout",
        type=seconds,
        dest="gates_test_timeout",
        metavar="DURATION",
        help="end a test that takes longer (seconds, or e.g. 90s, 2m) and report the stacks of all threads",
    )
    group.addoption(
        "--gates-workers-from",
        dest="gates_workers_from",
        metavar="FILE",
        help="with -n auto: choose the number of workers by the durations in this file (tests.jsonl of an earlier run)",
    )


def seconds(text: str) -> float:
    """An option's duration: a number of seconds, or as `parse_duration` reads it.

    Raises:
        ArgumentTypeError: neither, or not above zero.
    """
    assert DURATION.parse is not None
    try:
        return float(DURATION.parse(text))
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def apply_options(settings: PluginSettings, config: pytest.Config) -> PluginSettings:
    """The settings, overridden by the options of this pytest.

    Raises:
        FilterSyntaxError: an expression is empty.
    """
    option = config.option
    wanted = list(getattr(option, "gates_filters", None) or [])
    if not all(text.strip() for text in wanted):  # probably an unset variable, but certainly not "everything"
        from ..portable.filters import parse

        parse("")
    union = wanted[0] if len(wanted) == 1 else " or ".join(f"({text})" for text in wanted)
    # A filter in the project's own addopts narrows that of the runner; neither may widen the other.
    parts = [text for text in (settings.filter, union) if text]
    return replace(
        settings,
        filter=" and ".join(f"({text})" for text in parts) if len(parts) > 1 else "".join(parts),
        include_excluded=settings.include_excluded or bool(getattr(option, "gates_include_excluded", False)),
        partition=getattr(option, "gates_partition", None) or settings.partition,
        no_tests=getattr(option, "gates_no_tests", None) or settings.no_tests,
        default_filter="" if getattr(option, "gates_ignore_default", False) else settings.default_filter,
        test_timeout=getattr(option, "gates_test_timeout", None) or settings.test_timeout,
    )


def with_facts(settings: PluginSettings, root: Path) -> PluginSettings:
    """The settings, with answers to the predicates that only the program `gates` can evaluate.

    A separate process evaluates them: git, the import graph and the history do not belong in a test process.
    """
    expressions = [settings.filter, settings.default_filter]
    expressions += [entry["filter"] for entry in (*settings.exclusions, *settings.quarantine)]
    if not any(expressions) or PLUGIN != INSTALLED_PLUGIN:
        return settings
    from ..portable.filters import PREDICATES, parse, predicates

    asked = [leaf for text in expressions if text.strip() for leaf in predicates(parse(text))]
    if not any(PREDICATES[leaf.name].outside for leaf in asked):
        return settings
    import sys

    from ..portable.originals import json, subprocess

    words = [word for text in expressions if text.strip() for word in ("-E", text)]
    done = subprocess.run(
        [sys.executable, "-m", "gates", "facts", "-C", str(root), *words],
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        check=False,
    )
    try:
        facts = json.loads(done.stdout)
    except ValueError:
        # Everything that it would have answered is unknown, selects tests, and is reported.
        return settings
    return replace(settings, facts=facts)
