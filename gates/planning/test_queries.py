"""Queries about tests: which ones an expression selects, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass

import msgspec

from gates.portable.errors import NothingSelected, UsageError
from gates.portable.exclusions import Exclusion
from gates.portable.filters import Candidate, Expression, Facts, compile_filter, leaf_reports
from gates.portable.filters.explain import explain, render
from gates.portable.filters.nearest import meant
from gates.portable.rules import ALL_THREADS, NAMES, Override, RuleBook
from gates.portable.values import plural


class Tests(msgspec.Struct, frozen=True, kw_only=True):
    """Tests, and what is needed to evaluate expressions on them.

    Attributes:
        candidates: in the order in which they were found.
        facts: answers predicates about more than the test itself.
        named: the meanings of `default()` and `quarantined()`.
        expression: what the request and the profile select; empty for all.
        exclusions: the ledger.
        quarantine: the other one.
        rules: how tests are run.
        broken: what could not be collected, and why: it may contain tests that are not listed.
    """

    __test__ = False

    candidates: tuple[Candidate, ...]
    facts: Facts
    named: dict[str, Expression]
    expression: str = ""
    exclusions: tuple[Exclusion, ...] = ()
    quarantine: tuple[Exclusion, ...] = ()
    rules: tuple[Override, ...] = ()
    broken: tuple[str, ...] = ()


def listing(tests: Tests, expression: str, *, as_json: bool = False) -> tuple[str, list[str]]:
    """The tests that match, one per line, and notes on the expression.

    Raises:
        GatesError: the expression is invalid, or names something that does not exist.
        NothingSelected: no test matches.
    """
    selection = compile_filter(expression, tests.facts, tests.named).select(tests.candidates)
    reports = leaf_reports(selection, tests.candidates)
    wrong = [report.error for report in reports if report.error]
    if wrong:
        raise UsageError("the filter names something that does not exist", got="\n       ".join(wrong))
    said = [report.warning for report in reports if report.warning]
    said += [f"{report.text}: {report.note}" for report in reports if report.note]
    found = [test for test, matched in zip(tests.candidates, selection.matched, strict=True) if matched]
    said += [f"cannot be collected: {text}" for text in tests.broken]
    said.append(f"matched: {len(found)} of {plural(len(tests.candidates), 'test')}")
    if not found:
        raise NothingSelected("no test matches", got="; ".join(said))
    if as_json:
        rows = [test.to_json() for test in found]
        return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n", said
    return "".join(f"{test.id}\n" for test in found), said


def explanation(tests: Tests, name: str, expression: str) -> str:
    """The tree of the expression, and of every ledger entry, with an answer at each node.

    Raises:
        UsageError: no test, or more than one, has the name.
    """
    test = find_test(tests.candidates, name)
    parts = [f"{test.id}\n"]
    verdict = "runs"
    wanted = expression or tests.expression
    if wanted:
        compiled = compile_filter(wanted, tests.facts, tests.named)
        parts.append(f"filter {wanted}\n{render(explain(compiled, test))}")
        verdict = "runs" if compiled.matches(test) else "is not selected by the filter"
    for kind, entries in (("exclusion", tests.exclusions), ("quarantine", tests.quarantine)):
        for entry in entries:
            compiled = compile_filter(entry.filter, tests.facts, tests.named)
            parts.append(f"{kind} {entry.name}\n{render(explain(compiled, test))}")
            if verdict == "runs" and compiled.evaluate(test):
                verdict = (
                    f"is excluded by {entry.name}" if kind == "exclusion" else f"runs, quarantined by {entry.name}"
                )
    parts.append(f"→ {verdict}\n")
    return "\n".join(parts)


def find_test(candidates: Sequence[Candidate], name: str) -> Candidate:
    """The test with this id or exactly this name, else the only one whose id contains it.

    Raises:
        UsageError: none or several.
    """
    found = next(filter(None, ([test for test in candidates if fits(test)] for fits in _spellings(name))), [])
    if len(found) == 1:
        return found[0]
    if not found:
        names = {test.id for test in candidates} | {test.names.name for test in candidates}
        raise UsageError(
            f"no test is named {name!r}",
            remedy=meant(name, names, "gates list -E 'all()' shows them"),
        )
    shown = "\n       ".join([*(test.id for test in found[:8]), *(["…"] if len(found) > 8 else [])])
    raise UsageError(f"{name!r} means {plural(len(found), 'test')}", got=shown, remedy="name one of them")


def _spellings(name: str) -> tuple[Callable[[Candidate], bool], ...]:
    """Ways to name a test, the most exact first: an exact name is never treated as a part of another one."""
    return (
        lambda test: test.id == name,
        lambda test: test.id.partition("::")[2] == name,
        lambda test: test.id.rpartition("::")[2] == name,
        lambda test: test.names.name == name,
        lambda test: name in test.id,
    )


def settings_of(tests: Tests, name: str) -> str:
    """The settings of a test, one per line, each with its source.

    Raises:
        UsageError: no test, or more than one, has the name.
    """
    test = find_test(tests.candidates, name)
    (chosen,) = RuleBook(tests.rules).choose([test], tests.facts, tests.named)
    values = {own: getattr(chosen.rules, own) for own in NAMES.values()}
    if values["threads_required"] == ALL_THREADS:
        values["threads_required"] = "num-test-threads"
    rows = [(written, shown(values[own]), chosen.sources[own]) for written, own in NAMES.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"{written:<{widths[0]}} = {value:<{widths[1]}}  # {source}" for written, value, source in rows]
    return "\n".join([test.id, *lines]) + "\n"


def shown(value: object) -> str:
    """A setting as written in a config."""
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(shown, value))}]"
    if is_dataclass(value):
        parts = ((field.name.replace("_", "-"), getattr(value, field.name)) for field in fields(value))
        return f"{{ {', '.join(f'{name} = {shown(part)}' for name, part in parts if part is not None)} }}"
    return f"{value:g}" if isinstance(value, float) else str(value)
