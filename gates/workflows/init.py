"""`gates init`: a starter, after looking at what is there."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from gates.config.load import OWN_FILE, PROJECT_FILE
from gates.discover import NOXFILE, TAG, list_sessions
from gates.errors import UsageError
from gates.regular import read_text
from gates.results.files import write_whole
from gates.values import plural

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Command = tuple[str, str, str]
"""Name, command, title of a gate."""


def write_starter(root: Path, *, force: bool = False, only_print: bool = False) -> str:
    """Write the starter files that the project lacks; what was done and what comes next, for people.

    Raises:
        UsageError: there is a config already.
    """
    files, advice = starter(root)
    if only_print:
        return "\n".join(f"# {name}\n{text}" for name, text in files.items())
    if not force:
        for name in files:
            if (root / name).exists():
                raise UsageError(f"{name} exists", place=str(root / name), remedy="gates init --force replaces it")
    if OWN_FILE in files and _tool_gates(root):  # with --force, too: two configs are refused by every other command
        raise UsageError(
            f"[tool.gates] of {PROJECT_FILE} exists",
            place=str(root / PROJECT_FILE),
            remedy="gates init --print shows the starter",
        )
    for name, text in files.items():
        write_whole(root / name, text)
    written = "".join(f"wrote {root / name}\n" for name in files)
    return f"{written}{advice}\nthen: gates list, gates run\n"


def starter(root: Path) -> tuple[dict[str, str], str]:
    """The files to write, by name, and a sentence on what was seen."""
    if (root / NOXFILE).exists():
        return _for_noxfile(root)
    if (root / PROJECT_FILE).exists() or (root / "setup.py").exists():
        return _for_python(root)
    return _for_commands(root)


def _for_noxfile(root: Path) -> tuple[dict[str, str], str]:
    sessions = list_sessions(root)
    tagged = [session for session in sessions if TAG in session.tags]
    if tagged:
        names = ", ".join(session.signature for session in tagged)
        text = _HEAD + f"# The noxfile tags these sessions {TAG!r}: {names}\n" + _SETTINGS
        return {OWN_FILE: text}, f"saw {NOXFILE} with tagged sessions: {names}"
    # What the noxfile does not run by default needs more than every machine has: conda, a release's secrets.
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
    }, f"saw {NOXFILE} with {plural(len(names_seen), 'session')}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quote(name)


def _quote(text: str) -> str:
    """A TOML text: as in JSON, but characters outside the first plane stand as they are, and DEL does not."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def _looks_like_gate(name: str) -> bool:
    words = ("test", "lint", "type", "mypy", "docs", "doc", "build", "format", "check", "style", "min")
    return any(word in name.lower() for word in words)


def _for_python(root: Path) -> tuple[dict[str, str], str]:
    tools = _tools(root)
    sessions = ['import nox\n\nnox.options.default_venv_backend = "uv|virtualenv"\n']
    install = "." if (root / PROJECT_FILE).exists() or (root / "setup.py").exists() else ""
    if (root / PROJECT_FILE).exists():
        sessions.append(_session("build", '"build"', ['"python", "-m", "build"']))
    if "ruff" in tools or "flake8" not in tools:
        sessions.append(_session("lint", '"ruff"', ['"ruff", "check"']))
    if "flake8" in tools:
        sessions.append(_session("flake8", '"flake8"', ['"flake8"']))
    if "black" in tools:
        sessions.append(_session("black", '"black"', ['"black", "--check", "."']))
    if "mypy" in tools:
        sessions.append(_session("types", f'"mypy", "{install}"', ['"mypy", "."']))
    if "tests" in tools:
        sessions.append(_session("test", f'"pytest", "{install}"', ['"pytest", *session.posargs']))
    text = "\n".join(sessions)
    seen = ", ".join(sorted(tools)) or "no known tool"
    return {NOXFILE: text}, f"saw a Python project without a noxfile ({seen})"


def _session(name: str, install: str, commands: list[str]) -> str:
    runs = "".join(f"    session.run({command})\n" for command in commands)
    return f'\n@nox.session(tags=["{TAG}"])\ndef {name}(session: nox.Session) -> None:\n    session.install({install})\n{runs}'


def _tools(root: Path) -> set[str]:
    table: dict[str, Any] = {}
    if (root / PROJECT_FILE).exists():
        try:
            table = tomllib.loads(read_text(root / PROJECT_FILE)).get("tool", {})
        except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError):
            table = {}
    found: set[str] = {name for name in ("ruff", "mypy", "black", "pytest") if name in table}
    files = {
        "ruff.toml": "ruff",
        ".ruff.toml": "ruff",
        "mypy.ini": "mypy",
        ".mypy.ini": "mypy",
        ".flake8": "flake8",
        "pytest.ini": "pytest",
        "tox.ini": "tox",
    }
    found |= {tool for name, tool in files.items() if (root / name).exists()}
    if any((root / name).is_dir() for name in ("tests", "test")) or "pytest" in found:
        found.add("tests")
    return found


def _for_commands(root: Path) -> tuple[dict[str, str], str]:
    for name, commands in _KINDS:
        if (root / name).exists():
            found, about = commands(root), f"saw {name}"
            break
    else:
        found, about = [("check", "true", "Replace this command by your own")], "saw no build file that is known"
    tables = "".join(
        f"\n[gate.{_key(gate)}]\ntitle = {_quote(title)}\ncommand = {_quote(command)}\n"
        for gate, command, title in found
    )
    return {OWN_FILE: _HEAD + _SETTINGS + "\n# Plain commands, started without a shell.\n" + tables}, about


def _cargo(root: Path) -> list[Command]:
    locked = " --locked" if (root / "Cargo.lock").exists() else ""
    return [
        ("build", f"cargo build{locked} --workspace", "Build"),
        ("lint", "cargo clippy --workspace --all-targets -- -D warnings", "Clippy"),
        ("format", "cargo fmt --all -- --check", "Format"),
        ("docs", f"cargo doc{locked} --no-deps --workspace", "Docs"),
        ("test", "cargo test --workspace --no-fail-fast", "Tests"),
    ]


def _npm(root: Path) -> list[Command]:
    try:
        scripts = dict(json.loads(read_text(root / "package.json"))["scripts"])
    except (OSError, ValueError, TypeError, LookupError):
        scripts = {}
    wanted = ("build", "lint", "typecheck", "format:check", "test")
    found = [(name.replace(":", "-"), f"npm run {name}", str(scripts[name])) for name in wanted if name in scripts]
    return found or [("test", "npm test", "Tests")]


def _go(_root: Path) -> list[Command]:
    return [
        ("build", "go build ./...", "Build"),
        ("lint", "go vet ./...", "Vet"),
        ("test", "go test ./...", "Tests"),
    ]


def _make(root: Path) -> list[Command]:
    lines = read_text(root / "Makefile", errors="replace").splitlines()
    rules = [line for line in lines if re.match(r"[^\t#.=:][^=:]*::?(?!=)", line)]
    targets = {target for line in rules for target in line.split(":")[0].split()}
    names = [name for name in ("build", "lint", "format-check", "docs", "check", "test") if name in targets]
    return [(name, f"make {name}", f"make {name}") for name in names or ("all",)]


_KINDS: tuple[tuple[str, Callable[[Path], list[Command]]], ...] = (
    ("Cargo.toml", _cargo),
    ("package.json", _npm),
    ("go.mod", _go),
    ("Makefile", _make),
)

_HEAD = "# Gates: what must pass before a merge. `gates list` shows them, `gates run` runs them.\n"
_SETTINGS = """
# base = "main"          # changes are shown against it
# timeout = "30m"        # for a gate
# test-timeout = "60s"   # for a test, where pytest runs under xdist
# accept-could-not-run = []

# [exclusions.NAME]      # tests known not to count yet
# filter = "test(name)"
# reason = ""
# category = "unimplemented"   # todo, hang, flaky, environment
# owner = ""
# expires = 2030-01-01
"""


def _tool_gates(root: Path) -> bool:
    path = root / PROJECT_FILE
    if not path.exists():
        return False
    try:
        return "gates" in tomllib.loads(read_text(path)).get("tool", {})
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError):
        return False
