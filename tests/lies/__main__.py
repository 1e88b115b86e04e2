"""`python -m tests.lies [NAME]... [--tool TOOL]... [--write]`: ask every tool about every case, and print who was fooled.

Ends with 1 where gates answers otherwise than the corpus says.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from gates.portable.values import plural
from tests.lies import contestants
from tests.lies.corpus import load
from tests.lies.table import Answers, answers_in, put_into, table, whys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lies.contestants import Answer, Said
    from tests.lies.corpus import Case

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "honesty.md"
PACKAGES = ("pytest", "pytest-xdist", "nox", "tox")
AT_ONCE = 2


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.lies", description="Ask every tool about every lie.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="a case; default: all")
    parser.add_argument("--tool", action="append", choices=[*contestants.TOOLS], help="ask this tool; default: all")
    parser.add_argument("--show", action="store_true", help="print what the tools printed")
    parser.add_argument("--write", action="store_true", help="put the table into the documentation")
    return parser.parse_args(words)


def ask_all(cases: Sequence[Case], tools: Sequence[str], *, show: bool) -> Answers:
    """Ask each tool about each case, two at a time."""

    def ask(pair: tuple[Case, str]) -> tuple[Case, str, Answer, Said]:
        case, tool = pair
        with tempfile.TemporaryDirectory(prefix="lies-", ignore_cleanup_errors=True) as folder:
            return case, tool, *contestants.ask(tool, case, Path(folder))

    answers: Answers = {case.name: {} for case in cases}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for case, tool, answer, said in pool.map(ask, [(case, tool) for case in cases for tool in tools]):
                answers[case.name][tool] = answer
                if answer != "-":
                    print(f"{answer:12} {tool:14} {case.name}", flush=True)
                if show:
                    print(f"exit code {said.code}\n{said.text}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for leader in [*contestants.RUNNING]:
                contestants.end(leader)
            raise
    return answers


def write(answers: Answers) -> None:
    """Put the table into the documentation; cases that were not asked about keep what it says of them."""
    page, cases = PAGE.read_text(encoding="utf-8"), load()
    known = answers_in(page) | answers
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    said = f"Asked on {datetime.now(UTC):%Y-%m-%d}, with Python {sys.version.split()[0]}, {versions}."
    every = {case.name: known[case.name] for case in cases if case.name in known}
    shown = table([case for case in cases if case.name in every], every, [*contestants.TOOLS])
    parts = [said, shown, "Where gates does not tell the truth:", "\n".join(whys(cases))]
    PAGE.write_text(put_into(page, "\n\n".join(parts)), encoding="utf-8")


def main(words: list[str] | None = None) -> int:
    """Run the corpus."""
    wanted = arguments(words)
    cases = [case for case in load() if not wanted.names or case.name in wanted.names]
    unknown = set(wanted.names) - {case.name for case in cases}
    if unknown:
        sys.stderr.write(f"no case has the name {', '.join(sorted(unknown))}\n")
        return 2
    if wanted.write and wanted.tool:
        sys.stderr.write("--write needs all tools\n")
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    began, tools = time.monotonic(), wanted.tool or contestants.available()
    answers = ask_all(cases, tools, show=wanted.show)
    text = table(cases, answers, tools)
    print(text)
    if wanted.write:
        write(answers)
    other = [case.name for case in cases if answers[case.name].get(contestants.GATES, "-") not in (case.ours, "-")]
    if other:
        print(f"gates answers otherwise than the corpus says: {', '.join(other)}")
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    print(f"{plural(len(cases), 'case')}, {plural(len(tools), 'tool')}, {minutes} min {seconds} s")
    return int(bool(other))


if __name__ == "__main__":
    sys.exit(main())
