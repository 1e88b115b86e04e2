"""Find the gates of a project: sessions that nox lists with the tag `gate`, and plain commands of the config."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import msgspec

from gates.config import Config, FindingsSource, GateConfig
from gates.portable.errors import ManyErrors, UsageError
from gates.portable.filters.nearest import meant
from gates.portable.regular import open_file
from gates.portable.values import plural

TAG = "gate"
NOXFILE = "noxfile.py"

CHECKERS = frozenset(
    (
        *("lint", "lints", "linting", "linter", "types", "typing", "typecheck", "type-check", "type_check"),
        *("mypy", "pyright", "basedpyright", "ty", "pyre", "pytype", "ruff", "flake8", "pyflakes", "pylint"),
        *("clippy", "eslint", "tsc", "cppcheck", "clang-tidy", "clang_tidy"),
    )
)
"""Names of gates whose logs are read for diagnostics unless the config says otherwise."""

Launcher = Callable[[Sequence[str], Path], "subprocess.CompletedProcess[str]"]
"""Runs a command in a folder and returns its output; tests pass a fake."""


class Session(msgspec.Struct, frozen=True):
    """One line of nox's listing: a session with its signature, or one instance of a parametrised one."""

    signature: str
    name: str
    description: str = ""
    python: str = ""
    tags: tuple[str, ...] = ()


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """A named check that a run may contain.

    Attributes:
        name: unique; the signature of a nox session, or the name in the config.
        group: the bare name, which selects all instances of a parametrised session.
        kind: where it comes from.
        title: one line; may be empty.
        python: interpreter that nox was asked for; may be empty.
        config: what the config adds.
    """

    name: str
    group: str
    kind: Literal["nox", "command"]
    signature: str = ""
    title: str = ""
    python: str = ""
    config: GateConfig

    @property
    def findings(self) -> FindingsSource:
        """Where its diagnostics are: as configured; else the log, if its name or group shows that it checks sources."""
        if self.config.findings is not None:
            return self.config.findings
        tests = self.config.tests in {"pytest", "junit"}
        return "log" if not tests and not CHECKERS.isdisjoint((self.name, self.group)) else "none"

    @property
    def has_artifacts(self) -> bool:
        """Whether it has something besides tests that can be compared."""
        return self.findings not in {"none", ()} or bool(self.config.coverage)


def launch(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; the usual `Launcher`."""
    # These would make nox list only some sessions, and silently shorten the checklist.
    environment = {key: value for key, value in os.environ.items() if key not in {"NOXSESSION", "NOXPYTHON"}}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        check=False,
    )


def nox_command(*arguments: str) -> tuple[str, ...]:
    """The nox that was installed with gates, not one on PATH."""
    return (sys.executable, "-m", "nox", "-f", NOXFILE, *arguments)


def list_sessions(
    root: Path, launcher: Launcher = launch, nox_args: Sequence[str] = (), *, only_default: bool = False
) -> tuple[Session, ...]:
    """What nox lists in `root`, or only what it runs by default; nothing without a noxfile.

    Raises:
        UsageError: the noxfile is broken.
    """
    try:
        open_file(root / NOXFILE).close()  # nox itself would wait for a FIFO forever
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", place=str(root / NOXFILE)) from error
    # Without a keyword nox lists what the noxfile selects by default, not everything.
    every = () if only_default else ("-k", "not gates_lists_every_session")
    done = launcher(nox_command("--list", "--json", *every, *nox_args), root)
    listing = _listing(done.stdout)
    if done.returncode == 0 and not listing and every:  # the noxfile selects its own tags, which only a tag overrides
        done = launcher(nox_command("--list", "--json", "-t", TAG, *nox_args), root)
        listing = _listing(done.stdout)
    if done.returncode != 0 or listing is None:
        raise UsageError(
            "nox cannot list the sessions of this noxfile",
            place=_place_in_noxfile(root, done.stdout + done.stderr),
            got=_last_words(done.stderr or done.stdout) or f"exit code {done.returncode}",
            remedy="try: nox --list",
        )
    return tuple(
        Session(
            signature=entry.session,
            name=entry.name,
            description=(entry.description or "").strip().split("\n")[0],
            python=str(entry.python or ""),
            tags=tuple(entry.tags or ()),
        )
        for entry in listing
    )


class _Listed(msgspec.Struct):
    """One session as nox's JSON has it."""

    session: str
    name: str
    description: str | None = None
    python: Any = None
    tags: list[str] | None = None


def _listing(output: str) -> list[_Listed] | None:
    """The last line that is a listing: a noxfile may print anything around it, even JSON."""
    found = None
    for line in reversed(output.split("\n")):
        if line.startswith("["):
            with suppress(ValueError):
                found = msgspec.json.decode(line, type=list[_Listed])
        if found:
            break
    return found


def _place_in_noxfile(root: Path, output: str) -> str:
    lines = re.findall(r'File "[^"\n]*noxfile\.py", line (\d+)', output)
    return f"{root / NOXFILE}:{lines[-1]}" if lines else str(root / NOXFILE)


def _last_words(output: str) -> str:
    lines = [line for line in output.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def discover(root: Path, config: Config, launcher: Launcher = launch) -> tuple[Gate, ...]:
    """All gates of the project: nox sessions in the noxfile's order, then plain commands in the config's.

    Raises:
        UsageError: there is nothing to discover.
        ManyErrors: the config names gates that do not exist.
    """
    sessions = list_sessions(root, launcher, config.nox_args)
    adopted = {gate.session: gate for gate in config.gates.values() if gate.session}
    gates = []
    for session in sessions:
        own = adopted.get(session.signature) or adopted.get(session.name)
        if own is None and TAG not in session.tags:
            continue
        gates.append(_nox_gate(session, own, config))
    gates += [
        Gate(name=name, group=name, kind="command", title=own.title, config=own)
        for name, own in config.gates.items()
        if own.command
    ]
    _refuse_unknown(config, gates, sessions)
    if not gates:
        raise UsageError(
            "no gate found",
            place=str(root),
            expected=f"a nox session with the tag {TAG!r}, or [gate.NAME] with a command in gates.toml",
            got=f"{plural(len(sessions), 'nox session')}, none with the tag"
            if sessions
            else "no noxfile.py, no gates.toml",
            remedy="gates init writes a starter",
        )
    return tuple(gates)


def _nox_gate(session: Session, own: GateConfig | None, config: Config) -> Gate:
    name = session.signature
    if own is not None and own.session == session.signature:
        name = own.name
    settings = own or config.gates.get(session.signature) or config.gates.get(session.name)
    return Gate(
        name=name,
        group=own.name if own else session.name,
        kind="nox",
        signature=session.signature,
        title=(settings.title if settings else "") or session.description,
        python=session.python,
        config=settings or GateConfig(name=name),
    )


def _refuse_unknown(config: Config, gates: Sequence[Gate], sessions: Sequence[Session]) -> None:
    known = {gate.name for gate in gates} | {gate.group for gate in gates}
    untagged = {session.name for session in sessions} | {session.signature for session in sessions}
    file = config.path.name if config.path else ""
    errors = [*_twice(config, gates, file)]

    def unknown(name: str, where: str) -> None:
        if name in untagged:
            remedy = f"give the session the tag {TAG!r}, or write session = {name!r} into its table"
        else:
            remedy = meant(name, known, f"known gates: {', '.join(sorted(known)) or 'none'}")
        errors.append(UsageError(f"no gate is named {name!r} ({where})", place=file, remedy=remedy))

    for name, own in config.gates.items():
        if own.session and own.session not in untagged:
            errors.append(UsageError(f"nox lists no session {own.session!r} ([gate.{name}])", place=file))
        elif not own.command and not own.session and name not in known:
            unknown(name, f"[gate.{name}]")
        for need in own.needs:
            if need == name:
                errors.append(UsageError(f"gate {name!r} needs itself", place=file, remedy="remove this need"))
            elif need not in known:
                unknown(need, f"needs of {name}")
    for name in config.accept_could_not_run:
        if name not in known:
            unknown(name, "accept-could-not-run")
    for profile in config.profiles.values():
        for name in profile.gates or ():
            if name not in known:
                unknown(name, f"profile {profile.name}")
    if errors:
        raise ManyErrors(tuple(errors))


def _twice(config: Config, gates: Sequence[Gate], file: str) -> Iterator[UsageError]:
    """Report names that several gates have, and sessions that several tables adopt."""
    adopters: dict[str, str] = {}
    for own in config.gates.values():
        if own.session and adopters.setdefault(own.session, own.name) != own.name:
            what = f"[gate.{adopters[own.session]}] and [gate.{own.name}] are the same session {own.session!r}"
            yield UsageError(what, place=file, remedy="keep one of them")
    sources: dict[str, list[str]] = {}
    for gate in gates:
        what = f"the nox session {gate.signature!r}" if gate.kind == "nox" else "a command"
        sources.setdefault(gate.name, []).append(what)
    for name, several in sources.items():
        if len(several) > 1:
            remedy = f"rename the table [gate.{name}]"
            yield UsageError(f"two gates are named {name!r}", place=file, got=" and ".join(several), remedy=remedy)
