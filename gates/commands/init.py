"""`gates init`: look at the project and write a starter config."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from gates.config.load import OWN_FILE, PROJECT_FILE
from gates.files.folders import Folder
from gates.planning.discover import NOXFILE, TAG, list_sessions
from gates.portable.errors import EnvironmentProblem, UsageError
from gates.portable.regular import read_text
from gates.portable.values import plural
from gates.readers.toml import read_toml, table_at
from gates.results.files import as_bytes
from gates.starter.builds import BUILD_FILES, Command, commands_of
from gates.starter.noxfile import noxfile
from gates.starter.python_project import look


def write_starter(root: Path, *, force: bool = False, only_print: bool = False) -> str:
    """Write the starter files that the project lacks; return what was done and what comes next, for people.

    Raises:
        UsageError: a config already exists.
    """
    files, advice = starter(root)
    if only_print:
        return "\n".join(f"# {name}\n{text}" for name, text in files.items())
    for name in files:
        path = root / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise UsageError(
                f"{name} is not a plain file", place=str(path), got="a link, or a folder", remedy="move it away"
            )
        if path.exists() and not force:
            raise UsageError(f"{name} exists", place=str(root / name), remedy="gates init --force replaces it")
    if OWN_FILE in files and "gates" in table_at(
        read_toml(root / PROJECT_FILE), "tool"
    ):  # even with --force: every other command refuses two configs
        raise UsageError(
            f"[tool.gates] of {PROJECT_FILE} exists",
            place=str(root / PROJECT_FILE),
            remedy="gates init --print shows the starter",
        )
    for name, text in files.items():
        _write(root, name, as_bytes(text), force=force)
    written = "".join(f"wrote {root / name}\n" for name in files)
    return f"{written}{advice}\nthen: gates list, gates run\n"


def _write(root: Path, name: str, data: bytes, *, force: bool) -> None:
    try:
        with Folder.of(root) as folder:
            if not force:
                os.close(folder.create(name))  # a file that appeared meanwhile stays
            folder.put(name, data)
    except OSError as error:
        raise EnvironmentProblem(
            f"the file cannot be written: {error.strerror or error}",
            place=str(root / name),
            remedy="make the folder writable; gates init --print shows the file",
        ) from error


def starter(root: Path) -> tuple[dict[str, str], str]:
    """The files to write, by name, and sentences about what was found.

    Raises:
        UsageError: there is nothing to check.
    """
    if (root / NOXFILE).exists():
        return _for_noxfile(root)
    files: dict[str, str] = {}
    said: list[str] = []
    project = look(root)
    if project is not None and (text := noxfile(project)):
        files[NOXFILE] = text
        said.append(f"found a Python project without a noxfile ({', '.join(sorted(project.tools)) or 'no known tool'})")
        if "pytest" not in project.tools:
            said.append("found no test, so there is no gate for tests")
    builds = commands_of(root)
    if files and not builds.keys() - {"Makefile"}:  # in a Python project, make calls the same tools
        return files, "\n".join(said)
    if builds:
        files[OWN_FILE] = _HEAD + _SETTINGS + "\n# Plain commands, started without a shell.\n" + _tables(builds)
        said += [f"saw {name}" for name in builds]
        said += _unignored(root, builds)
    if not files:
        raise UsageError(
            "nothing was found here that could be checked",
            place=str(root),
            expected=f"a noxfile, a Python project, or one of {', '.join(BUILD_FILES)}",
            remedy=f'write {OWN_FILE} with your own command: [gate.test] command = ["sh", "run-tests.sh"]',
        )
    return files, "\n".join(said)


def _tables(builds: Mapping[str, Sequence[Command]]) -> str:
    return "".join(map(_table, (command for commands in builds.values() for command in commands)))


def _table(command: Command) -> str:
    lines = [f"[gate.{_key(command.name)}]", f"title = {_quote(command.title)}", f"command = {_quote(command.command)}"]
    if command.needs:
        lines.append(f"needs = [{', '.join(map(_quote, command.needs))}]")
    if command.junit:
        lines += ['tests = "junit"', f"junit = [{_quote(command.junit)}]"]
    return "\n" + "\n".join(lines) + "\n"


def _unignored(root: Path, builds: Mapping[str, Sequence[Command]]) -> list[str]:
    """What to add to .gitignore: a gate that leaves new files is reported, and the tree is no longer clean."""
    ignored = root / ".gitignore"
    if not builds.keys() & {"CMakeLists.txt", "meson.build"} or (ignored.is_file() and "build" in read_text(ignored)):
        return []
    return ["add /build/ to .gitignore: the gates build there"]


def _for_noxfile(root: Path) -> tuple[dict[str, str], str]:
    sessions = list_sessions(root)
    tagged = [session for session in sessions if TAG in session.tags]
    if tagged:
        names = ", ".join(session.signature for session in tagged)
        text = _HEAD + f"# The noxfile tags these sessions {TAG!r}: {names}\n" + _SETTINGS
        return {OWN_FILE: text}, f"found {NOXFILE} with tagged sessions: {names}"
    # Sessions that the noxfile does not run by default need things that not every machine has: conda, release secrets.
    default = {session.name for session in list_sessions(root, only_default=True)}
    names_seen = list(dict.fromkeys(session.name for session in sessions))
    usual = [name for name in names_seen if name in default] or names_seen
    chosen = [name for name in usual if _looks_like_gate(name)] or usual
    tables = "".join(f"\n[gate.{_key(name)}]\nsession = {_quote(name)}\n" for name in chosen)
    about = (
        f"# Sessions of the noxfile that a merge should wait for. Tagging them does the same:\n"
        f"#     @nox.session(tags=[{TAG!r}])\n"
    )
    left = [name for name in names_seen if name not in chosen]
    rest = f"# Left out: {', '.join(left)}\n" if left else ""
    return {
        OWN_FILE: _HEAD + _SETTINGS + "\n" + about + rest + tables
    }, f"found {NOXFILE} with {plural(len(names_seen), 'session')}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quote(name)


def _quote(text: str) -> str:
    """A TOML text: as in JSON, but characters outside the first plane stand as they are, and DEL does not."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def _looks_like_gate(name: str) -> bool:
    words = ("test", "lint", "type", "mypy", "docs", "doc", "build", "format", "check", "style", "min")
    return any(word in name.lower() for word in words)


_HEAD = "# Gates: what must pass before a merge. `gates list` shows them, `gates run` runs them.\n"
_SETTINGS = """
# base = "main"          # changes are shown against it
# timeout = "30m"        # for a gate
# test-timeout = "60s"   # for a test, where pytest runs under xdist
# accept-could-not-run = []

# [exclusions.NAME]      # tests that do not count yet
# filter = "test(name)"
# reason = ""
# category = "unimplemented"   # todo, hang, flaky, environment
# owner = ""
# expires = 2030-01-01
"""
