"""How each tool is asked to check the project of a case, as its users would ask it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from tests.integration.project import clean_environment, program
from tests.warm import LEAN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lies.corpus import Case

Answer = Literal["right", "fooled", "false alarm", "hangs", "-"]
"""`-`: the tool has no such function, or the case is about another one."""

PATIENCE = 60.0
PYTEST, XDIST, NOX, TOX, SHELL, GATES = "pytest", "pytest-xdist", "nox", "tox", "shell script", "gates"


class Said(msgspec.Struct, frozen=True):
    """How a tool ended, and all that it told: its output, and its summary if it writes one."""

    code: int
    text: str


RUNNING: set[int] = set()
"""Calls that go on; each leads a group of processes."""

Run = Callable[["Workshop", tuple[str, ...]], Said]


class Workshop:
    """The project of a case, made anew in a folder for one tool."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case = case
        self.folder = folder / "project"
        self.environment = clean_environment(folder / "cache") | {"PYTHONDONTWRITEBYTECODE": "1", **case.env}
        for name, text in case.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.filled(text), encoding="utf-8")
        self.folder.mkdir(parents=True, exist_ok=True)

    def filled(self, text: str) -> str:
        """The text with this machine's words for `{python}`, `{pytest}` and `{gates}`."""
        words = {"{python}": sys.executable, "{pytest}": shlex.join(self.pytest()), "{gates}": shlex.join(program())}
        for name, value in words.items():
            text = text.replace(name, value)
        return text

    def pytest(self, *more: str) -> tuple[str, ...]:
        """The words that start pytest on this case."""
        workers = ("-n", "2") if self.case.workers else ()
        return (sys.executable, "-m", "pytest", *LEAN, *workers, *more, *self.case.arguments)

    def lines(self) -> tuple[str, ...]:
        """What is to be checked, as lines of a shell."""
        return tuple(map(self.filled, self.case.commands)) or (shlex.join(self.pytest()),)

    def write(self, name: str, text: str) -> None:
        """Write a file of the tool that is asked, where the case has none."""
        if name not in self.case.files:
            (self.folder / name).write_text(text, encoding="utf-8")

    def prepare(self) -> None:
        """Run the lines that come before anyone looks."""
        if self.case.setup:
            words = ("sh", "-e", "-c", self.filled(self.case.setup))
            subprocess.run(words, cwd=self.folder, env=self.environment, check=True, capture_output=True)

    def call(self, *words: str) -> Said:
        """Run a program to its end.

        Raises:
            subprocess.TimeoutExpired: it hangs.
        """
        if "sh" in words[:1]:
            words = tuple(map(self.filled, words))
        with subprocess.Popen(
            words, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        ) as process:  # fmt: skip
            RUNNING.add(process.pid)
            try:
                text, _ = process.communicate(timeout=PATIENCE)
            finally:
                end(process.pid)
                self.sweep()
                RUNNING.discard(process.pid)
        return Said(process.returncode, text)

    def sweep(self) -> None:
        """End what still runs in the project's folder, in whichever session; only where the system tells."""
        for place in Path("/proc").glob("[0-9]*/cwd"):
            with suppress(OSError):
                if place.readlink().is_relative_to(self.folder.resolve()):
                    os.kill(int(place.parent.name), signal.SIGKILL)


def end(leader: int) -> None:
    """Kill a call with all processes of its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def can_be_asked(tool: str, case: Case) -> bool:
    """Whether the case is about something that the tool does."""
    if case.only:
        return tool in case.only
    return not (case.commands and tool in (PYTEST, XDIST))


def ask_pytest(shop: Workshop) -> Said:
    """`pytest`."""
    return shop.call(*shop.pytest())


def ask_xdist(shop: Workshop) -> Said:
    """`pytest -n 2`."""
    return shop.call(*shop.pytest(*(() if shop.case.workers else ("-n", "2"))))


def ask_nox(shop: Workshop) -> Said:
    """`nox`, with a session that runs each line."""
    calls = "\n".join(f"    session.run('sh', '-c', {line!r}, external=True)" for line in shop.lines())
    shop.write("noxfile.py", f"import nox\n\n@nox.session(venv_backend='none')\ndef check(session):\n{calls}\n")
    return shop.call(sys.executable, "-m", "nox")


def ask_tox(shop: Workshop) -> Said:
    """`tox`, with an environment that runs each line."""
    lines = []
    for number, line in enumerate(shop.lines()):
        shop.write(f"tox-{number}.sh", line + "\n")
        lines.append(f"    sh tox-{number}.sh")
    head = "[tox]\nskipsdist = true\n[testenv:check]\nskip_install = true\nallowlist_externals = sh\npass_env = *\n"
    shop.write("tox.ini", f"{head}commands =\n" + "\n".join(lines) + "\n")
    return shop.call(sys.executable, "-m", "tox", "-q", "-e", "check")


def ask_shell(shop: Workshop) -> Said:
    """`sh check.sh`, with `set -e` at its top."""
    shop.write("check.sh", "set -e\n" + "\n".join(shop.lines()) + "\n")
    return shop.call("sh", "check.sh")


def gates_config(shop: Workshop) -> str:
    """The config of gates, with a gate a line."""
    case = shop.case
    if "[gate." in case.config:
        return shop.filled(case.config)
    tests = case.tests or ("auto" if case.commands else "pytest")
    tables = []
    for number, line in enumerate(shop.lines()):
        words = (
            ["sh", "-c", line]
            if set(line) & set("|&;<>$`(){}*?~!#\n") or line.startswith("env ")
            else shlex.split(line)
        )
        tables.append(f'[gate.check{number or ""}]\ncommand = {json.dumps(words)}\ntests = "{tests}"\n')
        if number:
            tables[-1] += f'needs = ["check{number - 1 or ""}"]\n'
    return "\n".join([shop.filled(case.config), *tables])


def ask_gates(shop: Workshop, call: Callable[[Workshop, tuple[str, ...]], Said] | None = None) -> Said:
    """`gates run`, or what the case asks for."""
    if "noxfile.py" not in shop.case.files:
        shop.write("gates.toml", gates_config(shop))
    said = Said(0, "")
    for words in shop.case.gates:
        said = shop.call(*words) if words[0] == "sh" else (call or _start_gates)(shop, words)
    summary = shop.folder / "reports" / "summary.md"
    return Said(said.code, said.text + (summary.read_text(encoding="utf-8") if summary.is_file() else ""))


def _start_gates(shop: Workshop, words: tuple[str, ...]) -> Said:
    return shop.call(*program(), *words)


TOOLS: Mapping[str, Callable[[Workshop], Said]] = {
    PYTEST: ask_pytest,
    XDIST: ask_xdist,
    NOX: ask_nox,
    TOX: ask_tox,
    SHELL: ask_shell,
    GATES: ask_gates,
}


def judge(case: Case, said: Said, folder: Path) -> Answer:
    """Whether the tool told the truth."""
    if case.honest == "green":
        return "right" if said.code == 0 else "false alarm"
    if case.honest == "said":
        return "right" if said.code or re.search(case.says, said.text, re.IGNORECASE) else "fooled"
    if case.honest == "unsaid":
        return "fooled" if re.search(case.says, said.text) else "right"
    if case.honest == "unwritten":
        reports = [path.read_text(errors="replace") for path in (folder / "reports").rglob("*") if path.is_file()]
        return "fooled" if any(re.search(case.says, text) for text in (said.text, *reports)) else "right"
    if case.honest == "kept":
        there = all((folder / name).is_file() for name in case.keeps)
        as_before = there and all(
            (folder / name).read_text() == case.files[name] for name in case.keeps if name in case.files
        )
        return "right" if as_before else "fooled"
    return "right" if said.code else "fooled"


def ask(tool: str, case: Case, folder: Path, how: Callable[[Workshop], Said] | None = None) -> tuple[Answer, Said]:
    """What a tool says of a case, and whether that is so.

    Args:
        tool: its name.
        case: the case.
        folder: an empty one.
        how: asks the tool, where not as its users do.
    """
    if not can_be_asked(tool, case):
        return "-", Said(0, "")
    shop = Workshop(case, folder)
    shop.prepare()
    try:
        said = (how or TOOLS[tool])(shop)
    except subprocess.TimeoutExpired as error:
        return "hangs", Said(-1, str(error))
    return judge(case, said, shop.folder), said


def available() -> tuple[str, ...]:
    """The tools that this environment has."""
    from importlib.util import find_spec

    needed = {PYTEST: "pytest", XDIST: "xdist", NOX: "nox", TOX: "tox", GATES: "gates"}
    return tuple(
        tool
        for tool in TOOLS
        if (
            find_spec(needed[tool]) is not None
            if tool in needed
            else shutil.which("sh") is not None and os.name == "posix"
        )
    )
