"""Lay out what is served: the list of runs, a run that goes on, and refusals. Pure: values → HTML.

Every text of a run is escaped here. The pages have one style and one script, which the policy allows by their digests;
the script asks for the same page again and replaces the parts that differ.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path

from gates.portable.regular import read_text
from gates.portable.values import format_duration, plural
from gates.render.html import asset, source_hash
from gates.render.output import failure_of
from gates.render.text import clean, one_line
from gates.render.verdict import verdict_of
from gates.results import Run, TestResult, counts_line
from gates.serve.follow import FAILURES, GateState, RunState
from gates.serve.runs import KnownRun

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body data-page="{kind}">
{home}<main>
{parts}
<p id="lost" class="bad" role="alert"></p>
</main>
<script>{script}</script>
</body>
</html>
"""

_CLASSES = {"PASS": "good", "FAIL": "bad", "TIMEOUT": "bad", "running": "mild"}


def policy() -> str:
    """The Content-Security-Policy of these pages."""
    own = f"style-src '{source_hash(_style())}'; script-src '{source_hash(_script())}'; connect-src 'self'"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def index_page(project: str, runs: Sequence[KnownRun], zone: tzinfo = UTC) -> str:
    """The list of the last runs.

    Args:
        project: name of the project.
        runs: the newest first.
        zone: for the times.
    """
    going = sum(known.goes_on for known in runs)
    about = f"{plural(len(runs), 'run')} on this machine" + (f", {going} running" if going else "")
    if not runs:
        body = "<p>No run yet. Start one with <code>gates run</code>: it appears here.</p>"
    else:
        heads = ("verdict", "run", "what", "gates", "tests", "took")
        rows = "\n".join(_index_row(known, zone) for known in runs)
        body = (
            f'<div class="scroll"><table>\n<thead>{_row(heads, "th")}</thead>\n<tbody>\n{rows}\n</tbody></table></div>'
        )
    return _page(
        "runs",
        f"Runs of {project}",
        _part("head", f"<h1>Runs of {_text(project)}</h1><p class=facts role=status>{_text(about)}</p>"),
        _part("list", body),
    )


def _index_row(known: KnownRun, zone: tzinfo) -> str:
    run = known.run
    if known.goes_on:
        word, kind = "running", "mild"
        took = f'<time data-since="{run.started:.0f}"></time>'
    else:
        word = "CHANGED" if known.changed else verdict_of(run, run.tests).word
        kind, took = _CLASSES.get(word, "mild"), _text(format_duration(run.duration))
    passed = sum(gate.outcome.word == "PASS" for gate in run.gates)
    when = datetime.fromtimestamp(run.started, zone).strftime("%Y-%m-%d %H:%M:%S")
    cells = (
        f'<strong class="mark {kind}">{word}</strong>',
        f'<a id="run-{_text(run.id)}" href="runs/{_text(run.id)}">{when}</a>',
        f"{_text(_subject(run) or run.subject.kind)}<br><code>{_text(run.command_line)}</code>",
        f"{passed} of {len(run.planned) or len(run.gates)}",
        _text(counts_line(run.tests)) if run.tests else "",
        took,
    )
    return _row(cells)


def _subject(run: Run) -> str:
    """The branch of a working tree; a commit or a merge as it was named."""
    subject = run.subject
    return " ".join(filter(None, (subject.branch, "" if subject.kind in ("worktree", "folder") else subject.name)))


def live_page(state: RunState, now: float) -> str:
    """A run that goes on.

    Args:
        state: of the run.
        now: seconds since the epoch.
    """
    run = state.run
    said = f"{state.ended} of {plural(len(state.gates), 'gate')} ended"
    said += f", {state.failed} failed" if state.failed else ""
    said += f"; {plural(state.bad, 'test')} failed" if state.bad else ""
    usual = f', about <time data-until="{now + state.left:.0f}"></time> left' if state.left else ""
    title = ": ".join(filter(None, (run.project, _subject(run))))
    head = (
        f"<h1>{_text(title)}</h1>"
        f'<div class="verdict goes-on"><span class="word mild">RUNNING</span><p class=sentence role=status>{_text(said)}.</p></div>'
    )
    clock = f'<p class=facts><time data-since="{run.started:.0f}"></time> so far{usual}. <code>{_text(run.command_line)}</code></p>'
    return _page(
        "live",
        f"{said}: {run.project}",
        _part("head", head),
        _part("clock", clock),
        _part("gates", _gates(state.gates)),
        _part("failures", _failures(state)),
        _part("broken", _broken(state.gates)),
        home=True,
    )


def _gates(gates: Iterable[GateState]) -> str:
    heads = _row(("state", "gate", "time", "tests", ""), "th")
    rows = "\n".join(map(_gate_row, gates))
    return f'<h2>Gates</h2><div class="scroll"><table>\n<thead>{heads}</thead>\n<tbody>\n{rows}\n</tbody></table></div>'


def _gate_row(gate: GateState) -> str:
    took = ""
    if gate.result is not None:
        took = format_duration(gate.result.duration)
    elif gate.started:
        took = f'<time data-since="{gate.started:.0f}"></time>'
    if gate.result is None and gate.usual:
        took += f' <span class="soft">{"of " if gate.started else ""}about {format_duration(gate.usual)}</span>'
    tests = _text(counts_line(gate.result.tests)) if gate.result is not None and gate.result.tests else _so_far(gate)
    reason = _text(one_line(gate.result.reason, 300)) if gate.result is not None else ""
    kind = _CLASSES.get(gate.word, "soft" if gate.word == "waiting" else "mild")
    return _row(
        (f'<strong class="mark {kind}">{gate.word}</strong>', f"<code>{_text(gate.name)}</code>", took, tests, reason)
    )


def _so_far(gate: GateState) -> str:
    if not gate.tests and not gate.expected:
        return ""
    most = max(gate.expected, gate.tests)
    bad = f', <span class="bad">{gate.bad:,} failed</span>' if gate.bad else ""
    name = f"Tests of {gate.name} that ended"
    return f'<progress aria-label="{_text(name)}" value="{gate.tests}" max="{most}"></progress> {gate.tests:,} of {most:,}{bad}'


def _failures(state: RunState) -> str:
    if not state.bad:
        return ""
    more = f"<p class=soft>Only the first {FAILURES} are shown.</p>" if state.bad > FAILURES else ""
    shown = "\n".join(_failure(number, test) for number, test in enumerate(state.failures))
    return f"<h2>Failed tests so far</h2>\n{shown}\n{more}"


def _failure(number: int, test: TestResult) -> str:
    lines = "\n".join(failure_of(test))
    details = f"<pre>{_text(lines)}</pre>" if lines else ""
    message = f" <span>{_text(one_line(test.message, 300))}</span>" if test.message else ""
    head = f'<span class="bad">{_text(test.outcome.value.upper())}</span> <code>{_text(test.id)}</code>{message}'
    return f"<details id=failure-{number}><summary>{head}</summary>{details}</details>"


def _broken(gates: Iterable[GateState]) -> str:
    """What gates without test results showed that failed."""
    found = [
        f"<h3>{_text(gate.name)}</h3><pre>{_text(chr(10).join(gate.result.excerpt))}</pre>"
        for gate in gates
        if gate.result is not None and gate.result.excerpt
    ]
    return "\n".join(["<h2>Failed gates so far</h2>", *found]) if found else ""


def refusal_page(what: str, remedy: str, *, home: bool = True) -> str:
    """A page for what is not shown.

    Args:
        what: the reason, in a sentence.
        remedy: what to do.
        home: with a link to the list; its address is a secret for those who do not have it.
    """
    return _page("refusal", what, f"<h1>{_text(what)}</h1><p>{_text(remedy)}</p>", home=home)


def _page(kind: str, title: str, *parts: str, home: bool = False) -> str:
    return _PAGE.format(
        kind=kind,
        title=_text(title),
        style=_style(),
        script=_script(),
        home='<nav><a href="../">All runs</a></nav>\n' if home else "",
        parts="\n".join(filter(None, parts)),
    )


def _part(name: str, body: str) -> str:
    """A part of a page that is replaced when it differs."""
    return f'<section data-part="{name}">{body}</section>'


def _row(cells: Iterable[str], tag: str = "td") -> str:
    scope = " scope=col" if tag == "th" else ""
    return "<tr>" + "".join(f"<{tag}{scope}>{cell}</{tag}>" for cell in cells) + "</tr>"


def _text(text: str) -> str:
    return html.escape(clean(text))


@cache
def _style() -> str:
    return f"{asset('page.css')}\n{read_text(Path(__file__).with_name('serve.css'))}"


@cache
def _script() -> str:
    return read_text(Path(__file__).with_name("serve.js"))
